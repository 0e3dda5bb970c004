"""The read-out's columns: what they say, that they stay where they are, and that they go on below."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sss_gui.widgets.panels.pixel_read_out import PixelReadOut, Reading, fold_columns
from sss_gui.widgets.picture.qimage import from_qimage

PANES = (("Random", (0.1, 0.2, 0.3)), ("PCA", (1.0, 0.0, 0.5)))


@pytest.fixture
def read_out(qtbot):
    read_out = PixelReadOut()
    qtbot.addWidget(read_out)
    read_out.resize(1100, 26)
    read_out.show()
    return read_out


def ink(read_out):
    """(H, W) bool: where something is drawn."""
    picture = from_qimage(read_out.grab().toImage()).astype(int)
    return np.abs(picture - picture[0, 0]).sum(-1) > 60


def test_every_number_is_in_the_line(read_out):
    read_out.set_reading(Reading(12, 345, (1, 20, 255), PANES))
    text = " ".join(read_out.text().split())
    panes = "Random 0.100 0.200 0.300 PCA 1.000 0.000 0.500"
    assert text == f"x 12 y 345 RGB 1 20 255 {panes}"
    assert read_out.accessibleDescription() == read_out.text()


def test_columns_do_not_move_with_the_numbers(read_out):
    small = Reading(1, 2, (0, 0, 0), PANES)
    large = Reading(99999, 12345, (255, 255, 255), PANES)
    lines = []
    for reading in (small, large, None):
        read_out.set_reading(reading)
        lines.append(read_out.text())
    assert len({len(line) for line in lines}) == 1
    assert len({tuple(line.find(name) for name in ("x", "y", "RGB", "Random", "PCA")) for line in lines}) == 1


def test_columns_stay_when_the_cursor_leaves(read_out):
    read_out.set_reading(Reading(1, 2, (0, 0, 0), PANES))
    before = read_out.text()
    read_out.set_reading(None)
    names = [word for word in read_out.text().split() if word.isalpha()]
    assert names == [word for word in before.split() if word.isalpha()]
    assert "0.5" not in read_out.text()


def test_it_is_drawn(read_out):
    blank = from_qimage(read_out.grab().toImage())
    read_out.set_reading(Reading(7, 8, (9, 9, 9), PANES))
    assert not np.array_equal(from_qimage(read_out.grab().toImage()), blank)


@pytest.mark.parametrize("width", [1, 9, 20, 1000])
def test_columns_are_folded_in_order_and_nothing_is_left_out(width):
    columns = [(name, "0" * n) for n, name in enumerate(("x", "y", "RGB", "Random projection", "PCA"), start=1)]

    def wide(line):
        return sum(len(name) + len(figures) for name, figures in line)

    lines = fold_columns(columns, width, wide)
    assert [column for line in lines for column in line] == columns
    assert all(wide(line) <= width or len(line) == 1 for line in lines)
    assert all(wide([*line, after[0]]) > width for line, after in itertools.pairwise(lines)), "as few as fit"


def test_values_of_panes_go_on_below_too(read_out):
    one = read_out.height()
    panes = tuple((name, (0.1, 0.2, 0.3)) for name in ("Random projection", "PCA", "Guided filter + PCA"))
    read_out.resize(400, one)
    read_out.set_reading(Reading(1, 2, (3, 4, 5), panes))
    assert read_out.height() >= 2 * one
    assert read_out.height() % one == 0
    drawn = ink(read_out)
    assert not drawn[:, -3:].any(), "nothing is cut off"
    assert all(drawn[top : top + one].any() for top in range(0, read_out.height(), one)), "every line is filled"
    high = read_out.height()
    read_out.set_reading(None)
    assert read_out.height() == high, "the line does not jump when the cursor leaves"
