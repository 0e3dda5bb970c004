"""The pictures that are open, as a film strip: which there are, which is shown, what became of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.error_text import ErrorText
from sss_gui.jobs import Ended, Worker
from sss_gui.overlay_request import Match
from sss_gui.request import ListRequest, ListResult, Source, ThumbnailRequest, ThumbnailResult
from sss_gui.session import Session
from sss_gui.widgets.film_strip import FilmStrip


class Gallery(QObject):
    """Lists what was opened and keeps the film strip and the session in step.

    Parameters
    ----------
    worker : runs a `FileEngine`

    Signals
    -------
    noted : a sentence for the status line
    failed : ErrorText
    changed : the list changed
    """

    noted = Signal(str)
    failed = Signal(object)
    changed = Signal()

    def __init__(self, session: Session, worker: Worker, strip: FilmStrip, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._worker, self._strip = session, worker, strip
        self._sources: list[Source] = []
        self._tickets = itertools.count(1)
        self._listing = 0
        self._wanted: list[Source] = []
        worker.delivered.connect(self._take)
        worker.ended.connect(self._end)
        strip.activated.connect(self.show)
        strip.thumbnails_requested.connect(self._ask_thumbnails)
        strip.remove_requested.connect(self.remove)
        session.opened.connect(lambda source: self.mark(source, "done"))
        session.state_changed.connect(lambda state: self._follow(state.source))
        session.failed.connect(self._mark_failed)

    @property
    def sources(self) -> list[Source]:
        return list(self._sources)

    @property
    def index(self) -> int:
        """Place of the picture that is shown; -1 without one."""
        source = self._session.state.source
        return self._sources.index(source) if source in self._sources else -1

    def open(self, paths: Sequence[Path]) -> None:
        """List `paths` on the file thread, then show the first; one file alone is shown at once."""
        self._listing = next(self._tickets)  # a listing that is still under way is no longer wanted
        if len(paths) == 1 and paths[0].suffix and not paths[0].is_dir():
            self.set_sources([Source.from_path(paths[0])])
            return
        self._worker.submit(ListRequest(self._listing, tuple(paths)))

    def set_sources(self, sources: Sequence[Source], current: int = 0) -> None:
        """These pictures, and show one of them."""
        self._sources = list(sources)
        self._fill()
        if self._sources:
            self.show(min(max(current, 0), len(self._sources) - 1))

    def add(self, source: Source) -> None:
        """One more picture at the end, such as a pasted one."""
        if source not in self._sources:
            self._sources.append(source)
            self._fill()

    def show(self, index: int) -> None:
        """Show picture `index`."""
        if 0 <= index < len(self._sources):
            self._session.open_source(self._sources[index])

    def step(self, by: int) -> None:
        """The picture `by` places on, stopping at the ends."""
        if self._sources:
            self.show(min(max(self.index + by, 0), len(self._sources) - 1))

    def remove(self, index: int) -> None:
        """Take picture `index` off the list; the file stays. The next one is shown in its place."""
        if len(self._sources) < 2 or not 0 <= index < len(self._sources):
            return
        shown = index == self.index
        del self._sources[index]
        self._fill()
        if shown:
            self.show(min(index, len(self._sources) - 1))

    def _fill(self) -> None:
        self._strip.setVisible(len(self._sources) > 1)
        self._strip.set_items([s.name for s in self._sources], [str(s.path or "pasted") for s in self._sources])
        self._strip.set_current(self.index)
        self.changed.emit()

    def _follow(self, source: Source | None) -> None:
        if source is not None and source not in self._sources:
            self._sources = [*self._sources, source] if source.path is None else [source]
            self._fill()
            return
        self._strip.set_current(self.index)

    def _ask_thumbnails(self, indices: list[int]) -> None:
        self._wanted = [self._sources[i] for i in indices if i < len(self._sources)]
        if self._wanted:
            self._worker.submit(ThumbnailRequest(next(self._tickets), tuple(self._wanted)))

    def _take(self, result: object) -> None:
        if isinstance(result, ListResult) and result.ticket == self._listing:
            if result.sources:
                self.set_sources(result.sources)
            else:
                self.noted.emit(result.note)
        elif isinstance(result, ThumbnailResult) and result.source in self._sources:
            index = self._sources.index(result.source)
            if result.picture is not None:
                self._strip.set_thumbnail(index, result.picture)
            else:
                self._strip.set_state(index, "failed", result.problem)

    def _end(self, ended: Ended) -> None:
        if ended.outcome == "failed" and ended.error is not None:
            self.failed.emit(ended.error)

    def mark(self, source: Source, state: str, tip: str = "") -> None:
        """Show in the strip what became of `source`: none, running, done or failed, and why."""
        if source in self._sources:
            self._strip.set_state(self._sources.index(source), state, tip)

    def show_matches(self, matches: Sequence[Match]) -> None:
        """Lay `matches` over the thumbnails of their pictures; the others are bare."""
        found = {match.source: match for match in matches}
        for index, source in enumerate(self._sources):
            match = found.get(source)
            self._strip.set_overlay(index, match.overlay if match else None, match.place if match else None)

    def _mark_failed(self, error: ErrorText) -> None:
        index = self._strip.current
        if 0 <= index < len(self._sources) and self._sources[index] != self._session.state.source:
            self._strip.set_state(index, "failed", error.sentence)
