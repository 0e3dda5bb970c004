"""Area-averaged picture pyramids, made once in the worker so that minified pictures never alias."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALLEST_SIDE = 32


def make_pyramid(picture: NDArray[np.uint8], smallest_side: int = SMALLEST_SIDE) -> list[NDArray[np.uint8]]:
    """Halve a picture again and again, every pixel the rounded mean of the 2 x 2 above it.

    Parameters
    ----------
    picture : (H, W, C) uint8, C of 3 or 4
    smallest_side : int
        Stop when the longer side of a level is at most this many pixels.

    Returns
    -------
    list of (ceil(H / 2^n), ceil(W / 2^n), C) uint8
        Level 0 is `picture` itself. An odd last row or column is averaged with itself.
    """
    levels = [np.ascontiguousarray(picture)]
    while max(levels[-1].shape[:2]) > max(smallest_side, 1):
        levels.append(_halve(levels[-1]))
    return levels


def _halve(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    if height % 2 or width % 2:
        picture = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rows = picture[0::2].astype(np.uint16)
    rows += picture[1::2]
    total = rows[:, 0::2] + rows[:, 1::2]
    total += 2
    total >>= 2
    return total.astype(np.uint8)
