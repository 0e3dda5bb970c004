"""What is asked about sequences: their frames, the matte carried through them, what is played, and their files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import Picture, Source
from sss_gui.requests.segments import Alphas, Carry, FrameList
from sss_model.params.layers import LayerExportParams, MatteParams


@dataclass(frozen=True)
class OpenFrames(Request[FrameList]):
    """Open numbered pictures of one name, or one video, as a sequence."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class CarriedFrame:
    """The matte of a frame is there.

    Attributes
    ----------
    area : the matte's share of the frame, in [0, 1], before anything is done to it at the end
    change : mean |alpha - that of the frame before|; nan where one of both is not there
    file : a grey PNG of it on the grid
    """

    frame: int
    area: float
    change: float
    file: Path


@dataclass(frozen=True)
class CarryResult:
    """Some of the frames that a matte has been carried to.

    Attributes
    ----------
    first : whether these are all that were there; else they come to those before
    ready : frames that the matte can be corrected in, beside those that it has been carried to
    failed : frames that it cannot be carried to, each with the sentence that says why
    """

    carry: Carry
    frames: tuple[CarriedFrame, ...]
    first: bool = False
    ready: frozenset[int] = frozenset()
    failed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class CarryRequest(Request[CarryResult]):
    """Say which frames a matte has been carried to; with `on`, carry it to the others too."""

    carry: Carry
    on: bool = False


@dataclass(frozen=True)
class PlayedFrame:
    """A frame as it is played: (h, w, 3) uint8, and its matte (h, w) uint8 where it was asked for."""

    source: Source
    picture: Picture
    matte: Alphas | None = None


@dataclass(frozen=True)
class PlayFrame(Request[PlayedFrame]):
    """Have a frame ready to be seen for an instant.

    Attributes
    ----------
    matte : the file of its matte; None where there is none
    params : what is done to the matte at the end
    """

    source: Source
    matte: Path | None = None
    params: MatteParams = field(default_factory=MatteParams)


@dataclass(frozen=True)
class SequenceRecipeRequest(Request[Path]):
    """Write all that makes the matte of a sequence, for a command line."""

    carry: Carry
    path: Path


@dataclass(frozen=True)
class FramesExported:
    """Frames whose files are there, those that had to be left out, and how many were there already."""

    folder: Path
    written: int
    skipped: int
    failed: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class ExportFramesRequest(Request[FramesExported]):
    """Write the mattes of some frames into a folder, as `sss-segment --sequence` does; frames that lack one get it."""

    carry: Carry
    frames: tuple[int, ...]
    folder: Path
    params: LayerExportParams
