"""The whole program on a fake engine, closed and checked after each test."""

from __future__ import annotations

import os
import threading

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from fakes import FakeEngine
from journeys import idle, idle_shown
from PySide6.QtCore import QEvent, QTimer
from PySide6.QtWidgets import QApplication

from sss_gui.program import Program
from sss_gui.window.settings import Settings
from sss_model.image_io import write_picture

# what Qt's offscreen platform says of itself, not of us
_QT_CHATTER = ("This plugin does not support",)


@pytest.fixture(autouse=True)
def ends_clean(request, qtlog):
    """No test may leave a Qt warning, a thread, a visible window or a running timer behind."""
    threads = threading.active_count()
    yield
    said = [record.message for record in qtlog.records if not record.message.startswith(_QT_CHATTER)]
    assert not said, said
    assert threading.active_count() <= threads, threading.enumerate()
    if QApplication.instance() is not None:
        shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
        assert not shown, shown
        running = [timer for timer in QApplication.instance().findChildren(QTimer) if timer.isActive()]
        assert not running, running


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def program(qtbot, tmp_path, engine):
    """A `Program` with its window on the (offscreen) screen and its worker running; nothing is open yet."""
    before = threading.active_count()
    program = Program(Settings(tmp_path / "settings.ini"), lambda: engine, data=tmp_path / "data")
    program.window.resize(1000, 700)
    program.window.show()
    qtbot.waitExposed(program.window)
    program.start()
    qtbot.waitUntil(lambda: any(type(request).__name__ == "LoadModelRequest" for request in engine.asked))
    yield program
    engine.gate.set()
    assert program.close(), "the worker's thread must end"
    program.window.close()
    program.deleteLater()
    program.window.deleteLater()  # its threads, caches and pictures go now, not at the end of the run
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert threading.active_count() <= before


@pytest.fixture
def folder(tmp_path):
    """Three photographs, a text, and an export of ours."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("p10.png", "p2.png", "P1.png"):
        write_picture(folder / name, np.full((6, 8, 3), 90, np.uint8))
    (folder / "notes.txt").write_text("no picture")
    write_picture(folder / "p2-filtered-pca.png", np.zeros((6, 8, 3), np.uint8))
    (folder / "p2.json").write_text('{"program": "sss-features", "files": ["p2-filtered-pca.png"]}')
    return folder


@pytest.fixture
def torn(qtbot, program, folder):
    """A folder whose middle picture is broken, at its first picture."""
    for old, new in (("p2.png", "broken5.png"), ("P1.png", "a1.png"), ("p10.png", "c10.png")):
        (folder / old).rename(folder / new)
    (folder / "p2-filtered-pca.png").unlink()
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    return folder


@pytest.fixture
def photos(tmp_path):
    """Four small photographs, each its own, since copies share their edits; the fake engine fails on "broken"."""
    paths = [tmp_path / f"{name}.png" for name in ("a", "b", "broken", "c")]
    for shade, path in enumerate(paths):
        write_picture(path, np.full((4, 4, 3), shade, np.uint8))
    return paths


@pytest.fixture
def shown(qtbot, program, photos):
    """The program with the first of the photographs in its panes."""
    program.open_files.open_paths([photos[0]])
    idle_shown(qtbot, program)
    return program
