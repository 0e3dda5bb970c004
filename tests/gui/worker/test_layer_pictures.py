"""Layers and mattes as pictures, pixel by pixel against the plain computation."""

from __future__ import annotations

import numpy as np
import pytest

from sss_gui.worker.layer_pictures import HIDDEN, blended, checkerboard, colours_over, flat_colours, in_grey
from sss_gui.worker.layer_pictures import matte_picture as seen

COLOURS = ((255, 0, 0), (0, 200, 0), (10, 20, 90))


@pytest.fixture
def alphas():
    random = np.random.default_rng(0)
    parts = random.integers(0, 128, (5, 7, 2))
    return np.dstack([parts, 255 - parts.sum(2)]).astype(np.uint8)


def test_flat_colours_mix_by_alpha_and_hidden_layers_are_grey(alphas):
    y, x = 3, 4
    a = alphas[y, x] / 255
    plain = sum(a[k] * np.array(COLOURS[k]) for k in range(3))
    assert np.abs(flat_colours(alphas, COLOURS, (0, 1, 2))[y, x] - plain).max() <= 0.51
    hidden = plain + a[1] * (np.array(HIDDEN) - COLOURS[1])
    assert np.abs(flat_colours(alphas, COLOURS, (0, 2))[y, x] - hidden).max() <= 0.51


def test_the_layer_under_the_cursor_stands_out(alphas):
    even, lit = (colours_over(alphas, COLOURS, (0, 1, 2), layer) for layer in (None, 1))
    assert np.abs(even[..., 3].astype(int) - 128).max() <= 1
    most = np.unravel_index(alphas[..., 1].argmax(), alphas.shape[:2])
    least = np.unravel_index(alphas[..., 1].argmin(), alphas.shape[:2])
    assert lit[most][3] > even[most][3] * 0.8
    assert lit[least][3] < even[least][3] * 0.5
    assert lit[most][1] > lit[most][0], "in its own colour"


@pytest.mark.parametrize(
    ("view", "inside", "outside"),
    [("grey", 255, 0), ("black", 80, 0), ("white", 80, 255), ("colour", 80, 33), ("picture", 80, 7)],
)
def test_each_view_shows_the_matte_inside_and_what_lies_behind_outside(view, inside, outside):
    matte = np.array([[255, 0]], np.uint8)
    photo, backdrop = np.full((1, 2, 3), 80, np.uint8), np.full((1, 2, 3), 7, np.uint8)
    picture = seen(matte, photo, view, colour=(33, 33, 33), backdrop=backdrop)
    assert picture[0, 0].tolist() == [inside] * 3
    assert picture[0, 1].tolist() == [outside] * 3


def test_red_covers_what_the_matte_leaves_out():
    matte, photo = np.array([[255, 0]], np.uint8), np.full((1, 2, 3), 80, np.uint8)
    picture = seen(matte, photo, "red")
    assert picture[0, 0].tolist() == [80] * 3
    assert picture[0, 1, 0] > 140 > picture[0, 1, 1]


def test_a_part_of_the_checkerboard_goes_on_where_the_whole_has_it():
    whole = checkerboard((200, 300))
    assert np.array_equal(checkerboard((50, 60), (100, 30, 1.0, 300)), whole[30:80, 100:160])
    assert len(np.unique(seen(np.zeros((9, 400), np.uint8), np.zeros((9, 400, 3), np.uint8), "checkerboard"))) == 2


def test_blending_is_to_the_nearest(alphas):
    front, behind = (np.random.default_rng(k).integers(0, 256, (5, 7, 3), dtype=np.uint8) for k in (1, 2))
    a = alphas[..., :1] / 255
    assert np.abs(blended(front, behind, alphas[..., 0]) - (front * a + behind * (1 - a))).max() <= 0.501


def test_grey_weighs_the_colours():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [255, 255, 255]]], np.uint8)
    grey = in_grey(picture)
    assert grey[0, 0, 0] == pytest.approx(0.299 * 255, abs=1)
    assert grey[0, 1, 0] == pytest.approx(0.587 * 255, abs=1)
    assert grey[0, 2].tolist() == [255] * 3
