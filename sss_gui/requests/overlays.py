"""What is asked about similarity and clusters, and the answers: overlays, never features."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ComputeFeatures, ExportResult, Picture, Pyramid, Source
from sss_model.params import ClusterParams, SimilarityParams

Values = NDArray[Any]


@dataclass(frozen=True)
class SimilarityResult:
    """An overlay of `source`, (H, W, 4) uint8 with straight alpha, and its reductions.

    Attributes
    ----------
    match : the most alike pixel (x, y), in the points' own picture away from the point; None for several pixels
    matches : the other pictures that are remembered
    values : (h, w) what the colours stand for: similarities in [0, 1], or of several pixels the nearest, from 0
    """

    source: Source
    overlay: Pyramid
    match: tuple[int, int] | None = None
    matches: tuple[Match, ...] = ()
    values: Values | None = None


@dataclass(frozen=True)
class SimilarityRequest(Request[SimilarityResult]):
    """How alike every pixel is to one pixel, or which of several pixels it is most like.

    Attributes
    ----------
    source : whose pixels are compared
    points : one pixel (x, y): a heat map; several: each pixel goes to its nearest
    others : the other open pictures; those whose features are remembered are compared too
    origin : the picture that the points lie in; None is `source` itself
    """

    source: Source
    points: tuple[tuple[int, int], ...]
    params: SimilarityParams = field(default_factory=SimilarityParams)
    others: tuple[Source, ...] = ()
    origin: Source | None = None

    @property
    def of(self) -> Source:
        """The picture that the points lie in."""
        return self.origin or self.source


@dataclass(frozen=True)
class Match:
    """The same comparison over another open picture, small enough for its thumbnail.

    Attributes
    ----------
    overlay : (h, w, 4) uint8 with straight alpha, of the picture's shape
    value : the best similarity there, in [0, 1]; 0 for several pixels
    place : where that is, as parts (x, y) of width and height in [0, 1]; None for several pixels
    """

    source: Source
    overlay: Picture
    value: float = 0.0
    place: tuple[float, float] | None = None


@dataclass(frozen=True)
class ClusterResult:
    """An overlay (H, W, 4) uint8 with straight alpha and its reductions, and the group of each pixel (h, w) from 0."""

    overlay: Pyramid
    values: Values | None = None


@dataclass(frozen=True)
class ClusterRequest(Request[ClusterResult]):
    """The pixels of `source` in k groups of like features."""

    source: Source
    params: ClusterParams = field(default_factory=ClusterParams)


@dataclass(frozen=True)
class WriteMapRequest(Request[ExportResult]):
    """Write the similarity itself, at the photograph's size: 16-bit grey where `path` ends in .png, else .npy.

    Of several pixels a pixel has its similarity to the one that it is most like.
    """

    similarity: SimilarityRequest
    path: Path


@dataclass(frozen=True)
class PinTableResult:
    """How alike pins are: (N, N) float32, NaN where the features of one are not known; and why they are not."""

    values: Values
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class PinTableRequest(Request[PinTableResult]):
    """Compare each of `pins`, whose pictures' features are computed where they are not known, with each.

    Attributes
    ----------
    pins : the features of a picture, and a pixel (x, y) of it
    metric : cosine, of the angle; distance, Euclidean
    """

    pins: tuple[tuple[ComputeFeatures, tuple[int, int]], ...]
    metric: str = "cosine"


@dataclass(frozen=True)
class WriteMaskRequest(Request[ExportResult]):
    """Write what `overlay` shows to a PNG: a mask of 0 and 255, or an index picture."""

    overlay: SimilarityRequest | ClusterRequest
    path: Path
