"""What is asked about classes that a user teaches by strokes: the features under a stroke, confidences, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ComputeFeatures, ExportResult, Source

if TYPE_CHECKING:
    from sss_model.classes import FeatureSource, Stroke, TaughtClasses


@dataclass(frozen=True)
class StrokeResult:
    """A stroke with the features under it, up to 64 vectors (D,), and whose features these are.

    Attributes
    ----------
    number : of the class
    """

    source: Source
    number: int
    features: FeatureSource
    stroke: Stroke


@dataclass(frozen=True)
class StrokeRequest(Request[StrokeResult]):
    """Read the features under a stroke.

    Attributes
    ----------
    features : of the picture that it is on
    number, name : of the class that it teaches
    points : (x, y) in pixels of the picture
    radius : half the brush's width in pixels of the picture
    taught_with : the features of the other strokes; None where there is none
    """

    features: ComputeFeatures
    number: int
    name: str
    points: tuple[tuple[float, float], ...]
    radius: float
    taught_with: FeatureSource | None = None


@dataclass(frozen=True)
class ConfidenceResult:
    """How sure the classes are of a picture, 0 to 1; None where its features are not known and not to be computed."""

    source: Source
    confidence: float | None


@dataclass(frozen=True)
class ConfidenceRequest(Request[ConfidenceResult]):
    """Say how sure the classes are of a picture.

    Attributes
    ----------
    compute : whether its features are computed where they are not known; they are forgotten then
    begun, done : the share of a batch that is over before it, and after it
    """

    features: ComputeFeatures
    classes: TaughtClasses
    compute: bool = False
    begun: float = 0.0
    done: float = 1.0


@dataclass(frozen=True)
class ClassFileResult:
    """Classes as the file `path` has them."""

    path: Path
    classes: TaughtClasses


@dataclass(frozen=True)
class OpenClassesRequest(Request[ClassFileResult]):
    """Read classes that were saved."""

    path: Path


@dataclass(frozen=True)
class SaveClassesRequest(Request[ClassFileResult]):
    """Write classes; with `by_content` a part of their digest comes into the name, so that none replaces others."""

    path: Path
    classes: TaughtClasses
    by_content: bool = False


@dataclass(frozen=True)
class JoinCocoRequest(Request[ExportResult]):
    """Join the COCO files of the classes of pictures in `folder` in one, as `sss-segment --classes` does."""

    folder: Path
    stems: tuple[str, ...]
