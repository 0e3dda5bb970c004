"""What pixels' colours say near a border that superpixels drew too coarsely."""

from __future__ import annotations

import numpy as np

from sss_model.matting import MatteEditor
from sss_model.matting.colours import colour_odds
from sss_model.matting.edges import full_alpha

SIZE = (240, 320)


def _fan(noise: float = 0.02) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A green block with leaves of two pixels that stick out, before sand; what is true; and what superpixels take."""
    true = np.zeros(SIZE, bool)
    true[:, :120] = True
    coarse = true.astype(np.float32)
    true[10:230:12, 120:126] = true[11:230:12, 120:126] = True
    image = np.where(true[..., None], (0.2, 0.5, 0.1), (0.7, 0.6, 0.4))
    image += np.random.default_rng(0).normal(0, noise, image.shape)
    return image.clip(0, 1).astype(np.float32), true, coarse


def test_leaves_narrower_than_superpixels_come_to_the_matte() -> None:
    image, true, coarse = _fan()
    _, against = colour_odds(image, coarse)
    leaves = true & (coarse < 0.5)
    assert against[leaves].mean() > 0.9
    assert not against[~leaves].any()
    alpha = full_alpha(image, coarse, np.zeros(SIZE, bool), ())
    assert alpha[leaves].mean() > 0.9
    assert alpha[~true].mean() < 0.01


def test_colours_that_both_sides_have_say_nothing() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((*SIZE, 3), dtype=np.float32)
    coarse = np.zeros(SIZE, np.float32)
    coarse[60:180, 80:200] = 1
    assert not colour_odds(image, coarse)[1].any()


def test_a_like_thing_that_touches_the_matte_nowhere_stays_out() -> None:
    image, _, coarse = _fan()
    image[48:62, 120:130] = (0.7, 0.6, 0.4)
    away = np.zeros(SIZE, bool)
    away[50:58, 128:132] = True
    image[away] = (0.2, 0.5, 0.1)
    assert not colour_odds(image, coarse)[1][away].any()


def test_far_from_the_border_superpixels_have_the_last_word() -> None:
    image, _, coarse = _fan()
    image[80:160, 220:300] = (0.2, 0.5, 0.1)
    image[20:24, 10:14] = (0.7, 0.6, 0.4)
    against = colour_odds(image, coarse)[1]
    assert not against[:, 200:].any()
    assert not against[:, :80].any()


def test_nothing_and_everything_taken_are_no_trouble() -> None:
    image = np.zeros((1, 9, 3), np.float32)
    for value in (0.0, 1.0):
        coarse = np.full((1, 9), value, np.float32)
        odds, against = colour_odds(image, coarse)
        assert np.isfinite(odds).all()
        assert not against.any()
        np.testing.assert_array_equal(full_alpha(image, coarse, np.zeros((1, 9), bool), ()), coarse)


def test_a_click_stays_what_it_said_whatever_its_colour_is() -> None:
    image, _, _ = _fan(0.0)
    features = np.zeros((*SIZE, 2), np.float32)
    features[:, :120, 0] = features[:, 120:, 1] = 1
    editor = MatteEditor(image, features)
    editor.click(40, 120)
    assert editor.click(122, 119, keep=False)[119, 122] == 0
