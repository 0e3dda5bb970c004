"""Area averages, against the mean of the blocks."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from sss_gui.worker.image_pyramid import make_pyramid


def test_levels_are_block_means():
    picture = np.random.default_rng(0).integers(0, 256, (256, 128, 3), np.uint8)
    levels = make_pyramid(picture)
    for n in (1, 2, 3):
        side = 2**n
        means = picture.reshape(256 // side, side, 128 // side, side, 3).mean((1, 3))
        assert levels[n].shape == means.shape
        # rounding to 8 bits at each level adds at most half a step each
        assert np.abs(levels[n] - means).max() <= 0.5 * n + 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (1, 97), (65, 33), (101, 100)])
@pytest.mark.parametrize("channels", [3, 4])
def test_any_size_and_constant_stays_constant(shape, channels):
    levels = make_pyramid(np.full((*shape, channels), 137, np.uint8), smallest_side=4)
    assert levels[0].shape == (*shape, channels)
    for above, below in itertools.pairwise(levels):
        assert below.shape[:2] == ((above.shape[0] + 1) // 2, (above.shape[1] + 1) // 2)
        assert (below == 137).all()
    assert max(levels[-1].shape[:2]) <= 4


def test_the_picture_itself_is_level_zero():
    picture = np.zeros((40, 40, 3), np.uint8)
    assert make_pyramid(picture)[0] is picture
