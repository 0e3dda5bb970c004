"""Which layers to export, in which formats, and where to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from sss_model.params.layers import LAYER_FORMATS, LayerExportParams

_META = {f.name: f.metadata for f in fields(LayerExportParams)}
_EXISTING = (("overwrite", "Overwrite"), ("skip", "Keep, skip the picture"), ("refuse", "Keep, and say so"))


class LayerExportDialog(QDialog):
    """Choices made from `LayerExportParams`.

    Parameters
    ----------
    folder : where to, to begin with
    params : what to, to begin with
    formats : what each of `LAYER_FORMATS` is called, with what its alpha is
    layers : how many there are
    matte : what the matte is called; '' where there is none to export
    """

    def __init__(
        self,
        folder: Path,
        params: LayerExportParams,
        formats: Mapping[str, str],
        layers: int,
        matte: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export layers")
        self._all = QRadioButton("All layers" if layers != 1 else "The one layer")
        self._one = QRadioButton(f"The matte: {matte}" if matte else "The matte: nothing is picked")
        self._one.setEnabled(bool(matte))
        self._all.setChecked(True)
        self._formats = {name: QCheckBox(formats[name]) for name in LAYER_FORMATS}
        for name, box in self._formats.items():
            box.setChecked(name in params.formats)
            box.toggled.connect(self._update)
        self._own = self._switch("decontaminate", params.decontaminate)
        self._overlay = self._switch("overlay", params.overlay)
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName("Folder")
        self._folder.textChanged.connect(self._update)
        self._existing = QComboBox()
        for key, words in _EXISTING:
            self._existing.addItem(words, key)
        self._existing.setCurrentIndex(max(self._existing.findData(params.existing), 0))
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._place()
        self._update()

    @property
    def matte(self) -> bool:
        """Whether the matte is to be written, instead of the layers."""
        return self._one.isChecked()

    def params(self) -> LayerExportParams:
        """What was chosen."""
        return LayerExportParams(
            formats=self._chosen(),
            decontaminate=self._own.isChecked(),
            overlay=self._overlay.isChecked(),
            existing=str(self._existing.currentData()),
        )

    def folder(self) -> Path:
        """Where it goes."""
        return Path(self._folder.text().strip()).expanduser()

    def _switch(self, name: str, on: bool) -> QCheckBox:
        box = QCheckBox(_META[name]["label"])
        box.setToolTip(_META[name]["help"])
        box.setChecked(on)
        box.toggled.connect(self._update)
        return box

    def _chosen(self) -> tuple[str, ...]:
        return tuple(name for name, box in self._formats.items() if box.isChecked())

    def _place(self) -> None:
        what, formats = QGroupBox("What"), QGroupBox("Formats")
        for group, boxes in (
            (what, (self._all, self._one, self._own, self._overlay)),
            (formats, tuple(self._formats.values())),
        ):
            column = QVBoxLayout(group)
            for box in boxes:
                column.addWidget(box)
            column.addStretch()
        columns = QHBoxLayout()
        columns.addWidget(what)
        columns.addWidget(formats)
        browse = QPushButton("Choose…")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self._folder)
        row.addWidget(browse)
        label = QLabel("&Folder")
        label.setBuddy(self._folder)
        form = QFormLayout()
        form.addRow(label, row)
        form.addRow("&If a file exists", self._existing)
        layout = QVBoxLayout(self)
        layout.addLayout(columns)
        layout.addLayout(form)
        layout.addWidget(self._buttons)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the export", self._folder.text())
        if folder:
            self._folder.setText(folder)

    def _update(self) -> None:
        something = bool(self._chosen()) or self._overlay.isChecked()
        self._go.setEnabled(something and bool(self._folder.text().strip()))
