"""Keys that belong to one part of the window wherever the keyboard is: the sheet, the error, Space, Return."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton

KEY = Qt.Key


@pytest.fixture
def opened(qtbot, program):
    program.files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.panes.picture("filtered") is not None and not program.session.busy)
    return program


def click(qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    """Press and release `key` where the keyboard is."""
    qtbot.keyClick(QApplication.focusWidget(), key, modifier)


@pytest.mark.parametrize("key", [KEY.Key_Escape, KEY.Key_BracketRight, KEY.Key_Question, KEY.Key_F1, KEY.Key_2, KEY.Key_Tab,
                                 KEY.Key_Space, KEY.Key_Return])  # fmt: skip
def test_any_key_closes_the_sheet_and_does_nothing_else(qtbot, opened, engine, key):
    sheet, panel, before = opened.window.sheet, opened.window.panel, opened.session.state
    panel.pane("pca").setFocus()
    click(qtbot, KEY.Key_Question)
    assert sheet.isVisible()
    engine.gate.clear()
    opened.session.run_again()
    click(qtbot, key)
    assert not sheet.isVisible()
    assert (opened.session.state, panel.solo_pane) == (before, 0)
    assert opened.session.busy, "Esc closed the sheet and stopped nothing"
    engine.gate.set()
    qtbot.waitUntil(lambda: not opened.session.busy)


def test_keys_that_only_modify_leave_the_sheet(qtbot, opened):
    opened.window.sheet.toggle()
    click(qtbot, KEY.Key_Shift)
    assert opened.window.sheet.isVisible()
    opened.window.sheet.toggle()


def test_escape_dismisses_the_error_that_has_the_keyboard(qtbot, opened, engine):
    banner = opened.window.panel.banner
    engine.gate.clear()
    opened.session.run_again()
    opened.window.panel.show_message("This cannot be done", "Do something else.", "details")
    next(button for button in banner.findChildren(QPushButton) if button.text() == "Dismiss").setFocus()
    click(qtbot, KEY.Key_Escape)
    assert banner.isHidden()
    assert opened.session.busy, "nothing was stopped"
    opened.window.panel.show_message("This cannot be done")
    opened.window.panel.pane("pca").setFocus()
    click(qtbot, KEY.Key_Escape)
    qtbot.waitUntil(lambda: not opened.session.busy)
    assert not banner.isHidden(), "without the keyboard in it, Esc means Stop"
    engine.gate.set()
