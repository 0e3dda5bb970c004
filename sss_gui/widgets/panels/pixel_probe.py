"""What lies under the cursor: one tabular line for all panes, and the pixels' feature vectors as curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from sss_gui.pane_names import PANE_TITLES, PANES
from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.panels.vector_plot import VectorPlot
from sss_gui.widgets.picture.annotations import ink_on, pin_colour

Point = tuple[int, int]
Column = tuple[str, str, QColor | None]


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


def seven_figures(value: float) -> str:
    """A number as seven characters, with as many decimals as fit."""
    return next((text for text in (f"{value:7.{n}f}" for n in (3, 2, 1, 0)) if len(text) == 7), f"{value:7.1g}")


class PixelReadOut(QWidget):
    """x, y, RGB, every pane's values, distances to the pins; fixed columns, in as many lines as the width needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading: Reading | None = None
        self._names = tuple(PANE_TITLES[name] for name in PANES[1:])
        self._pins, self._label = 0, ""
        self._figures = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._figures.setPixelSize(12)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values at the pixel")

    def sizeHint(self) -> QSize:
        return QSize(400, self.fontMetrics().height() + 10)

    def set_reading(self, reading: Reading | None, pins: int | None = None) -> None:
        """Show a reading; None shows dashes in the same columns. `pins` says how many there are where it is known."""
        self._reading = reading
        if pins is not None:
            self._pins = pins
        if reading:
            self._names = tuple(name for name, _ in reading.panes) or self._names
            self._pins, self._label = max(len(reading.distances), pins or 0), reading.label
        text = self.text()
        self.setAccessibleDescription(text)
        self.setToolTip(text)
        self._fit_height()
        self.update()

    def text(self) -> str:
        """The line as plain text."""
        return "   ".join(f"{name} {value}".strip() for name, value, _ in self._columns())

    def _columns(self, decimals: int = 3) -> list[Column]:
        """(name, figures of fixed width, colour of a pin's tag or None)."""
        reading, wide = self._reading, 2 + decimals
        columns: list[Column] = [
            ("x", f"{reading.x:5d}" if reading else "    –", None),
            ("y", f"{reading.y:5d}" if reading else "    –", None),
            ("RGB", " ".join(f"{v:3d}" for v in reading.rgb) if reading else "  –   –   –", None),
        ]
        values = dict(reading.panes) if reading else {}
        for name in self._names:
            known = values.get(name)
            shown = " ".join(f"{v:{wide}.{decimals}f}" if known else f"{'–':>{wide}}" for v in known or (0, 0, 0))
            columns.append((name, shown, None))
        for index in range(self._pins):
            distances = reading.distances if reading else ()
            shown = seven_figures(distances[index]) if index < len(distances) else "      –"
            columns.append((f"{self._label} to {index + 1}".strip(), shown, pin_colour(index)))
        return columns

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_height()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        lines, gap = self._lines()
        height = self.height() / len(lines)
        for number, columns in enumerate(lines):
            self._paint_line(painter, columns, gap, number * height, height)
        painter.end()

    def _paint_line(self, painter: QPainter, columns: list[Column], gap: int, y: float, height: float) -> None:
        words, x, middle = QFont(self.font()), 10.0, Qt.AlignmentFlag.AlignVCenter
        dim, ink = self.palette().placeholderText().color(), self.palette().windowText().color()
        for name, figures, tag in columns:
            painter.setFont(words)
            if tag:
                x += self._paint_tag(painter, x, y + height / 2, name.rsplit(" ", 1)[-1], tag) + 5
            else:
                painter.setPen(dim)
                wide = painter.fontMetrics().horizontalAdvance(name)
                painter.drawText(QRectF(x, y, wide + 2, height), middle, name)
                x += wide + 6
            painter.setFont(self._figures)
            wide = painter.fontMetrics().horizontalAdvance(figures)
            painter.setPen(ink)
            painter.drawText(QRectF(x, y, wide + 2, height), middle, figures)
            x += wide + gap

    def _lines(self) -> tuple[list[list[Column]], int]:
        """The columns in lines and the gap between columns; they go on below where one line is too narrow."""
        columns, gap = self._fitting()
        lines: list[list[Column]] = [[]]
        for column in columns:
            if lines[-1] and self._wide([*lines[-1], column], gap) > self.width():
                lines.append([])
            lines[-1].append(column)
        return lines, gap

    def _fit_height(self) -> None:
        """As high as the lines at this width."""
        height = len(self._lines()[0]) * (self.fontMetrics().height() + 10)
        if height != self.height():
            self.setFixedHeight(height)

    def _fitting(self) -> tuple[list[Column], int]:
        """The columns and the gap between them, the shorter the narrower the line."""
        columns, gap = self._columns(), 18
        for decimals in (3, 2):
            if self._wide(columns, gap) > self.width():
                shorter = self._columns(decimals)
                columns, gap = [(name if tag else name.split(" ")[0], text, tag) for name, text, tag in shorter], 9
        return columns, gap

    def _wide(self, columns: list[Column], gap: int) -> int:
        """Width that the columns take."""
        words, figures = self.fontMetrics(), QFontMetrics(self._figures)
        names = sum(20 if tag else words.horizontalAdvance(name) + 6 for name, _, tag in columns)
        return 10 + names + sum(figures.horizontalAdvance(text) + gap for _, text, _ in columns)

    def _paint_tag(self, painter: QPainter, x: float, y: float, label: str, colour: QColor) -> float:
        """A pin's tag about the line's middle `y`; returns its width."""
        side = 15.0
        box = QRectF(x, y - side / 2, max(painter.fontMetrics().horizontalAdvance(label) + 7, side), side)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(box, side / 2, side / 2)
        painter.setPen(ink_on(colour))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, label)
        return box.width()


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
        colour, label = pin_colour(self._index), str(self._index + 1)
        tag = QRectF(2, (self.height() - 16) / 2, max(painter.fontMetrics().horizontalAdvance(label) + 8, 16), 16)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(tag, 8, 8)
        painter.setPen(ink_on(colour))
        painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, label)
        painter.setPen(self.palette().windowText().color())
        rest = QRectF(tag.right() + 8, 0, self.width(), self.height())
        painter.drawText(rest, Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()
