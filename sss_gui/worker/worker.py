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
    """Does the work, on the worker's thread only: one method for each row of the table that names it."""

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


class Worker(QObject):
    """Answers messages one at a time, in the order of `Queue`.

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
        self._stop_soon = False  # once the work that the next request shares is done
        self._shared_done = False  # whether it is, in what runs
        self._running: Message[Any] | None = None
        self._stop = threading.Event()
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
            running = self._running
            if running is not None and _gives_way(row_of(running), row):
                if running.shares_work_with(message) and not self._shared_done:
                    self._stop_soon = True
                else:
                    self._stop.set()
            self._wake.notify()
        for old in replaced:
            self.ended.emit(Ended(old.ticket, row.queue, "replaced"))

    def cancel(self, queue: Queue | None = None) -> None:
        """Drop what waits and stop what runs, in one queue or in all."""
        with self._wake:
            queues = [waiting for waiting in self._waiting if queue in (None, waiting)]
            dropped = [message for name in queues for message in self._waiting.pop(name)]
            if self._running is not None and queue in (None, row_of(self._running).queue):
                self._stop.set()
        for message in dropped:
            self.ended.emit(Ended(message.ticket, row_of(message).queue, "cancelled"))

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        with self._wake:
            return self._running is not None or bool(self._waiting)

    def close(self, timeout: float = 20.0) -> bool:
        """Cancel everything and wait for the thread to end; False when it did not within `timeout` seconds."""
        with self._wake:
            self._closing = True
            self._waiting.clear()
            self._stop.set()
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _loop(self) -> None:
        while (message := self._next()) is not None:
            name, begun = type(message).__name__, time.perf_counter()
            log.debug("%s %d begins; queue %s", name, message.ticket, row_of(message).queue.name)
            ended = self._answer(message)
            log.debug("%s %d is %s after %.3f s", name, message.ticket, ended.outcome, time.perf_counter() - begun)
            with self._wake:
                self._running = None
            if not self._closing:
                self.ended.emit(ended)
        if self._engine is not None:
            self._engine.close()

    def _next(self) -> Message[Any] | None:
        with self._wake:
            while not self._closing and not self._waiting:
                self._wake.wait()
            if self._closing:
                return None
            queue = min(self._waiting)
            waiting = self._waiting[queue]
            self._running = waiting.pop(0)
            if not waiting:
                del self._waiting[queue]
            self._stop.clear()
            self._stop_soon = self._shared_done = False
            return self._running

    def _answer(self, message: Message[Any]) -> Ended:
        ticket, queue = message.ticket, row_of(message).queue
        try:
            if self._engine is None:
                self._engine = self._build()
            result = self._engine.answer(message, self._progress(ticket), self._deliver)
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
                self._shared_done = True
                if self._stop_soon:
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


def _gives_way(running: Row, newer: Row) -> bool:
    return running.stopped_by_newer if running.queue == newer.queue else running.background
