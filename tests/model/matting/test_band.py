"""Solved edges against a dense solve of the same system, and the band that they are solved in."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sss_model.matting.band import EPS, solved_band
from sss_model.matting.edges import band_about
from sss_model.segmentation.affinities import matting_laplacian


@pytest.mark.parametrize("told", [False, True])
@pytest.mark.parametrize("size", [(20, 24), (1, 30), (150, 12)])
def test_the_band_solves_the_laplacian_system(size: tuple[int, int], told: bool) -> None:
    rng = np.random.default_rng(0)
    image = rng.random((*size, 3), dtype=np.float32) * 0.5
    alpha = np.zeros(size, np.float32)
    alpha[:, size[1] // 2 :] = 1
    image += alpha[..., None] * 0.4
    unknown = np.zeros(size, bool)
    unknown[:, size[1] // 2 - 3 : size[1] // 2 + 3] = True
    L = matting_laplacian(torch.from_numpy(image), eps=EPS).csr().toarray().astype(np.float64)
    u, k = np.flatnonzero(unknown), np.flatnonzero(~unknown)
    expected = alpha.ravel().astype(np.float64)
    odds = rng.normal(0, 3, size).astype(np.float32) if told else np.zeros(size, np.float32)
    p = 1 / (1 + np.exp(-odds.ravel()[u].astype(np.float64)))
    pull = 0.05 * np.abs(2 * p - 1)
    known = -L[np.ix_(u, k)] @ expected[k]
    expected[u] = np.linalg.solve(L[np.ix_(u, u)] + np.diag(pull + 1e-9), known + pull * (p > 0.5))
    found = solved_band(image, alpha, unknown, odds=odds if told else None)
    np.testing.assert_allclose(found.ravel(), expected.clip(0, 1), atol=0.02)
    np.testing.assert_array_equal(found[~unknown], alpha[~unknown])


def test_nothing_to_solve_leaves_everything() -> None:
    image = np.zeros((8, 9, 3), np.float32)
    alpha = np.full((8, 9), 0.3, np.float32)
    for unknown in (np.zeros((8, 9), bool), np.ones((8, 9), bool)):
        np.testing.assert_array_equal(solved_band(image, alpha, unknown), alpha)


def test_the_band_is_about_the_border_and_spares_the_core_of_thin_parts() -> None:
    inside = np.zeros((60, 80), bool)
    inside[20:40, 10:40] = True
    inside[29:32, 40:70] = True  # a thin arm
    inside[25:30, 15:20] = False  # a small hole
    band = band_about(inside, 6)
    assert band[20, 20]
    assert band[17, 20]
    assert not band[5, 5]
    assert not band[30, 55]  # the arm's middle
    assert not band[27, 17]  # the hole's
    assert band[29, 55]
    assert not band_about(np.ones((5, 5), bool), 6).any()
    assert not band_about(np.zeros((5, 5), bool), 6).any()
