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
        self._job: object = None  # that has advanced last, when it did,
        self._when = 0.0
        self._paces: dict[object, tuple[float, float]] = {}  # of each job: the seconds it took, from which fraction on

    @property
    def busy(self) -> bool:
        """Whether one of the channels has a result to come."""
        return any(channel.pending for channel in self.channels)

    def update(self) -> None:
        """Tell of a change; the time left is that of all that is asked before everything is over."""
        busy = self.busy
        if busy != self._was_busy:
            self._was_busy = busy
            self._job, self._paces = None, {}
            self._when = time.monotonic()
            self.busy_changed.emit(busy)

    def advance(self, job: object, fraction: float, stage: str) -> None:
        """`job`, which a user waits for, has come that far."""
        now = time.monotonic()
        elapsed, begun = self._paces.get(job, (0.0, fraction if self._paces else 0.0))
        if job is self._job or not self._paces:  # while others are let in between it does not go on
            elapsed += now - self._when
        self._paces[job] = (0.0, fraction) if stage == LOADING else (elapsed, begun)
        self._job, self._when = job, now
        self.progress_changed.emit(fraction, stage, self._seconds_left(job, fraction))

    def _seconds_left(self, job: object, fraction: float) -> float:
        """What remains at the job's own pace; negative while nobody can say."""
        elapsed, begun = self._paces[job]
        done = fraction - begun
        if done <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / done
