"""The pins of all open pictures, compared with each other in a table."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.overlays import PinTableRequest, PinTableResult
from sss_gui.requests.panes import ComputeFeatures, Notes
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.dialogs.pin_table import PinTableDialog

MOST = 100
_WORDS = {
    "cosine": "Cosine between the features of each two pins; 1 is the same direction.",
    "distance": "Euclidean distance between the features of each two pins; 0 is the same.",
}


class PinTablePresenter(QObject):
    """Opens the table and has it filled, by the measure that similarity has."""

    def __init__(self, work: Workspace, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._pins, self._choices, self._window = work.session, work.pins, work.overlays, window
        self._tables = Channel(work.session.worker, Rank.COMPARE, stops_running=True, busy=True, quiet=True)
        self._heads: list[str] = []
        self._metric = "cosine"

    def show(self) -> None:
        """Show the table, and compute it."""
        self._dialog.show()
        self._dialog.raise_()
        self._ask()

    @cached_property
    def _dialog(self) -> PinTableDialog:
        dialog = PinTableDialog(self._window)
        dialog.refresh_requested.connect(self._ask)
        dialog.rejected.connect(self._tables.cancel)
        return dialog

    def _ask(self) -> None:
        all_pins = [(source, point) for source, points in self._pins.by_picture.items() for point in points][:MOST]
        if len(all_pins) < 2:
            self._dialog.set_words("Pin at least two pixels, in one picture or in several.")
            return
        names = [source.name for source in self._pins.by_picture]
        state, self._metric = self._session.state, self._choices.similarity.metric
        requests = tuple((ComputeFeatures(source, state.model, state.extract), point) for source, point in all_pins)
        self._heads = [
            f"{source.name if names.count(source.name) == 1 else source.path} {self._pins.of(source).index(point) + 1}"
            for source, point in all_pins
        ]
        self._dialog.set_words("Comparing…")
        self._tables.ask(PinTableRequest(requests, self._metric), self._take, self._end)

    def _take(self, result: PinTableResult | Notes) -> None:
        if isinstance(result, Notes):
            return
        far = 0.0
        if self._metric == "distance":
            far = float(np.nanmax(result.values)) if np.isfinite(result.values).any() else 1.0
        self._dialog.set_table(self._heads, result.values, far=far)
        self._dialog.set_words(" ".join([_WORDS[self._metric], *result.missing]))

    def _end(self, ended: Ended) -> None:
        if ended.error is not None:
            self._dialog.set_words(ended.error.words)
        elif ended.outcome == "cancelled":
            self._dialog.set_words("Stopped.")
