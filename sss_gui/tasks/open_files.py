"""Opening: dialogs, dropped and pasted things, recent files; folders are listed on the file thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QStandardPaths, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.files import ChoicesRequest, ChoicesResult, ListRequest, ListResult, PasteRequest
from sss_gui.requests.panes import MODEL_SUFFIXES, Source
from sss_gui.requests.segments import FrameList
from sss_gui.requests.sequence import OpenFrames
from sss_gui.requests.worker import Worker
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.carried import Carried, carried
from sss_gui.widgets.picture import qimage
from sss_gui.window.read_dialog import ReadDialog
from sss_gui.window.settings import Opened, Settings
from sss_model.counted import counted
from sss_model.feature_io import FEATURE_SUFFIXES, TOKENS
from sss_model.files.frames import VIDEO_SUFFIXES
from sss_model.files.inputs import STRIP, is_feature_file
from sss_model.image_io import IMAGE_SUFFIXES
from sss_model.params import ReadParams
from sss_model.storage.shipped_files import SAMPLE, resource

SESSION_SUFFIX = ".sss.json"
LAYOUT_WORDS = {
    STRIP: "Strip [image | features], as the authors' demo reads",
    "HWD": "Features (H, W, D): rows, columns, channels",
    "DHW": "Features (D, H, W): channels first",
    "hwD": "Patch grid (h, w, D)",
    "Dhw": "Patch grid (D, h, w): channels first",
    TOKENS: "Tokens (N, D) of a transformer, with or without class and register tokens",
}


class OpenFiles(QObject):
    """What the File and Model menus open.

    Parameters
    ----------
    worker : runs a `FileEngine`
    data : the folder in which the program keeps its own files, pasted pictures too

    Attributes
    ----------
    stand_in : the sample while it is open without having been asked for; what is opened next replaces it

    Signals
    -------
    session_requested : Path of a session file
    frames_offered : a folder whose pictures look like the frames of a sequence, and how many they are
    noted : a sentence for the status line
    """

    session_requested = Signal(object)
    frames_offered = Signal(object, int)
    noted = Signal(str)

    def __init__(self, work: Workspace, worker: Worker, settings: Settings, data: Path, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._pictures, self._sequence = work.session, work.pictures, work.sequence
        self._settings, self._data, self._window = settings, data, window
        self._listing = Channel(worker, Rank.LIST, stops_running=True)
        self._frames = Channel(worker, Rank.LIST, stops_running=True)
        self._pasting = Channel(worker, Rank.EXPORT, keeps_all=True)
        self._choices = Channel(worker, Rank.LIST, stops_running=True)
        self.stand_in: Source | None = None
        self._listed: set[Source] = set()  # came with a folder, which is what recent files name
        self._session.opened.connect(self._remember)

    def open_dialog(self) -> None:
        """Ask for pictures, feature files or a model, and add them to what is open."""
        self.open_paths(self._ask_files("Open"))

    def open_instead_dialog(self) -> None:
        """Ask for pictures, feature files or a model, and close what is open."""
        self.open_paths(self._ask_files("Open instead"), instead=True)

    def _ask_files(self, title: str) -> list[Path]:
        kinds: dict[str, Sequence[str]] = {"Pictures": IMAGE_SUFFIXES, "Features": FEATURE_SUFFIXES}
        kinds |= {"Videos": VIDEO_SUFFIXES, "Models": MODEL_SUFFIXES}
        every = [suffix for suffixes in kinds.values() for suffix in suffixes]
        return self._ask(title, {"All that can be opened": every, **kinds})

    def _ask(self, title: str, kinds: Mapping[str, Sequence[str]]) -> list[Path]:
        """Ask for files of these kinds, each with its suffixes, or of any; none where the user cancels."""
        filters = [f"{kind} ({' '.join(f'*{suffix}' for suffix in suffixes)})" for kind, suffixes in kinds.items()]
        names, _ = QFileDialog.getOpenFileNames(
            self._window, title, self._start_folder(), ";;".join([*filters, "All files (*)"])
        )
        return [Path(name) for name in names]

    def _start_folder(self) -> str:
        return self._settings.open_folder or str(pictures_folder())

    def _remember_folder(self, path: Path) -> None:
        """Start the next dialog where `path` lies."""
        if not is_programs_own(path, self._data):
            self._settings.open_folder = str(path if path.is_dir() else path.parent)

    def open_folder_dialog(self) -> None:
        """Ask for a folder of pictures."""
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder", self._start_folder())
        if name:
            self.open_paths([Path(name)])

    def open_sequence_dialog(self) -> None:
        """Ask for one of the frames of a sequence, or for a video."""
        title = "Open a sequence: one of its numbered frames, or a video"
        paths = self._ask(title, {"Frames and videos": (*VIDEO_SUFFIXES, *IMAGE_SUFFIXES)})
        if paths:
            self.open_sequence(paths)

    def open_sequence(self, paths: Sequence[Path]) -> None:
        """Open the frames of a folder, those beside a frame, a video, or all of these files, as one sequence."""
        self._remember_folder(paths[0])
        self._listing.drop()
        self._frames.ask(OpenFrames(tuple(paths)), partial(self._take_frames, paths[0]))

    def _take_frames(self, path: Path, frames: FrameList) -> None:
        self.stand_in = None
        video = frames.sources[0].frame is not None
        self._listed |= set(frames.sources)
        self._settings.add_recent_file(path if video or path.is_dir() else path.parent)
        self._sequence.open(frames)

    def open_as_dialog(self) -> None:
        """Ask for files, and how they are to be read where that is not plain."""
        paths = self._ask("Open as", {"Pictures, strips and features": (*IMAGE_SUFFIXES, *FEATURE_SUFFIXES)})
        if paths:
            features = [path for path in paths if path.suffix.lower() in FEATURE_SUFFIXES]
            first = Source.from_path((features or paths)[0])
            self._ask_reading(first, lambda layout, reading: self.open_as(paths, layout, reading))

    def read_as_dialog(self) -> None:
        """Ask how the shown picture's file is to be read, and show it so in its place."""
        source = self._session.state.source
        if source is None:
            self.noted.emit("Nothing is open to be read in another way.")
            return

        def take(layout: str, reading: ReadParams) -> None:
            self._pictures.replace(source, Source.from_path(source.path, source.image, layout or None, reading))

        self._ask_reading(source, take)

    def _ask_reading(self, source: Source, take: Callable[[str, ReadParams], None]) -> None:
        """See what there is to choose of `source`, then ask; `take` gets the layout, "" for a picture, and the rest."""

        def ask(choices: ChoicesResult) -> None:
            layout, file = source.layout or "", source.image or source.path
            options: dict[str, Any] = {"layers": choices.layers, "pages": choices.pages, "parent": self._window}
            dialog = ReadDialog(file.name, LAYOUT_WORDS, layout or choices.layout, source.reading, **options)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.accepted.connect(lambda: take(dialog.layout_name, dialog.params()))
            dialog.open()

        self._choices.ask(ChoicesRequest(source), ask)

    def open_as(self, paths: list[Path], layout: str, reading: ReadParams | None = None) -> None:
        """Show `paths` read in `layout`, one of `inputs.INPUT_LAYOUTS`, or '' as pictures by `reading`.

        A photograph among features is theirs.
        """
        sources = read_as(paths, layout) if layout else [Source.from_path(path, reading=reading) for path in paths]
        if sources:
            self._remember_folder(paths[0])
            self._open(sources)
        else:
            self.noted.emit("There are photographs only: choose the file that holds their features.")

    def open_recent(self, path: Path) -> None:
        """Open a file as it was opened before; without the photograph it had where that is gone."""
        how = self._settings.how_opened(path)
        if how == Opened():
            self.open_paths([path])
            return
        self._remember_folder(path)
        image = Path(how.image) if how.image and Path(how.image).exists() else None
        self._open([Source.from_path(path, image, how.layout or None, how.reading)])

    def open_model_dialog(self) -> None:
        """Ask for a checkpoint."""
        paths = self._ask("Open a model", {"Models": MODEL_SUFFIXES})
        if paths:
            self._session.set_model(paths[0])

    def drop(self, content: Carried) -> None:
        """Open what was dropped: with Shift in place of what is open."""
        shift = Qt.KeyboardModifier.ShiftModifier
        self._take_carried(content, instead=bool(QGuiApplication.queryKeyboardModifiers() & shift))

    def open_paths(self, paths: list[Path], *, instead: bool = False) -> None:
        """Open what was dropped or chosen: models become the model, pictures and features are added and shown.

        With `instead` the pictures replace those that are open.
        """
        models = [path for path in paths if path.suffix.lower() in MODEL_SUFFIXES]
        sessions = [path for path in paths if path.name.lower().endswith(SESSION_SUFFIX)]
        others = [path for path in paths if path not in models and path not in sessions]
        videos = [path for path in others if path.suffix.lower() in VIDEO_SUFFIXES]
        if sessions:
            self.session_requested.emit(sessions[-1])
        if models:
            self._session.set_model(models[-1])
        if videos:
            self.open_sequence(videos[:1])
            if len(others) > 1:
                self.noted.emit(f"Opened {videos[0].name} alone: a video is a sequence of its own.")
        elif others:
            self._remember_folder(others[0])
            self._list(others, instead)

    def paste(self) -> None:
        """Open the files or the picture on the clipboard."""
        content = carried(QGuiApplication.clipboard().mimeData())  # None before anything was ever copied
        if content:
            self._take_carried(content)
        else:
            self.noted.emit("There is no picture on the clipboard.")

    def _take_carried(self, content: Carried, *, instead: bool = False) -> None:
        if content.paths:
            self.open_paths(content.paths, instead=instead)
        elif content.has_picture:
            image = content.image or QImage()
            profile = bytes(image.colorSpace().iccProfile().data()) if image.colorSpace().isValid() else b""
            request = PasteRequest(
                qimage.stored_pixels(image), self._data / "pasted", profile, content.data, content.suffix
            )
            self._pasting.ask(request, lambda result: self._open(result.sources, instead=instead))
        else:
            self.noted.emit(f"{content.link} is on another machine, and nothing is fetched: save the picture first.")

    def open_sample(self) -> None:
        """Open the picture that comes with the program."""
        self._open([Source.from_path(resource(SAMPLE))])

    def _open(self, sources: Sequence[Source], *, instead: bool = False) -> None:
        self._listing.drop()
        self._frames.drop()
        self._show(sources, instead)

    def _show(self, sources: Sequence[Source], instead: bool) -> None:
        """Add `sources`, or replace what is open; the sample that opened by itself makes room."""
        before, frames = self._pictures.sources, self._sequence.frames
        if frames is not None and not set(sources) <= set(frames.sources):
            self._pictures.set(sources)
            self.noted.emit(f"Closed the sequence {frames.name}; what was made of it is kept.")
        elif instead or before == [self.stand_in]:
            self._pictures.set(sources)
        else:
            added = self._pictures.add(sources)
            if before and added:
                self.noted.emit(f"Added {counted(added, 'picture')}.")
        if before:
            self.stand_in = None

    def _list(self, paths: Sequence[Path], instead: bool) -> None:
        """List `paths` on the file thread, then show the first; one file alone is shown at once."""
        if len(paths) == 1 and paths[0].suffix and not paths[0].is_dir():
            self._open([Source.from_path(paths[0])], instead=instead)
            return
        folders = [path for path in paths if path.is_dir()]
        self._listing.ask(ListRequest(tuple(paths)), lambda result: self._take_list(result, folders, instead))

    def _take_list(self, result: ListResult, folders: Sequence[Path], instead: bool) -> None:
        if result.sources:
            inside = {source for source in result.sources if source.path.parent in folders}
            self._listed |= inside
            for folder in reversed(folders):
                if any(source.path.parent == folder for source in inside):
                    self._settings.add_recent_file(folder)
            self._show(result.sources, instead)
            if result.frames:
                self.frames_offered.emit(folders[0], len(result.sources))
        if result.note:
            self.noted.emit(result.note)

    def _remember(self, source: Source) -> None:
        if source not in self._listed:
            image = str(source.image.absolute()) if source.image is not None else ""
            self._settings.add_recent_file(source.path, Opened(image, source.layout or "", source.reading))


def read_as(paths: list[Path], layout: str) -> list[Source]:
    """`paths` in `layout`; a photograph among feature files is theirs."""
    photographs = [] if layout == STRIP else [path for path in paths if not is_feature_file(path)]
    image = photographs[0] if photographs else None
    return [Source.from_path(path, image, layout) for path in paths if path not in photographs]


def pictures_folder() -> Path:
    """The user's folder of pictures; the home where there is none."""
    where = Path(QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation))
    return where if where.is_dir() else Path.home()


def is_programs_own(path: Path, data: Path) -> bool:
    """Whether a file came with the program, or lies in its folder `data`, as pasted pictures do."""
    return path == resource(SAMPLE) or path.is_relative_to(data)
