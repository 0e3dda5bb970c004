"""Up to four widgets in splitters: 2 x 2, all in a row, or one large beside the others; all or one of them shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

from sss_gui.widgets.layout import column

ARRANGEMENTS = ("grid", "row", "large")
_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
_SHARES = {"grid": (1, 1), "large": (7, 3)}  # of the two inner splitters; in a row each widget has the same


class QuadSplitter(QWidget):
    """Two splitters in a splitter; in the grid the two rows keep one common upright edge.

    Parameters
    ----------
    large : index of the widget that the arrangement `large` enlarges
    arrangement : one of `ARRANGEMENTS`, which stays until another is chosen

    Attributes
    ----------
    solo_number : 0 where all show, else 1, 2, ...

    Signals
    -------
    solo_changed : 0 for all, 1.. for one
    arrangement_changed : one of `ARRANGEMENTS`
    """

    solo_changed = Signal(int)
    arrangement_changed = Signal(str)

    def __init__(self, widgets: Sequence[QWidget], *, large: int = 0, arrangement: str = "grid") -> None:
        super().__init__()
        self._widgets = list(widgets)
        self._large, self.solo_number = large, 0
        self.arrangement = arrangement
        self._outer = QSplitter(_DOWN, self)
        self._inner = [QSplitter(_ACROSS, self._outer) for _ in range(2)]
        self._splitters = (self._outer, *self._inner)
        for splitter in self._splitters:
            splitter.setHandleWidth(4)
            splitter.setChildrenCollapsible(False)
        self._inner[0].splitterMoved.connect(lambda: self._follow(0, 1))
        self._inner[1].splitterMoved.connect(lambda: self._follow(1, 0))
        self.setLayout(column(self._outer))
        self._arrange()

    @property
    def large(self) -> int | None:
        """Index of the widget that is larger than the others; None where all are about as large."""
        return self._large if self.arrangement == "large" else None

    def arrange(self, arrangement: str) -> None:
        """Lay the widgets out as `arrangement`, one of `ARRANGEMENTS`."""
        if arrangement not in ARRANGEMENTS:
            raise ValueError(f"arrangement must be one of {', '.join(ARRANGEMENTS)}; got {arrangement!r}.")
        if arrangement != self.arrangement:
            self.arrangement = arrangement
            self._arrange()
            self.arrangement_changed.emit(arrangement)

    def set_large(self, index: int) -> None:
        """Let the arrangement `large` enlarge the widget of that index; the splitters stay where they are."""
        if index != self._large:
            self._large = index
            if self.arrangement == "large":
                laid_out = self.isVisible() and not self.solo_number
                sizes = [splitter.sizes() for splitter in self._splitters]
                self._arrange()
                for splitter, parts in zip(self._splitters, sizes, strict=True) if laid_out else ():
                    splitter.setSizes(parts)
                self.arrangement_changed.emit(self.arrangement)

    def solo(self, number: int) -> None:
        """Show only widget 1, 2, ...; 0 shows all."""
        if number not in range(len(self._widgets) + 1):
            raise ValueError(f"number must be from 0 to {len(self._widgets)}, got {number}.")
        for index, widget in enumerate(self._widgets):
            widget.setVisible(number in (0, index + 1))
        for splitter, group in zip(self._inner, self._groups(), strict=True):
            splitter.setVisible(number in (0, *(self._widgets.index(widget) + 1 for widget in group)))
            splitter.refresh()  # at once, not when events are next looked at
        if number != self.solo_number:
            self.solo_number = number
            self.solo_changed.emit(number)

    def save_state(self) -> bytes:
        """Arrangement, solo and the sizes in the splitters, as JSON."""
        sizes = [splitter.sizes() for splitter in self._splitters]
        return json.dumps({"panes": self.arrangement, "solo": self.solo_number, "sizes": sizes}).encode()

    def restore_state(self, state: bytes) -> bool:
        """What `save_state` returned; False (and nothing changed) where it is not that."""
        try:
            values = json.loads(state)
            arrangement, solo = str(values["panes"]), int(values["solo"])
            sizes = [[int(size) for size in sizes] for sizes in values["sizes"]]
        except (ValueError, TypeError, KeyError):
            return False
        if arrangement not in ARRANGEMENTS or solo not in range(len(self._widgets) + 1) or len(sizes) != 3:
            return False
        self.arrange(arrangement)
        if not solo:
            for splitter, parts in zip(self._splitters, sizes, strict=True):
                splitter.setSizes(parts)
        self.solo(solo)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._orient()

    def _groups(self) -> tuple[list[QWidget], list[QWidget]]:
        """What is in each of the inner splitters."""
        if self.arrangement == "large":
            large = self._widgets[self._large]
            return [large], [widget for widget in self._widgets if widget is not large]
        half = (len(self._widgets) + 1) // 2
        return self._widgets[:half], self._widgets[half:]

    def _arrange(self) -> None:
        for splitter, group in zip(self._inner, self._groups(), strict=True):
            for place, widget in enumerate(group):
                splitter.insertWidget(place, widget)
        self._orient()
        shares = _SHARES.get(self.arrangement, tuple(map(len, self._groups())))
        self._outer.setSizes([10_000 * share for share in shares])
        for splitter in self._inner:
            splitter.setSizes([10_000] * splitter.count())
        self.solo(self.solo_number)

    def _orient(self) -> None:
        """A row, and the large widget beside the others, lie along the longer side."""
        along, across = (_ACROSS, _DOWN) if self.width() >= self.height() else (_DOWN, _ACROSS)
        first, second = {"grid": (_DOWN, _ACROSS), "row": (along, along), "large": (along, across)}[self.arrangement]
        self._outer.setOrientation(first)
        for splitter in self._inner:
            splitter.setOrientation(second)

    def _follow(self, moved: int, other: int) -> None:
        if self.arrangement == "grid":
            self._inner[other].setSizes(self._inner[moved].sizes())
