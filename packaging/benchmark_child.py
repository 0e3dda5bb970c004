"""One measurement in a process of its own: python benchmark_child.py KIND ARGUMENTS; prints JSON.

peak WAY MODEL HEIGHT WIDTH   seconds, and bytes at the peak above model, image and features
huge HEIGHT WIDTH             a huge picture into a float16 file: seconds, bytes, longest silence of the progress
start                         seconds from the process's start to the window, and to the sample's pictures
drag HEIGHT WIDTH TICKS       milliseconds from a slider's tick to the picture, through the whole window
"""

from __future__ import annotations

import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np


def peak(way: str, model: str, height: int, width: int) -> dict[str, float]:
    from benchmark_peers import literal, network_of, paper_checkpoint, sample

    from sss_model.extractor import FeatureExtractor
    from sss_model.inference.memory import peak_bytes, reset_peak, resident_bytes

    checkpoint = None if model == "shipped" else paper_checkpoint()
    if way == "literal":
        network = network_of(checkpoint)
        literal(network, sample(64, 64))
        image = sample(height, width)
        reset_peak()
        base, start = resident_bytes(), time.perf_counter()
        features = literal(network, image)
        return {"bytes": peak_bytes() - base - features.nbytes, "seconds": time.perf_counter() - start}
    extractor = FeatureExtractor(checkpoint, "cpu")
    extractor.extract(sample(64, 64))
    image = sample(height, width)
    out = np.zeros((height, width, extractor.feature_channels), np.float16 if height * width > 4e6 else np.float32)
    out[:] = 0
    if way == "backbone":
        from sss_model.inference.head_run import HeadRun

        HeadRun.run = lambda self, progress: None  # type: ignore[method-assign]
    reset_peak()
    base, start = resident_bytes(), time.perf_counter()
    extractor.extract(image, out=out)
    return {"bytes": peak_bytes() - base, "seconds": time.perf_counter() - start}


def huge(height: int, width: int) -> dict[str, float]:
    from benchmark_peers import sample

    from sss_model.extractor import FeatureExtractor
    from sss_model.progress import Progress

    extractor = FeatureExtractor(None, "cpu")
    image = sample(height, width)
    shape = (height, width, extractor.feature_channels)
    times = [time.perf_counter()]
    watch = _Watch()
    with tempfile.TemporaryDirectory() as folder:
        out = np.memmap(Path(folder) / "features", np.float16, "w+", shape=shape)
        start = time.perf_counter()
        extractor.extract(image, Progress(lambda fraction, stage: times.append(time.perf_counter())), out=out)
        seconds = time.perf_counter() - start
        checked = float(np.abs(out[:: height // 7, :: width // 7].astype(np.float32)).mean())
        del out
    return {"bytes": watch.stop(), "seconds": seconds, "silence": float(np.diff(times).max()), "mean": checked}


class _Watch:
    """The most memory of its own that this process has, mapped files not counted."""

    def __init__(self) -> None:
        self._most, self._stopped = 0, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while not self._stopped.wait(0.05):
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("RssAnon:"):
                    self._most = max(self._most, int(line.split()[1]) * 1024)

    def stop(self) -> int:
        self._stopped.set()
        self._thread.join()
        return self._most


def start() -> dict[str, float]:
    from sss_gui import app
    from sss_gui import program as window

    begun = float(sys.argv[2])
    times: dict[str, float] = {}
    original = window.Program.start

    def started(self: Any, *arguments: Any, **options: Any) -> None:
        self.window.repaint()
        times["window"] = time.time() - begun
        self.session.picture_opened.connect(lambda _opened: times.setdefault("input", time.time() - begun))
        self.session.panes_rendered.connect(lambda result: arrived(self, result))
        original(self, *arguments, **options)

    def arrived(program: Any, result: Any) -> None:
        for name in result.pictures:
            times.setdefault(name, time.time() - begun)
        if result.complete:
            program.window.close()

    window.Program.start = started
    app.main([])
    return times


def drag(height: int, width: int, ticks: int) -> dict[str, list[float]]:
    from benchmark_peers import sample
    from PySide6.QtCore import QEventLoop
    from PySide6.QtWidgets import QApplication

    from sss_gui.program import Program
    from sss_gui.window.settings import Settings
    from sss_model.image_io import to_picture, write_picture

    application = QApplication([])
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "picture.png"
        write_picture(picture, to_picture(sample(height, width)))
        program = Program(Settings(Path(folder) / "settings.ini"), data=Path(folder))
        window, session = program.window, program.session
        window.resize(1600, 1000)
        window.show()
        arrivals: list[Any] = []
        loop = QEventLoop()
        for arrived in (session.previewed, session.opened):
            arrived.connect(arrivals.append)
            arrived.connect(lambda _result: loop.quit())
        program.worker.activity.busy_changed.connect(lambda _busy: loop.quit())
        program.start([picture])

        def until(done: Any) -> None:
            """Run the window's event loop, asleep between events as in the program, until `done()`."""
            while not done():
                loop.exec()

        until(lambda: arrivals and not session.busy)
        ours = []
        for tick in range(ticks):
            arrivals.clear()
            begun = time.perf_counter()
            window.params.changing.emit("radius", 2 + tick % 30)
            until(lambda: arrivals)
            application.processEvents()
            ours.append((time.perf_counter() - begun) * 1000)
        program.close()
        window.close()
    return {"milliseconds": ours[3:]}


def main() -> None:
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    kind, *rest = sys.argv[1:]
    if kind == "peak":
        found: Any = peak(rest[0], rest[1], int(rest[2]), int(rest[3]))
    elif kind == "start":
        found = start()
    else:
        found = {"huge": huge, "drag": drag}[kind](*map(int, rest))
    print("\n" + json.dumps(found))


if __name__ == "__main__":
    main()
