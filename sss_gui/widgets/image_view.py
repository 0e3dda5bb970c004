"""One pane: a header with the pane's name and state over the picture, with messages laid on top."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from sss_gui.widgets.view_controller import ViewController


class ImageView(QWidget):
    """Shows one picture under a shared `ViewController`; speaks of what the user does, decides nothing.

    The wheel zooms about the cursor, dragging pans, a double click fits, a click picks a pixel, arrows nudge.
    """

    pixel_hovered = Signal(int, int)
    """The cursor came to lie over image pixel x, y."""
    hover_left = Signal()
    pixel_clicked = Signal(int, int)
    nudge_requested = Signal(int, int)
    """An arrow key was pressed: move the pin by (dx, dy) pixels (10 with Shift)."""
    flip_requested = Signal(bool)
    """Space went down (True) or up (False)."""
    wipe_moved = Signal(float)
    """The wipe's edge was dragged to this fraction of the pane's width."""
    files_dropped = Signal(list)
    """Paths (list[str]) were dropped here."""
    drag_out_requested = Signal()
    """The header was dragged, or the picture with Alt: take the picture out of the window (see `start_drag_out`)."""
    message_dismissed = Signal()

    def __init__(self, controller: ViewController, name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller

    def set_pyramid(self, pyramid: Sequence[NDArray[np.uint8]]) -> None:
        """Show a picture: uint8 (h, w, 3), level n at 1/2^n (`sss_gui.pyramid.make_pyramid`); () clears. Drops the region."""

    def set_region(self, picture: NDArray[np.uint8], box: tuple[float, float, float, float]) -> None:
        """Lay a live preview (h, w, 3) uint8 over the image box (x0, y0, x1, y1) until the next `set_pyramid`."""

    def clear_region(self) -> None:
        """Take the live preview away."""

    def set_overlay(self, overlay: NDArray[np.uint8] | Sequence[NDArray[np.uint8]] | None, opacity: float = 0.6) -> None:
        """Lay a map over the picture: uint8 (H, W, 4) straight alpha, or its pyramid; None takes it away."""

    def set_reference(self, pyramid: Sequence[NDArray[np.uint8]]) -> None:
        """The picture (usually the input) that flip, wipe and difference compare with."""

    def set_compare(self, mode: str, amount: float = 0.5) -> None:
        """`none`, `flip` (show the reference), `wipe` (reference left of `amount` of the width), `difference` (|a - b| x amount)."""

    def set_title(self, name: str) -> None:
        """The pane's name, also its accessible name."""

    def set_state(self, text: str, busy: bool = False) -> None:
        """A small badge beside the name, such as 'preview' or 'exact'; '' hides it."""

    def set_placeholder(self, text: str) -> None:
        """What an empty pane says."""

    def show_message(self, title: str, hint: str = "", details: str = "") -> None:
        """Lay an error over the last good picture, with Dismiss and (where there are details) Copy details."""

    def clear_message(self) -> None:
        """Take the message away."""

    def set_crosshair(self, pixel: tuple[int, int] | None) -> None:
        """Mark the pixel (x, y) under the cursor of some pane; None hides it."""

    def set_pins(self, pins: Sequence[tuple[int, int]]) -> None:
        """Numbered markers at pixels (x, y); number n (from 1) has colour `marks.pin_colour(n - 1)`."""

    def set_match(self, pixel: tuple[int, int] | None) -> None:
        """Outline the best match (x, y) of a similarity map; None hides it."""

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """Image point -> widget coordinates of the canvas, device-independent pixels."""
        return x, y

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Canvas coordinates -> image point."""
        return x, y

    def visible_box(self) -> tuple[int, int, int, int]:
        """The image pixels (x0, y0, x1, y1) that this pane shows, x1 and y1 exclusive."""
        return 0, 0, 0, 0

    def start_drag_out(self, path: str) -> bool:
        """Drag the file `path` out of the window with the pane's picture as its image; True where it was dropped."""
        return False
