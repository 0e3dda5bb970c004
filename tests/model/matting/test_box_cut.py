"""What colours say of a box: rings, holes, and where they say nothing."""

from __future__ import annotations

import numpy as np

from sss_model.matting.box_cut import cut_by_colour
from sss_model.matting.parts import cut_parts
from sss_model.matting.steps import Box, box_at


def test_a_ring_is_told_from_its_hole() -> None:
    rows, columns = np.ogrid[:100, :140]
    away = np.hypot(rows - 50, columns - 70)
    ring = (away < 35) & (away > 20)
    image = np.random.default_rng(0).normal(0.3, 0.02, (100, 140, 3)).astype(np.float32)
    image[ring] += (0.5, 0.2, -0.1)
    parts = cut_parts(image.clip(0, 1), np.zeros((100, 140, 1), np.float32))
    sides = cut_by_colour(parts, box_at(32, 12, 108, 88, (100, 140)))
    assert sides.min() >= -1
    assert sides.max() <= 1
    taken = sides[parts.labels] > 0
    assert (taken & ring).sum() / (taken | ring).sum() > 0.9
    assert (sides[np.unique(parts.labels[48:53, 68:73])] < 0).all()
    np.testing.assert_array_equal(cut_by_colour(parts, box_at(32, 12, 108, 88, (100, 140))), sides)
    assert not cut_by_colour(parts, Box(0.0, 0.0, 1.0, 1.0)).any()


def test_one_colour_says_nothing() -> None:
    image = np.full((40, 50, 3), 0.5, np.float32)
    parts = cut_parts(image, image)
    assert np.isfinite(cut_by_colour(parts, box_at(10, 10, 30, 30, (40, 50)))).all()
