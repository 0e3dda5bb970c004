"""The window's thread stays free while a large picture is opened, dragged and zoomed."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

LARGE = (3000, 4000)
CPU_LIMIT = 0.2  # seconds of the thread's own work between two beats; by hand it is under 0.05
WALL_LIMIT = 1.0  # the same by the clock, on a machine that does other things too


class Heartbeat:
    """Beats in the event loop, and keeps the longest silence: by the clock, and in work of this thread."""

    def __init__(self):
        self.wall = self.cpu = 0.0
        self._timer = QTimer(interval=2)
        self._timer.timeout.connect(self._beat)
        self._last = time.monotonic(), time.thread_time()
        self._timer.start()

    def _beat(self):
        now = time.monotonic(), time.thread_time()
        self.wall = max(self.wall, now[0] - self._last[0])
        self.cpu = max(self.cpu, now[1] - self._last[1])
        self._last = now

    def stop(self):
        self._timer.stop()
        return self.cpu, self.wall


@pytest.fixture
def heart(qtbot, program, engine, monkeypatch):
    engine.size = LARGE
    picture = engine.picture(90)  # made once: the real engine makes it on its own thread, without Python's lock
    monkeypatch.setattr(engine, "picture", lambda _shade: picture)
    program.window.resize(1400, 900)
    qtbot.wait(50)
    heart = Heartbeat()
    yield heart
    heart.stop()


def opened(qtbot, program):
    program.open_files.open_paths([Path("large.png")])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None and not program.session.busy)
    qtbot.wait(50)


def check(heart, record_property):
    cpu, wall = heart.stop()
    record_property("longest_work_ms", round(1000 * cpu))
    print(f"longest work {1000 * cpu:.0f} ms, longest silence {1000 * wall:.0f} ms")
    assert cpu < CPU_LIMIT
    assert wall < WALL_LIMIT


def test_opening_a_large_picture(qtbot, program, heart, record_property):
    opened(qtbot, program)
    check(heart, record_property)


def test_dragging_a_slider_over_a_large_picture(qtbot, program, heart, record_property):
    opened(qtbot, program)
    for radius in range(40):
        program.window.params.changing.emit("radius", radius)
        qtbot.wait(4)
    program.window.params.rested.emit("radius", 40)
    qtbot.waitUntil(lambda: program.session.at_rest)
    check(heart, record_property)


def test_zooming_and_moving_a_large_picture(qtbot, program, heart, record_property):
    opened(qtbot, program)
    program.overlay_choices.show("similarity")
    program.pins.add((1200, 900))
    qtbot.waitUntil(lambda: program.overlays.overlay is not None)
    view = program.window.panel.controller
    for step in range(40):
        view.zoom_about((1234.5, 987.6), 1.25 if step < 25 else 0.8)
        qtbot.wait(4)
    for step in range(20):
        view.set_view(1000 + 40 * step, 900 + 30 * step, 0.7)
        program.window.panel.pixel_hovered.emit(1000 + step, 900)
        qtbot.wait(4)
    qtbot.waitUntil(lambda: not program.worker.busy)
    check(heart, record_property)
