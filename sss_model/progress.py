"""One object that reports how far a piece of work is and, by doing so, may be asked to stop."""

from __future__ import annotations

from collections.abc import Callable

from sss_model.errors import Cancelled

Listener = Callable[[float, str], None]


class Progress:
    """Reports a fraction in [0, 1] with a stage's name; raises `Cancelled` once asked to stop.

    Parameters
    ----------
    listener : called with (fraction, stage) on the reporting thread; None reports to nobody
    cancelled : called before every report; True makes `report` raise `Cancelled`
    """

    def __init__(self, listener: Listener | None = None, cancelled: Callable[[], bool] | None = None) -> None:
        self._listener = listener
        self._cancelled = cancelled
        self._start, self._end = 0.0, 1.0
        self._stage = ""

    def report(self, fraction: float, stage: str = "") -> None:
        """Say that `fraction` (0..1) of this work is done. Raises `Cancelled` when asked to stop."""
        if self._cancelled is not None and self._cancelled():
            raise Cancelled
        if self._listener is not None:
            whole = self._start + (self._end - self._start) * min(max(fraction, 0.0), 1.0)
            self._listener(whole, stage or self._stage)

    def part(self, start: float, end: float, stage: str = "") -> Progress:
        """A Progress for the share [start, end] of this one; its 0..1 maps into that share."""
        part = Progress(self._listener, self._cancelled)
        span = self._end - self._start
        part._start, part._end = self._start + span * start, self._start + span * end
        part._stage = stage or self._stage
        return part


def silent(progress: Progress | None) -> Progress:
    """`progress` itself, or one that reports to nobody."""
    return progress if progress is not None else Progress()
