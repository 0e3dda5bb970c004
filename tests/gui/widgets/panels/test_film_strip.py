"""The film strip under keys, clicks and the wheel."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QListView

from sss_gui.widgets.panels.film_strip import FilmStrip
from sss_gui.widgets.picture.qimage import from_qimage


@pytest.fixture
def strip(qtbot):
    strip = FilmStrip()
    qtbot.addWidget(strip)
    strip.resize(500, strip.height())
    strip.show()
    qtbot.waitExposed(strip)
    return strip


@pytest.fixture
def view(strip):
    return strip.findChild(QListView)


def centre(view, index):
    return view.visualRect(view.model().index(index, 0)).center()


def test_only_what_is_in_sight_is_asked_for_and_only_once(strip, view, qtbot):
    with qtbot.waitSignal(strip.thumbnails_requested) as asked:
        strip.set_items([f"{n}.png" for n in range(100)])
    first = asked.args[0]
    assert first == list(range(len(first)))
    assert 4 <= len(first) <= 6
    with qtbot.waitSignal(strip.thumbnails_requested) as asked:
        strip.set_current(50)
    assert 50 in asked.args[0]
    assert not set(asked.args[0]) & set(first)
    with qtbot.assertNotEmitted(strip.thumbnails_requested, wait=50):
        strip.set_current(0)


def test_a_click_and_the_arrows_activate(strip, view, qtbot):
    strip.set_items(["a", "b", "c"])
    with qtbot.waitSignal(strip.activated) as activated:
        QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=centre(view, 1))
    assert activated.args == [1]
    with qtbot.waitSignal(strip.activated) as activated:
        QTest.keyClick(view, Qt.Key.Key_Right)
    assert activated.args == [2]
    with qtbot.waitSignal(strip.activated) as activated:
        QTest.keyClick(view, Qt.Key.Key_Return)
    assert activated.args == [2]
    with qtbot.waitSignal(strip.remove_requested) as removed:
        QTest.keyClick(view, Qt.Key.Key_Delete)
    assert removed.args == [2]


def test_stepping_stops_at_the_ends(strip, qtbot):
    strip.set_items(["a", "b", "c"])
    strip.set_current(1)
    with qtbot.waitSignal(strip.activated) as activated:
        strip.step(5)
    assert activated.args == [2]
    with qtbot.assertNotEmitted(strip.activated):
        strip.step(1)
    strip.set_items([])
    strip.step(1)
    assert (strip.current, strip.count()) == (-1, 0)


def test_the_arrows_can_go_on_from_another_item(strip, view, qtbot):
    strip.set_items(["a", "b", "c"])
    strip.set_current(0)
    strip.go_on_from(2)
    with qtbot.assertNotEmitted(strip.activated):
        QTest.keyClick(view, Qt.Key.Key_Right)
    assert strip.current == 0
    with qtbot.waitSignal(strip.activated) as activated:
        QTest.keyClick(view, Qt.Key.Key_Left)
    assert activated.args == [1]


def test_marking_the_current_one_is_silent(strip, qtbot):
    strip.set_items(["a", "b"])
    with qtbot.assertNotEmitted(strip.activated):
        strip.set_current(1)
    assert strip.current == 1


def test_thumbnails_are_drawn_fitted(strip, view):
    strip.set_items(["wide"])
    strip.set_thumbnail(0, np.full((100, 400, 3), [250, 10, 10], np.uint8))
    shown = from_qimage(view.viewport().grab().toImage())
    at = centre(view, 0)
    red = (shown == [250, 10, 10]).all(-1)
    assert red[:, at.x()].sum() == pytest.approx(24, abs=1)
    assert red.any(0).sum() == pytest.approx(96, abs=1)


@pytest.mark.parametrize("state", ["running", "done", "failed"])
def test_states_are_marked(strip, view, state):
    strip.set_items(["a"])
    blank = from_qimage(view.viewport().grab().toImage())
    strip.set_state(0, state, "Why")
    assert strip.state(0) == state
    assert not np.array_equal(from_qimage(view.viewport().grab().toImage()), blank)
    assert view.model().item(0).toolTip() == "Why"
    strip.set_state(0, "none")
    assert view.model().item(0).toolTip() == "a", "the reason goes with its state"


def test_late_thumbnails_of_a_longer_list_are_dropped(strip):
    strip.set_items(["a"])
    strip.set_thumbnail(7, np.zeros((4, 4, 3), np.uint8))
    strip.set_state(7, "done")
    assert strip.count() == 1


def test_an_unknown_state_is_refused(strip):
    strip.set_items(["a"])
    with pytest.raises(ValueError, match="none, running, done, failed"):
        strip.set_state(0, "broken")


def test_an_overlay_lies_on_its_thumbnail_and_goes_again(strip, view):
    strip.set_items(["a", "b"])
    for index in (0, 1):
        strip.set_thumbnail(index, np.full((64, 96, 3), 30, np.uint8))
    bare = from_qimage(view.grab().toImage())
    heat = np.zeros((32, 48, 4), np.uint8)
    heat[:, :24] = (250, 230, 40, 255)
    strip.set_overlay(1, heat, (0.75, 0.5))
    laid = from_qimage(view.grab().toImage())
    changed = (bare != laid).any(2)
    first, second = (view.visualRect(view.model().index(index, 0)) for index in (0, 1))
    assert not changed[:, first.left() : first.right()].any()
    assert changed[:, second.left() : second.right()].sum() > 64 * 48 * 0.9
    x, y = second.x() + 7, second.y() + 6
    assert tuple(laid[y + 32, x + 20]) == (250, 230, 40)
    assert (laid[y + 32 - 5, x + 72] > 200).all(), "the ring about the best place"
    strip.set_overlay(1, None)
    np.testing.assert_array_equal(from_qimage(view.grab().toImage()), bare)
