"""Coarser grids and the way back: what it must reproduce, and a row of it by the formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_scenes import photograph

from sss_model.segmentation.prolongation import halve, image_pyramid, prolongation


def levels(h, w):
    fine = torch.from_numpy(photograph(h, w))
    return fine, halve(fine)


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (40, 27)])
def test_rows_sum_to_one(size):
    P = prolongation(*levels(*size))
    assert P.shape == (size[0] * size[1], ((size[0] + 1) // 2) * ((size[1] + 1) // 2))
    assert np.allclose(P.sum(1), 1, atol=1e-5)


def test_a_function_of_colour_alone_comes_back():
    fine, coarse = levels(40, 60)
    slope = torch.tensor([0.4, -0.7, 0.2])
    values = prolongation(fine, coarse, eps=1e-9) @ (coarse @ slope).ravel().numpy()
    bilinear = torch.nn.functional.interpolate((coarse @ slope)[None, None], (40, 60), mode="bilinear")[0, 0]
    wanted = (fine @ slope).numpy()
    assert np.abs(values.reshape(40, 60) - wanted).mean() < 0.01 * np.abs(bilinear.numpy() - wanted).mean()


def test_a_row_by_the_formula():
    fine, coarse = (level.double().numpy() for level in levels(16, 20))
    P = prolongation(torch.from_numpy(fine).float(), torch.from_numpy(coarse).float()).toarray()
    y, x = 7, 8  # at 3.25 and 3.75 of the coarse grid
    row = np.zeros(coarse.shape[:2])
    for j, down in ((3, 0.75), (4, 0.25)):
        for i, along in ((3, 0.25), (4, 0.75)):
            window = coarse[j - 1 : j + 2, i - 1 : i + 2].reshape(9, 3)
            mu = window.mean(0)
            S = (window - mu).T @ (window - mu) / 9 + 1e-5 * np.eye(3)
            weights = (1 + (window - mu) @ np.linalg.solve(S, fine[y, x] - mu)) / 9
            row[j - 1 : j + 2, i - 1 : i + 2] += down * along * weights.reshape(3, 3)
    assert np.allclose(P[y * 20 + x].reshape(coarse.shape[:2]), row, atol=1e-4)


def test_halving_takes_means_and_repeats_an_odd_border():
    image = torch.arange(9.0).reshape(3, 3, 1)
    assert halve(image)[..., 0].tolist() == [[2.0, 3.5], [6.5, 8.0]]


@pytest.mark.parametrize(
    ("size", "last"), [((480, 640), (30, 40)), ((60, 60), (60, 60)), ((1, 640), (1, 640)), ((20, 640), (10, 320))]
)
def test_the_pyramid_stops_at_a_thousand_pixels(size, last):
    assert tuple(image_pyramid(torch.zeros(*size, 3))[-1].shape[:2]) == last
