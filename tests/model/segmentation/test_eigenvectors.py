"""Eigenvectors against scipy's shift-invert, by the angles between their subspaces."""

from __future__ import annotations

import exact_segments as exact
import numpy as np
import pytest
import torch
from made_scenes import disc_scene, photograph

from sss_model.image_io import read_thumbnail
from sss_model.progress import Progress
from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.eigenvectors import Laplacian, chebyshev_damping, smallest_eigenvectors
from sss_model.segmentation.superpixels import node_laplacian
from sss_model.storage.shipped_files import SAMPLE, resource


def problem(image, features=None):
    picture = torch.from_numpy(image)
    nodes = None if features is None else node_laplacian(image, features)
    return Laplacian(matting_laplacian(picture), nodes), picture


def captured(found, wanted):
    """The share of each of the `wanted` vectors that lies in the span of those `found`."""
    return ((wanted.T @ np.linalg.qr(found)[0]) ** 2).sum(1)


def test_a_small_grid_is_solved_outright():
    image, features, _ = disc_scene(24, 30)
    L, picture = problem(image, features)
    vectors, values = smallest_eigenvectors(L, picture, 20)
    matrix = exact.matting_laplacian(image.astype(np.float64)) + exact.superpixel_laplacian(image, features)
    wanted_values, wanted = exact.smallest_eigenvectors(matrix, 20)
    assert np.allclose(values, wanted_values, atol=2e-6)
    # the last few may have neighbours of nearly the same value
    assert captured(vectors.double().numpy(), wanted[:, :15]).min() > 0.99


@pytest.mark.parametrize("with_nodes", [True, False])
def test_the_coarse_grid_captures_the_subspace(with_nodes):
    image, features, _ = disc_scene(90, 120)
    L, picture = problem(image, features if with_nodes else None)
    vectors, values = smallest_eigenvectors(L, picture, 60)
    matrix = exact.matting_laplacian(image.astype(np.float64))
    if with_nodes:
        matrix = matrix + exact.superpixel_laplacian(image, features)
    wanted_values, wanted = exact.smallest_eigenvectors(matrix, 40)
    shares = captured(vectors.double().numpy(), wanted)
    assert shares[:10].min() > 0.9
    assert shares.mean() > 0.8
    assert (values[:40] >= wanted_values - 1e-5).all()  # Rayleigh and Ritz from above


def test_a_white_sky_keeps_the_smallest() -> None:
    """Where a picture is flat the coarse mass matrix is singular; the constant is the eigenvector of 0 all the same."""
    image = (read_thumbnail(resource(SAMPLE), 192) / 255).astype(np.float32)
    image[:57] = 1
    vectors, values = smallest_eigenvectors(*problem(image), 40)
    assert float(vectors.sum(0).norm()) / len(vectors) ** 0.5 > 0.999
    assert abs(values[0]) < 1e-6


def test_columns_are_orthonormal_and_values_are_theirs():
    L, picture = problem(photograph(70, 90))
    vectors, values = smallest_eigenvectors(L, picture, 30)
    gram = (vectors.T @ vectors).numpy()
    assert np.allclose(gram, np.eye(30), atol=1e-4)
    assert np.allclose((vectors * (L @ vectors)).sum(0).numpy(), values, atol=1e-5)
    assert (np.diff(values) >= 0).all()


def test_planes_and_columns_multiply_alike():
    image, features, _ = disc_scene(20, 30)
    L, _ = problem(image, features)
    planes = torch.rand(4, 20, 30, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(L.apply(planes).reshape(4, -1).T, L @ planes.reshape(4, -1).T.contiguous(), atol=1e-5)
    identity = torch.eye(600)
    assert torch.allclose((L @ identity).diagonal(), L.diagonal.ravel(), atol=1e-6)


def test_damping_keeps_the_smooth_and_shrinks_the_rest():
    image, features, _ = disc_scene(24, 30)
    L, _ = problem(image, features)
    dense = (L @ torch.eye(720)).double().numpy()
    values, vectors = np.linalg.eigh(dense)
    damped = chebyshev_damping(L, torch.from_numpy(vectors).float(), Progress())
    factors = (vectors * damped.double().numpy()).sum(0)
    assert np.allclose(factors[np.abs(values) < 1e-4], 1, atol=1e-2)
    assert np.abs(factors[(values > 0.4) & (values < 9.6)]).max() < 0.5
