"""What makes a matte: clicks, strokes and boxes, in parts of the sides so that they fit any size; or one given."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from sss_model.array_types import Mask
from sss_model.errors import ParameterError
from sss_model.params.fields import shown

Size = tuple[int, int]
Point = tuple[float, float]

CLICK_RADIUS = 0.008  # of the long side
SIZES = 6
_FRACTION_BITS = 4  # of a pixel, in which OpenCV draws


@dataclass(frozen=True)
class Stroke:
    """A line drawn with a round brush; a click is one of a single point.

    Attributes
    ----------
    points : x and y in parts of width and height
    keep : whether what lies under it belongs to the matte
    radius : of the brush, in parts of the long side
    click : whether it was a click: a further one at the same place means the next larger part
    size : of a click: by how many parts more it takes than by itself, or less below 0; at most `SIZES`
    """

    points: tuple[Point, ...]
    keep: bool
    radius: float
    click: bool = False
    size: int = 0

    def mask(self, size: Size) -> Mask:
        """(h, w): the pixels under the brush, of a grid of `size`; the one under each point at least."""
        import cv2  # here: a window that starts has strokes, and draws none

        height, width = size
        drawn = np.zeros(size, np.uint8)
        radius = self.radius * max(size)
        unit = 1 << _FRACTION_BITS
        line = np.array([(x * width - 0.5, y * height - 0.5) for x, y in self.points])
        fixed = np.round(line * unit).astype(np.int32)
        for start, end in pairwise(fixed):
            thickness = max(1, round(2 * radius))
            cv2.line(drawn, start.tolist(), end.tolist(), 1, thickness, cv2.LINE_8, _FRACTION_BITS)
        for point in fixed:
            cv2.circle(drawn, point.tolist(), round(radius * unit), 1, -1, cv2.LINE_8, _FRACTION_BITS)
        for x, y in self.points:
            drawn[min(int(y * height), height - 1), min(int(x * width), width - 1)] = 1
        return drawn.astype(np.bool_)

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        left_out = {"click"} if self.click else {"click", "size"}
        values = {name: value for name, value in asdict(self).items() if name not in left_out}
        return {"kind": "click" if self.click else "stroke", **values}


@dataclass(frozen=True)
class Box:
    """A rectangle with the whole object in it: x0, y0, x1, y1 are its edges in parts of width and height."""

    x0: float
    y0: float
    x1: float
    y1: float

    def mask(self, size: Size) -> Mask:
        """(h, w): the pixels whose centres lie within, of a grid of `size`."""
        rows, columns = ((np.arange(side) + 0.5) / side for side in size)
        inside: Mask = ((rows >= self.y0) & (rows <= self.y1))[:, None] & ((columns >= self.x0) & (columns <= self.x1))
        return inside

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"kind": "box", **asdict(self)}


@dataclass(frozen=True)
class Given:
    """A matte that was there before, such as a sum of layers: the alpha of every superpixel, a byte each."""

    alphas: bytes

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"kind": "given", "alphas": base64.b64encode(self.alphas).decode()}


Step = Stroke | Box | Given


def stroke_at(
    points: Sequence[Point], keep: bool, radius: float, size: Size, *, click: bool = False, more: int = 0
) -> Stroke:
    """The stroke through `points`, pixels x then y of a picture of `size`, with a brush of `radius` pixels.

    `more` is by how many parts more, or less below 0, a click takes than by itself.

    Raises
    ------
    ParameterError : no point, one that is no pair of numbers or outside the picture, a radius that is none, or a `more`
        beyond `SIZES`
    """
    height, width = size
    name = "A click" if click else "A stroke"
    if len(points) == 0:
        raise ParameterError("A stroke must have one point or more, got none.")
    for point in points:
        if len(point) != 2 or not all(map(_finite, point)):
            raise ParameterError(f"{name} must be of points (x, y) in pixels, got {shown(point)}.")
        x, y = point
        if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
            raise ParameterError(
                f"{name} must lie in the picture, 0 to {width - 1} and 0 to {height - 1}; got ({x:g}, {y:g})."
            )
    if not (_finite(radius) and radius >= 0):
        raise ParameterError(f"The radius of a brush must be 0 pixels or more, got {shown(radius)}.")
    if not -SIZES <= more <= SIZES:
        raise ParameterError(f"A click can take up to {SIZES} parts more or less, got {more!r}.")
    parts = tuple(((float(x) + 0.5) / width, (float(y) + 0.5) / height) for x, y in points)
    return Stroke(parts, bool(keep), float(radius) / max(size), click, int(more) if click else 0)


def box_at(x0: float, y0: float, x1: float, y1: float, size: Size) -> Box:
    """The box between two corners in pixels of a picture of `size`, cut at the picture's frame.

    Raises
    ------
    ParameterError : corners that are not finite, or no area within the picture
    """
    height, width = size
    if not all(map(_finite, (x0, y0, x1, y1))):
        raise ParameterError(f"A box must have corners of finite numbers, got {shown((x0, y0, x1, y1))}.")
    left, right = (min(max(value, 0.0), float(width)) for value in sorted((x0, x1)))
    top, bottom = (min(max(value, 0.0), float(height)) for value in sorted((y0, y1)))
    if right - left < 1 or bottom - top < 1:
        raise ParameterError(
            f"A box must cover a pixel of the picture of {width} x {height} or more; "
            f"got ({x0:g}, {y0:g}) to ({x1:g}, {y1:g})."
        )
    return Box(left / width, top / height, right / width, bottom / height)


def _finite(value: Any) -> bool:
    try:
        return math.isfinite(value)
    except (TypeError, OverflowError):  # no number; a whole one beyond all floats
        return False


def step_from_dict(values: Any) -> Step:
    """What `to_dict` of a step gave.

    Raises
    ------
    ParameterError : something else
    """
    try:
        kind = values["kind"]
        if kind == "box":
            corners = [float(values[name]) for name in ("x0", "y0", "x1", "y1")]
            box = Box(*corners)
            if not (0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1):
                raise ValueError
            return box
        if kind == "given":
            return Given(base64.b64decode(values["alphas"], validate=True))
        points = tuple((float(x), float(y)) for x, y in values["points"])
        radius, inside = float(values["radius"]), all(0 <= value <= 1 for point in points for value in point)
        if kind not in ("click", "stroke") or not points or not inside or not 0 <= radius <= 1:
            raise ValueError
        size = values.get("size", 0)
        if not isinstance(values["keep"], bool) or not isinstance(size, int) or abs(size) > SIZES:
            raise ValueError
        return Stroke(points, values["keep"], radius, kind == "click", size if kind == "click" else 0)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ParameterError(
            "A step of a recipe must be a click, stroke or box with points in parts of the sides, 0 to 1, or a matte; "
            f"got {str(values)[:80]}."
        ) from error
