"""Layers brought to the full picture: sums, sizes and edges."""

from __future__ import annotations

import numpy as np
import pytest
from made_scenes import disc_scene, photograph

from sss_model.filtering.resize import resize
from sss_model.segmentation.upsample import upsample_layers


def test_edges_are_those_of_the_full_picture():
    image, _, (disc, _, _) = disc_scene(240, 320)
    grid = resize(disc[..., None], (60, 80))
    alphas = upsample_layers(np.concatenate([grid, 1 - grid], axis=2), resize(image, (60, 80)), image)
    bilinear = resize(grid, (240, 320))[..., 0]
    assert np.abs(alphas[..., 0] - disc).mean() < 0.5 * np.abs(bilinear - disc).mean()


@pytest.mark.parametrize(("grid", "size"), [((8, 9), (31, 40)), ((1, 7), (1, 29)), ((6, 6), (6, 6))])
def test_layers_keep_their_sum(grid, size):
    image = photograph(*size)
    layers = np.random.default_rng(0).random((*grid, 4), dtype=np.float32)
    alphas = upsample_layers(layers / layers.sum(2, keepdims=True), resize(image, grid), image)
    assert alphas.shape == (*size, 4)
    assert np.allclose(alphas.sum(2), 1, atol=1e-5)
    assert alphas.min() >= 0
