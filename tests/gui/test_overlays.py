"""The sheet of keys and the list of models."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListWidget, QPushButton, QTextBrowser, QWidget

from sss_gui.qimage import from_qimage
from sss_gui.widgets.model_manager import ModelEntry, ModelManager
from sss_gui.widgets.shortcuts_sheet import ShortcutsSheet

TABLE = [("File", "Ctrl+O", "Open"), ("File", "Ctrl+E", "Export"), ("View", "F", "Fit"), ("View", "Space", "Flip")]
MODELS = [ModelEntry("", "Shipped", "Lite2", "# Shipped card"), ModelEntry("/m/a.safetensors", "Mine", "resnet101")]


@pytest.fixture
def window(qtbot):
    window = QWidget()
    qtbot.addWidget(window)
    window.resize(900, 600)
    window.show()
    qtbot.waitExposed(window)
    return window


@pytest.fixture
def sheet(window):
    sheet = ShortcutsSheet(window)
    sheet.set_shortcuts(TABLE)
    return sheet


@pytest.fixture
def models(qtbot):
    models = ModelManager()
    qtbot.addWidget(models)
    models.set_models(MODELS)
    models.show()
    return models


def press(dialog, words):
    QTest.mouseClick(next(b for b in dialog.findChildren(QPushButton) if b.text() == words), Qt.MouseButton.LeftButton)


def test_the_sheet_covers_the_window_and_follows_it(sheet, window):
    assert not sheet.isVisible()
    sheet.toggle()
    assert sheet.isVisible()
    assert sheet.geometry() == window.rect()
    window.resize(1300, 500)
    assert sheet.geometry() == window.rect()
    assert len({tuple(c) for c in from_qimage(sheet.grab().toImage()).reshape(-1, 3).tolist()}) > 10
    assert "Ctrl+O: Open" in sheet.accessibleDescription()


@pytest.mark.parametrize("key", [Qt.Key.Key_Escape, Qt.Key.Key_A, Qt.Key.Key_Question])
def test_any_key_closes_the_sheet(sheet, qtbot, key):
    sheet.toggle()
    with qtbot.waitSignal(sheet.closed):
        QTest.keyClick(sheet, key)
    assert not sheet.isVisible()


def test_a_click_closes_the_sheet(sheet, qtbot):
    sheet.toggle()
    with qtbot.waitSignal(sheet.closed):
        QTest.mouseClick(sheet, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("size", [(1000, 700), (2560, 1440), (300, 200)])
def test_the_sheet_fits_any_window(sheet, window, size):
    window.resize(*size)
    sheet.toggle()
    assert from_qimage(sheet.grab().toImage()).shape[:2] == size[::-1]


def test_the_model_in_use_comes_first_and_cannot_be_used_again(models, qtbot):
    assert models.chosen == ""
    assert "Shipped card" in models.findChild(QTextBrowser).toPlainText()
    buttons = {b.text(): b.isEnabled() for b in models.findChildren(QPushButton)}
    assert not buttons["Use this model"]
    assert not buttons["Take off the list"]


def test_another_model_can_be_used_or_forgotten(models, qtbot):
    models.findChild(QListWidget).setCurrentRow(1)
    assert "resnet101" in models.findChild(QTextBrowser).toPlainText()
    with qtbot.waitSignal(models.use_requested) as used:
        press(models, "Use this model")
    assert used.args == ["/m/a.safetensors"]
    with qtbot.waitSignal(models.forget_requested) as forgotten:
        press(models, "Take off the list")
    assert forgotten.args == ["/m/a.safetensors"]
    with qtbot.waitSignal(models.browse_requested):
        press(models, "Open a checkpoint…")


def test_a_new_list_keeps_what_was_looked_at(models):
    models.findChild(QListWidget).setCurrentRow(1)
    models.set_models([*MODELS, ModelEntry("/x", "Other")], "/x")
    assert models.chosen == "/m/a.safetensors"
    models.set_models([], "")
    assert models.chosen is None
    assert models.findChild(QTextBrowser).toPlainText() == ""
