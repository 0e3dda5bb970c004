"""Samples -> an image of a smaller size, each pixel the mean of the area that it covers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats
from sss_model.image_io.pixel_values import image_from_array, over_white, unit_range

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_BLOCK_PIXELS = 1 << 18


def reduced_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """(H, W) of a picture of `size` (H, W) whose longer side shall have `long_side` pixels at most.

    Examples
    --------
    >>> reduced_size((3000, 4000), 640), reduced_size((30, 40), 640)
    ((480, 640), (30, 40))
    """
    scale = min(1.0, long_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def area_average(samples: NDArray[Any], size: tuple[int, int], *, name: str = "The picture") -> Floats:
    """`samples`, as `image_from_array` takes them, as an image of `size` (H, W), which must not be larger.

    A pixel on a border counts by the part of it that lies inside. Whole numbers go by few rows, so that no float copy
    of the whole is made; colours are laid over white first where they have alpha.
    """
    planes = samples if samples.ndim == 3 else samples[..., None]
    if planes.shape[:2] == size or planes.ndim != 3 or planes.dtype.kind == "f":
        planes = image_from_array(samples, name=name)
    if planes.shape[:2] == size:
        return planes
    mean = AreaMean(planes.shape[:2], size, 3 if planes.shape[2] >= 3 else 1)
    rows = max(1, _BLOCK_PIXELS // planes.shape[1])
    for y in range(0, planes.shape[0], rows):
        mean.add(over_white(unit_range(planes[y : y + rows], name=name)))
    return image_from_array(np.clip(mean.result, 0, 1), name=name)


class AreaMean:
    """A picture's means over areas, of rows that come one stripe after the other.

    Parameters
    ----------
    source, target : (H, W) of the picture and (h, w) of the means, not larger
    channels : of both

    Attributes
    ----------
    result : (h, w, C) float32; whole once all rows were added
    """

    def __init__(self, source: tuple[int, int], target: tuple[int, int], channels: int) -> None:
        self._down, self._across = (_overlaps(*axis) for axis in zip(source, target, strict=True))
        self._added = 0
        self.result = np.zeros((*target, channels), np.float32)

    def add(self, rows: NDArray[np.float32]) -> None:
        """Add the next `rows` (n, W, C)."""
        (count, width, channels), (target, source) = rows.shape, self._down.shape
        first, end = self._added * target // source, -(-(self._added + count) * target // source)
        weights = self._down[first:end][:, self._added : self._added + count]
        sums = (weights @ rows.reshape(count, -1)).reshape(-1, width, channels).swapaxes(0, 1)
        means = (self._across @ np.ascontiguousarray(sums).reshape(width, -1)).reshape(-1, end - first, channels)
        self.result[first:end] += means.swapaxes(0, 1)
        self._added += count


def _overlaps(source: int, target: int) -> csr_array:
    """How much of what each of `target` pixels covers lies in each of `source` pixels: rows of sum 1."""
    edges = np.arange(target + 1) * source / target
    low, high = edges[:-1, None], edges[1:, None]
    cells = low.astype(np.int64) + np.arange(math.ceil(source / target) + 1)
    weights = np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, None) * (cells < source)
    weights /= weights.sum(axis=1, keepdims=True)
    places = np.broadcast_to(np.arange(target)[:, None], cells.shape).ravel(), cells.clip(0, source - 1).ravel()
    from scipy.sparse import csr_array  # when it is needed: the window starts without scipy

    return csr_array((weights.astype(np.float32).ravel(), places), shape=(target, source))
