"""Two sets of radius and eps, A and B: changes go to the one that is shown, one key flips between them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sss_gui.state.session import Session, State
from sss_model.params import FilterParams


class ABSettings(QObject):
    """Remembers both.

    Undo and redo put back the very record that was shown before, so a record tells whose it is, and the letter goes
    back with it.

    Signals
    -------
    flipped : 'A' or 'B', which is shown now
    """

    flipped = Signal(str)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._kept: dict[str, FilterParams | None] = {"A": session.state.filter, "B": None}
        self.letter = "A"
        session.state_changed.connect(self._keep)

    def flip(self) -> None:
        """Show the other one; the first flip starts B from A."""
        if self._session.moving:
            self._session.settle()  # else history takes the flip for a part of the drag
        self._kept[self.letter] = self._session.state.filter
        self.letter = self._other
        self._session.set_filter(self._kept[self.letter] or self._session.state.filter)
        self.flipped.emit(self.letter)

    @property
    def _other(self) -> str:
        return "B" if self.letter == "A" else "A"

    def _keep(self, state: State) -> None:
        if state.filter is self._kept[self.letter]:
            return
        if state.filter is self._kept[self._other]:
            self.letter = self._other
            self.flipped.emit(self.letter)
        self._kept[self.letter] = state.filter
