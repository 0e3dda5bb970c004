"""A stand-in for the engine: the real interface, made-up features, and gates a test can close."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np

from sss_gui.messages.files import FeatureThumbnail, FeatureThumbnailsRequest
from sss_gui.messages.message import Message
from sss_gui.messages.overlays import (
    ClusterRequest,
    ClusterResult,
    Match,
    SimilarityRequest,
    SimilarityResult,
    WriteMaskRequest,
)
from sss_gui.messages.panes import (
    BasisRequest,
    BasisResult,
    BasisStep,
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
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.worker.worker import Deliver, Engine
from sss_model.errors import ImageError
from sss_model.files.inputs import files_of
from sss_model.progress import Progress

SIZE = (24, 32)
MERGES = ((0, 1), (2, 3), (4, 5))
GROUPINGS = ((0, 0, 0, 0), (0, 0, 1, 1), (0, 2, 1, 1), (0, 2, 1, 3))
SHARES = (0.4, 0.1, 0.3, 0.2)
"""Of four components, left to right, that the fake engine cuts every picture into."""


class FakeEngine(Engine):
    """Answers as the engine does. `gate` cleared: work stays under way until it is set or cancelled.

    Parameters
    ----------
    size : (H, W) of every picture
    """

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.size = size
        self.asked: list[Any] = []
        self.threads: set[int] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.features_known = threading.Event()  # set: partial results come after the network's
        self.closed = False
        self.idle = True
        self.number = 0  # of the features; another one after they changed
        self.no_room: set[str] = set()  # names that memory does not hold beside the others
        self.fail: dict[str, Exception] = {}  # source name -> what happens

    def answer(self, message: Message[Any], progress: Progress, deliver: Deliver) -> Any:
        self.asked.append(message)
        self.threads.add(threading.get_ident())
        self.idle = False
        try:
            return super().answer(message, progress, deliver)
        finally:
            self.idle = True

    def lift(self, message: LiftRequest, progress: Progress, deliver: Deliver) -> LiftResult | None:
        return None  # as the engine where the grid is as fine as the screen

    def probe(self, message: ProbeRequest, progress: Progress, deliver: Deliver) -> ProbeResult:
        return self._vector(message, pinned=False)

    def pin(self, message: PinRequest, progress: Progress, deliver: Deliver) -> ProbeResult:
        return self._vector(message, pinned=True)

    def _vector(self, message: ProbeRequest | PinRequest, *, pinned: bool) -> ProbeResult:
        vector = np.full(8, message.point[0], np.float32)
        values = {pane: np.array([0.25, 0.5, 0.75], np.float32) for pane in ("random", "pca", "filtered")}
        return ProbeResult(message.ticket, message.source, message.point, vector, values, pinned)

    def export(self, message: ExportRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        self._wait(progress, "Writing")
        path = message.folder / f"{message.show.source.stem}-input.png"
        path.write_bytes(b"picture")
        return ExportResult(message.ticket, (path,))

    def similarity(self, message: SimilarityRequest, progress: Progress, deliver: Deliver) -> SimilarityResult:
        overlay = self._overlay()
        small = overlay[-1][:12, :16]
        others = tuple(Match(source, small, 0.5, (0.25, 0.5)) for source in message.others)
        values = np.broadcast_to(np.linspace(0, 1, 33, dtype=np.float32), (24, 33))
        return SimilarityResult(message.ticket, message.source, overlay, (1, 2), others, 0.25, values)

    def clusters(self, message: ClusterRequest, progress: Progress, deliver: Deliver) -> ClusterResult:
        return ClusterResult(message.ticket, message.source, self._overlay())

    def _overlay(self) -> list[np.ndarray]:
        return make_pyramid(np.full((*self.size, 4), 200, np.uint8))

    def feature_thumbnails(
        self, message: FeatureThumbnailsRequest, progress: Progress, deliver: Deliver
    ) -> FeatureThumbnail | None:
        for source in message.sources:
            deliver(FeatureThumbnail(message.ticket, source, np.full((6, 8, 3), 77, np.uint8)))
        return None

    def write_mask(self, message: WriteMaskRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        message.path.write_bytes(b"mask")
        return ExportResult(message.ticket, (message.path,))

    def segments(self, message: SegmentsRequest, progress: Progress, deliver: Deliver) -> SegmentsResult:
        self._wait(progress, "Eigenvectors")
        if message.params.method == "masks":
            groupings, merges, names = GROUPINGS[-1:], (), ("sky", "tree", "road", "car")
        else:
            groupings, merges, names = GROUPINGS, MERGES, ()
        picture = self.picture(90)
        return SegmentsResult(message.ticket, message.show.source, self.number, picture[0], picture, SHARES,
                              groupings, merges, names)  # fmt: skip

    def layers(self, message: LayersRequest, progress: Progress, deliver: Deliver) -> LayersResult:
        alphas = np.zeros((*self.size, max(message.groups) + 1), np.uint8)
        edges = np.rint(np.cumsum((0, *SHARES)) * self.size[1]).astype(int)
        for component, group in enumerate(message.groups):
            alphas[:, edges[component] : edges[component + 1], group] = 255
        shares = tuple(alphas.mean((0, 1)) / 255)
        return LayersResult(message.ticket, message.cut.show.source, message.groups, alphas, shares)

    def matte(self, message: MatteRequest, progress: Progress, deliver: Deliver) -> MatteResult:
        layers = self.layers(message.layers, progress, deliver)
        matte = layers.alphas[..., list(message.matte.picked)].sum(2).astype(np.uint8)
        own = np.full((*self.size, 3), 120, np.uint8) if message.decontaminate else None
        return MatteResult(message.ticket, layers.source, matte, own)

    def lift_segments(
        self, message: SegmentsLiftRequest, progress: Progress, deliver: Deliver
    ) -> SegmentsLiftResult | None:
        return None  # as the engine where the grid is as fine as the screen

    def backdrop(self, message: BackdropRequest, progress: Progress, deliver: Deliver) -> BackdropResult:
        return BackdropResult(message.ticket, message.path, np.full((*message.size, 3), 30, np.uint8))

    def export_layers(self, message: ExportLayersRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        self._wait(progress, "Writing")
        path = message.folder / f"{message.layers.cut.show.source.stem}-{message.names[0]}.png"
        path.write_bytes(b"layer")
        return ExportResult(message.ticket, (path,))

    def cut_out(self, message: CutOutRequest, progress: Progress, deliver: Deliver) -> CutOutResult:
        matte = self.matte(message.matte, progress, deliver).matte
        return CutOutResult(message.ticket, np.dstack([np.full((*self.size, 3), 90, np.uint8), matte]))

    def save_basis(self, message: BasisRequest, progress: Progress, deliver: Deliver) -> BasisResult:
        for source in message.sources:
            self._wait(progress, "Network")
            deliver(BasisStep(message.ticket, source))
            self.give_way()
        message.path.write_text("{}")
        return BasisResult(message.ticket, message.path, message.sources)

    def prefetch(self, message: PrefetchRequest, progress: Progress, deliver: Deliver) -> PrefetchResult:
        self._wait(progress, "Network")
        if message.source.name.startswith("broken"):
            raise ImageError(f"{message.source.name} is no picture.")
        return PrefetchResult(message.ticket, message.source, message.source.name not in self.no_room)

    def forget(self, message: ForgetRequest, progress: Progress, deliver: Deliver) -> None:
        """There is nothing to forget."""

    def load_model(self, message: LoadModelRequest, progress: Progress, deliver: Deliver) -> LoadModelResult:
        return LoadModelResult(message.ticket, "fake model", "cpu", (("cpu", "processor"),))

    def export_of_batch(self, message: BatchExportRequest, progress: Progress, deliver: Deliver) -> BatchExportResult:
        self._wait(progress, "Network")
        if message.show.source.name.startswith("broken"):
            raise ImageError(f"{message.show.source.name} is no picture.")
        path = message.folder / f"{message.stem}.json"
        path.write_text("{}")
        return BatchExportResult(message.ticket, message.show.source, (path,))

    def show(self, message: ShowRequest, progress: Progress, deliver: Deliver) -> ShowResult:
        return self._show(message, message, progress, deliver, exact=True)

    def preview(self, message: PreviewRequest, progress: Progress, deliver: Deliver) -> ShowResult:
        return self._show(message, message.show, progress, deliver, exact=False)

    def _show(
        self, message: Message[ShowResult], request: ShowRequest, progress: Progress, deliver: Deliver, *, exact: bool
    ) -> ShowResult:
        progress.report(0.0, "Reading")
        name = request.source.name
        if name in self.fail:
            raise self.fail[name]
        if name.startswith("broken"):
            raise ImageError(f"{name} is no picture.", hint="Choose another file.")
        path = request.source.path
        common = {"ticket": message.ticket, "source": request.source, "size": self.size, "features": self.number,
                  "files": files_of(path, request.source.image) if path is not None else ()}  # fmt: skip
        if exact:
            deliver(ShowResult(**common, pictures={"input": self.picture(50)}))
        self._wait(progress, "Network", deliver, ShowResult(**common))
        shade = min(request.filter.radius * 10, 255)
        pictures = {"input": self.picture(50), "random": self.picture(request.projection.seed % 256),
                    "pca": self.picture(100), "filtered": self.picture(shade)}  # fmt: skip
        return ShowResult(**common, pictures=pictures, exact=exact, complete=True, channels=8,
                          explained=(0.6, 0.3, 0.1), device="cpu", model="fake model", seconds=0.01)  # fmt: skip

    def _wait(self, progress: Progress, stage: str, deliver: Any = None, result: Any = None) -> None:
        deadline = time.monotonic() + 30
        while not self.gate.wait(0.002):
            progress.report(0.5, stage)
            if deliver is not None and self.features_known.is_set():
                deliver(replace(result, features=1))
            if time.monotonic() > deadline:
                raise TimeoutError("The test never opened the gate.")
        progress.report(1.0, stage)

    def picture(self, shade: int) -> list[np.ndarray]:
        """The pyramid of a picture of one shade."""
        return make_pyramid(np.full((*self.size, 3), shade, np.uint8))

    def close(self) -> None:
        self.closed = True
