"""Ctrl-C and SIGTERM as a Qt signal: Python runs no handler of its own while Qt waits for events."""

from __future__ import annotations

import signal
import socket

from PySide6.QtCore import QObject, QSocketNotifier, Signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopSignals(QObject):
    """Tells of the first of `SIGNALS`; another one ends the process at once. Close it where the event loop has ended.

    Python writes the number of a signal into a socket whenever one comes; Qt's event loop wakes up to read it.
    Only the main thread may make one.

    Attributes
    ----------
    exit_code : 130 after Ctrl-C, 143 after SIGTERM, as shells have it; 0 before

    Signals
    -------
    asked : the program is to end
    """

    asked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.exit_code = 0
        self._reading, self._writing = socket.socketpair()
        for end in (self._reading, self._writing):
            end.setblocking(False)
        self._before = {number: signal.signal(number, lambda *_: None) for number in SIGNALS}
        self._wakeup = signal.set_wakeup_fd(self._writing.fileno(), warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._reading.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._take)

    def close(self) -> None:
        """Leave signals as they were."""
        self._notifier.setEnabled(False)
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._reading.close()
        self._writing.close()

    def _take(self) -> None:
        came = [number for number in self._reading.recv(64) if number in SIGNALS]
        if came and not self.exit_code:
            self.exit_code = 128 + came[0]
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            self.asked.emit()
