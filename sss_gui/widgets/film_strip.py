"""The images that are open, as a strip of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

STATES = ("none", "running", "done", "failed")


class FilmStrip(QWidget):
    """Thumbnails in a row, one current; arrows move, Enter or a click activates."""

    activated = Signal(int)
    """The user chose item n."""
    thumbnails_requested = Signal(list)
    """Indices (list[int]) that came into sight and have no thumbnail yet; each is asked for once."""
    remove_requested = Signal(int)
    """Delete was pressed on item n."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_items(self, names: Sequence[str], tips: Sequence[str] = ()) -> None:
        """The files' names, in order, and tool tips (paths). Thumbnails, states and the current item start empty."""

    def count(self) -> int:
        """How many items there are."""
        return 0

    def set_thumbnail(self, index: int, picture: NDArray[np.uint8]) -> None:
        """(h, w, 3) uint8 of any size, shown fitted."""

    def set_state(self, index: int, state: str, tip: str = "") -> None:
        """One of `STATES`; `tip` says why a file failed."""

    @property
    def current(self) -> int:
        """Index of the current item; -1 without one."""
        return -1

    def set_current(self, index: int) -> None:
        """Mark an item as the one shown and scroll to it; emits nothing."""

    def step(self, by: int) -> None:
        """Activate the item `by` places on (stops at the ends)."""
