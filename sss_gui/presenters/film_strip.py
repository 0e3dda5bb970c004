"""The pictures that are open, as a film strip: which there are, which is shown, what became of each."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.files import ListRequest, ListResult, ThumbnailRequest, ThumbnailResult
from sss_gui.messages.overlays import Match
from sss_gui.messages.panes import Source
from sss_gui.state.session import Session
from sss_gui.widgets.panels.film_strip import FilmStrip
from sss_gui.window.error_text import MODEL_TITLE
from sss_gui.worker.worker import Ended, Worker


class FilmStripPresenter(QObject):
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
        self._former: list[Source] = []  # the last list with the picture that is seen
        self._asked = -1  # place of the picture last asked for, shown or not; steps go from there
        self._current: Source | None = None
        self._seen: Source | None = None
        self._good: Source | None = None  # the last one that was shown whole
        self._broken: tuple[Source, str] | None = None  # what failed and why, until the session falls back
        self._tickets = itertools.count(1)
        self._listing = 0
        self._wanted: list[Source] = []
        worker.delivered.connect(self._take)
        worker.ended.connect(self._end)
        strip.activated.connect(self.show)
        strip.thumbnails_requested.connect(self._ask_thumbnails)
        strip.remove_requested.connect(self.remove)
        session.opened.connect(self._mark_done)
        session.result_arrived.connect(lambda result: self._see(result.source))
        session.state_changed.connect(lambda state: self._follow(state.source))
        session.ended.connect(self._note_failure)

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
        """These pictures, and show one of them. If it is a single one that fails, the list before comes back."""
        self._replace(sources)
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
            self._asked, self._broken = index, None
            self._session.open_source(self._sources[index])

    def step(self, by: int) -> None:
        """The picture `by` places on from the one last asked for, stopping at the ends."""
        index = min(max(self._asked + by, 0), len(self._sources) - 1)
        if index != self._asked:
            self.show(index)

    def remove(self, index: int) -> None:
        """Take picture `index` off the list; the file stays. The next one is shown in its place."""
        if len(self._sources) < 2 or not 0 <= index < len(self._sources):
            return
        shown = index == self.index
        del self._sources[index]
        if index <= self._asked:
            self._asked -= 1
        self._fill()
        if shown:
            self.show(min(index, len(self._sources) - 1))

    def _replace(self, sources: Sequence[Source]) -> None:
        if self._seen in self._sources:
            self._former = self._sources
        self._sources, self._asked = list(sources), -1
        self._fill()

    def _with(self, source: Source) -> list[Source]:
        """The list to show `source` in: the one before where it was in that, as after a stop or a failure."""
        if source in self._former:
            return self._former
        return [*self._sources, source] if source.path is None else [source]

    def _fill(self) -> None:
        self._strip.setVisible(len(self._sources) > 1)
        self._strip.set_items([s.name for s in self._sources], [str(s.path or "pasted") for s in self._sources])
        self._point()
        self.changed.emit()

    def _point(self) -> None:
        self._strip.set_current(self.index)
        self._strip.go_on_from(self._asked)

    def _see(self, source: Source) -> None:
        self._seen, self._broken = source, None

    def _mark_done(self, source: Source) -> None:
        self._good = source
        self.mark(source, "done")

    def _note_failure(self, ended: Ended) -> None:
        source = self._session.state.source
        if ended.queue == "show" and ended.outcome == "failed" and ended.error is not None and source is not None:
            self._broken = source, "" if ended.error.title == MODEL_TITLE else ended.error.sentence

    def _follow(self, source: Source | None) -> None:
        (broken, self._broken), before, self._current = (self._broken, None), self._current, source
        if broken is not None and source == self._seen:
            self._fall_back(*broken)
        elif source != before and source is not None:
            if source not in self._sources:
                self._replace(self._with(source))
            self._asked = self.index
        self._point()

    def _fall_back(self, broken: Source, words: str) -> None:
        """The session shows again what it showed before `broken`; steps still go on from there."""
        source = self._session.state.source
        if source is not None and source not in self._sources and len(self._sources) == 1:
            self._replace(self._with(source))
            self._asked = self.index
        if words and not broken == source == self._good:  # else the model failed, not the picture
            self.mark(broken, "failed", words)

    def _ask_thumbnails(self, indices: list[int]) -> None:
        self._wanted = [self._sources[i] for i in indices if i < len(self._sources)]
        if self._wanted:
            self._worker.submit(ThumbnailRequest(next(self._tickets), tuple(self._wanted)))

    def renew(self, source: Source) -> None:
        """The file of `source` changed: make its thumbnail anew, before those that are still to come."""
        if source in self._sources and len(self._sources) > 1:
            wanted = (source, *(other for other in self._wanted if other != source))
            self._worker.submit(ThumbnailRequest(next(self._tickets), wanted))

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
