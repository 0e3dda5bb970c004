"""The legend in a pane's header: name, colours, mark, value, opacity, in little room too."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from sss_gui.widgets.picture.image_view import ImageView
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.widgets.picture.view_controller import ViewController

RAMP = np.stack([np.arange(256), np.zeros(256), 255 - np.arange(256)], 1).astype(np.uint8)  # blue to red
SCALE = Legend("Similarity (cosine)", RAMP, True, 0.5)
GROUPS = Legend("Clusters", np.array([(255, 0, 0), (0, 255, 0), (0, 0, 255)], np.uint8), False)
OVERLAY = np.full((4, 4, 4), 90, np.uint8)


@pytest.fixture
def view(qtbot):
    view = ImageView(ViewController(), "Input")
    qtbot.addWidget(view)
    view.resize(600, 300)
    view.show()
    qtbot.waitExposed(view)
    return view


def colours(widget):
    return {tuple(pixel) for row in from_qimage(widget.grab().toImage()).tolist() for pixel in row}


def test_there_is_none_without_an_overlay(view):
    legend = view.header.legend
    assert not legend.isVisible()
    view.set_overlay(OVERLAY, 0.6, SCALE)
    assert legend.isVisible()
    assert legend.accessibleName().startswith("Similarity (cosine)")
    view.set_overlay(None)
    assert not legend.isVisible()


def test_a_scale_has_its_colours_and_a_mark(view):
    view.set_overlay(OVERLAY, 0.6, SCALE)
    shown = from_qimage(view.header.legend.grab().toImage()).astype(int)
    row = shown[shown.shape[0] // 2]
    red, blue = (row[:, 0] - row[:, 2] > 200), (row[:, 2] - row[:, 0] > 200)
    assert np.flatnonzero(blue).max() < np.flatnonzero(red).min(), "from low to high"
    assert "0.50" in view.header.legend.toolTip()


def test_groups_have_a_swatch_each(view):
    view.set_overlay(OVERLAY, 0.6, GROUPS)
    assert {(255, 0, 0), (0, 255, 0), (0, 0, 255)} <= colours(view.header.legend)


@pytest.mark.parametrize(("legend", "value", "words"), [(SCALE, 0.337, "0.34"), (GROUPS, 1, "2"), (SCALE, None, "")])
def test_the_value_pointed_at(view, legend, value, words):
    view.set_overlay(OVERLAY, 0.6, legend)
    view.header.legend.set_value(value)
    assert view.header.legend.figures() == words


def test_the_slider_says_how_opaque(view, qtbot):
    view.set_overlay(OVERLAY, 0.6, SCALE)
    slider = view.header.legend.slider
    assert slider.value() == 60
    with qtbot.waitSignal(view.header.legend.opacity_changed) as asked:
        slider.setValue(25)
    assert asked.args == [0.25]
    with qtbot.waitSignal(view.header.legend.opacity_changed) as asked:
        QTest.mouseDClick(slider, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(5, 5))
    assert asked.args == [0.6]
    with qtbot.assertNotEmitted(view.header.legend.opacity_changed):
        view.set_overlay(OVERLAY, 0.3, SCALE)
    assert slider.value() == 30


@pytest.mark.parametrize("width", [120, 200, 266, 330, 420, 900])
def test_the_pane_keeps_its_name_and_nothing_overlaps(view, width):
    view.resize(width, 200)
    view.header.set_texts(note="100%")
    view.set_overlay(OVERLAY, 0.6, SCALE)
    header, legend = view.header, view.header.legend
    name = header.fontMetrics().horizontalAdvance("Input")
    assert legend.width() == 0 or legend.x() >= 8 + name
    assert legend.geometry().right() <= header.width()
    if legend.slider.isVisible():
        assert legend.slider.geometry().right() <= legend.width()
