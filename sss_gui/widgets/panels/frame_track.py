"""The frames of a sequence as a track: where one is, what was corrected where, and what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from sss_gui.widgets.picture.annotations import ALERT

LEFT, RIGHT = 68, 14
"""Pixels beside the track, which the plot below it has too."""
_BAR, _TOP, _HEIGHT = 7, 13, 36
_JUMP = QColor("#e0a020")


@dataclass(frozen=True)
class Marks:
    """What is shown of frames, by their places.

    Attributes
    ----------
    key : frame that the matte was made in; -1 for none
    corrected : frames with a correction, and whether it counts backwards too
    there : (N,) bool, frames that are computed
    jumping : (N,) bool, frames that differ much from the one before
    failed : frames that cannot be read
    """

    key: int = -1
    corrected: dict[int, bool] = field(default_factory=dict)
    there: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    jumping: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    failed: tuple[int, ...] = ()


class FrameTrack(QWidget):
    """A bar with a place for each frame; a press and a drag go there, arrows step.

    Signals
    -------
    scrubbed : the frame under the pointer while it is dragged
    chosen : the frame where it was let go, or that a key stepped to
    """

    scrubbed = Signal(int)
    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: tuple[int, ...] = ()
        self._marks = Marks()
        self.frame = 0
        self._dragged = False
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Frames")
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        return QSize(400, _HEIGHT)

    def set_numbers(self, numbers: Sequence[int]) -> None:
        """The frames' numbers, in order."""
        self._numbers = tuple(numbers)
        self._marks = Marks()
        self.update()

    def set_frame(self, frame: int) -> None:
        """Where one is; emits nothing."""
        if frame != self.frame:
            self.frame = frame
            number = self._numbers[frame] if 0 <= frame < len(self._numbers) else 0
            self.setAccessibleDescription(f"Frame {number}")
            self.update()

    def set_marks(self, marks: Marks) -> None:
        """What is known of the frames."""
        self._marks = marks
        self.update()

    def place(self, frame: float) -> float:
        """x in pixels of the middle of a frame."""
        return LEFT + (frame + 0.5) * (self.width() - LEFT - RIGHT) / max(len(self._numbers), 1)

    def _frame_at(self, x: float) -> int:
        count = len(self._numbers)
        frame = int((x - LEFT) * count / max(self.width() - LEFT - RIGHT, 1))
        return min(max(frame, 0), count - 1)

    # mouse and keys --------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._numbers:
            self._dragged = True
            self._scrub(event.position().x())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if not self._numbers:
            return
        self.setToolTip(self._words(self._frame_at(event.position().x())))
        if self._dragged:
            self._scrub(event.position().x())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._dragged and event.button() == Qt.MouseButton.LeftButton:
            self._scrub(event.position().x())
            self._dragged = False
            self.chosen.emit(self.frame)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._numbers) - 1
        here = {Qt.Key.Key_Left: self.frame - 1, Qt.Key.Key_Right: self.frame + 1,
                Qt.Key.Key_Home: 0, Qt.Key.Key_End: last}.get(Qt.Key(event.key()))  # fmt: skip
        if here is None or last < 0:
            event.ignore()
            return
        self.chosen.emit(min(max(here, 0), last))

    def _scrub(self, x: float) -> None:
        frame = self._frame_at(x)
        if frame != self.frame:
            self.set_frame(frame)
            self.scrubbed.emit(frame)

    def _words(self, frame: int) -> str:
        marks, words = self._marks, [f"Frame {self._numbers[frame]}"]
        if frame == marks.key:
            words.append("the matte was made here")
        elif frame in marks.corrected:
            words.append("corrected, backwards too" if marks.corrected[frame] else "corrected from here on")
        if frame < len(marks.jumping) and marks.jumping[frame]:
            words.append("differs much from the one before")
        if frame in marks.failed:
            words.append("cannot be read")
        return ", ".join(words)

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette = self.palette()
        bar = QRectF(LEFT, _TOP, self.width() - LEFT - RIGHT, _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(palette.color(QPalette.ColorRole.Mid))
        painter.drawRoundedRect(bar, 3, 3)
        self._paint_there(painter, bar)
        self._paint_numbers(painter)
        self._paint_marks(painter)
        self._paint_here(painter)
        painter.end()

    def _paint_there(self, painter: QPainter, bar: QRectF) -> None:
        """What is computed, as players show what they have loaded; jumps and failures in it."""
        half = (self.place(1) - self.place(0)) / 2
        painter.setBrush(self.palette().color(QPalette.ColorRole.Highlight))
        for there, run in groupby(range(len(self._marks.there)), key=lambda k: bool(self._marks.there[k])):
            frames = list(run)
            if there:
                left, right = self.place(frames[0]) - half, self.place(frames[-1]) + half
                painter.drawRoundedRect(QRectF(left, bar.top(), right - left, bar.height()), 3, 3)
        marked = (_JUMP, np.flatnonzero(self._marks.jumping).tolist()), (ALERT, list(self._marks.failed))
        for colour, places in marked:
            painter.setBrush(colour)
            for frame in places:
                painter.drawRect(QRectF(self.place(frame) - max(half, 1.5), bar.top(), max(2 * half, 3), bar.height()))

    def _paint_numbers(self, painter: QPainter) -> None:
        """The number of every so many frames below the bar."""
        if not self._numbers:
            return
        metrics = painter.fontMetrics()
        room = metrics.horizontalAdvance(str(self._numbers[-1])) + 24
        step = _round_step(room * len(self._numbers) / max(self.width() - LEFT - RIGHT, 1))
        painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
        for frame in range(0, len(self._numbers), step):
            painter.drawLine(QPointF(self.place(frame), _TOP + _BAR + 1), QPointF(self.place(frame), _TOP + _BAR + 3))
            box = QRectF(self.place(frame) - room / 2, _TOP + _BAR + 2, room, _HEIGHT - _TOP - _BAR - 2)
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, str(self._numbers[frame]))

    def _paint_marks(self, painter: QPainter) -> None:
        """A diamond where the matte was made, a triangle from where on a correction counts, a second one backwards."""
        text, base = (self.palette().color(role) for role in (QPalette.ColorRole.Text, QPalette.ColorRole.Window))
        painter.setPen(QPen(base, 1))
        painter.setBrush(text)
        y = _TOP - 6.0
        if self._marks.key >= 0:
            x = self.place(self._marks.key)
            painter.drawPolygon(_shape((x - 5.5, y), (x, y - 5.5), (x + 5.5, y), (x, y + 5.5)))
        for frame, backwards in self._marks.corrected.items():
            x, on = self.place(frame), 1 if frame > self._marks.key else -1
            for side in (on, -on) if backwards else (on,):
                painter.drawPolygon(_shape((x, y - 5.0), (x + 7.5 * side, y), (x, y + 5.0)))

    def _paint_here(self, painter: QPainter) -> None:
        if not self._numbers or self.frame < 0:
            return
        x = self.place(self.frame)
        wide = 3 if self.hasFocus() else 2
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Window), wide + 2))
        painter.drawLine(QPointF(x, _TOP - 2), QPointF(x, _TOP + _BAR + 3))
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), wide))
        painter.drawLine(QPointF(x, _TOP - 3), QPointF(x, _TOP + _BAR + 4))


def _shape(*points: tuple[float, float]) -> QPolygonF:
    return QPolygonF([QPointF(*point) for point in points])


def _round_step(least: float) -> int:
    """1, 2, 5, 10, 20, ...: the first of them from `least` on."""
    power = 1
    while True:
        for step in (power, 2 * power, 5 * power):
            if step >= least:
                return step
        power *= 10
