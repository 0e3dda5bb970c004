"""Above the list of layers where these are classes: their names come from here, and go into files."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget


class ClassControls(QWidget):
    """A field for the name of a new class, what is to be done next, and buttons.

    Signals
    -------
    named : the name typed for a new class
    command : name of a command: remove_class, save_classes, open_classes, doubtful_first
    """

    named = Signal(str)
    command = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = QLineEdit()
        self._name.setPlaceholderText("Name: sky, the red car")
        self._name.setAccessibleName("Name of a new class")
        self._name.setMaxLength(100)
        self._name.returnPressed.connect(self._add)
        self._buttons: dict[str, QPushButton] = {}
        self._words = QLabel()
        self._words.setWordWrap(True)
        self._words.setAccessibleName("State of the classes")
        add = QPushButton("Add")
        add.setToolTip("Put the class into the list; then paint some of it on the picture")
        add.clicked.connect(self._add)
        row = QHBoxLayout()
        row.addWidget(self._name, 1)
        row.addWidget(add)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(row)
        column.addWidget(self._words)

    def make_buttons(self) -> QWidget:
        """The buttons, for below the list."""
        box = QWidget()
        grid = QGridLayout(box)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(6)
        for place, (name, words, tip) in enumerate((
            ("remove_class", "Remove", "Take the class away that is painted, with what its strokes taught"),
            ("doubtful_first", "Doubtful first", "Order the film strip: pictures that the classes are unsure of first"),
            ("save_classes", "Save classes…", "Write names and strokes for another day, or for sss-segment --classes"),
            ("open_classes", "Open classes…", "Take classes of a file in place of these"),
        )):  # fmt: skip
            button = self._buttons[name] = QPushButton(words)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked, name=name: self.command.emit(name))
            grid.addWidget(button, place // 2, place % 2)
        return box

    def set_state(self, words: str, *, classes: int, taught: bool) -> None:
        """What is to be done next, or what is; how many classes there are, and whether they are taught."""
        self._words.setText(words)
        self._words.setVisible(bool(words))
        self._buttons["remove_class"].setEnabled(classes > 0)
        self._buttons["save_classes"].setEnabled(taught)
        self._buttons["doubtful_first"].setEnabled(taught)

    def ask_name(self) -> None:
        """Let the keyboard write into the field for the name of a new class."""
        self._name.setFocus()

    def _add(self) -> None:
        name = self._name.text().strip()
        if name:
            self._name.clear()
            self.named.emit(name)
        else:
            self.ask_name()
