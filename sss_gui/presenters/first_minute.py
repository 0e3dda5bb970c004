"""At the very first start: the sample whole, and what one can do, in words."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject, Signal

from sss_gui.requests.panes import Box, Picture
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.open_files import OpenFiles
from sss_gui.window.main_window import MainWindow

EDGES = "Look at the edges: blurred in PCA, sharp in Guided filter + PCA. Press F for the whole picture."
COMPARE = "Bright is similar to the pin. Click to pin other pixels; pictures that you open are compared too."
COMMANDS = {"open": "open", "cut": "segments_view", "compare": "similarity"}
SHARE = 1 / 5
"""Side of the part that is looked at, of the picture's short side: edges are seen, and what they belong to."""
_WORDS_MS = 60_000


class FirstMinute(QObject):
    """Offers jobs while the sample that opened by itself is shown among the features.

    Signals
    -------
    command : name of a command of the window
    """

    command = Signal(str)

    def __init__(self, work: Workspace, open_files: OpenFiles, window: MainWindow, parent: QObject) -> None:
        super().__init__(parent)
        session, segments = work.session, work.segments
        self._session, self._segments, self._open_files = session, segments, open_files
        self._panel, self._jobs, self._line = panel, jobs, line = window.panel, window.jobs, window.status
        self._view: tuple[tuple[float, float], float] | None = None  # at the edges, as long as nobody chose another
        jobs.chosen.connect(self._do)
        jobs.offer("edges", False)
        session.source_changed.connect(lambda _source: self._offer())
        session.opened.connect(lambda _source: self._offer())
        segments.shown_changed.connect(lambda _shown: self._offer())
        session.displayed_changed.connect(self._fit_next)
        panel.controller.view_changed.connect(lambda: line.end_note(EDGES))

    def _offer(self) -> None:
        sample, source = self._open_files.stand_in, self._session.state.source
        self._jobs.setVisible(sample is not None and source == sample and not self._segments.shown)
        if self._jobs.dismissed:
            self._jobs.hide()
        self._jobs.offer("edges", self._session.shown is not None)

    def _do(self, job: str) -> None:
        if job == "edges":
            self._look_at_edges()
        else:
            self.command.emit(COMMANDS[job])
        if job == "compare":
            self._line.show_note(COMPARE, _WORDS_MS)

    def _look_at_edges(self) -> None:
        view = self._panel.controller
        third, fourth = (self._panel.pane(name).picture for name in ("pca", "filtered"))
        if third is None or fourth is None:
            return
        box = most_different(third, fourth, max(round(min(third.shape[:2]) * SHARE), 1))
        if box is not None:
            down, across = (full / grid for full, grid in zip(view.image_size, third.shape[:2], strict=False))
            view.show_box((box[0] * across, box[1] * down, box[2] * across, box[3] * down))
            self._view = view.centre, view.scale
            self._line.show_note(EDGES, _WORDS_MS)

    def _fit_next(self) -> None:
        """Views are kept from picture to picture where sizes agree; this one was of the sample's edges."""
        view = self._panel.controller
        if self._view == (view.centre, view.scale):
            view.fit()
        self._view = None


def most_different(first: Picture, second: Picture, side: int) -> Box | None:
    """Where two pictures differ most: the square with the largest sum of squared differences.

    Squares let an edge that is sharp in one of them count for more than a shade that differs all over.

    Parameters
    ----------
    first, second : (H, W, 3) uint8
    side : pixels, from 1 to min(H, W)

    Returns
    -------
    The square (x0, y0, x1, y1) in pixels, x1 and y1 exclusive; the topmost of equals; None where the pictures are equal
    """
    squares = np.square(first.astype(np.int32) - second).sum(2)
    sums = np.zeros((squares.shape[0] + 1, squares.shape[1] + 1), np.int64)
    squares.cumsum(0, np.int64).cumsum(1, out=sums[1:, 1:])
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    if not inside.any():
        return None
    y, x = (int(place) for place in np.unravel_index(inside.argmax(), inside.shape))
    return x, y, x + side, y + side
