"""Sessions kept: saved and opened by the user, written quietly while one works, and offered again after a crash."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import psutil
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.requests.channel import Channel, Ended, Rank, Request
from sss_gui.requests.error_text import describe
from sss_gui.requests.worker import Answers, Deliver, Engine, Worker
from sss_gui.saved.session_file import SavedSession, SessionFileError, read_session, write_session
from sss_gui.tasks.export_files import ask_save
from sss_gui.tasks.open_files import SESSION_SUFFIX
from sss_model.errors import SSSError
from sss_model.progress import Progress
from sss_model.storage.atomic_write import replacing
from sss_model.storage.json_file import read_json

QUIET_MS = 3000
_PATIENCE = 5.0  # seconds for the last write to end, before the program ends all the same
_CLOCK = 2.0  # seconds that disks and processes may count apart


@dataclass(frozen=True)
class KeepSession(Request[None]):
    """Write `saved` as the file `path`."""

    path: Path
    saved: SavedSession


class SessionEngine(Engine):
    """Writes sessions, one after the other; of those that wait the newest."""

    answers: ClassVar[Answers] = {KeepSession: "keep"}

    def keep(self, request: KeepSession, progress: Progress, deliver: Deliver) -> None:
        """The file is whole, or the one before stays."""
        request.path.parent.mkdir(parents=True, exist_ok=True)
        write_session(request.path, request.saved)


def _is_left(path: Path, process: str) -> bool:
    """Whether the program with the number `process` that wrote `path` is no more: another one may have that number now,
    which began after it was written."""
    if not process.isdecimal():
        return False
    try:
        return psutil.Process(int(process)).create_time() > path.stat().st_mtime + _CLOCK
    except (psutil.Error, OverflowError):
        return True
    except OSError:  # it is gone
        return False


class SessionStore(QObject):
    """Writes what `capture` gives and hands what was read to `restore`; `bases` is where the program keeps bases.

    While the program runs, its state lies in `folder` as running-<process id>.sss.json. When it ends well, that becomes
    last.sss.json, which the next start offers. One that a process left behind that is no more is what a crash leaves.

    Beside it, opening-<process id> names the picture that is being opened until it is shown: one that a crash leaves
    there is what the program came down over, and is not opened again unasked.

    Attributes
    ----------
    path : where this program's state is written while it runs
    last : where the state is kept that the program ended well with

    Signals
    -------
    noted : a sentence for the status line
    failed : ErrorText
    """

    noted = Signal(str)
    failed = Signal(object)

    def __init__(
        self,
        folder: Path,
        bases: Path,
        capture: Callable[[], SavedSession],
        restore: Callable[[SavedSession], None],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._folder, self._bases, self._window = folder, bases, window
        self._capture, self._restore = capture, restore
        self.path = folder / f"running-{os.getpid()}{SESSION_SUFFIX}"
        self.last = folder / f"last{SESSION_SUFFIX}"
        self._marker = folder / f"opening-{os.getpid()}"
        self._ended = False
        self._keeper = Worker(SessionEngine, self, name="sss-sessions")
        self._keeping = Channel(self._keeper, Rank.EXPORT, quiet=True)
        self._timer = QTimer(self, interval=QUIET_MS, singleShot=True)
        self._timer.timeout.connect(self.keep)

    @property
    def pending(self) -> bool:
        """Whether a change waits to be written."""
        return self._timer.isActive()

    @property
    def writing(self) -> bool:
        """Whether a change is being written."""
        return self._keeping.pending

    def start(self) -> None:
        """Begin to write."""
        self._keeper.start()

    def touch(self) -> None:
        """Something changed: write it soon."""
        if not self._ended and not self._timer.isActive():
            self._timer.start()

    def keep(self) -> None:
        """Have the running session written; a disk that is full must not stop anybody's work."""
        self._timer.stop()
        self._keeping.ask(KeepSession(self.path, self._capture()), on_end=self._end_keeping)

    def _end_keeping(self, ended: Ended) -> None:
        if ended.error is not None:
            self.noted.emit(f"The session cannot be kept: {ended.error.sentence}")

    def end(self, *, keep: bool) -> None:
        """The program ends well: what there is is offered to the next start, where it is worth to `keep`.

        What closing the window changes is not written.
        """
        self._ended = True
        self._timer.stop()
        self._keeper.close(_PATIENCE)  # so that what is written now does not come back after it has gone
        if keep:
            with contextlib.suppress(OSError, SSSError):  # nobody is there any more to hear of it
                self._folder.mkdir(parents=True, exist_ok=True)
                write_session(self.last, self._capture())
        self.path.unlink(missing_ok=True)
        self._marker.unlink(missing_ok=True)

    def mark_opening(self, path: Path | None) -> None:
        """The picture at `path` is being opened; None: the last one is shown, or was given up."""
        with contextlib.suppress(OSError):  # a disk that is full must not keep anybody from opening a picture
            if path is None or self._ended:
                self._marker.unlink(missing_ok=True)
            else:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._marker.write_bytes(os.fsencode(path))

    def _left_marker(self, process: str) -> Path | None:
        """The picture that the program of that id was opening when it ended; asked once."""
        marker = self._folder / f"opening-{process}"
        try:
            path = Path(os.fsdecode(marker.read_bytes()))
            marker.unlink()
        except (OSError, ValueError):
            return None
        return path

    def left_behind(self) -> Path | None:
        """The newest session of a process that is no more. Those of other windows wait for the next starts."""
        for marker in self._folder.glob("opening-*"):
            whose = marker.name.removeprefix("opening-")
            if not self._session_of(whose).exists() and _is_left(marker, whose):
                marker.unlink(missing_ok=True)
        sessions = self._all_left()
        return sessions[-1] if sessions else None

    def _session_of(self, process: str) -> Path:
        return self._folder / f"running-{process}{SESSION_SUFFIX}"

    def _all_left(self) -> list[Path]:
        """Sessions of processes that are no more, the newest last."""
        written = {}
        for path in self._folder.glob(self._session_of("*").name):
            process = path.name.removeprefix("running-").removesuffix(SESSION_SUFFIX)
            if path != self.path and _is_left(path, process):
                with contextlib.suppress(OSError):  # another window has just taken it
                    written[path] = path.stat().st_mtime_ns
        return sorted(written, key=lambda path: written[path])

    def restore_left(self, path: Path) -> bool:
        """Bring back what a crash left at `path`, once: it is set aside, in case that crashes too."""
        picture = self._left_marker(path.name.removeprefix("running-").removesuffix(SESSION_SUFFIX))
        try:
            path = path.replace(path.with_name(f"crashed{SESSION_SUFFIX}"))
            saved = read_session(path)
        except SSSError as error:
            self.noted.emit(f"The session left by a crash is kept as {path}. {describe(error).sentence}")
            return False
        except OSError:
            return False
        words = "The last session ended unexpectedly; here it is again."
        if picture is not None:
            saved = saved.without(picture)
            words = f"The program ended while {picture.name} was being opened; that picture is left out."
        others = len(self._all_left())
        more = "Another one was" if others == 1 else f"{others} more were"
        self.noted.emit(words + (f" {more} left, and comes with the next window." if others else ""))
        if saved.state.source is None:
            return False
        self._restore(saved)
        return True

    def last_words(self) -> str:
        """What the session holds that the program ended with, such as "a.jpg and 2 more"; '' where there is none."""
        try:
            values = read_json(self.last, SessionFileError, noun="The session")
            names = [Path(str(entry["path"])).name for entry in values["sources"]]
            name = Path(str((values["shown"] or values["sources"][0])["path"])).name
        except (SSSError, LookupError, TypeError):
            return ""
        return name if len(names) < 2 else f"{name} and {len(names) - 1} more"

    def restore_last(self) -> None:
        """Go on where the program ended last."""
        self.open(self.last)

    def save_dialog(self) -> None:
        """Ask where to, and save the session."""
        start, kind = Path(f"session{SESSION_SUFFIX}"), f"Sessions (*{SESSION_SUFFIX})"
        path = ask_save(self._window, "Save the session", start, SESSION_SUFFIX.removeprefix("."), kind)
        if path is not None:
            self.save(path)

    def open_dialog(self) -> None:
        """Ask which, and open the session."""
        name, _ = QFileDialog.getOpenFileName(
            self._window, "Open a session", "", f"Sessions (*{SESSION_SUFFIX});;All files (*)"
        )
        if name:
            self.open(Path(name))

    def save(self, path: Path) -> None:
        """Write the session to `path`, and beside it the basis where that is one of the program's own."""
        try:
            write_session(path, self._with_basis(self._capture(), path))
        except (SSSError, OSError) as error:
            self.failed.emit(describe(error))
        else:
            self.noted.emit(f"Saved the session as {path.name}.")

    def _with_basis(self, saved: SavedSession, path: Path) -> SavedSession:
        """`saved` with a copy of a locked or shared basis: the program forgets its own after a while."""
        basis = saved.state.basis
        if basis is None or basis.parent != self._bases:
            return saved
        copy = path.with_name(path.name.removesuffix(SESSION_SUFFIX) + "-basis.json")
        with replacing(copy, SessionFileError) as temporary:
            shutil.copyfile(basis, temporary)
        return replace(saved, state=replace(saved.state, basis=copy))

    def open(self, path: Path) -> None:
        """Bring back the session at `path`."""
        try:
            saved = read_session(path)
        except SSSError as error:
            self.failed.emit(describe(error))
            return
        self._restore(saved)
        if saved.missing:
            names = ", ".join(Path(name).name for name in saved.missing)
            self.noted.emit(f"Not found, left out: {names}.")
