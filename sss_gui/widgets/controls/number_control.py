"""One number as a slider with a spin box: follows while dragging, settles when released or typed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, QRect, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QMouseEvent, QValidator
from PySide6.QtWidgets import (
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QStyle,
    QStyleOptionSlider,
    QWidget,
)

from sss_gui.widgets.controls.calm import calm

_STEPS = 600


class Slider(QSlider):
    """A calm slider that jumps to the click and goes back to the default on a double click."""

    default_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        calm(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._handle().contains(event.position().toPoint()):
            self.setSliderDown(True)
            self.setSliderPosition(self._position_at(event.position().toPoint()))
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.setSliderDown(False)
        self.default_requested.emit()

    def _handle(self) -> QRect:
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        style, slider = self.style(), QStyle.ComplexControl.CC_Slider
        return style.subControlRect(slider, option, QStyle.SubControl.SC_SliderHandle, self)

    def _position_at(self, point: QPoint) -> int:
        wide = self._handle().width()
        room = self.width() - wide
        return QStyle.sliderValueFromPosition(self.minimum(), self.maximum(), point.x() - wide // 2, max(room, 1))


class WholeBox(QSpinBox):
    """A calm box for whole numbers from a field's metadata; takes per cent of `hundred` too, where that is above 0."""

    hundred = 0

    def __init__(self, meta: Mapping[str, Any], default: int) -> None:
        super().__init__()
        calm(self)
        _dress(self, meta)
        self.setRange(meta["low"], meta["high"])
        self.setValue(default)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        if self.hundred and self._of_hundred(text) is not None:
            return QValidator.State.Acceptable, text, position
        checked: tuple[QValidator.State, str, int] = super().validate(text, position)
        on_its_way = self.hundred and set(text.removesuffix(self.suffix())) <= set("0123456789.,% ")
        if checked[0] == QValidator.State.Invalid and on_its_way:
            return QValidator.State.Intermediate, text, position
        return checked

    def valueFromText(self, text: str) -> int:
        value = self._of_hundred(text) if self.hundred else None
        return super().valueFromText(text) if value is None else value

    def _of_hundred(self, text: str) -> int | None:
        """What "1.5 %" is of `hundred`, within the box's range; None for any other text."""
        number = text.removesuffix(self.suffix()).strip()
        try:
            share = float(number.removesuffix("%").replace(",", ".")) if number.endswith("%") else None
        except ValueError:
            return None
        if share is None or not 0 <= share < 1e6:
            return None
        return min(max(round(share / 100 * self.hundred), self.minimum()), self.maximum())

    def show_value(self, value: int) -> None:
        """Set a value that comes from elsewhere; a number half typed stays where it is the same."""
        if value != self.value():
            self.setValue(value)


class FractionBox(QDoubleSpinBox):
    """The same for fractions: short scientific text, and steps of a tenth of a decade where it is logarithmic.

    Where 1 is the most, larger numbers are per cent: 40, and 40 %, are 0.4.
    """

    def __init__(self, meta: Mapping[str, Any], default: float) -> None:
        super().__init__()
        calm(self)
        self._logarithmic = bool(meta.get("log"))
        self.takes_per_cent = meta["high"] == 1 and meta["low"] >= -1 and not self._logarithmic
        _dress(self, meta)
        self.setDecimals(12)
        self.setRange(meta["low"], meta["high"])
        self.setSingleStep((meta["high"] - meta["low"]) / 100)
        self.setValue(default)

    def stepBy(self, steps: int) -> None:
        if self._logarithmic and self.value() > 0:
            tenths = round(math.log10(self.value()) * 10 + steps)
            self.setValue(float(f"{10 ** (tenths / 10):.2g}"))
        else:
            super().stepBy(steps)

    def textFromValue(self, value: float) -> str:
        return plain_number(value)

    def valueFromText(self, text: str) -> float:
        try:
            return self._number(text)
        except ValueError:
            return self.value()

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        bare = self._bare(text)
        try:
            inside = self.minimum() <= self._number(text) <= self.maximum()
            state = QValidator.State.Acceptable if inside else QValidator.State.Intermediate
        except ValueError:
            allowed = set(bare.lower()) <= set("0123456789.e+-% ")
            state = QValidator.State.Intermediate if allowed else QValidator.State.Invalid
        return state, text, position

    def _number(self, text: str) -> float:
        """What `text` says; ValueError for no number."""
        bare = self._bare(text)
        value = float(bare.removesuffix("%")) if self.takes_per_cent else float(bare)
        per_cent = bare.endswith("%") or 1 < abs(value) <= 100
        return value / 100 if self.takes_per_cent and per_cent else value

    def _bare(self, text: str) -> str:
        return text.removesuffix(self.suffix()).strip().replace(",", ".")


def _dress(box: QSpinBox | QDoubleSpinBox, meta: Mapping[str, Any]) -> None:
    """What boxes for numbers have in common: half a number typed says nothing, and a short unit stands behind it."""
    box.setAlignment(Qt.AlignmentFlag.AlignRight)
    box.setAccessibleName(meta["label"])
    box.setToolTip(meta.get("help", ""))
    box.setKeyboardTracking(False)
    if 0 < len(unit := meta.get("unit", "")) <= 3:
        box.setSuffix(f" {unit}")


def plain_number(value: float) -> str:
    """Three figures at most, without needless zeros: 0.01, 2.5e-06."""
    return f"{value:.3g}" if value == 0 or abs(value) >= 1e-4 else f"{value:.2e}".replace(".00e", "e")


class NumberControl(QWidget):
    """Label and spin box over a slider, made from a field's metadata.

    Parameters
    ----------
    meta : mapping
        low, high, label, and optionally unit, help, log, as `sss_model.params.number` makes them.
    default : int or float
        What a double click goes back to; an int makes a control of whole numbers.
    slider_range : (low, high), optional
        The practical range that the slider covers; the spin box takes the whole one.

    Attributes
    ----------
    value : what the control shows, within the spin box's range
    slider, spin : its parts
    """

    changing = Signal(object)
    rested = Signal(object)

    def __init__(
        self,
        meta: Mapping[str, Any],
        default: float,
        slider_range: tuple[float, float] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._default, self._whole, self._log = default, isinstance(default, int), bool(meta.get("log"))
        self._low: float
        self._high: float
        self._low, self._high = slider_range or (meta["low"], meta["high"])
        self.value: float = default
        self._announced: float = default
        self.spin = WholeBox(meta, int(default)) if self._whole else FractionBox(meta, default)
        self.spin.setFixedWidth(92)
        self.slider = Slider()
        self.slider.setRange(0, round(self._high - self._low) if self._whole else _STEPS)
        self.slider.setPageStep(max(self.slider.maximum() // 10, 1))
        self._name(meta)
        self._arrange(meta["label"])
        self._connect()
        self.set_value(default)

    def set_hundred(self, hundred: int) -> None:
        """Take "1 %" typed for a part of `hundred`; 0 takes no per cent."""
        if isinstance(self.spin, WholeBox):
            self.spin.hundred = hundred

    def set_value(self, value: float) -> None:
        """Show a value without a signal; while the slider is being dragged it stays with the hand."""
        if not self.slider.isSliderDown():
            self._show(value)
            self._announced = self.value

    def set_highest(self, highest: float) -> None:
        """Let the range end at `highest`; no signal."""
        with QSignalBlocker(self.spin), QSignalBlocker(self.slider):
            self.spin.setMaximum(highest)  # type: ignore[arg-type]  # an int where the box holds whole numbers
            self.slider.setMaximum(self._to_slider(highest))

    def _name(self, meta: Mapping[str, Any]) -> None:
        unit = f" ({meta['unit']})" if meta.get("unit") else ""
        tip = f"{meta.get('help', '')}\nDefault {plain_number(self._default)}{unit}; double-click the slider for it"
        if isinstance(self.spin, FractionBox) and self.spin.takes_per_cent:
            tip += "\n40 or 40 % typed is 0.4"
        for part in (self.slider, self.spin):
            part.setAccessibleName(f"{meta['label']}{unit}")
            part.setAccessibleDescription(meta.get("help", ""))
            part.setToolTip(tip.strip())

    def _arrange(self, label: str) -> None:
        words = QLabel(label)
        words.setBuddy(self.spin)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(3)
        grid.addWidget(words, 0, 0)
        grid.addWidget(self.spin, 0, 1)
        grid.addWidget(self.slider, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        self.setTabOrder(self.slider, self.spin)

    def _connect(self) -> None:
        self.slider.valueChanged.connect(self._slid)
        self.slider.sliderReleased.connect(self._settle)
        self.slider.default_requested.connect(self._back_to_default)
        self.spin.valueChanged.connect(self._take)
        self.spin.editingFinished.connect(self._settle)

    def _slid(self, position: int) -> None:
        self._take(self._from_slider(position))

    def _take(self, value: float) -> None:
        if value != self.value:
            self._show(value)
            self.changing.emit(self.value)

    def _settle(self) -> None:
        if self.value != self._announced:
            self._announced = self.value
            self.rested.emit(self.value)

    def _back_to_default(self) -> None:
        self._take(self._default)
        self._settle()

    def _show(self, value: float) -> None:
        bounded = min(max(value, self.spin.minimum()), self.spin.maximum())
        self.value = int(bounded) if self._whole else float(bounded)
        with QSignalBlocker(self.spin), QSignalBlocker(self.slider):
            if self.spin.value() != self.value:  # else a number half typed would be lost
                self.spin.setValue(self.value)  # type: ignore[arg-type]  # an int where the box holds whole numbers
            if not self.slider.isSliderDown():
                self.slider.setValue(self._to_slider(self.value))

    def _to_slider(self, value: float) -> int:
        if self._whole:
            return round(value - self._low)
        low, high, value = (math.log10(max(v, 1e-300)) if self._log else v for v in (self._low, self._high, value))
        return round((value - low) / (high - low) * _STEPS)

    def _from_slider(self, position: int) -> float:
        if self._whole:
            return int(self._low) + position
        share = position / _STEPS
        if self._log:
            low, high = math.log10(self._low), math.log10(self._high)
            return float(f"{10 ** (low + share * (high - low)):.3g}")
        return float(f"{self._low + share * (self._high - self._low):.3g}")
