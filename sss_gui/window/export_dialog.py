"""What to export and what for, in which formats, and where to; made from the record of an export's parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QGroupBox,
    QLabel,
    QLayout,
    QLineEdit,
    QRadioButton,
    QSpinBox,
    QWidget,
)

from sss_gui.widgets.layout import button, column, label, row
from sss_model.errors import ParameterError
from sss_model.params import ExportParams
from sss_model.params.hosts import HOSTS
from sss_model.params.layers import LayerExportParams

Record = TypeVar("Record", bound=ExportParams | LayerExportParams)

FEATURE_PURPOSES: dict[str, ExportParams] = {
    "Pictures to look at (PNG)": ExportParams(raw=False),
    "Features for Python (npz)": ExportParams(),
    "Features for MATLAB (mat, and the strip of the authors' demo)": ExportParams(
        raw=True, map3=True, strip=True, formats=("mat",)
    ),
    "Features for compositing: Nuke, Blender (EXR)": ExportParams(
        raw=False, filtered=True, full_size=True, map3=True, formats=("exr",)
    ),
}
_FORMAT_WORDS = {"png": "PNG", "psd": "PSD", "exr": "EXR", "cryptomatte": "Cryptomatte", "pfm": "PFM"}
LAYER_PURPOSES: dict[str, LayerExportParams] = {
    "Cut-outs to place anywhere (PNG)": LayerExportParams(decontaminate=True),
    "Editing: Photoshop, Affinity (PSD)": LayerExportParams(formats=("psd",)),
    **{
        f"{host.job}: {host.title} ({', '.join(_FORMAT_WORDS[form] for form in host.formats)})": preset
        for host, preset in ((host, LayerExportParams.for_host(name)) for name, host in HOSTS.items())
    },
    "Measuring: Python (npz)": LayerExportParams(formats=("npz",)),
    "A figure: the layers in colours (PNG)": LayerExportParams(formats=(), overlay=True),
}
_BY_HAND = "What is ticked below"
_EXISTING = {"overwrite": "Replace it", "skip": "Keep it, skip the picture", "refuse": "Keep it, and say so"}
_INDENT = 20  # px, of a switch below the one that it refines


class ExportDialog(QDialog, Generic[Record]):
    """A box for each switch of the record and for each format, over the folder and what happens to files that exist.

    Parameters
    ----------
    title : of the window
    folder : where to, to begin with
    params : what to, to begin with
    formats : what each format is called
    purposes : what one exports for, and the record that serves it; how files that exist are treated is not part of it
    skip : names of switches that are not offered
    subjects : what can be exported, one of which is chosen: words, and whether it is there
    subject : which of them is chosen to begin with, from 0
    frames : the first and the last number of the frames that the last subject is a range of
    scope : of which of the open pictures; None: there is one
    same : what the box beside `scope` says, for a subject that another picture may not have; '' for none
    forecast : says how much such a record writes of a subject of so many pictures
    """

    def __init__(
        self,
        title: str,
        folder: Path,
        params: Record,
        *,
        formats: Mapping[str, str],
        purposes: Mapping[str, Record],
        skip: Iterable[str] = (),
        subjects: Sequence[tuple[str, bool]] = (),
        subject: int = 0,
        frames: tuple[int, int] | None = None,
        scope: PictureScope | None = None,
        same: str = "",
        forecast: Callable[[Record, int, int], str] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self._params, self._purposes, self._forecast, self._scope = params, purposes, forecast, scope
        self._fields: dict[str, Field[Any]] = {f.name: f for f in fields(params)}
        switches = [name for name, f in self._fields.items() if isinstance(f.default, bool) and name not in skip]
        self._switches = {name: self._box(self._label(name), getattr(params, name)) for name in switches}
        for name, box in self._switches.items():
            box.setToolTip(self._fields[name].metadata["help"])
        self._formats = {name: self._box(words, name in params.formats) for name, words in formats.items()}
        self._alike = self._box(same, on=True) if same else None
        self._subjects = [QRadioButton(words) for words, _ in subjects]
        for subject_button, (_, there) in zip(self._subjects, subjects, strict=True):
            subject_button.setEnabled(there)
        for chosen in self._subjects[subject : subject + 1]:
            chosen.setChecked(True)
        self._range = [self._number(frames, end) for end in (0, 1)] if frames is not None else []
        for each in self._subjects:
            each.toggled.connect(self._update)
        if scope is not None:
            scope.changed.connect(self._update)
        self._purpose, self._existing = QComboBox(), QComboBox()
        self._purpose.addItems([*purposes, _BY_HAND])
        for words in [words for words, one in purposes.items() if replace(one, existing=params.existing) == params]:
            self._purpose.setCurrentText(words)
        self._purpose.activated.connect(self._serve)
        for name in self._fields["existing"].metadata["options"]:
            self._existing.addItem(_EXISTING.get(name, name), name)
        self._existing.setCurrentIndex(self._existing.findData(params.existing))
        self._folder = QLineEdit(str(folder))
        self._folder.setAccessibleName("Folder")
        self._folder.textChanged.connect(self._update)
        self._words = label(wrap=True)
        self._words.setObjectName("forecast")
        self._buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self._go = self._buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        self._place()
        self._update()

    def params(self) -> Record:
        """What was chosen.

        Raises
        ------
        ParameterError : it cannot be exported so
        """
        changes: dict[str, Any] = {name: box.isChecked() and box.isEnabled() for name, box in self._switches.items()}
        changes["formats"] = tuple(name for name, box in self._formats.items() if box.isChecked())
        params = replace(self._params, **changes, existing=str(self._existing.currentData()))
        if "host" in self._fields:  # what is changed by hand is for no program
            purpose = self._purposes.get(self._purpose.currentText())
            host = getattr(purpose, "host", "") if purpose is not None and self._same(purpose, params) else ""
            params = cast(Record, replace(cast(LayerExportParams, params), host=host))
        return params

    @property
    def folder(self) -> Path:
        """Where it goes."""
        return Path(self._folder.text().strip()).expanduser()

    @property
    def _count(self) -> int:
        """How many pictures are written, or frames where their numbers have no gaps."""
        if self._range and self.subject == len(self._subjects) - 1:
            first, last = self.frames
            return last - first + 1
        return len(self.places)

    @property
    def frames(self) -> tuple[int, int]:
        """The first and the last number of the range."""
        first, last = (box.value() for box in self._range)
        return min(first, last), max(first, last)

    @property
    def subject(self) -> int:
        """Which of the subjects was chosen, from 0."""
        return next((place for place, each in enumerate(self._subjects) if each.isChecked()), 0)

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the chosen pictures in the strip, from 0; raises `ParameterError` where none is named."""
        return self._scope.places if self._scope is not None else (0,)

    @property
    def same(self) -> bool:
        """Whether pictures that have no such thing of their own get the same one."""
        return self._alike is not None and self._alike.isChecked() and not self._alike.isHidden()

    def _label(self, name: str) -> str:
        return str(self._fields[name].metadata["label"])

    def _box(self, words: str, on: bool) -> QCheckBox:
        box = QCheckBox(words)
        box.setChecked(on)
        box.toggled.connect(self._update)
        return box

    def _number(self, frames: tuple[int, int], end: int) -> QSpinBox:
        box = QSpinBox()
        box.setRange(*frames)
        box.setValue(frames[end])
        box.setAccessibleName(("First frame", "Last frame")[end])
        box.setEnabled(self._subjects[-1].isChecked())
        self._subjects[-1].toggled.connect(box.setEnabled)
        box.valueChanged.connect(self._update)
        return box

    def _place(self) -> None:
        subjects: list[QLayout | None] = [row(subject) for subject in self._subjects]
        if self._range:
            first, last = self._range
            subjects.append(row(_INDENT, QLabel("from"), first, QLabel("to"), last, None))
        switches = [row(_INDENT * bool(self._refined(name)), (box, 1)) for name, box in self._switches.items()]
        what, formats = QGroupBox("What"), QGroupBox("Formats")
        what.setLayout(column(*subjects, *switches, None, margins=None))
        formats.setLayout(column(*self._formats.values(), None, margins=None))
        purpose, where = QFormLayout(), QFormLayout()
        purpose.addRow("For &what", self._purpose)
        if self._scope is not None:
            purpose.addRow("&Pictures", self._scope)
        if self._alike is not None:
            purpose.addRow("", self._alike)
        folder = QLabel("&Folder")
        folder.setBuddy(self._folder)
        where.addRow(folder, row(self._folder, button("Choose…", "", self._browse)))
        where.addRow("&If a file exists", self._existing)
        where.addRow(self._words)
        self.setLayout(column(purpose, row((what, 1), (formats, 1)), where, self._buttons, margins=None))

    def _refined(self, name: str) -> str:
        """The switch that `name` says more about; '' for one of its own."""
        return str(self._fields[name].metadata.get("of", ""))

    def _browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the export", self._folder.text())
        if folder:
            self._folder.setText(folder)

    def _serve(self, place: int) -> None:
        """Tick what the purpose at `place` needs."""
        params = list(self._purposes.values())[place] if place < len(self._purposes) else None
        if params is None:
            return
        for box in (*self._switches.values(), *self._formats.values()):
            box.blockSignals(True)
        for name, box in self._switches.items():
            box.setChecked(getattr(params, name))
        for name, box in self._formats.items():
            box.setChecked(name in params.formats)
        for box in (*self._switches.values(), *self._formats.values()):
            box.blockSignals(False)
        self._update()

    def _update(self, *_: object) -> None:
        for name, box in self._switches.items():
            if refined := self._refined(name):
                box.setEnabled(self._switches[refined].isChecked())
        of_numbers = [box for name, box in self._switches.items() if self._fields[name].metadata.get("numbers")]
        for box in self._formats.values():
            box.setEnabled(not of_numbers or any(other.isChecked() for other in of_numbers))
        try:
            params: Record | None = self.params()
            count = self._count
            if self._alike is not None:
                self._alike.setVisible(self.subject == 1 and count > 1)
            words = self._forecast(cast(Record, params), self.subject, count) if self._forecast is not None else ""
        except ParameterError as error:
            params, words = None, f"{error} {error.hint}".strip()
        self._words.setText(words)
        self._go.setEnabled(params is not None and bool(self._folder.text().strip()))
        host = getattr(params, "host", "")
        serving = [
            words
            for words, one in self._purposes.items()
            if params is not None and self._same(one, params) and getattr(one, "host", "") == host
        ]
        self._purpose.setCurrentText(serving[0] if serving else _BY_HAND)

    def _same(self, one: Record, other: Record) -> bool:
        """Whether two records write the same: formats that nothing is written in say nothing."""
        formats = any(box.isEnabled() for box in self._formats.values())
        names = [*self._switches, *(["formats"] if formats else [])]
        return all(getattr(one, name) == getattr(other, name) for name in names)


_THIS, _ALL, _SOME = range(3)
_PART = re.compile(r"\s*(\d+)\s*(?:[-\u2013]\s*(\d+))?\s*")


class PictureScope(QWidget):
    """A choice, and for some of the pictures a field such as 1-3, 7.

    Parameters
    ----------
    names : of the open pictures, in the strip's order
    current : place of the one that shows, from 0
    all_of_them : what is chosen to begin with: all, or the one that shows

    Signals
    -------
    changed : something else is chosen
    """

    changed = Signal()

    def __init__(self, names: Sequence[str], current: int, *, all_of_them: bool) -> None:
        super().__init__()
        self._count, self._current = len(names), current
        self._choice, self._range = QComboBox(), QLineEdit(f"1-{len(names)}")
        self._choice.setAccessibleName("Pictures")
        self._choice.addItems([f"This one, {names[current]}", f"All {len(names)} open pictures", "Some of them"])
        self._choice.setCurrentIndex(_ALL if all_of_them else _THIS)
        self._range.setAccessibleName("Places in the film strip")
        self._range.setToolTip("Places in the film strip, such as 1-3, 7")
        self._choice.currentIndexChanged.connect(self._choose)
        self._range.textChanged.connect(self.changed)
        self.setLayout(row((self._choice, 1), (self._range, 1)))
        self._range.setVisible(False)

    @property
    def places(self) -> tuple[int, ...]:
        """Places of the chosen pictures, from 0.

        Raises
        ------
        ParameterError : the field names none, or places that there are not
        """
        chosen = self._choice.currentIndex()
        if chosen == _THIS:
            return (self._current,)
        return tuple(range(self._count)) if chosen == _ALL else places_of(self._range.text(), self._count)

    def _choose(self, chosen: int) -> None:
        self._range.setVisible(chosen == _SOME)
        self.changed.emit()


def places_of(text: str, count: int) -> tuple[int, ...]:
    """The places, from 0, that `text` such as "1-3, 7" names of `count`; raises `ParameterError` where it does not."""
    places: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if not 1 <= first <= last <= count:
            raise ParameterError(f"The pictures must be places from 1 to {count} such as 1-3, 7; got {text.strip()!r}.")
        places |= set(range(first - 1, last))
    return tuple(sorted(places))


class FeatureForecast:
    """How much an export of features writes, in words.

    Parameters
    ----------
    size, channels : (H, W) and D of what is shown
    grid : (h, w) of the working grid that the features are on
    """

    def __init__(self, size: tuple[int, int], channels: int, grid: tuple[int, int]) -> None:
        self._numbers, self._full_numbers = grid[0] * grid[1] * channels, size[0] * size[1] * channels
        self._map_numbers = grid[0] * grid[1] * 3

    def __call__(self, params: ExportParams, subject: int = 0, pictures: int = 1) -> str:
        """Such as 'up to 2.4 MB of features', of so many pictures."""
        if not (params.raw or params.filtered or params.map3):
            return "small"
        return f"up to {_in_words(self._bytes(params) * pictures)} of features{_if_alike(pictures)}"

    def _bytes(self, params: ExportParams) -> int:
        on_full = params.full_size + params.raw_full_size
        numbers = self._numbers * (params.raw + params.filtered - on_full) + self._map_numbers * params.map3
        lifted = self._full_numbers * params.full_size
        lifted += max(self._full_numbers, self._numbers) * params.raw_full_size
        on_grid = sum(numbers * (2 if name == "npz16" else 4) for name in params.formats)
        return on_grid + sum(lifted * (4 if name in ("mat", "npz32") else 2) for name in params.formats)


class LayerForecast:
    """How much an export of layers or of a matte writes, and what it leaves out, in words.

    Parameters
    ----------
    size : (H, W) of the picture that shows
    layers : how many it has
    left_out : a sentence about what is shown and is no part of it; '' for nothing
    """

    def __init__(self, size: tuple[int, int], layers: int, left_out: str = "") -> None:
        self._pixels, self._layers, self._left_out = size[0] * size[1], layers, left_out

    def __call__(self, params: LayerExportParams, subject: int = 0, pictures: int = 1) -> str:
        """Such as 'up to 9.2 MB'; formats that compress write less."""
        count = 1 if subject else self._layers
        a_pixel = {
            "png": 8 * count, "png-premultiplied": 8 * count, "alpha": 2 * count, "npz": 4 * count, "pfm": 4 * count,
            "psd": 4 * (count + 1), "ora": 4 * (count + 2), "exr": 8 * (count + 1), "coco": 0, "index": 1,
            "cryptomatte": 16 * ((count + 1) // 2),
        }  # fmt: skip
        numbers = sum(a_pixel[name] for name in params.formats) + 3 * params.overlay + 2 * bool(subject)
        words = f"up to {_in_words(self._pixels * numbers * pictures)}{_if_alike(pictures)}"
        return f"{words}. {self._left_out}" if self._left_out else words


def _in_words(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.1f} MB"


def _if_alike(pictures: int) -> str:
    return f", if all {pictures} pictures are of this size" if pictures > 1 else ""
