"""Which of the open pictures something is done to: the one that shows, all, or some by their places in the strip."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from sss_gui.widgets.layout import row
from sss_model.errors import ParameterError

_THIS, _ALL, _SOME = range(3)
_PART = re.compile(r"\s*(\d+)\s*(?:[-\u2013]\s*(\d+))?\s*")


class PictureScope(QWidget):
    """A choice, and for some of the pictures a field such as 1-3, 7.

    Parameters
    ----------
    names : of the open pictures, in the strip's order
    current : place of the one that shows, from 0
    all_of_them : what is chosen to begin with: all, or the one that shows

    Signals
    -------
    changed : something else is chosen
    """

    changed = Signal()

    def __init__(self, names: Sequence[str], current: int, *, all_of_them: bool) -> None:
        super().__init__()
        self._count, self._current = len(names), current
        self._choice, self._range = QComboBox(), QLineEdit(f"1-{len(names)}")
        self._choice.setAccessibleName("Pictures")
        self._choice.addItems([f"This one, {names[current]}", f"All {len(names)} open pictures", "Some of them"])
        self._choice.setCurrentIndex(_ALL if all_of_them else _THIS)
        self._range.setAccessibleName("Places in the film strip")
        self._range.setToolTip("Places in the film strip, such as 1-3, 7")
        self._choice.currentIndexChanged.connect(self._choose)
        self._range.textChanged.connect(self.changed)
        self.setLayout(row((self._choice, 1), (self._range, 1)))
        self._range.setVisible(False)

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the chosen pictures, from 0.

        Raises
        ------
        ParameterError : the field names none, or places that there are not
        """
        chosen = self._choice.currentIndex()
        if chosen == _THIS:
            return (self._current,)
        return tuple(range(self._count)) if chosen == _ALL else places_of(self._range.text(), self._count)

    def _choose(self, chosen: int) -> None:
        self._range.setVisible(chosen == _SOME)
        self.changed.emit()


def places_of(text: str, count: int) -> tuple[int, ...]:
    """The places, from 0, that `text` such as "1-3, 7" names of `count`; raises `ParameterError` where it does not."""
    places: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= count:
            raise ParameterError(f"The pictures must be places from 1 to {count} such as 1-3, 7; got {text.strip()!r}.")
        places |= set(range(first - 1, last))
    return tuple(sorted(places))
