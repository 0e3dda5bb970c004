"""The first start: the whole sample, jobs in words, and the look at the edges as one of them."""

from __future__ import annotations

import numpy as np
import pytest
from controls import button, named
from fakes import FakeEngine
from journeys import idle_shown
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton

from sss_gui.presenters.first_minute import COMPARE, EDGES, SHARE, most_different
from sss_gui.program import Program
from sss_gui.requests.panes import Source
from sss_gui.window.settings import Settings
from sss_gui.worker.image_pyramid import make_pyramid
from sss_model.params import FilterParams

SPOT = (20, 10, 24, 14)  # x0, y0, x1, y1
ALIKE = 100  # what the fake PCA is painted in


class SpotEngine(FakeEngine):
    """Its filtered picture is its PCA, but for a spot that is brighter."""

    brighter = 50

    def picture(self, shade):
        if shade != FilterParams().radius * 10:
            return super().picture(shade)
        filtered = super().picture(ALIKE)[0].copy()
        filtered[SPOT[1] : SPOT[3], SPOT[0] : SPOT[2]] += self.brighter
        return make_pyramid(filtered)


@pytest.fixture
def engine():
    return SpotEngine()


def start(program, photos):
    """As without a picture on the command line; the first of `photos` is the sample."""
    program.open_files.stand_in = Source.from_path(photos[0])
    program.open_files.open_paths([photos[0]])


def view_of(program):
    return program.window.panel.controller


def test_the_part_that_differs_most_is_what_a_search_of_all_finds():
    rng = np.random.default_rng(3)
    for height, width, side in ((7, 9, 3), (6, 6, 6), (5, 12, 1)):
        first, second = rng.integers(0, 256, (2, height, width, 3), dtype=np.uint8)
        sums = {
            (x, y, x + side, y + side): np.sum(
                (first[y : y + side, x : x + side].astype(float) - second[y : y + side, x : x + side]) ** 2
            )
            for y in range(height - side + 1)
            for x in range(width - side + 1)
        }
        assert most_different(first, second, side) == max(sums, key=sums.get)


def test_a_sharp_edge_counts_for_more_than_another_shade():
    first = np.full((20, 30, 3), 100, np.uint8)
    second = first.copy()
    second[:, :12] += 4
    second[9, 20] += 40  # of the same sum as 4 in a square of ten pixels
    x0, y0, x1, y1 = most_different(first, second, 4)
    assert x0 <= 20 < x1
    assert y0 <= 9 < y1


def test_pictures_that_are_equal_differ_nowhere():
    first = np.full((6, 8, 3), 9, np.uint8)
    assert most_different(first, first.copy(), 2) is None


def job(program, words):
    return button(program.window.jobs, words)


def test_the_first_start_shows_the_whole_sample_and_offers_jobs(qtbot, program, engine, photos):
    engine.gate.clear()
    start(program, photos)
    qtbot.waitUntil(lambda: program.window.panel.pane("input").picture is not None)
    assert program.window.jobs.isVisible()
    assert not job(program, "Look at the edges").isEnabled(), "there are no features yet"
    engine.gate.set()
    idle_shown(qtbot, program)
    assert view_of(program).fitting, "no zoom that nobody asked for"
    assert job(program, "Look at the edges").isEnabled()


def test_the_edges_are_where_the_filter_shows_and_f_gives_the_whole_picture(qtbot, program, engine, photos):
    start(program, photos)
    idle_shown(qtbot, program)
    job(program, "Look at the edges").click()
    view, line = view_of(program), program.window.status
    assert line.text() == EDGES
    assert abs(view.centre[0] - 22) <= 1
    assert abs(view.centre[1] - 12) <= 1
    fourth = program.window.panel.pane("filtered")
    assert view.scale == pytest.approx(fourth.canvas.height() / round(engine.size[0] * SHARE), rel=0.1)
    program.window.activateWindow()
    fourth.setFocus()
    qtbot.keyClick(fourth.canvas, Qt.Key.Key_F)
    assert view.fitting
    assert line.text() == "Ready"


def test_a_sample_without_a_difference_stays_whole(qtbot, program, engine, photos):
    engine.brighter = 0
    start(program, photos)
    idle_shown(qtbot, program)
    job(program, "Look at the edges").click()
    assert view_of(program).fitting


def test_pixels_are_compared_and_something_is_cut_out(qtbot, program, photos):
    start(program, photos)
    idle_shown(qtbot, program)
    job(program, "Compare pixels").click()
    assert program.overlay_choices.shown == "similarity"
    assert program.window.status.text() == COMPARE
    job(program, "Cut something out").click()
    assert program.segments.shown
    assert not program.window.jobs.isVisible()
    program.actions["segments_view"].trigger()
    assert program.window.jobs.isVisible(), "the sample is still there"
    idle_shown(qtbot, program)


def test_a_picture_of_ones_own_ends_the_offers(qtbot, program, photos):
    start(program, photos)
    idle_shown(qtbot, program)
    job(program, "Look at the edges").click()
    program.open_files.open_paths([photos[1]])
    idle_shown(qtbot, program)
    assert not program.window.jobs.isVisible()
    assert view_of(program).fitting, "the edges were the sample's"


def test_a_view_that_somebody_chose_then_is_kept_for_the_next_picture(qtbot, program, photos):
    start(program, photos)
    idle_shown(qtbot, program)
    job(program, "Look at the edges").click()
    view = view_of(program)
    view.pan_by(-9, 4)
    assert program.window.status.text() != EDGES
    chosen = view.centre, view.scale
    program.open_files.open_paths([photos[1]])
    idle_shown(qtbot, program)
    assert (view.centre, view.scale) == chosen


def test_the_offers_can_be_sent_away(qtbot, program, photos):
    start(program, photos)
    idle_shown(qtbot, program)
    named(program.window.jobs, QToolButton, "Close this line").click()
    for _ in range(2):
        program.actions["segments_view"].trigger()
    assert not program.window.jobs.isVisible()
    idle_shown(qtbot, program)


def test_they_do_not_come_at_the_next_start(qtbot, program, photos, tmp_path):
    start(program, photos)
    idle_shown(qtbot, program)
    program.close()
    second = Program(Settings(tmp_path / "settings.ini"), SpotEngine, data=tmp_path / "data")
    qtbot.addWidget(second.window)
    second.window.show()
    second.open_files.stand_in = Source.from_path(photos[0])
    second.start([photos[0]])
    idle_shown(qtbot, second)
    assert not second.window.jobs.isVisible()
    assert second.close()
    second.window.close()
