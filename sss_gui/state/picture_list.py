"""The pictures that are open, and the place in their list that steps go from."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.panes import Source
from sss_gui.state.session import Session


class PictureList(QObject):
    """Owns the list; which of its pictures is wanted is the session's `state.source`.

    Attributes
    ----------
    cursor : place of the picture that was chosen last, shown or not; -1 without one

    Signals
    -------
    changed : the list has other pictures, or the same ones in another order
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sources: list[Source] = []
        self._former: list[Source] = []  # the last list whose picture was displayed
        self.cursor = -1
        session.reverted.connect(self._come_back)

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
        """Open these pictures in place of those that are open, and show one of them.

        If it is a single one that cannot be shown, the list before comes back.
        """
        self._replace(sources)
        if self._sources:
            self.choose(min(max(index, 0), len(self._sources) - 1))

    def open(self, source: Source) -> None:
        """Show `source`: where it is in the list, or else as the only one; pasted pixels join the list."""
        if source not in self._sources:
            self._replace([*self._sources, source] if source.path is None else [source])
        self.choose(self._sources.index(source))

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
        if len(self._sources) < 2 or not 0 <= index < len(self._sources):
            return
        was_wanted = index == self.index
        del self._sources[index]
        if index <= self.cursor:
            self.cursor -= 1
        self.changed.emit()
        if was_wanted:
            self.choose(min(index, len(self._sources) - 1))

    def _replace(self, sources: Sequence[Source]) -> None:
        if self._session.displayed in self._sources:
            self._former = self._sources
        self._sources, self.cursor = list(sources), -1
        self.changed.emit()

    def _come_back(self) -> None:
        """What was chosen could not be shown: bring back the list of what is, where a single picture replaced it."""
        source = self._session.state.source
        if source is not None and source not in self._sources and len(self._sources) == 1:
            self._replace(self._former if source in self._former else [source])
            self.cursor = self.index
