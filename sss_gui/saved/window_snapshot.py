"""The window's state as one record, and back."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sss_gui.messages.panes import ShowResult
from sss_gui.presenters.film_strip import FilmStripPresenter
from sss_gui.presenters.overlays import OverlaysPresenter
from sss_gui.presenters.pixel_inspector import PixelInspector
from sss_gui.saved.session_file import SavedSession
from sss_gui.state.session import Session
from sss_gui.widgets.picture.feature_panel import FeaturePanel


class WindowSnapshot(QObject):
    """Captures and restores pictures, parameters, overlays, pins and view; pins and view wait for their picture."""

    def __init__(
        self,
        session: Session,
        gallery: FilmStripPresenter,
        inspecting: PixelInspector,
        panel: FeaturePanel,
        overlays: OverlaysPresenter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._gallery, self._inspecting, self._panel = session, gallery, inspecting, panel
        self._overlays = overlays
        self._waiting: SavedSession | None = None
        session.result_arrived.connect(self._arrive)

    def capture(self) -> SavedSession:
        """The state now; pasted pictures have no file and are left out."""
        view, waiting = self._panel.controller, self._waiting
        sources = tuple(source for source in self._gallery.sources if source.path is not None)
        shown = self._session.state.source
        centre, scale = None if view.fitting else view.centre, view.scale
        pins = self._inspecting.pins_by_picture
        if waiting is not None:  # what is to come back is not there yet, and must not be lost
            pins = {**pins, **waiting.pins_by_picture}
            if shown == waiting.state.source:
                centre, scale = waiting.centre, waiting.scale
        own = pins.get(shown, ()) if shown is not None else ()
        kept = tuple((source, points) for source, points in pins.items() if source in sources and source != shown)
        over = self._overlays
        origin = over.origin if waiting is None else waiting.origin
        elsewhere = origin is not None and origin[0] != shown
        return SavedSession(
            self._session.state, sources, own, centre, scale, self._panel.solo_pane,
            origin if elsewhere else None, over.shown, over.similarity, over.clusters, kept,
        )  # fmt: skip

    def restore(self, saved: SavedSession) -> None:
        """Bring `saved` back."""
        self._waiting = saved
        self._session.set_state(saved.state)
        if saved.sources:
            shown = saved.state.source
            self._gallery.set_sources(saved.sources, saved.sources.index(shown) if shown in saved.sources else 0)
        self._panel.solo(saved.solo)
        self._overlays.restore(saved.overlay, saved.similarity, saved.clusters)
        if self._session.shown is not None and not self._session.busy:  # all is shown already
            self._finish()

    def _arrive(self, result: ShowResult) -> None:
        if result.complete:
            self._finish()

    def _finish(self) -> None:
        """The pins of all pictures, and the view of the one that was shown, if it is there now."""
        saved, self._waiting = self._waiting, None
        shown = self._session.state.source
        if saved is None or shown not in saved.sources:
            return
        self._inspecting.pins_by_picture = saved.pins_by_picture
        if shown != saved.state.source:
            return
        if saved.origin is not None:
            self._overlays.set_origin(*saved.origin)
        view = self._panel.controller
        if saved.centre is not None:
            view.set_view(*saved.centre, saved.scale)
        else:
            view.fit()
