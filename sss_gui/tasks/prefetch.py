"""Features of the other open pictures, computed while nothing else is wanted: similarity reaches them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.messages.panes import PrefetchRequest, PrefetchResult, Source
from sss_gui.state.session import Session, State
from sss_gui.worker.worker import Ended

PAUSE_MS = 400  # of quiet before the next picture


class Prefetch(QObject):
    """Asks for one picture after the other while `wanted()`; whatever the user does comes first.

    Parameters
    ----------
    wanted : the pictures whose features are compared, the most wanted first; none while nothing is compared

    Signals
    -------
    computed : Source, whose features are there now
    failed : Source and the sentence that says why it has none
    noted : a sentence for the status line
    """

    computed = Signal(object)
    failed = Signal(object, str)
    noted = Signal(str)

    def __init__(self, session: Session, wanted: Callable[[], list[Source]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._wanted = session, wanted
        self._tried: set[Source] = set()
        self._network: tuple[object, ...] = ()
        self._asked: tuple[int, Source] | None = None
        self._full = self._paused = False
        self._timer = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._timer.timeout.connect(self._ask)
        session.answer(PrefetchResult, self._take)
        session.ended.connect(self._end)
        session.busy_changed.connect(lambda busy: None if busy or self._paused else self.go_on())
        session.state_changed.connect(self._follow)

    def go_on(self) -> None:
        """Look for something to compute, after a short while of quiet."""
        self._paused = False
        if self._asked is None and self._next() is not None:
            self._timer.start()

    def pause(self) -> None:
        """Ask for nothing more until `go_on`, as when the user stops everything."""
        self._timer.stop()
        self._paused = True

    def forget(self) -> None:
        """Try all again: features may have been forgotten."""
        self._tried.clear()
        self._full = False

    def _next(self) -> Source | None:
        if self._full:
            return None
        return next((source for source in self._wanted() if source not in self._tried), None)

    def _ask(self) -> None:
        source = self._next()
        if source is None or self._session.busy or self._asked is not None:
            return
        show = self._session.state.request
        ticket = self._session.ask(lambda ticket: PrefetchRequest(ticket, show(ticket), source))
        self._asked = ticket, source

    def _take(self, result: PrefetchResult) -> None:
        if self._asked is None or result.ticket != self._asked[0]:
            return
        if result.kept:
            self.computed.emit(result.source)
        else:
            self._full = True
            self.noted.emit("Memory holds no more pictures; the others are compared once they are shown.")

    def _end(self, ended: Ended) -> None:
        if self._asked is None or ended.ticket != self._asked[0]:
            return
        source, self._asked = self._asked[1], None
        if ended.outcome in ("done", "failed"):
            self._tried.add(source)
        if ended.error is not None:
            self.failed.emit(source, ended.error.sentence)
        if not self._paused:
            self.go_on()

    def _follow(self, state: State) -> None:
        network = state.model, state.extract
        if network != self._network:
            self._network = network
            self.forget()
