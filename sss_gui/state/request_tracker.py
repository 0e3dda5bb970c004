"""Requests to the worker and their answers: tickets, who waits for what, how far it is."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from sss_gui.worker.worker import Ended

BUSY_QUEUES = ("show", "export", "basis", "clusters", "batch")
FIRST_ESTIMATE = 0.5  # seconds of work before a time left is worth saying


class Underway:
    """Tickets that were submitted and have not ended."""

    def __init__(self) -> None:
        self._all: set[int] = set()
        self._busy: set[int] = set()
        self._started = 0.0

    def __contains__(self, ticket: int) -> bool:
        return ticket in self._all

    @property
    def tickets(self) -> set[int]:
        return set(self._all)

    @property
    def busy(self) -> bool:
        """Whether anything is under way that a user waits for."""
        return bool(self._busy)

    def waited_for(self, ticket: int) -> bool:
        """Whether `ticket` is one that a user waits for."""
        return ticket in self._busy

    def begin(self, ticket: int, queue: str, *, quiet: bool = False, goes_on: bool = False) -> bool:
        """Take in a ticket; True when the window becomes busy with it.

        `quiet` ones never make it busy; one that `goes_on` with what was begun before lets the clock run on.
        """
        self._all.add(ticket)
        if quiet or queue not in BUSY_QUEUES:
            return False
        idle = not self._busy
        if idle and not goes_on:
            self._started = time.monotonic()
        self._busy.add(ticket)
        return idle

    def end(self, ticket: int) -> bool:
        """Let a ticket go; True when the window is idle with it."""
        self._all.discard(ticket)
        if ticket not in self._busy:
            return False
        self._busy.discard(ticket)
        return not self._busy

    def seconds_left(self, fraction: float) -> float:
        """What remains at this pace; negative while nobody can say."""
        elapsed = time.monotonic() - self._started
        if fraction <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / fraction


class WorkerLike(Protocol):
    """The worker as its asker knows it."""

    delivered: Any
    progressed: Any
    ended: Any

    def submit(self, request: Any) -> None: ...
    def cancel(self, queue: str | None = None) -> None: ...


class RequestTracker(QObject):
    """Gives requests their tickets, hands answers to who takes their kind, and says whether anybody waits.

    Signals
    -------
    progress_changed : fraction, stage, seconds left (negative while unknown)
    busy_changed : whether panes or exports are under way
    ended : Ended, of every request
    """

    progress_changed = Signal(float, str, float)
    busy_changed = Signal(bool)
    ended = Signal(object)

    def __init__(self, worker: WorkerLike, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tickets = itertools.count(1)
        self._underway = Underway()
        self._answers: dict[type, Callable[[Any], None]] = {}
        self._closed = False
        worker.delivered.connect(self._deliver)
        worker.progressed.connect(self._progress)
        worker.ended.connect(self._end)

    @property
    def busy(self) -> bool:
        return self._underway.busy

    def ask(self, build: Callable[[int], Any], *, goes_on: bool = False) -> int:
        """Submit the request that `build` makes of a new ticket; returns the ticket. See `answer`.

        `goes_on` where it is the next part of what was asked before: the time left is that of the whole.
        """
        ticket = next(self._tickets)
        self._submit(build(ticket), goes_on=goes_on)
        return ticket

    def answer(self, kind: type, slot: Callable[[Any], None]) -> None:
        """Let `slot` take results of `kind`; for the parts of the window that have queues of their own."""
        self._answers[kind] = slot

    def close(self) -> None:
        """Ask for nothing more and take no more answers: they would reach a window that is gone."""
        self._closed = True

    def _submit(self, request: Any, *, quiet: bool = False, goes_on: bool = False) -> None:
        if self._closed:
            return
        if self._underway.begin(request.ticket, request.queue, quiet=quiet, goes_on=goes_on):
            self.busy_changed.emit(True)
        self._worker.submit(request)

    def _deliver(self, result: Any) -> None:
        answer = None if self._closed else self._answers.get(type(result))
        if answer is not None:
            answer(result)

    def _progress(self, ticket: int, fraction: float, stage: str) -> None:
        if self._underway.waited_for(ticket) and not self._closed:
            self.progress_changed.emit(fraction, stage, self._underway.seconds_left(fraction))

    def _end(self, ended: Ended) -> None:
        if self._closed:
            return
        idle = self._underway.end(ended.ticket)
        self.ended.emit(ended)
        idle = idle and not self._underway.busy  # who heard of the end may have asked for more
        if idle:
            self.busy_changed.emit(False)
        self._after(ended, idle)

    def _after(self, ended: Ended, idle: bool) -> None:
        """What a request's end means; `idle` where nobody waits any more."""
        raise NotImplementedError
