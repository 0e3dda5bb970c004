"""How a file is to be read: what it holds and, of a picture, what to take of it; made from the record `ReadParams`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import Field, fields
from typing import Any

from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QDialogButtonBox, QFormLayout, QWidget

from sss_gui.widgets.controls.calm import combo_box
from sss_gui.widgets.controls.number_control import FractionBox, WholeBox
from sss_gui.widgets.layout import column
from sss_model.params import ReadParams

_PICTURE = "A picture"
_UNASKED = "Combined, beauty or first"
_WORDS = {
    "auto": "By the file, or by the data",
    "data": "From the data's least to greatest value",
    "full": "The numbers' whole range",
}


class ReadDialog(QDialog):
    """A control for each field of the record, below what the file holds.

    Parameters
    ----------
    name : of the file
    layouts : what features can be laid out as, and what that is called
    layout : to begin with; '' for a picture
    params : to begin with
    layers, pages : what there is to choose; one or none leaves the control out of reach
    """

    def __init__(
        self,
        name: str,
        layouts: Mapping[str, str],
        layout: str,
        params: ReadParams,
        *,
        layers: Sequence[str] = (),
        pages: int = 1,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Open {name} as")
        self._layout = combo_box("What the file holds")
        for key, words in {"": _PICTURE, **layouts}.items():
            self._layout.addItem(words, key)
        self._layout.setCurrentIndex(max(self._layout.findData(layout), 0))
        self._layout.currentIndexChanged.connect(self._update)
        self._there = {"layer": len(layers) > 1, "page": pages > 1}
        self._controls = {f.name: _control(f, getattr(params, f.name), layers, pages) for f in fields(params)}
        form = QFormLayout()
        form.addRow("The file holds", self._layout)
        for f in fields(params):
            control = self._controls[f.name]
            control.setToolTip(f.metadata["help"])
            form.addRow("" if isinstance(control, QCheckBox) else f.metadata["label"], control)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        buttons.addButton("Open", QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self.setLayout(column(form, buttons, margins=None))
        self._update()

    @property
    def layout_name(self) -> str:
        """How features are laid out; '' for a picture."""
        return str(self._layout.currentData())

    def params(self) -> ReadParams:
        """What was chosen of a picture; the default of features."""
        if self.layout_name:
            return ReadParams()
        return ReadParams(**{name: _value(control) for name, control in self._controls.items()})

    def _update(self, *_: object) -> None:
        for name, control in self._controls.items():
            control.setEnabled(not self.layout_name and self._there.get(name, True))


def _control(item: Field[Any], value: Any, layers: Sequence[str], pages: int) -> QWidget:
    meta = item.metadata
    if isinstance(item.default, bool):
        box = QCheckBox(meta["help"][0].upper() + meta["help"][1:])
        box.setChecked(value)
        return box
    if isinstance(item.default, str):
        names = {name: _WORDS.get(name, name) for name in meta["options"] or ("", *layers)}
        chooser = combo_box(meta["label"])
        chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for name, words in names.items():
            chooser.addItem(words or _UNASKED, name)
        chooser.setCurrentIndex(max(chooser.findData(value), 0))
        return chooser
    number = WholeBox(meta, value) if isinstance(item.default, int) else FractionBox(meta, value)
    if isinstance(number, WholeBox):  # the page
        number.setMaximum(pages)
        number.setSpecialValueText("The first")
        number.setSuffix(f" of {pages}")
    else:
        number.setSingleStep(0.5)
        number.setSuffix(f" {meta['unit']}")
    return number


def _value(control: QWidget) -> Any:
    if isinstance(control, QCheckBox):
        return control.isChecked()
    if isinstance(control, QComboBox):
        return control.currentData()
    if isinstance(control, WholeBox | FractionBox):
        return control.value()
    raise TypeError(f"No value is known of {control}.")
