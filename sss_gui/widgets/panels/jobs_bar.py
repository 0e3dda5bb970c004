"""What one can do with the program, in words: a line above the panes for who sees it for the first time."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QToolButton, QWidget

from sss_gui.widgets.icons import line_icon

JOBS = {
    "open": ("Open a picture", "A photograph of your own in place of the sample"),
    "cut": ("Cut something out", "Click what you want, and copy or export it with its alpha"),
    "compare": (
        "Compare pixels across pictures",
        "How similar each pixel is to those you pin, in all open pictures",
    ),
    "edges": ("Look at the edges", "Where the filtered features differ most from the plain ones"),
}


class JobsBar(QWidget):
    """A button for each of `JOBS`, and one that sends the bar away; hidden until it is shown.

    Signals
    -------
    chosen : one of `JOBS`
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Things to do")
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 5, 8, 5)
        row.setSpacing(8)
        row.addStretch(1)
        self._buttons: dict[str, QPushButton] = {}
        for name, (words, tip) in JOBS.items():
            button = self._buttons[name] = QPushButton(words)
            button.setToolTip(tip)
            button.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            row.addWidget(button)
        away = QToolButton()
        away.setIcon(line_icon("cancel"))
        away.setAutoRaise(True)
        away.setToolTip("Close this line")
        away.setAccessibleName("Close this line")
        away.clicked.connect(self.dismiss)
        row.addWidget(away)
        self.dismissed = False
        self.hide()

    def dismiss(self) -> None:
        """Hide for good."""
        self.dismissed = True
        self.hide()

    def offer(self, name: str, there: bool) -> None:
        """Let the job `name` be chosen, or not yet."""
        self._buttons[name].setEnabled(there)
