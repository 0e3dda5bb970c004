"""What is asked about files: which pictures there are, small pictures of them, and what was made of them before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ExportResult, Picture, RenderPanes, Source
from sss_model.figure import FigurePane


@dataclass(frozen=True)
class ListResult:
    """Photographs and feature files, in the order to show them; `frames` where they look like those of a sequence."""

    sources: tuple[Source, ...]
    note: str = ""
    frames: bool = False


@dataclass(frozen=True)
class ListRequest(Request[ListResult]):
    """Find what can be opened among files and folders."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class FigureRequest(Request[ExportResult]):
    """Draw `panes` into the PNG, SVG or PDF `path`; see `sss_model.figure.draw_figure`."""

    path: Path
    panes: tuple[FigurePane, ...]
    width: str
    columns: int = 0
    title: str = ""


@dataclass(frozen=True)
class PasteRequest(Request[ListResult]):
    """Keep pasted or dropped pixels, or else a picture file's bytes, as a file in `folder`, and list it.

    Attributes
    ----------
    picture : (H, W, 3) or, with straight alpha, (H, W, 4) uint8; (0, 0, 3) where only `data` is there
    profile : the ICC profile that the pixels are in; b'' for sRGB
    data, suffix : a picture file as the other program had it, with its profile and orientation; b'' for none
    """

    picture: Picture
    folder: Path
    profile: bytes = b""
    data: bytes = b""
    suffix: str = ".png"


@dataclass(frozen=True)
class ChoicesResult:
    """What there is to choose of a photograph.

    Attributes
    ----------
    layers, pages : their names, and how many there are
    layout : what of `inputs.INPUT_LAYOUTS` the file may be; '' for a picture
    """

    layers: tuple[str, ...] = ()
    pages: int = 1
    layout: str = ""


@dataclass(frozen=True)
class ChoicesRequest(Request[ChoicesResult]):
    """Look what there is to choose of the photograph of `source`."""

    source: Source


@dataclass(frozen=True)
class ThumbnailResult:
    """(h, w, 3) uint8 of one source, or the sentence that says why there is none."""

    source: Source
    picture: Picture | None
    problem: str = ""


@dataclass(frozen=True)
class ThumbnailRequest(Request[ThumbnailResult]):
    """Small pictures of `sources`, each delivered as a `ThumbnailResult`."""

    sources: tuple[Source, ...]
    side: int = 128


@dataclass(frozen=True)
class FeatureThumbnailsRequest(Request[ThumbnailResult]):
    """The PCA of the features of those of `sources` that are remembered, in the basis and range that `panes` show."""

    panes: RenderPanes
    sources: tuple[Source, ...]


@dataclass(frozen=True)
class RecallEdits(Request[str]):
    """Read the file `name` of `folder`, what was made of a picture before as `KeepEdits` had it; '' for nothing."""

    folder: Path
    name: str


@dataclass(frozen=True)
class KeepEdits(Request[None]):
    """Write `text`, what was made of a picture, into the file `name` of `folder`; '' removes it. Nothing answers."""

    folder: Path
    name: str
    text: str
