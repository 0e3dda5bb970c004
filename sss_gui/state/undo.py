"""Undo and redo of parameters and layers; one drag of a slider is one step, of one field."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.state.layer_edits import Edits
from sss_gui.state.overlay_choices import OverlayChoices
from sss_gui.state.segments import Segments
from sss_gui.state.session import Session
from sss_model.params import ClusterParams, FilterParams, ProjectionParams, SimilarityParams

LIMIT = 200


@dataclass(frozen=True)
class Adjustments:
    """Everything that undo brings back."""

    filter: FilterParams
    projection: ProjectionParams
    basis: Path | None
    similarity: SimilarityParams
    clusters: ClusterParams
    layers: Edits


class Undo(QObject):
    """Watches parameters and layers; opening another picture or model is no step.

    Signals
    -------
    changed : whether there is something to undo, and to redo
    """

    changed = Signal(bool, bool)

    def __init__(
        self, session: Session, choices: OverlayChoices, segments: Segments, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._choices, self._segments = session, choices, segments
        self._past: list[Adjustments] = []
        self._future: list[Adjustments] = []
        self._last = self._now()
        self._applying = False
        self._told = (False, False)
        self._dragging = False
        self._moved: set[str] = set()  # fields of the last step
        for field in (session.filter_changed, session.projection_changed, session.basis_changed):
            field.connect(self._record)
        for field in (choices.similarity_changed, choices.clusters_changed):
            field.connect(self._record)
        segments.edited.connect(self._record)
        segments.replaced.connect(self._follow_cut)
        session.reverted.connect(self._forget_failure)
        session.motion.rested.connect(self._end_drag)

    def undo(self) -> None:
        """Back to what was before the last change."""
        self._move(self._past, self._future)

    def redo(self) -> None:
        """Forward again."""
        self._move(self._future, self._past)

    def _now(self) -> Adjustments:
        state, choices = self._session.state, self._choices
        overlays = choices.similarity, choices.clusters
        return Adjustments(state.filter, state.projection, state.basis, *overlays, self._segments.edits)

    def _move(self, source: list[Adjustments], target: list[Adjustments]) -> None:
        if not source:
            return
        self._dragging = False
        target.append(self._last)
        step = source.pop()
        self._applying = True
        self._choices.set_similarity(step.similarity)
        self._choices.set_clusters(step.clusters)
        self._segments.set_edits(step.layers)
        state = self._session.state
        self._session.set_state(replace(state, filter=step.filter, projection=step.projection, basis=step.basis))
        self._applying = False
        self._last = self._now()
        self._tell()

    def _record(self) -> None:
        if self._applying or self._now() == self._last:
            return
        now = self._now()
        moved = _differing(self._last, now)
        if not self._dragging or moved != self._moved:
            self._past.append(self._last)
            del self._past[:-LIMIT]
        self._last, self._moved = now, moved
        self._dragging = self._session.motion.moving
        self._future.clear()
        self._tell()

    def _tell(self) -> None:
        possible = bool(self._past), bool(self._future)
        if possible != self._told:
            self._told = possible
            self.changed.emit(*possible)

    def _follow_cut(self) -> None:
        """The layers of another picture are no step."""
        self._last = replace(self._last, layers=self._segments.edits)

    def _forget_failure(self) -> None:
        """What failed is no step: neither the one to it, nor one that would go back to where we are again."""
        now = self._now()
        for steps in (self._past, self._future):
            if steps and steps[-1] == now:
                steps.pop()
        self._last = now
        self._tell()

    def _end_drag(self) -> None:
        self._dragging = False


def _differing(before: Adjustments, after: Adjustments) -> set[str]:
    """The fields in which the two differ, such as 'filter.radius'."""
    names = set()
    for group in fields(Adjustments):
        old, new = getattr(before, group.name), getattr(after, group.name)
        if group.name == "basis":
            names |= {group.name} if old != new else set()
            continue
        names |= {f"{group.name}.{f.name}" for f in fields(old) if getattr(old, f.name) != getattr(new, f.name)}
    return names
