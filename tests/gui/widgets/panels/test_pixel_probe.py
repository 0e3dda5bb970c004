"""The strips of the vectors, the pins beside them, and folding to a line."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QHelpEvent, QPalette
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton, QToolTip

from sss_gui.widgets.panels.pixel_probe import PixelProbe
from sss_gui.widgets.panels.vector_strip import DARK, LIGHT, span_of
from sss_gui.widgets.picture.annotations import pin_colour
from sss_gui.widgets.picture.qimage import from_qimage


@pytest.fixture
def probe(qtbot):
    probe = PixelProbe()
    qtbot.addWidget(probe)
    probe.set_folded(False)
    probe.resize(600, 180)
    probe.show()
    qtbot.waitExposed(probe)
    return probe


def tool(probe, name):
    return next(b for b in probe.findChildren(QToolButton) if b.accessibleName() == name)


def vectors(count, size=16):
    return [np.random.default_rng(n).normal(size=size).astype(np.float32) for n in range(count)]


def test_each_vector_has_a_strip_in_colours_that_all_share(probe):
    first, second, hovered = vectors(3)
    probe.set_pinned_vectors([((1, 2), first), ((3, 4), None), ((5, 6), second)])
    probe.set_hovered_vector(hovered, (7, 8))
    span = span_of([first, second, hovered], span_of([first, second], 0.0))
    strips = [probe.hovered, *(row.strip for row in probe.rows)]
    for strip, vector in zip(strips, (hovered, first, None, second), strict=True):
        want = LIGHT[np.round((vector / span + 1) * 127.5).astype(int)] if vector is not None else np.zeros((0, 3))
        assert np.abs(strip.colours().astype(int) - want).max(initial=0) <= 3


def test_strips_stand_exactly_under_each_other(probe):
    probe.set_hovered_vector(vectors(1)[0], (1, 1))
    probe.set_pinned_vectors([((3, 4), vectors(1)[0])])
    probe.set_measure("distance to pin 1", (0.5,))
    QApplication.sendPostedEvents()
    QApplication.processEvents()
    edges = [(strip.mapTo(probe, QPoint(0, 0)).x(), strip.width()) for strip in (probe.hovered, probe.rows[0].strip)]
    assert edges[0] == edges[1]


def test_nothing_glares_in_the_dark(probe):
    probe.set_hovered_vector(np.float32([-1, 0, 1]), (1, 1))
    palette = QPalette(QColor("#313135"), QColor("#242427"))
    probe.setPalette(palette)
    assert probe.hovered.colours()[1].max() < 60
    assert probe.hovered.colours().tolist()[1] == DARK[128].tolist()


def test_strips_are_drawn_dimension_beside_dimension(probe):
    probe.set_pinned_vectors([((0, 0), np.repeat(np.float32([-1, 1]), 64))])
    shown = from_qimage(probe.rows[0].strip.grab().toImage())
    left, right = shown[shown.shape[0] // 2, shown.shape[1] // 4], shown[shown.shape[0] // 2, -shown.shape[1] // 4]
    assert left[2] > left[0] + 60, "negative is blue"
    assert right[0] > right[2] + 60, "positive is orange"


def test_a_pin_carries_its_colour(probe):
    probe.set_pinned_vectors([((0, 0), None)])
    shown = from_qimage(probe.rows[0].grab().toImage()).astype(int)
    want = np.array(pin_colour(0).getRgb()[:3])
    assert (np.abs(shown - want).sum(-1) < 30).sum() > 50


@pytest.mark.parametrize(
    ("largest", "before", "want"), [(2.0, 0.0, 2.2), (2.0, 2.2, 2.2), (3.0, 2.2, 3.3), (1.0, 2.2, 1.1), (0.0, 2.2, 2.2)]
)
def test_colours_stay_put_until_they_no_longer_fit(largest, before, want):
    assert span_of([np.float32([-largest, np.nan, 0])], before) == pytest.approx(want)


@pytest.mark.parametrize("vector", [np.full(8, 3.0), np.zeros(8), np.full(8, np.nan), np.zeros(0)])
def test_odd_vectors_are_drawn_too(probe, vector):
    probe.set_hovered_vector(vector.astype(np.float32), (1, 1))
    assert probe.grab().width() > 0


def test_a_tip_names_the_dimension(probe):
    probe.set_hovered_vector(np.arange(4, dtype=np.float32), (1, 1))
    strip = probe.hovered
    place = QPoint(strip.width() * 5 // 8, strip.height() // 2)
    QApplication.sendEvent(strip, QHelpEvent(QEvent.Type.ToolTip, place, strip.mapToGlobal(place)))
    assert QToolTip.text() == "Dimension 3 of 4: 2"
    QToolTip.hideText()


def test_numbers_stand_beside_their_pins_under_their_name(probe):
    probe.set_measure("cosine to pointer", (1.0,))
    assert probe.measure == "", "without pins there is nothing to compare"
    probe.set_pinned_vectors([((1, 2), None), ((3, 4), None)])
    probe.set_measure("cosine to pointer", (0.5, -0.25))
    assert (probe.measure, [row.figures for row in probe.rows]) == ("cosine to pointer", ["0.500", "−0.250"])
    probe.set_measure("cosine to pointer")
    assert [row.figures for row in probe.rows] == ["", ""]


def test_pins_can_be_removed(probe, qtbot):
    probe.set_pinned_vectors([((1, 2), None), ((3, 4), None)])
    with qtbot.waitSignal(probe.pin_removed) as removed:
        QTest.mouseClick(tool(probe, "Remove pin 2 at 3, 4"), Qt.MouseButton.LeftButton)
    assert removed.args == [1]
    with qtbot.waitSignal(probe.pins_cleared):
        QTest.mouseClick(tool(probe, "Remove all pins"), Qt.MouseButton.LeftButton)
    probe.set_pinned_vectors(())
    assert not tool(probe, "Remove all pins").isEnabled()


def test_removing_the_pin_whose_button_is_pressed_is_safe(probe):
    pins = [((n, n), None) for n in range(4)]
    probe.pin_removed.connect(lambda index: probe.set_pinned_vectors(pins[:index] + pins[index + 1 :]))
    probe.set_pinned_vectors(pins)
    QTest.mouseClick(tool(probe, "Remove pin 1 at 0, 0"), Qt.MouseButton.LeftButton)
    assert len(probe.rows) == 3
    assert tool(probe, "Remove pin 1 at 1, 1") is not None


def test_a_click_on_a_button_takes_no_keyboard(probe):
    probe.set_pinned_vectors([((1, 2), None)])
    assert all(b.focusPolicy() == Qt.FocusPolicy.TabFocus for b in probe.findChildren(QToolButton))


def test_it_folds_to_a_line_that_lives_on(probe, qtbot):
    probe.set_pinned_vectors([((1, 2), None)])
    with qtbot.waitSignal(probe.folded_changed) as folded:
        QTest.mouseClick(tool(probe, "Fold to one line"), Qt.MouseButton.LeftButton)
    assert folded.args == [True]
    assert probe.maximumHeight() <= 30
    probe.set_hovered_vector(np.ones(8, np.float32), (7, 8))
    assert probe.hovered.isVisible()
    assert not probe.rows[0].isVisible()
    QTest.mouseClick(tool(probe, "Show the pins below"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: probe.rows[0].isVisible())


def test_it_is_a_line_until_there_is_a_pin_and_stays_one_for_who_folded_it(qtbot):
    probe = PixelProbe()
    qtbot.addWidget(probe)
    vector = np.zeros(4, np.float32)
    assert probe.folded
    probe.set_pinned_vectors([((1, 2), vector)])
    assert not probe.folded
    probe.set_pinned_vectors(())
    assert not probe.folded, "what is there does not jump from picture to picture"
    tool(probe, "Fold to one line").click()
    probe.set_pinned_vectors([((3, 4), vector)])
    assert probe.folded
    assert probe.stays_folded
