"""The status line's words, bar and buttons."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QProgressBar, QToolButton

from sss_gui.widgets.panels.status_line import StatusLine, duration


@pytest.fixture
def line(qtbot):
    line = StatusLine()
    qtbot.addWidget(line)
    line.resize(800, 30)
    line.show()
    return line


def seen(line):
    return [label.text() for label in line.findChildren(QLabel) if label.isVisible() and label.text()]


def test_idle_shows_neither_bar_nor_cancel(line):
    assert not line.findChild(QProgressBar).isVisible()
    assert all(not button.isVisible() for button in line.findChildren(QToolButton))


def test_progress_with_the_time_left(line):
    line.set_stage("Network")
    line.set_progress(0.25, 83)
    bar = line.findChild(QProgressBar)
    assert bar.isVisible()
    assert bar.value() / bar.maximum() == 0.25
    assert seen(line) == ["Network", "1 min 23 s left"]
    line.set_progress(0.5)
    assert seen(line) == ["Network"]
    line.set_progress(-1)
    assert bar.maximum() == 0, "length unknown"
    line.set_progress(None)
    assert not bar.isVisible()


def test_cancel_and_model_ask(line, qtbot):
    line.set_progress(0.1)
    line.set_model("sss_lite2")
    cancel, model = (next(b for b in line.findChildren(QToolButton) if b.text() == w) for w in ("Cancel", "sss_lite2"))
    with qtbot.waitSignal(line.cancel_requested):
        QTest.mouseClick(cancel, Qt.MouseButton.LeftButton)
    with qtbot.waitSignal(line.model_requested):
        QTest.mouseClick(model, Qt.MouseButton.LeftButton)


def test_device_and_time(line):
    line.set_device("cuda:0")
    line.set_size("Size: automatic")
    line.set_elapsed(0.42)
    assert seen(line) == ["0.4 s"]
    assert [button.text() for button in line.findChildren(QToolButton) if button.isVisible()] == [
        "cuda:0 ▾", "Size: automatic ▾",
    ]  # fmt: skip


def test_a_note_gives_way_to_the_stage(line, qtbot):
    line.set_stage("Ready")
    line.show_note("Copied", 30)
    line.set_stage("Network")
    assert line.text() == "Copied"
    qtbot.waitUntil(lambda: line.text() == "Network")


def test_a_note_is_ended_by_who_made_it_only(line):
    line.set_stage("Ready")
    line.show_note("Press F")
    line.end_note("Copied")
    assert line.text() == "Press F"
    line.end_note("Press F")
    assert line.text() == "Ready"
    line.end_note("Press F")
    assert line.text() == "Ready"


def test_a_long_stage_does_not_widen_the_window(line):
    line.set_stage("x" * 2000)
    assert line.minimumSizeHint().width() < 400


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (0.04, "0.0 s"), (9.94, "9.9 s"), (12.4, "12 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"),
     (3600, "1 h 00 min"), (7800, "2 h 10 min")],
)  # fmt: skip
def test_durations(seconds, words):
    assert duration(seconds) == words
