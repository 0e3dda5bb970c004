"""A feature vector as a strip of colours, one cell a dimension: strips under each other compare at a glance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QRect, QSize
from PySide6.QtGui import QHelpEvent, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from sss_gui.widgets.picture.qimage import to_qimage

Vector = NDArray[np.float32]

# blue for negative, orange for positive numbers, which colour-blind eyes tell apart; zero is the colour of the surround
_ON_LIGHT = ((33, 102, 172), (146, 197, 222), (247, 247, 247), (253, 184, 99), (179, 88, 6))
_ON_DARK = ((125, 190, 255), (52, 96, 140), (42, 42, 45), (140, 84, 24), (255, 176, 70))


def _scale(ends: tuple[tuple[int, int, int], ...]) -> NDArray[np.uint8]:
    places = np.linspace(0, 255, len(ends))
    channels = [np.interp(np.arange(256), places, channel) for channel in zip(*ends, strict=True)]
    return np.stack(channels, 1).astype(np.uint8)


LIGHT, DARK = _scale(_ON_LIGHT), _scale(_ON_DARK)
"""(256, 3) uint8, from the most negative number to the most positive, on light and on dark."""


class VectorStrip(QWidget):
    """Paints (D,) numbers from -`span` to `span`; a tip names the dimension under the pointer and its number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.vector: Vector | None = None
        self._span = 1.0
        self._image: QImage | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(240, 14)

    def minimumSizeHint(self) -> QSize:
        return QSize(64, 10)

    def set_vector(self, vector: Vector | None, span: float) -> None:
        """Show `vector`, None for none; `span` is the largest number that has a colour of its own."""
        self.vector, self._span, self._image = vector, span, None
        self.update()

    def colours(self) -> NDArray[np.uint8]:
        """(D, 3) uint8, a colour a dimension; empty without a vector."""
        if self.vector is None:
            return np.zeros((0, 3), np.uint8)
        shares = np.nan_to_num(self.vector.astype(np.float64)) / (self._span or 1.0)
        scale = LIGHT if self.palette().base().color().lightness() > 127 else DARK
        return scale[np.clip((shares + 1) * 127.5 + 0.5, 0, 255).astype(np.uint8)]

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._image = None

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, room = QPainter(self), QRect(0, 3, self.width(), max(self.height() - 6, 1))
        if self.vector is None or not self.vector.size:
            painter.setPen(self.palette().mid().color())
            painter.drawLine(0, self.height() // 2, self.width(), self.height() // 2)
        else:
            if self._image is None:
                self._image = to_qimage(np.ascontiguousarray(self.colours()[None])).copy()
            painter.drawImage(room, self._image)
        painter.end()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.vector is not None:
            place = event.pos().x() * self.vector.size // max(self.width(), 1)
            if 0 <= place < self.vector.size:
                words = f"Dimension {place + 1} of {self.vector.size}: {self.vector[place]:.4g}"
                QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)


def span_of(vectors: list[Vector], before: float) -> float:
    """The largest size of a number in `vectors`; `before` where that still fits, so that colours stay put."""
    finite = [np.abs(vector[np.isfinite(vector)]) for vector in vectors]
    largest = max((float(sizes.max()) for sizes in finite if sizes.size), default=0.0)
    return before if largest <= before < 2 * largest or largest == 0 else largest * 1.1
