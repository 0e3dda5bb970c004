"""The film strip's thumbnails as features: their PCA in the basis of the panes, where they are known."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.files import FeatureThumbnailsRequest, ThumbnailResult
from sss_gui.requests.panes import PanesResult
from sss_gui.state.picture_list import PictureList
from sss_gui.state.session import Session
from sss_gui.widgets.panels.film_strip import FilmStrip


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

    def __init__(
        self, session: Session, pictures: PictureList, strip: FilmStrip, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
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
