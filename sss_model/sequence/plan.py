"""What a matte of a sequence is made from, and in which order its frames are worked on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sss_model.errors import ParameterError
from sss_model.matting.recipe import KIND as MATTE
from sss_model.matting.recipe import recipe_from
from sss_model.matting.steps import Step, step_from_dict
from sss_model.params.fields import shown

KIND = "sss-features sequence"
VERSION = 1
Node = tuple[int, bool]  # a frame, and whether as it is written or only on the way to a correction


@dataclass(frozen=True)
class Correction:
    """Steps that correct the matte of one frame.

    Attributes
    ----------
    steps : clicks, strokes and boxes
    backwards : whether they count for the frames between this one and the last correction too
    """

    steps: tuple[Step, ...]
    backwards: bool = False


@dataclass(frozen=True, eq=False)
class SequenceRecipe:
    """A matte of one frame, as JSON has it, and corrections of others by the frame's number.

    Attributes
    ----------
    matte : as `MatteEditor.recipe` makes it
    frame : the number of its frame; None: the frame that is its picture, or else the first one
    corrections : of other frames, by number
    """

    matte: Mapping[str, Any]
    frame: int | None
    corrections: Mapping[int, Correction]


def sequence_recipe(values: Any) -> SequenceRecipe:
    """The recipe that JSON's `values` hold: that of a matte, or one with corrections of further frames.

        {"kind": "sss-features sequence", "version": 1, "frame": 12, "matte": {...},
         "corrections": [{"frame": 20, "steps": [...], "backwards": false}]}

    Raises
    ------
    ParameterError : they hold neither, or another version
    """
    if not isinstance(values, dict) or values.get("kind") not in (KIND, MATTE):
        got = shown(values.get("kind")) if isinstance(values, dict) else type(values).__name__
        raise ParameterError(f"The recipe must be of the kind {MATTE!r} or {KIND!r}, got {got}.")
    if values["kind"] == MATTE:
        recipe_from(values)
        return SequenceRecipe(values, None, {})
    if values.get("version") != VERSION:
        raise ParameterError(
            f"The recipe of a sequence must be of version {VERSION}, got {shown(values.get('version'))}."
        )
    try:
        matte, frame, listed = values["matte"], values["frame"], values["corrections"]
        corrections = {
            _whole(entry["frame"]): Correction(tuple(map(step_from_dict, entry["steps"])), _switch(entry["backwards"]))
            for entry in listed
        }
    except (KeyError, TypeError) as error:
        raise ParameterError(
            "The recipe of a sequence must have matte, frame and corrections, each with frame, steps and backwards."
        ) from error
    recipe_from(matte)
    return SequenceRecipe(matte, _whole(frame), corrections)


def order_of_work(count: int, key: int, backwards: Mapping[int, bool]) -> tuple[list[int], dict[Node, Node | None]]:
    """The frames 0 to `count` - 1 in the order they are written, and what each is carried from.

    From the frame `key` on to the last, then from there back to the first. A correction counts from its frame on, away
    from `key`; where it counts backwards, the frames between it and the mark before are carried from it.

    Parameters
    ----------
    backwards : by frame with a correction, whether it counts backwards

    Examples
    --------
    >>> order_of_work(5, 1, {3: True})[0]
    [1, 3, 2, 4, 0]
    """
    order, before = [key], {(key, True): None}  # type: tuple[list[int], dict[Node, Node | None]]
    for step, end in ((1, count), (-1, -1)):
        mark = key
        for stop in [*sorted((k for k in backwards if (k - key) * step > 0), key=lambda k: k * step), end]:
            between = list(range(mark + step, stop, step))
            redone = stop != end and backwards[stop]
            for k in between:
                before[k, not redone] = (k - step, k - step == mark or not redone)
            if stop != end:
                before[stop, True] = (stop - step, stop - step == mark or not redone)
            if redone:
                before |= {(k, True): (k + step, True) for k in between}
                order += [stop, *reversed(between)]
            else:
                order += [*between, *([stop] if stop != end else [])]
            mark = stop
    return order, before


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ParameterError(f"A frame's number in a recipe must be a whole number, got {shown(value)}.")
    return value


def _switch(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ParameterError(f"backwards in a recipe must be true or false, got {shown(value)}.")
    return value
