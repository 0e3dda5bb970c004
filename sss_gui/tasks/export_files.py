"""Exporting and copying what is shown: files, pictures on the clipboard, the command line, panes dragged out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.pane_names import PANE_TITLES
from sss_gui.requests.panes import ExportResult, Source
from sss_gui.state.picture_list import PictureList
from sss_gui.state.session import Session
from sss_gui.tasks.command_line import command_line
from sss_gui.tasks.user_folders import is_programs_own, pictures_folder
from sss_gui.widgets.picture import qimage
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.export_dialog import FEATURE_PURPOSES, ExportDialog, FeatureForecast
from sss_gui.window.settings import Settings
from sss_model.counted import counted
from sss_model.errors import ParameterError
from sss_model.feature_io import FORMATS
from sss_model.files.inputs import files_of
from sss_model.params import ExportParams

_REMEMBERED = ("pictures", "raw", "filtered", "map3", "strip", "save_basis", "full_size", "raw_full_size")


class ExportFiles(QObject):
    """What the File menu writes and copies; no open picture is ever written over.

    Parameters
    ----------
    data : the folder in which the program keeps its own files

    Signals
    -------
    export_all_requested : folder and ExportParams for all open pictures
    noted : a sentence for the status line
    """

    export_all_requested = Signal(object, object)
    noted = Signal(str)

    def __init__(
        self,
        session: Session,
        pictures: PictureList,
        panel: FeaturePanel,
        settings: Settings,
        data: Path,
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._data = data
        self._session, self._pictures, self._panel = session, pictures, panel
        self._settings, self._window = settings, window
        session.exported.connect(self._say_exported)

    def export_dialog(self) -> None:
        """Ask what to export and where to, and do it."""
        chosen = self._ask_export()
        if chosen is not None:
            self.export(*chosen)

    def export_all_dialog(self) -> None:
        """The same for all open pictures."""
        chosen = self._ask_export(max(len(self._pictures.sources), 1))
        if chosen is not None:
            self._remember_export(*chosen)
            self.export_all_requested.emit(*chosen)

    def _ask_export(self, pictures: int = 1) -> tuple[Path, ExportParams] | None:
        source, features = self._session.state.source, self._session.features
        if source is None or features is None:
            self.noted.emit("Nothing is open to be exported.")
            return None
        params = replace(self.export_params(), existing="refuse" if pictures == 1 else "skip")  # never replaced unasked
        dialog = ExportDialog(
            f"Export {source.name}" if pictures == 1 else f"Export all {pictures} pictures",
            self._export_folder(source),
            params,
            formats={name: form.label for name, form in FORMATS.items()},
            purposes=FEATURE_PURPOSES,
            forecast=FeatureForecast(self._session.size, features.channels, features.grid, pictures),
            parent=self._window,
        )
        accepted = dialog.exec() == ExportDialog.DialogCode.Accepted
        dialog.deleteLater()
        return (dialog.folder, dialog.params()) if accepted else None

    def export(self, folder: Path, params: ExportParams) -> None:
        """Write what is shown into `folder`, and remember both choices."""
        self._remember_export(folder, params)
        self._session.export(folder, params)

    def _remember_export(self, folder: Path, params: ExportParams) -> None:
        self._settings.export_folder = str(folder)
        for name in _REMEMBERED:
            self._settings.set_value(f"export/{name}", getattr(params, name))
        self._settings.set_value("export/formats", " ".join(params.formats))

    def save_png(self, what: str, write: Callable[[Path], None]) -> None:
        """Ask where to, and let `write` write the PNG called after the picture and `what`."""
        source = self._session.shown
        if source is None:
            self.noted.emit("Open a picture first.")
            return
        start = self._export_folder(source).parent / f"{source.stem}-{what}.png"
        path = ask_save(self._window, f"Save the {what}", start, "png", "PNG (*.png)")
        if path is None:
            return
        if any(is_read_by(one, path) for one in (source, *self._pictures.sources)):
            self.noted.emit(f"{path.name} is a picture that is open: choose another name for the {what}.")
        else:
            write(path)

    def export_params(self) -> ExportParams:
        """What was exported last."""
        default = ExportParams()
        switches = {name: self._settings.value(f"export/{name}", getattr(default, name)) for name in _REMEMBERED}
        formats = tuple(str(self._settings.value("export/formats", " ".join(default.formats))).split())
        try:
            return ExportParams(**switches, formats=formats)
        except ParameterError:
            return default

    def _export_folder(self, source: Source) -> Path:
        if self._settings.export_folder:
            return Path(self._settings.export_folder)
        own = is_programs_own(source.path, self._data)
        return (pictures_folder() if own else source.path.parent) / "features"

    def copy_pane(self, name: str) -> None:
        """Put the picture of pane `name` on the clipboard."""
        picture = self._panel.pane(name).picture
        if picture is None:
            self.noted.emit("This pane is empty.")
            return
        # setImage, for PySide frees a QMimeData of ours twice when the program ends
        QGuiApplication.clipboard().setImage(qimage.to_qimage(picture).copy())
        self.noted.emit(f"Copied: {PANE_TITLES[name]}.")

    def copy_command(self) -> None:
        """Put the call that writes the same files on the clipboard: of the picture shown, not of one that waits."""
        source = self._session.displayed
        if source is None:
            self.noted.emit("Open a picture first.")
            return
        state = replace(self._session.state, source=source)
        text = command_line(state, self._export_folder(source), self.export_params())
        QGuiApplication.clipboard().setText(text)
        self.noted.emit(f"Copied the command line that exports {source.name}.")

    def drag_out(self, name: str) -> None:
        """Let the picture of pane `name` be dragged to another program, as a PNG in a temporary folder."""
        picture = self._panel.pane(name).picture
        source = self._session.displayed
        if picture is None or source is None:
            return
        path = Path(tempfile.mkdtemp(prefix="sss-features-")) / f"{source.stem}-{name}.png"
        if qimage.to_qimage(picture).save(str(path), quality=90):  # 90: hardly compressed, so the drag starts at once
            self._panel.pane(name).start_drag_out(str(path))

    def _say_exported(self, result: ExportResult) -> None:
        if not result.paths:
            self.noted.emit("Nothing was written: all files are there already.")
            return
        folder = result.paths[0].parent
        self.noted.emit(f"Wrote {counted(len(result.paths), 'file')} into {folder}.")


def ask_save(window: QWidget, title: str, start: Path, suffix: str, kind: str) -> Path | None:
    """Ask for a file called *.`suffix` to write; the dialog asks before one that is there is overwritten."""
    dialog = QFileDialog(window, title, str(start.parent), kind)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(start.name)
    path = None
    while path is None and dialog.exec():
        chosen = Path(dialog.selectedFiles()[0])
        whole = with_ending(chosen, f".{suffix}")
        if whole == chosen or not whole.exists():
            path = whole
        else:  # "my.v2" is my.v2.png, which the dialog has not asked about: it is shown again with the whole name
            dialog.selectFile(str(whole))
    dialog.deleteLater()
    return path


def with_ending(path: Path, ending: str) -> Path:
    """`path` with `ending` after its name, unless it is there already."""
    return path if path.name.lower().endswith(ending) else path.with_name(path.name + ending)


def is_read_by(source: Source, path: Path) -> bool:
    """Whether `path` is the file of `source` or its photograph, by whatever name."""
    return path.exists() and any(file.samefile(path) for file in files_of(source.path, source.image) if file.exists())
