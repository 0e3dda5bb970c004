"""How the window looks: Fusion, light or dark as the system says, a quiet palette and one accent."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication

MODES = ("system", "light", "dark")


class Theme(QObject):
    """Dresses the application and follows the system's light or dark; make one, keep it as long as the application."""

    changed = Signal(bool)
    """The look was switched; True for dark."""

    def __init__(self, app: QApplication, mode: str = "system") -> None:
        super().__init__(app)
        self._mode = mode

    @property
    def mode(self) -> str:
        """One of `MODES`."""
        return self._mode

    @property
    def dark(self) -> bool:
        """Whether the window is dark now."""
        return False

    def set_mode(self, mode: str) -> None:
        """'system', 'light' or 'dark'."""
