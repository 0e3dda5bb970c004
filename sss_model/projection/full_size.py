"""Between the maps of a working grid and the photograph's own pixels."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Picture
from sss_model.filtering.joint_upsampling import upsample_rows
from sss_model.filtering.lift import Coefficients, GuidedLift, cells_under, grid_rows, lift_region
from sss_model.params import FilterParams
from sss_model.progress import Progress

Box = tuple[int, int, int, int]


def moved_point(point: tuple[int, int], source: Sequence[int], target: Sequence[int]) -> tuple[int, int]:
    """(x, y) of the cell of a grid (H, W, ...) of size `target` under the middle of the cell `point` of `source`."""
    x, y = (
        min(int((place + 0.5) * target[axis] / source[axis]), target[axis] - 1)
        for place, axis in zip(point, (1, 0), strict=True)
    )
    return x, y


def spread_labels(labels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """`labels` (H, W, ...) of a grid's cells at the size (H', W') of the photograph: each pixel has its cell's."""
    spread: NDArray[Any] = labels[np.ix_(*map(cells_under, size, labels.shape[:2]))]
    return spread


def lift_picture(
    coefficients: Coefficients, picture: Picture, box: Box | None = None, progress: Progress | None = None
) -> Picture:
    """The filtered map at the pixels of `picture` in `box` (x0, y0, x1, y1), uint8; None: all of it."""
    x0, y0, x1, y1 = box or (0, 0, picture.shape[1], picture.shape[0])
    out = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
    lift_region(coefficients, picture, (y0, y1, x0, x1), out=out, progress=progress)
    return out


BAND = 128  # rows of the grid whose coefficients are kept
STRIPE = 1 << 24  # numbers that are computed at once: threads would cost more than the few rows that writers ask for


class FullSizeFeatures(ABC):
    """Features at a photograph's own size, computed where they are read: an array but for its memory.

    Rows are read from the top down, as writers of files do; a stripe of 64 MB is held, or what is asked for at once (by
    MATLAB v7.3, whose files lie channel by channel, all rows of 16 channels).

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1], the photograph on the grid
    features : (h, w, D) of any float type, on the grid
    picture : (H, W, 3) uint8, the photograph

    Attributes
    ----------
    method : how they come from the grid, for the record
    """

    ndim = 3
    dtype = np.dtype(np.float32)
    method: str

    def __init__(self, image: NDArray[np.float32], features: NDArray[Any], picture: Picture) -> None:
        self._image, self._features, self._picture = image, features, picture
        self._stripe: tuple[int, slice, NDArray[np.float32]] | None = None  # first row, channels
        self.shape = (picture.shape[0], picture.shape[1], features.shape[2])

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    def __getitem__(self, key: slice | tuple[slice, slice, slice]) -> NDArray[np.float32]:
        """Rows of all columns: `lifted[top:bottom]`, or of some channels: `lifted[top:bottom, :, first:last]`."""
        rows, columns, some = key if isinstance(key, tuple) else (key, slice(None), slice(None))
        height, width, channels = self.shape
        if columns.indices(width) != (0, width, 1):
            raise IndexError(f"{type(self).__name__} are read by whole rows.")
        top, bottom, _ = rows.indices(height)
        some = slice(*some.indices(channels))
        kept = self._stripe
        if kept is None or kept[1] != some or not kept[0] <= top <= bottom <= kept[0] + len(kept[2]):
            reach = max(bottom, min(top + STRIPE // (width * (some.stop - some.start)), height))
            self._stripe = kept = None  # or two would be held at once
            out = np.empty((reach - top, width, some.stop - some.start), np.float32)
            self._fill(out, top, some)
            kept = self._stripe = top, some, out
        return kept[2][top - kept[0] : bottom - kept[0]]

    @abstractmethod
    def _fill(self, out: NDArray[np.float32], top: int, channels: slice) -> None:
        """Write rows `top` and on of the `channels` into `out`."""


class UpsampledFeatures(FullSizeFeatures):
    """Raw features at full size by joint bilateral upsampling: in the middle of a cell the cell's own values.

    Besides the stripe there are the grid's rows below it and 8 MB a thread: an export of 128 channels at 12 megapixels
    peaked at 140 MB above its inputs as npy, npz, EXR and TIFF.
    """

    method = "joint bilateral upsampling by the photograph"

    def _fill(self, out: NDArray[np.float32], top: int, channels: slice) -> None:
        rows = top, top + len(out)
        upsample_rows(self._features[..., channels], self._image, self._picture, rows, out=out)


class LiftedFeatures(FullSizeFeatures):
    """Filtered features at full size by the fast guided filter.

    Besides the stripe there are the coefficients on `BAND` rows of the grid, 4 x D x 128 x w float32 numbers (168 MB
    for D = 128 and a grid 640 wide), whatever the photograph's size.

    Parameters
    ----------
    filter : of the grid
    """

    method = "fast guided filter by the photograph"

    def __init__(
        self, image: NDArray[np.float32], features: NDArray[Any], picture: Picture, filter: FilterParams
    ) -> None:
        super().__init__(image, features, picture)
        self._lift = GuidedLift(image, radius=filter.radius, eps=filter.eps)
        self._kept: tuple[tuple[int, int], slice, Coefficients] | None = None  # grid rows, channels

    def _fill(self, out: NDArray[np.float32], top: int, channels: slice) -> None:
        height, width, _ = self.shape
        bottom = top + len(out)
        per_band = max(1, (BAND - 2) * height // self._features.shape[0])
        for first in range(top, bottom, per_band):
            last = min(first + per_band, bottom)
            some = self._coefficients(first, last, channels)
            lift_region(some, self._picture, (first, last, 0, width), out=out[first - top : last - top])

    def _coefficients(self, top: int, bottom: int, channels: slice) -> Coefficients:
        """Those that the photograph's rows from `top` to `bottom` need; a band of them is kept."""
        first, last = grid_rows(top, bottom, self.shape[0], self._features.shape[0])
        kept = self._kept
        if kept is None or kept[1] != channels or not kept[0][0] <= first <= last <= kept[0][1]:
            band = first, max(last, min(first + BAND, self._features.shape[0]))
            kept = band, channels, self._lift.coefficients(self._features[..., channels], rows=band)
            self._kept = kept
        return kept[2]


def full_size_features(
    image: NDArray[np.float32], features: NDArray[Any], picture: Picture, filter: FilterParams
) -> dict[str, Callable[[], FullSizeFeatures]]:
    """What makes the raw and the filtered features at the photograph's own size, by the names of their files.

    Raw ones on a grid finer than the photograph have all there is already: they are left out.
    """
    made: dict[str, Callable[[], FullSizeFeatures]] = {
        "features-filtered": lambda: LiftedFeatures(image, features, picture, filter)
    }
    if picture.shape[0] > features.shape[0] or picture.shape[1] > features.shape[1]:
        made["features"] = lambda: UpsampledFeatures(image, features, picture)
    return made
