"""Requests to the worker and their answers: tickets, who waits for which, how far they are."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.message import Answer, Message, Result
from sss_gui.messages.queues import Queue, row_of
from sss_gui.worker.worker import Ended

FIRST_ESTIMATE = 0.5  # seconds of work before a time left is worth saying
LOADING = "Loading the model"  # once, and nothing else goes at its pace


class WorkerLike(Protocol):
    """The worker as its asker knows it."""

    delivered: Any
    progressed: Any
    ended: Any

    def submit(self, message: Message[Any]) -> None: ...
    def cancel(self, queue: Queue | None = None) -> None: ...


class RequestTracker(QObject):
    """Gives requests their tickets, hands results to who takes their kind, and says whether a user waits.

    Signals
    -------
    progress_changed : fraction, stage, seconds left (negative while unknown)
    busy_changed : whether something that a user waits for is under way
    ended : Ended, of every request
    """

    progress_changed = Signal(float, str, float)
    busy_changed = Signal(bool)
    ended = Signal(object)

    def __init__(self, worker: WorkerLike, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker = worker
        self._tickets = itertools.count(1)
        self._pending: dict[int, Queue] = {}
        self._waited_for: set[int] = set()  # those of `_pending` that make the window busy
        self._pace = 0.0, 0.0  # since when, and from which fraction on, the time left is told by
        self._answers: dict[type[Result], Callable[[Any], None]] = {}
        self._closed = False
        worker.delivered.connect(self._deliver)
        worker.progressed.connect(self._progress)
        worker.ended.connect(self._end)

    @property
    def busy(self) -> bool:
        """Whether anything is under way that a user waits for."""
        return bool(self._waited_for)

    @property
    def pending(self) -> frozenset[int]:
        """Tickets that were submitted and have not ended."""
        return frozenset(self._pending)

    @property
    def queues(self) -> frozenset[Queue]:
        """Where something waits or runs."""
        return frozenset(self._pending.values())

    def new_ticket(self) -> int:
        """A number that no request has had."""
        return next(self._tickets)

    def ask(self, build: Callable[[int], Message[Any]], *, goes_on: bool = False) -> int:
        """Submit the request that `build` makes of a new ticket; returns the ticket.

        `goes_on` where it is the next part of what was asked before: the time left is that of the whole.
        """
        ticket = self.new_ticket()
        self.submit(build(ticket), goes_on=goes_on)
        return ticket

    def submit(self, request: Message[Any], *, goes_on: bool = False) -> None:
        """Hand `request` to the worker; the table of messages says whether it makes the window busy."""
        if self._closed:
            return
        self._pending[request.ticket] = row_of(request).queue
        if row_of(request).busy:
            was_busy = self.busy
            self._waited_for.add(request.ticket)
            if not was_busy:
                if not goes_on:
                    self._pace = time.monotonic(), 0.0
                self.busy_changed.emit(True)
        self._worker.submit(request)

    def answer(self, kind: type[Answer], slot: Callable[[Answer], None]) -> None:
        """Let `slot` take the results of `kind`."""
        self._answers[kind] = slot

    def cancel(self, *queues: Queue) -> None:
        """Stop what runs and drop what waits, in `queues`, or in all where none are named."""
        for queue in queues or (None,):
            self._worker.cancel(queue)

    def close(self) -> None:
        """Ask for nothing more and take no more results: they would reach a window that is gone."""
        self._closed = True

    def _deliver(self, result: Result) -> None:
        slot = None if self._closed else self._answers.get(type(result))
        if slot is not None:
            slot(result)

    def _progress(self, ticket: int, fraction: float, stage: str) -> None:
        if ticket in self._waited_for and not self._closed:
            if stage == LOADING:
                self._pace = time.monotonic(), fraction
            self.progress_changed.emit(fraction, stage, self._seconds_left(fraction))

    def _seconds_left(self, fraction: float) -> float:
        """What remains at this pace; negative while nobody can say."""
        since, begun = self._pace
        elapsed, done = time.monotonic() - since, fraction - begun
        if done <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / done

    def _end(self, ended: Ended) -> None:
        if self._closed:
            return
        was_busy = self.busy
        self._pending.pop(ended.ticket, None)
        self._waited_for.discard(ended.ticket)
        self.ended.emit(ended)
        if was_busy and not self.busy:  # who heard of the end may have asked for more
            self.busy_changed.emit(False)
