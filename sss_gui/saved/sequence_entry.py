"""A sequence in a file: its frames, and what was clicked in which of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sss_gui.saved.segments_entry import matte_entry, read_matte
from sss_gui.saved.session_values import positive, text, whole
from sss_gui.state.layer_edits import Edits
from sss_model.errors import ParameterError

MOST_MARKS = 10_000


@dataclass(frozen=True)
class SavedSequence:
    """The sequence that is open; its frames are the pictures of the session.

    Attributes
    ----------
    name, numbers, rate : of the frames
    key : place of the frame that the matte was made in; None without one
    marks : by place what was clicked there
    backwards : places of corrections that count backwards too
    """

    name: str
    numbers: tuple[int, ...]
    rate: float | None = None
    key: int | None = None
    marks: Mapping[int, Edits] = field(default_factory=dict)
    backwards: frozenset[int] = frozenset()

    def without(self, missing: Collection[int]) -> SavedSequence | None:
        """The same without the frames at these places; None where none is left."""
        left = [place for place in range(len(self.numbers)) if place not in missing]
        marks = {now: self.marks[place] for now, place in enumerate(left) if place in self.marks}
        key = left.index(self.key) if self.key in left else None
        backwards = frozenset(now for now, place in enumerate(left) if place in self.backwards)
        numbers = tuple(self.numbers[place] for place in left)
        if key is None:
            marks, backwards = {}, frozenset()
        return SavedSequence(self.name, numbers, self.rate, key, marks, backwards) if numbers else None


def sequence_entry(saved: SavedSequence) -> dict[str, Any]:
    """As JSON has it."""
    return {
        "name": saved.name,
        "numbers": list(saved.numbers),
        "rate": saved.rate,
        "key": saved.key,
        "marks": [
            {"frame": frame, "backwards": frame in saved.backwards, **matte_entry(edits)}
            for frame, edits in sorted(saved.marks.items())
        ],
    }


def sequence_of(entry: dict[str, Any]) -> SavedSequence:
    """What `sequence_entry` made of it.

    Raises
    ------
    LookupError, TypeError, ValueError : it is damaged; a `ParameterError` says how
    """
    numbers = tuple(whole(number, "numbers") for number in entry["numbers"])
    if not numbers or any(a >= b for a, b in pairwise(numbers)):
        raise ParameterError("numbers must be rising, one for each frame.")
    if len(entry["marks"]) > MOST_MARKS:
        raise ParameterError(f"marks must be at most {MOST_MARKS}, got {len(entry['marks'])}.")
    places = {whole(each["frame"], "frame", most=len(numbers) - 1): each for each in entry["marks"]}
    marks = {frame: read_matte(each) for frame, each in places.items()}
    key = None if entry["key"] is None else whole(entry["key"], "key", most=len(numbers) - 1)
    if (key is None) != (not marks) or (key is not None and key not in marks):
        raise ParameterError("key must be one of the frames with a mark.")
    rate = None if entry["rate"] is None else positive(entry["rate"], "rate")
    backwards = frozenset(frame for frame, each in places.items() if each["backwards"] is True)
    return SavedSequence(text(entry["name"], "name"), numbers, rate, key, marks, backwards)
