"""The frozen records that cross between the window's thread and the worker's.

A request says the whole state that is wanted, never a change to the last one, so any request can be answered on its own
and a newer one may replace it. What comes back is pictures (H, W, 3) uint8, one vector (D,), or one map (H, W);
features stay with the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sss_gui.messages.message import Message, Result
from sss_model.params import (
    ExportParams,
    ExtractParams,
    FilterParams,
    ProjectionParams,
)

Picture = npt.NDArray[np.uint8]
Pyramid = list[Picture]  # level n is the picture at 1/2^n
Box = tuple[int, int, int, int]
View = tuple[Box, float]
Patch = tuple[Picture, tuple[float, float, float, float]]
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
    name : what the window calls it
    """

    path: Path
    name: str
    image: Path | None = None
    layout: str | None = None

    @classmethod
    def from_path(cls, path: Path, image: Path | None = None, layout: str | None = None) -> Source:
        return cls(path=path, name=path.name, image=image, layout=layout)

    @property
    def stem(self) -> str:
        """What its exports are called after."""
        return self.path.stem


@dataclass(frozen=True)
class ShowResult(Result):
    """Some or all panes of a `ShowRequest`; several may come for one ticket, each with what is newly known.

    Attributes
    ----------
    pictures : pane name -> pyramid of (H, W, 3) uint8
    patches : pane name -> (picture of a part, its box (x0, y0, x1, y1)), while a slider moves
    exact : whether the filtered pane is the paper's result, or the preview of it
    complete : no more will come for this ticket
    features : another number when the features are other ones than before
    explained : share of variance of each fitted component, in [0, 1]
    grid : (h, w) of the working grid that the maps live on; None before it is known
    notes : sentences about what was done differently (memory, device)
    files : what it was read from: the file, and of features their photograph's
    """

    source: Source
    size: tuple[int, int]
    pictures: Mapping[str, Pyramid] = field(default_factory=dict)
    patches: Mapping[str, Patch] = field(default_factory=dict)
    exact: bool = True
    complete: bool = False
    channels: int = 0
    grid: tuple[int, int] | None = None
    features: int = 0
    explained: tuple[float, ...] = ()
    device: str = ""
    model: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()

    @property
    def ends_shared_work(self) -> bool:
        """Once the features are there."""
        return self.features > 0


@dataclass(frozen=True)
class ShowRequest(Message[ShowResult]):
    """Fill the four panes.

    Attributes
    ----------
    fresh : True to forget what is cached for this source (run again)
    basis : path of a saved PCA basis to project on; None fits one to this image
    """

    source: Source
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)
    filter: FilterParams = field(default_factory=FilterParams)
    projection: ProjectionParams = field(default_factory=ProjectionParams)
    basis: Path | None = None
    fresh: bool = False

    @property
    def network(self) -> tuple[object, ...]:
        """What the features depend on: messages that agree in it share the network's run."""
        return self.source, self.model, self.extract

    def shares_work_with(self, newer: Message[Any]) -> bool:
        """The network's run is shared by whatever shows the same features."""
        show = newer.show if isinstance(newer, PreviewRequest) else newer
        return isinstance(show, ShowRequest) and show.network == self.network and not show.fresh


@dataclass(frozen=True)
class PreviewRequest(Message[ShowResult]):
    """Fill the filtered pane while a slider moves: the projected channels are filtered instead of all features.

    Attributes
    ----------
    view : what a pane shows: the box (x0, y0, x1, y1) in image pixels, and screen pixels per image pixel; None: all
    """

    show: ShowRequest
    view: View | None = None


@dataclass(frozen=True)
class LiftResult(Result):
    """A part of the filtered pane at the photograph's own size: the picture, and its box (x0, y0, x1, y1)."""

    source: Source
    patch: Patch


@dataclass(frozen=True)
class LiftRequest(Message[LiftResult]):
    """Show the part `view` of the filtered pane as sharp as the photograph; nothing where it is so already."""

    show: ShowRequest
    view: View


@dataclass(frozen=True)
class ProbeResult(Result):
    """Features at a pixel (x, y), and and each pane's three projected values in [0, 1]."""

    source: Source
    point: tuple[int, int]
    vector: Vector
    values: Mapping[str, Vector]
    pinned: bool = False


@dataclass(frozen=True)
class ProbeRequest(Message[ProbeResult]):
    """The features at one pixel of what the last `ShowRequest` showed."""

    source: Source
    point: tuple[int, int]


@dataclass(frozen=True)
class PinRequest(Message[ProbeResult]):
    """The same for a pin: the pointer moves on, and must not replace what was asked for a pin."""

    source: Source
    point: tuple[int, int]


@dataclass(frozen=True)
class ExportResult(Result):
    """The files that were written."""

    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExportRequest(Message[ExportResult]):
    """Write what `show` shows into a folder."""

    show: ShowRequest
    folder: Path
    params: ExportParams


@dataclass(frozen=True)
class LoadModelResult(Result):
    """What is ready to run, and where it can run."""

    model: str
    device: str
    devices: tuple[tuple[str, str], ...]  # (key such as cuda:0, words)


@dataclass(frozen=True)
class LoadModelRequest(Message[LoadModelResult]):
    """Load torch and the model before anybody asks for features."""

    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)


@dataclass(frozen=True)
class PrefetchResult(Result):
    """Whether the features of `source` are remembered now; otherwise there was no room."""

    source: Source
    kept: bool


@dataclass(frozen=True)
class PrefetchRequest(Message[PrefetchResult]):
    """Compute the features of `source` as `show` would have them, and remember them if they fit beside the others."""

    show: ShowRequest
    source: Source


@dataclass(frozen=True)
class ForgetRequest(Message[Result]):
    """Forget every picture that is not among `kept`: it was closed. Nothing answers."""

    kept: tuple[Source, ...]


@dataclass(frozen=True)
class BasisResult(Result):
    """A basis was written to `path`, fitted to the pictures `fitted`; `failed` are the others, each with a sentence."""

    path: Path
    fitted: tuple[Source, ...] = ()
    failed: tuple[tuple[Source, str], ...] = ()


@dataclass(frozen=True)
class BasisStep(Result):
    """One more picture of a `BasisRequest` is done; `problem` is the sentence that says why it is left out."""

    source: Source
    problem: str = ""


@dataclass(frozen=True)
class BasisRequest(Message[BasisResult]):
    """Save the basis that `show` is projected on, or one fitted to all of `sources` together."""

    show: ShowRequest
    path: Path
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class BatchExportResult(Result):
    """One picture of a batch was written; no paths where its files were all there."""

    source: Source
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class BatchExportRequest(Message[BatchExportResult]):
    """Export one picture of a batch, as `ExportRequest` does; its progress goes from `begun` of the batch to `done`."""

    show: ShowRequest
    folder: Path
    stem: str
    params: ExportParams
    begun: float = 0.0
    done: float = 1.0
