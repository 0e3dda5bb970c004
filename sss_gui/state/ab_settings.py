"""Two sets of radius and eps, A and B: changes go to the one that is shown, one key flips between them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sss_gui.state.session import Session
from sss_model.params import FilterParams


class ABSettings(QObject):
    """Holds the set that is not shown; the shown one is the session's.

    Undo and redo put back the very record that was shown before, so a record tells whose it is, and the letter goes
    back with it.

    Attributes
    ----------
    letter : 'A' or 'B', which is shown

    Signals
    -------
    flipped : the letter that is shown now
    """

    flipped = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._hidden: FilterParams | None = None
        self._shown = session.state.filter
        self.letter = "A"
        session.filter_changed.connect(self._follow)

    def flip(self) -> None:
        """Show the other one; the first flip starts B from A."""
        if self._session.motion.moving:
            self._session.motion.rest()  # else undo takes the flip for a part of the drag
        current = self._session.state.filter
        other = self._hidden or current
        self._swap(other, current)
        self._session.set_filter(other)
        self.flipped.emit(self.letter)

    def _swap(self, shown: FilterParams, hidden: FilterParams) -> None:
        self.letter = "B" if self.letter == "A" else "A"
        self._shown, self._hidden = shown, hidden

    def _follow(self, params: FilterParams) -> None:
        if params is self._hidden and params is not self._shown:
            self._swap(params, self._shown)
            self.flipped.emit(self.letter)
        else:
            self._shown = params
