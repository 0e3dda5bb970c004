"""Layers brought to the full picture: sums, sizes and edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_scenes import disc_scene, photograph

from sss_model.filtering.resize import resize
from sss_model.segmentation.upsample import colour_models, upsample_layers


def small(image, size):
    return torch.from_numpy(resize(image, size))


def test_edges_are_those_of_the_full_picture():
    image, _, (disc, _, _) = disc_scene(240, 320)
    grid = torch.from_numpy(resize(disc[..., None], (60, 80))).movedim(2, 0)
    layers = torch.cat([grid, 1 - grid])
    alphas = upsample_layers(layers, small(image, (60, 80)), image)
    bilinear = torch.nn.functional.interpolate(grid[None], (240, 320), mode="bilinear")[0, 0].numpy()
    assert np.abs(alphas[..., 0] - disc).mean() < 0.5 * np.abs(bilinear - disc).mean()


@pytest.mark.parametrize(("grid", "size"), [((8, 9), (31, 40)), ((1, 7), (1, 29)), ((6, 6), (6, 6))])
def test_layers_keep_their_sum(grid, size):
    image = photograph(*size)
    layers = torch.rand(4, *grid, generator=torch.Generator().manual_seed(0))
    alphas = upsample_layers(layers / layers.sum(0), small(image, grid), image)
    assert alphas.shape == (*size, 4)
    assert np.allclose(alphas.sum(2), 1, atol=1e-5)
    assert alphas.min() >= 0


def test_models_are_the_least_squares_fit_of_each_window():
    image = torch.from_numpy(photograph(5, 6)).contiguous()
    layer = torch.rand(1, 5, 6, generator=torch.Generator().manual_seed(0))
    fits = np.zeros((5, 6, 4))
    for y in range(5):
        for x in range(6):
            window = slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2)
            colours = image[window].double().numpy().reshape(-1, 3)
            values = layer[0][window].double().numpy().ravel()
            centred = colours - colours.mean(0)
            S = centred.T @ centred / len(colours) + 1e-3 * np.eye(3)
            a = np.linalg.solve(S, centred.T @ values / len(colours))
            fits[y, x] = (*a, values.mean() - a @ colours.mean(0))
    wanted = np.stack(
        [fits[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].mean((0, 1)) for y in range(5) for x in range(6)]
    )
    found = colour_models(layer, image, 1e-3)[0].reshape(4, -1).T.numpy()
    assert np.allclose(found, wanted, atol=1e-4)
