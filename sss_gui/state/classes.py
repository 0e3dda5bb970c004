"""Classes that a user teaches by strokes on any open picture: their names and strokes, and what these taught."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.classes import ConfidenceRequest, OpenClassesRequest, Painted, SaveClassesRequest, StrokeRequest
from sss_gui.requests.panes import Source
from sss_gui.requests.segments import Colour
from sss_gui.state.layer_edits import COLOURS, Layer, unlike
from sss_gui.state.session import Session
from sss_model.classes import DOUBTFUL, FeatureSource, TaughtClasses
from sss_model.classes.taught import MOST_CLASSES


@dataclass(frozen=True)
class ClassEntry:
    """A class: its number, from 1 and the same for as long as it lives, its name and colour."""

    number: int
    name: str
    colour: Colour


Strokes = tuple[Painted, ...]


class Classes(QObject):
    """Owns the classes: one classifier for all open pictures, taught by the strokes of each.

    Strokes of a class that was removed stay, and count again once it is back.

    Attributes
    ----------
    entries : the classes in their order
    active : number of the class that the brush paints; 0 for none
    taught : what the strokes teach; None while fewer than two classes have some
    confidence : how sure the classes are of pictures, as they are taught now
    rated : of pictures whose confidence was known before the last stroke

    Signals
    -------
    entries_changed, active_changed, confidence_changed : the field of that name has another value
    strokes_changed : Source or None (of a file), whose strokes are other ones
    taught_changed : what the strokes teach is another thing
    entries_edited : the name of what a user did that undo takes back, and the entries before
    strokes_edited : the same of a picture's strokes: the name, Source, and its strokes before
    noted : a sentence for the status line
    """

    entries_changed = Signal()
    active_changed = Signal(int)
    confidence_changed = Signal()
    strokes_changed = Signal(object)
    taught_changed = Signal()
    entries_edited = Signal(str, object)
    strokes_edited = Signal(str, object, object)
    noted = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.entries: tuple[ClassEntry, ...] = ()
        self.active = 0
        self._strokes: dict[Source | None, Strokes] = {}
        self.taught: TaughtClasses | None = None
        self._last = 0  # number given last
        self.confidence: dict[Source, float] = {}
        self.rated: list[Source] = []
        self._under = Channel(session.worker, Rank.STROKE, keeps_all=True)
        self._files = Channel(session.worker, Rank.EXPORT, keeps_all=True, busy=True)
        self._redone = Channel(session.worker, Rank.PREFETCH, quiet=True)
        for changed in (session.model_changed, session.extract_changed):
            changed.connect(lambda _value: self._forget_confidence())
        session.worker.activity.busy_changed.connect(lambda busy: None if busy else self._redo())

    # what there is ---------------------------------------------------------------------------------------------------

    @property
    def taught_entries(self) -> tuple[ClassEntry, ...]:
        """The classes that have strokes, in the order of `taught`; none while that is None."""
        return self._with_strokes() if self.taught is not None else ()

    @property
    def features(self) -> FeatureSource | None:
        """The features that the strokes lie on."""
        return next((painted.features for painted in self._live()), None)

    def entry(self, number: int) -> ClassEntry | None:
        """The class of that number."""
        return next((entry for entry in self.entries if entry.number == number), None)

    def strokes_of(self, source: Source | None) -> Strokes:
        """The strokes on a picture, those of removed classes too; of None: those that a file brought."""
        return self._strokes.get(source, ())

    @property
    def strokes(self) -> Mapping[Source | None, Strokes]:
        """The strokes of every picture whose classes are there."""
        numbers = {entry.number for entry in self.entries}
        live = {s: tuple(p for p in painted if p.number in numbers) for s, painted in self._strokes.items()}
        return {source: painted for source, painted in live.items() if painted}

    def count(self, number: int) -> int:
        """How many strokes a class has."""
        return sum(painted.number == number for painted in self._live())

    def is_doubtful(self, source: Source) -> bool:
        """Whether the classes are known to be unsure of a picture."""
        return self.confidence.get(source, 1.0) < DOUBTFUL

    def _live(self) -> list[Painted]:
        numbers = {entry.number for entry in self.entries}
        return [painted for strokes in self._strokes.values() for painted in strokes if painted.number in numbers]

    def _with_strokes(self) -> tuple[ClassEntry, ...]:
        numbers = {painted.number for painted in self._live()}
        return tuple(entry for entry in self.entries if entry.number in numbers)

    # classes ---------------------------------------------------------------------------------------------------------

    def add(self, name: str) -> None:
        """Put a class behind the others; the brush paints it."""
        if not name.strip():
            self.noted.emit("Name the class first: sky, skin, the red car.")
        elif len(self.entries) >= MOST_CLASSES:
            self.noted.emit(f"There is room for {MOST_CLASSES} classes.")
        else:
            entry = self._new_entry(name, None, self.entries)
            self._edit(f"class {entry.name}", (*self.entries, entry))
            self.set_active(entry.number)

    def _new_entry(self, name: str, colour: Colour | None, others: Sequence[ClassEntry]) -> ClassEntry:
        """One that is unlike `others`."""
        self._last += 1
        free = [other for other in COLOURS if other not in {entry.colour for entry in others}]
        colour = colour or (free[0] if free else COLOURS[self._last % len(COLOURS)])
        return ClassEntry(self._last, unlike(name.strip(), [entry.name for entry in others]), colour)

    def remove(self, number: int) -> None:
        """Take a class away, with what its strokes taught."""
        entry = self.entry(number)
        if entry is not None:
            self._edit(f"remove {entry.name}", tuple(other for other in self.entries if other.number != number))

    def rename(self, number: int, name: str) -> None:
        """Call a class `name`; a number goes behind it where another is called so."""
        others = [entry.name for entry in self.entries if entry.number != number]
        if name.strip():
            new = unlike(name.strip(), others)
            self._change("rename class", number, lambda entry: replace(entry, name=new))

    def set_colour(self, number: int, colour: Colour) -> None:
        """Show a class in `colour`."""
        self._change("class's colour", number, lambda entry: replace(entry, colour=colour))

    def arrange(self, numbers: Sequence[int]) -> None:
        """Put the classes into that order; those that are not named come last."""
        place = {number: k for k, number in enumerate(numbers)}
        order = sorted(self.entries, key=lambda entry: place.get(entry.number, len(place)))
        self._edit("order of classes", tuple(order))

    def set_active(self, number: int) -> None:
        """Let the brush paint that class."""
        number = number if self.entry(number) else 0
        if number != self.active:
            self.active = number
            self.active_changed.emit(number)

    def set_entries(self, entries: tuple[ClassEntry, ...]) -> None:
        """All classes at once, as undo does."""
        if entries != self.entries:
            self.entries = entries
            if self.entry(self.active) is None:
                self.set_active(entries[-1].number if entries else 0)
            self._teach()
            self.entries_changed.emit()

    def _change(self, name: str, number: int, change: Callable[[ClassEntry], ClassEntry]) -> None:
        self._edit(name, tuple(change(entry) if entry.number == number else entry for entry in self.entries))

    def _edit(self, name: str, entries: tuple[ClassEntry, ...]) -> None:
        before = self.entries
        if entries != before:
            self.set_entries(entries)
            self.entries_edited.emit(name, before)

    # strokes ---------------------------------------------------------------------------------------------------------

    def paint(self, points: Sequence[tuple[float, float]], radius: float) -> None:
        """Teach the active class by a stroke on the picture that shows, in pixels of it."""
        session, entry = self._session, self.entry(self.active)
        if entry is None:
            self.noted.emit("Name a class first, then paint some of it.")
        elif session.shown is None or session.shown != session.displayed:
            self.noted.emit("Wait for the features: they say what belongs together.")
        else:
            features = replace(session.state, source=session.shown).features()
            request = StrokeRequest(features, entry.number, entry.name, tuple(points), radius, self.features)
            self._under.ask(request, partial(self._take_stroke, session.shown))

    def _take_stroke(self, source: Source, painted: Painted) -> None:
        entry, before = self.entry(painted.number), self.strokes_of(source)
        if entry is not None:
            self.set_strokes(source, (*before, painted))
            self.strokes_edited.emit(f"stroke of {entry.name}", source, before)

    def set_strokes(self, source: Source | None, strokes: Strokes) -> None:
        """All strokes of a picture, as undo does."""
        if strokes != self.strokes_of(source):
            self._strokes[source] = strokes
            self._teach()
            self.strokes_changed.emit(source)

    def recall(self, source: Source | None, strokes: Sequence[tuple[str, Colour, Painted]]) -> bool:
        """Strokes of former runs, with the names and colours of their classes; says whether there are new ones.

        A stroke that a file has brought already goes over to its picture.
        """
        new = [one for one in strokes if not any(_alike(one[2], other) for other in self.strokes_of(source))]
        if not new:
            return False
        brought = self.strokes_of(None) if source is not None else ()
        numbers = {entry.name.casefold(): entry.number for entry in self.entries}
        entries = list(self.entries)
        painted = []
        for name, colour, one in new:
            twin = next((other for other in brought if _alike(one, other)), None)
            if twin is not None:
                brought = tuple(other for other in brought if other is not twin)
            elif name.casefold() not in numbers:
                entries.append(self._new_entry(name, colour, entries))
                numbers[name.casefold()] = entries[-1].number
            number = twin.number if twin is not None else numbers[name.casefold()]
            painted.append(replace(one, number=number))
        if source is not None:
            self._strokes[None] = brought
        self._strokes[source] = (*self.strokes_of(source), *painted)
        self.set_entries(tuple(entries))
        self._teach()
        self.strokes_changed.emit(source)
        return True

    def restore(self, entries: tuple[ClassEntry, ...], strokes: Mapping[Source | None, Strokes]) -> None:
        """What a session has, in place of what is there."""
        former = [*self._strokes, *strokes]
        self._strokes = dict(strokes)
        self._last = max([self._last, *(entry.number for entry in entries)])
        self.set_entries(entries)
        self._teach()
        for source in dict.fromkeys(former):
            self.strokes_changed.emit(source)

    def _teach(self) -> None:
        """What the strokes teach now; told only where it is another thing."""
        before, entries = self.taught, self._with_strokes()
        features = self.features
        if features is None or len(entries) < 2:
            self.taught = None
        else:
            names = {entry.number: entry.name for entry in entries}
            strokes = tuple(
                replace(painted.stroke, name=names[painted.number])
                for painted in self._live()
                if (painted.features.channels, painted.features.sha256) == (features.channels, features.sha256)
            )
            colours = tuple(entry.colour for entry in entries)
            new = TaughtClasses(features, tuple(names.values()), strokes, colours)
            self.taught = before if before is not None and _same(new, before) else new
        if self.taught is not before:
            self._forget_confidence()
            self._redone.drop()
            self.taught_changed.emit()
            self._redo()

    # confidence ------------------------------------------------------------------------------------------------------

    def rate(self, source: Source, taught: TaughtClasses | None, confidence: float | None) -> None:
        """How sure `taught` are of a picture; what was taught since makes that worthless."""
        if confidence is not None and taught is self.taught and taught is not None:
            self.confidence[source] = confidence
            self.confidence_changed.emit()

    def confidence_request(self, source: Source, *, compute: bool = False) -> ConfidenceRequest | None:
        """The question how sure the classes are of `source`; None while nothing is taught."""
        if self.taught is None:
            return None
        features = replace(self._session.state, source=source).features()
        return ConfidenceRequest(features, self.taught, compute)

    def _forget_confidence(self) -> None:
        self.rated = list(dict.fromkeys([*self.rated, *self.confidence]))
        if self.confidence:
            self.confidence.clear()
            self.confidence_changed.emit()

    def _redo(self) -> None:
        """Ask again, while nothing else is wanted, of the pictures that were rated before and are remembered."""
        waiting = [source for source in self.rated if source not in self.confidence]
        request = self.confidence_request(waiting[0]) if waiting and not self._redone.pending else None
        if request is not None:
            source = waiting[0]
            self._redone.ask(request, partial(self.rate, source, self.taught), partial(self._go_on, source))

    def _go_on(self, source: Source, ended: Ended) -> None:
        """With the next one; what something else stopped is asked again once the window has nothing to do."""
        if ended.outcome != "cancelled":
            self.rated = [other for other in self.rated if other != source]
            self._redo()

    # files -----------------------------------------------------------------------------------------------------------

    def save(self, path: Path) -> None:
        """Write what is taught into `path`."""
        if self.taught is None:
            self.noted.emit("Teach two classes or more before they are saved: each needs a stroke.")
            return
        bare = [entry.name for entry in self.entries if entry not in self.taught_entries]
        left_out = f"; without a stroke, and left out: {', '.join(bare)}" if bare else ""
        words = f"Saved {_counted(self.taught_entries)} as {path.name}{left_out}."
        self._files.ask(SaveClassesRequest(path, self.taught), lambda _result: self.noted.emit(words))

    def open(self, path: Path) -> None:
        """Take the classes of `path` in place of those that are there; undo brings these back."""
        self._files.ask(OpenClassesRequest(path), partial(self._take_file, path))

    def _take_file(self, path: Path, classes: TaughtClasses) -> None:
        colours = classes.colours or (None,) * len(classes.names)
        entries: list[ClassEntry] = []
        for name, colour in zip(classes.names, colours, strict=True):
            entries.append(self._new_entry(name, colour, entries))
        numbers = {name: entry.number for name, entry in zip(classes.names, entries, strict=True)}
        brought = tuple(Painted(numbers[stroke.name], classes.source, stroke) for stroke in classes.strokes)
        self._strokes[None] = (*self.strokes_of(None), *brought)
        self._edit(f"open {path.name}", tuple(entries))
        self.noted.emit(f"Opened {_counted(entries)} of {path.name}.")


def class_layers(entries: Sequence[ClassEntry], before: Sequence[Layer]) -> tuple[Layer, ...]:
    """A layer for each taught class, in their order; those of `before` with the same number stay hidden."""
    hidden = {layer.number for layer in before if not layer.shown}
    return tuple(
        Layer(entry.number, frozenset([k]), entry.name, entry.colour, entry.number not in hidden)
        for k, entry in enumerate(entries)
    )


def looking_like(layers: Sequence[Layer], entries: Sequence[ClassEntry]) -> tuple[Layer, ...]:
    """`layers` with the names, the colours and in the order of the classes of their numbers."""
    by_number = {layer.number: layer for layer in layers}
    there = [entry for entry in entries if entry.number in by_number]
    return tuple(replace(by_number[entry.number], name=entry.name, colour=entry.colour) for entry in there)


def _counted(entries: Sequence[ClassEntry]) -> str:
    return f"{len(entries)} class{'es' if len(entries) != 1 else ''}"


def _alike(one: Painted, other: Painted) -> bool:
    """Whether two strokes are the same one, by what lies under it."""
    a, b = one.stroke, other.stroke
    return a.radius == b.radius and a.points.tolist() == b.points.tolist() and a.vectors.tolist() == b.vectors.tolist()


def _same(one: TaughtClasses, other: TaughtClasses) -> bool:
    """Whether two are taught by the same strokes and look alike."""
    if (one.source, one.names, one.colours, len(one.strokes)) != (
        other.source, other.names, other.colours, len(other.strokes),
    ):  # fmt: skip
        return False
    return all(a.name == b.name and a.vectors is b.vectors for a, b in zip(one.strokes, other.strokes, strict=True))
