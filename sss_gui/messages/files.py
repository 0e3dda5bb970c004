"""What is asked about files: which pictures there are, and small pictures of them or of their features."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sss_gui.messages.message import Message, Result
from sss_gui.messages.panes import Picture, ShowRequest, Source


@dataclass(frozen=True)
class ListResult(Result):
    """Photographs and feature files, in the order to show them."""

    sources: tuple[Source, ...]
    note: str = ""


@dataclass(frozen=True)
class ListRequest(Message[ListResult]):
    """Find what can be opened among files and folders."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class PasteRequest(Message[ListResult]):
    """Keep pasted pixels, (H, W, 3) uint8, as a file in `folder`, and list it."""

    picture: Picture
    folder: Path


@dataclass(frozen=True)
class ThumbnailResult(Result):
    """(h, w, 3) uint8 of one source, or the sentence that says why there is none."""

    source: Source
    picture: Picture | None
    problem: str = ""


@dataclass(frozen=True)
class ThumbnailRequest(Message[ThumbnailResult]):
    """Small pictures of `sources`, each delivered as a `ThumbnailResult`."""

    sources: tuple[Source, ...]
    side: int = 128


@dataclass(frozen=True)
class FeatureThumbnail(Result):
    """(h, w, 3) uint8, the PCA of the features of one source."""

    source: Source
    picture: Picture


@dataclass(frozen=True)
class FeatureThumbnailsRequest(Message[FeatureThumbnail]):
    """The features of those of `sources` that are remembered, in the basis and range of what `show` shows."""

    show: ShowRequest
    sources: tuple[Source, ...]
