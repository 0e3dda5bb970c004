"""One long-lived worker thread that owns the model and answers the requests of its channels, one at a time.

A Python thread, not a QThread: Qt's have 512 KB stacks on macOS. It is never terminated, only asked to stop where it
reports progress. Results reach the window's thread as queued signals of the worker to itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any, ClassVar

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Ended, Job, Rank, Request
from sss_gui.requests.error_text import describe
from sss_model.errors import Cancelled
from sss_model.progress import Progress

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.05

Deliver = Callable[[Any], None]
Answers = Mapping[type[Request[Any]], str]


FIRST_ESTIMATE = 0.5  # seconds of work before a time left is worth saying
LOADING = "Loading the model"  # once, and nothing else goes at its pace


class Activity(QObject):
    """The channels of a worker that make the window busy.

    Signals
    -------
    progress_changed : fraction, stage, seconds left (negative while unknown)
    busy_changed : whether one of the channels has a result to come
    """

    progress_changed = Signal(float, str, float)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.channels: list[Channel] = []
        self._was_busy = False
        self._job: object = None  # that has advanced last, when it did,
        self._when = 0.0
        self._paces: dict[object, tuple[float, float]] = {}  # of each job: the seconds it took, from which fraction on

    @property
    def busy(self) -> bool:
        """Whether one of the channels has a result to come."""
        return any(channel.pending for channel in self.channels)

    def update(self) -> None:
        """Tell of a change; the time left is that of all that is asked before everything is over."""
        busy = self.busy
        if busy != self._was_busy:
            self._was_busy = busy
            self._job, self._paces = None, {}
            self._when = time.monotonic()
            self.busy_changed.emit(busy)

    def advance(self, job: object, fraction: float, stage: str) -> None:
        """`job`, which a user waits for, has come that far."""
        now = time.monotonic()
        elapsed, begun = self._paces.get(job, (0.0, fraction if self._paces else 0.0))
        if job is self._job or not self._paces:  # while others are let in between it does not go on
            elapsed += now - self._when
        self._paces[job] = (0.0, fraction) if stage == LOADING else (elapsed, begun)
        self._job, self._when = job, now
        self.progress_changed.emit(fraction, stage, self._seconds_left(job, fraction))

    def _seconds_left(self, job: object, fraction: float) -> float:
        """What remains at the job's own pace; negative while nobody can say."""
        elapsed, begun = self._paces[job]
        done = fraction - begun
        if done <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / done


class Engine:
    """Does the work, on the worker's thread only.

    Attributes
    ----------
    answers : request type -> name of the method that answers it, such as "probe", or "segmenter.matte" of a part that
        is loaded when it is first needed. A method takes the request, a `Progress`, and what delivers results before
        the last one, which it returns; None is no result.
    give_way : answers what is more urgent than the request that is being answered, such as a picture that was chosen;
        called between two parts of a long job, where nothing of it is half done. The worker sets it.
    """

    answers: ClassVar[Answers] = {}
    give_way: Callable[[], None] = staticmethod(lambda: None)

    def answer(self, request: Request[Any], progress: Progress, deliver: Deliver) -> Any:
        """Answer `request` by the method that is registered for its type."""
        return attrgetter(self.answers[type(request)])(self)(request, progress, deliver)

    def close(self) -> None:
        """Give back files and memory."""


class Worker(QObject):
    """Answers requests one at a time, in the order of their `Rank`; a long job lets more urgent ones in between.

    Parameters
    ----------
    build : makes the engine, called once on the worker's thread (it imports torch)

    Attributes
    ----------
    channels : all that were made for this worker
    activity : whether a user waits for any of them

    Signals
    -------
    failed : ErrorText of a request, unless its channel is quiet
    cancelled : Rank of a request that was stopped and that a user waited for
    """

    failed = Signal(object)
    cancelled = Signal(object)
    _delivered = Signal(object, object)
    _progressed = Signal(object, float, str)
    _ended = Signal(object, object)

    def __init__(self, build: Callable[[], Engine], parent: QObject | None = None, name: str = "sss-worker") -> None:
        super().__init__(parent)
        self._build = build
        self._engine: Engine | None = None
        self._waiting: list[Job] = []
        self._running: list[Job] = []  # the last one runs; those before it have given way to the next
        self.closing = False
        self.channels: list[Channel] = []
        self.activity = Activity(self)
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._delivered.connect(self._take)
        self._progressed.connect(self._advance)
        self._ended.connect(self._end)

    def start(self) -> None:
        self._thread.start()

    def add(self, channel: Channel) -> None:
        """Let `channel` be one of this worker's."""
        self.channels.append(channel)
        if channel.busy:
            self.activity.channels.append(channel)

    def submit(self, job: Job) -> list[Job]:
        """Let `job` wait for its turn; returns those that it takes the place of."""
        channel = job.channel
        with self._wake:
            replaced = [old for old in self._waiting if old.channel is channel and not channel.keeps_all]
            self._waiting = [*(old for old in self._waiting if old not in replaced), job]
            for running in self._running:
                if (
                    running.channel.stops_running
                    if running.channel is channel
                    else running.channel.rank == Rank.PREFETCH
                ):
                    running.stop.set()
            self._wake.notify()
        return replaced

    def cancel(self, channel: Channel) -> list[Job]:
        """Stop what runs of `channel`, and drop what waits, which is returned."""
        with self._wake:
            waiting = [job for job in self._waiting if job.channel is channel]
            self._waiting = [job for job in self._waiting if job.channel is not channel]
            for job in self._running:
                if job.channel is channel:
                    job.stop.set()
        return waiting

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        with self._wake:
            return bool(self._running) or bool(self._waiting)

    def close(self, timeout: float = 20.0) -> bool:
        """Stop everything and wait for the thread to end; False when it did not within `timeout` seconds.

        From now on nothing is asked and no result reaches the window, which may be gone.
        """
        with self._wake:
            self.closing = True
            self._waiting.clear()
            for job in self._running:
                job.stop.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # on the window's thread ------------------------------------------------------------------------------------------

    def _take(self, job: Job, result: Any) -> None:
        if not self.closing:
            job.channel.take(job, result)

    def _advance(self, job: Job, fraction: float, stage: str) -> None:
        if not self.closing:
            job.channel.advance(job, fraction, stage)

    def _end(self, job: Job, ended: Ended) -> None:
        if not self.closing:
            job.channel.end(job, ended)

    # on the worker's thread ------------------------------------------------------------------------------------------

    def _loop(self) -> None:
        while (job := self._next()) is not None:
            self._do(job)
        if self._engine is not None:
            self._engine.close()

    def _do(self, job: Job) -> None:
        begun = time.perf_counter()
        log.debug("%s begins", job)
        ended = self._answer(job)
        log.debug("%s is %s after %.3f s", job, ended.outcome, time.perf_counter() - begun)
        with self._wake:
            self._running.remove(job)
        if not self.closing:
            self._ended.emit(job, ended)

    def _give_way(self) -> None:
        """Answer all that waits in channels of a more urgent rank than that of what runs."""
        rank = self._running[-1].channel.rank
        while (job := self._begin(rank)) is not None:
            self._do(job)

    def _next(self) -> Job | None:
        with self._wake:
            while not self.closing and not self._waiting:
                self._wake.wait()
        return self._begin()

    def _begin(self, before: Rank | None = None) -> Job | None:
        """The next job, of a rank `before` another; None where there is none."""
        with self._wake:
            ready = [job for job in self._waiting if before is None or job.channel.rank < before]
            if self.closing or not ready:
                return None
            job = min(ready, key=lambda each: each.channel.rank)
            self._waiting.remove(job)
            self._running.append(job)
            return job

    def _answer(self, job: Job) -> Ended:
        def deliver(result: Any) -> None:
            if not self.closing:
                self._delivered.emit(job, result)

        try:
            if self._engine is None:
                self._engine = self._build()
                self._engine.give_way = self._give_way
            result = self._engine.answer(job.request, self._progress(job), deliver)
            if result is not None:
                deliver(result)
        except Cancelled:
            return Ended("cancelled")
        except Exception as error:  # the window must live on, whatever it is
            log.debug("failed", exc_info=True)
            return Ended("failed", describe(error))
        return Ended("done")

    def _progress(self, job: Job) -> Progress:
        last = 0.0

        def listen(fraction: float, stage: str) -> None:
            nonlocal last
            now = time.monotonic()
            if self.closing or (now - last < PROGRESS_INTERVAL and fraction < 1.0):
                return
            last = now
            self._progressed.emit(job, fraction, stage)

        return Progress(listen, job.stop.is_set)
