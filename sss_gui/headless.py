"""The window's journey without a display: open, wait, export, and take a picture of the real window."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QEventLoop, QMessageLogContext, QTimer, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from sss_gui.program import Program
from sss_gui.requests.error_text import ErrorText
from sss_gui.requests.panes import ExportResult, Source
from sss_gui.state.session import State
from sss_gui.window.settings import Settings
from sss_gui.window.stop_signals import StopSignals
from sss_gui.window.theme import Theme
from sss_gui.worker.file_engine import list_sources
from sss_model.errors import SSSError
from sss_model.params import ExportParams

SCREENSHOT = "window.png"
PATIENCE = 3600.0


def run_headless(
    paths: Sequence[Path],
    folder: Path,
    *,
    state: State | None = None,
    size: tuple[int, int] = (1600, 1000),
    theme: str = "light",
    params: ExportParams | None = None,
    say: Callable[[str], None] = print,
) -> int:
    """Do for each picture at `paths` what the window does, and write pictures, features and a screenshot into `folder`.

    Folders stand for the pictures in them.

    Returns
    -------
    0, or 1 when something failed; what is said then names it; 130 or 143 when stopped by Ctrl-C or SIGTERM
    """
    sources = _list(paths)
    if not sources:
        return 1
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    spoken = qInstallMessageHandler(print_but_chatter)
    app = QApplication.instance() or QApplication(["sss-gui"])
    assert isinstance(app, QApplication)
    Theme(app, theme)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix="sss-features-"))
    program = Program(Settings(scratch / "window.ini"), state=state, data=scratch)
    program.window.resize(*size)
    program.window.show()
    program.worker.start()
    signals = StopSignals(app)
    signals.asked.connect(program.session.cancel)
    try:
        failures = []
        for source in sources:
            done = _one(program, source, folder, params or ExportParams(), say)
            if signals.exit_code:
                say("Stopped.")
                return signals.exit_code
            failures += [] if done else [source]
        if len(failures) < len(sources):
            picture = folder / SCREENSHOT
            _settle()
            program.window.grab().save(str(picture))
            say(f"Wrote {picture}")
    finally:
        ended = program.close()
        program.window.close()
        signals.close()
        shutil.rmtree(scratch, ignore_errors=True)
        qInstallMessageHandler(spoken)
    return 0 if ended and not failures else 1


def print_but_chatter(_kind: QtMsgType, _context: QMessageLogContext, text: str | None) -> None:
    """Qt's messages, but for what a surface in memory says of every window that is shown."""
    if text and "propagateSizeHints" not in text:
        print(text, file=sys.stderr)


def _list(paths: Sequence[Path]) -> list[Source]:
    """What the window would list; says on stderr why there is nothing."""
    try:
        sources = list(list_sources(paths).sources)
    except SSSError as error:
        print(error, file=sys.stderr)
        return []
    if not sources:
        print(f"There is no picture in {', '.join(map(str, paths))}.", file=sys.stderr)
    return sources


def _one(program: Program, source: Source, folder: Path, params: ExportParams, say: Callable[[str], None]) -> bool:
    session = program.session
    errors: list[ErrorText] = []
    tell = _teller(say)
    session.failed.connect(errors.append)
    session.exported.connect(tell)
    try:
        say(f"Computing features of {source.path}")
        program.pictures.set([source])
        _wait(lambda: session.at_rest)
        if not errors and session.shown == source:
            session.export(folder, params)
            _wait(lambda: session.at_rest)
    finally:
        session.failed.disconnect(errors.append)
        session.exported.disconnect(tell)
    for error in errors:
        print(f"{source.path}: {error.sentence} {error.hint}".strip(), file=sys.stderr)
    return not errors


def _teller(say: Callable[[str], None]) -> Callable[[ExportResult], None]:
    def tell(result: ExportResult) -> None:
        for path in result.paths:
            say(f"Wrote {path}")

    return tell


def _wait(done: Callable[[], bool]) -> None:
    """Run the event loop until `done`."""
    deadline = time.monotonic() + PATIENCE
    loop = QEventLoop()
    timer = QTimer(interval=20)
    timer.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > deadline else None)
    timer.start()
    loop.exec()
    timer.stop()


def _settle() -> None:
    """Let queued paints and layouts happen."""
    loop = QEventLoop()
    QTimer.singleShot(300, loop.quit)
    loop.exec()
