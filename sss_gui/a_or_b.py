"""Two sets of radius and eps, A and B: changes go to the one that is shown, one key flips between them."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from sss_gui.session import Session, State
from sss_model.params import FilterParams


class AOrB(QObject):
    """Remembers both.

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
        self._kept[self.letter] = self._session.state.filter
        other = "B" if self.letter == "A" else "A"
        self.letter = other
        self._session.set_filter(self._kept[other] or self._session.state.filter)
        self.flipped.emit(other)

    def _keep(self, state: State) -> None:
        self._kept[self.letter] = state.filter
