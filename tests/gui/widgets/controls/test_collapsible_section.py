"""A section's header folds and unfolds its body, by mouse and keyboard, and says which it is."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QVBoxLayout, QWidget

from sss_gui.widgets.layout import CollapsibleSection


@pytest.fixture
def window(qtbot):
    window = QWidget()
    window.section, window.inside, window.below = CollapsibleSection("Filter"), QLineEdit(), QLineEdit()
    window.section.add(QLabel("Radius"))
    window.section.add(window.inside)
    column = QVBoxLayout(window)
    column.addWidget(window.section)
    column.addWidget(window.below)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitActive(window)
    return window


def test_a_click_folds_and_unfolds(window):
    header = window.section.header
    for opened in (False, True):
        QTest.mouseClick(header, Qt.MouseButton.LeftButton)
        assert (window.section.opened, window.inside.isVisible()) == (opened, opened)
        assert header.arrowType() == (Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        assert header.accessibleName() == f"Filter, {'unfolded' if opened else 'folded'}"


def test_the_keyboard_folds_and_passes_by_what_is_folded(window, qtbot):
    header = window.section.header
    header.setFocus()
    QTest.keyClick(header, Qt.Key.Key_Space)
    assert not window.section.opened
    QTest.keyClick(header, Qt.Key.Key_Tab)
    assert window.below.hasFocus()


def test_the_arrow_follows_the_palette(window):
    header, palette, colour = window.section.header, QPalette(), QColor("#12ab34")
    before = header.grab().toImage()
    for role in (QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        palette.setColor(role, colour)
    window.setPalette(palette)
    after = header.grab().toImage()
    arrow = [(x, y) for x in range(16) for y in range(4, header.height() - 4)]
    assert any(before.pixelColor(*at) != after.pixelColor(*at) for at in arrow)
