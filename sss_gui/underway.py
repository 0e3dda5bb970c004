"""Which requests are under way, whether that makes the window busy, and how long it may still take."""

from __future__ import annotations

import time

BUSY_LANES = ("show", "export", "basis", "clusters", "batch")
FIRST_ESTIMATE = 0.5  # seconds of work before a time left is worth saying


class Underway:
    """Tickets that were submitted and have not ended."""

    def __init__(self) -> None:
        self._all: set[int] = set()
        self._busy: set[int] = set()
        self._started = 0.0

    def __contains__(self, ticket: int) -> bool:
        return ticket in self._all

    @property
    def tickets(self) -> set[int]:
        return set(self._all)

    @property
    def busy(self) -> bool:
        """Whether anything is under way that a user waits for."""
        return bool(self._busy)

    def waited_for(self, ticket: int) -> bool:
        """Whether `ticket` is one that a user waits for."""
        return ticket in self._busy

    def begin(self, ticket: int, lane: str, *, quiet: bool = False, goes_on: bool = False) -> bool:
        """Take in a ticket; True when the window becomes busy with it.

        `quiet` ones never make it busy; one that `goes_on` with what was begun before lets the clock run on.
        """
        self._all.add(ticket)
        if quiet or lane not in BUSY_LANES:
            return False
        idle = not self._busy
        if idle and not goes_on:
            self._started = time.monotonic()
        self._busy.add(ticket)
        return idle

    def end(self, ticket: int) -> bool:
        """Let a ticket go; True when the window is idle with it."""
        self._all.discard(ticket)
        if ticket not in self._busy:
            return False
        self._busy.discard(ticket)
        return not self._busy

    def seconds_left(self, fraction: float) -> float:
        """What remains at this pace; negative while nobody can say."""
        elapsed = time.monotonic() - self._started
        if fraction <= 0.02 or elapsed < FIRST_ESTIMATE:
            return -1.0
        return elapsed * (1 - fraction) / fraction
