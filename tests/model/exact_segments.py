"""Semantic soft segmentation the slow, literal way: what `sss_model.segmentation` is held against.

Every step as the paper and its program state it: all pixels, assembled matrices, the exact smallest eigenvectors by
shift-invert. Minutes at 640x480. The tests call it on small pictures, the benchmark and the evaluation on larger ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla
from numpy.typing import NDArray
from scipy.special import erf

from sss_model.segmentation.clustering import kmeans, split_clusters
from sss_model.segmentation.superpixels import superpixels

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Eigenproblem:
    """The Laplacian of a picture (P, P), its smallest eigenvalues (C,) and their vectors (P, C)."""

    laplacian: sp.csr_matrix
    values: Doubles
    vectors: Doubles


def exact_segments(image: Doubles, features: Doubles, *, layers: int = 5, seed: int = 0) -> Doubles:
    """(h, w, N): the paper's layers for `image` (h, w, 3) and `features` (h, w, 3) in [0, 1]."""
    problem = eigenproblem(image, features)
    components = sparse_components(problem, features, seed)
    means = (components.T @ features.reshape(len(components), -1)) / components.sum(0)[:, None]
    groups = kmeans(means, layers, np.random.default_rng(seed))[1]
    return relax_groups(problem.laplacian, image, components, groups)


def eigenproblem(image: Doubles, features: Doubles, count: int = 100) -> Eigenproblem:
    """The Laplacian of `image` and `features`, solved for its `count` smallest eigenvectors."""
    image, features = image.astype(np.float64), features.astype(np.float64)
    L = matting_laplacian(image) + superpixel_laplacian(image, features)
    return Eigenproblem(L, *smallest_eigenvectors(L, count))


def sparse_components(problem: Eigenproblem, features: Doubles, seed: int = 0) -> Doubles:
    """(P, K): components that start at 40 clusters of all pixels' `features` (h, w, 3)."""
    start = split_clusters(features.reshape(len(problem.vectors), -1), 40, np.random.default_rng(seed))
    return constrained_sparsification(problem.vectors, start)


def relax_groups(L: sp.csr_matrix, image: Doubles, components: Doubles, groups: NDArray[np.intp]) -> Doubles:
    """(h, w, N): the layers of `components` (h w, K) with the labels `groups`, relaxed and clipped to sum 1."""
    h, w = image.shape[:2]
    grouped = np.stack([components[:, groups == k].sum(1) for k in range(groups.max() + 1)], axis=1)
    relaxed = np.clip(relaxed_sparsification(L, image, grouped), 0, 1)
    alphas: Doubles = (relaxed / relaxed.sum(1, keepdims=True)).reshape(h, w, -1)
    return alphas


def matting_laplacian(image: Doubles, eps: float = 1e-7) -> sp.csr_matrix:
    """Levin's closed form, window by window."""
    h, w, _ = image.shape
    indices = np.arange(h * w).reshape(h, w)
    windows = np.lib.stride_tricks.sliding_window_view(indices, (3, 3)).reshape(-1, 9)
    colours = image.reshape(-1, 3)[windows]
    d = colours - colours.mean(1, keepdims=True)
    S = np.einsum("wki,wkj->wij", d, d) / 9
    W = (1 + d @ np.linalg.solve(S + eps / 9 * np.eye(3), d.transpose(0, 2, 1))) / 9
    rows, columns = np.repeat(windows, 9, axis=1), np.tile(windows, 9)
    return laplacian_of(sp.csr_matrix((W.ravel(), (rows.ravel(), columns.ravel())), shape=(h * w, h * w)))


def superpixel_laplacian(image: Doubles, features: Doubles) -> sp.csr_matrix:
    """0.01 times the Laplacians of the semantic and the colour affinity, pair by pair."""
    h, w, _ = image.shape
    labels = superpixels(image.astype(np.float32))
    count = labels.max() + 1
    members = [np.nonzero(labels == k) for k in range(count)]
    centroid = np.array([(y.mean(), x.mean()) for y, x in members])
    f, c = (np.array([values[place].mean(0) for place in members]) for values in (features, image))
    adjacent = {tuple(sorted(pair)) for pair in zip(labels[:, 1:].flat, labels[:, :-1].flat, strict=True)}
    adjacent |= {tuple(sorted(pair)) for pair in zip(labels[1:].flat, labels[:-1].flat, strict=True)}
    W = np.zeros((count, count))
    for i in range(count):
        near = np.linalg.norm((centroid - centroid[i]) / (h, w), axis=1) <= 0.2
        W[i, near] = (erf(50 * ((1 - np.linalg.norm(c[near] - c[i], axis=1)) - 0.95)) + 1) / 2
    for i, j in adjacent:
        if i != j:
            W[i, j] = W[j, i] = W[i, j] + erf(20 * ((1 - np.linalg.norm(f[i] - f[j])) - 0.85))
    nodes = np.floor(centroid + 0.5).astype(int) @ (w, 1)
    U = sp.csr_matrix((np.ones(count), (nodes, np.arange(count))), shape=(h * w, count))
    return (0.01 * (U @ laplacian_of(sp.csr_matrix(W)) @ U.T)).tocsr()


def laplacian_of(W: sp.csr_matrix) -> sp.csr_matrix:
    """D - W."""
    return (sp.diags(np.asarray(W.sum(1)).ravel()) - W).tocsr()


def smallest_eigenvectors(L: sp.csr_matrix, count: int) -> tuple[Doubles, Doubles]:
    """Ascending eigenvalues and their vectors in columns, to rounding; by shift-invert below the smallest."""
    if L.shape[0] <= 4 * count:
        values, vectors = np.linalg.eigh(L.toarray())
        return values[:count], vectors[:, :count]
    start = np.random.default_rng(0).standard_normal(L.shape[0])
    values, vectors = sla.eigsh(L.tocsc(), count, sigma=-1e-2, which="LM", v0=start)
    order = np.argsort(values)
    return values[order], vectors[:, order]


def constrained_sparsification(
    E: Doubles, start: NDArray[np.intp], iterations: int = 40, gamma: float = 0.8
) -> Doubles:
    """(P, K): sparse components in the span of `E` (P, C), orthonormal, from all its rows; see `assembled_step`."""
    y = np.stack([E[start == k].sum(0) for k in range(start.max() + 1)])
    for iteration in range(1, iterations + 1):
        y = assembled_step(E, y, gamma)
        if iteration % 10 == 0:
            y = y[np.abs(E @ y.T).max(0) > 0.1]
    y = y + (E.sum(0) - y.sum(0)) / len(y)
    components: Doubles = E @ y.T
    return components


def assembled_step(E: Doubles, y: Doubles, gamma: float, floor: float = 1e-4, ridge: float = 1e-6) -> Doubles:
    """The next coefficients (K, C) by one linear system: K - 1 components are unknown, the last makes the sum 1."""
    K, C = y.shape
    one = E.sum(0)
    a = E @ y.T
    u, v = np.maximum(np.abs(a), floor) ** (gamma - 2), np.maximum(np.abs(1 - a), floor) ** (gamma - 2)
    G = np.stack([(E * weight[:, None]).T @ E for weight in (u + v).T]) + ridge * np.eye(C)
    b = v.T @ E
    A = np.kron(np.ones((K - 1, K - 1)), G[-1])
    right = np.tile(G[-1] @ one - b[-1], K - 1)
    for k in range(K - 1):
        A[k * C : (k + 1) * C, k * C : (k + 1) * C] += G[k]
        right[k * C : (k + 1) * C] += b[k]
    free = np.linalg.solve(A, right).reshape(K - 1, C)
    return np.vstack([free, one - free.sum(0)])


def relaxed_sparsification(L: sp.csr_matrix, image: Doubles, layers: Doubles, outer: int = 20) -> Doubles:
    """(P, N) for `layers` (P, N): 20 linear systems by plain conjugate gradients, one without sparsity."""
    count = layers.shape[1]
    grey = image @ (0.2989, 0.587, 0.114)
    padded = np.pad(grey, 1, mode="edge")
    length = np.hypot(padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    power = (0.9 + np.minimum(length, 0.1)).reshape(-1, 1) - 2
    wanted = snapped(layers)
    a = wanted
    for step in range(outer + 1):
        u, v = np.maximum(np.abs(a), 1e-4) ** power, np.maximum(np.abs(1 - a), 1e-4) ** power
        if step == outer:
            u, v, wanted = np.zeros_like(a), np.zeros_like(a), snapped(a)
        A = relaxed_system(L, u + v)
        a = sla.cg(A, (wanted + v + 100).T.ravel(), x0=a.T.ravel(), rtol=1e-6, maxiter=2000)[0].reshape(count, -1).T
    return a


def relaxed_system(L: sp.csr_matrix, sparsity: Doubles) -> sp.csr_matrix:
    """The matrix of one step for all layers, one after the other."""
    count, pixels = sparsity.shape[1], L.shape[0]
    layers = [L + sp.diags(sparsity[:, k] + 1) for k in range(count)]
    return (sp.block_diag(layers) + sp.kron(np.full((count, count), 100.0), sp.eye(pixels))).tocsr()


def snapped(layers: Doubles) -> Doubles:
    """Below 0.1 is 0, above 0.9 is 1; then divided by the sum."""
    rounded = np.where(layers < 0.1, 0.0, np.where(layers > 0.9, 1.0, layers))
    total = rounded.sum(1, keepdims=True)
    return np.where(total > 0, rounded / np.maximum(total, 1e-12), 1 / layers.shape[1])
