"""The vectors' curves and the list of pins."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton

from sss_gui.widgets.panels.pixel_probe import PixelProbe
from sss_gui.widgets.picture.annotations import pin_colour
from sss_gui.widgets.picture.qimage import from_qimage


@pytest.fixture
def probe(qtbot):
    probe = PixelProbe()
    qtbot.addWidget(probe)
    probe.resize(600, 180)
    probe.show()
    qtbot.waitExposed(probe)
    return probe


def test_vectors_are_drawn_over_each_other(probe):
    first, second, hovered = (np.random.default_rng(n).normal(size=16).astype(np.float32) for n in range(3))
    probe.set_pinned_vectors([((1, 2), first), ((3, 4), None), ((5, 6), second)])
    probe.set_hovered_vector(hovered)
    curves = probe.plot.curves()
    assert len(curves) == 3
    for (x, y), want in zip(curves, (first, second, hovered), strict=True):
        assert np.array_equal(x, np.arange(16))
        assert np.allclose(y, want)
    probe.set_hovered_vector(None)
    assert len(probe.plot.curves()) == 2
    probe.set_pinned_vectors(())
    assert probe.plot.curves() == []


def test_curves_carry_the_pins_colours(probe):
    probe.set_pinned_vectors([((0, 0), np.linspace(0, 1, 128, dtype=np.float32))])
    shown = from_qimage(probe.plot.grab().toImage()).astype(int)
    want = np.array(pin_colour(0).getRgb()[:3])
    assert (np.abs(shown - want).sum(-1) < 30).sum() > 100


def test_vectors_given_before_the_plot_is_seen_are_drawn_then(qtbot):
    probe = PixelProbe()
    qtbot.addWidget(probe)
    probe.set_hovered_vector(np.ones(8, np.float32))
    probe.set_pinned_vectors([((1, 1), np.zeros(8, np.float32))])
    probe.show()
    qtbot.waitExposed(probe)
    assert len(probe.plot.curves()) == 2


def test_a_constant_vector_has_a_range(probe):
    probe.set_hovered_vector(np.full(8, 3.0, np.float32))
    assert probe.grab().width() > 0


def test_pins_can_be_removed(probe, qtbot):
    probe.set_pinned_vectors([((1, 2), None), ((3, 4), None)])
    second = next(b for b in probe.findChildren(QToolButton) if b.toolTip() == "Remove pin 2")
    with qtbot.waitSignal(probe.pin_removed) as removed:
        QTest.mouseClick(second, Qt.MouseButton.LeftButton)
    assert removed.args == [1]
    clear = next(b for b in probe.findChildren(QPushButton) if b.text() == "Clear pins")
    with qtbot.waitSignal(probe.pins_cleared):
        QTest.mouseClick(clear, Qt.MouseButton.LeftButton)


def test_removing_the_pin_whose_button_is_pressed_is_safe(probe, qtbot):
    pins = [((n, n), None) for n in range(4)]
    probe.pin_removed.connect(lambda index: probe.set_pinned_vectors(pins[:index] + pins[index + 1 :]))
    probe.set_pinned_vectors(pins)
    first = next(b for b in probe.findChildren(QToolButton) if b.toolTip() == "Remove pin 1")
    QTest.mouseClick(first, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(probe.findChildren(QToolButton)) == 3)
