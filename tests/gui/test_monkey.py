"""A few hundred random user actions, seeded: at the end the window lives and nothing is left behind."""

from __future__ import annotations

import ctypes
import gc
import random
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QDialog

from sss_gui.pane_names import PANES, SEGMENT_PANES
from sss_gui.program import Program, build_engine
from sss_gui.widgets.dialogs.compare_dialog import CompareDialog
from sss_gui.widgets.dialogs.figure_dialog import FigureChoice
from sss_gui.widgets.picture import qimage
from sss_gui.window.settings import Settings
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.params import ExportParams
from sss_model.storage.shipped_files import SAMPLE, resource

# what waits for a person, beside all whose words end in dots
DIALOGS = {"quit", "about"}


class Monkey:
    """Does one random thing after the other to the window."""

    def __init__(self, qtbot, program, folder, seed):
        self.qtbot, self.program, self.random = qtbot, program, random.Random(seed)
        self.files = [folder / f"{name}.png" for name in ("a", "b", "broken")]
        for path in self.files:
            write_picture(path, np.zeros((24, 32, 3), np.uint8))
        self.folder = folder
        asking = {name for name, action in program.actions.items() if action.text().endswith("…")}
        self.actions = [action for name, action in program.actions.items() if name not in DIALOGS | asking]

    def act(self):
        self.random.choice([self.trigger, self.trigger, self.drag, self.pointer, self.key, self.open, self.more])()

    def trigger(self):
        self.random.choice(self.actions).trigger()

    def drag(self):
        name, value = self.random.choice(
            [("radius", self.random.randrange(0, 60)), ("eps", 10 ** self.random.uniform(-6, 0)),
             ("threshold", self.random.random()), ("seed", self.random.randrange(100)),
             ("red", self.random.randint(1, 16)), ("clusters", self.random.randint(2, 12))]
        )  # fmt: skip
        signal = self.random.choice([self.program.window.params.changing, self.program.window.params.rested])
        signal.emit(name, value)

    def pointer(self):
        window = self.program.window
        names = SEGMENT_PANES if window.shown_panel is window.segments_panel else PANES
        canvas = window.shown_panel.pane(self.random.choice(names)).canvas
        if not canvas.isVisible():
            return
        place = QPoint(self.random.randrange(max(canvas.width(), 1)), self.random.randrange(max(canvas.height(), 1)))
        self.qtbot.mouseMove(canvas, place)
        if self.random.random() < 0.5:
            held = self.random.choice([Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
            self.qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, held, place)

    def key(self):
        keys = [Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_P, Qt.Key.Key_W]
        self.qtbot.keyClick(self.program.window.panel.pane("input").canvas, self.random.choice(keys))

    def open(self):
        choice = self.random.choice([[path] for path in self.files] + [self.files, [self.folder]])
        self.program.open_files.open_paths(choice, instead=self.random.random() < 0.3)

    def more(self):
        program = self.program
        self.random.choice([
            lambda: program.export_files.export(self.folder / "out", ExportParams()),
            lambda: program.window.resize(self.random.randrange(500, 1400), self.random.randrange(400, 900)),
            lambda: program.session.cancel(),
            lambda: program.pictures.remove(self.random.randrange(3)),
            lambda: program.pins.clear(),
            lambda: program.segments.set_count(self.random.randint(1, 6), moving=self.random.random() < 0.5),
            lambda: program.segments.set_tool(self.random.choice(["pick", "keep", "drop"])),
            lambda: program.window.layers.matte_changing.emit("feather", self.random.uniform(0, 5)),
            lambda: program.window.params.basis_mode_requested.emit(self.random.choice(["image", "locked", "shared"])),
            lambda: program.export_files.export_pictures(program.pictures.sources, self.folder, ExportParams()),
            lambda: program.export_figure.draw(self.folder / "figure.svg", FigureChoice(("input", "matte"), "60mm")),
            lambda: program.pin_table.show(),
            self.compare,
            lambda: QGuiApplication.clipboard().setImage(qimage.to_qimage(np.zeros((9, 9, 3), np.uint8)).copy()),
        ])()  # fmt: skip

    def compare(self):
        """Begin to compare models, click, stop or close."""
        self.program.compare.show()
        dialog = self.program.window.findChild(CompareDialog)
        self.random.choice([
            lambda: dialog.compare_requested.emit(),
            lambda: dialog.stop_requested.emit(),
            lambda: dialog.pixel_clicked.emit(self.random.randrange(40), self.random.randrange(40)),
            lambda: dialog.look_changed.emit(),
            lambda: dialog.close(),
        ])()  # fmt: skip


def settle(qtbot, program, last):
    """Stop everything, and show one picture in four panes."""
    session = program.session
    busy = lambda: session.busy or program.batch_export.active or program.worker.busy or program.file_worker.busy  # noqa: E731
    qtbot.waitUntil(lambda: not busy(), timeout=60_000)
    qtbot.waitUntil(lambda: not any(channel.pending for channel in program.file_worker.channels))  # a paste, shown late
    session.cancel()
    for dialog in program.window.findChildren(QDialog):
        dialog.close()
    program.window.resize(1000, 700)
    program.segments.show(False)
    program.window.panel.solo(0)
    program.window.panel.set_compare("none")
    program.overlay_choices.show("")
    program.pins.clear()
    program.open_files.open_paths([last])
    qtbot.waitUntil(lambda: session.shown is not None and session.shown.name == last.name, timeout=60_000)
    qtbot.waitUntil(lambda: not busy() and session.at_rest, timeout=60_000)
    assert all(program.window.panel.pane(name).picture is not None for name in PANES)
    qtbot.waitUntil(lambda: not any(channel.pending for channel in program.worker.channels))


def rage(qtbot, monkey, actions):
    for number in range(actions):
        monkey.act()
        if number % 5 == 0:
            qtbot.wait(1)


def footprint(program):
    """(bytes in memory, threads, timers) once what is unreachable is gone."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    if sys.platform.startswith("linux"):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    timers = len(program.findChildren(QTimer)) + len(program.window.findChildren(QTimer))
    return psutil.Process().memory_info().rss, threading.active_count(), timers


@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_leave_the_window_alive(qtbot, program, tmp_path, seed):
    (tmp_path / "out").mkdir()
    rage(qtbot, Monkey(qtbot, program, tmp_path, seed), 250)
    settle(qtbot, program, Path("fine.png"))


def test_random_actions_leave_no_memory_threads_or_timers_behind(qtbot, program, engine, tmp_path):
    engine.size = (600, 800)
    (tmp_path / "out").mkdir()
    monkey = Monkey(qtbot, program, tmp_path, 3)
    rage(qtbot, monkey, 60)
    settle(qtbot, program, Path("fine.png"))
    engine.asked.clear()
    memory, threads, timers = footprint(program)
    rage(qtbot, monkey, 150)
    settle(qtbot, program, Path("fine.png"))
    engine.asked.clear()
    after = footprint(program)
    assert after[1:] == (threads, timers)
    assert after[0] < 1.1 * memory


@pytest.mark.slow
@pytest.mark.parametrize("seed", [4])
def test_random_actions_on_the_real_engine_and_real_pictures(qtbot, tmp_path, seed):
    program = Program(Settings(tmp_path / "settings.ini"), build_engine, data=tmp_path / "data")
    qtbot.addWidget(program.window)
    program.window.show()
    program.start()
    (tmp_path / "out").mkdir()
    monkey = Monkey(qtbot, program, tmp_path, seed)
    sample = to_picture(read_image(resource(SAMPLE)))
    for number, path in enumerate(monkey.files):
        write_picture(path, sample[number * 30 :: 3, ::3])
    (tmp_path / "broken.png").write_bytes(b"broken")
    fine = tmp_path / "fine.png"
    write_picture(fine, sample[::3, ::3])
    try:
        rage(qtbot, monkey, 150)
        settle(qtbot, program, fine)
        memory, threads, timers = footprint(program)
        rage(qtbot, monkey, 400)
        settle(qtbot, program, fine)
        after = footprint(program)
    finally:
        assert program.close()
        program.window.close()
    assert after[2] == timers
    assert after[1] <= threads
    assert after[0] < 1.1 * memory
