"""Between the maps of a working grid and the photograph's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.filtering.lift import Coefficients, lift_region
from sss_model.image_io import Picture
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
    rows, columns = (
        ((np.arange(pixels) + 0.5) * (cells / pixels)).astype(np.int64).clip(0, cells - 1)
        for pixels, cells in zip(size, labels.shape[:2], strict=True)
    )
    spread: NDArray[Any] = labels[rows[:, None], columns[None]]
    return spread


def lift_picture(
    coefficients: Coefficients, picture: Picture, box: Box | None = None, progress: Progress | None = None
) -> Picture:
    """The filtered map at the pixels of `picture` in `box` (x0, y0, x1, y1), uint8; None: all of it."""
    x0, y0, x1, y1 = box or (0, 0, picture.shape[1], picture.shape[0])
    out = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
    lift_region(coefficients, picture, (y0, y1, x0, x1), out=out, progress=progress)
    return out
