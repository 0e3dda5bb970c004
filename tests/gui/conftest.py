"""The whole program on a fake engine, closed and checked after each test."""

from __future__ import annotations

import threading

import pytest
from fakes import FakeEngine

from sss_gui.app import Program
from sss_gui.settings import Settings


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def program(qtbot, tmp_path, engine):
    """A `Program` with its window on the (offscreen) screen and its worker running; nothing is open yet."""
    before = threading.active_count()
    program = Program(Settings(tmp_path / "settings.ini"), lambda: engine)
    qtbot.addWidget(program.window)
    program.window.resize(1000, 700)
    program.window.show()
    qtbot.waitExposed(program.window)
    program.start()
    qtbot.waitUntil(lambda: any(type(request).__name__ == "WarmRequest" for request in engine.asked))
    yield program
    engine.gate.set()
    assert program.close(), "the worker's thread must end"
    program.window.close()
    assert threading.active_count() <= before
