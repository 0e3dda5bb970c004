"""What a user says of a picture: a stroke of a brush, and the class of what lies under it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Doubles, Floats
from sss_model.errors import ParameterError
from sss_model.params.fields import shown

MOST_VECTORS = 64  # of a stroke that are kept: a longer one says hardly more
_SHIFT = 4  # bits behind the point of OpenCV's coordinates


@dataclass(frozen=True, eq=False)
class Stroke:
    """A stroke of one class on one picture, and the features under it.

    Attributes
    ----------
    name : of the class
    picture : the name of the picture's file; "" where there is none
    points : (P, 2) float64, x then y in parts of the picture's width and height, 0 to 1
    radius : half the brush's width, in parts of the long side
    pixels : of the working grid, under the stroke
    vectors : (N, D) float16, their features at length 1; of a long stroke 64, evenly spread
    """

    name: str
    picture: str
    points: Doubles
    radius: float
    pixels: int
    vectors: NDArray[np.float16]


def make_stroke(
    name: str,
    picture: str,
    points: Sequence[tuple[float, float]],
    radius: float,
    features: NDArray[np.floating[Any]],
    size: tuple[int, int],
) -> Stroke:
    """The stroke through `points`, x and y in pixels of the picture, with the features under it.

    Parameters
    ----------
    radius : half the brush's width in pixels of the picture, from 0; the cells that the path goes through count always
    features : (h, w, D), on a grid of any size over the picture
    size : (H, W) of the picture

    Raises
    ------
    ParameterError : no points, one outside the picture, a radius below 0, or features that are not finite
    """
    height, width = size
    at = np.asarray(points, np.float64)
    if at.ndim != 2 or at.shape[1] != 2 or not len(at):
        raise ParameterError(f"A stroke must have points (x, y), got an array of shape {at.shape}.")
    if not (np.isfinite(at).all() and (at >= -0.5).all() and (at <= (width - 0.5, height - 0.5)).all()):
        raise ParameterError(f"A stroke must lie in the picture of {width} x {height} pixels, got {_box(at)}.")
    if not 0 <= radius <= max(size):
        raise ParameterError(f"A stroke's radius must be from 0 to {max(size)} pixels, got {shown(radius)}.")
    parts, share = (at + 0.5) / (width, height), radius / max(size)
    cells = stroke_cells(parts, share, features.shape[:2])
    some = cells[np.linspace(0, len(cells) - 1, min(len(cells), MOST_VECTORS)).round().astype(np.int64)]
    rows, columns = np.divmod(some, features.shape[1])
    under = np.asarray(features[rows, columns], np.float32)
    if not np.isfinite(under).all():
        raise ParameterError("The features under the stroke must be finite, but hold NaN or infinity.")
    return Stroke(name, picture, parts, share, len(cells), unit(under).astype(np.float16))


def stroke_cells(points: Doubles, radius: float, size: tuple[int, ...]) -> NDArray[np.int64]:
    """The cells (N,), as indices of a grid (h, w) in rows, under a stroke as a `Stroke` has it.

    Examples
    --------
    >>> stroke_cells(np.array([[0.1, 0.5], [0.9, 0.5]]), 0, (3, 5)).tolist()
    [5, 6, 7, 8, 9]
    """
    import cv2

    height, width = size
    mask = np.zeros((height, width), np.uint8)
    path = np.round((points * (width, height) - 0.5) * 2**_SHIFT).astype(np.int32)
    thickness = max(1, round(2 * radius * max(size)))
    cv2.polylines(mask, [path], False, 1, thickness, cv2.LINE_8, _SHIFT)
    if len(path) == 1 or not mask.any():
        x, y = np.clip((points[0] * (width, height)).astype(int), 0, (width - 1, height - 1)).tolist()
        cv2.circle(mask, (x, y), thickness // 2, 1, -1)
    return np.flatnonzero(mask)


def unit(vectors: Floats) -> Floats:
    """`vectors` (N, D) at length 1; those of length 0 stay."""
    lengths: Floats = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _box(points: Doubles) -> str:
    (left, top), (right, bottom) = points.min(0), points.max(0)
    return f"x from {left:g} to {right:g} and y from {top:g} to {bottom:g}"
