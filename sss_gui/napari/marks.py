"""What napari's layers say, as `sss_model` takes it: a picture's pixels, points and painted strokes as steps."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Mask
from sss_model.errors import ParameterError
from sss_model.matting import Step, stroke_at
from sss_model.matting.steps import CLICK_RADIUS

KEEP, DROP = 1, 2  # labels of painted strokes
_ROUNDS = 4  # in which a painted region is covered, by finer brushes each time
_FINEST = 1.0  # px, the radius of the finest


def picture_of(data: Any, rgb: bool, limits: Sequence[float]) -> Floats:
    """(H, W, 3) float32 RGB in [0, 1] of an image layer's data.

    Parameters
    ----------
    data : (H, W, 3 or 4) where `rgb`, else (H, W)
    limits : of the contrast, which become black and white where the layer is grey

    Raises
    ------
    ParameterError : another shape
    """
    pixels = np.asarray(data)
    if pixels.ndim != (3 if rgb else 2) or 0 in pixels.shape:
        raise ParameterError(f"A picture must be (H, W), or (H, W, 3) in colours; got {pixels.shape}.")
    if not rgb:
        low, high = float(limits[0]), float(limits[1])
        grey = (pixels.astype(np.float32) - low) / max(high - low, 1e-12)
        return np.repeat(np.clip(grey, 0, 1)[..., None], 3, axis=2).astype(np.float32)
    largest = np.iinfo(pixels.dtype).max if np.issubdtype(pixels.dtype, np.integer) else 1
    return np.asarray(np.clip(pixels[..., :3].astype(np.float32) / np.float32(largest), 0, 1), np.float32)


def clicks(points: NDArray[Any], keep: bool, size: tuple[int, int]) -> list[Step]:
    """A click for each of `points` (N, 2), y and x in pixels of a picture of `size`; those outside it are left out."""
    height, width = size
    inside = [(x, y) for y, x in points if -0.5 <= y <= height - 0.5 and -0.5 <= x <= width - 0.5]
    return [stroke_at([point], keep, CLICK_RADIUS * max(size), size, click=True) for point in inside]


def strokes(labels: NDArray[Any]) -> list[Step]:
    """Strokes that cover what is painted in `labels` (H, W) with KEEP and DROP, and little beside it."""
    steps: list[Step] = []
    for value in (KEEP, DROP):
        count, parts = cv2.connectedComponents((labels == value).astype(np.uint8))
        for part in range(1, count):
            steps += _cover(np.asarray(parts == part), value == KEEP)
    return steps


def in_order(before: Sequence[Step], now: Sequence[Step]) -> list[Step]:
    """The steps `now`, those of `before` first and in its order: a matte depends on what was said first."""
    rest, former = list(now), []
    for step in before:
        if step in rest:
            rest.remove(step)
            former.append(step)
    return former + rest


def _cover(mask: Mask, keep: bool) -> list[Step]:
    """Strokes of a round brush that cover one painted region: its widest part first."""
    uncovered, steps = mask.copy(), list[Step]()
    for _ in range(_ROUNDS):
        padded = np.pad(uncovered, 1).astype(np.uint8)
        depth: Floats = np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 5), np.float32)[1:-1, 1:-1]
        radius = float(depth.max())
        if radius < _FINEST:
            break
        for line in _lines(_centres(depth, radius), depth > 0.7 * radius):
            stroke = stroke_at(line, keep, max(radius - 0.5, 0), mask.shape)
            steps.append(stroke)
            uncovered &= ~stroke.mask(mask.shape)
    return steps


def _centres(depth: Floats, radius: float) -> list[tuple[int, int]]:
    """(x, y) of places about `radius` deep, half of it apart."""
    deep, places = np.where(depth > 0.75 * radius, depth, 0), []
    while deep.max() > 0:
        y, x = np.unravel_index(int(deep.argmax()), deep.shape)
        places.append((int(x), int(y)))
        cv2.circle(deep, places[-1], max(1, int(radius / 2)), 0.0, -1)
    return places


def _lines(places: list[tuple[int, int]], way: Mask) -> list[list[tuple[int, int]]]:
    """`places` from neighbour to neighbour, a new line where one would leave `way`."""
    rest = sorted(places)
    chain = [rest.pop(0)]
    while rest:
        x, y = chain[-1]
        chain.append(rest.pop(min(range(len(rest)), key=lambda k: (rest[k][0] - x) ** 2 + (rest[k][1] - y) ** 2)))
    lines = [[chain[0]]]
    for start, end in pairwise(chain):
        between = np.linspace(start, end, max(abs(start[0] - end[0]), abs(start[1] - end[1])) + 1).round().astype(int)
        if way[between[:, 1], between[:, 0]].all():
            lines[-1].append(end)
        else:
            lines.append([end])
    return lines


def marks_of(keep: NDArray[Any], drop: NDArray[Any], painted: NDArray[Any], size: tuple[int, int]) -> list[Step]:
    """All steps that points (N, 2) and painted labels (H, W) make for a picture of `size`."""
    return [*clicks(keep, True, size), *clicks(drop, False, size), *strokes(painted)]
