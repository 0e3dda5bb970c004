"""Light and dark, contrast, and icons that follow."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QCheckBox, QComboBox, QLineEdit, QPushButton, QRadioButton, QSpinBox

from sss_gui.widgets.icons import line_icon
from sss_gui.widgets.picture.annotations import ink_on, pin_colour
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.window.theme import DARK, LIGHT, Theme
from sss_model.storage.shipped_files import resource


@pytest.fixture
def theme(qapp):
    palette, sheet = QApplication.palette(), qapp.styleSheet()
    theme = Theme(qapp, "light")
    yield theme
    theme.deleteLater()
    qapp.setPalette(palette)
    qapp.setStyleSheet(sheet)


def luminance(name):
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in QColor(name).getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_can_be_read(colours):
    for ground in (colours.window, colours.base, colours.raised):
        assert contrast(colours.text, ground) >= 7
        assert contrast(colours.dim, ground) >= 4.5
        assert contrast(colours.accent, ground) >= 3, "focus must be seen"
    assert contrast(colours.on_accent, colours.accent) >= 4.5


@pytest.mark.parametrize(("mode", "colours"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_controls_have_outlines_that_can_be_seen(theme, qapp, qtbot, mode, colours):
    Theme(qapp, mode)
    for kind in (QCheckBox, QRadioButton, QSpinBox, QLineEdit, QComboBox, QPushButton):
        control = kind()
        qtbot.addWidget(control)
        control.resize(60, 24)
        image = control.grab().toImage()
        middle = [image.pixelColor(x, image.height() // 2).name() for x in range(8)]
        assert max(contrast(colour, colours.window) for colour in middle) >= 3, (kind, middle)


def test_the_application_is_dressed_as_the_mode_says(theme, qapp):
    assert QApplication.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window
    Theme(qapp, "dark")
    assert QApplication.palette().color(QPalette.ColorRole.Window).name() == DARK.window
    assert qapp.style().objectName().lower() in ("fusion", "")


def test_an_unknown_mode_is_the_systems(theme, qapp):
    qapp.styleHints().setColorScheme(Qt.ColorScheme.Light)
    Theme(qapp, "sepia")
    assert QApplication.palette().color(QPalette.ColorRole.Window).name() == LIGHT.window


@pytest.mark.parametrize(("mode", "colours"), [("light", LIGHT), ("dark", DARK)], ids=["light", "dark"])
def test_icons_are_drawn_in_the_ink_of_the_moment(theme, qapp, mode, colours):
    Theme(qapp, mode)
    for path in resource("icons").glob("*.svg"):
        image = line_icon(path.stem).pixmap(QSize(32, 32)).toImage()
        inks = {
            image.pixelColor(x, y).name() for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() == 255
        }
        assert colours.text in inks, path.stem


def test_a_missing_icon_is_none(theme):
    assert line_icon("no-such-icon").isNull()


def test_icons_are_sharp_when_doubled(theme):
    pixmap = line_icon("dice").pixmap(QSize(16, 16), 2.0)
    assert pixmap.size() == QSize(32, 32)
    assert from_qimage(pixmap.toImage()).shape == (32, 32, 3)


def test_labels_on_pins_can_be_read():
    for index in range(8):
        assert contrast(ink_on(pin_colour(index)).name(), pin_colour(index).name()) >= 3
