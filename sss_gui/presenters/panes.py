"""Results onto the four panes: pictures, badges, errors over the last good picture; channel and range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject

from sss_gui.pane_names import PANE_TITLES, PANES, STOPPED, WORKING
from sss_gui.requests.error_text import ErrorText
from sss_gui.requests.panes import OpenedPicture, PanesResult, Patch, Source
from sss_gui.state.session import Session
from sss_gui.widgets.controls.display_controls import DisplayControls
from sss_gui.widgets.picture.feature_panel import FeaturePanel

EMPTY = "Drop a photograph here\nor press Ctrl+O"
WAITING = "waiting"


class PanesPresenter(QObject):
    """Keeps the features' panel showing what the session's answers say; of the segments' the pane that it shares."""

    def __init__(self, session: Session, panel: FeaturePanel, segments: FeaturePanel, parent: QObject) -> None:
        super().__init__(parent)
        self._session, self._panel, self._panels = session, panel, (panel, segments)
        self._filtered = [each.pane("filtered") for each in self._panels]
        self._failed: Source | None = None  # the picture that the next error is about
        self._outlives = False  # whether the error shown is not about the displayed picture, which is still under way
        session.displayed_changed.connect(self._empty)
        session.picture_opened.connect(self._show_input)
        session.roughly_rendered.connect(self._show)
        session.panes_rendered.connect(self._show)
        session.previewed.connect(self._preview)
        session.lifted.connect(self._lay)
        session.picture_failed.connect(self._note_failed)
        session.failed.connect(self._show_failed)
        session.source_changed.connect(self._show_placeholders)
        session.source_changed.connect(self._show_states)
        session.status_changed.connect(self._show_states)
        session.worker.activity.busy_changed.connect(self._show_placeholders)
        panel.controller.view_changed.connect(self._tell_view)
        self._show_placeholders()

    def show_error(self, error: ErrorText) -> None:
        """Lay `error` over the last good picture; where that is still under way, its completion leaves it there."""
        self._outlives = self._session.shown is None
        for panel in self._panels:
            if error.can_go_on:
                panel.show_offer(error.title, error.words, "Read it smaller", self._read_smaller)
            else:
                panel.show_message(error.title, error.words, error.details)
        self._show_placeholders()

    def _note_failed(self, source: Source, _sentence: str) -> None:
        self._failed = source

    def _show_failed(self, error: ErrorText) -> None:
        self.show_error(error)
        self._outlives &= self._failed not in (None, self._session.displayed)
        self._failed = None

    def _read_smaller(self) -> None:
        for panel in self._panels:
            panel.end_offer()
        self._session.read_smaller()

    def _clear_messages(self) -> None:
        self._outlives = False
        for panel in self._panels:
            panel.clear_message()

    def _show_input(self, opened: OpenedPicture) -> None:
        self._panel.controller.set_image_size(opened.size)
        pane = self._panel.pane("input")
        if pane.picture is not opened.levels[0]:
            pane.set_pyramid(opened.levels)

    def _show(self, result: PanesResult) -> None:
        """Put what `result` brings onto the panes."""
        for name, pyramid in result.pictures.items():
            for pane in self._filtered if name == "filtered" else [self._panel.pane(name)]:
                if pane.picture is not pyramid[0] or name == "filtered":  # a preview may lie over that one
                    pane.set_pyramid(pyramid)
        if result.complete and not self._outlives:
            self._clear_messages()
        self._outlives &= not result.complete

    def _preview(self, patch: Patch) -> None:
        self._lay(patch)
        self._clear_messages()

    def _lay(self, patch: Patch) -> None:
        for pane in self._filtered:
            pane.set_region(*patch)

    def _empty(self, _source: Source | None) -> None:
        """No pictures; centre and zoom stay, in case the next picture has the same size."""
        self._clear_messages()
        self._panel.set_match(None)
        for name in PANES:
            pane = self._panel.pane(name)
            pane.set_overlay(None)
            pane.set_pyramid(())
        self._show_states()
        self._show_placeholders()

    def _show_states(self, *_: object) -> None:
        """Each pane says so where it shows another picture than the one that is wanted, or what is wanted no more."""
        session = self._session
        waits = session.displayed is not None and session.state.source != session.displayed
        for name in PANES:
            tells = name == "filtered" or session.is_rough(name) or (session.outdated and name != "input")
            badge = session.status if tells else ""
            badge = WAITING if waits else badge
            for pane in self._filtered if name == "filtered" else [self._panel.pane(name)]:
                pane.set_state(badge, badge not in ("", "exact"))

    def _show_placeholders(self, *_: object) -> None:
        words = WORKING if self._session.busy else EMPTY if self._session.displayed is None else STOPPED
        for name in PANES:
            self._panel.pane(name).set_placeholder(words if name == "input" or words != EMPTY else "")
        self._filtered[1].set_placeholder("" if words == EMPTY else words)

    def _tell_view(self) -> None:
        if self._panel.isHidden():  # another page has the view
            return
        box = self._panel.pane("filtered").canvas.visible_box()
        self._session.look_at(box, self._panel.controller.scale * self._panel.devicePixelRatioF())


ENOUGH = 512  # pixels of a side: a histogram of more looks the same


class DisplayPresenter(QObject):
    """Joins the controls and the panes, in both directions."""

    def __init__(self, panel: FeaturePanel, controls: DisplayControls, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._panel, self._controls = panel, controls
        controls.changed.connect(panel.set_display)
        panel.display_changed.connect(controls.set_display)
        panel.current_changed.connect(lambda _name: self._count())
        panel.picture_changed.connect(lambda _name: self._count())
        self._count()

    def next_channel(self) -> None:
        """Show the next channel alone, in grey; after the last all of them."""
        display = self._panel.display
        self._panel.set_display(replace(display, channel=display.next_channel()))

    def _count(self) -> None:
        name = self._panel.current if self._panel.current != "input" else "filtered"
        levels = self._panel.pane(name).canvas.layer.levels
        level = next((each for each in levels if max(each.shape[:2]) <= ENOUGH), levels[-1] if levels else None)
        counts = None
        if level is not None:
            counts = np.stack([np.bincount(level[..., channel].ravel(), minlength=256) for channel in range(3)])
        self._controls.set_counts(counts, PANE_TITLES[name])
