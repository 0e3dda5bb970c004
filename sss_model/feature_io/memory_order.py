"""Copies between channel-last and channel-first memory, several times faster than numpy's own."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONG, _SHORT = 32, 8  # a block's pixels along and across the memory of the map whose pixels are neighbours
_BLOCK = _LONG * _SHORT * 128  # values; both ends of a block's copy then stay in the processor's cache


def copy_blocks(target: NDArray[Any], source: NDArray[Any]) -> None:
    """`target[...] = source` for (H, W, D) views of unlike memory order, block by block, converting the type."""
    height, width, channels = target.shape
    scale = max(1, int((_BLOCK / (_LONG * _SHORT * channels)) ** 0.5))
    along_columns = any(abs(a.strides[0]) < abs(a.strides[1]) for a in (target, source))
    rows, columns = (_LONG * scale, _SHORT * scale) if along_columns else (_SHORT * scale, _LONG * scale)
    for y in range(0, height, rows):
        for x in range(0, width, columns):
            target[y : y + rows, x : x + columns] = source[y : y + rows, x : x + columns]


def channel_last(view: NDArray[Any], dtype: Any = np.float32) -> NDArray[Any]:
    """The (H, W, D) view as a C-contiguous array of `dtype`; itself where it is one already."""
    if view.flags.c_contiguous or view.shape[2] == 1:
        return np.ascontiguousarray(view, dtype)
    result = np.empty(view.shape, dtype)
    copy_blocks(result, view)
    return result


def channel_first(features: NDArray[Any], axes: tuple[int, int, int]) -> NDArray[Any]:
    """(H, W, D) `features` as a C-contiguous array of the axes (2, 0, 1), planes by rows, or (2, 1, 0), by columns."""
    result = np.empty([features.shape[axis] for axis in axes], features.dtype)
    copy_blocks(result.transpose(np.argsort(axes)), features)
    return result
