"""What to export, in which formats, and where to."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from PySide6.QtCore import Qt
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
    QVBoxLayout,
    QWidget,
)

from sss_model.params import EXPORT_FORMATS, ExportParams

FORMAT_WORDS = {
    "npz16": "NumPy npz, float16 (half the size)",
    "npz32": "NumPy npz, float32",
    "npy": "NumPy npy, float32",
    "mat": "MATLAB mat, key embedmap",
    "exr": "OpenEXR, one channel a dimension",
    "tiff": "TIFF, float32",
}
_SWITCHES = ("pictures", "raw", "raw_full_size", "filtered", "full_size", "map3", "strip", "save_basis")
_FULL_SIZE = {"raw_full_size": "raw", "full_size": "filtered"}  # switches of a size, and whose
_INDENT = 20  # px, of a switch below the one that it refines
_NEEDS_FORMAT = ("raw", "filtered", "map3")


class ExportDialog(QDialog):
    """Choices generated from `ExportParams`; `size` and `channels` give the size of a feature file.

    Parameters
    ----------
    folder : where to, to begin with
    params : what to, to begin with; what happens to files that exist is chosen anew each time, and is never to replace
        them unasked
    size, channels : (H, W) and D of what is shown
    pictures : how many are exported
    grid : (h, w) of the working grid that the features are on; None: `size`
    name : of the picture, where it is one
    """

    def __init__(
        self,
        folder: Path,
        params: ExportParams,
        size: tuple[int, int],
        channels: int,
        parent: QWidget | None = None,
        *,
        pictures: int = 1,
        grid: tuple[int, int] | None = None,
        name: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Export {name}".strip() if pictures == 1 else f"Export all {pictures} pictures")
        self._pictures = pictures
        height, width = grid or size
        self._numbers, self._full_numbers = height * width * channels, size[0] * size[1] * channels
        self._map_numbers = height * width * 3
        self._checks = {name: self._check(name, getattr(params, name)) for name in _SWITCHES}
        self._formats = {name: QCheckBox(FORMAT_WORDS[name]) for name in EXPORT_FORMATS}
        for name, box in self._formats.items():
            box.setChecked(name in params.formats)
            box.toggled.connect(self._update)
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName("Folder")
        self._existing = QComboBox()
        for key, words in (
            ("overwrite", "Replace it"),
            ("skip", "Keep it, skip the picture"),
            ("refuse", "Keep it, and say so"),
        ):
            self._existing.addItem(words, key)
        self._existing.setCurrentIndex(self._existing.findData("refuse" if pictures == 1 else "skip"))
        self._total = QLabel()
        self._total.setObjectName("forecast")
        self._total.setTextFormat(Qt.TextFormat.PlainText)
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._folder.textChanged.connect(self._update)
        self._place()
        self._update()

    def params(self) -> ExportParams:
        """What was chosen."""
        switches = {name: box.isChecked() and box.isEnabled() for name, box in self._checks.items()}
        return ExportParams(**switches, formats=self._chosen_formats(), existing=str(self._existing.currentData()))

    def folder(self) -> Path:
        """Where it goes."""
        return Path(self._folder.text().strip()).expanduser()

    def _check(self, name: str, on: bool) -> QCheckBox:
        meta = next(f.metadata for f in fields(ExportParams) if f.name == name)
        box = QCheckBox(meta["label"])
        box.setToolTip(meta["help"])
        box.setChecked(on)
        box.toggled.connect(self._update)
        return box

    def _chosen_formats(self) -> tuple[str, ...]:
        return tuple(name for name, box in self._formats.items() if box.isChecked())

    def _place(self) -> None:
        what, formats = QGroupBox("What"), QGroupBox("Formats of features and map")
        for group, boxes in ((what, self._checks), (formats, self._formats)):
            column = QVBoxLayout(group)
            for name, box in boxes.items():
                row = QHBoxLayout()
                row.addSpacing(_INDENT * (name in _FULL_SIZE))
                row.addWidget(box, 1)
                column.addLayout(row)
            column.addStretch()
        columns = QHBoxLayout()
        columns.addWidget(what)
        columns.addWidget(formats)
        browse = QPushButton("Choose…")
        browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.addWidget(self._folder)
        row.addWidget(browse)
        form = QFormLayout()
        label = QLabel("&Folder")
        label.setBuddy(self._folder)
        form.addRow(label, row)
        form.addRow("&If a file exists", self._existing)
        form.addRow("Size", self._total)
        layout = QVBoxLayout(self)
        layout.addLayout(columns)
        layout.addLayout(form)
        layout.addWidget(self._buttons)

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the export", self._folder.text())
        if folder:
            self._folder.setText(folder)

    def _update(self) -> None:
        for name, whose in _FULL_SIZE.items():
            self._checks[name].setEnabled(self._checks[whose].isChecked())
        arrays = any(self._checks[name].isChecked() for name in _NEEDS_FORMAT)
        for box in self._formats.values():
            box.setEnabled(arrays)
        something = any(box.isChecked() for name, box in self._checks.items() if name not in _FULL_SIZE)
        complete = something and bool(self._folder.text().strip()) and (bool(self._chosen_formats()) or not arrays)
        size = f"up to {_words_of(self._bytes() * self._pictures)} of features" if arrays else "small"
        same = f", if all {self._pictures} pictures are of this size" if arrays and self._pictures > 1 else ""
        self._total.setText(size + same)
        self._go.setEnabled(complete)

    def _bytes(self) -> int:
        chosen = {name: box.isChecked() and box.isEnabled() for name, box in self._checks.items()}
        on_full = sum(chosen[name] for name in _FULL_SIZE)
        numbers = self._numbers * (chosen["raw"] + chosen["filtered"] - on_full) + self._map_numbers * chosen["map3"]
        lifted = (
            self._full_numbers * chosen["full_size"] + max(self._full_numbers, self._numbers) * chosen["raw_full_size"]
        )
        formats = self._chosen_formats()
        on_grid = sum(numbers * (2 if name == "npz16" else 4) for name in formats)
        return on_grid + sum(lifted * (4 if name in ("mat", "npz32") else 2) for name in formats)


def _words_of(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.1f} MB"
