"""The only part of the window that computes: answers requests on the worker's thread, and remembers every stage.

image | features | basis | pictures: each stage is kept under the parameters it depends on, so that a new radius never
runs the network again. Of several pictures the last ones are kept, as many as fit into a share of the memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from sss_gui.requests.panes import View

if TYPE_CHECKING:
    from sss_model.projection.feature_views import FeatureViews  # loads torch

import functools
import gc
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sss_gui.pane_names import PANES
from sss_gui.requests.classes import (
    ConfidenceRequest,
    JoinCocoRequest,
    OpenClassesRequest,
    SaveClassesRequest,
    StrokeRequest,
)
from sss_gui.requests.compare import CompareReportRequest, CompareRequest, CompareSimilarityRequest, EndCompareRequest
from sss_gui.requests.error_text import NotAgreedError
from sss_gui.requests.files import FeatureThumbnailsRequest, ThumbnailResult
from sss_gui.requests.overlays import (
    ClusterRequest,
    PinTableRequest,
    PinTableResult,
    SimilarityRequest,
    WriteMapRequest,
    WriteMaskRequest,
)
from sss_gui.requests.panes import (
    BasisRequest,
    BasisResult,
    ComputeFeatures,
    ExportRequest,
    ExportResult,
    FeaturesResult,
    ForgetRequest,
    LiftRequest,
    LoadModelRequest,
    LoadModelResult,
    Notes,
    OpenedPicture,
    OpenPicture,
    PanesResult,
    Patch,
    PrefetchRequest,
    Preview,
    ProbeRequest,
    ProbeResult,
    Pyramid,
    RenderPanes,
    RoughPanes,
    Source,
)
from sss_gui.requests.segments import (
    BackdropRequest,
    CutOutRequest,
    ExportLayersRequest,
    HoverRequest,
    LayersRequest,
    MatteLiftRequest,
    MatteRequest,
    PrepareMatteRequest,
    RecipeRequest,
    SegmentsLiftRequest,
    SegmentsRequest,
)
from sss_gui.requests.sequence import CarryRequest, ExportFramesRequest, SequenceRecipeRequest
from sss_gui.requests.worker import LOADING, Answers, Deliver, Engine
from sss_gui.worker.compared_vectors import compare_vectors
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.pooled_figures import PooledFigures
from sss_gui.worker.sources import files_of_source, foreseen, read_source, source_stamp
from sss_model import budget as limits
from sss_model.array_types import AnyFloats, Floats
from sss_model.errors import ParameterError, SSSError
from sss_model.files.allocation import file_stamp
from sss_model.files.export import already_there
from sss_model.files.inputs import Input
from sss_model.image_io import to_picture
from sss_model.progress import Progress
from sss_model.quick_import import quick_import

if TYPE_CHECKING:
    from sss_gui.worker.compare_engine import CompareEngine
    from sss_gui.worker.layers.segment_engine import SegmentEngine
    from sss_gui.worker.overlays.overlay_engine import OverlayEngine
    from sss_model.extractor import CachedExtractor
    from sss_model.projection.display_basis import FixedBasis
    from sss_model.projection.feature_views import FeatureViews
    from sss_model.working_grid import SmallestScale

log = logging.getLogger(__name__)

LARGE = 2 * limits.GIB
"""Bytes to read a photograph, from which on one is told before that it takes long and much memory."""


class FeatureEngine(Engine):
    """Owns the model and what was computed with it; used by one thread only.

    Parameters
    ----------
    extraction : the network to use; None loads one when it is first needed
    """

    answers: ClassVar[Answers] = {
        OpenPicture: "open_picture",
        RoughPanes: "rough_panes",
        ComputeFeatures: "compute_features",
        RenderPanes: "render_panes",
        Preview: "preview",
        LiftRequest: "lift",
        ProbeRequest: "probe",
        LoadModelRequest: "load_model",
        PrefetchRequest: "prefetch",
        ForgetRequest: "forget",
        ExportRequest: "export",
        BasisRequest: "save_basis",
        FeatureThumbnailsRequest: "feature_thumbnails",
        SimilarityRequest: "overlays.similarity",
        ClusterRequest: "overlays.clusters",
        WriteMaskRequest: "overlays.write_mask",
        WriteMapRequest: "overlays.write_map",
        PinTableRequest: "pin_table",
        CompareRequest: "comparer.compare",
        CompareSimilarityRequest: "comparer.similar_pixels",
        CompareReportRequest: "comparer.write_page",
        EndCompareRequest: "comparer.end_comparison",
        SegmentsRequest: "segmenter.segments",
        LayersRequest: "segmenter.layers",
        MatteRequest: "segmenter.matte",
        PrepareMatteRequest: "segmenter.mattes.prepare",
        HoverRequest: "segmenter.mattes.hover",
        MatteLiftRequest: "segmenter.mattes.lift_matte",
        RecipeRequest: "segmenter.mattes.recipe",
        SegmentsLiftRequest: "segmenter.lift_segments",
        BackdropRequest: "segmenter.backdrop",
        CutOutRequest: "segmenter.cut_out",
        ExportLayersRequest: "export_layers",
        StrokeRequest: "segmenter.classes.stroke",
        OpenClassesRequest: "segmenter.classes.open_classes",
        SaveClassesRequest: "segmenter.classes.save_classes",
        JoinCocoRequest: "segmenter.classes.join_coco",
        ConfidenceRequest: "confidence",
        CarryRequest: "segmenter.sequences.carry",
        SequenceRecipeRequest: "segmenter.sequences.sequence_recipe",
        ExportFramesRequest: "segmenter.sequences.export_frames",
    }

    def __init__(self, extraction: CachedExtractor | None = None) -> None:
        self.documents = FeatureCache()
        self._extraction = extraction
        self._opened: tuple[Any, Input, Pyramid] | None = None  # read last, until its features are there
        self._smallest: tuple[Any, SmallestScale] | None = None  # of what was read last, until its features are there
        self._bases: dict[tuple[Any, ...], FixedBasis] = {}
        self._agreed: set[Source] = set()  # pictures that may be reduced to what memory holds
        self._overlays: OverlayEngine | None = None
        self._segmenter: SegmentEngine | None = None
        self._comparer: CompareEngine | None = None

    def close(self) -> None:
        """Forget everything."""
        if self._segmenter is not None:
            self._segmenter.clear()
        if self._overlays is not None:
            self._overlays.clear()
        self.documents.clear()
        if self._extraction is not None:
            self._extraction.clear()

    @property
    def segmenter(self) -> SegmentEngine:
        """What segments; it loads torch."""
        if self._segmenter is None:
            from sss_gui.worker.layers.segment_engine import SegmentEngine

            give_way = lambda: self.give_way()  # noqa: E731  # the worker sets it later
            self._segmenter = SegmentEngine(self.document, self.documents, self._of_frame, give_way)
        return self._segmenter

    @property
    def overlays(self) -> OverlayEngine:
        """What compares and groups; it loads torch too."""
        if self._overlays is None:
            from sss_gui.worker.overlays.overlay_engine import OverlayEngine

            self._overlays = OverlayEngine(self.documents)
        return self._overlays

    @property
    def comparer(self) -> CompareEngine:
        """What runs several models; it loads torch too."""
        if self._comparer is None:
            from sss_gui.worker.compare_engine import CompareEngine

            self._comparer = CompareEngine(self._photograph, self.documents.make_room, lambda: self.give_way())
        return self._comparer

    def _photograph(self, source: Source, deliver: Deliver) -> Floats:
        """The photograph of `source`, (H, W, 3) in [0, 1], which is not remembered."""
        image = self._read(source, deliver)[0].image
        self._opened = None
        return image

    @property
    def extraction(self) -> CachedExtractor:
        """The network; torch is loaded with it, after the picture has been shown."""
        if self._extraction is None:
            with quick_import():
                from sss_model.extractor import CachedExtractor

            self._extraction = CachedExtractor()
        return self._extraction

    def load_model(self, request: LoadModelRequest, progress: Progress, deliver: Deliver) -> LoadModelResult:
        """Load torch and the model, and say where it can run."""
        progress.report(0.0, LOADING)
        extractor = self.extraction.extractor(request.model, request.extract)
        return LoadModelResult(extractor.checkpoint.path.stem, device_words(extractor.device), devices())

    # panes -----------------------------------------------------------------------------------------------------------

    def open_picture(self, request: OpenPicture, progress: Progress, deliver: Deliver) -> OpenedPicture | Notes:
        """The photograph: of remembered features, or read."""
        source, stamp = request.source, source_stamp(request.source)
        if request.agreed:
            self._agreed.add(source)
        progress.report(0.0, "Reading")
        document = self.documents.read_from(source, stamp)
        if document is not None:
            sha256 = str(document.record.get("source_sha256", ""))
            return OpenedPicture(source, document.figure.size, document.full_picture(), files_of_source(source), sha256)
        opened, levels = self._read(source, deliver)
        return OpenedPicture(source, opened.image.shape[:2], levels, files_of_source(source), opened.sha256)

    def rough_panes(self, request: RoughPanes, progress: Progress, deliver: Deliver) -> PanesResult | None:
        """The panes as the smallest scale has them; None where the features are remembered, or come from no scales."""
        panes, features = request.panes, request.panes.features
        key = self._key(features)
        if self.documents.get_quietly(key) is not None:
            return None
        opened = self._read(features.source, deliver)[0]
        if opened.features is not None:
            return None
        progress.report(0.0, LOADING)
        with quick_import():  # here: they load torch
            from sss_model.projection.feature_views import FeatureViews
            from sss_model.working_grid import extract_smallest

        extractor = self.extraction.extractor(features.model, features.extract)
        smallest = extract_smallest(extractor, opened.image, features.extract, progress.part(0.0, 0.0))
        if smallest is None:
            return None
        self._smallest = key, smallest
        figure = FeatureViews(smallest.guide, smallest.result.features, device=smallest.result.device)
        filter = replace(panes.filter, radius=max(1, round(panes.filter.radius * smallest.scale)))
        basis = self._basis(panes.basis)
        maps = {
            "random": figure.random(panes.projection.seed),
            "pca": figure.plain(panes.projection, basis),
            "filtered": figure.preview(filter, panes.projection, basis, None)[0],
        }
        return PanesResult(features.source, 0, {name: make_pyramid(to_picture(map)) for name, map in maps.items()})

    def compute_features(self, request: ComputeFeatures, progress: Progress, deliver: Deliver) -> FeaturesResult:
        """The features: remembered, read, or computed."""
        started = time.perf_counter()
        document = self.document(request, progress.part(0.0, 0.7), deliver, rounded=True)
        figure = document.figure
        return FeaturesResult(
            request.source,
            document.number,
            figure.features.shape[2],
            figure.image.shape[:2],
            document.device,
            document.model,
            document.notes,
            time.perf_counter() - started,
        )

    def render_panes(self, request: RenderPanes, progress: Progress, deliver: Deliver) -> PanesResult:
        """The panes of the features, each delivered as soon as it is there; the filtered one ends it."""
        started = time.perf_counter()
        document = self.document(request.features, progress.part(0.0, 0.7), deliver, rounded=True)
        figure, basis, rest = document.figure, self._basis(request.basis), progress.part(0.7, 1.0)

        def result(name: str, values: Any, **more: Any) -> PanesResult:
            pyramid = document.pyramid(name, values)
            return PanesResult(request.source, document.number, {name: pyramid}, **more)

        rest.report(0.0, "Random projection")
        deliver(result("random", figure.random(request.projection.seed)))
        deliver(result("pca", figure.plain(request.projection, basis, rest.part(0.05, 0.3, "PCA"))))
        filtered = figure.filtered(request.filter, request.projection, basis, rest.part(0.3, 1.0, "Guided filter"))
        explained, seconds = self._explained(request, figure), time.perf_counter() - started
        return result("filtered", filtered, complete=True, explained=explained, seconds=seconds)

    def _explained(self, request: RenderPanes, figure: FeatureViews) -> tuple[float, ...]:
        """Of the fixed basis as it was fitted, or of this picture's filtered features."""
        fixed = self._basis(request.basis)
        if fixed is not None:
            return tuple(float(ratio) for ratio in fixed.basis.explained_variance_ratio)
        return figure.explained(request.filter, request.projection)

    def preview(self, request: Preview, progress: Progress, deliver: Deliver) -> Patch:
        """The filtered pane at the basis shown last, only as large as it is on the screen."""
        panes = request.panes
        figure = self.document(panes.features, progress, deliver, rounded=True).figure
        view = request.view and view_on_grid(request.view, figure)
        patch, cells = figure.preview(panes.filter, panes.projection, self._basis(panes.basis), view)
        return to_picture(patch), box_on_picture(cells, figure)

    def _basis(self, path: Path | None) -> FixedBasis | None:
        if path is None:
            return None
        from sss_model.projection.display_basis import FixedBasis

        key = path, file_stamp(path)
        if key not in self._bases:
            self._bases[key] = FixedBasis.load(path)
        return self._bases[key]

    def lift(self, request: LiftRequest, progress: Progress, deliver: Deliver) -> Patch | None:
        """The part of the filtered pane that is looked at, at the photograph's own size; None where it is that."""
        panes, (box, scale) = request.panes, request.view
        document = self.documents.get(self._key(panes.features))
        if document is None:
            return None
        figure = document.figure
        height, width = figure.size
        if scale <= max(figure.image.shape[:2]) / max(height, width):  # the grid is as fine as the screen
            return None
        x0, y0, x1, y1 = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
        if x0 >= x1 or y0 >= y1 or figure.size == figure.image.shape[:2]:
            return None
        part = figure.lifted(panes.filter, panes.projection, self._basis(panes.basis), (x0, y0, x1, y1), progress)
        return part, (x0, y0, x1, y1)

    # documents -------------------------------------------------------------------------------------------------------

    def document(
        self, request: ComputeFeatures, progress: Progress, deliver: Deliver, *, rounded: bool = False
    ) -> CachedFeatures:
        """The features of the request's picture: remembered, read, or computed.

        Where `rounded` ones do not do, as in a file, those that were computed ahead and rounded are computed anew.
        """
        key = self._key(request)
        if request.fresh:
            self.documents.drop(key)
        document = self.documents.get(key)
        if document is None or (document.rounded and not rounded):
            document = self._compute(request, progress, deliver)
            self.documents.put(key, document)
            self._give_back()
        return document

    def forget(self, request: ForgetRequest, progress: Progress, deliver: Deliver) -> None:
        """Forget the pictures that were closed, and give their memory back to the system."""
        self._opened = None
        if self.documents.keep_only(request.kept):
            if self._overlays is not None:
                self._overlays.clear()
            if self._segmenter is not None:
                self._segmenter.forget_closed()
            self._give_back()

    @staticmethod
    def _give_back() -> None:
        from sss_model.inference.memory import release  # here: it loads torch

        _leave_modules_alone()
        release()

    def prefetch(self, request: PrefetchRequest, progress: Progress, deliver: Deliver) -> bool:
        """Features of a picture that may be wanted, as long as nothing must be forgotten for them."""
        key = self._key(request.features)
        if self.documents.get_quietly(key) is None:
            try:
                document = self._compute(request.features, progress, lambda _result: None, self._claim)
            except _NoRoomError:
                return False
            document.round()
            self.documents.put_behind(key, document)
        return True

    def _of_frame(
        self, request: ComputeFeatures, stem: str, image: Floats, progress: Progress
    ) -> tuple[AnyFloats, dict[str, Any]]:
        """The features of a frame and their record; they push nothing out of memory, and are not remembered."""
        from sss_model.pipeline import analyse  # here: it loads torch

        known = self.documents.get_quietly(self._key(request))
        if known is not None and not known.rounded:
            return known.figure.features, known.record
        found = analyse(Input(image), stem, self.extraction, request.model, request.extract, progress)
        return found.views.features, found.record

    def _remembers(self, request: ComputeFeatures) -> bool:
        return self.documents.get_quietly(self._key(request)) is not None

    def _claim(self, needed: int) -> None:
        if not self.documents.room_for(needed):
            raise _NoRoomError

    def _key(self, request: ComputeFeatures) -> tuple[Any, ...]:
        stamps = source_stamp(request.source), file_stamp(request.model)
        return (request.source, request.model, request.extract, *stamps)

    def _read(
        self, source: Source, deliver: Deliver, claim: Callable[[int], None] | None = None
    ) -> tuple[Input, Pyramid]:
        """The file of `source` and its photograph; remembered until its features are there.

        Of a large one it is said before how much memory that takes, and `claim` finds it.

        Raises
        ------
        NotAgreedError : it takes more than is free, and nobody has agreed that it is reduced
        """
        key = source, source_stamp(source)
        if self._opened is None or self._opened[0] != key:
            self._opened = None
            needed, words = foreseen(source)
            if needed >= LARGE:
                (claim or self.documents.make_room)(needed)
                deliver(Notes((words,)))
            if needed > limits.free_memory() * limits.current.decoding_share and source not in self._agreed:
                hint = "It can be read at a smaller size, as far as memory allows; or close other programs first."
                raise NotAgreedError(words, hint=hint)
            opened = read_source(source)
            self._opened = key, opened, make_pyramid(to_picture(opened.image))
        return self._opened[1:]

    def _compute(
        self, request: ComputeFeatures, progress: Progress, deliver: Deliver, claim: Callable[[int], None] | None = None
    ) -> CachedFeatures:
        """Read or compute the features; `claim` finds memory for so many bytes before they are there."""
        claim = claim or self.documents.make_room
        progress.report(0.0, "Reading")
        stamp = source_stamp(request.source)
        opened, levels = self._read(request.source, deliver, claim)
        with quick_import():
            from sss_model.pipeline import analyse  # here: it loads torch

        notes: list[str] = []

        def note(sentence: str) -> None:
            """Say at once that there is no room, or that memory ran out, not when all is done."""
            notes.append(sentence)
            deliver(Notes(tuple(notes)))

        computed = opened.features is None
        if computed:
            progress.report(0.05, LOADING)
        (begun, smallest), self._smallest = self._smallest or (None, None), None
        picture = analyse(
            opened,
            request.source.path.name,
            self.extraction,
            request.model,
            request.extract,
            progress.part(0.1, 1.0),
            picture=levels[0],
            smallest=smallest if begun == self._key(request) else None,
            make_room=claim,
            note=note,
        )
        network = (request.model, request.extract, file_stamp(request.model)) if computed else ()
        device = device_words(picture.device)
        cached = CachedFeatures(
            request.source, picture.views, picture.model, device, picture.record, picture.notes, network, stamp
        )
        cached.levels, self._opened = levels, None
        return cached

    # one pixel, files ------------------------------------------------------------------------------------------------

    def probe(self, request: ProbeRequest, progress: Progress, deliver: Deliver) -> ProbeResult | None:
        """The features and the shown values of one pixel; None where the picture was forgotten."""
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
        return ProbeResult(request.source, request.point, vector, maps)

    def pin_table(self, request: PinTableRequest, progress: Progress, deliver: Deliver) -> PinTableResult:
        """Each pin's features with each pin's; the pictures' features are computed one after the other."""
        vectors: list[Floats | None] = []
        missing: list[str] = []
        for number, (features, point) in enumerate(request.pins):
            part = progress.part(number / len(request.pins), (number + 1) / len(request.pins))
            try:
                figure = self.document(features, part, deliver).figure
            except SSSError as error:  # the others can be compared all the same
                missing.append(f"{features.source.name}: {error}")
                vectors.append(None)
                continue
            x, y = figure.cell(point)
            inside = 0 <= y < figure.features.shape[0] and 0 <= x < figure.features.shape[1]
            vectors.append(np.array(figure.features[y, x], np.float32) if inside else None)
            self.give_way()
        return PinTableResult(compare_vectors(vectors, request.metric), tuple(dict.fromkeys(missing)))

    def export(self, request: ExportRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """Write a picture's panes; nothing where its files are all there and may stay.

        What was computed for the files of a batch alone is forgotten: it must not push out what is being looked at.
        """
        from sss_model.pipeline import AnalysedPicture, export_picture  # here: it loads torch

        panes, params = request.panes, request.params
        stem, key = request.stem or panes.source.stem, self._key(panes.features)
        if params.existing == "skip" and already_there(request.folder, stem, params):
            return ExportResult(())
        remembered, part = self.documents.get_quietly(key) is not None, progress.part(request.begun, request.done)
        document = self.document(panes.features, part.part(0.0, 0.5), lambda _result: None)
        picture = AnalysedPicture(document.figure, document.model, document.device, document.record)
        looks, last = (panes.filter, panes.projection), part.part(0.5, 1.0)
        paths = export_picture(
            picture, request.folder, stem, *looks, params, basis=self._basis(panes.basis), progress=last
        )
        if request.stem and not remembered:
            self.documents.drop(key)
        return ExportResult(tuple(paths), document.notes)

    def export_layers(self, request: ExportLayersRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """Write layers or a matte; what was computed for it alone is forgotten, as after a batch of features."""
        from sss_gui.worker.layers.layer_export import export_layers  # here: it loads torch

        key = self._key(request.layers.cut.features)
        remembered = self.documents.get_quietly(key) is not None
        result = export_layers(self.segmenter, request, progress.part(request.begun, request.done), deliver)
        if not remembered:
            self.documents.drop(key)
            self.segmenter.forget_closed()
        return result

    def confidence(self, request: ConfidenceRequest, progress: Progress, deliver: Deliver) -> float | None:
        """How sure taught classes are of a picture; nobody looks at it, so that its features push no others out."""
        from sss_model.classes import confidence  # here: it loads torch

        document = self.documents.get_quietly(self._key(request.features))
        if document is None and not request.compute:
            return None
        if document is None:
            document = self._compute(request.features, progress.part(request.begun, request.done), deliver)
        features = document.figure.features
        request.classes.check_source(document.record, features)
        return confidence(request.classes.probabilities(features))

    def feature_thumbnails(self, request: FeatureThumbnailsRequest, progress: Progress, deliver: Deliver) -> None:
        """See `feature_thumbnails.feature_thumbnails`."""
        from sss_gui.worker.feature_thumbnails import feature_thumbnails  # here: it loads torch

        panes, shown = request.panes, self.documents.get_quietly(self._key(request.panes.features))
        if shown is not None:
            feature_thumbnails(
                *(self.documents, shown, request.sources, panes.projection, self._basis(panes.basis)),
                lambda source, picture: deliver(ThumbnailResult(source, picture)),
            )

    def save_basis(self, request: BasisRequest, progress: Progress, deliver: Deliver) -> BasisResult:
        """Write the basis that is shown, or one fitted to several pictures."""
        panes = request.panes
        document = self.document(panes.features, progress, lambda _result: None)
        if not request.sources:
            fixed = document.figure.locked_basis(panes.filter, panes.projection, self._basis(panes.basis))
            fixed.save(request.path)
            return BasisResult(request.path)
        pooled = PooledFigures(self.document, document, request, progress, deliver, self.give_way, self._remembers)
        document.figure.shared_basis(pooled, panes.filter).save(request.path)
        return BasisResult(request.path, tuple(pooled.fitted), tuple(pooled.failed))


@functools.cache
def _leave_modules_alone() -> None:
    """Let no collection of garbage look through the modules, now that all are loaded: each would take 0.2 s longer."""
    gc.freeze()


class _NoRoomError(Exception):
    """There is no memory for features that nobody waits for."""


def view_on_grid(view: View, figure: FeatureViews) -> View:
    """A view in cells of the maps instead of pixels of the photograph."""
    (x0, y0, x1, y1), scale = view
    across, down = figure.image.shape[1] / figure.size[1], figure.image.shape[0] / figure.size[0]
    box = (int(x0 * across), int(y0 * down), math.ceil(x1 * across), math.ceil(y1 * down))
    return box, scale / across


def box_on_picture(box: tuple[float, float, float, float], figure: FeatureViews) -> tuple[float, float, float, float]:
    """The pixels of the photograph that a box of cells covers."""
    across, down = figure.size[1] / figure.image.shape[1], figure.size[0] / figure.image.shape[0]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def device_words(device: str) -> str:
    """`device` with the name of the hardware where torch knows it."""
    if device.startswith("cuda"):
        import torch

        return f"{device} · {torch.cuda.get_device_name(torch.device(device))}"
    return device


def devices() -> tuple[tuple[str, str], ...]:
    """(key, words) of each device on this machine."""
    import torch

    named = [("cpu", f"Processor, {torch.get_num_threads()} threads")]
    named += [(f"cuda:{n}", torch.cuda.get_device_name(n)) for n in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        named.append(("mps", "Apple GPU"))
    return tuple(named)
