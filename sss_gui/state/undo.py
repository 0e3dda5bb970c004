"""Undo and redo, a list for each picture: of its pins, its matte and layers, and of what all pictures share."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.panes import Source
from sss_gui.state.classes import ClassEntry, Classes, Strokes
from sss_gui.state.layer_edits import Edits, with_matte
from sss_gui.state.overlay_choices import OverlayChoices
from sss_gui.state.picture_list import Closed, PictureList
from sss_gui.state.pins import Pins, Point
from sss_gui.state.segments import Segments
from sss_gui.state.session import Session
from sss_gui.state.step_names import shared_words

LIMIT = 200

Values = dict[str, Any]


@dataclass
class Step:
    """What somebody did.

    Attributes
    ----------
    number : steps done later have larger ones
    before, after : values of the fields that it changed
    """

    name: str
    number: int
    before: Values
    after: Values


Steps = dict[Source | None, list[Step]]  # of each picture; of None what all pictures share


class Undo(QObject):
    """Takes back what was done to the displayed picture, and to what all pictures share, the last thing first.

    Radius, basis, similarity, the names of classes and their like are the same for every picture, so a change of them
    can be taken back from each; pins, mattes, layers and the strokes of classes only where they are. A closed picture
    comes back. One drag of a slider is one step. Opening a picture, and another model, are none.

    Signals
    -------
    changed : the names of what can be undone, and redone; '' for nothing
    """

    changed = Signal(str, str)

    def __init__(
        self,
        session: Session,
        pictures: PictureList,
        pins: Pins,
        choices: OverlayChoices,
        segments: Segments,
        classes: Classes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._pictures, self._pins = session, pictures, pins
        self._choices, self._segments, self._classes = choices, segments, classes
        self._past: Steps = {}
        self._future: Steps = {}
        self._numbers = itertools.count(1)
        self._shared = self._shared_now()
        self._applying = False
        self._told = "", ""
        self._dragged: Step | None = None  # that further changes of the same drag belong to
        for field in (session.filter_changed, session.projection_changed, session.basis_changed):
            field.connect(self._record_shared)
        for field in (choices.similarity_changed, choices.clusters_changed):
            field.connect(self._record_shared)
        pins.edited.connect(self._record_pins)
        segments.edited.connect(self._record_edits)
        classes.entries_edited.connect(self._record_classes)
        classes.strokes_edited.connect(self._record_strokes)
        pictures.closed.connect(self._record_closed)
        segments.replaced.connect(self._follow_cut)
        session.displayed_changed.connect(self._tell)
        session.reverted.connect(self._forget_failure)
        session.motion.rested.connect(self._end_drag)

    @property
    def has_steps(self) -> bool:
        """Whether anything was done that is not undone, to any picture."""
        return any(self._past.values())

    def undo(self) -> None:
        """Back to what was before the last step."""
        self._move(self._past, self._future, max, lambda step: (step.before, step.after))

    def redo(self) -> None:
        """Forward again."""
        self._move(self._future, self._past, min, lambda step: (step.after, step.before))

    # steps -----------------------------------------------------------------------------------------------------------

    def _record_shared(self, _value: object) -> None:
        before, self._shared = self._shared, self._shared_now()
        now = self._shared
        moved = {name for name in now if now[name] != before[name]}
        if moved and not self._applying:
            name = shared_words(before, now)
            self._record(None, name, {f: before[f] for f in moved}, {f: now[f] for f in moved})

    def _record_pins(self, name: str, before: list[Point]) -> None:
        self._record(self._session.displayed, name, {"pins": before}, {"pins": self._pins.points})

    def _record_edits(self, name: str, before: Edits) -> None:
        self._record(self._session.displayed, name, {"edits": before}, {"edits": self._segments.edits})

    def _record_classes(self, name: str, before: tuple[ClassEntry, ...]) -> None:
        self._record(None, name, {"classes": before}, {"classes": self._classes.entries})

    def _record_strokes(self, name: str, source: Source, before: Strokes) -> None:
        after = self._classes.strokes_of(source)
        self._record(source, name, {"strokes": (source, before)}, {"strokes": (source, after)})

    def _record_closed(self, closed: Closed) -> None:
        if not self._applying:
            name = closed[0][1].name if len(closed) == 1 else f"{len(closed)} pictures"
            self._record(None, f"close {name}", {"closed": ()}, {"closed": closed})

    def _record(self, key: Source | None, name: str, before: Values, after: Values) -> None:
        """A step more in the list of `key`; one that goes on with what is being dragged belongs to that."""
        steps, dragged = self._past.setdefault(key, []), self._dragged
        if dragged is not None and steps and steps[-1] is dragged and dragged.name == name:
            dragged.after = after
        else:
            dragged = Step(name, next(self._numbers), before, after)
            steps.append(dragged)
            del steps[:-LIMIT]
        self._dragged = dragged if self._session.motion.moving else None
        for other in (None, self._session.displayed):
            self._future.pop(other, None)
        self._tell()

    def _move(
        self,
        source: Steps,
        target: Steps,
        first: Callable[..., tuple[int, Source | None]],
        sides: Callable[[Step], tuple[Values, Values]],
    ) -> None:
        """Take the `first` of the steps that can be taken from `source` to `target`, and do it."""
        tops = self._tops(source, sides)
        if not tops:
            return
        self._dragged = None
        number, key = first((step.number, key) for key, step in tops.items())
        step = next(step for step in source[key] if step.number == number)
        source[key].remove(step)
        target.setdefault(key, []).append(step)
        self._applying = True
        self._apply(*sides(step))
        self._applying = False
        self._shared = self._shared_now()
        self._tell()

    def _tops(self, steps: Steps, sides: Callable[[Step], tuple[Values, Values]]) -> dict[Source | None, Step]:
        """The last step of the displayed picture, and of what all share, that would change something."""
        tops = {}
        for key in dict.fromkeys((None, self._session.displayed)):
            step = next((step for step in reversed(steps.get(key, ())) if self._changes(*sides(step))), None)
            if step is not None:
                tops[key] = step
        return tops

    def _changes(self, values: Values, others: Values) -> bool:
        """Whether `values` would change something; layers of features that are wanted no more would not."""
        if "edits" in values:
            return self._edits_of(values["edits"], others["edits"]) != self._segments.edits
        if "pins" in values:
            return bool(values["pins"] != self._pins.points)
        if "classes" in values:
            return bool(values["classes"] != self._classes.entries)
        if "strokes" in values:
            source, strokes = values["strokes"]
            return bool(strokes != self._classes.strokes_of(source))
        if "closed" in values:
            opened, closed = self._pictures.sources, values["closed"] or others["closed"]
            return any((source in opened) == bool(values["closed"]) for _, source in closed)
        return any(self._shared[name] != value for name, value in values.items())

    def _apply(self, values: Values, others: Values) -> None:
        if "edits" in values:
            self._segments.set_edits(self._edits_of(values["edits"], others["edits"]))
        elif "pins" in values:
            self._pins.set(values["pins"])
        elif "classes" in values:
            self._classes.set_entries(values["classes"])
        elif "strokes" in values:
            self._classes.set_strokes(*values["strokes"])
        elif values.get("closed"):
            self._pictures.close([source for _, source in values["closed"]])
        elif "closed" in values:
            self._pictures.reopen(others["closed"])
        else:
            shared = {**self._shared, **values}
            self._choices.set_similarity(shared.pop("similarity"))
            self._choices.set_clusters(shared.pop("clusters"))
            self._session.set_state(replace(self._session.state, **shared))

    def _edits_of(self, edits: Edits, other: Edits) -> Edits:
        """What `edits` make of those that are there: the matte alone where that is all that differs from `other`."""
        now = self._segments.edits
        if edits.cut == now.cut:
            return edits
        return with_matte(now, edits) if with_matte(other, edits) == edits else now

    # what happens beside ---------------------------------------------------------------------------------------------

    def _shared_now(self) -> Values:
        state, choices = self._session.state, self._choices
        return {
            "filter": state.filter,
            "projection": state.projection,
            "basis": state.basis,
            "similarity": choices.similarity,
            "clusters": choices.clusters,
        }

    def _follow_cut(self) -> None:
        """The same layers, made anew because their features were, are those that the steps are about."""
        now = self._segments.edits
        of_picture = [step for steps in (self._past, self._future) for step in steps.get(self._session.displayed, ())]
        records = [values for step in of_picture for values in (step.before, step.after) if "edits" in values]
        former = {values["edits"].cut for values in records if replace(values["edits"], cut=now.cut) == now}
        for values in records:
            if values["edits"].cut in former - {None} and _method(values["edits"].cut) == _method(now.cut):
                values["edits"] = replace(values["edits"], cut=now.cut)
        self._tell()

    def _forget_failure(self) -> None:
        """What failed is no step: neither the one to it, nor one that would go back to where we are again."""
        now, before, self._shared = self._shared_now(), self._shared, self._shared_now()
        past, future = self._past.get(None), self._future.get(None)
        if now != before and past and not self._changes(past[-1].before, past[-1].after):
            past.pop()
        if now != before and future and not self._changes(future[-1].after, future[-1].before):
            future.pop()
        self._tell()

    def _end_drag(self) -> None:
        self._dragged = None

    def _tell(self) -> None:
        past = self._tops(self._past, lambda step: (step.before, step.after)).values()
        future = self._tops(self._future, lambda step: (step.after, step.before)).values()
        names = (
            max(past, key=lambda step: step.number).name if past else "",
            min(future, key=lambda step: step.number).name if future else "",
        )
        if names != self._told:
            self._told = names
            self.changed.emit(*names)


def _method(cut: object) -> object:
    """The source and the method of a cut, which features of another number leave the same."""
    return (cut[0], cut[-1]) if isinstance(cut, tuple) else None
