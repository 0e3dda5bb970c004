"""What the file thread is asked: which pictures there are, and small pictures of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sss_gui.messages.panes import Picture, Source


@dataclass(frozen=True)
class ListRequest:
    """Find what can be opened among files and folders."""

    queue: ClassVar[str] = "list"
    patient: ClassVar[bool] = False
    ticket: int
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class ListResult:
    """Photographs and feature files, in the order to show them."""

    ticket: int
    sources: tuple[Source, ...]
    note: str = ""


@dataclass(frozen=True)
class ThumbnailRequest:
    """Small pictures of `sources`, each delivered as a `ThumbnailResult`."""

    queue: ClassVar[str] = "thumbnail"
    patient: ClassVar[bool] = True
    ticket: int
    sources: tuple[Source, ...]
    side: int = 128


@dataclass(frozen=True)
class ThumbnailResult:
    """(h, w, 3) uint8 of one source, or the sentence that says why there is none."""

    ticket: int
    source: Source
    picture: Picture | None
    problem: str = ""
