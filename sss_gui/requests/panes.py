"""The frozen records that cross between the window's thread and the worker's.

A request says the whole state that is wanted, never a change to the last one, so any request can be answered on its own
and a newer one may replace it. What comes back is pictures (H, W, 3) uint8, one vector (D,), or one map (H, W);
features stay with the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sss_gui.requests.channel import Request
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams, ReadParams

Picture = npt.NDArray[np.uint8]
Pyramid = list[Picture]  # level n is the picture at 1/2^n
Box = tuple[int, int, int, int]
View = tuple[Box, float]
Patch = tuple[Picture, tuple[float, float, float, float]]  # a part (h, w, 3) of a pane, and its box (x0, y0, x1, y1)
Vector = npt.NDArray[np.float32]

MODEL_SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")


@dataclass(frozen=True)
class Source:
    """What is open: a photograph, or a feature file with its photograph.

    Attributes
    ----------
    path : the file
    image : for a feature file its photograph, or None to look for it beside the file
    layout : how to read the file where it cannot be told, one of `inputs.INPUT_LAYOUTS`
    reading : what to take of a photograph whose file leaves a choice
    name : what the window calls it
    frame : of a video, counted from 1
    """

    path: Path
    name: str
    image: Path | None = None
    layout: str | None = None
    reading: ReadParams = field(default_factory=ReadParams)
    frame: int | None = None

    @classmethod
    def from_path(
        cls, path: Path, image: Path | None = None, layout: str | None = None, reading: ReadParams | None = None
    ) -> Source:
        reading = reading or ReadParams()
        parts = [reading.layer, f"page {reading.page}" if reading.page else ""]
        chosen = ", ".join(part for part in parts if part)
        return cls(path, f"{path.name} ({chosen})" if chosen else path.name, image, layout, reading)

    @classmethod
    def from_video(cls, path: Path, frame: int) -> Source:
        return cls(path=path, name=f"{path.name}, frame {frame}", frame=frame)

    @property
    def stem(self) -> str:
        """What its exports are called after."""
        return self.path.stem if self.frame is None else f"{self.path.stem}.{self.frame:04d}"


@dataclass(frozen=True)
class OpenedPicture:
    """The photograph of `source`: its (H, W), its (H, W, 3) uint8 and reductions, and the files it was read from.

    `sha256` is of the file's bytes; '' where that is not known.
    """

    source: Source
    size: tuple[int, int]
    levels: Pyramid
    files: tuple[Path, ...] = ()
    sha256: str = ""


@dataclass(frozen=True)
class Notes:
    """Sentences about what is done differently (memory, device), said before it is done."""

    sentences: tuple[str, ...]


@dataclass(frozen=True)
class OpenPicture(Request[OpenedPicture | Notes]):
    """Read the photograph of `source`; `agreed` that it may be reduced to what memory holds."""

    source: Source
    agreed: bool = False


@dataclass(frozen=True)
class FeaturesResult:
    """The features of `source` are there.

    Attributes
    ----------
    number : another number when the features are other ones than before
    channels : D
    grid : (h, w) of the working grid that the maps live on
    notes : sentences about what was done differently (memory, device)
    """

    source: Source
    number: int
    channels: int
    grid: tuple[int, int]
    device: str = ""
    model: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class ComputeFeatures(Request[FeaturesResult | Notes]):
    """Have the features of `source` ready: remembered, read, or computed by the network.

    Attributes
    ----------
    fresh : True to forget what is remembered of them (run again)
    """

    source: Source
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)
    fresh: bool = False


@dataclass(frozen=True)
class PanesResult:
    """Some or all panes; several may come for one request, each with what is newly made.

    Attributes
    ----------
    features : number of the features that they show
    pictures : pane name -> pyramid of (H, W, 3) uint8
    complete : no more will come
    explained : share of variance of each fitted component, in [0, 1]; with the last result only
    """

    source: Source
    features: int
    pictures: Mapping[str, Pyramid]
    complete: bool = False
    explained: tuple[float, ...] = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class RenderPanes(Request[PanesResult]):
    """Show features in the three panes beside the input, the filtered one exactly.

    Attributes
    ----------
    basis : path of a saved PCA basis to project on; None fits one to this image
    """

    features: ComputeFeatures
    filter: FilterParams = field(default_factory=FilterParams)
    projection: ProjectionParams = field(default_factory=ProjectionParams)
    basis: Path | None = None

    @property
    def source(self) -> Source:
        """Whose features they are."""
        return self.features.source


@dataclass(frozen=True)
class RoughPanes(Request[PanesResult]):
    """Show what the smallest scale alone tells, before all features are there; nothing where that is no shorter way."""

    panes: RenderPanes


@dataclass(frozen=True)
class Preview(Request[Patch]):
    """Show the filtered pane while a slider moves: the projected channels are filtered instead of all features.

    Attributes
    ----------
    view : what a pane shows: the box (x0, y0, x1, y1) in image pixels, and screen pixels per image pixel; None: all
    """

    panes: RenderPanes
    view: View | None = None


@dataclass(frozen=True)
class LiftRequest(Request[Patch]):
    """Show the part `view` of the filtered pane as sharp as the photograph; nothing where it is so already."""

    panes: RenderPanes
    view: View


@dataclass(frozen=True)
class ProbeResult:
    """Features at a pixel (x, y), and each pane's three projected values in [0, 1]."""

    source: Source
    point: tuple[int, int]
    vector: Vector
    values: Mapping[str, Vector]


@dataclass(frozen=True)
class ProbeRequest(Request[ProbeResult]):
    """The features at one pixel of what was shown last."""

    source: Source
    point: tuple[int, int]


@dataclass(frozen=True)
class ExportResult:
    """The files that were written, none where all were there; `doubt` says why one should look at them, or nothing."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True)
class ExportRequest(Request[ExportResult]):
    """Write what `panes` show into a folder.

    Attributes
    ----------
    stem : what the files are called after, where pictures of a batch have the same name; '' is the picture's own
    begun, done : the share of a batch that is over before it, and after it
    """

    panes: RenderPanes
    folder: Path
    params: ExportParams
    stem: str = ""
    begun: float = 0.0
    done: float = 1.0


@dataclass(frozen=True)
class LoadModelResult:
    """What is ready to run, and where it can run."""

    model: str
    device: str
    devices: tuple[tuple[str, str], ...]  # (key such as cuda:0, words)


@dataclass(frozen=True)
class LoadModelRequest(Request[LoadModelResult]):
    """Load torch and the model before anybody asks for features."""

    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)


@dataclass(frozen=True)
class PrefetchRequest(Request[bool]):
    """Compute features, and remember them if they fit beside the others; says whether there was room."""

    features: ComputeFeatures


@dataclass(frozen=True)
class ForgetRequest(Request[None]):
    """Forget every picture that is not among `kept`: it was closed. Nothing answers."""

    kept: tuple[Source, ...]


@dataclass(frozen=True)
class BasisResult:
    """A basis was written to `path`, fitted to the pictures `fitted`; `failed` are the others, each with a sentence."""

    path: Path
    fitted: tuple[Source, ...] = ()
    failed: tuple[tuple[Source, str], ...] = ()


@dataclass(frozen=True)
class BasisStep:
    """One more picture of a `BasisRequest` is done; `problem` is the sentence that says why it is left out."""

    source: Source
    problem: str = ""


@dataclass(frozen=True)
class BasisRequest(Request[BasisResult | BasisStep]):
    """Save the basis that `panes` are projected on, or one fitted to all of `sources` together."""

    panes: RenderPanes
    path: Path
    sources: tuple[Source, ...] = ()
