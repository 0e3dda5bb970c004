"""A few hundred random user actions, seeded: at the end the window lives and nothing is left behind."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from sss_gui import qimage
from sss_gui.request import PANES
from sss_model.image_io import write_picture
from sss_model.params import ExportParams

# what opens a dialog would wait for a person
DIALOGS = {
    *("open", "open_folder", "open_model", "open_strip", "export", "export_all"),
    *("save_session", "open_session", "quit", "models", "about"),
}


class Monkey:
    """Does one random thing after the other to the window."""

    def __init__(self, qtbot, program, folder, seed):
        self.qtbot, self.program, self.random = qtbot, program, random.Random(seed)
        self.files = [folder / f"{name}.png" for name in ("a", "b", "broken")]
        for path in self.files:
            write_picture(path, np.zeros((24, 32, 3), np.uint8))
        self.folder = folder
        self.actions = [action for name, action in program.actions.items() if name not in DIALOGS]

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
        canvas = self.program.window.panel.pane(self.random.choice(PANES)).canvas
        if not canvas.isVisible():
            return
        place = QPoint(self.random.randrange(max(canvas.width(), 1)), self.random.randrange(max(canvas.height(), 1)))
        self.qtbot.mouseMove(canvas, place)
        if self.random.random() < 0.5:
            self.qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)

    def key(self):
        keys = [Qt.Key.Key_Space, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_P, Qt.Key.Key_W]
        self.qtbot.keyClick(self.program.window.panel.pane("input").canvas, self.random.choice(keys))

    def open(self):
        choice = self.random.choice([[path] for path in self.files] + [self.files, [self.folder]])
        self.program.files.open_paths(choice)

    def more(self):
        program = self.program
        self.random.choice([
            lambda: program.files.export(self.folder / "out", ExportParams()),
            lambda: program.window.resize(self.random.randrange(500, 1400), self.random.randrange(400, 900)),
            lambda: program.session.cancel(),
            lambda: program.gallery.remove(self.random.randrange(3)),
            lambda: program.inspecting.clear_pins(),
            lambda: program.window.params.basis_mode_requested.emit(self.random.choice(["image", "locked", "shared"])),
            lambda: program.batch.start(program.gallery.sources, self.folder, ExportParams()),
            lambda: QGuiApplication.clipboard().setImage(qimage.to_qimage(np.zeros((9, 9, 3), np.uint8))),
        ])()  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_leave_the_window_alive(qtbot, program, tmp_path, seed):
    (tmp_path / "out").mkdir()
    monkey = Monkey(qtbot, program, tmp_path, seed)
    for number in range(250):
        monkey.act()
        if number % 5 == 0:
            qtbot.wait(1)
    session = program.session
    qtbot.waitUntil(lambda: not session.busy and not program.batch.active and not program.worker.busy, timeout=20_000)
    session.cancel()
    program.window.panel.solo(0)
    program.window.panel.set_compare("none")
    program.files.open_paths([Path("fine.png")])
    qtbot.waitUntil(lambda: session.shown is not None and session.shown.name == "fine.png", timeout=20_000)
    qtbot.waitUntil(lambda: not session.busy, timeout=20_000)
    assert all(program.window.panel.pane(name).picture is not None for name in PANES)
    assert not session._underway.tickets - {0}, "no ticket stays open"
