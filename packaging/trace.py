"""Count what runs for one thing that a user does: packaging/trace.py [PICTURE]

The real window, offscreen, with the real engine on the sample picture; run it with the project's Python. Tables:
from opening to four full panes, one tick of the radius slider, and one of the layers slider. For the window's thread
and for the workers' it counts the functions of this project that ran (each once), the files they stand in, and their
calls; "receivers" are the functions that signals called from Python code, those from Qt's own widgets not among them.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("sss_model", "sss_gui")
sys.path.insert(0, str(ROOT))

INSIDE = {"<listcomp>", "<genexpr>", "<dictcomp>", "<setcomp>", "<module>"}  # of a function that is counted already
PATIENCE = 300.0  # seconds for the features of the picture under the profiler


class Recorder:
    """Counts calls of the project's functions while `on`, by thread; the receivers of signals apart."""

    def __init__(self) -> None:
        self.on = False
        self._prefixes = tuple(f"{ROOT / package}{os.sep}" for package in PACKAGES)
        self._main = threading.get_ident()
        self._emitting: dict[int, list[FrameType]] = {}
        self.clear()

    def clear(self) -> None:
        self.calls: dict[str, Counter[CodeType]] = {"window": Counter(), "workers": Counter()}
        self.receivers: Counter[tuple[CodeType, CodeType]] = Counter()  # by the function that emits

    def __call__(self, frame: FrameType, event: str, argument: Any) -> None:
        if not self.on:
            return
        thread = threading.get_ident()
        emitting = self._emitting.setdefault(thread, [])
        if event in ("c_call", "c_return", "c_exception"):
            if getattr(argument, "__name__", "") == "emit":
                emitting.append(frame) if event == "c_call" else emitting and emitting.pop()
            return
        code = frame.f_code
        if event != "call" or code.co_name in INSIDE or not code.co_filename.startswith(self._prefixes):
            return
        self.calls["window" if thread == self._main else "workers"][code] += 1
        if emitting and frame.f_back is emitting[-1]:
            self.receivers[emitting[-1].f_code, code] += 1

    @contextmanager
    def recording(self) -> Iterator[None]:
        self.clear()
        self.on = True
        try:
            yield
        finally:
            self.on = False

    def table(self, title: str) -> str:
        """What was counted since `recording` began."""
        lines = [f"{title:34}functions  files  calls"]
        both = self.calls["window"] + self.calls["workers"]
        for name, calls in (*self.calls.items(), ("together", both)):
            files = {code.co_filename for code in calls}
            lines.append(f"  {name:32}{len(calls):9}{len(files):7}{calls.total():7}")
        lines.append(f"  receivers of signals: {len(self.receivers)}, called {self.receivers.total()} times")
        emitters: dict[CodeType, list[str]] = {}
        for (emitter, receiver), count in self.receivers.items():
            emitters.setdefault(emitter, []).append(f"{count:6} x {_words(receiver)}")
        for emitter, receivers in emitters.items():
            lines += [f"    {_words(emitter)} wakes {len(receivers)}", *sorted(receivers)]
        return "\n".join(lines)


def _words(code: CodeType) -> str:
    file = Path(code.co_filename)
    return f"{file.relative_to(ROOT) if file.is_relative_to(ROOT) else file.name}: {code.co_qualname}"


def trace_window(picture: Path) -> None:
    """Open `picture`, wait for four panes, move the radius by one, then the number of layers; print the tables."""
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from sss_gui.program import Program
    from sss_gui.window.settings import Settings

    recorder = Recorder()
    threading.setprofile(recorder)
    sys.setprofile(recorder)
    app = QApplication(["trace"])
    with tempfile.TemporaryDirectory() as folder:
        program = Program(Settings(Path(folder) / "settings.ini"), data=Path(folder))
        shown: list[object] = []
        program.session.opened.connect(shown.append)
        program.window.show()
        app.processEvents()
        with recorder.recording():
            program.start([picture], restore=False)
            _wait(app, lambda: bool(shown) and not program.session.busy and not program.worker.busy)
        print(recorder.table("Open to four panes"), flush=True)
        ticks = (_tick_radius(app, program, recorder, radius) for radius in range(8, 13))
        print(min(ticks, key=lambda tick: tick[0])[1], flush=True)
        print(_tick_layers(app, program, recorder))
        sys.setprofile(None)
        program.close()
        program.window.close()


def _tick_radius(app: Any, program: Any, recorder: Recorder, radius: int) -> tuple[int, str]:
    """Move the radius to `radius` as the slider does: how many calls that took, and the table.

    Timers of the window may fire within a tick on a busy machine; the least of several is the tick alone.
    """
    _rest(app, program)
    previews: list[object] = []
    program.session.previewed.connect(previews.append)
    with recorder.recording():
        program.window.params.changing.emit("radius", radius)
        _wait(app, lambda: bool(previews) and not program.worker.busy)
    program.session.previewed.disconnect(previews.append)
    calls = sum(counts.total() for counts in recorder.calls.values())
    return calls, recorder.table("One tick of the radius slider")


def _tick_layers(app: Any, program: Any, recorder: Recorder) -> str:
    """Cut the picture into layers, and ask for one layer more, as the slider does."""
    sys.setprofile(None)
    program.segments.show(True)
    _wait(app, lambda: program.segments.status == "exact")
    _rest(app, program)
    sys.setprofile(recorder)
    with recorder.recording():
        program.window.layers.count_changing.emit(len(program.segments.edits.layers) + 1)
        _wait(app, lambda: program.segments.status == "exact" and not program.worker.busy)
    return recorder.table("One tick of the layers slider")


def _rest(app: Any, program: Any) -> None:
    """Wait until all is done, also what waits for rest."""
    end = time.monotonic() + 1.0
    while time.monotonic() < end or program.session.busy or program.worker.busy:
        app.processEvents()
        time.sleep(0.01)


def _wait(app: Any, done: Callable[[], bool]) -> None:
    """Run the event loop until `done`, and once more for what is on its way."""
    end = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(f"Nothing came within {PATIENCE:.0f} s.")
        app.processEvents()
        time.sleep(0.002)
    app.processEvents()


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", nargs="?", type=Path, default=ROOT / "resources" / "sample.jpg")
    trace_window(parser.parse_args().picture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
