"""Results onto the four panes: pictures, badges, errors over the last good picture."""

from __future__ import annotations

from PySide6.QtCore import QObject

from sss_gui.messages.panes import Picture, ShowResult, Source
from sss_gui.pane_names import PANES
from sss_gui.state.session import Session, State
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.error_text import ErrorText

WORKING = "Computing…"
EMPTY = "Drop a photograph here\nor press Ctrl+O"
STOPPED = "Stopped\nF5 runs it again"


class PanesPresenter(QObject):
    """Keeps the panel showing what the session's answers say; remembers the pictures for reading and copying."""

    def __init__(self, session: Session, panel: FeaturePanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._panel = session, panel
        self._source: Source | None = None
        self._pictures: dict[str, Picture] = {}
        session.result_arrived.connect(self.show)
        session.failed.connect(self.show_error)
        session.busy_changed.connect(self._mark_busy)
        session.state_changed.connect(self._mark_state)
        panel.controller.view_changed.connect(self._tell_view)
        self._empty_words()

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the picture shown; (0, 0) without one."""
        return self._panel.controller.image_size

    def picture(self, name: str) -> Picture | None:
        """What pane `name` shows, (H, W, 3) uint8."""
        return self._pictures.get(name)

    def drag(self, name: str, path: str) -> bool:
        """Drag the file `path` out of pane `name`; True where it was dropped."""
        return self._panel.pane(name).start_drag_out(path)

    def show(self, result: ShowResult) -> None:
        """Put what `result` brings onto the panes; panes of another picture are emptied first."""
        if result.source != self._source:
            self._source = result.source
            self._empty()
            self._empty_words()
        self._panel.controller.set_image_size(result.size)
        for name, pyramid in result.pictures.items():
            if self._pictures.get(name) is not pyramid[0] or name == "filtered":  # a preview may lie over that one
                self._panel.pane(name).set_pyramid(pyramid)
            self._pictures[name] = pyramid[0]
        for name, (patch, box) in result.patches.items():
            self._panel.pane(name).set_region(patch, box)
        if result.complete:
            self._panel.clear_message()
            self._panel.pane("filtered").set_state("exact" if result.exact else "preview", not result.exact)

    def show_error(self, error: ErrorText) -> None:
        """Lay `error` over the last good picture."""
        words = f"{error.sentence} {error.hint}".strip()
        self._panel.show_message(error.title, words, error.details)
        self._empty_words()

    def _mark_busy(self, busy: bool) -> None:
        if not busy:
            self._empty_words()

    def _mark_state(self, state: State) -> None:
        if state.source is None:
            self._source = None
            self._empty()
        self._empty_words()

    def _empty(self) -> None:
        """No pictures; centre and zoom stay, in case the next picture has the same size."""
        self._pictures.clear()
        self._panel.clear_message()
        self._panel.set_match(None)
        for name in PANES:
            pane = self._panel.pane(name)
            pane.set_overlay(None)
            pane.set_state("")
            pane.set_pyramid(())

    def _empty_words(self) -> None:
        words = WORKING if self._session.busy else EMPTY if self._source is None else STOPPED
        for name in PANES:
            first = words if name == "input" or words != EMPTY else ""
            self._panel.pane(name).set_placeholder(first)

    def _tell_view(self) -> None:
        box = self._panel.pane("filtered").visible_box()
        self._session.look_at(box, self._panel.controller.scale * self._panel.devicePixelRatioF())
