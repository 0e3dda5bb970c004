"""What is asked about several models on one picture, and the answers: pictures and words, never features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ExportResult, Pyramid, Source
from sss_model.params import ExtractParams, FilterParams, GridParams


@dataclass(frozen=True)
class ModelChoice:
    """One of the models: what it is called, its file (None is the shipped one), at which size and scales it looks."""

    title: str
    path: Path | None
    grid: GridParams = field(default_factory=GridParams)


@dataclass(frozen=True)
class CompareResult:
    """Models side by side.

    Attributes
    ----------
    size : (H, W) of the photograph; `picture` is the photograph on the first model's grid
    titles : of the models, each another one
    pictures, filtered : each model's components in common colours, and those filtered along the picture's edges
    heads : of the table's columns, each with what it means
    rows : the table's cells, a row a model
    notes : what was done differently
    """

    source: Source
    size: tuple[int, int]
    picture: Pyramid
    titles: tuple[str, ...]
    pictures: tuple[Pyramid, ...]
    filtered: tuple[Pyramid, ...]
    heads: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CompareRequest(Request[CompareResult]):
    """Run two to four models on the photograph of `source`; `labels` is a label map or mask to measure by.

    Sizes and scales are each model's own; device and precision are those of `extract`.
    """

    source: Source
    models: tuple[ModelChoice, ...]
    labels: Path | None = None
    filter: FilterParams = field(default_factory=FilterParams)
    range: str = "full"
    extract: ExtractParams = field(default_factory=ExtractParams)


@dataclass(frozen=True)
class CompareSimilarityRequest(Request[tuple[Pyramid, ...]]):
    """How alike each pixel is to `point` (x, y) of the photograph: (h, w, 4) uint8 for each model that was compared."""

    point: tuple[int, int]
    metric: str = "cosine"


@dataclass(frozen=True)
class CompareReportRequest(Request[ExportResult]):
    """Write what was compared last as one HTML page, with the similarity to each of `pins`."""

    path: Path
    pins: tuple[tuple[int, int], ...] = ()
    metric: str = "cosine"


@dataclass(frozen=True)
class EndCompareRequest(Request[None]):
    """Forget what was compared: nobody looks at it any more."""
