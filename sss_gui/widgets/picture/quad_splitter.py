"""Four widgets in splitters: 2 x 2, a row or a column, all or one; chosen so that pictures come out largest."""

from __future__ import annotations

import json
from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

_ACROSS, _DOWN = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
# the outer and the inner splitters' orientation
_ORIENTATIONS = {"grid": (_DOWN, _ACROSS), "row": (_ACROSS, _ACROSS), "column": (_DOWN, _DOWN)}
_CELLS = {"grid": (2, 2), "row": (4, 1), "column": (1, 4)}
# another arrangement must show the image this much larger before it is taken, so that resizing does not flutter
_WORTH_IT = 1.15
_HEADER = 26


class QuadSplitter(QWidget):
    """Two splitters in a splitter; in the grid the two rows keep one common upright edge."""

    solo_changed = Signal(int)
    """0 for all, 1..4 for one."""

    def __init__(self, widgets: Sequence[QWidget], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._widgets = list(widgets)
        self._solo = 0
        self._arrangement = ""
        self._image_size = (3, 4)
        self._outer = QSplitter(_DOWN, self)
        self._inner = [QSplitter(_ACROSS, self._outer) for _ in range(2)]
        for index, widget in enumerate(self._widgets):
            self._inner[index // 2].addWidget(widget)
        for splitter in (self._outer, *self._inner):
            splitter.setHandleWidth(4)
            splitter.setChildrenCollapsible(False)
        self._inner[0].splitterMoved.connect(lambda: self._follow(0, 1))
        self._inner[1].splitterMoved.connect(lambda: self._follow(1, 0))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self._outer)
        self._arrange()

    @property
    def solo_number(self) -> int:
        """0 where all show, else 1..4."""
        return self._solo

    def set_image_size(self, size: tuple[int, int]) -> None:
        """(H, W) of the image, which the arrangement goes by."""
        if min(size) > 0 and size != self._image_size:
            self._image_size = size
            self._arrange()

    def solo(self, number: int) -> None:
        """Show only widget 1..4; 0 shows all."""
        if number not in range(len(self._widgets) + 1):
            raise ValueError(f"number must be from 0 to {len(self._widgets)}, got {number}.")
        for index, widget in enumerate(self._widgets):
            widget.setVisible(number in (0, index + 1))
        for row, splitter in enumerate(self._inner):
            splitter.setVisible(number == 0 or (number - 1) // 2 == row)
        if number != self._solo:
            self._solo = number
            self.solo_changed.emit(number)

    def save_state(self) -> bytes:
        """Arrangement, solo and the shares of the splitters, as JSON."""
        shares = [splitter.sizes() for splitter in (self._outer, *self._inner)]
        state = {"taken": self._arrangement, "solo": self._solo, "sizes": shares}
        return json.dumps(state).encode()

    def restore_state(self, state: bytes) -> bool:
        """What `save_state` returned; False (and nothing changed) where it is not that."""
        try:
            values = json.loads(state)
            arrangement, solo = str(values["taken"]), int(values["solo"])
            sizes = [[int(size) for size in sizes] for sizes in values["sizes"]]
        except (ValueError, TypeError, KeyError):
            return False
        if arrangement not in _ORIENTATIONS or solo not in range(5):
            return False
        if [len(pair) for pair in sizes] != [2, 2, 2]:
            return False
        self._orient(arrangement)
        if not solo:
            for splitter, pair in zip((self._outer, *self._inner), sizes, strict=True):
                splitter.setSizes(pair)
        self.solo(solo)
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        scales = {name: self._scale_of(name) for name in _CELLS}
        best = max(scales, key=lambda name: scales[name])
        if not self._arrangement or scales[best] > scales[self._arrangement] * _WORTH_IT:
            self._orient(best)

    def _scale_of(self, name: str) -> float:
        """How large an arrangement would show the image."""
        columns, rows = _CELLS[name]
        height, width = self._image_size
        return min(self.width() / columns / width, max(self.height() / rows - _HEADER, 1) / height)

    def _orient(self, name: str) -> None:
        if name == self._arrangement:
            return
        self._arrangement = name
        outer, inner = _ORIENTATIONS[name]
        self._outer.setOrientation(outer)
        for splitter in self._inner:
            splitter.setOrientation(inner)
        for splitter in (self._outer, *self._inner):
            splitter.setSizes([10000, 10000])

    def _follow(self, moved: int, other: int) -> None:
        if self._arrangement == "grid":
            self._inner[other].setSizes(self._inner[moved].sizes())
