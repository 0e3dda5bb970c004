"""Requests to the worker and their answers: tickets, who waits for what, how far it is."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Protocol

from PySide6.QtCore import QObject, Signal

from sss_gui.jobs import Ended
from sss_gui.underway import Underway


class WorkerLike(Protocol):
    """The worker as its asker knows it."""

    delivered: Any
    progressed: Any
    ended: Any

    def submit(self, request: Any) -> None: ...
    def cancel(self, lane: str | None = None) -> None: ...


class Asking(QObject):
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
        """Let `slot` take results of `kind`; for the parts of the window that have lanes of their own."""
        self._answers[kind] = slot

    def close(self) -> None:
        """Ask for nothing more and take no more answers: they would reach a window that is gone."""
        self._closed = True

    def _submit(self, request: Any, *, quiet: bool = False, goes_on: bool = False) -> None:
        if self._closed:
            return
        if self._underway.begin(request.ticket, request.lane, quiet=quiet, goes_on=goes_on):
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
