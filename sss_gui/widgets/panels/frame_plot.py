"""How much of each frame a matte takes, and how much of it changes, below the track of the frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPalette, QPen, QShowEvent
from PySide6.QtWidgets import QLabel, QWidget

from sss_gui.widgets.layout import column, row
from sss_gui.widgets.panels.frame_track import LEFT, RIGHT

if TYPE_CHECKING:
    import pyqtgraph

CHANGE = QColor("#e0a020")
_HEIGHT = 58


class FramePlot(QWidget):
    """Area as a line, change as bars, each as high as its largest; pyqtgraph is imported when it is first shown.

    Signals
    -------
    chosen : the frame that was clicked
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._areas = self._changes = np.zeros(0, np.float32)
        self._frame = 0
        self._plot: pyqtgraph.PlotWidget | None = None
        self._items: dict[str, Any] = {}
        self._words = {name: QLabel(name) for name in ("Area", "Change")}
        self.setFixedHeight(_HEIGHT)
        self.setAccessibleName("Area and change of the matte")
        self.setToolTip("The matte's share of each frame, and how much of it changes; click to go there")
        for words in self._words.values():
            words.setFixedWidth(LEFT - 8)
        self._row = row(column(*self._words.values(), margins=(8, 2, 0, 2)), margins=(0, 0, RIGHT, 2), spacing=0)
        self.setLayout(self._row)

    def sizeHint(self) -> QSize:
        return QSize(400, _HEIGHT)

    def set_values(self, areas: NDArray[np.float32], changes: NDArray[np.float32]) -> None:
        """(N,) in [0, 1] of each frame; nan where not known."""
        self._areas, self._changes = areas, changes
        self._draw()

    def set_frame(self, frame: int) -> None:
        """Where one is."""
        self._frame = frame
        if self._plot is not None:
            self._items["here"].setValue(frame)

    def heights(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is drawn of both, in parts of the plot's height; nan where nothing is."""
        return _scaled(self._areas), _scaled(self._changes)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._plot is None:
            self._build()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._dress()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        count, wide = len(self._areas), self.width() - LEFT - RIGHT
        if event.button() == Qt.MouseButton.LeftButton and count:
            frame = int((event.position().x() - LEFT) * count / max(wide, 1))
            self.chosen.emit(min(max(frame, 0), count - 1))

    def _build(self) -> None:
        import pyqtgraph

        plot = self._plot = pyqtgraph.PlotWidget(self, background=None)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # a click is ours
        plot.setMenuEnabled(False)
        plot.setMouseEnabled(x=False, y=False)
        plot.hideButtons()
        for side in ("left", "bottom"):
            plot.hideAxis(side)
        plot.getPlotItem().layout.setContentsMargins(0, 0, 0, 0)
        plot.getPlotItem().setContentsMargins(0, 0, 0, 0)
        plot.getViewBox().setDefaultPadding(0)
        plot.setYRange(0, 1.08, padding=0)
        self._items["change"] = pyqtgraph.BarGraphItem(x=[], height=[], width=0.8)
        self._items["area"] = pyqtgraph.PlotDataItem([], [], connect="finite")
        self._items["here"] = pyqtgraph.InfiniteLine(0, angle=90)
        for item in self._items.values():
            plot.addItem(item)
        self._row.addWidget(plot, 1)
        self._dress()
        self._draw()

    def _dress(self) -> None:
        if self._plot is None:
            return
        palette = self.palette()
        self._plot.setBackground(palette.color(QPalette.ColorRole.Base))
        accent, text = palette.color(QPalette.ColorRole.Highlight), palette.color(QPalette.ColorRole.Text)
        line = QPen(accent, 1.6)
        line.setCosmetic(True)
        here = QPen(text, 1)
        here.setCosmetic(True)
        self._items["area"].setPen(line)
        self._items["here"].setPen(here)
        self._items["change"].setOpts(brush=CHANGE, pen=QPen(Qt.PenStyle.NoPen))
        for name, colour in (("Area", accent), ("Change", CHANGE)):
            self._words[name].setText(f'<span style="color:{colour.name()}">■</span> {name}')

    def _draw(self) -> None:
        if self._plot is None:
            return
        areas, changes = self.heights()
        frames = np.arange(len(areas))
        known = np.isfinite(changes)
        self._plot.setXRange(-0.5, max(len(areas), 1) - 0.5, padding=0)
        self._items["area"].setData(frames, areas)
        self._items["change"].setOpts(x=frames[known], height=0.5 * changes[known], width=0.8)
        self._items["here"].setValue(self._frame)


def _scaled(values: NDArray[np.float32]) -> NDArray[np.float64]:
    largest = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
    scaled: NDArray[np.float64] = np.asarray(values, np.float64) / max(largest, 1e-9)
    return scaled
