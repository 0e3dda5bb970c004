"""One pane: a header with the pane's name and state over the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QMimeData, Qt, QUrl, Signal
from PySide6.QtGui import QDrag, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPixmap
from PySide6.QtWidgets import QWidget

from sss_gui.pane_names import OPACITY
from sss_gui.widgets.carried import carried
from sss_gui.widgets.layout import column
from sss_gui.widgets.picture.canvas.canvas_input import GestureCanvas
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_gui.widgets.picture.pane_header import PaneHeader
from sss_gui.widgets.picture.qimage import to_pixmap
from sss_gui.widgets.picture.view_controller import ViewController

Picture = NDArray[np.uint8]


class ImageView(QWidget):
    """Shows one picture under a shared `ViewController`; its `canvas` says what mouse and keys do on the picture."""

    dropped = Signal(object)
    """Files (list[Path]) were dropped here."""
    drag_out_requested = Signal()
    """The header was dragged, or the picture with Alt: take the picture out of the window (see `start_drag_out`)."""
    focus_gained = Signal()
    """The pane was given the keyboard, or pressed with the mouse."""
    picture_changed = Signal()
    """`set_pyramid` gave the pane another picture."""

    def __init__(self, controller: ViewController, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = PaneHeader(self)
        self.canvas = GestureCanvas(controller, self)
        self.setLayout(column(self.header, (self.canvas, 1), spacing=0))
        self.setFocusProxy(self.canvas)
        self.setAcceptDrops(True)
        self.canvas.drag_out_requested.connect(self.drag_out_requested)
        self.header.drag_out_requested.connect(self.drag_out_requested)
        self.header.clicked.connect(self.canvas.setFocus)
        for chosen in (self.canvas.focus_gained, self.canvas.pressed, self.header.clicked):
            chosen.connect(self.focus_gained)
        self.set_title(name)

    # pictures --------------------------------------------------------------------------------------------------------

    def set_pyramid(self, pyramid: Sequence[Picture]) -> None:
        """Show a picture and drop the region; () clears.

        Parameters
        ----------
        pyramid : sequence of (h, w, 3) uint8
            Level n at 1/2^n, each pixel a mean of the level above; arrays are kept, not copied, and must not change.
        """
        self.canvas.layer.set_pyramid(pyramid)
        self.canvas.refresh()
        self.picture_changed.emit()

    def set_region(self, picture: Picture, box: tuple[float, float, float, float]) -> None:
        """Lay a live preview (h, w, 3) uint8 over the image box (x0, y0, x1, y1) until the next `set_pyramid`."""
        self.canvas.layer.set_patch(picture, box)
        self.canvas.refresh()

    def set_overlay(
        self, overlay: Picture | Sequence[Picture] | None, opacity: float = OPACITY, legend: Legend | None = None
    ) -> None:
        """Lay a map over the picture: uint8 (H, W, 4) straight alpha, or its pyramid; None takes it away.

        The header says what it is where `legend` does.
        """
        self.header.set_legend(legend if overlay is not None else None)
        self.header.legend.set_opacity(opacity)
        levels = [] if overlay is None else [overlay] if isinstance(overlay, np.ndarray) else list(overlay)
        self.canvas.layer.set_overlay(levels, opacity)
        self.canvas.refresh()

    @property
    def picture(self) -> Picture | None:
        """Level 0 of what the pane shows, without overlay; None while empty."""
        return self.canvas.layer.levels[0] if self.canvas.layer.levels else None

    # words -----------------------------------------------------------------------------------------------------------

    def set_title(self, name: str) -> None:
        """The pane's name, also its accessible name."""
        self.header.set_texts(title=name)
        self.setAccessibleName(name)
        self.canvas.setAccessibleName(name)

    def set_detail(self, text: str) -> None:
        """Quiet words beside the name, such as the picture's size."""
        self.header.set_texts(detail=text)

    def set_state(self, text: str, busy: bool = False) -> None:
        """A small badge beside the name, such as 'preview' or 'exact'; '' hides it."""
        self.header.set_texts(state=text, busy=busy)
        self.canvas.setAccessibleDescription(text)

    def set_placeholder(self, text: str) -> None:
        """What an empty pane says; the first line large, the rest small below it."""
        self.canvas.placeholder = text
        self.canvas.update()

    # dragging --------------------------------------------------------------------------------------------------------

    def start_drag_out(self, path: str) -> bool:
        """Drag the file `path` out of the window with the pane's picture as its image; True where it was dropped."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(path)])
        drag = QDrag(self)
        drag.setMimeData(data)
        drag.setPixmap(self._thumbnail())
        return drag.exec(Qt.DropAction.CopyAction) != Qt.DropAction.IgnoreAction

    def _thumbnail(self) -> QPixmap:
        levels = self.canvas.layer.levels
        small = next((level for level in levels if max(level.shape[:2]) <= 256), levels[-1] if levels else None)
        return QPixmap() if small is None else to_pixmap(small).scaled(128, 128, Qt.AspectRatioMode.KeepAspectRatio)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if carried(event.mimeData()) and not isinstance(event.source(), ImageView):
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self._hint_drop(True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._hint_drop(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._hint_drop(False)
        if content := carried(event.mimeData()):
            event.acceptProposedAction()
            self.dropped.emit(content)

    def _hint_drop(self, on: bool) -> None:
        self.canvas.drop_hint = on
        self.canvas.update()
