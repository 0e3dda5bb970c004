"""A session as a file, .sss.json: pictures, model, parameters, pins, basis, view; also what a crash leaves behind."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sss_gui.pane_names import PANES
from sss_gui.requests.panes import Source
from sss_gui.saved.classes_entry import SavedClasses, classes_entry, classes_of
from sss_gui.saved.segments_entry import SavedSegments, segments_entry, segments_of
from sss_gui.saved.sequence_entry import SavedSequence, sequence_entry, sequence_of
from sss_gui.saved.session_values import Points, finite, one_of, points, positive, text, whole
from sss_gui.state.overlay_choices import OVERLAYS
from sss_gui.state.session import State
from sss_gui.tasks.open_files import SESSION_SUFFIX
from sss_model.errors import SSSError
from sss_model.files.inputs import INPUT_LAYOUTS
from sss_model.params import ClusterParams, ExtractParams, FilterParams, ProjectionParams, ReadParams, SimilarityParams
from sss_model.params.fields import shown
from sss_model.storage.atomic_write import replacing
from sss_model.storage.json_file import read_json

FORMAT = 1

Pins = tuple[Source, Points]


class SessionFileError(SSSError):
    """A session file that cannot be read or written."""


@dataclass(frozen=True)
class SavedSession:
    """Everything that brings the window back to where it was.

    Attributes
    ----------
    state : the shown picture with model and parameters
    sources : all open pictures, in order
    pins : pinned pixels (x, y) of the shown picture
    kept : the other open pictures that have pins, with them
    centre, scale : of the view, in image points and screen pixels per image pixel; None shows the whole picture
    solo : 0 for all panes, 1..4 for one
    origin : the pins compared with where they lie in another picture, and that picture
    overlay : what lies over the pictures: similarity, clusters or nothing
    similarity, clusters : how they are made
    segments : what the Segments view showed of the shown picture, and what was made of its layers
    classes : those taught by strokes, of all pictures
    sequence : that the pictures are the frames of; None where they are single pictures
    """

    state: State
    sources: tuple[Source, ...] = ()
    pins: Points = ()
    centre: tuple[float, float] | None = None
    scale: float = 1.0
    solo: int = 0
    origin: Pins | None = None
    overlay: str = ""
    similarity: SimilarityParams = field(default_factory=SimilarityParams)
    clusters: ClusterParams = field(default_factory=ClusterParams)
    kept: tuple[Pins, ...] = ()
    segments: SavedSegments = field(default_factory=SavedSegments)
    classes: SavedClasses = field(default_factory=SavedClasses)
    sequence: SavedSequence | None = None
    missing: tuple[str, ...] = field(default=(), compare=False)

    @property
    def pins_by_picture(self) -> dict[Source, Points]:
        """The pins of every picture that has some."""
        shown = self.state.source
        return {**dict(self.kept), shown: self.pins} if shown is not None else dict(self.kept)

    def without(self, path: Path) -> SavedSession:
        """This session without the picture at `path`; where it was shown, the first of the others is, seen whole."""
        sources = tuple(source for source in self.sources if path not in (source.path, source.image))
        kept = {source: points for source, points in self.kept if source in sources}
        origin = self.origin if self.origin is not None and self.origin[0] in sources else None
        if self.state.source in sources:
            return replace(self, sources=sources, kept=tuple(kept.items()), origin=origin)
        shown = sources[0] if sources else None
        pins = kept.pop(shown, ()) if shown is not None else ()
        state = replace(self.state, source=shown)
        return replace(
            self, state=state, sources=sources, pins=pins, kept=tuple(kept.items()), origin=None, centre=None
        )


class _Names:
    """What files are called in a session in `folder`: relative to it where they lie below it, else whole.

    Each folder is looked up once, not once a picture: nine hundred look-ups would hold up the window.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def of(self, path: Path | None) -> str | None:
        if path is None:
            return None
        parent, name = os.path.split(path)
        if parent not in self._known:
            self._known[parent] = self._lead(Path(parent).resolve())
        return self._known[parent] + name

    def _lead(self, parent: Path) -> str:
        if parent == self._folder:
            return ""
        if parent.is_relative_to(self._folder):
            return f"{parent.relative_to(self._folder).as_posix()}/"
        return os.path.join(parent, "")


def write_session(path: Path, saved: SavedSession) -> None:
    """Write `saved`; files below the session's folder are named relative to it, so that both can move together."""
    names = _Names(path.resolve().parent)
    state = saved.state
    shown = state.source
    values = {
        "program": "sss-features session",
        "format": FORMAT,
        "sources": [_source_entry(source, names) for source in saved.sources],
        "shown": _source_entry(shown, names) if shown is not None else None,
        "model": names.of(state.model),
        "basis": names.of(state.basis),
        "extract": state.extract.to_dict(),
        "filter": state.filter.to_dict(),
        "projection": state.projection.to_dict(),
        "overlay": saved.overlay,
        "similarity": saved.similarity.to_dict(),
        "clusters": saved.clusters.to_dict(),
        "origin": _pins_entry(saved.origin, names) if saved.origin else None,
        "pins": [list(pin) for pin in saved.pins],
        "kept": [_pins_entry(pins, names) for pins in saved.kept],
        "segments": segments_entry(saved.segments, names.of),
        "classes": classes_entry(saved.classes, lambda source: _source_entry(source, names)),
        **({"sequence": sequence_entry(saved.sequence)} if saved.sequence is not None else {}),
        "view": {"centre": list(saved.centre) if saved.centre else None, "scale": saved.scale, "solo": saved.solo},
    }
    with replacing(path, SessionFileError) as temporary:
        content = json.dumps(values, indent=2, ensure_ascii=False) + "\n"
        # Bytes of a name that are not UTF-8 become the escapes of JSON, and are read as the same name again.
        temporary.write_text(content, encoding="utf-8", errors="backslashreplace")


def read_session(path: Path) -> SavedSession:
    """What `write_session` wrote; files that are gone are left out and named in `missing`.

    Raises
    ------
    SessionFileError : not a session file, or one of a newer program
    """
    values = read_json(path, SessionFileError, noun="The session")
    if not isinstance(values, dict) or values.get("program") != "sss-features session":
        raise SessionFileError(
            f"{path.name} is JSON, but not a session of this program.", hint=f"Choose a {SESSION_SUFFIX} file."
        )
    try:
        if whole(values["format"], "format") > FORMAT:
            raise SessionFileError(f"{path.name} was written by a newer program.", hint="Update this one.")
        return _from_values(values, path.resolve().parent)
    except SessionFileError:
        raise
    except SSSError as error:
        raise SessionFileError(f"{path.name} is a session file, but damaged: {error}") from error
    except KeyError as error:
        raise SessionFileError(
            f"{path.name} is a session file, but damaged: it has no {shown(error.args[0])}."
        ) from error
    except (LookupError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
        raise SessionFileError(
            f"{path.name} is a session file, but damaged: a part of it is of another kind than expected."
        ) from error


def _from_values(values: dict[str, Any], folder: Path) -> SavedSession:
    missing: list[str] = []
    entries = [_source_of(entry, folder) for entry in values["sources"]]
    sources = tuple(source for source in entries if _there(source.path, missing))
    view = values["view"]
    centre = _centre_of(view["centre"])
    origin = _pins_of(values["origin"], folder) if values.get("origin") else None
    pins = points(values["pins"], "pins")
    kept = dict(_pins_of(entry, folder) for entry in values.get("kept", ()))
    shown = _source_of(values["shown"], folder) if values["shown"] else None
    if shown is not None and shown not in sources:  # another takes its place, with pins of its own and seen whole
        shown = sources[0] if sources else None
        pins = kept.pop(shown, ()) if shown is not None else ()
        centre = origin = None
    model, basis = (_absolute(values[name], folder) for name in ("model", "basis"))
    state = State(
        source=shown,
        model=model if _there(model, missing) else None,
        extract=ExtractParams.from_dict(values["extract"]),
        filter=FilterParams.from_dict(values["filter"]),
        projection=ProjectionParams.from_dict(values["projection"]),
        basis=basis if _there(basis, missing) else None,
    )
    return SavedSession(
        state=state,
        sources=sources,
        pins=pins,
        centre=centre,
        scale=positive(view["scale"], "scale"),
        solo=whole(view["solo"], "solo", most=len(PANES)),
        origin=origin if origin is not None and origin[0] in sources else None,
        overlay=one_of(values.get("overlay", ""), OVERLAYS, "overlay"),
        similarity=SimilarityParams.from_dict(values.get("similarity", {})),
        clusters=ClusterParams.from_dict(values.get("clusters", {})),
        kept=tuple((source, points) for source, points in kept.items() if source in sources),
        segments=segments_of(values["segments"], lambda name: _absolute(name, folder))
        if "segments" in values
        else SavedSegments(),
        classes=classes_of(values["classes"], lambda entry: _source_of(entry, folder))
        if "classes" in values
        else SavedClasses(),
        sequence=_sequence_of(values, entries, sources),
        missing=tuple(missing),
    )


def _sequence_of(values: dict[str, Any], entries: list[Source], there: tuple[Source, ...]) -> SavedSequence | None:
    """The sequence of the frames that are there still."""
    if values.get("sequence") is None:
        return None
    saved = sequence_of(values["sequence"])
    if len(saved.numbers) != len(entries):
        raise SessionFileError(f"numbers must be {len(entries)}, one for each picture, got {len(saved.numbers)}.")
    remaining = set(there)
    return saved.without({place for place, source in enumerate(entries) if source not in remaining})


def _pins_entry(pins: Pins, names: _Names) -> dict[str, Any]:
    source, points = pins
    return {"source": _source_entry(source, names), "pins": [list(point) for point in points]}


def _pins_of(entry: dict[str, Any], folder: Path) -> Pins:
    return _source_of(entry["source"], folder), points(entry["pins"], "pins")


def _centre_of(values: Any) -> tuple[float, float] | None:
    if values is None:
        return None
    x, y = values
    return finite(x, "centre"), finite(y, "centre")


def _there(path: Path | None, missing: list[str]) -> bool:
    if path is None:
        return False
    if not path.exists():
        missing.append(str(path))
        return False
    return True


def _source_entry(source: Source, names: _Names) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "path": names.of(source.path), "image": names.of(source.image), "layout": source.layout,
    }  # fmt: skip
    if source.frame is not None:
        entry["frame"] = source.frame
    return entry if source.reading == ReadParams() else {**entry, "reading": source.reading.to_dict()}


def _source_of(entry: dict[str, Any], folder: Path) -> Source:
    path = _absolute(entry["path"], folder)
    if path is None:
        raise KeyError("path")
    layout = entry.get("layout")
    if entry.get("frame") is not None:
        return Source.from_video(path, whole(entry["frame"], "frame", least=1))
    return Source.from_path(
        path,
        _absolute(entry.get("image"), folder),
        None if layout is None else one_of(layout, INPUT_LAYOUTS, "layout"),
        ReadParams.from_dict(entry.get("reading", {})),
    )


def _absolute(name: Any, folder: Path) -> Path | None:
    """The file called `name` in a session in `folder`; None where it names none, or what no system can look up."""
    if not name:
        return None
    path = Path(os.path.normpath(folder / text(name, "a file's name")))
    path.exists()
    return path
