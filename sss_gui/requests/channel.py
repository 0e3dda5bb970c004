"""One question that somebody goes on asking: its requests, of which the newest counts, and who hears the results.

self._layers = Channel(session.worker, Rank.LAYERS, stops_running=True)
self._layers.ask(LayersRequest(cut, groups), self._take_layers)
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sss_gui.requests.error_text import ErrorText

if TYPE_CHECKING:
    from sss_gui.requests.worker import Worker


class Rank(IntEnum):
    """The order in which a worker serves its channels; of equal ranks the request that was asked first."""

    OPEN = 0
    PREVIEW = 1
    FEATURES = 2
    PANES = 3
    LIFT = 4
    STROKE = 5
    CLASSES = 6
    LAYERS = 7
    MATTE = 8
    HOVER = 9
    MATTE_LIFT = 10
    SEGMENTS_LIFT = 11
    PROBE = 12
    PIN = 13
    SIMILARITY = 14
    CLUSTERS = 15
    PREPARE_MATTE = 16
    CARRIED = 17
    SEGMENTS = 18
    BACKDROP = 19
    COMPARE = 20
    BASIS = 21
    EXPORT = 22
    MODEL = 23
    LIST = 24
    THUMBNAILS = 25
    CARRY = 26
    BATCH = 27
    PREFETCH = 28  # stops for whatever else is asked
    FORGET = 29


ResultT = TypeVar("ResultT")


class Request(Generic[ResultT]):
    """What is asked of a worker, frozen and whole; the type of its results stands in brackets."""


@dataclass(frozen=True)
class Ended:
    """How a request ended: done, cancelled, or failed for the reason `error`."""

    outcome: str
    error: ErrorText | None = None


class Job:
    """A request on its way through a worker; `stop` is set where it is to end early."""

    def __init__(
        self,
        channel: Channel,
        number: int,
        request: Request[Any],
        on_result: Callable[[Any], None] | None,
        on_end: Callable[[Ended], None] | None,
        on_progress: Callable[[float, str], None] | None = None,
    ) -> None:
        self.channel, self.number, self.request = channel, number, request
        self.on_result, self.on_end, self.on_progress = on_result, on_end, on_progress
        self.stop = threading.Event()

    def __str__(self) -> str:
        return f"{type(self.request).__name__} {self.number} ({self.channel.rank.name})"


class Channel:
    """The requests of one asker about one thing. Used on the window's thread only.

    A newer request replaces one that still waits, and nothing more is heard of that. One that runs already is finished
    first, and its result still counts: otherwise nothing would be seen while a slider is dragged.

    Parameters
    ----------
    rank : when the worker serves it, beside other channels
    stops_running : a newer request also stops the one that runs, whose result no longer counts
    keeps_all : a newer request replaces none: all are answered, in their order
    busy : a user waits for it: the window says so, and how long
    quiet : who asks tells of failures; otherwise the worker's signal `failed` does
    """

    def __init__(
        self,
        worker: Worker,
        rank: Rank,
        *,
        stops_running: bool = False,
        keeps_all: bool = False,
        busy: bool = False,
        quiet: bool = False,
    ) -> None:
        self.rank, self.stops_running, self.keeps_all, self.busy = rank, stops_running, keeps_all, busy
        self._worker, self._quiet = worker, quiet
        self._numbers = itertools.count(1)
        self._jobs: list[Job] = []  # those that count and have not ended
        worker.add(self)

    @property
    def pending(self) -> bool:
        """Whether a result is still to come."""
        return bool(self._jobs)

    def ask(
        self,
        request: Request[ResultT],
        on_result: Callable[[ResultT], None] | None = None,
        on_end: Callable[[Ended], None] | None = None,
        on_progress: Callable[[float, str], None] | None = None,
    ) -> None:
        """Have `request` answered: `on_result` takes each of its results, `on_end` hears how it ended.

        `on_progress` hears how far it is, a fraction and a stage. None is called any more once a newer request has
        taken its place, or `drop` was called.
        """
        if self._worker.closing:
            return
        job = Job(self, next(self._numbers), request, on_result, on_end, on_progress)
        replaced = self._worker.submit(job)
        self._jobs = [*(old for old in self._jobs if not self.stops_running and old not in replaced), job]
        self._tell_busy()

    def cancel(self) -> None:
        """Stop what runs and what waits; who asked hears the end."""
        for job in self._worker.cancel(self):
            self.end(job, Ended("cancelled"))

    def drop(self) -> None:
        """Stop what runs and what waits, for nobody wants it any more; nothing is heard of it."""
        if self._jobs:
            self._jobs.clear()
            self._worker.cancel(self)
            self._tell_busy()

    # what the worker calls -------------------------------------------------------------------------------------------

    def take(self, job: Job, result: Any) -> None:
        """Hand a result of `job` to who asked, if it still counts."""
        if job in self._jobs and job.on_result is not None:
            job.on_result(result)

    def advance(self, job: Job, fraction: float, stage: str) -> None:
        """`job` has come that far."""
        if job not in self._jobs:
            return
        if self.busy:
            self._worker.activity.advance(job, fraction, stage)
        if job.on_progress is not None:
            job.on_progress(fraction, stage)

    def end(self, job: Job, ended: Ended) -> None:
        """`job` is over."""
        if job not in self._jobs:
            return
        self._jobs.remove(job)
        if job.on_end is not None:
            job.on_end(ended)
        if ended.error is not None and not self._quiet:
            self._worker.failed.emit(ended.error)
        if ended.outcome == "cancelled" and self.busy:
            self._worker.cancelled.emit(self.rank)
        self._tell_busy()  # who heard of the end may have asked for more

    def _tell_busy(self) -> None:
        if self.busy:
            self._worker.activity.update()
