"""What one can do with the program, in words: a line above the panes for who sees it for the first time."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from sss_gui.widgets.layout import button, row, tool_button

JOBS = {
    "open": ("Open a picture", "A photograph of your own in place of the sample"),
    "cut": ("Cut something out", "Click what you want, and copy or export it with its alpha"),
    "compare": ("Compare pixels across pictures", "How similar each pixel is to those you pin, in all open pictures"),
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
        self._buttons = {name: button(*words, partial(self.chosen.emit, name)) for name, words in JOBS.items()}
        away = tool_button("cancel", "Close this line", self.dismiss)
        self.setLayout(row(None, *self._buttons.values(), away, margins=(8, 5, 8, 5), spacing=8))
        self.dismissed = False
        self.hide()

    def dismiss(self) -> None:
        """Hide for good."""
        self.dismissed = True
        self.hide()

    def offer(self, name: str, there: bool) -> None:
        """Let the job `name` be chosen, or not yet."""
        self._buttons[name].setEnabled(there)
