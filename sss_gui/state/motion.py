"""Whether a parameter is being moved: by a slider under the hand, or by a key that is pressed again and again."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

REST_MS = 250


class Motion(QObject):
    """Moves end when somebody says so, or `REST_MS` after the last one.

    Signals
    -------
    rested : the parameters stay as they are now, for a while at least
    """

    rested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=REST_MS, singleShot=True)
        self._timer.timeout.connect(self.rest)

    @property
    def moving(self) -> bool:
        """Whether the last move is not at rest yet."""
        return self._timer.isActive()

    def move(self) -> None:
        """A parameter has just moved, and may go on moving."""
        self._timer.start()

    def rest(self) -> None:
        """The move is over."""
        self._timer.stop()
        self.rested.emit()

    def stop(self) -> None:
        """Forget the move without telling anybody."""
        self._timer.stop()
