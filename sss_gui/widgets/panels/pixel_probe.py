"""The features of the pixel under the pointer and of the pinned pixels, strip under strip; folds to the first line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QScrollArea, QSizePolicy, QToolButton, QWidget

from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.layout import Act, boxed, column, label, row, tool_button
from sss_gui.widgets.panels.vector_strip import Vector, VectorStrip, span_of
from sss_gui.widgets.picture.annotations import draw_tag, pin_colour

Point = tuple[int, int]

_NAME, _BUTTON, _ROW = 118, 22, 22
_WIDEST = "distance to pin 99"
_HINT = "Point at a pixel to see its features; click to pin it and compare"
_UNLIMITED = 16777215  # Qt's own


class PixelProbe(QWidget):
    """A line for the pixel under the pointer, and below it one for each pin with what it has to do with that pixel.

    It is folded until there is a pin, and then unfolds once, unless the user folded it.

    Attributes
    ----------
    stays_folded : whether the user folded it

    Signals
    -------
    pin_removed : number of a pin (from 0) that the user takes away
    pins_cleared : the user takes all away
    table_requested : the user wants the pins of all pictures compared
    folded_changed : whether only the first line shows
    """

    pin_removed = Signal(int)
    pins_cleared = Signal()
    table_requested = Signal()
    folded_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pins: list[tuple[Point, Vector | None]] = []
        self._span = 0.0
        self._fold = _tool("fold", "", self._fold_by_hand)
        self._place, self._measure = label("Pointer", dim=True), label(dim=True)
        self.hovered = VectorStrip()
        self.hovered.setAccessibleName("Features of the pixel under the pointer")
        self._hint = label(_HINT, dim=True)
        self._clear = _tool("remove", "Remove all pins", self.pins_cleared)
        self._table = _tool("table", "Compare the pins of all pictures", self.table_requested)
        self.rows: list[PinRow] = []
        self._list = column(None, spacing=0)
        self._area = self._make_area()
        self._arrange()
        self.set_measure("")
        self.set_pinned_vectors(())
        self.stays_folded = False
        self.set_folded(True)

    def sizeHint(self) -> QSize:
        return QSize(700, 4 + 4 * _ROW)

    def minimumSizeHint(self) -> QSize:
        return QSize(0, _ROW + 4 if self.folded else 2 * _ROW + 4)

    @property
    def folded(self) -> bool:
        """Whether only the first line shows."""
        return self._area.isHidden()

    def set_folded(self, folded: bool) -> None:
        """Show the first line only, or the pins too."""
        changed = folded != self.folded
        self._area.setVisible(not folded)
        self._fold.setIcon(line_icon("unfold" if folded else "fold"))
        words = "Show the pins below" if folded else "Fold to one line"
        self._fold.setToolTip(words)
        self._fold.setAccessibleName(words)
        self.setMaximumHeight(_ROW + 4 if folded else _UNLIMITED)
        self.updateGeometry()
        if changed:
            self.folded_changed.emit(folded)

    def _fold_by_hand(self) -> None:
        self.stays_folded = not self.folded
        self.set_folded(self.stays_folded)

    def set_hovered_vector(self, vector: Vector | None, place: Point | None = None) -> None:
        """The (D,) features of the pixel under the pointer, and where that is; None for no pixel."""
        self._place.setText(f"{place[0]}, {place[1]}" if place is not None else "Pointer")
        self.hovered.vector = vector
        self._draw()

    def set_pinned_vectors(self, pins: Sequence[tuple[Point, Vector | None]]) -> None:
        """((x, y), (D,) features or None while they are computed) of every pin, in order."""
        before, self._pins = [point for point, _ in self._pins], list(pins)
        if [point for point, _ in self._pins] != before:
            self._fill()
        self._clear.setEnabled(bool(self._pins))
        self._table.setEnabled(bool(self._pins))
        if self._pins and not before and not self.stays_folded:
            self.set_folded(False)
        self._draw()

    def set_measure(self, words: str, values: Sequence[float] = ()) -> None:
        """What the numbers beside the pins are, and one for each pin; none where they are not known."""
        self._measure.setText(words if self._pins else "")
        for number, pin in enumerate(self.rows):
            pin.set_figures(f"{values[number]:.3f}".replace("-", "−") if number < len(values) else "")

    @property
    def measure(self) -> str:
        """What the numbers beside the pins are, as shown."""
        return self._measure.text()

    def _draw(self) -> None:
        vectors = [v for v in (self.hovered.vector, *(vector for _, vector in self._pins)) if v is not None and v.size]
        self._span = span_of(vectors, self._span)
        self.hovered.set_vector(self.hovered.vector, self._span)
        for pin, (_, vector) in zip(self.rows, self._pins, strict=True):
            pin.strip.set_vector(vector, self._span)
        idle = self.hovered.vector is None
        self._hint.setVisible(idle)
        self.hovered.setVisible(not idle)

    def _fill(self) -> None:
        """A row a pin; rows that are there are used again, for one of them may be the one that is clicked."""
        for pin in self.rows[len(self._pins) :]:
            pin.hide()
            pin.deleteLater()
        del self.rows[len(self._pins) :]
        while len(self.rows) < len(self._pins):
            pin = PinRow(len(self.rows))
            pin.removed.connect(self.pin_removed)
            self._list.insertWidget(len(self.rows), pin)
            self.rows.append(pin)
        for pin, (point, _) in zip(self.rows, self._pins, strict=True):
            pin.set_place(point)

    def _make_area(self) -> QScrollArea:
        area = QScrollArea()
        area.setWidget(boxed(self._list))
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
        area.setAccessibleName("Pins")
        return area

    def _arrange(self) -> None:
        self._measure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._measure.setToolTip("What the numbers beside the pins say")
        self._hint.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._place.setFixedWidth(_NAME - _BUTTON - 6)
        self._measure.setFixedWidth(self.fontMetrics().horizontalAdvance(_WIDEST))
        parts = self._fold, self._place, (self.hovered, 1), (self._hint, 1), self._measure, self._table, self._clear
        first = row(*parts, margins=(6, 0, 6, 0), spacing=6)
        self.setLayout(column(first, (self._area, 1), margins=(0, 2, 0, 2), spacing=0))
        for widget in (self.hovered, self._hint):
            widget.setFixedHeight(_ROW)


class PinRow(QWidget):
    """A pin: its number in its colour, its place, its features, a number, and a button that removes it.

    Signals
    -------
    removed : the pin's number (from 0), whose button was pressed
    """

    removed = Signal(int)

    def __init__(self, index: int) -> None:
        super().__init__()
        self._index, self._text = index, ""
        self.strip = VectorStrip()
        self._figures = QLabel()
        self._figures.setFixedWidth(self.fontMetrics().horizontalAdvance(_WIDEST))
        self._figures.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._button = _tool("cancel", f"Remove pin {index + 1}", lambda: self.removed.emit(index))
        below_table = QWidget()  # the first line has a button there
        below_table.setFixedWidth(_BUTTON)
        parts = (self.strip, 1), self._figures, below_table, self._button
        self.setLayout(row(*parts, margins=(12 + _NAME, 0, 6, 0), spacing=6))
        self.setFixedHeight(_ROW)

    def set_place(self, point: Point) -> None:
        """Where the pin is, (x, y)."""
        self._text = f"{point[0]}, {point[1]}"
        self._button.setAccessibleName(f"Remove pin {self._index + 1} at {self._text}")
        self.strip.setAccessibleName(f"Features of pin {self._index + 1} at {self._text}")
        self.update()

    def set_figures(self, text: str) -> None:
        """A number that says what the pin has to do with the pixel above."""
        self._figures.setText(text)

    @property
    def figures(self) -> str:
        """That number as shown."""
        return self._figures.text()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        wide = draw_tag(painter, 12, self.height() / 2, str(self._index + 1), pin_colour(self._index))
        painter.setPen(self.palette().windowText().color())
        x = 12 + int(wide) + 8
        painter.drawText(x, 0, _NAME + 6 - x, self.height(), Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()


def _tool(icon: str, words: str, act: Act) -> QToolButton:
    made = tool_button(icon, words, act)
    made.setFixedSize(_BUTTON, _BUTTON - 2)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard with the panes
    return made
