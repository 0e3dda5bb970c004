"""The feature panes' channel and range, beside the histogram of the pane that was clicked last."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject

from sss_gui.pane_names import PANE_TITLES
from sss_gui.widgets.controls.display_controls import DisplayControls
from sss_gui.widgets.picture.feature_panel import FeaturePanel

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
