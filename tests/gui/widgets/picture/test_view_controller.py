"""The one view that all panes share, against analytic values."""

from __future__ import annotations

import math

import pytest

from sss_gui.widgets.picture.view_controller import MAX_SCALE, MIN_SCALE, ViewController


@pytest.fixture
def view(qapp):
    view = ViewController()
    view.set_pane_size("a", 400, 300)
    view.set_pane_size("b", 200, 300)
    view.set_image_size((100, 80))
    return view


def test_fit_goes_by_the_smallest_pane(view):
    assert view.fitting
    assert view.scale == min(200 / 80, 300 / 100)
    assert view.centre == (40, 50)


def test_fit_follows_panes_that_resize_hide_and_come_back(view):
    view.set_pane_size("b", 100, 300)
    assert view.scale == 100 / 80
    view.remove_pane("b")
    assert view.scale == 300 / 100
    view.set_pane_size("b", 40, 40)
    assert view.scale == 40 / 100


def test_a_chosen_view_stays_while_panes_resize(view):
    view.set_view(10.25, 20.5, 3.7)
    for width in range(50, 80):
        view.set_pane_size("b", width, 300)
    assert (view.centre, view.scale) == ((10.25, 20.5), 3.7)
    view.fit()
    assert view.scale == 79 / 80


def test_a_box_is_shown_as_large_as_the_smallest_pane_holds_it(view):
    view.show_box((10, 20, 30, 60))
    assert (view.centre, view.scale) == ((20, 40), min(200 / 20, 300 / 40))
    assert not view.fitting
    view.fit()
    assert view.centre == (40, 50)


@pytest.mark.parametrize("factor", [0.5, 1.26, 3.0])
def test_zooming_keeps_the_point_on_its_screen_place(view, factor):
    point = (13.0, 71.0)
    before = [(p - c) * view.scale for p, c in zip(point, view.centre, strict=True)]
    view.zoom_about(point, factor)
    after = [(p - c) * view.scale for p, c in zip(point, view.centre, strict=True)]
    assert after == pytest.approx(before, abs=1e-9)


def test_panning_moves_by_screen_pixels(view):
    view.set_view(40, 50, 4)
    view.pan_by(8, -20)
    assert view.centre == (38, 55)


def test_scale_and_centre_stay_in_reach(view):
    view.set_view(-500, 9999, 1e9)
    assert (view.centre, view.scale) == ((0, 100), MAX_SCALE)
    view.set_view(1, 1, 1e-9)
    assert view.scale == MIN_SCALE


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_view_that_is_no_number_is_not_taken(view, bad):
    before = (view.centre, view.scale)
    view.set_view(bad, 1, 1)
    view.set_view(1, 1, bad)
    assert (view.centre, view.scale) == before


def test_one_to_one_means_physical_pixels(view):
    view.set_device_ratio(2.0)
    view.one_to_one()
    assert view.scale == 0.5
    assert not view.fitting


def test_another_image_of_the_same_size_keeps_the_view(view):
    view.set_view(10, 20, 5)
    view.set_image_size((100, 80))
    assert view.scale == 5
    view.set_image_size((50, 80))
    assert view.fitting


def test_it_speaks_only_when_something_changed(view, qtbot):
    view.set_view(10, 20, 5)
    with qtbot.assertNotEmitted(view.view_changed):
        view.set_view(10, 20, 5)
    with qtbot.waitSignal(view.view_changed):
        view.pan_by(1, 0)
