"""Whether a user waits for something, and for how long still."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel

FIRST_ESTIMATE = 0.5  # seconds of work before a time left is worth saying
LOADING = "Loading the model"  # once, and nothing else goes at its pace


class Activity(QObject):
    """The channels of a worker that make the window busy.

    Signals
    -------
    progress_changed : fraction, stage, seconds left (negative while unknown)
    busy_changed : whether one of the channels has a result to come
    """

    progress_changed = Signal(float, str, float)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.channels: list[Channel] = []
        self._was_busy = False
        self._pace = 0.0, 0.0  # since when, and from which fraction on, the time left is told by

    @property
    def busy(self) -> bool:
        """Whether one of the channels has a result to come."""
        return any(channel.pending for channel in self.channels)

    def update(self) -> None:
        """Tell of a change; the time left is that of all that is asked before everything is over."""
        busy = self.busy
        if busy != self._was_busy:
            self._was_busy = busy
            if busy:
                self._pace = time.monotonic(), 0.0
            self.busy_changed.emit(busy)

    def advance(self, fraction: float, stage: str) -> None:
        """What a user waits for has come that far."""
        if stage == LOADING:
            self._pace = time.monotonic(), fraction
        self.progress_changed.emit(fraction, stage, self._seconds_left(fraction))

    def _seconds_left(self, fraction: float) -> float:
        """What remains at this pace; negative while nobody can say."""
        since, begun = self._pace
        elapsed, done = time.monotonic() - since, fraction - begun
        if done <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / done
