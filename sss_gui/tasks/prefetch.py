"""What the worker is to remember: features of the other open pictures, computed while nothing else is wanted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import ForgetRequest, PrefetchRequest, Source
from sss_gui.state.workspace import Workspace

PAUSE_MS = 400  # of quiet before the next picture


class Prefetch(QObject):
    """Asks for one picture after the other while similarity compares with pins, or all features are to be shown.

    Whatever the user does comes first.

    Signals
    -------
    computed : Source, whose features are there now
    failed : Source and the sentence that says why it has none
    noted : a sentence for the status line
    """

    computed = Signal(object)
    failed = Signal(object, str)
    noted = Signal(str)

    def __init__(self, work: Workspace, parent: QObject) -> None:
        super().__init__(parent)
        session, pictures = work.session, work.pictures
        self._session, self._pictures, self._choices = session, pictures, work.overlays
        self._tried: set[Source] = set()
        self._features = Channel(session.worker, Rank.PREFETCH, quiet=True)
        self._full = self._paused = self._all = False
        self._timer = QTimer(self, interval=PAUSE_MS, singleShot=True)
        self._timer.timeout.connect(self._ask)
        session.worker.activity.busy_changed.connect(lambda busy: None if busy or self._paused else self.go_on())
        session.model_changed.connect(lambda _model: self.forget())
        session.extract_changed.connect(lambda _params: self.forget())
        pictures.changed.connect(self.forget)

    def go_on(self) -> None:
        """Look for something to compute, after a short while of quiet."""
        self._paused = False
        if not self._features.pending and self._next() is not None:
            self._timer.start()

    def want_all(self, wanted: bool) -> None:
        """Whether all open pictures' features are wanted, compared or not."""
        self._all = wanted
        self.go_on()

    def pause(self) -> None:
        """Ask for nothing more until `go_on`, as when the user stops everything."""
        self._timer.stop()
        self._paused = True

    def forget(self) -> None:
        """Try all again: features may have been forgotten."""
        self._tried.clear()
        self._full = False

    @property
    def idle(self) -> bool:
        """Whether nothing is computed or about to be."""
        return not self._features.pending and not self._timer.isActive()

    def wanted(self) -> list[Source]:
        """The pictures whose features are compared: the one that the pins lie in, then the nearest in the list."""
        origin, shown = self._choices.origin, self._session.state.source
        compared = self._choices.shown == "similarity" and origin is not None
        if not (compared or self._all):
            return []
        sources = self._pictures.sources
        here = sources.index(shown) if shown in sources else 0
        nearest = sorted(range(len(sources)), key=lambda place: abs(place - here))
        first = [origin] if compared and origin is not None else []
        return [s for s in dict.fromkeys([*first, *(sources[place] for place in nearest)]) if s != shown]

    def _next(self) -> Source | None:
        if self._full:
            return None
        return next((source for source in self.wanted() if source not in self._tried), None)

    def _ask(self) -> None:
        source = self._next()
        if source is None or self._session.busy or self._features.pending:
            return
        features = replace(self._session.state.features(), source=source)
        self._features.ask(PrefetchRequest(features), partial(self._take, source), partial(self._end, source))

    def _take(self, source: Source, remembered: bool) -> None:
        if remembered:
            self.computed.emit(source)
        else:
            self._full = True
            self.noted.emit("Memory holds no more pictures; the others are compared once they are shown.")

    def _end(self, source: Source, ended: Ended) -> None:
        if ended.outcome in ("done", "failed"):
            self._tried.add(source)
        if ended.error is not None:
            self.failed.emit(source, ended.error.sentence)
        if not self._paused:
            self.go_on()


class ForgetClosed(QObject):
    """Watches the list; the picture in the panes counts as open while it is there, for it may have to come back."""

    def __init__(self, work: Workspace, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._pictures = session, pictures = work.session, work.pictures
        self._closed = Channel(session.worker, Rank.FORGET)
        self._open: set[Source] = set()
        pictures.changed.connect(self._look)
        session.displayed_changed.connect(lambda _source: self._look())

    def _look(self) -> None:
        in_use = (*self._pictures.sources, self._session.displayed, self._session.state.source)
        opened = {source for source in in_use if source is not None}
        closed, self._open = self._open - opened, opened
        if closed:
            self._closed.ask(ForgetRequest(tuple(opened)))
