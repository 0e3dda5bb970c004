"""From eigenvectors to a few dozen components that are nearly 0 or 1: constrained sparsification.

Levin, Rav-Acha and Lischinski, "Spectral matting" (PAMI 2008), eq. 12 to 15: among the functions in the span of the
eigenvectors E, find K that sum to 1 and are sparse,

    minimise  sum over i, k of |a_ik|^gamma + |1 - a_ik|^gamma     a_k = E y_k,  sum over k of a_k = 1

by Newton steps on the weighted squares with u = |a|^(gamma - 2) and v = |1 - a|^(gamma - 2). A step is one linear
system in all y; with a multiplier l for the constraint it falls apart into K small ones,

    G_k = E' diag(u_k + v_k) E      b_k = E' v_k      y_k = G_k^-1 (b_k - l)      (sum G_k^-1) l = sum G_k^-1 b_k - e

where E e = 1. That is the same solution, and sums to 1 exactly. Sums over pixels run over a sample of them.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.progress import Progress, silent

Labels = NDArray[np.intp]

GAMMA = 0.8
ITERATIONS = 40
SAMPLES = 5000
_FLOOR = 1e-4  # distances to 0 and 1 below this count as this
_RIDGE = 1e-6
_DROP_EVERY, _DROP_BELOW = 10, 0.1


def sample_pixels(size: tuple[int, int], count: int, seed: int) -> NDArray[np.int64]:
    """Indices y w + x of about `count` pixels, one at a random place in each cell of a grid; at most all."""
    h, w = size
    if count >= h * w:
        return np.arange(h * w, dtype=np.int64)
    rows = min(h, max(1, round((count * h / w) ** 0.5)))
    columns = min(w, max(1, round(count / rows)))
    jitter = np.random.default_rng(seed).random((2, rows, columns))
    y = ((np.arange(rows)[:, None] + jitter[0]) * (h / rows)).astype(np.int64)
    x = ((np.arange(columns) + jitter[1]) * (w / columns)).astype(np.int64)
    return np.unique(np.minimum(y, h - 1) * w + np.minimum(x, w - 1))


def constrained_sparsification(
    E: Tensor,
    start: Labels,
    *,
    iterations: int = ITERATIONS,
    gamma: float = GAMMA,
    progress: Progress | None = None,
) -> Tensor:
    """y (C, K): the coefficients of K sparse components that sum to 1 on the sampled pixels.

    Parameters
    ----------
    E : (P, C) float32, the eigenvectors at the sampled pixels; constants lie in their span
    start : (P,) labels 0, 1, ...: the first components are the projections of these sets of pixels
    iterations : Newton steps; every tenth drops components that are nowhere above 0.1
    gamma : in (0, 1); smaller is sparser
    progress : told after every step
    """
    steps = silent(progress)
    B, back = whitened(E)
    width = B.shape[1]
    upper = torch.triu_indices(width, width, device=B.device)
    pairs = B[:, upper[0]] * B[:, upper[1]]
    one = B.sum(0)  # the coefficients of the constant: B has orthonormal columns
    y = torch.stack(
        [B[torch.from_numpy(np.flatnonzero(start == k)).to(B.device)].sum(0) for k in range(start.max() + 1)]
    )
    for iteration in range(1, iterations + 1):
        y = newton_step(B, pairs, upper, y, one, gamma)
        if iteration % _DROP_EVERY == 0:
            peaks = (B @ y.T).abs().amax(0)
            y = y[peaks > min(_DROP_BELOW, float(peaks.max()) / 2)]
        steps.report(iteration / iterations)
    y = y + (one - y.sum(0)) / len(y)  # what was dropped
    return back @ y.T


def newton_step(B: Tensor, pairs: Tensor, upper: Tensor, y: Tensor, one: Tensor, gamma: float) -> Tensor:
    """The next y (K, C) for the basis B (P, C), with the products `pairs` of its columns numbered in `upper`."""
    a = B @ y.T
    u = a.abs().clamp_(min=_FLOOR).pow_(gamma - 2)
    v = (1 - a).abs_().clamp_(min=_FLOOR).pow_(gamma - 2)
    count, width = y.shape
    G = torch.empty((count, width, width), dtype=torch.float64, device=B.device)
    G[:, upper[0], upper[1]] = G[:, upper[1], upper[0]] = ((u + v).T @ pairs).double()
    G.diagonal(dim1=1, dim2=2).add_(_RIDGE)
    b = (v.T @ B).double()
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(G))
    free = torch.einsum("kij,kj->ki", inverse, b)
    multiplier = torch.linalg.solve(inverse.sum(0), free.sum(0) - one.double())
    moved: Tensor = free - inverse @ multiplier
    return moved.float()


def whitened(E: Tensor) -> tuple[Tensor, Tensor]:
    """B with orthonormal columns and the span of E (P, C), and `back` (C, R) with B = E back.

    Directions that the sampled pixels hardly see are left out.
    """
    values, vectors = torch.linalg.eigh((E.T @ E).double())
    seen = values > 1e-6 * values[-1]
    back = (vectors[:, seen] / values[seen].sqrt()).float()
    return E @ back, back
