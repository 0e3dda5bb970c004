"""What a figure holds: which panes, how wide, in how many columns, with or without pins and overlays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QGroupBox,
    QLineEdit,
    QWidget,
)

from sss_gui.widgets.layout import column, label

WIDTHS = ("180mm", "85mm", "1200px", "1920px")
"""A page's, a column's, a slide's; any other can be typed."""
FORMATS = {"png": "PNG (pixels)", "svg": "SVG (letters and marks stay sharp)", "pdf": "PDF (pixels, 300 dots an inch)"}


@dataclass(frozen=True)
class FigureChoice:
    """What was chosen: names of panes, width such as '180mm', columns (0: as they fit), whether marks are drawn."""

    panes: tuple[str, ...]
    width: str = WIDTHS[0]
    columns: int = 0
    pins: bool = True
    overlays: bool = True
    format: str = "png"


class FigureDialog(QDialog):
    """A box for each pane that holds a picture; a pure view.

    Parameters
    ----------
    panes : name and title of each that can be drawn
    chosen : to begin with
    marks : whether there are pins, and whether there are overlays
    """

    def __init__(
        self,
        panes: Sequence[tuple[str, str]],
        chosen: FigureChoice,
        *,
        marks: tuple[bool, bool],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export figure")
        self._boxes = {name: QCheckBox(title.replace("&", "&&")) for name, title in panes}
        for name, box in self._boxes.items():
            box.setChecked(name in chosen.panes)
            box.toggled.connect(self._update)
        self._pins, self._overlays = QCheckBox("&Pins"), QCheckBox("&Overlays with their legends")
        for box, there, on in zip((self._pins, self._overlays), marks, (chosen.pins, chosen.overlays), strict=True):
            box.setEnabled(there)
            box.setChecked(there and on)
        self._width, self._columns, self._format = QComboBox(), QComboBox(), QComboBox()
        self._width.setEditable(True)
        self._width.addItems(WIDTHS)
        self._width.setCurrentText(chosen.width)
        self._width.setToolTip("In mm, cm, in or px")
        for words, count in (("As they fit", 0), ("1", 1), ("2", 2), ("3", 3), ("4", 4)):
            self._columns.addItem(words, count)
        self._columns.setCurrentIndex(self._columns.findData(chosen.columns))
        for form, words in FORMATS.items():
            self._format.addItem(words, form)
        self._format.setCurrentIndex(self._format.findData(chosen.format))
        self._title, self._words = QLineEdit(), label(wrap=True)
        self._title.setPlaceholderText("none")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = self._buttons.addButton("Save as…", QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._place()
        self._update()

    def choice(self) -> FigureChoice:
        """What is chosen."""
        return FigureChoice(
            tuple(name for name, box in self._boxes.items() if box.isChecked()),
            self._width.currentText().strip(),
            int(self._columns.currentData()),
            self._pins.isChecked(),
            self._overlays.isChecked(),
            str(self._format.currentData()),
        )

    @property
    def title(self) -> str:
        """What stands above the figure; '' for nothing."""
        return self._title.text().strip()

    def _place(self) -> None:
        group, form = QGroupBox("Panes"), QFormLayout()
        group.setLayout(column(*self._boxes.values(), self._pins, self._overlays, margins=None))
        form.addRow("&Width", self._width)
        form.addRow("&Columns", self._columns)
        form.addRow("&Title", self._title)
        form.addRow("&Format", self._format)
        self.setLayout(column(group, form, self._words, self._buttons, margins=None))

    def _update(self, *_: object) -> None:
        self._go.setEnabled(any(box.isChecked() for box in self._boxes.values()))

    def show_error(self, words: str) -> None:
        """Say what is wrong with what was chosen."""
        self._words.setText(words)
