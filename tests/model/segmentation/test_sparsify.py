"""Sparsification against the linear systems as they are written, assembled whole."""

from __future__ import annotations

import exact_segments as exact
import numpy as np
import pytest
import torch
from made_scenes import disc_scene

from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.eigenvectors import Laplacian
from sss_model.segmentation.sparsify import (
    System,
    conjugate_gradients,
    constrained_sparsification,
    gradient,
    newton_step,
    normalised,
    relaxed_sparsification,
    sample_pixels,
    whitened,
)
from sss_model.segmentation.superpixels import node_laplacian


@pytest.fixture
def basis():
    """(200, 6) orthonormal columns whose span holds the constant, and 4 labels."""
    rng = np.random.default_rng(0)
    columns = np.column_stack([np.ones(200), rng.standard_normal((200, 5))])
    return np.linalg.qr(columns)[0], rng.integers(0, 4, 200)


def test_block_elimination_solves_the_assembled_system(basis):
    E, labels = basis
    B = torch.from_numpy(E).float()
    upper = torch.triu_indices(6, 6)
    y = np.stack([E[labels == k].sum(0) for k in range(4)])
    step = newton_step(B, B[:, upper[0]] * B[:, upper[1]], upper, torch.from_numpy(y).float(), B.sum(0), 0.8)
    assert np.allclose(step.numpy(), exact.assembled_step(E, y, 0.8), atol=2e-3)
    assert np.allclose(step.sum(0).numpy(), E.sum(0), atol=1e-3)


def test_components_sum_to_one_and_become_sparse():
    rng = np.random.default_rng(1)
    steps = np.repeat(np.eye(3), 100, axis=0) @ rng.standard_normal((3, 3))
    E = torch.from_numpy(np.column_stack([np.ones(300), steps])).float()
    noisy = np.repeat(np.arange(3), 100)
    noisy[rng.random(300) < 0.2] = 0
    a = E @ constrained_sparsification(E, noisy)
    assert torch.allclose(a.sum(1), torch.ones(300), atol=1e-3)
    assert torch.minimum(a.abs(), (1 - a).abs()).max() < 0.02
    assert {int(a[piece].argmax()) for piece in (0, 100, 200)} == {0, 1, 2}


def test_whitening_leaves_out_what_is_not_seen():
    E = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    B, back = whitened(torch.cat([E, E[:, :1]], dim=1))
    assert B.shape == (50, 3)
    assert torch.allclose(B.T @ B, torch.eye(3), atol=1e-4)
    assert torch.allclose(torch.cat([E, E[:, :1]], dim=1) @ back, B, atol=1e-5)


@pytest.mark.parametrize(("size", "count"), [((40, 60), 100), ((1, 500), 50), ((7, 3), 1000)])
def test_sampled_pixels_are_spread_over_the_picture(size, count):
    sample = sample_pixels(size, count, 0)
    assert len(np.unique(sample)) == len(sample)
    assert 0.7 * min(count, size[0] * size[1]) <= len(sample) <= min(1.3 * count, size[0] * size[1])
    assert 0 <= sample.min() <= sample.max() < size[0] * size[1]
    assert np.array_equal(sample, sample_pixels(size, count, 0))


def relaxed_problem():
    image, features, masks = disc_scene(20, 26)
    L = Laplacian(matting_laplacian(torch.from_numpy(image)), node_laplacian(image, features))
    layers = np.stack(masks).astype(np.float32) * 0.7 + 0.1
    return image, L, torch.from_numpy(layers)


def test_conjugate_gradients_solve_the_assembled_system():
    _, L, layers = relaxed_problem()
    sparsity = torch.rand(3, 20, 26, generator=torch.Generator().manual_seed(0)) * 50
    right = torch.rand(3, 20, 26, generator=torch.Generator().manual_seed(1)) + 100
    matrix = exact.relaxed_system(sparse(L), sparsity.reshape(3, -1).T.double().numpy())
    system = System(L, sparsity + 1, sparsity + 1 + L.diagonal)
    found, L_found = conjugate_gradients(system, right, layers, L.apply(layers), tolerance=1e-6)
    wanted = np.linalg.solve(matrix.toarray(), right.ravel().double().numpy())
    assert np.allclose(found.ravel().numpy(), wanted, atol=1e-4)
    assert torch.allclose(L_found, L.apply(found), atol=1e-3)


def test_a_guess_that_meets_the_tolerance_is_still_improved():
    _, L, layers = relaxed_problem()
    system = System(L, torch.full_like(layers, 3.0), 3 + L.diagonal)
    right = layers + 100
    best, _ = conjugate_gradients(system, right, layers, L.apply(layers), tolerance=1e-6)
    guess = best + 1e-3 * torch.rand(best.shape, generator=torch.Generator().manual_seed(0))
    found, _ = conjugate_gradients(system, right, guess, L.apply(guess), tolerance=0.1)

    def energy(x):
        return float((x * system.apply(x, L.apply(x))).sum())

    assert energy(found - best) < 0.5 * energy(guess - best)


def test_a_solved_system_stays_solved():
    _, L, layers = relaxed_problem()
    nothing = torch.zeros_like(layers)
    system = System(L, torch.ones_like(layers), 1 + L.diagonal)
    assert torch.equal(conjugate_gradients(system, nothing, nothing, nothing)[0], nothing)


def sparse(L):
    import scipy.sparse as sp

    return sp.csr_matrix((L @ torch.eye(L.diagonal.numel())).double().numpy())


def test_relaxed_layers_are_those_of_the_plain_way():
    image, L, layers = relaxed_problem()
    ours = relaxed_sparsification(L, torch.from_numpy(image), layers)
    flat = layers.reshape(3, -1).T.double().numpy()
    theirs = np.clip(exact.relaxed_sparsification(sparse(L), image.astype(np.float64), flat), 0, 1)
    theirs = (theirs / theirs.sum(1, keepdims=True)).T.reshape(3, 20, 26)
    assert np.abs(ours.numpy() - theirs).mean() < 0.005


def test_a_pixel_without_layers_is_shared():
    layers = torch.tensor([[[-0.2, 0.5]], [[0.0, 1.5]]])
    assert torch.allclose(normalised(layers), torch.tensor([[[0.5, 1 / 3]], [[0.5, 2 / 3]]]))


def test_the_gradient_is_by_central_differences():
    ramp = torch.arange(5.0)[None, :, None].expand(4, 5, 3) * 0.01
    assert torch.allclose(gradient(ramp)[:, 1:-1], torch.full((4, 3), 0.01 * 0.9999), atol=1e-6)
