"""Exporting and copying what is shown: files, pictures on the clipboard, the command line, panes dragged out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.pane_names import PANE_TITLES
from sss_gui.requests.panes import ExportRequest, ExportResult, Source
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.batch_export import BatchExport, Place
from sss_gui.tasks.command_line import command_line
from sss_gui.tasks.export_task import ExportTask
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.window.export_dialog import FEATURE_PURPOSES, ExportDialog, FeatureForecast, PictureScope
from sss_gui.window.settings import Settings
from sss_model.counted import counted
from sss_model.feature_io import FORMATS
from sss_model.files.inputs import files_of
from sss_model.params import ExportParams


class ExportFiles(ExportTask[ExportParams]):
    """What the File menu writes and copies while the features show; no open picture is ever written over."""

    def __init__(
        self, work: Workspace, batch: BatchExport, panel: FeaturePanel, settings: Settings, data: Path, window: QWidget
    ) -> None:
        super().__init__(
            work.session, panel, settings, data, window, default=ExportParams(), group="export", titles=PANE_TITLES
        )
        self._pictures, self._batch = work.pictures, batch
        work.session.exported.connect(self._say_exported)

    def export_dialog(self, *, all_pictures: bool = False) -> None:
        """Ask what to export, of which pictures and where to, and do it; `all_pictures` is what it begins with."""
        source, features, sources = self._session.state.source, self._session.features, self._pictures.sources
        if source is None or features is None:
            self.noted.emit("Nothing is open to be exported.")
            return
        many = len(sources) > 1
        dialog = ExportDialog(
            "Export features",
            self.folder(),
            self.first_params(all_pictures=all_pictures),
            formats={name: form.label for name, form in FORMATS.items()},
            purposes=FEATURE_PURPOSES,
            scope=PictureScope([one.name for one in sources], self._pictures.index, all_of_them=all_pictures)
            if many
            else None,
            forecast=FeatureForecast(self._session.size, features.channels, features.grid),
            parent=self._window,
        )
        accepted = dialog.exec() == ExportDialog.DialogCode.Accepted
        folder, params = dialog.folder, dialog.params() if accepted else None
        chosen = [sources[place] for place in dialog.places] if accepted and many else [source]
        dialog.deleteLater()
        if params is not None and chosen == [source]:
            self.export(folder, params)
        elif params is not None:
            self.export_pictures(chosen, folder, params)

    def export(self, folder: Path, params: ExportParams) -> None:
        """Write what is shown into `folder`, and remember both choices."""
        self.remember(folder, params)
        self._session.export(folder, params)

    def export_pictures(self, sources: Sequence[Source], folder: Path, params: ExportParams) -> None:
        """Write `sources` as the session's parameters are now, and remember both choices."""
        self.remember(folder, params)
        state = self._session.state

        def build(source: Source, place: Place) -> ExportRequest:
            panes = replace(state, source=source).panes()
            return ExportRequest(panes, folder, params, place.stem, place.begun, place.done)

        self._batch.start(sources, folder, build)

    def save_png(self, what: str, write: Callable[[Path], None]) -> None:
        """Ask where to, and let `write` write the PNG called after picture and `what`; a similarity may be an npy."""
        source = self._session.shown
        if source is None:
            self.noted.emit("Open a picture first.")
            return
        start = self.folder().parent / f"{source.stem}-{what}.png"
        kinds = "PNG, 16 bit (*.png);;Numbers (*.npy)" if what == "similarity" else "PNG (*.png)"
        path = ask_save(self._window, f"Save the {what}", start, "png", kinds)
        if path is None:
            return
        if any(is_read_by(one, path) for one in (source, *self._pictures.sources)):
            self.noted.emit(f"{path.name} is a picture that is open: choose another name for the {what}.")
        else:
            write(path)

    def copy_command(self) -> None:
        """Put the call that writes the same files on the clipboard: of the picture shown, not of one that waits."""
        source = self._session.displayed
        if source is None:
            self.noted.emit("Open a picture first.")
            return
        if source.frame is not None:
            self.noted.emit("A frame of a video has no command line: export it from here, or save it as a picture.")
            return
        state = replace(self._session.state, source=source)
        text = command_line(state, self.folder(), self.params())
        QGuiApplication.clipboard().setText(text)
        self.noted.emit(f"Copied the command line that exports {source.name}.")

    def _say_exported(self, result: ExportResult) -> None:
        if not result.paths:
            self.noted.emit("Nothing was written: all files are there already.")
            return
        folder = result.paths[0].parent
        self.noted.emit(f"Wrote {counted(len(result.paths), 'file')} into {folder}.")


def ask_save(window: QWidget, title: str, start: Path, suffix: str, kind: str) -> Path | None:
    """Ask for a file called *.`suffix` to write, or of another kind; asks before one that is there is overwritten.

    `kind` are the dialog's filters, the first that of `suffix`.
    """
    dialog = QFileDialog(window, title, str(start.parent), kind)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(start.name)
    path, others = None, re.findall(r"\*(\.\w+)\)", kind)[1:]
    while path is None and dialog.exec():
        chosen = Path(dialog.selectedFiles()[0])
        named = next((other for other in others if chosen.name.lower().endswith(other)), "")
        asked = next((other for other in others if f"*{other})" in dialog.selectedNameFilter()), "")
        whole = with_ending(chosen, named or asked or f".{suffix}")
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
