"""What is asked about classes that a user teaches by strokes: the features under a stroke, confidences, files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sss_gui.requests.channel import Request
from sss_gui.requests.panes import ComputeFeatures, ExportResult

if TYPE_CHECKING:
    from sss_model.classes import FeatureSource, Stroke, TaughtClasses


@dataclass(frozen=True, eq=False)
class Painted:
    """A stroke, the number of the class that it teaches, and whose features lie under it, up to 64 vectors (D,)."""

    number: int
    features: FeatureSource
    stroke: Stroke


@dataclass(frozen=True)
class StrokeRequest(Request[Painted]):
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
class ConfidenceRequest(Request[float]):
    """Say how sure the classes are of a picture, 0 to 1.

    Attributes
    ----------
    compute : whether its features are computed where they are not known, and then forgotten; else nothing is said
    begun, done : the share of a batch that is over before it, and after it
    """

    features: ComputeFeatures
    classes: TaughtClasses
    compute: bool = False
    begun: float = 0.0
    done: float = 1.0


@dataclass(frozen=True)
class OpenClassesRequest(Request["TaughtClasses"]):
    """Read classes that were saved."""

    path: Path


@dataclass(frozen=True)
class SaveClassesRequest(Request[Path]):
    """Write classes, and say where; with `by_content` their digest is in the name, so that none replaces others."""

    path: Path
    classes: TaughtClasses
    by_content: bool = False


@dataclass(frozen=True)
class JoinCocoRequest(Request[ExportResult]):
    """Join the COCO files of the classes of pictures in `folder` in one, as `sss-segment --classes` does."""

    folder: Path
    stems: tuple[str, ...]
