"""Undo and redo of parameter changes; one drag of a slider is one step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.presenters.overlays import OverlaysPresenter
from sss_gui.state.session import Session
from sss_model.params import ClusterParams, FilterParams, ProjectionParams, SimilarityParams

LIMIT = 200


@dataclass(frozen=True)
class Step:
    """Every parameter that a step may change."""

    filter: FilterParams
    projection: ProjectionParams
    basis: Path | None
    similarity: SimilarityParams
    clusters: ClusterParams


class Undo(QObject):
    """Watches the parameters; opening another picture or model is no step.

    Signals
    -------
    changed : whether there is something to undo, and to redo
    """

    changed = Signal(bool, bool)

    def __init__(self, session: Session, overlays: OverlaysPresenter, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._overlays = session, overlays
        self._past: list[Step] = []
        self._future: list[Step] = []
        self._last = self._now()
        self._applying = False
        self._dragging = False
        session.state_changed.connect(lambda _state: self._watch())
        overlays.changed.connect(self._watch)
        for part in (session, overlays):
            part.settled.connect(self._end_drag)

    def undo(self) -> None:
        """Back to the parameters before the last change."""
        self._move(self._past, self._future)

    def redo(self) -> None:
        """Forward again."""
        self._move(self._future, self._past)

    def _now(self) -> Step:
        state, over = self._session.state, self._overlays
        return Step(state.filter, state.projection, state.basis, over.similarity, over.clusters)

    def _move(self, source: list[Step], target: list[Step]) -> None:
        if not source:
            return
        self._dragging = False
        target.append(self._last)
        step, over = source.pop(), self._overlays
        self._applying = True
        if (step.similarity, step.clusters) != (over.similarity, over.clusters):
            over.restore(over.shown, step.similarity, step.clusters)
        state = self._session.state
        self._session.set_state(replace(state, filter=step.filter, projection=step.projection, basis=step.basis))
        self._applying = False
        self.changed.emit(bool(self._past), bool(self._future))

    def _watch(self) -> None:
        before, self._last = self._last, self._now()
        if self._session.falling_back:
            self._forget_failure()
            return
        if self._applying or before == self._last:
            return
        if not self._dragging:
            self._past.append(before)
            del self._past[:-LIMIT]
        self._dragging = self._session.moving or self._overlays.moving
        self._future.clear()
        self.changed.emit(True, False)

    def _forget_failure(self) -> None:
        """What failed is no step: neither the one to it, nor one that would go back to where we are again."""
        for steps in (self._past, self._future):
            if steps and steps[-1] == self._last:
                steps.pop()
        self.changed.emit(bool(self._past), bool(self._future))

    def _end_drag(self) -> None:
        self._dragging = False
