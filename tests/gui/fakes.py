"""A stand-in for the engine: the real interface, made-up features, and gates a test can close."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from sss_gui.pane_names import PANES
from sss_gui.requests.channel import Request
from sss_gui.requests.classes import (
    ConfidenceRequest,
    JoinCocoRequest,
    OpenClassesRequest,
    Painted,
    SaveClassesRequest,
    StrokeRequest,
)
from sss_gui.requests.compare import (
    CompareReportRequest,
    CompareRequest,
    CompareResult,
    CompareSimilarityRequest,
)
from sss_gui.requests.files import FeatureThumbnailsRequest, ThumbnailResult
from sss_gui.requests.overlays import (
    ClusterRequest,
    ClusterResult,
    Match,
    PinTableRequest,
    PinTableResult,
    SimilarityRequest,
    SimilarityResult,
    WriteMapRequest,
    WriteMaskRequest,
)
from sss_gui.requests.panes import (
    BasisRequest,
    BasisResult,
    BasisStep,
    ComputeFeatures,
    ExportRequest,
    ExportResult,
    FeaturesResult,
    LoadModelRequest,
    LoadModelResult,
    OpenedPicture,
    OpenPicture,
    PanesResult,
    Patch,
    PrefetchRequest,
    Preview,
    ProbeRequest,
    ProbeResult,
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
    LayersResult,
    MatteRequest,
    MatteResult,
    RecipeRequest,
    SegmentsRequest,
    SegmentsResult,
)
from sss_gui.requests.sequence import (
    CarriedFrame,
    CarryRequest,
    CarryResult,
    ExportFramesRequest,
    FramesExported,
    SequenceRecipeRequest,
)
from sss_gui.requests.worker import Deliver, Engine
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model.classes import FeatureSource, TaughtClasses, load_classes, save_classes
from sss_model.classes.strokes import make_stroke
from sss_model.errors import ImageError
from sss_model.files.inputs import file_sha256, files_of
from sss_model.progress import Progress

SIZE = (24, 32)
ROUGH = 5  # the shade of panes that show the smallest scale alone
MERGES = ((0, 1), (2, 3), (4, 5))
GROUPINGS = ((0, 0, 0, 0), (0, 0, 1, 1), (0, 2, 1, 1), (0, 2, 1, 3))
SHARES = (0.4, 0.1, 0.3, 0.2)
"""Of four components, left to right, that the fake engine cuts every picture into."""


class FakeEngine(Engine):
    """Answers as the engine does. `gate` cleared: work stays under way until it is set or cancelled.

    Parameters
    ----------
    size : (H, W) of every picture; `grid` is that of its panes, where it is another
    """

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.size, self.grid = size, None
        self.asked: list[Any] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False
        self.idle = True
        self.number = 0  # of the features; another one after they changed
        self.no_room: set[str] = set()  # names that memory does not hold beside the others
        self.fail: dict[str, Exception] = {}  # source name -> what happens
        self.sure: dict[str, float] = {}  # source name -> how sure taught classes are of it, where not of 0.9
        self.model = "ab" * 32  # digest of the model whose features lie under strokes
        self.matched: tuple[int, ...] = ()  # for each component the layer of another frame that it goes to
        self.mattes: dict[Any, set[int]] = {}  # frames that a matte was carried to
        self.deliver: Deliver = print  # hands over a result of the request that is being answered

    def answer(self, message: Request[Any], progress: Progress, deliver: Deliver) -> Any:
        """By the method that the real engine names; what has none here has no result, as a part in full."""
        self.asked.append(message)
        self.threads.add(threading.get_ident())
        self.idle, self.deliver = False, deliver
        try:
            method = getattr(self, FeatureEngine.answers[type(message)].split(".")[-1], None)
            return method(message, progress, deliver) if method is not None else None
        finally:
            self.idle = True

    def probe(self, message: ProbeRequest, progress: Progress, deliver: Deliver) -> ProbeResult:
        vector = np.full(8, message.point[0], np.float32)
        values = {pane: np.array([0.25, 0.5, 0.75], np.float32) for pane in ("random", "pca", "filtered")}
        return ProbeResult(message.source, message.point, vector, values)

    def export(self, message: ExportRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        self._wait(progress, "Writing")
        if message.panes.source.name.startswith("broken"):
            raise ImageError(f"{message.panes.source.name} is no picture.")
        path = message.folder / (f"{message.stem}.json" if message.stem else f"{message.panes.source.stem}-input.png")
        path.write_bytes(b"{}")
        return ExportResult((path,))

    def similarity(self, message: SimilarityRequest, progress: Progress, deliver: Deliver) -> SimilarityResult:
        overlay = self._overlay()
        small = overlay[-1][:12, :16]
        others = tuple(Match(source, small, 0.5, (0.25, 0.5)) for source in message.others)
        values = np.broadcast_to(np.linspace(0, 1, 33, dtype=np.float32), (24, 33))
        return SimilarityResult(message.source, overlay, (1, 2), others, values)

    def clusters(self, message: ClusterRequest, progress: Progress, deliver: Deliver) -> ClusterResult:
        return ClusterResult(self._overlay())

    def _overlay(self) -> list[np.ndarray]:
        return make_pyramid(np.full((*self.size, 4), 200, np.uint8))

    def compare(self, message: CompareRequest, progress: Progress, deliver: Deliver) -> CompareResult:
        self._wait(progress, "Network")
        titles = tuple(f"{model.title} {number}" for number, model in enumerate(message.models))
        rows = tuple((title, "8", "0.1 s") for title in titles)
        heads = (("Model", ""), ("Features", "of a pixel"), ("Time", "taken"))
        pictures, filtered = ([self.picture(shade) for _ in titles] for shade in (60, 160))
        return CompareResult(message.source, self.size, self.picture(50), titles, tuple(pictures), tuple(filtered),
                             heads, rows)  # fmt: skip

    def similar_pixels(
        self, message: CompareSimilarityRequest, progress: Progress, deliver: Deliver
    ) -> tuple[list[np.ndarray], ...]:
        return (self._overlay(),) * 2

    def write_page(self, message: CompareReportRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        message.path.write_text("page")
        return ExportResult((message.path,))

    def feature_thumbnails(self, message: FeatureThumbnailsRequest, progress: Progress, deliver: Deliver) -> None:
        for source in message.sources:
            deliver(ThumbnailResult(source, np.full((6, 8, 3), 77, np.uint8)))

    def write_mask(self, message: WriteMaskRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        message.path.write_bytes(b"mask")
        return ExportResult((message.path,))

    def write_map(self, message: WriteMapRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        message.path.write_bytes(b"map")
        return ExportResult((message.path,))

    def pin_table(self, message: PinTableRequest, progress: Progress, deliver: Deliver) -> PinTableResult:
        count = len(message.pins)
        return PinTableResult((0.5 + 0.5 * np.eye(count)).astype(np.float32))

    def segments(self, message: SegmentsRequest, progress: Progress, deliver: Deliver) -> SegmentsResult:
        self._wait(progress, "Eigenvectors")
        if message.params.method == "masks":
            groupings, merges, names = GROUPINGS[-1:], (), ("sky", "tree", "road", "car")
        else:
            groupings, merges, names = GROUPINGS, MERGES, ()
        picture = self.picture(90)
        if message.classes is not None:
            return self._classes(message, message.classes, picture)
        return SegmentsResult(message.features.source, self.number, picture[0], picture, SHARES,
                              groupings, merges, names, matched=self.matched if message.like else ())  # fmt: skip

    def _classes(self, message: SegmentsRequest, classes: TaughtClasses, picture: list[np.ndarray]) -> SegmentsResult:
        """A stripe for each class, left to right."""
        count, source = len(classes.names), message.features.source
        stripe = np.arange(self.size[1]) * count // self.size[1]
        alphas = np.broadcast_to(255 * (stripe[:, None] == np.arange(count)), (*self.size, count)).astype(np.uint8)
        shares, groups = tuple(alphas.mean((0, 1)) / 255), tuple(range(count))
        layers = LayersResult(source, groups, alphas, shares)
        known = (self.number, picture[0], picture, shares, (groups,), (), classes.names, layers)
        return SegmentsResult(source, *known, self.sure.get(source.name, 0.9))

    def stroke(self, message: StrokeRequest, progress: Progress, deliver: Deliver) -> Painted:
        """The features are the place, so that strokes differ."""
        height, width = self.size
        features = np.dstack([*np.mgrid[:height, :width], np.ones(self.size)]).astype(np.float32)
        features = np.concatenate([features] * 3, axis=2)[..., :8]
        source, picture = FeatureSource(8, "fake model", self.model), message.features.source
        if message.taught_with is not None:
            TaughtClasses(message.taught_with).check_model(source.model, source.sha256)
        stroke = make_stroke(message.name, picture.name, message.points, message.radius, features, self.size)
        return Painted(message.number, source, stroke)

    def confidence(self, message: ConfidenceRequest, progress: Progress, deliver: Deliver) -> float:
        self._wait(progress, "Network")
        self._check(message.features.source)
        return self.sure.get(message.features.source.name, 0.9)

    def open_classes(self, message: OpenClassesRequest, progress: Progress, deliver: Deliver) -> TaughtClasses:
        return load_classes(message.path)

    def save_classes(self, message: SaveClassesRequest, progress: Progress, deliver: Deliver) -> Path:
        message.path.parent.mkdir(parents=True, exist_ok=True)
        save_classes(message.path, message.classes)
        return message.path

    def join_coco(self, message: JoinCocoRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        return ExportResult((message.folder / "classes-coco.json",))

    def layers(self, message: LayersRequest, progress: Progress, deliver: Deliver) -> LayersResult:
        alphas = np.zeros((*self.size, max(message.groups) + 1), np.uint8)
        edges = np.rint(np.cumsum((0, *SHARES)) * self.size[1]).astype(int)
        for component, group in enumerate(message.groups):
            alphas[:, edges[component] : edges[component + 1], group] = 255
        shares = tuple(alphas.mean((0, 1)) / 255)
        return LayersResult(message.cut.features.source, message.groups, alphas, shares)

    def matte(self, message: MatteRequest, progress: Progress, deliver: Deliver) -> MatteResult:
        """The sum of the picked layers; clicks take components, or leave them out."""
        asked, matte = message.matte, np.zeros(self.size, np.uint8)
        if asked.picked:
            layers = self.layers(message.layers, progress, deliver)
            matte = layers.alphas[..., list(asked.picked)].sum(2).astype(np.uint8)
        for step in asked.steps:
            self._take(matte, step.points[0][0], step.keep)
        own = np.full((*self.size, 3), 120, np.uint8) if message.decontaminate else None
        return MatteResult(message.features.source, matte, self.picture(90)[0], own)

    def _take(self, matte: np.ndarray, x: float, keep: bool) -> None:
        edges = np.rint(np.cumsum((0, *SHARES)) * self.size[1]).astype(int)
        component = int(np.searchsorted(edges, x * self.size[1], side="right")) - 1
        matte[:, edges[component] : edges[component + 1]] = 255 * keep

    def hover(self, message: HoverRequest, progress: Progress, deliver: Deliver) -> np.ndarray:
        matte = self.matte(message.matte, progress, deliver).matte
        self._take(matte, message.point[0] / self.size[1], message.keep)
        return matte

    def recipe(self, message: RecipeRequest, progress: Progress, deliver: Deliver) -> Path:
        message.path.parent.mkdir(parents=True, exist_ok=True)
        message.path.write_text("{}")
        return message.path

    def carry(self, message: CarryRequest, progress: Progress, deliver: Deliver) -> CarryResult | None:
        """Frame after frame; the next one is always ready."""
        carry = message.carry
        known = self.mattes.setdefault(carry, set())
        frames = range(len(carry.frames.numbers))
        ready = frozenset(frame for frame in frames if frame - 1 in known)
        first = CarryResult(carry, tuple(self._carried(carry, frame) for frame in sorted(known)), True, ready)
        if not message.on:
            return first
        deliver(first)
        for frame in frames:
            self._wait(progress, "Carrying the matte")
            self.give_way()
            if carry.frames.sources[frame].path.read_bytes() == b"nothing":
                deliver(CarryResult(carry, (), failed=((frame, f"{carry.frames.sources[frame].name} is no picture."),)))
            else:
                known.add(frame)
                deliver(CarryResult(carry, (self._carried(carry, frame),)))
        return None

    def _carried(self, carry: Any, frame: int) -> CarriedFrame:
        change = 0.3 if frame == 5 else 0.01 + 0.001 * frame
        return CarriedFrame(frame, 0.25, change if frame else float("nan"), Path(f"{frame}.png"))

    def sequence_recipe(self, message: SequenceRecipeRequest, progress: Progress, deliver: Deliver) -> Path:
        message.path.parent.mkdir(parents=True, exist_ok=True)
        message.path.write_text("{}")
        return message.path

    def export_frames(self, message: ExportFramesRequest, progress: Progress, deliver: Deliver) -> FramesExported:
        return FramesExported(message.folder, len(message.frames), 0)

    def backdrop(self, message: BackdropRequest, progress: Progress, deliver: Deliver) -> np.ndarray:
        return np.full((*message.size, 3), 30, np.uint8)

    def export_layers(self, message: ExportLayersRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        self._wait(progress, "Writing")
        source = message.layers.cut.features.source
        self._check(source)
        path = message.folder / f"{message.stem or source.stem}-{(*message.names, 'layer')[0]}.png"
        path.write_bytes(b"layer")
        doubt = f"sure to {self.sure[source.name]}" if message.like is not None and source.name in self.sure else ""
        return ExportResult((path,), doubt=doubt)

    def cut_out(self, message: CutOutRequest, progress: Progress, deliver: Deliver) -> np.ndarray:
        matte = self.matte(message.matte, progress, deliver).matte
        return np.dstack([np.full((*self.size, 3), 90, np.uint8), matte])

    def save_basis(self, message: BasisRequest, progress: Progress, deliver: Deliver) -> BasisResult:
        for source in message.sources:
            self._wait(progress, "Network")
            deliver(BasisStep(source))
            self.give_way()
        message.path.write_text("{}")
        return BasisResult(message.path, message.sources)

    def prefetch(self, message: PrefetchRequest, progress: Progress, deliver: Deliver) -> bool:
        self._wait(progress, "Network")
        if message.features.source.name.startswith("broken"):
            raise ImageError(f"{message.features.source.name} is no picture.")
        return message.features.source.name not in self.no_room

    def load_model(self, message: LoadModelRequest, progress: Progress, deliver: Deliver) -> LoadModelResult:
        return LoadModelResult("fake model", "cpu", (("cpu", "processor"),))

    def open_picture(self, message: OpenPicture, progress: Progress, deliver: Deliver) -> OpenedPicture:
        progress.report(0.0, "Reading")
        self._check(message.source, agreed=message.agreed)
        path = message.source.path
        files = files_of(path, message.source.image) if path is not None else ()
        sha256 = file_sha256(path) if path is not None and path.is_file() else ""
        return OpenedPicture(message.source, self.size, self.picture(50), files, sha256)

    def rough_panes(self, message: RoughPanes, progress: Progress, deliver: Deliver) -> PanesResult:
        self._check(message.panes.source)
        return PanesResult(message.panes.source, 0, {name: self.picture(ROUGH) for name in PANES[1:]})

    def compute_features(self, message: ComputeFeatures, progress: Progress, deliver: Deliver) -> FeaturesResult:
        self._check(message.source)
        self._wait(progress, "Network")
        grid = self.grid or self.picture(50)[0].shape[:2]
        return FeaturesResult(message.source, self.number, 8, grid, "cpu", "fake model", seconds=0.01)

    def render_panes(self, message: RenderPanes, progress: Progress, deliver: Deliver) -> PanesResult:
        self._check(message.source)
        self._wait(progress, "Guided filter")
        shade, seed = min(message.filter.radius * 10, 255), message.projection.seed % 256
        deliver(PanesResult(message.source, self.number, {"random": self.pane(seed), "pca": self.pane(100)}))
        return PanesResult(message.source, self.number, {"filtered": self.pane(shade)}, True, (0.6, 0.3, 0.1), 0.01)

    def preview(self, message: Preview, progress: Progress, deliver: Deliver) -> Patch:
        self._check(message.panes.source)
        self._wait(progress, "Guided filter")
        shade, (height, width) = min(message.panes.filter.radius * 10, 255), self.size
        return self.picture(shade)[0], (0, 0, width, height)

    def _check(self, source: Source, *, agreed: bool = False) -> None:
        if agreed:
            self.fail.pop(source.name, None)
        if source.name in self.fail:
            raise self.fail[source.name]
        if source.name.startswith("broken"):
            raise ImageError(f"{source.name} is no picture.", hint="Choose another file.")

    def _wait(self, progress: Progress, stage: str) -> None:
        deadline = time.monotonic() + 30
        while not self.gate.wait(0.002):
            progress.report(0.5, stage)
            if time.monotonic() > deadline:
                raise TimeoutError("The test never opened the gate.")
        progress.report(1.0, stage)

    def picture(self, shade: int) -> list[np.ndarray]:
        """The pyramid of a picture of one shade."""
        return make_pyramid(np.full((*self.size, 3), shade, np.uint8))

    def pane(self, shade: int) -> list[np.ndarray]:
        """The same on the grid."""
        return self.picture(shade) if self.grid is None else make_pyramid(np.full((*self.grid, 3), shade, np.uint8))

    def close(self) -> None:
        self.closed = True
