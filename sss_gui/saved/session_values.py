"""Values of a session file, which anybody may have written: of the kind that the window needs, or a sentence."""

from __future__ import annotations

import math
from typing import Any

from sss_model.errors import ParameterError
from sss_model.params.fields import shown

FARTHEST = 2**31 - 1  # what Qt's coordinates hold
MOST_POINTS = 1000  # which are painted while one waits

Points = tuple[tuple[int, int], ...]


def whole(value: Any, name: str, *, least: int = 0, most: int = FARTHEST) -> int:
    """`value`, a whole number in [least, most]; `name` says in the error what it is."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ParameterError(f"{name} must be a whole number from {least} to {most}, got {shown(value)}.")
    return value


def finite(value: Any, name: str) -> float:
    """`value`, a number that screens can show."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= FARTHEST:
        raise ParameterError(f"{name} must be a number from -{FARTHEST} to {FARTHEST}, got {shown(value)}.")
    return float(value)


def positive(value: Any, name: str) -> float:
    """`value`, a number above 0 by which can be divided."""
    number = finite(value, name)
    if number <= 0 or not math.isfinite(1 / number):
        raise ParameterError(f"{name} must be above 0, got {shown(value)}.")
    return number


def points(values: Any, name: str) -> Points:
    """Pixels (x, y); those outside the picture are the user's to see and remove."""
    if len(values) > MOST_POINTS:
        raise ParameterError(f"{name} must be at most {MOST_POINTS} points, got {len(values)}.")
    return tuple((whole(x, name), whole(y, name)) for x, y in values)


def text(value: Any, name: str) -> str:
    """`value`, a text."""
    if not isinstance(value, str):
        raise ParameterError(f"{name} must be text, got {shown(value)}.")
    return value


def one_of(value: Any, options: tuple[str, ...], name: str) -> str:
    """`value`, one of `options`."""
    if value not in options:
        named = ", ".join(option or "nothing" for option in options)
        raise ParameterError(f"{name} must be one of {named}; got {shown(value)}.")
    return str(value)
