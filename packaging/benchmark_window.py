"""The whole window, offscreen, timed by what its panes show; each measurement wants a process of its own.

As a script: python benchmark_window.py TIME starts the program as a user does, and prints the seconds since TIME to the
window, to each pane's first picture, and to the exact filtered one, as JSON.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600.0
REGRAB_WAITS = (0.0, 0.06, 0.11, 0.17, 0.23, 0.29, 0.34, 0.4)


class Bench:
    """The program with a picture open; `shown` counts pictures of the filtered pane, `exact` those at rest."""

    def __init__(self, folder: Path, picture: Path) -> None:
        from sss_gui.program import Program
        from sss_gui.window.settings import Settings

        self.program = program = Program(Settings(folder / "settings.ini"), data=folder)
        program.window.resize(1600, 1000)
        program.window.show()
        self.shown = 0
        watch_panes(program, self._count)
        program.start([picture], restore=False)
        self.until(self.settled)

    def _count(self, pane: str) -> None:
        self.shown += pane == "filtered"

    def settled(self) -> bool:
        session = self.program.session
        return session.shown is not None and session.at_rest and not self.program.worker.busy

    def until(self, done: Callable[[], bool]) -> float:
        """Run the window's event loop, asleep between events as in the program, until `done()`; the seconds it took."""
        from PySide6.QtCore import QEventLoop, QTimer

        begun, loop, timer = time.perf_counter(), QEventLoop(), QTimer(interval=1)
        timer.timeout.connect(lambda: loop.quit() if done() or time.perf_counter() - begun > PATIENCE else None)
        timer.start()
        loop.exec()
        if not done():
            raise TimeoutError(f"Nothing came within {PATIENCE:.0f} s.")
        return time.perf_counter() - begun

    def open(self, path: Path) -> float:
        """Seconds until the picture at `path` is shown whole."""
        begun, session = time.perf_counter(), self.program.session
        self.program.open_files.open_paths([path])
        self.until(lambda: session.shown is not None and session.shown.path == path and session.at_rest)
        return time.perf_counter() - begun

    def tick(self, radius: int) -> float:
        """Milliseconds from a slider's move to a picture."""
        before, begun = self.shown, time.perf_counter()
        self.program.window.params.changing.emit("radius", radius)
        self.until(lambda: self.shown > before)
        return (time.perf_counter() - begun) * 1000

    def rest(self, radius: int) -> float:
        """Seconds from a slider's release to the exact picture."""
        begun = time.perf_counter()
        self.program.window.params.rested.emit("radius", radius)
        self.until(lambda: self.program.session.at_rest)
        return time.perf_counter() - begun

    def regrab(self, wait: float, radius: int) -> float:
        """Milliseconds to a picture of a slider that is taken again `wait` seconds into the exact pass."""
        self.program.window.params.changing.emit("radius", radius)
        self.program.window.params.rested.emit("radius", radius)
        released = time.perf_counter()
        self.until(lambda: time.perf_counter() - released > wait)
        milliseconds = self.tick(radius + 1)
        self.until(self.settled)
        return milliseconds


def watch_panes(program: Any, shown: Callable[[str], None]) -> None:
    """Call `shown` with a pane's name whenever it is given a picture, whole or in part."""
    from sss_gui.pane_names import PANES

    def watched(name: str, show: Callable[..., None]) -> Callable[..., None]:
        def show_and_tell(*arguments: Any) -> None:
            show(*arguments)
            if arguments[0] is not None and len(arguments[0]):
                shown(name)

        return show_and_tell

    for name in PANES:
        pane = program.window.panel.pane(name)
        pane.set_pyramid, pane.set_region = watched(name, pane.set_pyramid), watched(name, pane.set_region)


@contextmanager
def watch_memory(read: Callable[[], int]) -> Iterator[list[int]]:
    """What `read` says, every hundredth of a second."""
    usage, ended = [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.01):
            usage.append(read())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield usage
    finally:
        ended.set()
        thread.join()


def drag(height: int, width: int, ticks: int) -> list[float]:
    """Milliseconds from a slider's tick to the picture, after three to warm up."""
    from benchmark_peers import sample
    from PySide6.QtWidgets import QApplication

    from sss_model.image_io import to_picture, write_picture

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        write_picture(Path(name) / "picture.png", to_picture(sample(height, width)))
        bench = Bench(Path(name), Path(name) / "picture.png")
        milliseconds = []
        for tick in range(ticks):
            milliseconds.append(bench.tick(2 + tick % 30))
            application.processEvents()
        bench.program.close()
        bench.program.window.close()
    return milliseconds[3:]


def photograph(height: int, width: int) -> dict[str, Any]:
    """A photograph dropped into the warm window.

    Seconds to four full panes, and of processor time; bytes at the start, and above it at the peak and once all is
    closed; milliseconds of `Bench.regrab` and seconds of `Bench.rest`.
    """
    from benchmark_peers import sample
    from PIL import Image
    from PySide6.QtWidgets import QApplication

    from sss_model.image_io import to_picture
    from sss_model.inference.memory import resident_bytes
    from sss_model.storage.shipped_files import SAMPLE, resource

    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    application = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "photograph.jpg"
        Image.fromarray(to_picture(sample(height, width))).save(path, quality=92)
        bench = Bench(Path(name), resource(SAMPLE))
        for radius in (8, 9):
            bench.rest(radius)
        base, processor = resident_bytes(), time.process_time()
        with watch_memory(resident_bytes) as memory:
            seconds = bench.open(path)
            processor = time.process_time() - processor
            bench.until(bench.settled)
        regrab = [bench.regrab(wait, 10 + 3 * n) for n, wait in enumerate(REGRAB_WAITS)]
        rest = [bench.rest(radius) for radius in (12, 7, 20, 5)]
        bench.program.pictures.close_all()
        bench.until(lambda: not bench.program.worker.busy)
        for _ in range(20):
            application.processEvents()
            time.sleep(0.01)
        closed = resident_bytes() - base
        bench.program.close()
        bench.program.window.close()
    found = {"seconds": seconds, "processor": processor, "start": base, "peak": max(memory) - base, "closed": closed}
    return {**found, "regrab": regrab, "rest": rest}


def start(begun: float) -> dict[str, float]:
    from sss_gui import app
    from sss_gui.program import Program

    times: dict[str, float] = {}
    original = Program.start

    def started(program: Program, *arguments: Any, **options: Any) -> None:
        program.window.repaint()
        times["window"] = time.time() - begun
        watch_panes(program, lambda pane: arrived(program, pane))
        original(program, *arguments, **options)

    def arrived(program: Program, pane: str) -> None:
        times.setdefault(pane, time.time() - begun)
        if pane == "filtered" and program.session.status == "exact":
            times["whole"] = time.time() - begun
            program.window.close()

    Program.start = started  # type: ignore[method-assign]
    app.main([])
    return times


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    print(json.dumps(start(float(sys.argv[1]))))
