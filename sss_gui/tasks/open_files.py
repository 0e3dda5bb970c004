"""Opening, pasting, exporting and copying: dialogs and the clipboard on one side, the session on the other."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from sss_gui.messages.panes import MODEL_SUFFIXES, ExportResult, ShowResult, Source
from sss_gui.pane_names import PANE_TITLES
from sss_gui.presenters.panes import PanesPresenter
from sss_gui.saved.session_file import SUFFIX
from sss_gui.state.session import Session, State
from sss_gui.widgets.local_paths import local_paths
from sss_gui.widgets.picture import qimage
from sss_gui.window.export_dialog import ExportDialog
from sss_gui.window.settings import Opened, Settings
from sss_model.errors import ParameterError
from sss_model.feature_io import FEATURE_SUFFIXES
from sss_model.files.inputs import STRIP, files_of, is_feature_file
from sss_model.image_io import IMAGE_SUFFIXES
from sss_model.params import ExportParams

LAYOUT_WORDS = {
    STRIP: "Strip [image | features], as the authors' demo reads",
    "HWD": "Features (H, W, D): rows, columns, channels",
    "DHW": "Features (D, H, W): channels first",
    "hwD": "Patch grid (h, w, D)",
    "Dhw": "Patch grid (D, h, w): channels first",
}
_REMEMBERED = ("pictures", "raw", "filtered", "map3", "strip", "save_basis")


class Files(QObject):
    """What the File and Model menus do.

    Parameters
    ----------
    sources : the open pictures, none of which is written over

    Signals
    -------
    paths_requested : list of Path, when several files or a folder are to be opened
    sources_requested : list of Source to show
    session_requested : Path of a session file
    export_all_requested : folder and ExportParams for all open pictures
    noted : a sentence for the status line
    """

    paths_requested = Signal(list)
    sources_requested = Signal(list)
    session_requested = Signal(object)
    export_all_requested = Signal(object, object)
    noted = Signal(str)

    def __init__(
        self,
        session: Session,
        panes: PanesPresenter,
        settings: Settings,
        window: QWidget,
        sources: Callable[[], list[Source]] = list,
    ) -> None:
        super().__init__(window)
        self._session, self._panes, self._settings, self._window = session, panes, settings, window
        self._sources = sources
        self._channels = 0
        session.opened.connect(self._remember)
        session.exported.connect(self._say_exported)
        session.result_arrived.connect(self._keep_size)
        session.state_changed.connect(self._remember_state)

    # opening -----------------------------------------------------------------------------------------------------

    def open_dialog(self) -> None:
        """Ask for pictures, feature files or a model."""
        pictures = " ".join(f"*{suffix}" for suffix in IMAGE_SUFFIXES)
        features = " ".join(f"*{suffix}" for suffix in FEATURE_SUFFIXES)
        models = " ".join(f"*{suffix}" for suffix in MODEL_SUFFIXES)
        filters = ";;".join(
            (f"All that can be opened ({pictures} {features} {models})", f"Pictures ({pictures})",
             f"Features ({features})", f"Models ({models})", "All files (*)"))  # fmt: skip
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open", self._settings.open_folder, filters)
        self.open_paths([Path(name) for name in names])

    def open_folder_dialog(self) -> None:
        """Ask for a folder of pictures."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder", self._settings.open_folder)
        if name:
            self.open_paths([Path(name)])

    def open_as_dialog(self) -> None:
        """Ask for strips, or for features whose axes cannot be told, and how they are to be read."""
        kinds = " ".join(f"*{suffix}" for suffix in (*IMAGE_SUFFIXES, *FEATURE_SUFFIXES))
        names, _ = QFileDialog.getOpenFileNames(
            self._window, "Open as", self._settings.open_folder, f"Strips and features ({kinds});;All files (*)"
        )
        layout = ask_layout(self._window) if names else ""
        if layout:
            self.open_as([Path(name) for name in names], layout)

    def open_as(self, paths: list[Path], layout: str) -> None:
        """Show `paths` read in `layout`, one of `inputs.INPUT_LAYOUTS`; a photograph among features is theirs."""
        sources = read_as(paths, layout)
        if sources:
            self._settings.open_folder = str(paths[0].parent)
            self.sources_requested.emit(sources)
        else:
            self.noted.emit("There are photographs only: choose the file that holds their features.")

    def open_recent(self, path: Path) -> None:
        """Open a file as it was opened before; without the photograph it had where that is gone."""
        how = self._settings.how_opened(path)
        if how == Opened():
            self.open_paths([path])
            return
        self._settings.open_folder = str(path.parent)
        image = Path(how.image) if how.image and Path(how.image).exists() else None
        self.sources_requested.emit([Source.from_path(path, image, how.layout or None)])

    def open_model_dialog(self) -> None:
        """Ask for a checkpoint."""
        models = " ".join(f"*{suffix}" for suffix in MODEL_SUFFIXES)
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a model", self._settings.open_folder, f"Models ({models});;All files (*)"
        )
        if name:
            self._session.set_model(Path(name))

    def open_paths(self, paths: list[Path]) -> None:
        """Open what was dropped or chosen: models become the model, pictures and features are shown."""
        models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
        sessions = [path for path in paths if path.name.lower().endswith(SUFFIX)]
        others = [path for path in paths if path not in models and path not in sessions]
        if sessions:
            self.session_requested.emit(sessions[-1])
        if models:
            self._session.set_model(models[-1])
        if others:
            self._settings.open_folder = str(others[0].parent)
            self.paths_requested.emit(others)

    def paste(self) -> None:
        """Open the files or the picture on the clipboard."""
        data: QMimeData | None = QGuiApplication.clipboard().mimeData()  # None before anything was ever copied
        paths = local_paths(data) if data is not None else []
        if paths:
            self.open_paths(paths)
            return
        image = data.imageData() if data is not None and data.hasImage() else None
        if isinstance(image, QImage) and not image.isNull():
            self._session.open_pixels(qimage.from_qimage(image))
        else:
            self.noted.emit("There is no picture on the clipboard.")

    # exporting ---------------------------------------------------------------------------------------------------

    def export_dialog(self) -> None:
        """Ask what to export and where to, and do it."""
        chosen = self._ask_export()
        if chosen is not None:
            self.export(*chosen)

    def export_all_dialog(self) -> None:
        """The same for all open pictures."""
        chosen = self._ask_export(max(len(self._sources()), 1))
        if chosen is not None:
            self._remember_export(*chosen)
            self.export_all_requested.emit(*chosen)

    def _ask_export(self, pictures: int = 1) -> tuple[Path, ExportParams] | None:
        source = self._session.state.source
        if source is None or not self._channels:
            self.noted.emit("Nothing is open to be exported.")
            return None
        dialog = ExportDialog(
            self._export_folder(source), self.export_params(), self._panes.size, self._channels, self._window,
            pictures=pictures,
        )  # fmt: skip
        accepted = dialog.exec() == ExportDialog.DialogCode.Accepted
        dialog.deleteLater()
        return (dialog.folder(), dialog.params()) if accepted else None

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
        if any(is_read_by(one, path) for one in (source, *self._sources())):
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
        return (source.path.parent if source.path is not None else Path.home()) / "features"

    # copying -----------------------------------------------------------------------------------------------------

    def copy_pane(self, name: str) -> None:
        """Put the picture of pane `name` on the clipboard."""
        picture = self._panes.picture(name)
        if picture is None:
            self.noted.emit("This pane is empty.")
            return
        # setImage, for PySide frees a QMimeData of ours twice when the program ends
        QGuiApplication.clipboard().setImage(qimage.to_qimage(picture).copy())
        self.noted.emit(f"Copied: {PANE_TITLES[name]}.")

    def copy_command(self) -> None:
        """Put the sss-extract call that writes the same files on the clipboard."""
        state = self._session.state
        if state.source is None or state.source.path is None:
            self.noted.emit("Only a picture from a file has a command line.")
            return
        from sss_gui.tasks.command_line import command_line

        text = command_line(state, self._export_folder(state.source), self.export_params())
        QGuiApplication.clipboard().setText(text)
        self.noted.emit("Copied as command line.")

    def drag_out(self, name: str) -> None:
        """Let the picture of pane `name` be dragged to another program, as a PNG in a temporary folder."""
        picture = self._panes.picture(name)
        source = self._session.state.source
        if picture is None or source is None:
            return
        path = Path(tempfile.mkdtemp(prefix="sss-features-")) / f"{source.stem}-{name}.png"
        if qimage.to_qimage(picture).save(str(path), quality=90):  # 90: hardly compressed, so the drag starts at once
            self._panes.drag(name, str(path))

    # remembering -------------------------------------------------------------------------------------------------

    def _remember(self, source: Source) -> None:
        if source.path is not None:
            image = str(source.image.absolute()) if source.image is not None else ""
            self._settings.add_recent_file(source.path, Opened(image, source.layout or ""))

    def _remember_state(self, state: State) -> None:
        self._settings.device = state.extract.device

    def _keep_size(self, result: ShowResult) -> None:
        if result.complete:
            self._channels = result.channels

    def _say_exported(self, result: ExportResult) -> None:
        if not result.paths:
            self.noted.emit("Nothing was written: all files are there already.")
            return
        folder = result.paths[0].parent
        self.noted.emit(f"Wrote {len(result.paths)} files into {folder}.")


def ask_layout(window: QWidget) -> str:
    """Ask what a file holds: one of `inputs.INPUT_LAYOUTS`, or nothing where the user would rather not."""
    words, chosen = QInputDialog.getItem(
        window, "Open as", "What the file holds:", list(LAYOUT_WORDS.values()), 0, False
    )
    return next(name for name, meaning in LAYOUT_WORDS.items() if meaning == words) if chosen else ""


def read_as(paths: list[Path], layout: str) -> list[Source]:
    """`paths` in `layout`; a photograph among feature files is theirs."""
    photographs = [] if layout == STRIP else [path for path in paths if not is_feature_file(path)]
    image = photographs[0] if photographs else None
    return [Source.from_path(path, image, layout) for path in paths if path not in photographs]


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
    return (
        path.exists()
        and source.path is not None
        and any(file.samefile(path) for file in files_of(source.path, source.image) if file.exists())
    )
