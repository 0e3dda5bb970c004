"""At the very first start the sample opens where the fourth pane differs most from the third."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QObject

from sss_gui.requests.panes import Box, Picture, Source
from sss_gui.state.overlay_choices import OverlayChoices
from sss_gui.state.segments import Segments
from sss_gui.state.session import Session
from sss_gui.tasks.open_files import OpenFiles
from sss_gui.widgets.panels.status_line import StatusLine
from sss_gui.widgets.picture.feature_panel import FeaturePanel

WORDS = "Look at the edges: blurred in PCA, sharp in Guided filter + PCA. Press F for the whole picture."
SHARE = 1 / 5
"""Side of the part that is looked at, of the picture's short side: edges are seen, and what they belong to."""
_WORDS_MS = 60_000


class FirstLook(QObject):
    """On first start, zooms to where the filtered PCA differs most from the plain one, unless the user acted before."""

    def __init__(
        self,
        session: Session,
        open_files: OpenFiles,
        choices: OverlayChoices,
        segments: Segments,
        panel: FeaturePanel,
        line: StatusLine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._open_files, self._panel, self._line = session, open_files, panel, line
        self._waiting = True
        self._view: tuple[tuple[float, float], float] | None = None  # centre and scale, as long as nobody chose others
        session.opened.connect(self._look)
        session.displayed_changed.connect(self._fit_next)
        panel.controller.view_changed.connect(self._view_changed)
        for acted in (
            *(panel.solo_changed, panel.compare_changed, choices.shown_changed, segments.shown_changed),
            *(session.filter_changed, session.projection_changed),
        ):
            acted.connect(self._end)

    def _look(self, source: Source) -> None:
        untouched, view = self._waiting, self._panel.controller
        self._end()
        third, fourth = (self._panel.pane(name).picture for name in ("pca", "filtered"))
        if not untouched or source != self._open_files.stand_in or third is None or fourth is None:
            self._session.filter_changed.disconnect(self._end)  # a slider's tick wakes nobody in vain
            self._session.opened.disconnect(self._look)
            return
        box = most_different(third, fourth, max(round(min(third.shape[:2]) * SHARE), 1))
        if box is not None:
            down, across = (full / grid for full, grid in zip(view.image_size, third.shape[:2], strict=False))
            view.show_box((box[0] * across, box[1] * down, box[2] * across, box[3] * down))
            self._view = view.centre, view.scale
            self._line.show_note(WORDS, _WORDS_MS)

    def _view_changed(self) -> None:
        if not self._waiting or not self._panel.controller.fitting:  # panes that change size fit anew by themselves
            self._end()

    def _end(self) -> None:
        """Somebody acts: nothing more is shown, and what the words are about is no longer in the panes."""
        self._waiting = False
        self._line.end_note(WORDS)

    def _fit_next(self) -> None:
        """Views are kept from picture to picture where sizes agree; this one nobody chose."""
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
