"""A large photograph in the warm window, in a process of its own: python benchmark_photograph.py HEIGHT WIDTH [COUNT].

Prints JSON: seconds from the drop to four full panes, and of processor time; bytes at the peak and once all is shown,
above the start; milliseconds from taking a slider again, amid the exact pass, to a picture; seconds to the exact
picture after rest; bytes once all is closed. With COUNT as many pictures of that size are opened one after the other.
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

PATIENCE = 600.0
REGRABS = 8


class PeakMemory:
    """The most memory that this process had resident since it was last asked."""

    def __init__(self) -> None:
        self._process, self.most = psutil.Process(), 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def now(self) -> int:
        return int(self._process.memory_info().rss)

    def _run(self) -> None:
        while True:
            self.most = max(self.most, self.now)
            time.sleep(0.01)


class Bench:
    """The whole window, offscreen, with the sample open."""

    def __init__(self, folder: Path) -> None:
        from sss_gui.program import Program
        from sss_gui.window.settings import Settings
        from sss_model.storage.shipped_files import SAMPLE, resource

        self.program = Program(Settings(folder / "settings.ini"), data=folder)
        self.program.window.resize(1600, 1000)
        self.program.window.show()
        self.answers: list[Any] = []
        for arrived in (self.program.session.panes_rendered, self.program.session.previewed):
            arrived.connect(self.answers.append)
        self.program.start([resource(SAMPLE)], restore=False)
        self.until(self.settled)

    def settled(self) -> bool:
        session = self.program.session
        return session.shown is not None and session.at_rest and not self.program.worker.busy

    def until(self, done: Callable[[], bool]) -> None:
        """Run the window's event loop, asleep between events as in the program, until `done()`."""
        deadline, loop = time.monotonic() + PATIENCE, QEventLoop()
        timer = QTimer(interval=2)
        timer.timeout.connect(lambda: loop.quit() if done() or time.monotonic() > deadline else None)
        timer.start()
        loop.exec()
        if not done():
            raise TimeoutError(f"Nothing came within {PATIENCE:.0f} s.")

    def open(self, path: Path) -> tuple[float, float]:
        """Seconds, and of processor time, until the picture at `path` is shown whole."""
        self.answers.clear()
        begun, processor = time.perf_counter(), time.process_time()
        self.program.open_files.open_paths([path])
        self.until(lambda: any(getattr(a, "complete", False) and a.source.path == path for a in self.answers))
        return time.perf_counter() - begun, time.process_time() - processor

    def regrab(self, wait: float, radius: int) -> float:
        """Milliseconds to a picture of a slider that is taken again `wait` seconds into the exact pass."""
        changing, rested = self.program.window.params.changing, self.program.window.params.rested
        changing.emit("radius", radius)
        rested.emit("radius", radius)
        begun = time.perf_counter()
        self.until(lambda: time.perf_counter() - begun > wait)
        self.answers.clear()
        begun = time.perf_counter()
        changing.emit("radius", radius + 1)
        self.until(
            lambda: any(getattr(a, "complete", True) for a in self.answers)
        )  # on a slow machine the exact one may come first
        milliseconds = (time.perf_counter() - begun) * 1000
        self.until(self.settled)
        return milliseconds

    def rest(self, radius: int) -> float:
        """Seconds from a slider's release to the exact picture."""
        self.answers.clear()
        begun = time.perf_counter()
        self.program.window.params.rested.emit("radius", radius)
        self.until(lambda: any(getattr(a, "complete", False) for a in self.answers))
        return time.perf_counter() - begun


def measure(height: int, width: int, count: int) -> dict[str, Any]:
    from benchmark_peers import sample
    from PIL import Image

    from sss_model.image_io import to_picture

    application = QApplication([])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        picture = Image.fromarray(to_picture(sample(height, width)))
        paths = [folder / f"photograph-{number}.jpg" for number in range(count)]
        for path in paths:
            picture.save(path, quality=92)
        del picture
        bench = Bench(folder)
        for radius in (8, 9):
            bench.rest(radius)
        memory = PeakMemory()
        base = memory.most = memory.now
        opened = [bench.open(path) for path in paths]
        bench.until(bench.settled)
        found: dict[str, Any] = {
            "seconds": opened[0][0],
            "processor": opened[0][1],
            "start": base,
            "peak": memory.most - base,
            "shown": memory.now - base,
            "regrab": [bench.regrab(wait, 10 + 3 * n) for n, wait in enumerate(np.linspace(0.0, 0.4, REGRABS))],
            "rest": [bench.rest(radius) for radius in (12, 7, 20, 5)],
        }
        bench.program.pictures.close_all()
        bench.until(lambda: not bench.program.worker.busy)
        for _ in range(20):
            application.processEvents()
            time.sleep(0.01)
        found["closed"] = memory.now - base
        bench.program.close()
    return found


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    from sss_gui.app import leave

    print("\n" + json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1)))
    leave(0)  # Qt's parts must not be taken apart in whatever order the interpreter ends them
