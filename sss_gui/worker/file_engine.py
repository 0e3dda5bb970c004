"""Work on files that needs no model, on a thread of its own: listing folders, thumbnails."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from sss_gui.requests.files import (
    ChoicesRequest,
    ChoicesResult,
    FigureRequest,
    KeepEdits,
    ListRequest,
    ListResult,
    PasteRequest,
    RecallEdits,
    ThumbnailRequest,
    ThumbnailResult,
)
from sss_gui.requests.panes import ExportResult, Source
from sss_gui.requests.segments import FrameList
from sss_gui.requests.sequence import OpenFrames, PlayedFrame, PlayFrame
from sss_gui.requests.worker import Answers, Deliver, Engine
from sss_gui.worker.frame_player import FramePlayer, frames_beside, list_frames
from sss_model.errors import ImageError, SSSError
from sss_model.feature_io import AXIS_ORDERS, FEATURE_SUFFIXES, find_image_for
from sss_model.files.frames import VIDEO_SUFFIXES, Pictures, SequenceError
from sss_model.files.inputs import STRIP, FolderContents, is_feature_file, look_into
from sss_model.image_io import choices_in, image_size, read_thumbnail, write_picture
from sss_model.progress import Progress
from sss_model.storage.atomic_write import reason, replacing

FEWEST = 8  # numbered pictures in a folder, from which on they look like frames
PASTED = 200  # pasted pictures that are kept
EDITED = 2000  # pictures of which it is kept what was made of them


class FileEngine(Engine):
    """Finds pictures among files and folders, and makes small pictures of them."""

    answers: ClassVar[Answers] = {
        ListRequest: "list_files",
        ChoicesRequest: "choices",
        PasteRequest: "paste",
        ThumbnailRequest: "thumbnails",
        FigureRequest: "figure",
        RecallEdits: "recall_edits",
        KeepEdits: "keep_edits",
        OpenFrames: "open_frames",
        PlayFrame: "play",
    }

    def __init__(self) -> None:
        self._player = FramePlayer()

    def list_files(self, request: ListRequest, progress: Progress, deliver: Deliver) -> ListResult:
        """What can be opened among the request's paths, and what of folders is left out."""
        return list_sources(request.paths, progress)

    def choices(self, request: ChoicesRequest, progress: Progress, deliver: Deliver) -> ChoicesResult:
        """The layers and pages of a picture; none of features."""
        path = request.source.image or request.source.path
        if is_feature_file(path):
            return ChoicesResult(layout=AXIS_ORDERS[0])
        choices = choices_in(path)
        return ChoicesResult(tuple(choices.layers), choices.pages)

    def figure(self, request: FigureRequest, progress: Progress, deliver: Deliver) -> ExportResult:
        """What panes show, as a figure."""
        from sss_model.figure import draw_figure

        r = request
        return ExportResult((draw_figure(r.path, r.panes, width=r.width, columns=r.columns, title=r.title),))

    def open_frames(self, request: OpenFrames, progress: Progress, deliver: Deliver) -> FrameList:
        """The frames of a folder, of a video, or those beside one that was chosen."""
        paths = request.paths
        if len(paths) == 1 and paths[0].is_dir():
            return list_frames(tuple(_in_folder(paths[0]).files))
        if len(paths) == 1 and paths[0].suffix.lower() not in VIDEO_SUFFIXES:
            return list_frames(tuple(frames_beside(paths[0], _in_folder(paths[0].parent).files)) or paths)
        return list_frames(paths)

    def play(self, request: PlayFrame, progress: Progress, deliver: Deliver) -> PlayedFrame:
        """A small picture of a frame."""
        return self._player.played(request)

    def paste(self, request: PasteRequest, progress: Progress, deliver: Deliver) -> ListResult:
        """Keep a pasted picture as pasted-1.png, pasted-2.jpg ...; the oldest of many are forgotten."""
        request.folder.mkdir(parents=True, exist_ok=True)
        pasted = sorted(request.folder.glob("pasted-*"), key=_number)
        path = request.folder / f"pasted-{_number(pasted[-1]) + 1 if pasted else 1}{request.suffix}"
        if not _kept_whole(path, request.data):
            if 0 in request.picture.shape:
                raise ImageError("What was pasted or dropped is no picture that can be read.")
            path = path.with_suffix(".png")
            write_picture(path, request.picture, profile=request.profile)
        for old in pasted[: -PASTED + 1]:
            old.unlink(missing_ok=True)
        return ListResult((Source.from_path(path),))

    def thumbnails(self, request: ThumbnailRequest, progress: Progress, deliver: Deliver) -> None:
        """Deliver a small picture of each source."""
        for source in request.sources:
            progress.report(0.0, "Thumbnails")
            deliver(_thumbnail(request, source))
            self.give_way()

    def recall_edits(self, request: RecallEdits, progress: Progress, deliver: Deliver) -> str:
        """What was made of a picture before; its file is now the last one to be forgotten."""
        path = edits_file(request.folder, request.name)
        try:
            written = path.read_text(encoding="utf-8")
            path.touch()
        except FileNotFoundError:
            return ""
        return written

    def keep_edits(self, request: KeepEdits, progress: Progress, deliver: Deliver) -> None:
        """Write what is made of a picture."""
        write_edits(request.folder, request.name, request.text)


def edits_file(folder: Path, name: str) -> Path:
    """Where it is kept what was made of the picture `name`."""
    return folder / f"{name}.json"


def write_edits(folder: Path, name: str, text: str) -> None:
    """Keep `text` of the picture `name`, or nothing where it is empty; of many pictures the oldest is forgotten.

    Raises
    ------
    SSSError, OSError : the folder or the file cannot be written
    """
    path = edits_file(folder, name)
    if not text:
        path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path, SSSError) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace")
    files = list(folder.glob("*.json"))
    for old in sorted(files, key=_age)[:-EDITED]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # another window has just removed it
        return 0


def list_sources(paths: Sequence[Path], progress: Progress | None = None) -> ListResult:
    """What can be opened among `paths`: files as given, folders as the photographs in them (not below).

    A folder without photographs gives its feature files. Our own exports beside their photograph are left out. One
    feature file given together with one photograph is opened with it. The note says what folders hold besides.

    Raises
    ------
    ImageError : a folder cannot be read
    """
    files = [path for path in paths if not path.is_dir()]
    features = [path for path in files if is_feature_file(path)]
    if len(files) == 2 and len(features) == 1 and len(paths) == 2:
        image = next(path for path in files if path not in features)
        return ListResult((Source.from_path(features[0], image),))
    inputs: list[Path] = []
    notes: list[str] = []
    for path in paths:
        if progress is not None:
            progress.report(0.0, "Listing")
        if not path.is_dir():
            inputs.append(path)
            continue
        contents = _in_folder(path)
        inputs += contents.files
        if contents.left_out:
            notes.append(f"{path.name}: {contents.sentence}")
        elif not contents.files:
            notes.append(f"There is no picture in {path.name}.")
    sources = tuple(Source.from_path(path) for path in dict.fromkeys(inputs))
    return ListResult(sources, " ".join(notes), _numbered(paths, sources))


def _kept_whole(path: Path, data: bytes) -> bool:
    """Write the picture file's bytes `data` to `path`; nothing where they are no picture that is read."""
    if not data:
        return False
    with replacing(path, ImageError) as temporary:
        temporary.write_bytes(data)
    try:
        image_size(path)
    except ImageError:
        path.unlink(missing_ok=True)
        return False
    return True


def _number(path: Path) -> int:
    """Of pasted-7.png; 0 of another name."""
    digits = path.stem.removeprefix("pasted-")
    return int(digits) if digits.isdecimal() else 0


def _in_folder(folder: Path) -> FolderContents:
    try:
        return look_into(folder)
    except OSError as error:
        why, hint = reason(error)
        raise ImageError(f"The folder {folder} cannot be read: {why}.", hint=hint) from error


def _numbered(paths: Sequence[Path], sources: Sequence[Source]) -> bool:
    """Whether this is a folder of one sequence's frames."""
    if len(paths) != 1 or len(sources) < FEWEST or not paths[0].is_dir():
        return False
    try:
        return bool(Pictures([source.path for source in sources]).numbers)
    except SequenceError:
        return False


def _thumbnail(request: ThumbnailRequest, source: Source) -> ThumbnailResult:
    path = source.image or source.path
    try:
        if source.image is None and path.suffix.lower() in FEATURE_SUFFIXES and is_feature_file(path):
            path = find_image_for(path) or path
        picture = read_thumbnail(path, request.side, source.reading)
        if source.layout == STRIP:
            picture = picture[:, : max(1, picture.shape[1] // 2)].copy()
        return ThumbnailResult(source, picture)
    except SSSError as error:
        return ThumbnailResult(source, None, str(error))
