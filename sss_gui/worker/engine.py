"""The only part of the window that computes: answers requests on the worker's thread, and remembers every stage.

image | features | basis | pictures: each stage is kept under the parameters it depends on, so that a new radius never
runs the network again. Of several pictures the last ones are kept, as many as fit into a share of the memory.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sss_gui.messages.files import FeatureThumbnail, FeatureThumbnailsRequest
from sss_gui.messages.overlays import (
    ClusterRequest,
    ClusterResult,
    SimilarityRequest,
    SimilarityResult,
    WriteMaskRequest,
)
from sss_gui.messages.panes import (
    BasisRequest,
    BasisResult,
    BatchExportRequest,
    BatchExportResult,
    ExportRequest,
    ExportResult,
    ForgetRequest,
    LiftRequest,
    LiftResult,
    LoadModelRequest,
    LoadModelResult,
    PinRequest,
    PrefetchRequest,
    PrefetchResult,
    PreviewRequest,
    ProbeRequest,
    ProbeResult,
    ShowRequest,
    ShowResult,
)
from sss_gui.pane_names import PANES
from sss_gui.worker.devices import device_words, devices
from sss_gui.worker.feature_cache import CachedFeatures
from sss_gui.worker.grid_views import box_on_picture, view_on_grid
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.layers.segment_answers import SegmentAnswers
from sss_gui.worker.pooled_figures import PooledFigures
from sss_gui.worker.sources import files_of_source, read_source, source_stamp
from sss_gui.worker.worker import Deliver
from sss_model.errors import ParameterError
from sss_model.files.allocation import file_stamp
from sss_model.files.export import already_there
from sss_model.image_io import to_picture
from sss_model.params import ExportParams
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_gui.worker.overlays.overlay_engine import OverlayEngine
    from sss_model.extractor import CachedExtractor
    from sss_model.projection.display_basis import FixedBasis
    from sss_model.projection.feature_views import FeatureViews

log = logging.getLogger(__name__)


class FeatureEngine(SegmentAnswers):
    """Owns the model and what was computed with it; used by one thread only.

    Parameters
    ----------
    extraction : the network to use; None loads one when it is first needed
    """

    def __init__(self, extraction: CachedExtractor | None = None) -> None:
        super().__init__()
        self._extraction = extraction
        self._bases: dict[tuple[Any, ...], FixedBasis] = {}
        self._overlays: OverlayEngine | None = None

    def close(self) -> None:
        """Forget everything."""
        super().close()
        if self._overlays is not None:
            self._overlays.clear()
        self.documents.clear()
        if self._extraction is not None:
            self._extraction.clear()

    @property
    def overlays(self) -> OverlayEngine:
        """What compares and groups; it loads torch too."""
        if self._overlays is None:
            from sss_gui.worker.overlays.overlay_engine import OverlayEngine

            self._overlays = OverlayEngine(self.documents)
        return self._overlays

    @property
    def extraction(self) -> CachedExtractor:
        """The network; torch is loaded with it, after the picture has been shown."""
        if self._extraction is None:
            from sss_model.extractor import CachedExtractor

            self._extraction = CachedExtractor()
        return self._extraction

    def load_model(self, request: LoadModelRequest, progress: Progress, deliver: Deliver) -> LoadModelResult:
        """Load torch and the model, and say where it can run."""
        progress.report(0.0, "Loading the model")
        extractor = self.extraction.extractor(request.model, request.extract)
        return LoadModelResult(
            request.ticket, extractor.checkpoint.path.stem, device_words(extractor.device), devices()
        )

    # panes -----------------------------------------------------------------------------------------------------------

    def show(self, request: ShowRequest, progress: Progress, deliver: Deliver) -> ShowResult:
        """The four panes, each delivered as soon as it is there; the filtered one ends it."""
        started = time.perf_counter()
        document = self.document(request, progress.part(0.0, 0.7), deliver)
        figure, common = document.figure, self._common(request, document)
        basis = self._basis(request.basis)
        rest = progress.part(0.7, 1.0)
        pictures = {"input": document.full_picture()}
        rest.report(0.0, "Random projection")
        pictures["random"] = document.pyramid("random", figure.random(request.projection.seed))
        deliver(ShowResult(**common, pictures=pictures))
        pca = figure.plain(request.projection, basis, rest.part(0.05, 0.3, "PCA"))
        pictures = {"pca": document.pyramid("pca", pca)}
        deliver(ShowResult(**common, pictures=pictures))
        filtered = figure.filtered(request.filter, request.projection, basis, rest.part(0.3, 1.0, "Guided filter"))
        pictures = {"filtered": document.pyramid("filtered", filtered)}
        seconds = time.perf_counter() - started
        return ShowResult(
            **common, pictures=pictures, complete=True, explained=self._explained(request, figure), seconds=seconds
        )

    def _explained(self, request: ShowRequest, figure: FeatureViews) -> tuple[float, ...]:
        """Of the fixed basis as it was fitted, or of this picture's filtered features."""
        fixed = self._basis(request.basis)
        if fixed is not None:
            return tuple(float(ratio) for ratio in fixed.basis.explained_variance_ratio)
        return figure.explained(request.filter, request.projection)

    def preview(self, request: PreviewRequest, progress: Progress, deliver: Deliver) -> ShowResult:
        """The filtered pane at the basis shown last, only as large as it is on the screen."""
        show = request.show
        document = self.document(show, progress, deliver)
        figure, basis = document.figure, self._basis(show.basis)
        view = request.view and view_on_grid(request.view, figure)
        patch, cells = figure.preview(show.filter, show.projection, basis, view)
        box = box_on_picture(cells, figure)
        return ShowResult(
            **self._common(show, document), patches={"filtered": (to_picture(patch), box)}, exact=False, complete=True
        )

    def _common(self, request: ShowRequest, document: CachedFeatures) -> dict[str, Any]:
        return {
            "files": files_of_source(request.source),
            "ticket": request.ticket,
            "source": request.source,
            "size": document.figure.size,
            "grid": document.figure.image.shape[:2],
            "channels": document.figure.features.shape[2],
            "features": document.number,
            "device": document.device,
            "model": document.model,
            "notes": document.notes,
        }

    def _basis(self, path: Path | None) -> FixedBasis | None:
        if path is None:
            return None
        from sss_model.projection.display_basis import FixedBasis

        key = path, file_stamp(path)
        if key not in self._bases:
            self._bases[key] = FixedBasis.load(path)
        return self._bases[key]

    def lift(self, request: LiftRequest, progress: Progress, deliver: Deliver) -> LiftResult | None:
        """The part of the filtered pane that is looked at, at the photograph's own size; None where it is that."""
        show, (box, scale) = request.show, request.view
        document = self.documents.get(self._key(show))
        if document is None:
            return None
        figure = document.figure
        height, width = figure.size
        if scale <= max(figure.image.shape[:2]) / max(height, width):  # the grid is as fine as the screen
            return None
        x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
        if x0 >= x1 or y0 >= y1 or figure.size == figure.image.shape[:2]:
            return None
        part = figure.lifted(show.filter, show.projection, self._basis(show.basis), (x0, y0, x1, y1), progress)
        return LiftResult(request.ticket, show.source, (part, (x0, y0, x1, y1)))

    # documents -------------------------------------------------------------------------------------------------------

    def document(self, request: ShowRequest, progress: Progress, deliver: Deliver) -> CachedFeatures:
        """The features of the request's picture: remembered, read, or computed."""
        key = self._key(request)
        if request.fresh:
            self.documents.drop(key)
        document = self.documents.get(key)
        if document is None:
            document = self._compute(request, progress, deliver)
            self.documents.put(key, document)
            self._give_back()
        return document

    def forget(self, request: ForgetRequest, progress: Progress, deliver: Deliver) -> None:
        """Forget the pictures that were closed, and give their memory back to the system."""
        if self.documents.keep_only(request.kept):
            if self._overlays is not None:
                self._overlays.clear()
            self.forget_cuts()
            self._give_back()

    @staticmethod
    def _give_back() -> None:
        from sss_model.inference.memory import release  # here: it loads torch

        release()

    def prefetch(self, request: PrefetchRequest, progress: Progress, deliver: Deliver) -> PrefetchResult:
        """Features of a picture that may be wanted, as long as nothing must be forgotten for them."""
        show = replace(request.show, source=request.source)
        key = self._key(show)
        if self.documents.get_quietly(key) is None:
            try:
                document = self._compute(show, progress, lambda _result: None, self._claim)
            except _NoRoomError:
                return PrefetchResult(request.ticket, request.source, kept=False)
            self.documents.put_behind(key, document)
        return PrefetchResult(request.ticket, request.source, kept=True)

    def _claim(self, needed: int) -> None:
        if not self.documents.room_for(needed):
            raise _NoRoomError

    def _key(self, request: ShowRequest) -> tuple[Any, ...]:
        stamps = source_stamp(request.source), file_stamp(request.model)
        return (request.source, request.model, request.extract, *stamps)

    def _compute(
        self, request: ShowRequest, progress: Progress, deliver: Deliver, claim: Callable[[int], None] | None = None
    ) -> CachedFeatures:
        """Read or compute the features; `claim` finds memory for so many bytes before they are there."""
        claim = claim or self.documents.make_room
        progress.report(0.0, "Reading")
        opened = read_source(request.source)
        levels = make_pyramid(to_picture(opened.image))
        size = opened.image.shape[:2]
        deliver(ShowResult(request.ticket, request.source, size, {"input": levels}))
        from sss_model.pipeline import analyse  # here: it loads torch

        notes: list[str] = []

        def note(sentence: str) -> None:
            """Say at once that there is no room, or that memory ran out, not when all is done."""
            notes.append(sentence)
            deliver(ShowResult(request.ticket, request.source, size, notes=tuple(notes)))

        computed = opened.features is None
        if computed:
            progress.report(0.05, "Loading the model")
        picture = analyse(
            opened,
            request.source.name,
            self.extraction,
            request.model,
            request.extract,
            progress.part(0.1, 1.0),
            picture=levels[0],
            make_room=claim,
            note=note,
        )
        network = (request.model, request.extract, file_stamp(request.model)) if computed else ()
        device = device_words(picture.device)
        cached = CachedFeatures(
            request.source, picture.views, picture.model, device, picture.record, picture.notes, network
        )
        cached.levels = levels
        return cached

    # one pixel, files ------------------------------------------------------------------------------------------------

    def probe(self, request: ProbeRequest, progress: Progress, deliver: Deliver) -> ProbeResult | None:
        """The features and the shown values of one pixel; None where the picture was forgotten."""
        return self._vector(request, pinned=False)

    def pin(self, request: PinRequest, progress: Progress, deliver: Deliver) -> ProbeResult | None:
        """The same for a pin."""
        return self._vector(request, pinned=True)

    def _vector(self, request: ProbeRequest | PinRequest, *, pinned: bool) -> ProbeResult | None:
        document = self.documents.last_of(request.source)
        x, y = request.point
        if document is None:
            return None
        figure = document.figure
        height, width = figure.size
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(f"The pixel ({x}, {y}) is outside the picture of {width} x {height}.")
        x, y = figure.cell((x, y))
        vector = np.array(figure.features[y, x], np.float32)
        maps = {name: values[y, x].copy() for name in PANES[1:] if (values := figure.shown(name)) is not None}
        return ProbeResult(request.ticket, request.source, request.point, vector, maps, pinned)

    def export(self, request: ExportRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """Write what is shown."""
        show = request.show
        paths = self._write(show, request.folder, show.source.stem, request.params, progress)
        return ExportResult(request.ticket, tuple(paths), self.document(show, progress, deliver).notes)

    def _write(
        self, show: ShowRequest, folder: Path, stem: str, params: ExportParams, progress: Progress
    ) -> list[Path]:
        from sss_model.pipeline import AnalysedPicture, export_picture  # here: it loads torch

        document = self.document(show, progress.part(0.0, 0.5), lambda _result: None)
        picture = AnalysedPicture(document.figure, document.model, document.device, document.record)
        return export_picture(
            picture,
            folder,
            stem,
            show.filter,
            show.projection,
            params,
            basis=self._basis(show.basis),
            progress=progress.part(0.5, 1.0),
        )

    def export_of_batch(self, request: BatchExportRequest, progress: Progress, deliver: Deliver) -> BatchExportResult:
        """Write one picture of a batch; nothing where its files are all there and may stay."""
        show, params = request.show, request.params
        if params.existing == "skip" and already_there(request.folder, request.stem, params):
            return BatchExportResult(request.ticket, show.source, ())
        known = self.documents.last_of(show.source)
        part = progress.part(request.begun, request.done)
        paths = self._write(show, request.folder, request.stem, params, part)
        if known is None:
            self.documents.drop(self._key(show))  # a batch must not push out what is being looked at
        return BatchExportResult(request.ticket, show.source, tuple(paths))

    def similarity(self, request: SimilarityRequest, progress: Progress, deliver: Deliver) -> SimilarityResult | None:
        """See `OverlayEngine.similarity`."""
        return self.overlays.similarity(request, progress)

    def clusters(self, request: ClusterRequest, progress: Progress, deliver: Deliver) -> ClusterResult | None:
        """See `OverlayEngine.clusters`."""
        return self.overlays.clusters(request, progress)

    def write_mask(self, request: WriteMaskRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """See `OverlayEngine.write_mask`."""
        return self.overlays.write_mask(request, progress)

    def feature_thumbnails(
        self, request: FeatureThumbnailsRequest, progress: Progress, deliver: Deliver
    ) -> FeatureThumbnail | None:
        """See `feature_thumbnails.feature_thumbnails`."""
        from sss_gui.worker.feature_thumbnails import feature_thumbnails  # here: it loads torch

        show, shown = request.show, self.documents.get_quietly(self._key(request.show))
        if shown is not None:
            feature_thumbnails(
                *(self.documents, shown, request.sources, show.projection, self._basis(show.basis)),
                lambda source, picture: deliver(FeatureThumbnail(request.ticket, source, picture)),
            )
        return None

    def save_basis(self, request: BasisRequest, progress: Progress, deliver: Deliver) -> BasisResult:
        """Write the basis that is shown, or one fitted to several pictures."""
        document = self.document(request.show, progress, lambda _result: None)
        if not request.sources:
            fixed = document.figure.locked_basis(
                request.show.filter, request.show.projection, self._basis(request.show.basis)
            )
            fixed.save(request.path)
            return BasisResult(request.ticket, request.path)
        pooled = PooledFigures(self.document, document, request, progress, deliver, self.give_way)
        document.figure.shared_basis(pooled, request.show.filter).save(request.path)
        return BasisResult(request.ticket, request.path, tuple(pooled.fitted), tuple(pooled.failed))


class _NoRoomError(Exception):
    """There is no memory for features that nobody waits for."""
