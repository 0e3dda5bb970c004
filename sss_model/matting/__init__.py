"""A matte in a few clicks: `MatteEditor`, and what it is made of.

superpixels with mean features -> marks -> a classifier and geodesic reach -> alphas of superpixels -> solved edges

What computes is loaded when it is first asked for, and torch with it; the records of what a user did are light.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sss_model.matting.steps import Box, Given, Step, Stroke, box_at, stroke_at

if TYPE_CHECKING:
    from sss_model.matting.editor import MatteEditor, forecast
    from sss_model.matting.parts import Parts, cut_parts

DOUBTFUL = 0.6  # confidence of a recipe's matte on another picture below which it may be of something else

__all__ = [
    "DOUBTFUL",
    "Box",
    "Given",
    "MatteEditor",
    "Parts",
    "Step",
    "Stroke",
    "box_at",
    "cut_parts",
    "forecast",
    "stroke_at",
]

_HOME = {"MatteEditor": "editor", "forecast": "editor", "Parts": "parts", "cut_parts": "parts"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
