"""How alike the pins of all pictures are, as a table to read, sort by eye and copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTableWidget, QTableWidgetItem, QWidget

from sss_gui.widgets.layout import button, column, label


class PinTableDialog(QDialog):
    """A square table, each cell in a shade of its number; a pure view.

    Signals
    -------
    refresh_requested : compute it again, for the pins as they are now
    """

    refresh_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Pins of all pictures")
        self._heads: list[str] = []
        self._values: NDArray[np.float32] = np.empty((0, 0), np.float32)
        self._table, self._words = QTableWidget(), label(wrap=True)
        self._table.setAccessibleName("Pins against pins")
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self._copy = button("&Copy as CSV", "", self.copy)
        for each in (self._copy, button("&Again", "For the pins as they are now", self.refresh_requested)):
            buttons.addButton(each, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        self.setLayout(column(self._words, (self._table, 1), buttons, margins=None))
        self._copy.setEnabled(False)
        self.resize(720, 420)

    def set_words(self, words: str) -> None:
        """What the numbers are, or why there are none yet."""
        self._words.setText(words)

    @property
    def words(self) -> str:
        """That sentence."""
        return self._words.text()

    def set_table(self, heads: Sequence[str], values: NDArray[np.float32], *, far: float) -> None:
        """Pins by name, and how alike each is to each, (N, N); NaN for what is not known.

        `far` is the largest distance, which is not shaded; 0: the numbers are cosines, and 1 is shaded most.
        """
        self._heads, self._values = list(heads), values
        table = self._table
        table.setRowCount(len(heads))
        table.setColumnCount(len(heads))
        table.setHorizontalHeaderLabels(list(heads))
        table.setVerticalHeaderLabels(list(heads))
        for (line, place), value in np.ndenumerate(values):
            table.setItem(line, place, _cell(float(value), far))
        table.resizeColumnsToContents()
        self._copy.setEnabled(bool(heads))

    def csv(self) -> str:
        """The table with commas, a dot in numbers, and quotes about names."""

        def quoted(text: str) -> str:
            return '"' + text.replace('"', '""') + '"'

        lines = [",".join(["", *map(quoted, self._heads)])]
        for head, row in zip(self._heads, self._values, strict=True):
            lines.append(",".join([quoted(head), *("" if np.isnan(value) else f"{value:.6f}" for value in row)]))
        return "\n".join(lines) + "\n"

    def copy(self) -> None:
        """Put the table on the clipboard."""
        QGuiApplication.clipboard().setText(self.csv())
        self.set_words("Copied as CSV.")


def _cell(value: float, far: float) -> QTableWidgetItem:
    item = QTableWidgetItem("" if np.isnan(value) else f"{value:.3f}".replace("-", "−"))
    item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
    if not np.isnan(value):
        part = min(max(value if far <= 0 else 1 - value / far, 0.0), 1.0)
        item.setBackground(QColor(40, 120, 170, round(part * 255)))  # over the table's own, light or dark
    return item
