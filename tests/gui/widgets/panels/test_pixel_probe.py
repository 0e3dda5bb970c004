"""The read-out's columns and the vectors' curves."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton, QToolButton

from sss_gui.widgets.panels.pixel_probe import PixelProbe, PixelReadOut, Reading
from sss_gui.widgets.picture.annotations import pin_colour
from sss_gui.widgets.picture.qimage import from_qimage

PANES = (("Random", (0.1, 0.2, 0.3)), ("PCA", (1.0, 0.0, 0.5)))


@pytest.fixture
def read_out(qtbot):
    read_out = PixelReadOut()
    qtbot.addWidget(read_out)
    read_out.resize(1100, 26)
    read_out.show()
    return read_out


@pytest.fixture
def probe(qtbot):
    probe = PixelProbe()
    qtbot.addWidget(probe)
    probe.resize(600, 180)
    probe.show()
    qtbot.waitExposed(probe)
    return probe


def test_every_number_is_in_the_line(read_out):
    read_out.set_reading(Reading(12, 345, (1, 20, 255), PANES, (0.0, 12.345), "cosine"))
    text = " ".join(read_out.text().split())
    panes = "Random 0.100 0.200 0.300 PCA 1.000 0.000 0.500"
    assert text == f"x 12 y 345 RGB 1 20 255 {panes} cosine to 1 0.000 cosine to 2 12.345"
    assert read_out.accessibleDescription() == read_out.text()


def test_columns_do_not_move_with_the_numbers(read_out):
    small = Reading(1, 2, (0, 0, 0), PANES, (0.0,))
    large = Reading(99999, 12345, (255, 255, 255), PANES, (4123.456,))
    lengths = []
    for reading in (small, large, None):
        read_out.set_reading(reading)
        lengths.append([len(figures) for _, figures, _ in read_out._columns()])
    assert lengths[0] == lengths[1]
    assert len(lengths[2]) == len(lengths[0])


def test_columns_stay_when_the_cursor_leaves(read_out):
    read_out.set_reading(Reading(1, 2, (0, 0, 0), PANES, (0.5,)))
    before = [name for name, _, _ in read_out._columns()]
    read_out.set_reading(None)
    assert [name for name, _, _ in read_out._columns()] == before
    assert "0.5" not in read_out.text()


def test_it_is_drawn(read_out):
    blank = from_qimage(read_out.grab().toImage())
    read_out.set_reading(Reading(7, 8, (9, 9, 9), PANES, (1.0,)))
    assert not np.array_equal(from_qimage(read_out.grab().toImage()), blank)


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


def test_distances_go_on_below_where_the_line_is_too_narrow(read_out):
    reading = Reading(1, 2, (3, 4, 5), PANES, (1.0,) * 9, "distance")
    one = read_out.height()
    read_out.resize(560, one)
    read_out.set_reading(reading)
    assert read_out.height() >= 2 * one
    lines, gap = read_out._lines()
    assert sum(len(line) for line in lines) == len(read_out._columns()), "nothing is left out"
    assert all(read_out._wide(line, gap) <= 560 for line in lines)
    read_out.set_reading(None)
    assert read_out.height() >= 2 * one, "the line does not jump when the cursor leaves"
    read_out.set_reading(Reading(1, 2, (3, 4, 5), PANES))
    assert read_out.height() == one


def test_values_of_panes_go_on_below_too(read_out):
    one = read_out.height()
    panes = tuple((name, (0.1, 0.2, 0.3)) for name in ("Random projection", "PCA", "Guided filter + PCA"))
    read_out.resize(400, one)
    read_out.set_reading(Reading(1, 2, (3, 4, 5), panes))
    lines, gap = read_out._lines()
    assert all(read_out._wide(line, gap) <= 400 for line in lines)
    assert [column for line in lines for column in line] == read_out._fitting()[0], "nothing is left out"
    assert read_out.height() == len(lines) * one
