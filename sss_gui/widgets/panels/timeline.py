"""A sequence in place of the film strip: playing and stepping, the track of its frames, and a plot of the matte."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QDoubleSpinBox, QLabel, QSpinBox, QToolButton, QWidget

from sss_gui.widgets.controls.calm import calm
from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.layout import column, label, row, tool_button
from sss_gui.widgets.panels.frame_plot import FramePlot
from sss_gui.widgets.panels.frame_track import FrameTrack, Marks

RATE = 24.0
"""Frames a second where nothing says."""


class Timeline(QWidget):
    """Shows where one is among the frames, and speaks of where the user wants to go; decides nothing.

    Attributes
    ----------
    track, plot : the frames, and their mattes' areas and changes

    Signals
    -------
    play_requested : play, or stop
    step_requested : by how many frames
    scrubbed, chosen : a frame, while it is dragged to, and when it is let go there
    carry_requested : whether the matte is to be carried through the frames
    backwards_requested : whether the correction of this frame counts for those before it too
    """

    play_requested = Signal()
    step_requested = Signal(int)
    scrubbed = Signal(int)
    chosen = Signal(int)
    carry_requested = Signal(bool)
    backwards_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._numbers: tuple[int, ...] = ()
        self.track, self.plot = FrameTrack(), FramePlot()
        self._play = tool_button("play", "Play the frames (Z)", self.play_requested)
        back = tool_button("step-back", "Frame before (PgUp)", lambda: self.step_requested.emit(-1))
        on = tool_button("step-on", "Next frame (PgDown)", lambda: self.step_requested.emit(1))
        self._number, self._count, self._words = calm(QSpinBox()), QLabel(), label()
        self._number.setAccessibleName("Frame")
        self._number.setKeyboardTracking(False)
        self._rate = calm(QDoubleSpinBox())
        self._rate.setRange(1, 120)
        self._rate.setDecimals(2)
        self._rate.setSuffix(" fps")
        self._rate.setAccessibleName("Frames a second")
        self._rate.setToolTip("How fast frames are played")
        self._backwards = QCheckBox("Counts back&wards too")
        self._backwards.setToolTip("What is corrected in this frame counts for the frames before it too")
        self._carry = QToolButton()
        self._carry.setText("Carry")
        self._carry.setIcon(line_icon("carry"))
        self._carry.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._carry.setCheckable(True)
        self._carry.setProperty("toggle", True)  # which the theme's style sheet knows
        self._number.valueChanged.connect(self._choose_number)
        self._carry.clicked.connect(self.carry_requested)
        self._backwards.clicked.connect(self.backwards_requested)
        for part in (self.track, self.plot):
            part.chosen.connect(self.chosen)
        self.track.scrubbed.connect(self.scrubbed)
        above = row(
            *(back, self._play, on, 8, self._number, self._count, self._rate, 12),
            *((self._words, 1), self._backwards, 8, self._carry),
            margins=(8, 4, 14, 0), spacing=4,
        )  # fmt: skip
        self.setLayout(column(above, self.track, self.plot, spacing=0))
        self.setFocusProxy(self.track)
        self.set_matte(shown=False)

    # what it shows ---------------------------------------------------------------------------------------------------

    def set_frames(self, numbers: Sequence[int], rate: float | None) -> None:
        """The frames' numbers, in order, and how many there are a second."""
        self._numbers = tuple(numbers)
        self.track.set_numbers(numbers)
        with QSignalBlocker(self._number):
            if numbers:
                self._number.setRange(numbers[0], numbers[-1])
        self._count.setText(f"of {numbers[0]}–{numbers[-1]}" if numbers else "")
        self._rate.setValue(rate or RATE)

    def set_frame(self, frame: int) -> None:
        """Where one is; emits nothing."""
        self.track.set_frame(frame)
        self.plot.set_frame(frame)
        if 0 <= frame < len(self._numbers):
            with QSignalBlocker(self._number):
                self._number.setValue(self._numbers[frame])

    def set_marks(self, marks: Marks, areas: NDArray[np.float32], changes: NDArray[np.float32]) -> None:
        """What is known of the frames and their mattes."""
        self.track.set_marks(marks)
        self.plot.set_values(areas, changes)

    def set_words(self, words: str) -> None:
        """What there is to say of the frames or their mattes."""
        self._words.setText(words)

    def set_backwards(self, there: bool, backwards: bool) -> None:
        """Whether this frame has a correction, and whether it counts backwards."""
        self._backwards.setEnabled(there)
        self._backwards.setChecked(backwards)

    def set_carrying(self, carrying: bool) -> None:
        """Whether the matte is being carried on."""
        self._carry.setChecked(carrying)
        self._carry.setToolTip(
            "Stop carrying; what is there stays (Esc)"
            if carrying
            else "Carry the matte through all frames, and again what a correction changes (Shift+Z)"
        )

    def set_playing(self, playing: bool) -> None:
        """Whether frames are played."""
        words = "Stop here (Z)" if playing else "Play the frames (Z)"
        self._play.setIcon(line_icon("pause" if playing else "play"))
        self._play.setToolTip(words)
        self._play.setAccessibleName(words)

    def set_matte(self, *, shown: bool) -> None:
        """Whether there is anything to carry, and to plot."""
        for part in (self._carry, self._backwards, self.plot):
            part.setVisible(shown)

    @property
    def rate(self) -> float:
        """Frames a second."""
        return self._rate.value()

    @property
    def words(self) -> str:
        """What is said of the frames or their mattes."""
        return self._words.text()

    def _choose_number(self, number: int) -> None:
        """The frame of that number, or the next one that there is."""
        frame = min(bisect_left(self._numbers, number), len(self._numbers) - 1)
        self.chosen.emit(frame)
