"""The channel, the range and the histogram of the feature panes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QBrush, QColor, QPalette, QPen, QShowEvent
from PySide6.QtWidgets import QButtonGroup, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from sss_gui.widgets.controls.component_chooser import CHANNEL_COLOURS
from sss_gui.widgets.display import CHANNELS, Display
from sss_gui.widgets.layout import button, column, label, row

if TYPE_CHECKING:
    import pyqtgraph

Counts = NDArray[np.int64]

_WORDS = {"rgb": "RGB", "red": "R", "green": "G", "blue": "B"}
_TIPS = {"rgb": "All three channels in colour", "red": "The red channel alone, in grey",
         "green": "The green channel alone, in grey", "blue": "The blue channel alone, in grey"}  # fmt: skip


class DisplayControls(QWidget):
    """Buttons for the channels over a histogram whose edges are dragged.

    Signals
    -------
    changed : Display that the user wants
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._display = Display()
        self._buttons: dict[str, QPushButton] = {}
        self.histogram = Histogram()
        self.histogram.moved.connect(lambda low, high: self._want(replace(self._display, low=low, high=high)))
        self._range = label(dim=True)
        self._range.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._reset = button("Reset", "All channels, from 0 to 1", lambda: self._want(Display()), icon="reset")
        self._place()
        self.set_display(self._display)

    def set_display(self, display: Display) -> None:
        """Show what is in use; emits nothing."""
        self._display = display
        self._buttons[display.channel].setChecked(True)
        self.histogram.set_range(display.low, display.high)
        self._range.setText(f"Shown from {display.low:.2f} to {display.high:.2f}")
        self._reset.setEnabled(not display.plain)

    def set_counts(self, counts: Counts | None, name: str) -> None:
        """How often each of 256 levels is in each channel, (3, 256), of the pane `name`; None for no picture."""
        self.histogram.set_counts(counts)
        self.histogram.setToolTip(f"How often which number is in {name}; drag the edges of the range" if name else "")

    def _want(self, display: Display) -> None:
        self.set_display(display)
        self.changed.emit(display)

    def _place(self) -> None:
        group = QButtonGroup(self)
        for number, channel in enumerate(CHANNELS):
            made = button(_WORDS[channel], _TIPS[channel], partial(self._choose, channel))
            made.setCheckable(True)
            made.setProperty("segment", ("left", "middle", "middle", "right")[number])
            made.setMinimumWidth(28)
            group.addButton(made)
            self._buttons[channel] = made
        channels = row(*((each, 1) for each in self._buttons.values()), spacing=0)
        self.setLayout(column(channels, self.histogram, row((self._range, 1), self._reset), spacing=8))

    def _choose(self, channel: str) -> None:
        self._want(replace(self._display, channel=channel))


class Histogram(QWidget):
    """Three curves over [0, 1] and a range; pyqtgraph is imported when it is first shown.

    Signals
    -------
    moved : low and high, to which the user drags the range
    """

    moved = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: Counts | None = None
        self._range = (0.0, 1.0)
        self._plot: pyqtgraph.PlotWidget | None = None
        self._curves: list[Any] = []
        self._region: Any = None
        self.setFixedHeight(110)
        self.setAccessibleName("Histogram")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)

    def sizeHint(self) -> QSize:
        return QSize(200, 110)

    def set_counts(self, counts: Counts | None) -> None:
        """(3, 256) numbers of pixels; None for no picture."""
        self._counts = counts
        self._draw()

    def set_range(self, low: float, high: float) -> None:
        """Show the range; emits nothing."""
        self._range = low, high
        if self._region is not None and self._region.getRegion() != self._range:
            self._region.blockSignals(True)
            self._region.setRegion(self._range)
            self._region.blockSignals(False)

    @property
    def range(self) -> tuple[float, float]:
        """Low and high as shown."""
        return self._range if self._region is None else tuple(self._region.getRegion())

    def curves(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """(numbers, heights) of the curves as drawn."""
        return [data for data in (curve.getData() for curve in self._curves) if data[0] is not None and len(data[0])]

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._plot is None:
            self._build()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def _build(self) -> None:
        import pyqtgraph

        plot = self._plot = pyqtgraph.PlotWidget(self, background=None)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # it has no use for keys
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        plot.hideAxis("left")
        plot.getViewBox().setDefaultPadding(0.01)
        plot.setXRange(0, 1)
        for channel in CHANNELS[1:]:
            colour = QColor(CHANNEL_COLOURS[channel])
            pen = QPen(colour, 1.4)
            pen.setCosmetic(True)
            self._curves.append(plot.plot([], [], pen=pen))
        self._region = pyqtgraph.LinearRegionItem(self._range, bounds=(0, 1))
        self._region.setZValue(10)
        self._region.sigRegionChanged.connect(self._move)
        plot.addItem(self._region)
        self._column.addWidget(plot)
        self._dress()
        self._draw()

    def _dress(self) -> None:
        if self._plot is None:
            return
        palette = self.palette()
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        axis = self._plot.getAxis("bottom")
        axis.setPen(QPen(palette.color(QPalette.ColorRole.Mid), 1))
        axis.setTextPen(palette.color(QPalette.ColorRole.PlaceholderText))
        veil = palette.color(QPalette.ColorRole.Highlight)
        veil.setAlpha(40)
        self._region.setBrush(QBrush(veil))

    def _draw(self) -> None:
        if self._plot is None:
            return
        places = np.linspace(0, 1, 256)
        for number, curve in enumerate(self._curves):
            shown = np.sqrt(self._counts[number]) if self._counts is not None else []  # rare numbers are seen too
            curve.setData(places if len(shown) else [], shown)

    def _move(self) -> None:
        low, high = self._region.getRegion()
        if high - low >= 1 / 255:
            self._range = float(low), float(high)
            self.moved.emit(*self._range)
