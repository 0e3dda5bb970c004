"""Resizing by separable weights: area averaging where an axis shrinks, bilinear or bicubic where it grows.

Pixels are squares: pixel i covers [i, i + 1), its centre is i + 1/2, and the edges of the two arrays coincide (the
half-pixel convention). Both passes are products with a sparse matrix of weights, so any number of channels is resized
in one go. Bilinear growth, which takes OpenCV a sixth of the time, is left to that; its weights are rounded to 1/30000.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from sss_model.errors import ParameterError

Kernel = Literal["bilinear", "bicubic"]
_CHANNELS = 128  # that OpenCV takes at once
_BETWEEN = 1 << 17  # numbers between the two passes, which stay in a core's cache
_SHARPNESS = -0.5  # the cubic's free number: Catmull and Rom's, which reproduces straight slopes and parabolas


def resize(values: NDArray[Any], size: tuple[int, int], *, enlarge: Kernel = "bilinear") -> NDArray[np.float32]:
    """`values` at another size.

    Parameters
    ----------
    values : (H, W, C) numbers of any type
    size : (h, w), each at least 1
    enlarge : the kernel along an axis that grows; bicubic is sharper and may leave the range of `values`

    Returns
    -------
    (h, w, C) float32, never `values` itself

    Raises
    ------
    ParameterError : an array without three axes or without pixels, or a size below 1

    Examples
    --------
    >>> resize(np.arange(4.0).reshape(1, 4, 1), (1, 2)).ravel()
    array([0.5, 2.5], dtype=float32)
    """
    if values.ndim != 3 or values.size == 0:
        raise ParameterError(f"values must be an array (H, W, C) that is not empty, got shape {values.shape}.")
    if min(size) < 1:
        raise ParameterError(f"size must be (h, w) of at least 1 pixel each, got {size}.")
    if enlarge == "bilinear" and size[0] >= values.shape[0] and size[1] >= values.shape[1]:
        return _grown(values, size)
    rows = np.ascontiguousarray(values.reshape(len(values), -1), np.float32)
    down, across = (axis_weights(*axis, enlarge) for axis in zip(values.shape[:2], size, strict=True))
    out = np.empty((*size, values.shape[2]), np.float32)
    step = max(1, _BETWEEN // rows.shape[1])
    for top in range(0, size[0], step):
        for y, row in enumerate(down[top : top + step] @ rows, top):
            out[y] = across @ row.reshape(values.shape[1:])
    return out


def _grown(values: NDArray[Any], size: tuple[int, int]) -> NDArray[np.float32]:
    """`values` bilinearly enlarged on one axis or both."""
    import cv2  # here: not every program that starts resizes

    parts: list[NDArray[np.float32]] = []
    for first in range(0, values.shape[2], _CHANNELS):
        some = np.ascontiguousarray(values[..., first : first + _CHANNELS], np.float32)
        grown = np.asarray(cv2.resize(some, size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
        parts.append(grown.reshape(*size, -1))  # it leaves out an axis of one channel
    return np.concatenate(parts, axis=2) if len(parts) > 1 else parts[0]


def axis_weights(source: int, target: int, enlarge: Kernel = "bilinear") -> csr_array:
    """What each of `target` pixels takes from each of `source` pixels: (target, source) float32, rows that sum to 1."""
    if target < source:
        rows, columns, weights = _area(source, target)
    else:
        reach = 1 if enlarge == "bilinear" else 2
        at = (np.arange(target) + 0.5) * (source / target) - 0.5
        first = np.floor(at).astype(np.int64)
        taps = first[:, None] + np.arange(1 - reach, 1 + reach)
        weights = (_tent if enlarge == "bilinear" else _cubic)(at[:, None] - taps)
        rows, columns = np.broadcast_to(np.arange(target)[:, None], taps.shape), taps.clip(0, source - 1)
    entries = (weights.ravel().astype(np.float32), (rows.ravel(), columns.ravel()))
    return csr_array(entries, shape=(target, source))


def _area(source: int, target: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Each target pixel is the mean of the stretch of source pixels that it covers, parts counted as parts."""
    ratio = source / target
    edges = np.arange(target + 1) * ratio
    first = np.floor(edges[:-1]).astype(np.int64)
    columns = first[:, None] + np.arange(int(np.ceil(ratio)) + 1)
    covered = np.minimum(columns + 1, edges[1:, None]) - np.maximum(columns, edges[:-1, None])
    weights = np.clip(covered, 0, None) / ratio
    weights[columns >= source] = 0
    rows = np.broadcast_to(np.arange(target)[:, None], columns.shape)
    return rows, columns.clip(0, source - 1), weights


def _tent(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    weights: NDArray[np.float64] = np.clip(1 - np.abs(distance), 0, None)
    return weights


def _cubic(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution (1981)."""
    x, a = np.abs(distance), _SHARPNESS
    inner = ((a + 2) * x - (a + 3)) * x**2 + 1
    outer = ((x - 5) * x + 8) * x * a - 4 * a
    weights: NDArray[np.float64] = np.where(x <= 1, inner, np.where(x < 2, outer, 0.0))
    return weights
