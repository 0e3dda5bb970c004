"""The line below everything: stage, progress with time left, device, time taken, model; and Cancel."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget


class StatusLine(QWidget):
    """Shows what runs, where, and how long; asks for its end."""

    cancel_requested = Signal()
    model_requested = Signal()
    """The model's name was clicked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_stage(self, text: str) -> None:
        """What is being done ('Network', 'Guided filter') or was done ('Ready')."""

    def set_progress(self, fraction: float | None, seconds_left: float | None = None) -> None:
        """0..1 with the time left where known; None: idle, the bar and Cancel hide. A negative fraction: busy, length unknown."""

    def set_device(self, text: str) -> None:
        """Where it runs, such as 'cpu' or 'cuda:0 · NVIDIA H200'."""

    def set_elapsed(self, seconds: float | None) -> None:
        """Time that the last finished run took; None shows nothing."""

    def set_model(self, name: str, tip: str = "") -> None:
        """The model in use."""

    def show_note(self, text: str, milliseconds: int = 4000) -> None:
        """Say something for a while in place of the stage ('Copied', 'Exported 4 files')."""
