"""Channels and levels of what is shown, and the histogram beside them."""

from __future__ import annotations

import numpy as np
import pyqtgraph
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from sss_gui.widgets.controls.display_controls import DisplayControls, Histogram
from sss_gui.widgets.display import CHANNELS, Display
from sss_gui.widgets.picture.canvas.picture_layer import PictureLayer, Placement
from sss_gui.widgets.picture.qimage import from_qimage

PICTURE = np.random.default_rng(5).integers(0, 256, (6, 8, 3)).astype(np.uint8)


def shown(picture, display):
    """`picture` as a layer shows it at one screen pixel a pixel."""
    layer = PictureLayer()
    layer.set_pyramid([picture])
    layer.display = display
    return from_qimage(layer.render(Placement(0, 0, 1.0), picture.shape[:2], picture.shape[1], picture.shape[0]))


def test_as_they_are():
    assert Display().plain
    np.testing.assert_array_equal(shown(PICTURE, Display()), PICTURE)


@pytest.mark.parametrize(("channel", "index"), [("red", 0), ("green", 1), ("blue", 2)])
def test_one_channel_is_grey(channel, index):
    picture = shown(PICTURE, Display(channel))
    for other in range(3):
        np.testing.assert_array_equal(picture[..., other], PICTURE[..., index])


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.7), (0.0, 0.5), (0.4, 1.0), (0.5, 0.5)])
@pytest.mark.parametrize("channel", ["rgb", "green"])
def test_a_range_goes_from_black_to_white(low, high, channel):
    picture = shown(PICTURE, Display(channel, low, high)) / 255
    before = PICTURE if channel == "rgb" else np.repeat(PICTURE[..., 1:2], 3, -1)
    want = np.clip((before / 255 - low) / max(high - low, 1e-6), 0, 1)
    assert np.abs(picture - want).max() <= 0.5 / 255 + 1e-9


def test_channels_go_round():
    display, seen = Display(), []
    for _ in range(5):
        seen.append(display.channel)
        display = Display(display.next_channel())
    assert seen == [*CHANNELS, "rgb"]


def test_neither_the_surround_nor_the_overlay_is_changed():
    layer = PictureLayer()
    layer.set_pyramid([PICTURE])
    place, size = Placement(4, 3, 2.0), (6, 8)
    plain = from_qimage(layer.render(place, size, 30, 24))
    layer.display = Display("green", 0.25, 0.75)
    changed = from_qimage(layer.render(place, size, 30, 24))
    inside = np.s_[3 : 3 + 12, 4 : 4 + 16]
    outside = np.ones(plain.shape[:2], bool)
    outside[inside] = False
    np.testing.assert_array_equal(changed[outside], plain[outside])
    np.testing.assert_array_equal(changed[inside], shown(plain[inside].copy(), layer.display))
    layer.set_overlay([np.full((6, 8, 4), (255, 0, 0, 255), np.uint8)], 1.0)
    assert (from_qimage(layer.render(place, size, 30, 24))[inside] == (255, 0, 0)).all()


@pytest.fixture
def controls(qtbot):
    controls = DisplayControls()
    qtbot.addWidget(controls)
    controls.resize(260, 240)
    controls.show()
    qtbot.waitExposed(controls)
    return controls


def region(histogram):
    """What is dragged on the plot."""
    items = histogram.findChild(pyqtgraph.PlotWidget).items()
    return next(item for item in items if isinstance(item, pyqtgraph.LinearRegionItem))


def button(controls, words):
    return next(b for b in controls.findChildren(QPushButton) if b.text() == words)


def test_the_controls_say_what_is_wanted(controls, qtbot):
    with qtbot.waitSignal(controls.changed) as said:
        QTest.mouseClick(button(controls, "G"), Qt.MouseButton.LeftButton)
    assert said.args == [Display("green")]
    histogram = controls.findChild(Histogram)
    with qtbot.waitSignal(controls.changed) as said:
        region(histogram).setRegion((0.25, 0.5))
    assert said.args == [Display("green", 0.25, 0.5)]
    with qtbot.waitSignal(controls.changed) as said:
        QTest.mouseClick(button(controls, "Reset"), Qt.MouseButton.LeftButton)
    assert said.args == [Display()]


def test_the_controls_show_what_is_in_use_without_a_word(controls, qtbot):
    with qtbot.assertNotEmitted(controls.changed):
        controls.set_display(Display("blue", 0.1, 0.9))
    assert button(controls, "B").isChecked()
    assert controls.findChild(Histogram).range == pytest.approx((0.1, 0.9))


def test_the_histogram_draws_a_curve_a_channel(controls):
    histogram = controls.findChild(Histogram)
    counts = np.stack([np.bincount(PICTURE[..., c].ravel(), minlength=256) for c in range(3)])
    controls.set_counts(counts, "PCA")
    for (places, values), want in zip(histogram.curves(), counts, strict=True):
        np.testing.assert_allclose(places, np.linspace(0, 1, 256))
        np.testing.assert_allclose(values, np.sqrt(want))
    controls.set_counts(None, "PCA")
    assert histogram.curves() == []


def test_a_histogram_given_before_it_is_seen_is_drawn_then(qtbot):
    controls = DisplayControls()
    qtbot.addWidget(controls)
    controls.set_counts(np.ones((3, 256), int), "PCA")
    controls.set_display(Display(low=0.5))
    controls.show()
    qtbot.waitExposed(controls)
    histogram = controls.findChild(Histogram)
    assert len(histogram.curves()) == 3
    assert histogram.range == pytest.approx((0.5, 1.0))
