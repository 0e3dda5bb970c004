"""The list of open pictures as a film strip: which there are, which is shown, what became of each, their features."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.files import FeatureThumbnailsRequest, ThumbnailRequest, ThumbnailResult
from sss_gui.requests.overlays import Match
from sss_gui.requests.panes import PanesResult, Source
from sss_gui.requests.worker import Worker
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.panels.film_strip import FilmStrip


class FilmStripPresenter(QObject):
    """Shows the list, has thumbnails made on the file thread, and turns gestures into intents.

    Parameters
    ----------
    worker : runs a `FileEngine`
    """

    def __init__(self, work: Workspace, worker: Worker, strip: FilmStrip, parent: QObject) -> None:
        super().__init__(parent)
        session, pictures, sequence = work.session, work.pictures, work.sequence
        self._session, self._pictures, self._strip, self._sequence = session, pictures, strip, sequence
        self._thumbnails = Channel(worker, Rank.THUMBNAILS)
        self._without_thumbnail: list[Source] = []
        self._marks: dict[Source, tuple[str, str]] = {}  # what became of each, for when the list changes
        self._done_by: dict[Source, object] = {}  # the model and its options
        self._before: dict[Source, tuple[str, str]] = {}  # the same of those that run
        self._doubts: dict[Source, dict[str, str]] = {}  # why a picture is doubtful, by what says so
        strip.activated.connect(pictures.choose)
        strip.thumbnails_requested.connect(self.request_thumbnails)
        strip.remove_requested.connect(pictures.remove)
        pictures.changed.connect(self._fill)
        sequence.frames_changed.connect(self._fill)
        session.source_changed.connect(self._point)
        session.reverted.connect(self._point)
        for changed in (session.model_changed, session.extract_changed):
            changed.connect(self._show_marks)
        session.opened.connect(lambda source: self.mark(source, "done"))
        session.picture_failed.connect(lambda source, sentence: self.mark(source, "failed", sentence))

    def request_thumbnails(self, indices: Sequence[int]) -> None:
        """Have thumbnails made of the pictures at `indices`, in this order, instead of those still to be made."""
        sources = self._pictures.sources
        self._without_thumbnail = [sources[i] for i in indices if i < len(sources)]
        self._request(self._without_thumbnail)

    def renew(self, source: Source) -> None:
        """The file of `source` changed: make its thumbnail anew, before those that are still to come."""
        if source in self._pictures.sources and len(self._pictures.sources) > 1:
            self._request([source, *(other for other in self._without_thumbnail if other != source)])

    def mark(self, source: Source, state: str, tip: str = "") -> None:
        """Show in the strip what became of `source`: running, done or failed, and why; none, as before it ran."""
        if source in self._pictures.sources:
            if state == "running":
                self._before[source] = self._marks.get(source, ("none", ""))
            elif state == "none":
                state, tip = self._before.pop(source, ("none", ""))
            self._marks[source] = state, tip
            if state == "done":
                self._done_by[source] = self._network
            self._strip.set_state(self._pictures.sources.index(source), state, tip)

    @property
    def _network(self) -> object:
        """What features are computed with."""
        return self._session.state.model, self._session.state.extract

    def _show_marks(self) -> None:
        """What was done by another model, or at another size, is not done as it is wanted."""
        for index, source in enumerate(self._pictures.sources):
            state, tip = self._marks.get(source, ("none", ""))
            former = state == "done" and self._done_by.get(source) != self._network
            self._strip.set_state(index, *(("none", "") if former else (state, tip)))

    def doubt(self, source: Source, about: str, words: str) -> None:
        """Mark a picture as doubtful for the reason `words`; '' takes back what was said `about` the same."""
        doubts = self._doubts.setdefault(source, {})
        doubts[about] = words
        if source in self._pictures.sources:
            self._strip.set_doubt(self._pictures.sources.index(source), self._doubt_of(source))

    def _doubt_of(self, source: Source) -> str:
        return "\n".join(filter(None, self._doubts.get(source, {}).values()))

    def show_matches(self, matches: Sequence[Match]) -> None:
        """Lay `matches` over the thumbnails of their pictures; the others are bare."""
        match_of = {match.source: match for match in matches}
        for index, source in enumerate(self._pictures.sources):
            match = match_of.get(source)
            self._strip.set_overlay(index, match.overlay if match else None, match.place if match else None)

    def _request(self, sources: Sequence[Source]) -> None:
        if sources:
            self._thumbnails.ask(ThumbnailRequest(tuple(sources)), self._take)

    def _fill(self) -> None:
        """A thumbnail for each picture; the frames of a sequence have the timeline."""
        sources = self._pictures.sources if self._sequence.frames is None else []
        self._strip.setVisible(len(sources) > 1)
        self._strip.set_items([s.name for s in sources], [str(s.path) for s in sources])
        self._marks = {source: self._marks[source] for source in sources if source in self._marks}
        self._show_marks()
        for index, source in enumerate(sources):
            self._strip.set_doubt(index, self._doubt_of(source))
        self._point()

    def _point(self, *_: object) -> None:
        self._strip.set_current(self._pictures.index)
        self._strip.go_on_from(self._pictures.cursor)

    def _take(self, result: ThumbnailResult) -> None:
        if result.source not in self._pictures.sources:
            return
        index = self._pictures.sources.index(result.source)
        if result.picture is not None:
            self._strip.set_thumbnail(index, result.picture)
        else:
            self.mark(result.source, "failed", result.problem)


class StripFeaturesPresenter(QObject):
    """Asks for small pictures of the features whenever these or their basis change, while they are to be shown.

    Attributes
    ----------
    shown : whether the strip shows features

    Signals
    -------
    shown_changed : bool
    """

    shown_changed = Signal(bool)

    def __init__(self, work: Workspace, strip: FilmStrip, parent: QObject) -> None:
        super().__init__(parent)
        session, pictures = work.session, work.pictures
        self._session, self._pictures, self._strip = session, pictures, strip
        self._thumbnails = Channel(session.worker, Rank.THUMBNAILS, stops_running=True)
        self.shown = False
        session.panes_rendered.connect(self._follow)
        pictures.changed.connect(self.refresh)
        for changed in (session.model_changed, session.extract_changed):
            changed.connect(self._clear)

    def toggle(self) -> None:
        """Show features in the strip, or photographs again."""
        self.shown = not self.shown
        self.shown_changed.emit(self.shown)
        if self.shown:
            self.refresh()
        else:
            self._clear()

    def refresh(self) -> None:
        """Ask for all, as when features of another picture are there."""
        state, sources = self._session.state, tuple(self._pictures.sources)
        if self.shown and self._session.shown is not None:
            self._thumbnails.ask(FeatureThumbnailsRequest(state.panes(), sources), self._take)

    def _clear(self) -> None:
        """Show photographs, as long as the features are other ones than is wanted."""
        self._thumbnails.drop()
        for index in range(self._strip.count()):
            self._strip.set_features(index, None)

    def _follow(self, result: PanesResult) -> None:
        if result.complete:
            self.refresh()

    def _take(self, result: ThumbnailResult) -> None:
        sources = self._pictures.sources
        if self.shown and result.source in sources:
            self._strip.set_features(sources.index(result.source), result.picture)
