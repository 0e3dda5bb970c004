"""The `?` sheet: every key, grouped, over the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget


class ShortcutsSheet(QWidget):
    """An overlay over its parent; any key, a click or Esc closes it."""

    closed = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)

    def set_shortcuts(self, table: Sequence[tuple[str, str, str]]) -> None:
        """(group, keys, words) a row, in the order to show; keys such as 'Ctrl+O' or '1-4'."""

    def toggle(self) -> None:
        """Show over the parent, or close."""
