"""Feature vectors drawn over each other, dimension by dimension."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QPalette, QPen, QShowEvent
from PySide6.QtWidgets import QLabel, QStackedLayout, QWidget

from sss_gui.widgets.picture.annotations import pin_colour

if TYPE_CHECKING:
    import pyqtgraph

Vector = NDArray[np.float32]


class VectorPlot(QWidget):
    """Curves of (D,) vectors: pins in their colours, the hovered pixel in the text's colour on top.

    pyqtgraph is imported when the plot is first shown, so that the window itself comes up without it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hovered: Vector | None = None
        self._pinned: list[Vector | None] = []
        self._plot: pyqtgraph.PlotWidget | None = None
        self._hover_curve: Any = None
        self._pin_curves: list[Any] = []
        self._span = (0.0, 0.0)
        self._hint = QLabel("Point at a pixel to see its features; click to pin it and compare")
        self._hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setWordWrap(True)
        self._hint.setForegroundRole(QPalette.ColorRole.PlaceholderText)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._hint)
        self.setAccessibleName("Feature vectors of the hovered and pinned pixels")

    def set_hovered(self, vector: Vector | None) -> None:
        """The vector under the cursor; None hides it."""
        self._hovered = vector
        if self._plot is not None:
            self._draw_hovered()

    def set_pinned(self, vectors: Sequence[Vector | None]) -> None:
        """The pins' vectors in order; None for one that is not known yet."""
        self._pinned = list(vectors)
        if self._plot is not None:
            self._draw_pinned()

    def curves(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(dimensions, values) of the curves as drawn, pins first."""
        drawn = [*self._pin_curves, *([self._hover_curve] if self._hover_curve else [])]
        return [data for data in (curve.getData() for curve in drawn) if data[0] is not None]

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._plot is None:
            self._build()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._plot is not None:
            self._dress()

    def _build(self) -> None:
        import pyqtgraph

        plot = pyqtgraph.PlotWidget(self, background=None)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has no use for keys
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.setToolTip("Features of the hovered and the pinned pixels, by dimension")
        plot.showGrid(x=False, y=True, alpha=0.15)
        plot.getPlotItem().setContentsMargins(4, 8, 10, 2)
        plot.getAxis("left").setWidth(48)  # else the curves shift when the figures grow longer
        plot.getViewBox().disableAutoRange()
        self._plot = plot
        self._hover_curve = plot.plot([], [], skipFiniteCheck=True)
        self._hover_curve.setZValue(10)
        self._pages.addWidget(plot)
        self._dress()
        self._draw_pinned()
        self._draw_hovered()

    def _dress(self) -> None:
        if self._plot is None:
            return
        palette = self.palette()
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
            axis.setTextPen(palette.color(QPalette.ColorRole.PlaceholderText))
        self._hover_curve.setPen(_pen(palette.color(QPalette.ColorRole.Text), 1.4))

    def _draw_hovered(self) -> None:
        _fill(self._hover_curve, self._hovered)
        self._fit()

    def _draw_pinned(self) -> None:
        plot = self._plot
        if plot is None:
            return
        while len(self._pin_curves) > len(self._pinned):
            plot.removeItem(self._pin_curves.pop())
        while len(self._pin_curves) < len(self._pinned):
            curve = plot.plot([], [], skipFiniteCheck=True, pen=_pen(pin_colour(len(self._pin_curves)), 1.8))
            self._pin_curves.append(curve)
        for curve, vector in zip(self._pin_curves, self._pinned, strict=True):
            _fill(curve, vector)
        self._fit()

    def _fit(self) -> None:
        """Grow the range at once, shrink it only when the curves use less than half: axes that stay put can be read."""
        vectors = [v for v in (*self._pinned, self._hovered) if v is not None and v.size]
        self._pages.setCurrentIndex(1 if vectors else 0)
        if not vectors or self._plot is None:
            return
        low, high = min(float(v.min()) for v in vectors), max(float(v.max()) for v in vectors)
        old_low, old_high = self._span
        if low < old_low or high > old_high or (high - low) * 2 < old_high - old_low:
            room = max((high - low) * 0.1, 0.05 * max(abs(low), abs(high)), 1e-6)
            self._span = (low - room, high + room)
            self._plot.setYRange(*self._span, padding=0)
        self._plot.setXRange(0, max(v.size for v in vectors) - 1, padding=0.01)


def _fill(curve: Any, vector: Vector | None) -> None:
    if vector is None:
        curve.setData([], [])
    else:
        curve.setData(np.arange(vector.size), np.asarray(vector, np.float64))


def _pen(colour: Any, width: float) -> QPen:
    pen = QPen(colour, width)
    pen.setCosmetic(True)
    return pen
