"""One long-lived worker thread that owns the model; in each queue the newest message wins.

A Python thread, not a QThread: Qt's have 512 KB stacks on macOS. It is never terminated, only asked to stop where it
reports progress. Answers reach the window as signals, queued to its thread.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.message import Answer, Message, Result
from sss_gui.messages.queues import Queue, Row, row_of
from sss_gui.window.error_text import ErrorText, describe
from sss_model.errors import Cancelled
from sss_model.progress import Progress

log = logging.getLogger(__name__)

PROGRESS_INTERVAL = 0.05

Deliver = Callable[[Result], None]


class Engine:
    """Does the work, on the worker's thread only: one method for each row of the table that names it.

    Attributes
    ----------
    give_way : answers what is more urgent than the message that is being answered, such as a picture that was chosen;
        called between two parts of a long job, where nothing of it is half done. The worker sets it.
    """

    give_way: Callable[[], None] = staticmethod(lambda: None)

    def answer(self, message: Message[Answer], progress: Progress, deliver: Deliver) -> Answer | None:
        """Answer `message` by the method that the table names; `deliver` hands over parts; None is no answer."""
        method: Callable[[Message[Answer], Progress, Deliver], Answer | None] = getattr(self, row_of(message).method)
        return method(message, progress, deliver)

    def close(self) -> None:
        """Give back files and memory."""


@dataclass(frozen=True)
class Ended:
    """How a message ended: exactly one for each that was submitted. A failure carries its words."""

    ticket: int
    queue: Queue
    outcome: str  # done, cancelled, replaced, failed
    error: ErrorText | None = None


class _Run:
    """A message that is being answered, and what was said to it meanwhile."""

    def __init__(self, message: Message[Any]) -> None:
        self.message, self.row = message, row_of(message)
        self.stop = threading.Event()
        self.stop_soon = False  # once the work that the next request shares is done
        self.shared_done = False  # whether it is


class Worker(QObject):
    """Answers messages one at a time, in the order of `Queue`; a long job lets more urgent ones in between its parts.

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
        self._waiting: dict[Queue, list[Message[Any]]] = {}
        self._runs: list[_Run] = []  # the last one runs; those before it have given way to the next
        self._closing = False
        self._wake = threading.Condition()
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, message: Message[Any]) -> None:
        """Let `message` wait in its queue; what becomes of those that wait or run says the table in `queues`.

        Work that it shares with the one that runs is finished first, if it is not done yet.
        """
        row = row_of(message)
        with self._wake:
            waiting = self._waiting.setdefault(row.queue, [])
            replaced = [old for old in waiting if row_of(old).replaced_by_newer]
            waiting[:] = [*(old for old in waiting if old not in replaced), message]
            for run in self._runs:
                if not _gives_way(run.row, row):
                    continue
                if run.message.shares_work_with(message) and not run.shared_done:
                    run.stop_soon = True
                else:
                    run.stop.set()
            self._wake.notify()
        for old in replaced:
            self.ended.emit(Ended(old.ticket, row.queue, "replaced"))

    def cancel(self, queue: Queue | None = None) -> None:
        """Drop what waits and stop what runs, in one queue or in all."""
        with self._wake:
            queues = [waiting for waiting in self._waiting if queue in (None, waiting)]
            dropped = [message for name in queues for message in self._waiting.pop(name)]
            for run in self._runs:
                if queue in (None, run.row.queue):
                    run.stop.set()
        for message in dropped:
            self.ended.emit(Ended(message.ticket, row_of(message).queue, "cancelled"))

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        with self._wake:
            return bool(self._runs) or bool(self._waiting)

    def close(self, timeout: float = 20.0) -> bool:
        """Cancel everything and wait for the thread to end; False when it did not within `timeout` seconds."""
        with self._wake:
            self._closing = True
            self._waiting.clear()
            for run in self._runs:
                run.stop.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (run := self._next()) is not None:
            self._do(run)
        if self._engine is not None:
            self._engine.close()

    def _do(self, run: _Run) -> None:
        message, begun = run.message, time.perf_counter()
        name = type(message).__name__
        log.debug("%s %d begins; queue %s", name, message.ticket, run.row.queue.name)
        ended = self._answer(run)
        log.debug("%s %d is %s after %.3f s", name, message.ticket, ended.outcome, time.perf_counter() - begun)
        with self._wake:
            self._runs.remove(run)
        if not self._closing:
            self.ended.emit(ended)

    def _give_way(self) -> None:
        """Answer all that waits in more urgent queues than that of what runs."""
        queue = self._runs[-1].row.queue
        while (run := self._take(queue)) is not None:
            self._do(run)

    def _next(self) -> _Run | None:
        with self._wake:
            while not self._closing and not self._waiting:
                self._wake.wait()
        return self._take()

    def _take(self, before: Queue | None = None) -> _Run | None:
        """The next message, of a queue `before` another; None where there is none."""
        with self._wake:
            queues = [queue for queue in self._waiting if before is None or queue < before]
            if self._closing or not queues:
                return None
            waiting = self._waiting[min(queues)]
            run = _Run(waiting.pop(0))
            if not waiting:
                del self._waiting[run.row.queue]
            self._runs.append(run)
            return run

    def _answer(self, run: _Run) -> Ended:
        ticket, queue = run.message.ticket, run.row.queue
        try:
            if self._engine is None:
                self._engine = self._build()
                self._engine.give_way = self._give_way
            result = self._engine.answer(run.message, self._progress(run), self._deliver)
            if result is not None:
                self._deliver(result)
        except Cancelled:
            return Ended(ticket, queue, "cancelled")
        except Exception as error:  # the window must live on, whatever it is
            log.debug("failed", exc_info=True)
            return Ended(ticket, queue, "failed", describe(error))
        return Ended(ticket, queue, "done")

    def _deliver(self, result: Result) -> None:
        if result.ends_shared_work:
            with self._wake:
                run = self._runs[-1]
                run.shared_done = True
                if run.stop_soon:
                    run.stop.set()
        if not self._closing:
            self.delivered.emit(result)

    def _progress(self, run: _Run) -> Progress:
        last, ticket = 0.0, run.message.ticket

        def listen(fraction: float, stage: str) -> None:
            nonlocal last
            now = time.monotonic()
            if self._closing or (now - last < PROGRESS_INTERVAL and fraction < 1.0):
                return
            last = now
            self.progressed.emit(ticket, fraction, stage)

        return Progress(listen, run.stop.is_set)


def _gives_way(running: Row, newer: Row) -> bool:
    return running.stopped_by_newer if running.queue == newer.queue else running.background
