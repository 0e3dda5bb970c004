"""The smallest eigenvectors of the Laplacian, by a coarse grid whose interpolation follows colour.

With L = L_m + U S U', the matting Laplacian and that of the superpixels' nodes:

    coarse    A = P' L P and M = P' P for the coarsest grid, P the product of all prolongations; dense
              block Krylov: X <- C^-1 M X with C = A + shift M, positive definite; Rayleigh-Ritz in its span
    fine      prolong, damp what is not smooth by a Chebyshev polynomial of L, Rayleigh-Ritz

The 30 vectors beyond those asked for make the last step worth its time. The smallest eigenvalues are about 1e-4 and
negative ones are kept. A grid with no coarser one is solved by a dense solver.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import torch
from torch import Tensor

from sss_model.array_types import Doubles, Floats
from sss_model.filtering.parallel import SharedProgress, in_threads
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import Stencil
from sss_model.segmentation.prolongation import image_pyramid, prolongation
from sss_model.segmentation.superpixels import NodeLaplacian

_SPARE = 30  # vectors beyond those asked for
# Shift and ridge: the first that make A + shift M + ridge U positive definite. A flat picture's interpolation is a box
# filter, which loses some functions, so that M is singular there and needs the ridge (a share of the mean diagonal).
_SHIFTS = ((1e-3, 0.0), (4e-3, 0.0), (16e-3, 0.0), (64e-3, 0.0), (64e-3, 1e-3), (64e-3, 1e-2), (1.0, 0.1), (1.0, 1.0))
_PIVOT = 1e-4  # least share of a diagonal element that may be left; photographs leave 4e-3, functions that M loses 3e-6
_KRYLOV_COLUMNS, _KRYLOV_STEPS = 64, 5
_DAMPED = (0.4, 9.6)  # eigenvalues that the polynomial damps; L's largest is below the second
_DEGREE = 4
_ROWS, _SPARSE_ROWS = 2**16, 2**13  # of a dense and of a sparse matrix at a time
_COLUMNS = 16  # vectors at a time and thread, so that a step of theirs takes 0.1 s and little memory


class SparseProduct:
    """A sparse matrix that multiplies dense ones on a device.

    On the processor by scipy, whose product with many columns is faster than torch's.
    """

    def __init__(self, matrix: sp.csr_matrix, device: torch.device) -> None:
        self._matrix = matrix
        self._device = device

    @cached_property
    def _on_device(self) -> Tensor:
        m = self._matrix
        starts, indices, values = (torch.from_numpy(part) for part in (m.indptr, m.indices, m.data))
        return torch.sparse_csr_tensor(starts, indices, values, m.shape).to(self._device)

    def __matmul__(self, vectors: Tensor) -> Tensor:
        if self._device.type == "cpu":
            return torch.from_numpy(self._matrix @ vectors.numpy())
        return self._on_device @ vectors


@dataclass(frozen=True)
class Laplacian:
    """L = L_m + U S U' of one picture.

    Attributes
    ----------
    matting : L_m
    nodes : U S U'; None for the matting Laplacian alone
    """

    matting: Stencil
    nodes: NodeLaplacian | None

    @cached_property
    def _product(self) -> SparseProduct:
        return SparseProduct(self.matting.csr, self.matting.weights.device)

    def __matmul__(self, vectors: Tensor) -> Tensor:
        """L times `vectors` (h w, N)."""
        total = self._product @ vectors
        if self.nodes is not None:
            self.nodes.add_to(total, vectors)
        return total

    def apply(self, planes: Tensor) -> Tensor:
        """L times a few `planes` (N, h, w)."""
        total = self.matting.apply(planes)
        if self.nodes is not None:
            flat = planes.reshape(len(planes), -1)[:, self.nodes.nodes]
            total.view(len(planes), -1).index_add_(1, self.nodes.nodes, flat @ self.nodes.matrix)
        return total

    @cached_property
    def diagonal(self) -> Tensor:
        """(h, w)"""
        if self.nodes is None:
            return self.matting.diagonal
        return self.matting.diagonal + self.nodes.diagonal(self.matting.diagonal.numel()).view(self.matting.size)


def smallest_eigenvectors(
    laplacian: Laplacian, image: Tensor, count: int, *, seed: int = 0, progress: Progress | None = None
) -> tuple[Tensor, Doubles]:
    """The `count` smallest eigenvectors of `laplacian`, orthonormal columns (h w, count) float32, and eigenvalues.

    Parameters
    ----------
    laplacian : of `image`
    image : (h, w, 3) float32 RGB in [0, 1]
    count : how many; at most h w
    seed : of the first Krylov block
    progress : may raise `Cancelled`

    Returns
    -------
    vectors, values : ascending; fewer than `count` where the grid has fewer pixels
    """
    steps = silent(progress)
    levels = image_pyramid(image)
    if len(levels) == 1:
        return _dense_eigenvectors(laplacian, count, seed, steps)
    chain = _prolongations(levels, steps.part(0.0, 0.15))
    A, M = _coarse_problem(laplacian, chain, steps.part(0.15, 0.4))
    coarse = _krylov(A, M, min(count + _SPARE, len(A)), seed, steps.part(0.4, 0.5))
    vectors = torch.from_numpy(coarse).to(image.device)
    for P in reversed(chain):
        vectors = SparseProduct(P, image.device) @ vectors
        steps.report(0.5)
    chebyshev_damping(laplacian, vectors, steps.part(0.5, 0.85))
    return rayleigh_ritz(laplacian, vectors, count, steps.part(0.85, 1.0))


def _dense_eigenvectors(laplacian: Laplacian, count: int, seed: int, steps: Progress) -> tuple[Tensor, Doubles]:
    pixels = laplacian.matting.diagonal.numel()
    identity = torch.eye(pixels, device=laplacian.matting.weights.device)
    A = (laplacian @ identity).cpu().numpy()
    one = sp.eye_array(pixels, dtype=np.float32, format="csr")
    vectors = _krylov((A + A.T) / 2, one, min(count + _SPARE, pixels), seed, steps.part(0.0, 0.7))
    return rayleigh_ritz(laplacian, torch.from_numpy(vectors).to(identity.device), count, steps.part(0.7, 1.0))


def _prolongations(levels: list[Tensor], steps: Progress) -> list[sp.csr_matrix]:
    """From each level to the one before, the finest first."""
    chain, start = [], 0.0
    for fine, coarse in pairwise(levels):
        end = start + 0.75 * (1 - start)
        chain.append(prolongation(fine, coarse, progress=steps.part(start, end)))
        start = end
    return chain


def _coarse_problem(laplacian: Laplacian, chain: list[sp.csr_matrix], steps: Progress) -> tuple[Floats, sp.csr_matrix]:
    """A = P' L P, dense, and M = P' P, with P the product of `chain`."""
    A: Any = laplacian.matting.csr
    M: Any = None
    at_nodes: Any = None if laplacian.nodes is None else laplacian.nodes.nodes.cpu().numpy()
    begin = 0.0
    for level, P in enumerate(chain):
        end = 1 - (1 - begin) / 4  # as the next grid has a quarter of the pixels
        part, transposed = steps.part(begin, end), P.T.tocsr()
        A = sparse_product(transposed, sparse_product(A, P, part.part(0.0, 0.4)), part.part(0.4, 0.8))
        MP = P if M is None else sparse_product(M, P, part.part(0.8, 0.9))
        M = sparse_product(transposed, MP, part.part(0.9, 1.0))
        if at_nodes is not None:
            at_nodes = P[at_nodes] if level == 0 else at_nodes @ P
        begin = end
    A = A.toarray()
    if laplacian.nodes is not None:
        transposed = at_nodes.T.tocsr()
        A += transposed @ (transposed @ laplacian.nodes.matrix.cpu().numpy()).T
    return (A + A.T) / 2, M


def sparse_product(A: sp.csr_matrix, B: sp.csr_matrix, steps: Progress) -> sp.csr_matrix:
    """A B by blocks of rows, which threads share."""
    blocks = [slice(top, top + _SPARSE_ROWS) for top in range(0, A.shape[0], _SPARSE_ROWS)]
    return sp.vstack(list(in_threads(lambda rows: A[rows] @ B, blocks, steps)), format="csr")


def _krylov(A: Floats, M: sp.csr_matrix, count: int, seed: int, steps: Progress) -> Floats:
    """The `count` smallest eigenvectors of A x = lambda M x, columns (n, count)."""
    n = len(A)
    if n <= _KRYLOV_COLUMNS * (_KRYLOV_STEPS + 1):
        _, vectors = scipy.linalg.eigh(
            A.astype(np.float64), M.toarray().astype(np.float64), subset_by_index=(0, count - 1)
        )
        return np.ascontiguousarray(vectors, np.float32)
    factor = _shifted_factor(A, M)
    basis = np.empty((n, _KRYLOV_COLUMNS * (_KRYLOV_STEPS + 1)), np.float32)
    block = np.random.default_rng(seed).standard_normal((n, _KRYLOV_COLUMNS)).astype(np.float32)
    for step in range(_KRYLOV_STEPS + 1):
        block = scipy.linalg.cho_solve(factor, M @ block, check_finite=False)
        filled = basis[:, : step * _KRYLOV_COLUMNS]
        for _ in range(2):  # once leaves rounding errors along the large directions
            block -= filled @ (filled.T @ (M @ block))
            block = _orthonormal(block, M)
        basis[:, step * _KRYLOV_COLUMNS : (step + 1) * _KRYLOV_COLUMNS] = block
        steps.report((step + 1) / (_KRYLOV_STEPS + 1))
    small = (basis.T @ (A @ basis)).astype(np.float64)
    gram = (basis.T @ (M @ basis)).astype(np.float64)
    _, y = scipy.linalg.eigh((small + small.T) / 2, (gram + gram.T) / 2, subset_by_index=(0, count - 1))
    return np.ascontiguousarray(basis @ y.astype(np.float32))


def _shifted_factor(A: Floats, M: sp.csr_matrix) -> tuple[Floats, bool]:
    """The Cholesky factor of A + shift M + ridge U for the first of `_SHIFTS` that has one."""
    scale = float(np.mean(A.diagonal() + M.diagonal()))
    for shift, ridge in _SHIFTS:
        shifted = A + (np.float32(shift) * M).toarray()
        shifted.flat[:: len(A) + 1] += np.float32(ridge * scale)
        with suppress(np.linalg.LinAlgError):
            factor: tuple[Floats, bool] = scipy.linalg.cho_factor(shifted, check_finite=False)
            if (factor[0].diagonal() ** 2 >= _PIVOT * shifted.diagonal()).all():
                return factor
    raise np.linalg.LinAlgError("The coarse Laplacian has no Cholesky factor with any shift.")


def _orthonormal(block: Floats, M: sp.csr_matrix) -> Floats:
    """The same span with columns orthonormal under M."""
    gram = (block.T @ (M @ block)).astype(np.float64)
    scale = 1 / np.sqrt(np.maximum(gram.diagonal(), 1e-300))
    values, vectors = np.linalg.eigh(scale[:, None] * gram * scale)
    turned = scale[:, None] * vectors / np.sqrt(np.maximum(values, 1e-7))
    orthonormal: Floats = block @ turned.astype(np.float32)
    return orthonormal


def chebyshev_damping(laplacian: Laplacian, vectors: Tensor, steps: Progress, *, degree: int = _DEGREE) -> None:
    """X <- p(L) X in place, p the polynomial that is 1 at 0 and smallest over the eigenvalues of `_DAMPED`."""
    low, high = _DAMPED
    middle, half = (low + high) / 2, (high - low) / 2
    blocks = _column_blocks(vectors)
    shared = SharedProgress(steps, len(blocks) * degree)

    def work(columns: slice) -> None:
        before = vectors[:, columns].contiguous()
        rate = -half / middle
        now = (laplacian @ before).mul_(-1 / middle).add_(before)
        shared.tick()
        previous_rate = rate
        for _ in range(degree - 1):
            rate = 1 / (-2 * middle / half - previous_rate)
            following = (laplacian @ now).sub_(now, alpha=middle).mul_(2 * rate / half)
            following.sub_(before, alpha=rate * previous_rate)
            before, now, previous_rate = now, following, rate
            shared.tick()
        vectors[:, columns] = now

    for _ in in_threads(work, blocks, shared, threads=_threads(vectors)):
        pass


def rayleigh_ritz(laplacian: Laplacian, vectors: Tensor, count: int, steps: Progress) -> tuple[Tensor, Doubles]:
    """The `count` best approximations to the smallest eigenvectors in the span of `vectors`, and their values."""
    vectors /= vectors.norm(dim=0)
    gram = (vectors.T @ vectors).double().cpu().numpy()

    def work(columns: slice) -> Doubles:
        part: Doubles = (vectors.T @ (laplacian @ vectors[:, columns].contiguous())).double().cpu().numpy()
        return part

    A = np.hstack(list(in_threads(work, _column_blocks(vectors), steps.part(0.0, 0.8), threads=_threads(vectors))))
    values, y = scipy.linalg.eigh(
        (A + A.T) / 2, (gram + gram.T) / 2, subset_by_index=(0, min(count, vectors.shape[1]) - 1)
    )
    turn = torch.from_numpy(y.astype(np.float32)).to(vectors.device)
    result = torch.empty((len(vectors), turn.shape[1]), device=vectors.device)
    for top in range(0, len(vectors), _ROWS):  # so that the product needs no second copy
        torch.mm(vectors[top : top + _ROWS], turn, out=result[top : top + _ROWS])
    steps.report(1.0)
    return result, values


def _column_blocks(vectors: Tensor) -> list[slice]:
    width = vectors.shape[1]
    return [slice(start, min(start + _COLUMNS, width)) for start in range(0, width, _COLUMNS)]


def _threads(vectors: Tensor) -> int | None:
    """The processor shares blocks among threads; a GPU takes one after the other."""
    return None if vectors.device.type == "cpu" else 1
