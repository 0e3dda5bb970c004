"""Whatever has the keyboard can be seen to have it, unless a click gave it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QCheckBox, QLineEdit, QScrollArea, QToolButton, QVBoxLayout, QWidget

from sss_gui.widgets.focus_ring import FocusRing


@pytest.fixture
def window(qtbot):
    window, inner = QWidget(), QWidget()
    window.parts = [QLineEdit(), QToolButton(), QCheckBox("on"), QLineEdit()]
    column = QVBoxLayout(inner)
    column.setContentsMargins(0, 0, 0, 0)
    for part in window.parts:
        part.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column.addWidget(part)
    area = QScrollArea(window)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner)
    QVBoxLayout(window).addWidget(area)
    window.ring = FocusRing(window)
    qtbot.addWidget(window)
    window.resize(300, 240)
    window.show()
    qtbot.waitActive(window)
    return window


def ringed(window):
    return window.ring.widget()


def test_the_keyboard_is_followed_part_by_part(qtbot, window):
    first, accent = window.parts[0], window.palette().highlight().color()
    first.setFocus()
    for before, now in zip(window.parts, window.parts[1:], strict=False):
        QTest.keyClick(before, Qt.Key.Key_Tab)
        assert ringed(window) is now
    box = window.parts[2]
    box.setFocus()
    at = box.mapTo(window, box.rect().topLeft())
    qtbot.waitUntil(lambda: window.grab().toImage().pixelColor(at.x() + 9, at.y() - 1) == accent)


def test_a_click_shows_no_ring(window):
    window.parts[0].setFocus()
    QTest.keyClick(window.parts[0], Qt.Key.Key_Tab)
    QTest.mousePress(window.parts[3], Qt.MouseButton.LeftButton)
    assert window.parts[3].hasFocus()
    assert ringed(window) is None
    QTest.mouseRelease(window.parts[3], Qt.MouseButton.LeftButton)


def test_a_ring_comes_back_with_the_window(qtbot, window):
    window.parts[0].setFocus()
    QTest.keyClick(window.parts[0], Qt.Key.Key_Tab)
    other = QWidget()
    qtbot.addWidget(other)
    other.show()
    other.activateWindow()
    qtbot.waitActive(other)
    window.activateWindow()
    qtbot.waitActive(window)
    assert ringed(window) is window.parts[1]
