"""Layers in a session file: which components each consists of, its name and looks, and the matte."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sss_gui.pane_names import ALPHA_VIEWS
from sss_gui.requests.segments import Colour
from sss_gui.saved.session_values import one_of, text, whole
from sss_gui.state.layer_edits import Edits, Layer, with_matte
from sss_gui.state.segments import CLASSES, AlphaView, Method
from sss_model.errors import ParameterError
from sss_model.matting.steps import step_from_dict
from sss_model.params.layers import SEGMENT_METHODS, MatteParams

MOST_LAYERS = 100  # of one picture; there are at most 40 components
MOST_STEPS = 1000  # clicks, strokes and boxes of one matte
WordsOf = Callable[[Path | None], str | None]
PathOf = Callable[[str | None], Path | None]


@dataclass(frozen=True)
class SavedSegments:
    """What the Segments view showed: whether it did, how layers were made, how the matte looked, and all edits."""

    shown: bool = False
    method: Method = field(default_factory=Method)
    view: AlphaView = field(default_factory=AlphaView)
    edits: Edits = field(default_factory=Edits)


def segments_entry(saved: SavedSegments, words: WordsOf) -> dict[str, Any]:
    """`saved` as JSON has it; `words` says what a file is called."""
    edits, view = saved.edits, saved.view
    return {
        "shown": saved.shown,
        "method": saved.method.name,
        "method_file": words(saved.method.file),
        "alpha_view": view.name,
        "colour": list(view.colour),
        "backdrop": words(view.backdrop),
        "decontaminate": view.decontaminate,
        **layers_entry(edits),
        **matte_entry(edits),
    }


def layers_entry(edits: Edits) -> dict[str, Any]:
    """What `edits` have of layers, as JSON has it."""
    return {
        "layers": [
            {
                "number": layer.number,
                "components": sorted(layer.components),
                "name": layer.name,
                "colour": list(layer.colour),
                "shown": layer.shown,
            }
            for layer in edits.layers
        ],
        "arranged": edits.arranged,
        "picked": sorted(edits.picked),
    }


def matte_entry(edits: Edits) -> dict[str, Any]:
    """What `edits` have of the matte beside its picks, as JSON has it."""
    steps = [step.to_dict() for step in edits.steps]
    return {"steps": steps, "edges": edits.edges, "matte": edits.params.to_dict()}


def read_layers(entry: dict[str, Any]) -> Edits:
    """What `layers_entry` made of it; raises as `segments_of`."""
    if len(entry["layers"]) > MOST_LAYERS:
        raise ParameterError(f"layers must be at most {MOST_LAYERS}, got {len(entry['layers'])}.")
    layers = tuple(_layer(values) for values in entry["layers"])
    numbers = frozenset(layer.number for layer in layers)
    if len(numbers) != len(layers):
        raise ParameterError("Two layers have the same number.")
    used: set[int] = set()
    for layer in layers:
        if not layer.components:
            raise ParameterError(f"The layer {layer.number} has no components.")
        if used & layer.components:
            raise ParameterError(f"The component {min(used & layer.components)} is in two layers.")
        used |= layer.components
    picked = numbers & {whole(number, "picked") for number in entry["picked"]}
    return Edits(layers=layers, picked=picked, arranged=bool(entry["arranged"]))


def read_matte(entry: dict[str, Any]) -> Edits:
    """What `matte_entry` made of it; raises as `segments_of`."""
    if len(entry["steps"]) > MOST_STEPS:
        raise ParameterError(f"steps must be at most {MOST_STEPS}, got {len(entry['steps'])}.")
    return Edits(
        steps=tuple(map(step_from_dict, entry["steps"])),
        edges=bool(entry["edges"]),
        params=MatteParams.from_dict(entry["matte"]),
    )


def segments_of(entry: dict[str, Any], path: PathOf) -> SavedSegments:
    """What `segments_entry` made of it; files that are gone are left out.

    Raises
    ------
    LookupError, TypeError, ValueError : it is damaged; a `ParameterError` says how
    """
    method = Method(one_of(entry["method"], (*SEGMENT_METHODS, CLASSES), "method"), path(entry["method_file"]))
    if method.file is not None and not method.file.is_file():
        method = Method()
    backdrop = path(entry["backdrop"])
    name = one_of(entry["alpha_view"], tuple(ALPHA_VIEWS), "alpha_view")
    if backdrop is not None and not backdrop.is_file():
        backdrop, name = None, "grey" if name == "picture" else name
    edits = with_matte(read_layers(entry), read_matte(entry))
    view = AlphaView(name, _colour(entry["colour"]), backdrop, bool(entry["decontaminate"]))
    return SavedSegments(bool(entry["shown"]), method, view, edits)


def _layer(values: dict[str, Any]) -> Layer:
    parts = frozenset(whole(k, "components") for k in values["components"])
    return Layer(
        whole(values["number"], "number"),
        parts,
        text(values["name"], "name"),
        _colour(values["colour"]),
        bool(values["shown"]),
    )


def _colour(values: list[int]) -> Colour:
    red, green, blue = (whole(value, "colour", most=255) for value in values)
    return red, green, blue
