"""Classes taught by strokes: their layers, the features under a stroke, their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from torch import Tensor

from sss_gui.requests.classes import JoinCocoRequest, OpenClassesRequest, Painted, SaveClassesRequest, StrokeRequest
from sss_gui.requests.panes import ExportResult
from sss_gui.requests.segments import Groups
from sss_gui.requests.worker import Deliver
from sss_gui.worker.feature_cache import CachedFeatures
from sss_gui.worker.layers.layer_sources import Box, lifted_part, models_of, summed
from sss_model.analysis.class_layers import class_records, join_class_coco
from sss_model.array_types import Floats
from sss_model.classes import (
    FeatureSource,
    TaughtClasses,
    class_alphas,
    classes_sha256,
    confidence,
    load_classes,
    save_classes,
)
from sss_model.classes.strokes import make_stroke
from sss_model.files.export import prepare_folder
from sss_model.params import FilterParams
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_gui.worker.layers.segment_engine import SegmentEngine

_QUICK_SIDE = 160  # cells of the grid that are looked at for what shows at once


class ClassLayers:
    """Taught classes of one picture, each a component.

    Parameters
    ----------
    document : the features of the picture
    read : reads the photograph, (H, W, 3) float32 RGB in [0, 1], once it is needed
    """

    merges: tuple[tuple[int, int], ...] = ()

    def __init__(self, classes: TaughtClasses, document: CachedFeatures, read: Callable[[], Floats]) -> None:
        self.classes, self.names, self.read = classes, classes.names, read
        self._features, self.grid = document.figure.features, document.figure.image
        self._document = document
        self._exact: Floats | None = None
        self._models: tuple[Groups, Tensor] | None = None
        self.groupings: tuple[Groups, ...] = (tuple(range(len(classes.names))),)

    def taught_anew(self, classes: TaughtClasses) -> ClassLayers:
        """`classes` of the same picture."""
        image = self.__dict__.get("image")  # the new ones must not hold these
        return ClassLayers(classes, self._document, self.read if image is None else lambda: image)

    @cached_property
    def _some(self) -> tuple[Floats, int]:
        """Probabilities of every few cells of the grid, and how many cells a side stand for one."""
        step = -(-max(self.grid.shape[:2]) // _QUICK_SIDE)
        some = np.ascontiguousarray(self._features[step // 2 :: step, step // 2 :: step])
        return self.classes.probabilities(some), step

    @cached_property
    def quick(self) -> Floats:
        """(h, w, K) of sum 1: of some cells, along the edges of half the grid."""
        probabilities, step = self._some
        height, width = self.grid.shape[:2]
        small = _reduced(self.grid, probabilities.shape[1], probabilities.shape[0])
        half = _reduced(self.grid, max(width // 2, 1), max(height // 2, 1))
        smoothing = FilterParams()
        smoothing = replace(smoothing, radius=max(round(smoothing.radius / step), 1))
        alphas = class_alphas(probabilities, small, half, smoothing=smoothing)
        enlarged = cv2.resize(alphas, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(enlarged, np.float32).reshape(height, width, -1)

    @cached_property
    def _probabilities(self) -> Floats:
        return self.classes.probabilities(self._features)

    @cached_property
    def confidence(self) -> float:
        """How sure the classes are of the picture, 0 to 1."""
        return confidence(self._probabilities)

    @property
    def shares(self) -> tuple[float, ...]:
        """Each class's share of the picture, roughly."""
        return tuple(self._some[0].mean(axis=(0, 1), dtype=np.float64).tolist())

    @cached_property
    def image(self) -> Floats:
        """(H, W, 3), the photograph at its own size."""
        return self.read()

    @property
    def nbytes(self) -> int:
        """Bytes of memory that it holds beside the features."""
        held = [self.__dict__.get(name) for name in ("image", "quick", "_probabilities", "_exact")]
        return sum(array.nbytes for array in held if array is not None)

    @property
    def is_exact(self) -> bool:
        """Whether `exact` is there in an instant."""
        return self._exact is not None

    def exact(self, progress: Progress) -> Floats:
        """(h, w, K) of sum 1, along the grid's edges."""
        if self._exact is None:
            self._exact = class_alphas(self._probabilities, self.grid, self.grid, progress)
        return self._exact

    def at_once(self, groups: Groups) -> None:
        """Nothing: the layers came with the classes."""

    def on_grid(self, groups: Groups, progress: Progress) -> Floats:
        """The classes of each group on the grid."""
        return np.clip(summed(self.exact(progress), groups), 0, 1)

    def at_full_size(self, groups: Groups, progress: Progress) -> Floats:
        """The classes along the photograph's edges, as `sss-segment --classes` writes them."""
        alphas = class_alphas(self._probabilities, self.grid, self.image, progress)
        return alphas if groups == self.groupings[0] else np.clip(summed(alphas, groups), 0, 1)

    def part(self, groups: Groups, box: Box, step: int) -> Floats:
        """A part of what `at_full_size` gives; with a `step` above 1 of the photograph reduced by it."""
        if self._models is None or self._models[0] != groups:
            smoothing = FilterParams()
            values = summed(self._probabilities, groups)
            self._models = groups, models_of(values, self.grid, radius=smoothing.radius, eps=smoothing.eps)
        return lifted_part(self._models[1], self.image, box, step)


def _reduced(picture: Floats, width: int, height: int) -> Floats:
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.float32)


class ClassEngine:
    """Answers what is asked about taught classes beside their layers.

    Parameters
    ----------
    segmenter : knows the features
    """

    def __init__(self, segmenter: SegmentEngine) -> None:
        self._segmenter = segmenter

    def stroke(self, request: StrokeRequest, progress: Progress, deliver: Deliver) -> Painted:
        """The features under a stroke; an error where they are another model's than those of the other strokes."""
        document = self._segmenter.document(request.features, progress, deliver)
        features = document.figure.features
        if request.taught_with is not None:
            TaughtClasses(request.taught_with).check_source(document.record, features)
        stroke = make_stroke(
            request.name, request.features.source.name, request.points, request.radius, features, document.figure.size
        )
        source = FeatureSource.of(document.record, features.shape[2])
        return Painted(request.number, source, stroke)

    def open_classes(self, request: OpenClassesRequest, progress: Progress, deliver: Deliver) -> TaughtClasses:
        """Read classes that were saved."""
        return load_classes(request.path)

    def save_classes(self, request: SaveClassesRequest, progress: Progress, deliver: Deliver) -> Path:
        """Write the classes into a file."""
        path = request.path
        if request.by_content:
            path = path.with_name(f"{path.stem}-{classes_sha256(request.classes)[:8]}{path.suffix}")
        prepare_folder(path.parent)
        save_classes(path, request.classes)
        return path

    def join_coco(self, request: JoinCocoRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """Write one COCO file of those of several pictures."""
        path = join_class_coco(request.folder, class_records(request.folder, request.stems))
        return ExportResult(() if path is None else (path,))
