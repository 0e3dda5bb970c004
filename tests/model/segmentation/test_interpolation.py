"""The product of all prolongations by cells against the product of the matrices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from made_scenes import photograph

from sss_model.progress import Progress
from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.interpolation import interpolation
from sss_model.segmentation.prolongation import image_pyramid, prolongation
from sss_model.segmentation.sparse_product import product_by_rows


@pytest.fixture(params=[(64, 65), (131, 150), (13, 333), (250, 199)], ids=str)
def both(request):
    """The picture, Q by cells, and Q by products of sparse matrices; from one to three prolongations."""
    picture = torch.from_numpy(photograph(*request.param))
    levels = image_pyramid(picture)
    literal = None
    for fine, coarse in pairwise(levels):
        P = prolongation(fine, coarse)
        literal = P if literal is None else literal @ P
    return picture, interpolation(levels, Progress()), literal


def test_its_product_is_that_of_all_prolongations(both):
    _, Q, literal = both
    X = np.random.default_rng(0).standard_normal((literal.shape[1], 5)).astype(np.float32)
    assert np.allclose(Q.multiply(torch.from_numpy(X), Progress()).numpy(), literal @ X, atol=1e-3)


def test_its_rows_are_those_of_the_product(both):
    _, Q, literal = both
    pixels = np.random.default_rng(0).integers(0, literal.shape[0], 40)
    assert abs(Q.rows(pixels) - literal[pixels]).max() < 1e-4


def test_what_stands_between_it_is_summed_over_all_pixels(both):
    picture, Q, literal = both
    L = matting_laplacian(picture).csr()
    A, M = Q.from_left(torch.from_numpy(L @ Q.table.numpy()), Progress())
    literal = literal.astype(np.float64)
    for ours, theirs in ((A, literal.T @ (L @ literal)), (M, literal.T @ literal)):
        assert np.abs(ours - theirs).max() < 1e-5 * np.abs(theirs).max()


def test_rows_shared_among_threads_make_the_whole_product():
    from scipy.sparse import random

    matrix = random(20_000, 300, 0.01, "csr", np.float32, rng=np.random.default_rng(0))
    X = torch.rand(300, 4, generator=torch.Generator().manual_seed(0))
    assert np.array_equal(product_by_rows(matrix, X, Progress()).numpy(), matrix @ X.numpy())
