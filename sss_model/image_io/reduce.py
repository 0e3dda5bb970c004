"""Samples -> an image of a smaller size, each pixel the mean of the area that it covers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io.pixel_values import Image, image_from_array, unit_range


def reduced_size(size: tuple[int, int], long_side: int) -> tuple[int, int]:
    """(H, W) of a picture of `size` (H, W) whose longer side shall have `long_side` pixels at most.

    Examples
    --------
    >>> reduced_size((3000, 4000), 640), reduced_size((30, 40), 640)
    ((480, 640), (30, 40))
    """
    scale = min(1.0, long_side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def area_average(samples: NDArray[Any], size: tuple[int, int], *, name: str = "The picture") -> Image:
    """`samples`, as `image_from_array` takes them, as an image of `size` (H, W), which must not be larger.

    A pixel on a border counts by the part of it that lies inside. Whole numbers go by few rows, so that no float copy
    of the whole is made; with alpha, colours are laid over white first.
    """
    planes = samples if samples.ndim == 3 else samples[..., None]
    if planes.shape[:2] == size or planes.ndim != 3 or planes.shape[2] in (2, 4) or planes.dtype.kind == "f":
        planes = image_from_array(samples, name=name)
    if planes.shape[:2] == size:
        return planes
    result = np.empty((*size, planes.shape[2]), np.float32)
    across = np.zeros((size[1], planes.shape[1]), np.float32)
    for x in range(size[1]):
        first, weights = _overlap(x, planes.shape[1], size[1])
        across[x, first : first + len(weights)] = weights
    for y in range(size[0]):
        first, weights = _overlap(y, planes.shape[0], size[0])
        rows = unit_range(planes[first : first + len(weights)], name=name)
        result[y] = across @ np.tensordot(weights, rows, axes=1)
    return image_from_array(np.clip(result, 0, 1), name=name)


def _overlap(place: int, source: int, target: int) -> tuple[int, NDArray[np.float32]]:
    """Of `source` pixels on an axis the first that pixel `place` of `target` covers, and how much of each, sum 1."""
    low, high = place * source / target, (place + 1) * source / target
    first, end = int(low), min(source, math.ceil(high - 1e-9))
    cells = np.arange(first, end)
    weights = np.minimum(cells + 1, high) - np.maximum(cells, low)
    return first, (weights / weights.sum()).astype(np.float32)
