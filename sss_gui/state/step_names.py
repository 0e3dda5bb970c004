"""What undo calls what somebody did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from sss_model.matting.steps import Box, Step, Stroke

BASES = {"locked": "lock basis", "shared": "shared basis"}


def shared_words(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """What is called that leads from one of these to the other, such as "radius"."""
    if before["basis"] != after["basis"]:
        basis: Path | None = after["basis"]
        return BASES.get(basis.name.split("-")[0], "load basis") if basis is not None else "basis of each picture"
    return params_words((before[name], after[name]) for name in before if name != "basis")


def params_words(pairs: Iterable[tuple[Any, Any]]) -> str:
    """The labels of what differs between records of parameters, one before and one after of each."""
    labels = [
        str(f.metadata["label"]) if len(f.metadata["label"]) > 1 else "component shown"
        for before, after in pairs
        for f in fields(before)
        if getattr(before, f.name) != getattr(after, f.name)
    ]
    words = list(dict.fromkeys(label[0].lower() + label[1:] for label in labels))
    return " and ".join(words) if len(words) <= 2 else "parameters"


def step_words(step: Step) -> str:
    """What undo calls a step of the matte."""
    if isinstance(step, Stroke):
        kind = ("keep click" if step.keep else "drop click") if step.click else "brush stroke"
        return kind if step.click or step.keep else "eraser stroke"
    return "box" if isinstance(step, Box) else "matte"
