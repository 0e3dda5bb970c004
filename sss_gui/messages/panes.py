"""The frozen records that cross between the window's thread and the worker's.

A request says the whole state that is wanted, never a change to the last one, so any request can be answered on its own
and a newer one may replace it. What comes back is pictures (H, W, 3) uint8, one vector (D,), or one map (H, W);
features stay with the engine.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt

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

_pastes = itertools.count(1)


@dataclass(frozen=True)
class Source:
    """What is open: a photograph, a feature file with its photograph, or pasted pixels.

    Attributes
    ----------
    path : the file; None for pasted pixels
    image : for a feature file its photograph, or None to look for it beside the file
    layout : how to read the file where it cannot be told, one of `inputs.INPUT_LAYOUTS`
    pasted : (H, W, 3) uint8, only without a path
    name : what the window calls it, and the stem of its exports
    """

    path: Path | None
    name: str
    image: Path | None = None
    layout: str | None = None
    pasted: Picture | None = field(default=None, compare=False, repr=False)

    @classmethod
    def from_path(cls, path: Path, image: Path | None = None, layout: str | None = None) -> Source:
        return cls(path=path, name=path.name, image=image, layout=layout)

    @classmethod
    def from_pixels(cls, picture: Picture) -> Source:
        """Pasted pixels, (H, W, 3) uint8."""
        return cls(path=None, name=f"pasted-{next(_pastes)}", pasted=picture)

    @property
    def stem(self) -> str:
        return self.path.stem if self.path is not None else self.name


@dataclass(frozen=True)
class ShowRequest:
    """Fill the four panes.

    Attributes
    ----------
    live : True while a slider moves: the projected channels may be filtered instead of all features
    fresh : True to forget what is cached for this source (run again)
    basis : path of a saved PCA basis to project on; None fits one to this image
    view : what a pane shows: the box (x0, y0, x1, y1) in image pixels, and screen pixels per image pixel
    """

    queue: ClassVar[str] = "show"
    ticket: int
    source: Source
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)
    filter: FilterParams = field(default_factory=FilterParams)
    projection: ProjectionParams = field(default_factory=ProjectionParams)
    basis: Path | None = None
    live: bool = False
    fresh: bool = False
    view: View | None = None

    @property
    def patient(self) -> bool:
        """A live picture is finished when a newer one is wanted, not cancelled: else dragging would show nothing."""
        return self.live

    @property
    def work(self) -> tuple[object, ...]:
        """What the features depend on: requests that agree in it share the network's run."""
        return self.source, self.model, self.extract

    def settled(self, ticket: int) -> ShowRequest:
        """The same state, exact."""
        return replace(self, ticket=ticket, live=False)


@dataclass(frozen=True)
class ShowResult:
    """Some or all panes of a `ShowRequest`; several may come for one ticket, each with what is newly known.

    Attributes
    ----------
    pictures : pane name -> pyramid of (H, W, 3) uint8
    patches : pane name -> (picture of a part, its box (x0, y0, x1, y1)), while a slider moves
    exact : whether the filtered pane is the paper's result, or the preview of it
    complete : no more will come for this ticket
    features : another number when the features are other ones than before
    explained : share of variance of each fitted component, in [0, 1]
    notes : sentences about what was done differently (memory, device)
    files : what it was read from: the file, and of features their photograph's
    """

    ticket: int
    source: Source
    size: tuple[int, int]
    pictures: Mapping[str, Pyramid] = field(default_factory=dict)
    patches: Mapping[str, Patch] = field(default_factory=dict)
    exact: bool = True
    complete: bool = False
    channels: int = 0
    features: int = 0
    explained: tuple[float, ...] = ()
    device: str = ""
    model: str = ""
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(frozen=True)
class ProbeRequest:
    """The features at one pixel of what the last `ShowRequest` showed."""

    patient: ClassVar[bool] = True
    ticket: int
    source: Source
    point: tuple[int, int]
    pinned: bool = False

    @property
    def queue(self) -> str:
        """Pins have a queue of their own: the pointer moves on, and must not replace what was asked for a pin."""
        return "pin" if self.pinned else "probe"


@dataclass(frozen=True)
class ProbeResult:
    """Features at a pixel (x, y), and and each pane's three projected values in [0, 1]."""

    ticket: int
    source: Source
    point: tuple[int, int]
    vector: Vector
    values: Mapping[str, Vector]
    pinned: bool = False


@dataclass(frozen=True)
class ExportRequest:
    """Write what `show` shows into a folder."""

    queue: ClassVar[str] = "export"
    patient: ClassVar[bool] = True
    ticket: int
    show: ShowRequest
    folder: Path
    params: ExportParams


@dataclass(frozen=True)
class ExportResult:
    """The files that were written."""

    ticket: int
    paths: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LoadModelRequest:
    """Load torch and the model before anybody asks for features."""

    queue: ClassVar[str] = "load"
    patient: ClassVar[bool] = True
    ticket: int
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)


@dataclass(frozen=True)
class LoadModelResult:
    """What is ready to run, and where it can run."""

    ticket: int
    model: str
    device: str
    devices: tuple[tuple[str, str], ...]  # (key such as cuda:0, words)


@dataclass(frozen=True)
class PrefetchRequest:
    """Compute the features of `source` as `show` would have them, and remember them if they fit beside the others."""

    queue: ClassVar[str] = "prefetch"
    patient: ClassVar[bool] = True
    ticket: int
    show: ShowRequest
    source: Source


@dataclass(frozen=True)
class PrefetchResult:
    """Whether the features of `source` are remembered now; otherwise there was no room."""

    ticket: int
    source: Source
    kept: bool


@dataclass(frozen=True)
class BasisRequest:
    """Save the basis that `show` is projected on, or one fitted to all of `sources` together."""

    queue: ClassVar[str] = "basis"
    patient: ClassVar[bool] = False
    ticket: int
    show: ShowRequest
    path: Path
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class BasisResult:
    """A basis was written to `path`, fitted to the pictures `fitted`; `failed` are the others, each with a sentence."""

    ticket: int
    path: Path
    fitted: tuple[Source, ...] = ()
    failed: tuple[tuple[Source, str], ...] = ()


@dataclass(frozen=True)
class BatchExportRequest:
    """Export one picture of a batch, as `ExportRequest` does; its progress goes from `begun` of the batch to `done`."""

    queue: ClassVar[str] = "batch"
    patient: ClassVar[bool] = True
    ticket: int
    show: ShowRequest
    folder: Path
    stem: str
    params: ExportParams
    begun: float = 0.0
    done: float = 1.0


@dataclass(frozen=True)
class BatchExportResult:
    """One picture of a batch was written; no paths where its files were all there."""

    ticket: int
    source: Source
    paths: tuple[Path, ...]
