"""Which principal components are shown as red, green and blue, under bars of what each explains."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from sss_gui.widgets.controls.number_control import WholeBox
from sss_gui.widgets.layout import column, label, row

CHANNELS = ("red", "green", "blue")
CHANNEL_COLOURS = {"red": QColor("#d5463c"), "green": QColor("#3f9e4d"), "blue": QColor("#3f7fd6")}
_GAP, _TEXT = 3, 13


class VarianceBars(QWidget):
    """Explained-variance ratios as upright bars; the chosen ones carry their channel's colour."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ratios: list[float] = []
        self._chosen: dict[int, list[QColor]] = {}
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)

    def sizeHint(self) -> QSize:
        return QSize(200, 76)

    def set_ratios(self, ratios: Sequence[float]) -> None:
        """Ratios in [0, 1] of components 1, 2, ..."""
        self._ratios = [min(max(float(r), 0.0), 1.0) for r in ratios]
        words = ", ".join(f"{n}: {r:.1%}" for n, r in enumerate(self._ratios, 1)) or "not known yet"
        self.setAccessibleName(f"Explained variance of the components: {words}")
        self.update()

    def set_chosen(self, chosen: Mapping[str, int]) -> None:
        """Component number (from 1) of each channel."""
        self._chosen = {}
        for channel, number in chosen.items():
            self._chosen.setdefault(number, []).append(CHANNEL_COLOURS[channel])
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._ratios:
            self._paint_empty(painter)
            return
        font = painter.font()
        font.setPixelSize(10)
        painter.setFont(font)
        top = max(self._ratios) or 1.0
        foot, pitch = self.height() - _TEXT, self._pitch()
        for index, ratio in enumerate(self._ratios):
            bar = QRectF(index * pitch, 0, max(pitch - _GAP, 1), 0)
            tall = max(ratio / top * (foot - _TEXT - 2), 1.0)
            colours = self._chosen.get(index + 1) or [self.palette().mid().color()]
            for part, colour in enumerate(colours):
                share = bar.width() / len(colours)
                painter.fillRect(QRectF(bar.x() + part * share, foot - tall, share, tall), colour)
            painter.setPen(self.palette().placeholderText().color())
            if pitch >= 14:
                below = QRectF(bar.x(), foot, bar.width(), _TEXT)
                painter.drawText(below, Qt.AlignmentFlag.AlignCenter, str(index + 1))
            if pitch >= 26 and ratio >= 0.001:
                above = QRectF(bar.x() - _GAP, foot - tall - _TEXT - 1, bar.width() + 2 * _GAP, _TEXT)
                painter.drawText(above, Qt.AlignmentFlag.AlignCenter, f"{ratio * 100:.0f}")
        painter.end()

    def _paint_empty(self, painter: QPainter) -> None:
        """A base line where the bars will stand: the place is kept, so that nothing below it jumps."""
        painter.fillRect(QRectF(0, self.height() - _TEXT - 1, self.width(), 1), self.palette().mid().color())
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        index = int(event.position().x() / self._pitch()) if self._ratios else -1
        inside = 0 <= index < len(self._ratios)
        self.setToolTip(f"Component {index + 1} explains {self._ratios[index]:.1%}" if inside else "")

    def _pitch(self) -> float:
        return min((self.width() + _GAP) / max(len(self._ratios), 1), 40.0)


class ComponentChooser(QWidget):
    """Three small spin boxes (R, G, B) under the bars, made from the dataclass fields of the channels."""

    chosen = Signal(str, object)
    """Channel ('red', 'green', 'blue') and component number from 1."""

    def __init__(self, choices: Mapping[str, Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bars, self._note = VarianceBars(), label(dim=True)
        self._spins: dict[str, WholeBox] = {}
        spins = row(*((self._chooser(channel, choices[channel]), 1) for channel in CHANNELS), spacing=8)
        self.setLayout(column(self._note, self._bars, spins, spacing=6))
        self.set_ratios(())

    def set_ratios(self, ratios: Sequence[float]) -> None:
        """Explained-variance ratios; () for none."""
        self._ratios = list(ratios)
        self._bars.set_ratios(ratios)
        self._explain()

    def set_value(self, channel: str, number: int) -> None:
        """Show a channel's component; emits nothing."""
        with QSignalBlocker(self._spins[channel]):
            self._spins[channel].show_value(number)
        self._explain()

    def value(self, channel: str) -> int:
        """Component number of a channel."""
        return self._spins[channel].value()

    def spin(self, channel: str) -> WholeBox:
        """The spin box of a channel."""
        return self._spins[channel]

    def _chooser(self, channel: str, field: Any) -> QHBoxLayout:
        meta = field.metadata
        spin, letter = WholeBox(meta, field.default), QLabel(meta["label"])
        spin.setAccessibleName(meta.get("help", channel))
        spin.setMinimumWidth(48)
        spin.valueChanged.connect(lambda number: self._choose(channel, number))
        letter.setBuddy(spin)
        letter.setStyleSheet(f"color: {CHANNEL_COLOURS[channel].name()}; font-weight: bold;")
        self._spins[channel] = spin
        return row(letter, (spin, 1), spacing=5)

    def _choose(self, channel: str, number: int) -> None:
        self._explain()
        self.chosen.emit(channel, number)

    def _explain(self) -> None:
        numbers = {channel: spin.value() for channel, spin in self._spins.items()}
        self._bars.set_chosen(numbers)
        if self._ratios:
            shown = sum(self._ratios[n - 1] for n in set(numbers.values()) if n <= len(self._ratios))
            self._note.setText(f"The components shown explain {shown:.0%}")
        else:
            self._note.setText("Principal components")
