"""Picture and model files watched: when one changes on disk, what is shown is made anew."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, QTimer, Signal

from sss_gui.requests.panes import OpenedPicture
from sss_gui.state.session import Session

SETTLE_MS = 400  # programs write in several goes, or under another name and move


class FileWatcher(QObject):
    """Watches the shown picture, its photograph and the model.

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
        self._files: tuple[Path, ...] = ()  # what the wanted picture was read from
        self._names: set[str] = set()
        self._timer = QTimer(self, interval=SETTLE_MS, singleShot=True)
        self._timer.timeout.connect(self._reload)
        session.source_changed.connect(lambda _source: self._learn_files(()))
        session.model_changed.connect(lambda _model: self._watch())
        session.picture_opened.connect(self._learn)

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
        watched = set(self._watcher.files())
        if watched - self._names:
            self._watcher.removePaths(list(watched - self._names))
        self._watch_all()

    def _watch_all(self) -> None:
        missing = [name for name in self._names - set(self._watcher.files()) if Path(name).is_file()]
        if missing:
            self._watcher.addPaths(missing)

    def _changed(self, _name: str) -> None:
        self._timer.start()

    def _reload(self) -> None:
        self._watch_all()  # a file that was replaced is no longer watched
        if self._names <= set(self._watcher.files()):
            self.noted.emit("Changed on disk: read again.")
            self._session.refresh()
            if self._session.state.source is not None:
                self.reloaded.emit(self._session.state.source)
