"""The messages about segments, as the engine of the window's worker has them; torch is loaded with the first one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sss_gui.messages.panes import ExportResult, ShowRequest
from sss_gui.messages.segments import (
    BackdropRequest,
    BackdropResult,
    CutOutRequest,
    CutOutResult,
    ExportLayersRequest,
    LayersRequest,
    LayersResult,
    MatteRequest,
    MatteResult,
    SegmentsLiftRequest,
    SegmentsLiftResult,
    SegmentsRequest,
    SegmentsResult,
)
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.worker import Deliver, Engine
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_gui.worker.layers.segment_engine import SegmentEngine


class SegmentAnswers(Engine):
    """Hands the messages about segments to a `SegmentEngine`, which is made when it is first needed."""

    def __init__(self) -> None:
        self.documents = FeatureCache()
        self._segmenter: SegmentEngine | None = None

    def document(self, request: ShowRequest, progress: Progress, deliver: Deliver) -> CachedFeatures:
        """The features of the request's picture: remembered, read, or computed."""
        raise NotImplementedError

    @property
    def segmenter(self) -> SegmentEngine:
        """What segments; it loads torch."""
        if self._segmenter is None:
            from sss_gui.worker.layers.segment_engine import SegmentEngine

            self._segmenter = SegmentEngine(self.document, self.documents)
        return self._segmenter

    def close(self) -> None:
        """Forget everything about segments."""
        if self._segmenter is not None:
            self._segmenter.clear()

    def forget_cuts(self) -> None:
        """Forget the cuts of pictures that are not remembered."""
        if self._segmenter is not None:
            self._segmenter.forget_closed()

    def segments(self, request: SegmentsRequest, progress: Progress, deliver: Deliver) -> SegmentsResult:
        """See `SegmentEngine.segments`."""
        return self.segmenter.segments(request, progress, deliver)

    def layers(self, request: LayersRequest, progress: Progress, deliver: Deliver) -> LayersResult:
        """See `SegmentEngine.layers`."""
        return self.segmenter.layers(request, progress, deliver)

    def matte(self, request: MatteRequest, progress: Progress, deliver: Deliver) -> MatteResult:
        """See `SegmentEngine.matte`."""
        return self.segmenter.matte(request, progress, deliver)

    def lift_segments(
        self, request: SegmentsLiftRequest, progress: Progress, deliver: Deliver
    ) -> SegmentsLiftResult | None:
        """See `SegmentEngine.lift_segments`."""
        return self.segmenter.lift_segments(request, progress, deliver)

    def backdrop(self, request: BackdropRequest, progress: Progress, deliver: Deliver) -> BackdropResult:
        """See `SegmentEngine.backdrop`."""
        return self.segmenter.backdrop(request, progress, deliver)

    def cut_out(self, request: CutOutRequest, progress: Progress, deliver: Deliver) -> CutOutResult:
        """See `SegmentEngine.cut_out`."""
        return self.segmenter.cut_out(request, progress, deliver)

    def export_layers(self, request: ExportLayersRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """See `export_layers` of the module `layer_export`."""
        from sss_gui.worker.layers.layer_export import export_layers

        return export_layers(self.segmenter, request, progress, deliver)
