"""Picture and model files watched: when one changes on disk, what is shown is made anew."""

from __future__ import annotations

import os
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from sss_gui.requests.panes import OpenedPicture
from sss_gui.state.session import Session
from sss_model.files.allocation import file_stamp

SETTLE_MS = 400  # programs write in several goes, or under another name and move
MISSING_MS = 1000  # how often it is looked for a file that is gone
_LINKS = 8  # of a chain


class FileWatcher(QObject):
    """Watches the shown picture, its photograph and the model, also where they are links, or gone for a while.

    Signals
    -------
    noted : a sentence for the status line
    reloaded : Source whose picture, or the model for it, is read again
    """

    noted = Signal(str)
    reloaded = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._changed)
        self._watcher.directoryChanged.connect(self._folder_changed)
        self._files: tuple[Path, ...] = ()  # what the wanted picture was read from
        self._names: set[str] = set()
        self._read: dict[str, object] = {}  # the stamp that each file had when it was read
        self._timer = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._timer.timeout.connect(self._reload)
        session.source_changed.connect(lambda _source: self._learn_files(()))
        session.model_changed.connect(lambda _model: self._watch())
        session.picture_opened.connect(self._learn)

    def end(self) -> None:
        """Watch nothing any more."""
        self._timer.stop()
        self._watcher.blockSignals(True)

    def _learn(self, opened: OpenedPicture) -> None:
        """The worker says what a picture was read from: a photograph beside features, say."""
        if opened.files and opened.files != self._files:
            self._learn_files(opened.files)

    def _learn_files(self, files: tuple[Path, ...]) -> None:
        self._files = files
        self._watch()

    def _watch(self) -> None:
        state = self._session.state
        own = (state.source.path, state.source.image) if state.source is not None else ()
        self._names = {str(path) for path in (*own, *self._files, state.model) if path is not None}
        self._read = {name: self._read.get(name) or _stamp(name) for name in self._names}
        watched = {*self._watcher.files(), *self._watcher.directories()}
        wanted = self._names | {folder for name in self._names for folder in _folders(name)}
        if watched - wanted:
            self._watcher.removePaths(list(watched - wanted))
        self._watch_all()

    def _watch_all(self) -> None:
        watched = {*self._watcher.files(), *self._watcher.directories()}
        wanted = self._names | {folder for name in self._names for folder in _folders(name)}
        missing = [name for name in wanted - watched if os.path.exists(name)]
        if missing:
            self._watcher.addPaths(missing)

    def _changed(self, _name: str) -> None:
        self._timer.start(SETTLE_MS)

    def _folder_changed(self, _name: str) -> None:
        if any(_stamp(name) != stamp for name, stamp in self._read.items()):
            self._timer.start(SETTLE_MS)

    def _reload(self) -> None:
        self._watch_all()  # a file that was replaced is no longer watched
        stamps = {name: _stamp(name) for name in self._names}
        if None in stamps.values():  # until it is written anew
            self._timer.start(MISSING_MS)
        elif stamps != self._read:
            self._read = stamps
            self.noted.emit("Changed on disk: read again.")
            self._session.refresh()
            if self._session.state.source is not None:
                self.reloaded.emit(self._session.state.source)


def _stamp(name: str) -> object:
    """Changes when another file is there, or other bytes in it; None without one."""
    stamp = file_stamp(Path(name))
    return None if stamp is None else (os.path.realpath(name), stamp)


def _folders(name: str) -> set[str]:
    """The folders in which it is decided which file `name` is: its own, and those of the links on the way to it."""
    result, path = {str(Path(name).parent)}, Path(name)
    for _ in range(_LINKS):
        link = next((part for part in (path, *path.parents) if part.is_symlink()), None)
        if link is None:
            break
        result.add(str(link.parent))
        path = Path(os.path.normpath(link.parent / os.readlink(link) / path.relative_to(link)))
        result.add(str(path.parent))
    return result
