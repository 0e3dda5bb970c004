"""The four linked panes: input, random projection, PCA, guided filter + PCA."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from sss_gui.widgets.image_view import ImageView
from sss_gui.widgets.view_controller import ViewController

PANES = ("input", "random", "pca", "filtered")
TITLES = {"input": "Input", "random": "Random projection", "pca": "PCA", "filtered": "Guided filter + PCA"}


class FeaturePanel(QWidget):
    """Four `ImageView`s on one `ViewController`, in splitters; forwards their intents with the pane's name."""

    pixel_hovered = Signal(int, int)
    hover_left = Signal()
    pixel_clicked = Signal(int, int)
    nudge_requested = Signal(int, int)
    files_dropped = Signal(list)
    drag_out_requested = Signal(str)
    """Pane name (one of `PANES`)."""
    message_dismissed = Signal(str)
    """Pane name."""
    current_changed = Signal(str)
    """The pane that has the keyboard, and that Copy means."""
    solo_changed = Signal(int)
    """0 for all panes, 1..4 for one."""
    compare_changed = Signal(str)
    """'none', 'wipe' or 'difference'."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.controller = ViewController(self)

    def pane(self, name: str) -> ImageView:
        """The pane of that name (one of `PANES`)."""
        raise NotImplementedError

    @property
    def current(self) -> str:
        """Name of the pane that last had the keyboard or the cursor's click."""
        return PANES[0]

    @property
    def solo_pane(self) -> int:
        """0 where all panes show, else 1..4."""
        return 0

    @property
    def compare(self) -> str:
        """'none', 'wipe' or 'difference'."""
        return "none"

    def clear(self) -> None:
        """Empty every pane."""

    def set_reference(self, name: str) -> None:
        """Which pane flip, wipe and difference compare with ('input' at first)."""

    def solo(self, number: int) -> None:
        """Show only pane 1..4; 0 shows all."""

    def flip(self, on: bool) -> None:
        """While on, every pane shows the reference (hold Space)."""

    def set_compare(self, mode: str) -> None:
        """'none', 'wipe' (the edge can be dragged) or 'difference'."""

    def toggle_compare(self, mode: str) -> None:
        """Into `mode`, or out of it where it is on."""

    def set_difference_gain(self, gain: float) -> None:
        """Multiply differences by `gain` (1..64) before showing them."""

    def set_arrangement(self, arrangement: str) -> None:
        """'auto' (what shows the image largest), 'grid' (2 x 2), 'row' (1 x 4) or 'column' (4 x 1)."""

    def set_crosshair(self, pixel: tuple[int, int] | None) -> None:
        """Mark a pixel in every pane (hovering does so by itself)."""

    def set_pins(self, pins: list[tuple[int, int]]) -> None:
        """Numbered markers in every pane."""

    def set_match(self, pixel: tuple[int, int] | None) -> None:
        """Outline the best match in every pane."""

    def show_message(self, title: str, hint: str = "", details: str = "") -> None:
        """An error over the whole panel's last good pictures."""

    def clear_message(self) -> None:
        """Take the panel's message away."""

    def save_state(self) -> bytes:
        """Splitters, arrangement and solo, for the settings."""
        return b""

    def restore_state(self, state: bytes) -> bool:
        """What `save_state` returned; False (and nothing changed) where it is not that."""
        return False
