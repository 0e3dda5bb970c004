"""A stand-in for the engine: the real interface, made-up features, and gates a test can close."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np

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
    BatchExportRequest,
    BatchExportResult,
    ExportRequest,
    ExportResult,
    LoadModelRequest,
    LoadModelResult,
    PrefetchRequest,
    PrefetchResult,
    ProbeRequest,
    ProbeResult,
    ShowRequest,
    ShowResult,
)
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model.errors import ImageError
from sss_model.files.inputs import files_of
from sss_model.progress import Progress

SIZE = (24, 32)


class FakeEngine:
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

    def run(self, request: Any, progress: Progress, deliver: Any) -> Any:
        self.asked.append(request)
        self.idle = False
        try:
            return self._answer(request, progress, deliver)
        finally:
            self.idle = True

    def _answer(self, request: Any, progress: Progress, deliver: Any) -> Any:
        self.threads.add(threading.get_ident())
        if isinstance(request, ShowRequest):
            return self._show(request, progress, deliver)
        if isinstance(request, ProbeRequest):
            vector = np.full(8, request.point[0], np.float32)
            values = {pane: np.array([0.25, 0.5, 0.75], np.float32) for pane in ("random", "pca", "filtered")}
            return ProbeResult(request.ticket, request.source, request.point, vector, values, request.pinned)
        if isinstance(request, ExportRequest):
            self._wait(progress, "Writing")
            path = request.folder / f"{request.show.source.stem}-input.png"
            path.write_bytes(b"picture")
            return ExportResult(request.ticket, (path,))
        if isinstance(request, SimilarityRequest | ClusterRequest):
            overlay = make_pyramid(np.full((*self.size, 4), 200, np.uint8))
            if isinstance(request, ClusterRequest):
                return ClusterResult(request.ticket, request.source, overlay)
            small = overlay[-1][:12, :16]
            others = tuple(Match(source, small, 0.5, (0.25, 0.5)) for source in request.others)
            return SimilarityResult(request.ticket, request.source, overlay, (1, 2), others, 0.25)
        if isinstance(request, WriteMaskRequest):
            request.path.write_bytes(b"mask")
            return ExportResult(request.ticket, (request.path,))
        if isinstance(request, BasisRequest):
            request.path.write_text("{}")
            return BasisResult(request.ticket, request.path, request.sources)
        if isinstance(request, BatchExportRequest):
            return self._batch(request, progress)
        if isinstance(request, PrefetchRequest):
            self._wait(progress, "Network")
            if request.source.name.startswith("broken"):
                raise ImageError(f"{request.source.name} is no picture.")
            return PrefetchResult(request.ticket, request.source, request.source.name not in self.no_room)
        if isinstance(request, LoadModelRequest):
            return LoadModelResult(request.ticket, "fake model", "cpu", (("cpu", "processor"),))
        raise TypeError(f"The fake engine does not know {type(request).__name__}.")

    def _batch(self, request: BatchExportRequest, progress: Progress) -> BatchExportResult:
        self._wait(progress, "Network")
        if request.show.source.name.startswith("broken"):
            raise ImageError(f"{request.show.source.name} is no picture.")
        path = request.folder / f"{request.stem}.json"
        path.write_text("{}")
        return BatchExportResult(request.ticket, request.show.source, (path,))

    def _show(self, request: ShowRequest, progress: Progress, deliver: Any) -> ShowResult:
        progress.report(0.0, "Reading")
        name = request.source.name
        if name in self.fail:
            raise self.fail[name]
        if name.startswith("broken"):
            raise ImageError(f"{name} is no picture.", hint="Choose another file.")
        path = request.source.path
        common = {"ticket": request.ticket, "source": request.source, "size": self.size, "features": self.number,
                  "files": files_of(path, request.source.image) if path is not None else ()}  # fmt: skip
        if not request.live:
            deliver(ShowResult(**common, pictures={"input": self._pyramid(50)}))
        self._wait(progress, "Network", deliver, ShowResult(**common))
        shade = min(request.filter.radius * 10, 255)
        pictures = {"input": self._pyramid(50), "random": self._pyramid(request.projection.seed % 256),
                    "pca": self._pyramid(100), "filtered": self._pyramid(shade)}  # fmt: skip
        return ShowResult(**common, pictures=pictures, exact=not request.live, complete=True, channels=8,
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

    def _pyramid(self, shade: int) -> list[np.ndarray]:
        return make_pyramid(np.full((*self.size, 3), shade, np.uint8))

    def close(self) -> None:
        self.closed = True
