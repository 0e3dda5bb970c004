"""What lies under the cursor: x, y, RGB and every pane's values, in fixed columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontDatabase, QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from sss_gui.pane_names import PANE_TITLES, PANES
from sss_gui.widgets.layout import plain_tip

Column = tuple[str, str]


@dataclass(frozen=True)
class Reading:
    """Values at one pixel.

    x, y : pixel; rgb : 0..255 of the input; panes : (name, values in [0, 1]) in order, such as the three projected ones
    of a pane, or the one alpha of a layer; stale : names whose values are of something that is wanted no more.
    """

    x: int
    y: int
    rgb: tuple[int, int, int]
    panes: tuple[tuple[str, tuple[float, ...]], ...] = ()
    stale: frozenset[str] = frozenset()


class PixelReadOut(QWidget):
    """x, y, RGB, every pane's values; fixed columns, in as many lines as the width needs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading: Reading | None = None
        self._shape = {PANE_TITLES[name]: 3 for name in PANES[1:]}  # how many values each name has
        self._figures = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        self._figures.setPixelSize(12)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Values at the pixel")

    def sizeHint(self) -> QSize:
        return QSize(400, self.fontMetrics().height() + 10)

    def set_reading(self, reading: Reading | None) -> None:
        """Show a reading; None shows dashes in the same columns."""
        self._reading = reading
        if reading:
            self._shape = {name: len(values) for name, values in reading.panes} or self._shape
        text = self.text()
        self.setAccessibleDescription(text)
        self.setToolTip(plain_tip(text))
        self._fit_height()
        self.update()

    def set_columns(self, columns: Mapping[str, int]) -> None:
        """Show dashes under these names, with so many values each."""
        self._shape = dict(columns)
        self.set_reading(None)

    def text(self) -> str:
        """The line as plain text."""
        return "   ".join(f"{name} {value}".strip() for name, value in self._columns())

    def _columns(self, decimals: int = 3) -> list[Column]:
        """(name, figures of fixed width)."""
        reading, wide = self._reading, 2 + decimals
        columns: list[Column] = [
            ("x", f"{reading.x:5d}" if reading else "    –"),
            ("y", f"{reading.y:5d}" if reading else "    –"),
            ("RGB", " ".join(f"{v:3d}" for v in reading.rgb) if reading else "  –   –   –"),
        ]
        values = dict(reading.panes) if reading else {}
        for name, count in self._shape.items():
            numbers = values.get(name)
            cells = [f"{v:{wide}.{decimals}f}" for v in numbers] if numbers else [f"{'–':>{wide}}"] * count
            figures = " ".join(cells)
            former = reading is not None and name in reading.stale
            columns.append((name, f"{'stale':<{len(figures)}}" if former else figures))
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
        for name, figures in columns:
            painter.setFont(words)
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
        return fold_columns(columns, self.width(), lambda line: self._wide(line, gap)), gap

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
                columns, gap = [(name.split(" ")[0], text) for name, text in shorter], 9
        return columns, gap

    def _wide(self, columns: list[Column], gap: int) -> int:
        """Width that the columns take."""
        words, figures = self.fontMetrics(), QFontMetrics(self._figures)
        names = sum(words.horizontalAdvance(name) + 6 for name, _ in columns)
        return 10 + names + sum(figures.horizontalAdvance(text) + gap for _, text in columns)


def fold_columns(columns: Sequence[Column], width: int, wide: Callable[[list[Column]], int]) -> list[list[Column]]:
    """`columns` in order, in as few lines as fit in `width`; a column wider than that has a line of its own.

    Parameters
    ----------
    wide : the width that a line of columns takes, in the unit of `width`
    """
    lines: list[list[Column]] = [[]]
    for column in columns:
        if lines[-1] and wide([*lines[-1], column]) > width:
            lines.append([])
        lines[-1].append(column)
    return lines
