"""`sss-gui`: the command line, and the event loop around a `Program`.

Importing this module leaves torch unloaded: the window is on the screen first, the worker imports torch afterwards.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from sss_gui.display import has_display
from sss_gui.headless import run_headless
from sss_gui.program import Program
from sss_gui.requests.panes import Source
from sss_gui.state.session import State
from sss_gui.window.settings import Settings
from sss_gui.window.stop_signals import SIGNALS, StopSignals
from sss_gui.window.theme import MODES, Theme
from sss_model.commands.options import command_parser
from sss_model.debug_log import start_log
from sss_model.params import ExtractParams
from sss_model.storage.shipped_files import SAMPLE, resource

LOG = "sss-gui.log"  # beside the settings
PATIENCE = 1.5  # seconds for threads to end once the window is closed


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The command line of `sss-gui`."""
    parser = command_parser(
        "sss-gui",
        "See, filter and export semantic features of photographs, and cut soft masks with them.",
        "A folder of numbered frames, or a video, opens as one sequence from the window.",
        "sss-gui photo.jpg",
        "sss-gui holiday/ --theme dark",
        "sss-gui photo.jpg --headless out",
    )
    add = parser.add_argument
    add("images", nargs="*", type=Path, metavar="IMAGE", help="pictures, feature files, folders or a model")
    add("--model", type=Path, help="a checkpoint; without it the shipped model")
    add("--device", help="auto, cpu, cuda, cuda:N or mps")
    add("--theme", choices=MODES, help="look of the window")
    add("--headless", type=Path, metavar="DIR", help="without a display: write pictures, features and a screenshot")
    add("--size", type=_size, default=(1600, 1000), metavar="WxH", help="of the screenshot; default 1600x1000")
    return parser.parse_args(argv)


def _size(text: str) -> tuple[int, int]:
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError:
        width = height = 0
    if min(width, height) < 1:
        raise argparse.ArgumentTypeError("expected WxH, such as 1600x1000")
    return width, height


def initial_state(options: argparse.Namespace, settings: Settings | None) -> State:
    """What the command line asks for, and else what was used last."""
    device = options.device or (settings.device if settings else "") or "auto"
    model = options.model.absolute() if options.model is not None else None
    if model is None and settings is not None and settings.model and Path(settings.model).is_file():
        model = Path(settings.model)
    return State(model=model, extract=ExtractParams(device=device))


def main(argv: Sequence[str] | None = None) -> int:
    """Run `sss-gui`; returns the exit code."""
    options = parse(sys.argv[1:] if argv is None else argv)
    images = [path.absolute() for path in options.images] or [resource(SAMPLE)]
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # until Qt's loop runs, Ctrl-C ends without a traceback
    if sys.platform == "win32":
        import torch  # noqa: F401  # on Windows torch must be loaded before Qt (pytorch#166628)
    if options.headless is None and not has_display():
        options.headless = Path("sss-features-output")
        print(f"There is no display; writing pictures, features and a screenshot into {options.headless.resolve()}.")
    if options.headless is not None:
        start_log(options.debug)
        state, theme = initial_state(options, None), options.theme or "light"
        return run_headless(images, options.headless, state=state, size=options.size, theme=theme)
    QApplication.setApplicationName("sss-features")
    QApplication.setOrganizationName("sss-features")
    QApplication.setDesktopFileName("sss-features")  # by which Linux finds the icon
    app = QApplication(sys.argv[:1])
    settings = Settings()
    start_log(options.debug, settings.folder / LOG)
    theme_keeper = Theme(app, options.theme or settings.theme)
    program = Program(settings, state=initial_state(options, settings))
    if not options.images:
        program.open_files.stand_in = Source.from_path(resource(SAMPLE))
    program.window.show()
    QTimer.singleShot(0, lambda: program.start(images, restore=not options.images))
    signals = StopSignals(app)
    signals.asked.connect(app.closeAllWindows)
    signals.asked.connect(app.quit)
    code = app.exec() or signals.exit_code
    ended = program.close(PATIENCE)
    signals.close()
    theme_keeper.setParent(None)
    if not ended:
        leave(code)
    return code


def leave(code: int) -> NoReturn:
    """End now: a thread that computes without a look round would hold up the end of the interpreter, or crash it."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:  # there is none where Windows starts a program without a console
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
