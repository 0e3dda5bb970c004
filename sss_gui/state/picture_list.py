"""The pictures that are open, and the place in their list that steps go from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from sss_gui.requests.panes import Source
from sss_gui.state.session import Session

Closed = tuple[tuple[int, Source], ...]


class PictureList(QObject):
    """Owns the list; which of its pictures is wanted is the session's `state.source`.

    Attributes
    ----------
    cursor : place of the picture that was chosen last, shown or not; -1 without one

    Signals
    -------
    changed : the list has other pictures, or the same ones in another order
    closed : the pictures that a user has closed, each with its place in the list
    """

    changed = Signal()
    closed = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sources: list[Source] = []
        self.cursor = -1
        session.reverted.connect(self._keep_shown)

    @property
    def sources(self) -> list[Source]:
        """The open pictures, in order."""
        return list(self._sources)

    @property
    def index(self) -> int:
        """Place of the picture that is wanted; -1 without one."""
        source = self._session.state.source
        return self._sources.index(source) if source in self._sources else -1

    def set(self, sources: Sequence[Source], index: int = 0) -> None:
        """Open these pictures in place of those that are open, and show one of them."""
        self._sources, self.cursor = list(sources), -1
        self.changed.emit()
        if self._sources:
            self.choose(min(max(index, 0), len(self._sources) - 1))
        else:
            self._session.set_source(None)

    def add(self, sources: Sequence[Source]) -> int:
        """Put those of `sources` that are not open yet at the end of the list; returns how many these are.

        The first of them is shown; where all are open already, the first of `sources`.
        """
        opened = set(self._sources)
        new = [source for source in dict.fromkeys(sources) if source not in opened]
        if new:
            self._sources += new
            self.changed.emit()
        if sources:
            self.choose(self._sources.index(new[0] if new else sources[0]))
        return len(new)

    def replace(self, old: Source, new: Source) -> None:
        """Put `new` in the place of `old`, which is the same file read in another way, and show it."""
        if new in self._sources:
            self.choose(self._sources.index(new))
        elif old in self._sources:
            place = self._sources.index(old)
            self._sources[place] = new
            self.changed.emit()
            self.choose(place)

    def arrange(self, sources: Sequence[Source]) -> None:
        """Put the open pictures into the order of `sources`; the one that is shown stays so."""
        place = {source: k for k, source in enumerate(sources)}
        order = sorted(self._sources, key=lambda source: place.get(source, len(place)))
        if order != self._sources:
            at_cursor = self._sources[self.cursor] if 0 <= self.cursor < len(self._sources) else None
            self._sources = order
            self.cursor = order.index(at_cursor) if at_cursor is not None else -1
            self.changed.emit()

    def choose(self, index: int) -> None:
        """Show picture `index`."""
        if 0 <= index < len(self._sources):
            self.cursor = index
            self._session.set_source(self._sources[index])

    def step(self, by: int) -> None:
        """Show the picture `by` places on from the one chosen last, stopping at the ends."""
        index = min(max(self.cursor + by, 0), len(self._sources) - 1)
        if index != self.cursor:
            self.choose(index)

    def remove(self, index: int) -> None:
        """Take picture `index` off the list; the file stays. The next one is shown in its place."""
        if not 0 <= index < len(self._sources):
            return
        closed, was_wanted = ((index, self._sources[index]),), index == self.index
        del self._sources[index]
        if index <= self.cursor:
            self.cursor -= 1
        self.changed.emit()
        if was_wanted and self._sources:
            self.choose(min(index, len(self._sources) - 1))
        elif was_wanted:
            self._session.set_source(None)
        self.closed.emit(closed)

    def close(self, sources: Sequence[Source]) -> None:
        """Take `sources` off the list."""
        for source in sources:
            if source in self._sources:
                self.remove(self._sources.index(source))

    def reopen(self, closed: Closed) -> None:
        """Put pictures that were closed back in their places, and show the first of them."""
        missing = [(place, source) for place, source in sorted(closed, key=lambda each: each[0])
                   if source not in self._sources]  # fmt: skip
        for place, source in missing:
            self._sources.insert(place, source)
        if missing:
            self.changed.emit()
            self.choose(self._sources.index(missing[0][1]))

    def close_shown(self) -> None:
        """Take the picture that is wanted off the list."""
        self.remove(self.index)

    def close_all(self) -> None:
        """Empty the list and the panes."""
        closed = tuple(enumerate(self._sources))
        self.set(())
        if closed:
            self.closed.emit(closed)

    def _keep_shown(self) -> None:
        """What was chosen could not be shown: what is shown stays in the list, even where another replaced it."""
        source = self._session.state.source
        if source is not None and source not in self._sources:
            self._sources.insert(0, source)
            self.cursor += 1
            self.changed.emit()
