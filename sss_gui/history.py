"""Undo and redo of parameter changes; one drag of a slider is one step."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from sss_gui.session import Session, State

LIMIT = 200


def _params(state: State) -> tuple[object, ...]:
    """What a step may change."""
    return state.filter, state.projection, state.basis


class History(QObject):
    """Watches the session's state; opening another picture or model is no step.

    Signals
    -------
    changed : whether there is something to undo, and to redo
    """

    changed = Signal(bool, bool)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._past: list[State] = []
        self._future: list[State] = []
        self._last = session.state
        self._applying = False
        self._dragging = False
        session.state_changed.connect(self._watch)
        session.settled.connect(self._end_drag)

    def undo(self) -> None:
        """Back to the parameters before the last change."""
        self._move(self._past, self._future)

    def redo(self) -> None:
        """Forward again."""
        self._move(self._future, self._past)

    def _move(self, source: list[State], target: list[State]) -> None:
        if not source:
            return
        self._dragging = False
        target.append(self._last)
        params = source.pop()
        now = self._session.state
        self._applying = True
        self._session.set_state(replace(now, filter=params.filter, projection=params.projection, basis=params.basis))
        self._applying = False
        self.changed.emit(bool(self._past), bool(self._future))

    def _watch(self, state: State) -> None:
        before, self._last = self._last, state
        if self._session.falling_back:
            self._forget_failure(state)
            return
        if self._applying or _params(before) == _params(state):
            return
        if not self._dragging:
            self._past.append(before)
            del self._past[:-LIMIT]
        self._dragging = self._session.moving
        self._future.clear()
        self.changed.emit(True, False)

    def _forget_failure(self, state: State) -> None:
        """What failed is no step: neither the one to it, nor one that would go back to where we are again."""
        for steps in (self._past, self._future):
            if steps and _params(steps[-1]) == _params(state):
                steps.pop()
        self.changed.emit(bool(self._past), bool(self._future))

    def _end_drag(self) -> None:
        self._dragging = False
