"""Taught classes in files: their names and colours, and each picture's strokes with the features under them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sss_gui.requests.classes import Painted
from sss_gui.requests.panes import Source
from sss_gui.requests.segments import Colour
from sss_gui.saved.session_values import text, whole
from sss_gui.state.classes import ClassEntry, Strokes
from sss_model.classes.class_file import read_source, read_stroke, source_entry, stroke_entry
from sss_model.classes.taught import MOST_CLASSES
from sss_model.errors import ParameterError

MOST_STROKES = 10_000  # of one picture, or of none
NamedStroke = tuple[str, Colour, Painted]  # with the name and the colour of its class


@dataclass(frozen=True)
class SavedClasses:
    """All classes, and the strokes of every picture; those of None came with a file."""

    entries: tuple[ClassEntry, ...] = ()
    strokes: tuple[tuple[Source | None, Strokes], ...] = ()


def classes_entry(saved: SavedClasses, words: Callable[[Source], Any]) -> dict[str, Any]:
    """`saved` as JSON has it; `words` says what a picture is called."""
    return {
        "entries": [{"number": e.number, "name": e.name, "colour": list(e.colour)} for e in saved.entries],
        "strokes": [
            {
                "source": words(source) if source is not None else None,
                "strokes": [{"number": painted.number, **_painted_entry(painted)} for painted in strokes],
            }
            for source, strokes in saved.strokes
        ],
    }


def classes_of(entry: Any, source_of: Callable[[Any], Source]) -> SavedClasses:
    """What `classes_entry` made of it.

    Raises
    ------
    LookupError, TypeError, ValueError : it is damaged; a `ParameterError` says how
    """
    if len(entry["entries"]) > MOST_CLASSES:
        raise ParameterError(f"There is room for {MOST_CLASSES} classes, got {len(entry['entries'])}.")
    entries = tuple(
        ClassEntry(whole(each["number"], "number", least=1), _name(each["name"]), _colour(each["colour"]))
        for each in entry["entries"]
    )
    for values in ([each.number for each in entries], [each.name.casefold() for each in entries]):
        if len(set(values)) < len(entries):
            raise ParameterError("Two classes have the same number or name.")
    return SavedClasses(entries, tuple(_strokes_of(each, source_of) for each in entry["strokes"]))


def _strokes_of(entry: Any, source_of: Callable[[Any], Source]) -> tuple[Source | None, Strokes]:
    source = source_of(entry["source"]) if entry["source"] is not None else None
    if len(entry["strokes"]) > MOST_STROKES:
        raise ParameterError(f"A picture's strokes must be at most {MOST_STROKES}, got {len(entry['strokes'])}.")
    return source, tuple(_painted(each, whole(each["number"], "number", least=1)) for each in entry["strokes"])


def picture_strokes_entry(strokes: Sequence[Painted], entries: Sequence[ClassEntry]) -> list[dict[str, Any]]:
    """The strokes of one picture by the names of their classes, as JSON has it; those of no class are left out."""
    by_number = {entry.number: entry for entry in entries}
    there = [(by_number[painted.number], painted) for painted in strokes if painted.number in by_number]
    return [{"name": e.name, "colour": list(e.colour), **_painted_entry(painted)} for e, painted in there]


def picture_strokes_of(entry: Any) -> tuple[NamedStroke, ...]:
    """What `picture_strokes_entry` made of it; raises as `classes_of`. The numbers of their classes are to be given."""
    if len(entry) > MOST_STROKES:
        raise ParameterError(f"A picture's strokes must be at most {MOST_STROKES}, got {len(entry)}.")
    return tuple((_name(each["name"]), _colour(each["colour"]), _painted(each, 0)) for each in entry)


def _painted_entry(painted: Painted) -> dict[str, Any]:
    return {"features": source_entry(painted.features), "stroke": stroke_entry(painted.stroke)}


def _painted(entry: Any, number: int) -> Painted:
    features = read_source(entry["features"])
    return Painted(number, features, read_stroke(entry["stroke"], features.channels))


def _name(value: Any) -> str:
    name = text(value, "name").strip()
    if not name:
        raise ParameterError("A class must have a name.")
    return name


def _colour(values: Any) -> Colour:
    red, green, blue = (whole(value, "colour", most=255) for value in values)
    return red, green, blue
