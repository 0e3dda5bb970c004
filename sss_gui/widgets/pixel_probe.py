"""What lies under the cursor: one tabular line for all panes, and the pixels' feature vectors as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget


@dataclass(frozen=True)
class Reading:
    """Values at one pixel.

    x, y : pixel; rgb : 0..255 of the input; panes : (name, three projected values in [0, 1]) a pane, in order;
    distances : to every pin, in their order; label : '' or what the numbers are ('distance', 'cosine').
    """

    x: int
    y: int
    rgb: tuple[int, int, int]
    panes: tuple[tuple[str, tuple[float, float, float]], ...] = ()
    distances: tuple[float, ...] = ()
    label: str = ""


class PixelReadOut(QWidget):
    """One line: x, y, RGB, every pane's values, distances to the pins. Columns have fixed widths, so nothing jitters."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_reading(self, reading: Reading | None) -> None:
        """Show a reading; None shows dashes in the same columns."""


class PixelProbe(QWidget):
    """Feature vectors of the hovered and the pinned pixels over each other, with the pins listed beside."""

    pin_removed = Signal(int)
    """The user asked to take pin n (from 0) away."""
    pins_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_hovered_vector(self, vector: NDArray[np.float32] | None) -> None:
        """The (D,) features of the pixel under the cursor; None hides the curve."""

    def set_pinned_vectors(self, pins: Sequence[tuple[tuple[int, int], NDArray[np.float32] | None]]) -> None:
        """((x, y), (D,) features or None while they are computed) of every pin, in order."""

    def clear(self) -> None:
        """No curves, no pins."""
