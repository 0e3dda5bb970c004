"""The feature vectors of the hovered and the pinned pixels as curves, beside a list of the pins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QToolButton, QVBoxLayout, QWidget

from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.panels.vector_plot import VectorPlot
from sss_gui.widgets.picture.annotations import draw_tag, pin_colour

Point = tuple[int, int]


class PixelProbe(QWidget):
    """Feature vectors of the hovered and the pinned pixels over each other, with the pins listed beside."""

    pin_removed = Signal(int)
    """The user asked to take pin n (from 0) away."""
    pins_cleared = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pins: list[tuple[Point, NDArray[np.float32] | None]] = []
        self.plot = VectorPlot()
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(8, 6, 8, 6)
        self._rows.setSpacing(2)
        self._clear = QPushButton("Clear pins")
        self._clear.clicked.connect(self.pins_cleared)
        self._list = self._make_list()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.plot, 1)
        row.addWidget(self._list)
        self.setMinimumHeight(96)
        self.set_pinned_vectors(())

    def sizeHint(self) -> QSize:
        return QSize(700, 150)

    def set_hovered_vector(self, vector: NDArray[np.float32] | None) -> None:
        """The (D,) features of the pixel under the cursor; None hides the curve."""
        self.plot.set_hovered(vector)

    def set_pinned_vectors(self, pins: Sequence[tuple[Point, NDArray[np.float32] | None]]) -> None:
        """((x, y), (D,) features or None while they are computed) of every pin, in order."""
        before, self._pins = [point for point, _ in self._pins], list(pins)
        self.plot.set_pinned([vector for _, vector in self._pins])
        if [point for point, _ in self._pins] != before or self._rows.count() == 0:
            self._fill_list()
        self._list.setVisible(bool(self._pins))

    def _make_list(self) -> QScrollArea:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 6)
        column.addLayout(self._rows)
        column.addStretch(1)
        column.addWidget(self._clear, 0, Qt.AlignmentFlag.AlignHCenter)
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setFixedWidth(168)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return area

    def _fill_list(self) -> None:
        while item := self._rows.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for index, (point, _) in enumerate(self._pins):
            self._rows.addWidget(_PinRow(index, point, self.pin_removed))


class _PinRow(QWidget):
    """A pin's number, place and remove button."""

    def __init__(self, index: int, point: Point, removed: object) -> None:
        super().__init__()
        self._index, self._text = index, f"{point[0]}, {point[1]}"
        button = QToolButton()
        button.setIcon(line_icon("cancel"))
        button.setAutoRaise(True)
        button.setToolTip(f"Remove pin {index + 1}")
        button.setAccessibleName(f"Remove pin {index + 1} at {self._text}")
        button.clicked.connect(lambda: removed.emit(index))  # type: ignore[attr-defined]
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(button)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        right = 2 + draw_tag(painter, 2, self.height() / 2, str(self._index + 1), pin_colour(self._index))
        painter.setPen(self.palette().windowText().color())
        rest = QRectF(right + 8, 0, self.width(), self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()
