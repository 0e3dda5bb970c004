"""A session as a file, .sss.json: pictures, model, parameters, pins, basis, view; also what a crash leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sss_gui.request import Source
from sss_gui.session import State
from sss_model.atomic_file import replacing
from sss_model.errors import SSSError
from sss_model.params import ClusterParams, ExtractParams, FilterParams, ProjectionParams, SimilarityParams

SUFFIX = ".sss.json"
FORMAT = 1
OVERLAYS = ("", "similarity", "clusters")


class SessionFileError(SSSError):
    """A session file that cannot be read or written."""


@dataclass(frozen=True)
class SavedSession:
    """Everything that brings the window back to where it was.

    Attributes
    ----------
    state : the shown picture with model and parameters
    sources : all open pictures that have files, in order
    pins : pinned pixels (x, y)
    centre, scale : of the view, in image points and screen pixels per image pixel; None shows the whole picture
    solo : 0 for all panes, 1..4 for one
    origin : the pins compared with where they lie in another picture, and that picture
    overlay : what lies over the pictures: similarity, clusters or nothing
    similarity, clusters : how they are made
    """

    state: State
    sources: tuple[Source, ...] = ()
    pins: tuple[tuple[int, int], ...] = ()
    centre: tuple[float, float] | None = None
    scale: float = 1.0
    solo: int = 0
    origin: tuple[Source, tuple[tuple[int, int], ...]] | None = None
    overlay: str = ""
    similarity: SimilarityParams = field(default_factory=SimilarityParams)
    clusters: ClusterParams = field(default_factory=ClusterParams)
    missing: tuple[str, ...] = field(default=(), compare=False)


def write_session(path: Path, saved: SavedSession) -> None:
    """Write `saved`; files below the session's folder are named relative to it, so that both can move together."""
    folder = path.resolve().parent
    state = saved.state
    values = {
        "program": "sss-features session",
        "format": FORMAT,
        "sources": [_source_entry(source, folder) for source in saved.sources if source.path is not None],
        "shown": _source_entry(state.source, folder)
        if state.source is not None and state.source.path is not None
        else None,
        "model": _relative(state.model, folder),
        "basis": _relative(state.basis, folder),
        "extract": state.extract.to_dict(),
        "filter": state.filter.to_dict(),
        "projection": state.projection.to_dict(),
        "overlay": saved.overlay,
        "similarity": saved.similarity.to_dict(),
        "clusters": saved.clusters.to_dict(),
        "origin": _origin_entry(saved, folder),
        "pins": [list(pin) for pin in saved.pins],
        "view": {"centre": list(saved.centre) if saved.centre else None, "scale": saved.scale, "solo": saved.solo},
    }
    with replacing(path, SessionFileError) as temporary:
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_session(path: Path) -> SavedSession:
    """What `write_session` wrote; files that are gone are left out and named in `missing`.

    Raises
    ------
    SessionFileError : not a session file, or one of a newer program
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SessionFileError(f"{path.name} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    except ValueError as error:
        raise SessionFileError(f"{path.name} is not a session file: it is not JSON.") from error
    if not isinstance(values, dict) or values.get("program") != "sss-features session":
        raise SessionFileError(
            f"{path.name} is JSON, but not a session of this program.", hint=f"Choose a {SUFFIX} file."
        )
    if values.get("format", 0) > FORMAT:
        raise SessionFileError(f"{path.name} was written by a newer program.", hint="Update this one.")
    try:
        return _from_values(values, path.resolve().parent)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise SessionFileError(f"{path.name} is a session file, but damaged: {error}.") from error


def _from_values(values: dict[str, Any], folder: Path) -> SavedSession:
    missing: list[str] = []
    entries = [_source_of(entry, folder) for entry in values["sources"]]
    sources = tuple(source for source in entries if _there(source.path, missing))
    shown = _source_of(values["shown"], folder) if values["shown"] else None
    if shown is not None and shown not in sources:
        shown = sources[0] if sources else None
    model, basis = (_absolute(values[name], folder) for name in ("model", "basis"))
    state = State(
        source=shown,
        model=model if _there(model, missing) else None,
        extract=ExtractParams.from_dict(values["extract"]),
        filter=FilterParams.from_dict(values["filter"]),
        projection=ProjectionParams.from_dict(values["projection"]),
        basis=basis if _there(basis, missing) else None,
    )
    view = values["view"]
    centre = (float(view["centre"][0]), float(view["centre"][1])) if view["centre"] else None
    pins = tuple((int(x), int(y)) for x, y in values["pins"])
    overlay = values.get("overlay", "")
    if overlay not in OVERLAYS:
        raise ValueError(f"overlay must be one of {', '.join(OVERLAYS[1:])} or empty, got {overlay!r}")
    return SavedSession(
        state=state,
        sources=sources,
        pins=pins,
        centre=centre,
        scale=float(view["scale"]),
        solo=int(view["solo"]),
        origin=_origin_of(values.get("origin"), sources, folder),
        overlay=overlay,
        similarity=SimilarityParams.from_dict(values.get("similarity", {})),
        clusters=ClusterParams.from_dict(values.get("clusters", {})),
        missing=tuple(missing),
    )


def _origin_entry(saved: SavedSession, folder: Path) -> dict[str, Any] | None:
    if saved.origin is None or saved.origin[0].path is None:
        return None
    source, points = saved.origin
    return {"source": _source_entry(source, folder), "pins": [list(point) for point in points]}


def _origin_of(
    entry: dict[str, Any] | None, sources: Sequence[Source], folder: Path
) -> tuple[Source, tuple[tuple[int, int], ...]] | None:
    if entry is None or (source := _source_of(entry["source"], folder)) not in sources:
        return None
    return source, tuple((int(x), int(y)) for x, y in entry["pins"])


def _there(path: Path | None, missing: list[str]) -> bool:
    if path is None:
        return False
    if not path.exists():
        missing.append(str(path))
        return False
    return True


def _source_entry(source: Source, folder: Path) -> dict[str, str | None]:
    return {"path": _relative(source.path, folder), "image": _relative(source.image, folder), "layout": source.layout}


def _source_of(entry: dict[str, str | None], folder: Path) -> Source:
    path = _absolute(entry["path"], folder)
    if path is None:
        raise KeyError("path")
    return Source.from_path(path, _absolute(entry.get("image"), folder), entry.get("layout"))


def _relative(path: Path | None, folder: Path) -> str | None:
    if path is None:
        return None
    whole = path.resolve()
    return whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else str(whole)


def _absolute(name: str | None, folder: Path) -> Path | None:
    return Path(os.path.normpath(folder / name)) if name else None


def paths_of(sources: Sequence[Source]) -> list[Path]:
    """The files of `sources`."""
    return [source.path for source in sources if source.path is not None]
