"""A matte as a record that JSON takes: what was done, with what numbers and which model, and what it taught."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.matting.classifier import Classifier
from sss_model.matting.steps import Step, step_from_dict
from sss_model.params.layers import MatteParams

VERSION = 1
KIND = "sss-features matte"


@dataclass(frozen=True, eq=False)
class Thing:
    """What a matte's features are like, to find it in other pictures.

    Attributes
    ----------
    classifier : the matte against the rest of its picture
    inside, outside : (D,) float64, their mean features
    """

    classifier: Classifier
    inside: NDArray[np.float64]
    outside: NDArray[np.float64]

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "weights": self.classifier.weights.tolist(),
            "bias": self.classifier.bias,
            "inside": self.inside.tolist(),
            "outside": self.outside.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Recipe:
    """What `to_dict` and `recipe_from` turn into JSON's types and back.

    Attributes
    ----------
    size : (H, W) of the picture in pixels
    picture : a digest of its pixels, which tells whether another picture is the same
    model : the digest of the model file that the features came from; "" where they were given
    steps : clicks, strokes and boxes in order
    start : the thing that the steps began with, found by its features; None: nothing
    thing : what the matte taught; None where it holds nothing or everything
    params : what is done to the matte at the end
    edges : whether they are solved
    """

    size: tuple[int, int]
    picture: str
    model: str
    steps: tuple[Step, ...]
    start: Thing | None
    thing: Thing | None
    params: MatteParams
    edges: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "kind": KIND,
            "version": VERSION,
            "picture": {"size": list(self.size), "sha256": self.picture},
            "model": self.model,
            "steps": [step.to_dict() for step in self.steps],
            "start": None if self.start is None else self.start.to_dict(),
            "thing": None if self.thing is None else self.thing.to_dict(),
            "matte": self.params.to_dict(),
            "edges": self.edges,
        }


def recipe_from(values: Any) -> Recipe:
    """The recipe that JSON's `values` hold.

    Raises
    ------
    ParameterError : they hold none, one of a later version, or one that does not fit together
    """
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise ParameterError(f"A recipe of a matte has the kind {KIND!r}; got {_kind(values)}.")
    if values.get("version") != VERSION:
        raise ParameterError(
            f"The recipe must be of version {VERSION}, got {values.get('version')!r}.", hint="A newer program wrote it."
        )
    try:
        size, picture = values["picture"]["size"], values["picture"]["sha256"]
        edges, model = values["edges"], values["model"]
        height, width = size
        if not (isinstance(height, int) and isinstance(width, int) and min(size) > 0):
            raise ValueError
        if not (isinstance(picture, str) and isinstance(model, str) and isinstance(edges, bool)):
            raise ValueError
        steps, things = list(values["steps"]), [values["start"], values["thing"]]
        params = dict(values["matte"])
    except (KeyError, TypeError, ValueError) as error:
        raise ParameterError(
            "A recipe of a matte must have picture, model, steps, start, thing, matte and edges as the program "
            "writes them; one of them is missing or of another kind."
        ) from error
    start, thing = (None if entry is None else _thing(entry) for entry in things)
    return Recipe(
        (height, width), picture, model, tuple(map(step_from_dict, steps)), start, thing,
        MatteParams.from_dict(params), edges,
    )  # fmt: skip


def _thing(values: Any) -> Thing:
    try:
        weights, inside, outside = (np.array(values[name], np.float64) for name in ("weights", "inside", "outside"))
        bias = float(values["bias"])
        if weights.ndim != 1 or not len(weights) or not weights.shape == inside.shape == outside.shape:
            raise ValueError
        if not np.isfinite([*weights, *inside, *outside, bias]).all():
            raise ValueError
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ParameterError(
            "What a recipe has learnt must be weights, inside and outside, lists of as many finite numbers, and a bias."
        ) from error
    return Thing(Classifier(weights, bias), inside, outside)


def _kind(values: Any) -> str:
    return repr(values.get("kind"))[:80] if isinstance(values, dict) else type(values).__name__
