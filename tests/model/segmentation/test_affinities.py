"""The matting Laplacian against its definition and pymatting; the superpixels' against pairs one by one."""

from __future__ import annotations

import exact_segments as exact
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from made_scenes import photograph

from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.superpixels import adjacency, node_laplacian, superpixels


def test_the_laplacian_is_the_sum_over_windows():
    image = photograph(13, 17)
    difference = matting_laplacian(torch.from_numpy(image)).csr() - exact.matting_laplacian(image.astype(np.float64))
    assert abs(difference).max() < 2e-6


@pytest.mark.slow  # pymatting is compiled for a minute
def test_the_laplacian_is_pymatting_s():
    pymatting = pytest.importorskip("pymatting")
    image = photograph(20, 15)
    theirs = pymatting.cf_laplacian(image.astype(np.float64), epsilon=1e-7)
    assert abs(matting_laplacian(torch.from_numpy(image)).csr() - theirs).max() < 1e-5


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 2), (2, 7), (3, 3), (6, 4)])
def test_rows_sum_to_zero_and_no_energy_is_negative(size):
    dense = matting_laplacian(torch.from_numpy(photograph(*size))).csr().toarray()
    assert np.allclose(dense, dense.T, atol=1e-6)
    assert np.allclose(dense.sum(1), 0, atol=1e-6)
    assert np.linalg.eigvalsh(dense).min() > -1e-6


def test_layers_linear_in_colour_cost_next_to_nothing():
    image = torch.from_numpy(photograph(30, 40))
    linear = (image @ torch.tensor([0.3, -0.5, 0.8]))[None]
    noise = torch.rand(1, 30, 40, generator=torch.Generator().manual_seed(0))
    L = matting_laplacian(image)
    assert (linear * L.apply(linear)).sum() < 1e-5 * (noise * L.apply(noise)).sum()


@pytest.mark.parametrize("size", [(1, 9), (2, 7), (11, 6)])
def test_planes_and_matrix_agree(size):
    L = matting_laplacian(torch.from_numpy(photograph(*size)))
    planes = torch.rand(3, *size, generator=torch.Generator().manual_seed(1))
    product = (L.csr() @ planes.reshape(3, -1).T.numpy()).T
    assert np.allclose(L.apply(planes).reshape(3, -1), product, atol=1e-5)


def test_superpixel_affinities_pair_by_pair():
    image = photograph(40, 50)
    features = photograph(40, 50, seed=5)
    ours = node_laplacian(image, features)
    count = len(ours.nodes)
    U = sp.csr_matrix((np.ones(count), (ours.nodes.numpy(), np.arange(count))), shape=(2000, count))
    wanted = exact.superpixel_laplacian(image.astype(np.float64), features.astype(np.float64))
    assert abs(U @ sp.csr_matrix(ours.matrix.numpy()) @ U.T - wanted).max() < 1e-7


def test_unlike_neighbours_push_each_other_apart():
    image = np.full((30, 30, 3), 0.5, np.float32)
    features = np.zeros((30, 30, 1), np.float32)
    features[:, 15:] = 1
    nodes = node_laplacian(image, features)
    side = features[..., 0].ravel()[nodes.nodes]
    across = (side[:, None] != side) & adjacency(superpixels(image))
    assert across.any()
    # semantic -0.01 and colour 0.01 for adjacent superpixels of one colour but unlike features
    assert np.allclose(nodes.matrix.numpy()[across], 0, atol=1e-4)
    assert torch.linalg.eigvalsh(nodes.matrix).min() > -1e-6
    apart = node_laplacian(np.repeat(features, 3, axis=2), features)
    assert torch.linalg.eigvalsh(apart.matrix).min() < -1e-3
