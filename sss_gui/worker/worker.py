"""One long-lived worker thread that owns the model; in each lane the newest request wins.

A Python thread, not a QThread: Qt's have 512 KB stacks on macOS. It is never terminated, only asked to stop where it
reports progress. Answers reach the window as signals, queued to its thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from sss_gui.window.error_text import ErrorText, describe
from sss_model.errors import Cancelled
from sss_model.progress import Progress

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.05
LANES = ("show", "probe", "pin", "heat", "clusters", "basis", "export", "warm", "list", "thumbnail", "batch", "ahead")
BACKGROUND = "ahead"  # gives way to any other lane
QUEUED = "export"  # whose requests are all answered, one after the other


class Request(Protocol):
    """What a worker needs to know of a request."""

    @property
    def ticket(self) -> int: ...
    @property
    def lane(self) -> str: ...
    @property
    def patient(self) -> bool: ...


Deliver = Callable[[Any], None]


class Engine(Protocol):
    """Does the work, on the worker's thread only."""

    def run(self, request: Any, progress: Progress, deliver: Deliver) -> Any:
        """Answer `request`; `deliver` hands over partial answers; None has no answer."""

    def close(self) -> None:
        """Give back files and memory."""


@dataclass(frozen=True)
class Ended:
    """How a request ended: exactly one for each that was submitted. A failure carries its words."""

    ticket: int
    lane: str
    outcome: str  # done, cancelled, replaced, failed
    error: ErrorText | None = None


class Worker(QObject):
    """Runs requests one at a time, in the order of `LANES`.

    Parameters
    ----------
    build : makes the engine, called once on the worker's thread (it imports torch)
    """

    delivered = Signal(object)
    progressed = Signal(int, float, str)
    ended = Signal(object)

    def __init__(self, build: Callable[[], Engine], parent: QObject | None = None, name: str = "sss-worker") -> None:
        super().__init__(parent)
        self._build = build
        self._engine: Engine | None = None
        self._pending: dict[str, list[Any]] = {}
        self._stop_soon = False  # once the work that the next request shares is done
        self._running: Any | None = None
        self._stop = threading.Event()
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, request: Request) -> None:
        """Queue `request`. A waiting one of its lane is replaced; a running one is cancelled unless it is patient.

        Exports are never replaced. Work that both requests share is finished first. What runs in the background is
        cancelled by any request of another lane.
        """
        with self._wake:
            waiting = self._pending.setdefault(request.lane, [])
            replaced = [] if request.lane == QUEUED else waiting[:]
            waiting[:] = [*waiting[len(replaced) :], request]
            running = self._running
            if running is not None and _gives_way(running, request):
                if _shares_work(running, request):
                    self._stop_soon = True
                else:
                    self._stop.set()
            self._wake.notify()
        for old in replaced:
            self.ended.emit(Ended(old.ticket, old.lane, "replaced"))

    def cancel(self, lane: str | None = None) -> None:
        """Drop what waits and stop what runs, in one lane or in all."""
        with self._wake:
            names = [name for name in self._pending if lane in (None, name)]
            dropped = [request for name in names for request in self._pending.pop(name)]
            if self._running is not None and lane in (None, self._running.lane):
                self._stop.set()
        for request in dropped:
            self.ended.emit(Ended(request.ticket, request.lane, "cancelled"))

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        with self._wake:
            return self._running is not None or bool(self._pending)

    def close(self, timeout: float = 20.0) -> bool:
        """Cancel everything and wait for the thread to end; False when it did not within `timeout` seconds."""
        with self._wake:
            self._closing = True
            self._pending.clear()
            self._stop.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (request := self._next()) is not None:
            name, begun = type(request).__name__, time.perf_counter()
            log.debug("%s %d begins; queue %s", name, request.ticket, request.lane)
            ended = self._answer(request)
            log.debug("%s %d is %s after %.3f s", name, request.ticket, ended.outcome, time.perf_counter() - begun)
            with self._wake:
                self._running = None
            if not self._closing:
                self.ended.emit(ended)
        if self._engine is not None:
            self._engine.close()

    def _next(self) -> Any | None:
        with self._wake:
            while not self._closing and not self._pending:
                self._wake.wait()
            if self._closing:
                return None
            lane = min(self._pending, key=_rank)
            waiting = self._pending[lane]
            self._running = waiting.pop(0)
            if not waiting:
                del self._pending[lane]
            self._stop.clear()
            self._stop_soon = False
            return self._running

    def _answer(self, request: Any) -> Ended:
        try:
            if self._engine is None:
                self._engine = self._build()
            result = self._engine.run(request, self._progress(request.ticket), self._deliver)
            if result is not None:
                self._deliver(result)
        except Cancelled:
            return Ended(request.ticket, request.lane, "cancelled")
        except Exception as error:  # the window must live on, whatever it is
            log.debug("failed", exc_info=True)
            return Ended(request.ticket, request.lane, "failed", describe(error))
        return Ended(request.ticket, request.lane, "done")

    def _deliver(self, result: Any) -> None:
        if self._stop_soon and getattr(result, "features", False):
            self._stop.set()
        if not self._closing:
            self.delivered.emit(result)

    def _progress(self, ticket: int) -> Progress:
        last = 0.0

        def listen(fraction: float, stage: str) -> None:
            nonlocal last
            now = time.monotonic()
            if self._closing or (now - last < PROGRESS_INTERVAL and fraction < 1.0):
                return
            last = now
            self.progressed.emit(ticket, fraction, stage)

        return Progress(listen, self._stop.is_set)


def _gives_way(running: Request, request: Request) -> bool:
    if running.lane == request.lane:
        return not running.patient
    return running.lane == BACKGROUND


def _shares_work(running: Request, request: Request) -> bool:
    work = getattr(running, "work", None)
    return work is not None and work == getattr(request, "work", None) and not getattr(request, "fresh", False)


def _rank(lane: str) -> int:
    return LANES.index(lane) if lane in LANES else len(LANES)
