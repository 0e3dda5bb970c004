"""The whole program on a fake engine, closed and checked after each test."""

from __future__ import annotations

import os
import threading

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import pytest
from fakes import FakeEngine
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from sss_gui.program import Program
from sss_gui.window.settings import Settings

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
    qtbot.addWidget(program.window)
    program.window.resize(1000, 700)
    program.window.show()
    qtbot.waitExposed(program.window)
    program.start()
    qtbot.waitUntil(lambda: any(type(request).__name__ == "LoadModelRequest" for request in engine.asked))
    yield program
    engine.gate.set()
    assert program.close(), "the worker's thread must end"
    program.window.close()
    assert threading.active_count() <= before
