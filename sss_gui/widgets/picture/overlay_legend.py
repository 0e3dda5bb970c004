"""What lies over a picture, in its header: the overlay's name, its colours with a mark, and how opaque it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QLinearGradient, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QWidget

from sss_gui.pane_names import OPACITY
from sss_gui.widgets.controls.number_control import Slider

_GAP, _BAR, _LEAST, _SLIDER = 8, 110, 48, 64


@dataclass(frozen=True, eq=False)
class Legend:
    """What an overlay's colours mean.

    Attributes
    ----------
    name : of the overlay, such as 'Similarity (cosine)'
    colours : (n, 3) uint8; a scale from 0 to 1, or one colour a group
    scale : whether the colours are a scale; else they are groups
    mark : a threshold on the scale, in [0, 1]; None has none
    """

    name: str
    colours: NDArray[np.uint8]
    scale: bool = True
    mark: float | None = None


class OverlayLegend(QWidget):
    """Hidden until there is a `Legend`. Where it is narrow the slider goes first, then the figures; the bar shrinks."""

    opacity_changed = Signal(float)
    """The user moved the slider: opacity in [0, 1]."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.legend: Legend | None = None
        self._value: float | None = None
        self.slider = Slider(self)
        self.slider.setRange(0, 100)
        self.slider.setValue(round(OPACITY * 100))
        self.slider.setAccessibleName("Opacity of the overlay")
        self.slider.setToolTip("How opaque the overlay is; a double click goes back")
        self.slider.valueChanged.connect(lambda value: self.opacity_changed.emit(value / 100))
        self.slider.default_requested.connect(lambda: self.slider.setValue(round(OPACITY * 100)))
        self.hide()

    def sizeHint(self) -> QSize:
        return QSize(self._name_width() + _BAR + self._figures_width() + _SLIDER + _GAP, self.fontMetrics().height())

    def _name_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.legend.name) + 4 + _GAP if self.legend else 0

    def _figures_width(self) -> int:
        return self.fontMetrics().horizontalAdvance("0.00") + _GAP

    def _parts(self) -> tuple[int, int, bool]:
        """Width of the bar, room for the figures, and whether there is room for the slider."""
        rest = self.width() - self._name_width() - _LEAST
        slider = rest >= self._figures_width() + _SLIDER + _GAP
        figures = self._figures_width() if rest >= self._figures_width() else 0
        taken = figures + (_SLIDER + _GAP if slider else 0)
        return min(_BAR, max(self.width() - self._name_width() - taken, min(_LEAST, self.width()))), figures, slider

    def set_legend(self, legend: Legend | None) -> None:
        """Show what lies over the picture; None for nothing."""
        self.legend, self._value = legend, None
        self.setVisible(legend is not None)
        if legend is not None:
            self.setAccessibleName(self._words(legend))
            self.setToolTip(self._words(legend))
            self._place_slider()
            self.update()

    def set_value(self, value: float | None) -> None:
        """Point at a value: on a scale a number in [0, 1], else a group from 0; None at nothing."""
        if value != self._value:
            self._value = value
            self.update()

    def set_opacity(self, opacity: float) -> None:
        """Show how opaque the overlay is; emits nothing."""
        self.slider.blockSignals(True)
        self.slider.setValue(round(opacity * 100))
        self.slider.blockSignals(False)

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place_slider()

    def _place_slider(self) -> None:
        self.slider.setVisible(self._parts()[2])
        self.slider.setGeometry(self.width() - _SLIDER, 0, _SLIDER, self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        legend = self.legend
        if legend is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide, figures, slider = self._parts()
        right, middle = self.width() - figures - (_SLIDER + _GAP if slider else 0), Qt.AlignmentFlag.AlignVCenter
        bar = QRectF(right - wide, (self.height() - 9) / 2, wide, 9)
        room = right - wide - _GAP
        if room > 0:
            name = self.fontMetrics().elidedText(legend.name, Qt.TextElideMode.ElideRight, room)
            painter.setPen(self.palette().windowText().color())
            painter.drawText(QRect(0, 0, room, self.height()), middle | Qt.AlignmentFlag.AlignRight, name)
        (self._paint_scale if legend.scale else self._paint_groups)(painter, legend, bar)
        if figures:
            painter.setPen(self.palette().placeholderText().color())
            painter.drawText(QRect(right + _GAP, 0, figures, self.height()), middle, self.figures())
        painter.end()

    def _paint_scale(self, painter: QPainter, legend: Legend, bar: QRectF) -> None:
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        count = len(legend.colours)
        for place in np.linspace(0, count - 1, min(count, 17)).astype(int):
            gradient.setColorAt(place / (count - 1), QColor(*map(int, legend.colours[place])))
        painter.fillRect(bar, gradient)
        ink = self.palette().windowText().color()
        if legend.mark is not None:
            x = bar.x() + legend.mark * bar.width()
            painter.setPen(QPen(ink, 2))
            painter.drawLine(QPointF(x, bar.y() - 3), QPointF(x, bar.bottom() + 3))
        if self._value is not None:
            x = bar.x() + min(max(self._value, 0.0), 1.0) * bar.width()
            painter.setPen(QPen(QColor("black"), 1))
            painter.setBrush(QColor("white"))
            painter.drawEllipse(QPointF(x, bar.center().y()), 3.5, 3.5)

    def _paint_groups(self, painter: QPainter, legend: Legend, bar: QRectF) -> None:
        wide = bar.width() / max(len(legend.colours), 1)
        for number, colour in enumerate(legend.colours):
            swatch = QRectF(bar.x() + number * wide, bar.y(), max(wide - 1, 1), bar.height())
            painter.fillRect(swatch, QColor(*map(int, colour)))
            if number == self._value:
                painter.setPen(QPen(self.palette().windowText().color(), 1))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRect(swatch.adjusted(-0.5, -2.5, 0.5, 2.5))

    def figures(self) -> str:
        """The value pointed at, as shown: a number, or a group from 1; empty for none."""
        if self._value is None or self.legend is None:
            return ""
        return f"{self._value:.2f}" if self.legend.scale else str(int(self._value) + 1)

    @staticmethod
    def _words(legend: Legend) -> str:
        if not legend.scale:
            return f"{legend.name}: {len(legend.colours)} colour{'s' if len(legend.colours) != 1 else ''}"
        kept = f", from {legend.mark:.2f} on as they are, fainter below" if legend.mark is not None else ""
        return f"{legend.name}: colours from 0 to 1{kept}"
