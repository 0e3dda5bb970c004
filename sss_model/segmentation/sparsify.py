"""Functions on the picture made nearly 0 or 1: within the eigenvectors' span, and later free of it.

Constrained sparsification makes a few dozen components of the eigenvectors (Levin, Rav-Acha and Lischinski, "Spectral
matting", PAMI 2008, eq. 12 to 15): among the functions in the span of the eigenvectors E, find K that sum to 1 and are
sparse,

    minimise  sum over i, k of |a_ik|^gamma + |1 - a_ik|^gamma     a_k = E y_k,  sum over k of a_k = 1

by Newton steps on the weighted squares with u = |a|^(gamma - 2) and v = |1 - a|^(gamma - 2). A step is one linear
system in all y; with a multiplier l for the constraint it falls apart into K small ones,

    G_k = E' diag(u_k + v_k) E      b_k = E' v_k      y_k = G_k^-1 (b_k - l)      (sum G_k^-1) l = sum G_k^-1 b_k - e

where E e = 1. That is the same solution, and sums to 1 exactly. Sums over pixels run over a sample of them.

Relaxed sparsification makes layers of the grouped components ("Semantic Soft Segmentation", section 3.5): from given
layers a^, find the layers a that minimise

    sum over i, k of  |a_ik|^p_i + |1 - a_ik|^p_i + |a_ik - a^_ik|^2  +  sum over k of a_k' L a_k
      +  100 sum over i of |1 - sum over k of a_ik|^2

with p_i = 0.9 + min(|gradient of the picture|, 0.1), so that soft borders stay soft where the picture has edges. The
first term is replaced by weighted squares, u a^2 + v (1 - a)^2, whose weights follow the solution. Each step is one
linear system for all layers, solved by conjugate gradients from the last solution. Its preconditioner inverts, pixel by
pixel, the diagonal plus 100 times the matrix of ones by the formula of Sherman and Morrison: 10 iterations in all
instead of 500.

Neither problem is convex, and a rounding error at the start can end as another layer. So sums are taken by one thread,
or in parts that do not depend on how many there are: the layers are the same with any number of threads.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import Indices
from sss_model.filtering.parallel import alone, in_threads
from sss_model.progress import Progress, silent
from sss_model.segmentation.eigenvectors import Laplacian
from sss_model.segmentation.large_arrays import room

GAMMA = 0.8
ITERATIONS = 40
SAMPLES = 5000
_FLOOR = 1e-4  # distances to 0 and 1 below this count as this
_RIDGE = 1e-6
_DROP_EVERY, _DROP_BELOW = 10, 0.1
_TOGETHER = 10  # systems that a thread solves at a time
_COLUMNS = 1024  # products of two columns that a thread sums up at a time

OUTER = 5
_SUM_WEIGHT = 100.0
_LOW, _HIGH = 0.1, 0.9  # below and above is 0 and 1 at the start
_TOLERANCE = 1e-3  # of a step's residual, against its right side
_MOST_ITERATIONS = 30
_SPARSE_POWER, _MOST_GRADIENT = 0.9, 0.1


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
    start: Indices,
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
    columns = B.T.contiguous()
    pairs = room((upper.shape[1], len(B)), B.device)
    for first, part in enumerate(torch.split(pairs, list(range(width, 0, -1)))):
        torch.mul(columns[first:], columns[first], out=part)
    with alone():
        one = B.sum(0)  # the coefficients of the constant: B has orthonormal columns
        y = torch.stack(
            [B[torch.from_numpy(np.flatnonzero(start == k)).to(B.device)].sum(0) for k in range(start.max() + 1)]
        )
    for iteration in range(1, iterations + 1):
        y = newton_step(B, pairs.T, upper, y, one, gamma)
        if iteration % _DROP_EVERY == 0:
            with alone():
                peaks = (B @ y.T).abs().amax(0)
            y = y[peaks > min(_DROP_BELOW, float(peaks.max()) / 2)]
        steps.report(iteration / iterations)
    y = y + (one - y.sum(0)) / len(y)  # what was dropped
    with alone():
        return back @ y.T


def newton_step(B: Tensor, pairs: Tensor, upper: Tensor, y: Tensor, one: Tensor, gamma: float) -> Tensor:
    """The next y (K, C) for the basis B (P, C), with the products `pairs` of its columns numbered in `upper`."""
    width, threads = y.shape[1], None if B.device.type == "cpu" else 1
    with alone():
        a = B @ y.T
        u, v = _powers(a.abs(), gamma - 2), _powers((1 - a).abs_(), gamma - 2)
        weights, b = (u + v).T, (v.T @ B).double()
    columns = torch.split(pairs, _COLUMNS, dim=1)
    products = torch.cat(list(in_threads(lambda part: weights @ part, columns, threads=threads)), dim=1)

    def inverse(part: slice) -> Tensor:
        G = torch.zeros((len(products[part]), width, width), dtype=torch.float64, device=B.device)
        G[:, upper[1], upper[0]] = products[part].double()  # the lower half is all that Cholesky reads
        G.diagonal(dim1=1, dim2=2).add_(_RIDGE)
        return torch.cholesky_inverse(torch.linalg.cholesky(G))

    parts = [slice(first, first + _TOGETHER) for first in range(0, len(y), _TOGETHER)]
    inverses = torch.cat(list(in_threads(inverse, parts, threads=threads)))
    with alone():  # many small matrices: two threads on a busy machine took ten times as long
        free = torch.einsum("kij,kj->ki", inverses, b)
        multiplier = torch.linalg.solve(inverses.sum(0), free.sum(0) - one.double())
        moved: Tensor = free - inverses @ multiplier
    return moved.float()


@alone()
def whitened(E: Tensor) -> tuple[Tensor, Tensor]:
    """B with orthonormal columns and the span of E (P, C), and `back` (C, R) with B = E back.

    Directions that the sampled pixels hardly see are left out.
    """
    values, vectors = torch.linalg.eigh((E.T @ E).double())
    seen = values > 1e-6 * values[-1]
    back = (vectors[:, seen] / values[seen].sqrt()).float()
    return E @ back, back


def relaxed_sparsification(
    laplacian: Laplacian, image: Tensor, layers: Tensor, *, outer: int = OUTER, progress: Progress | None = None
) -> Tensor:
    """(N, h, w) float32: the layers made sparse, clipped to [0, 1], of sum 1.

    Parameters
    ----------
    laplacian : of `image`
    image : (h, w, 3) float32 RGB in [0, 1]
    layers : (N, h, w) float32, about 0 to 1
    outer : how often the weights are renewed
    progress : told after every step
    """
    steps = silent(progress)
    wanted = _snapped(layers)
    power = (_SPARSE_POWER - 2 + gradient(image).clamp_(max=_MOST_GRADIENT))[None]
    a, La = wanted, laplacian.apply(wanted)
    base = laplacian.diagonal + 1
    for step in range(outer + 1):
        if step < outer:
            u, v = _powers(a.abs(), power), _powers((1 - a).abs_(), power)
        else:  # one last solution without sparsity, from what it led to
            u = v = torch.zeros_like(a)
            wanted = _snapped(a)
        system = System(laplacian, u + v + 1, u + v + base)
        a, La = conjugate_gradients(system, wanted + v + _SUM_WEIGHT, a, La)
        steps.report((step + 1) / (outer + 1))
    return normalised(a)


class System:
    """The matrix of one step: L + diag(weights) for each layer, and 100 times the sum of all layers at each pixel."""

    def __init__(self, laplacian: Laplacian, weights: Tensor, diagonal: Tensor) -> None:
        self.laplacian = laplacian
        self._weights = weights
        self._inverse = 1 / diagonal
        self._shared = _SUM_WEIGHT / (1 + _SUM_WEIGHT * self._inverse.sum(0))

    def apply(self, x: Tensor, Lx: Tensor) -> Tensor:
        """The matrix times `x` (N, h, w), from the Laplacian times it."""
        return torch.addcmul(Lx, self._weights, x).add_(x.sum(0), alpha=_SUM_WEIGHT)

    def precondition(self, r: Tensor) -> Tensor:
        """About the inverse times `r` (N, h, w)."""
        scaled = r * self._inverse
        return scaled.addcmul_(self._inverse, (self._shared * scaled.sum(0))[None], value=-1)


def conjugate_gradients(
    system: System, right: Tensor, x: Tensor, Lx: Tensor, *, tolerance: float = _TOLERANCE
) -> tuple[Tensor, Tensor]:
    """The solution of `system` x = `right` from the guess `x`, and the Laplacian times it from that of the guess.

    At least one iteration is made: the guess of a system that follows another often meets the tolerance, and layers
    would stay where they started.

    That product is the costly part of a step. Systems that follow each other share the Laplacian, so the next one
    need not compute it for its guess.
    """
    r = right - system.apply(x, Lx)
    z = system.precondition(r)
    direction = z
    product = _dot(r, z)
    limit = tolerance**2 * _dot(right, system.precondition(right))
    for iteration in range(_MOST_ITERATIONS):
        if product <= (limit if iteration else 0):
            break
        L_direction = system.laplacian.apply(direction)
        moved = system.apply(direction, L_direction)
        rate = product / _dot(direction, moved)
        x, Lx = torch.addcmul(x, direction, rate), torch.addcmul(Lx, L_direction, rate)
        r.addcmul_(moved, rate, value=-1)
        z = system.precondition(r)
        following = _dot(r, z)
        direction = torch.addcmul(z, direction, following / product)
        product = following
    return x, Lx


@alone()
def _dot(first: Tensor, second: Tensor) -> Tensor:
    return torch.dot(first.view(-1), second.view(-1))


def gradient(image: Tensor) -> Tensor:
    """(h, w): the length of the gradient of the grey picture, by central differences; the border repeats."""
    grey = image @ torch.tensor([0.2989, 0.587, 0.114], device=image.device)
    padded = torch.nn.functional.pad(grey[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    along = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return (along.square_() + down.square_()).sqrt_()


def normalised(layers: Tensor) -> Tensor:
    """Clipped to [0, 1] and divided by their sum; a pixel without any layer is shared among all."""
    clipped = layers.clamp(0, 1)
    total = clipped.sum(0)
    return torch.where(total > 0, clipped / total.clamp(min=1e-12), 1 / len(layers))


def _powers(distances: Tensor, power: Tensor | float) -> Tensor:
    """`distances`, at least the floor, to `power`, in their place.

    Torch's own `pow` takes three times as long, and rounds the last few numbers of a thread's part otherwise, as `exp2`
    does.
    """
    return distances.clamp_(min=_FLOOR).log_().mul_(power).exp_()


def _snapped(layers: Tensor) -> Tensor:
    """Below 0.1 is 0, above 0.9 is 1; then normalised."""
    snapped = torch.where(layers < _LOW, 0.0, torch.where(layers > _HIGH, 1.0, layers))
    return normalised(snapped)
