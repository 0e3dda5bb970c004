"""Pixels of the photograph read on grids of another size, and pins of pictures of several sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from journeys import idle_shown

from sss_gui.requests.panes import Source

A, B = (Source.from_path(Path(name)) for name in ("a.png", "b.png"))


@pytest.fixture
def shown(qtbot, program, engine):
    """A picture of 24 x 32 pixels, whose panes are of 6 x 8 cells."""
    engine.grid = (6, 8)
    program.pictures.set([A, B])
    idle_shown(qtbot, program)
    return program


def read(program):
    """What the read-out says, with single spaces."""
    return " ".join(program.window.read_out.accessibleDescription().split())


def test_every_pixel_of_a_picture_larger_than_its_grid_can_be_pointed_at(qtbot, shown):
    for point in ((0, 0), (31, 23), (16, 12)):
        shown.window.panel.pixel_hovered.emit(*point)
        words = read(shown)
        assert words.startswith("x {} y {}".format(*point)), words
        assert "50 50 50" in words
    shown.window.panel.hover_left.emit()
    qtbot.waitUntil(lambda: not shown.worker.busy)


def test_the_cell_is_the_one_under_the_middle_of_the_pixel(shown):
    assert [shown.session.cell((x, 0), (6, 8))[0] for x in (0, 3, 4, 31)] == [0, 0, 1, 7]
    assert shown.session.cell((1, 1), (48, 64)) == (3, 3)


def test_a_pin_stays_where_it_is_while_a_smaller_picture_is_shown(qtbot, shown, engine):
    shown.pins.add((30, 20))
    qtbot.waitUntil(lambda: (30, 20) in shown.pixel_inspector.vectors)
    for index, size in ((1, (6, 8)), (0, (24, 32))):
        engine.size = size
        shown.pictures.choose(index)
        idle_shown(qtbot, shown)
    qtbot.waitUntil(lambda: (30, 20) in shown.pixel_inspector.vectors)
    assert shown.pins.points == [(30, 20)]
    assert read(shown).startswith("x 30 y 20")
