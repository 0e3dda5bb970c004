"""The smallest eigenvectors of the Laplacian, by a coarse grid whose interpolation follows colour.

With L = L_m + U S U', the matting Laplacian and that of the superpixels' nodes:

    coarse    A = Q' L Q and M = Q' Q for the coarsest grid, Q the product of all prolongations; dense
              block Krylov: X <- C^-1 M X with C = A + shift M, positive definite; Rayleigh-Ritz in its span
    fine      interpolate, damp what is not smooth by a Chebyshev polynomial of L, Rayleigh-Ritz

The 30 vectors beyond those asked for make the last step worth its time. The smallest eigenvalues are about 1e-4 and
negative ones are kept. A grid with no coarser one is solved by a dense solver.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.linalg
import scipy.sparse as sp
import torch
from torch import Tensor

from sss_model.array_types import Doubles, Floats
from sss_model.filtering.parallel import alone, in_threads
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import Stencil
from sss_model.segmentation.interpolation import Interpolation, interpolation
from sss_model.segmentation.large_arrays import room
from sss_model.segmentation.prolongation import image_pyramid
from sss_model.segmentation.sparse_product import SparseProduct
from sss_model.segmentation.superpixels import NodeLaplacian

_SPARE = 30  # vectors beyond those asked for
# Shift and ridge: the first that make A + shift M + ridge U positive definite. Where a picture is flat, such as a white
# sky, interpolation is a box filter, which loses some functions, so that M is singular and needs the ridge (a share of
# the mean diagonal) for rounding's sake. Eigenvalues below 0 need the shift: one far beyond the others mixes vectors.
_SHIFTS = (
    *((1e-3, 0.0), (1e-3, 1e-5), (1e-3, 1e-4), (4e-3, 1e-4), (16e-3, 1e-4), (64e-3, 1e-4)),
    *((64e-3, 1e-3), (64e-3, 1e-2), (1.0, 0.1), (1.0, 1.0)),
)
_PIVOT = 1e-4  # least share of a diagonal element that may be left; photographs leave 4e-3, functions that M loses 3e-6
_KRYLOV_COLUMNS, _KRYLOV_STEPS = 64, 5
_DAMPED = (0.4, 9.6)  # eigenvalues that the polynomial damps; L's largest is below the second
_DEGREE = 4
_PIXELS = 2**12  # of a block, whose part of all vectors stays in a core's cache


@dataclass(frozen=True)
class RowBlock:
    """A few rows of L: those of the pixels `pixels`.

    Attributes
    ----------
    matting : L_m's
    places, nodes : where superpixels' nodes lie among the pixels (k,), and S's rows of these (k, K)
    """

    pixels: slice
    matting: SparseProduct
    places: Tensor
    nodes: Tensor

    def times(self, vectors: Tensor, at_nodes: Tensor) -> Tensor:
        """These rows of L times `vectors` (h w, N), whose rows at all nodes are `at_nodes` (K, N)."""
        product = self.matting @ vectors
        return product.index_add_(0, self.places, self.nodes @ at_nodes) if len(self.places) else product


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
    def blocks(self) -> list[RowBlock]:
        """All rows of L, in order; one block of them on a GPU."""
        (h, w), device = self.matting.size, self.matting.weights.device
        rows = max(1, _PIXELS // w) if device.type == "cpu" else h

        def block(top: int) -> RowBlock:
            bottom = min(top + rows, h)
            pixels, inside = slice(top * w, bottom * w), torch.empty(0, dtype=torch.long)
            if self.nodes is not None:
                inside = ((self.nodes.nodes >= pixels.start) & (self.nodes.nodes < pixels.stop)).nonzero()[:, 0]
            product = SparseProduct(self.matting.csr(top, bottom), device)
            if self.nodes is None:
                return RowBlock(pixels, product, inside, inside)
            return RowBlock(pixels, product, self.nodes.nodes[inside] - pixels.start, self.nodes.matrix[inside])

        return list(in_threads(block, range(0, h, rows), threads=_threads(device)))

    def at_nodes(self, vectors: Tensor) -> Tensor:
        """The rows of `vectors` (h w, N) that the blocks' product with them needs, too."""
        return vectors[:0] if self.nodes is None else vectors[self.nodes.nodes]

    def __matmul__(self, vectors: Tensor) -> Tensor:
        """L times `vectors` (h w, N)."""
        at_nodes = self.at_nodes(vectors)
        blocks = in_threads(lambda block: block.times(vectors, at_nodes), self.blocks, threads=_threads(vectors.device))
        return torch.cat(list(blocks))

    def apply(self, planes: Tensor) -> Tensor:
        """L times a few `planes` (N, h, w)."""
        total = self.matting.apply(planes)
        if self.nodes is not None:
            flat = planes.reshape(len(planes), -1)[:, self.nodes.nodes]
            with alone():  # so that rounding does not depend on the number of threads
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
    Q = interpolation(levels, steps.part(0.0, 0.2))
    A, M = _coarse_problem(laplacian, Q, steps.part(0.2, 0.4))
    coarse = _krylov(A, M, min(count + _SPARE, len(A)), seed, steps.part(0.4, 0.5))
    vectors = Q.multiply(torch.from_numpy(coarse).to(image.device), steps.part(0.5, 0.55))
    vectors = chebyshev_damping(laplacian, vectors, steps.part(0.55, 0.85))
    return rayleigh_ritz(laplacian, vectors, count, steps.part(0.85, 1.0))


def _dense_eigenvectors(laplacian: Laplacian, count: int, seed: int, steps: Progress) -> tuple[Tensor, Doubles]:
    pixels = laplacian.matting.diagonal.numel()
    identity = torch.eye(pixels, device=laplacian.matting.weights.device)
    A = (laplacian @ identity).cpu().numpy()
    one = sp.eye_array(pixels, dtype=np.float32, format="csr")
    vectors = _krylov((A + A.T) / 2, one, min(count + _SPARE, pixels), seed, steps.part(0.0, 0.7))
    return rayleigh_ritz(laplacian, torch.from_numpy(vectors).to(identity.device), count, steps.part(0.7, 1.0))


def _coarse_problem(laplacian: Laplacian, Q: Interpolation, steps: Progress) -> tuple[Floats, sp.csr_matrix]:
    """A = Q' L Q, dense, and M = Q' Q."""
    product, threads = room((len(Q.table), Q.table.shape[1]), Q.table.device), _threads(Q.table.device)

    def work(block: RowBlock) -> None:
        product[block.pixels] = block.matting @ Q.table

    for _ in in_threads(work, laplacian.blocks, steps.part(0.0, 0.3), threads=threads):
        pass
    A, M = Q.from_left(product, steps.part(0.3, 0.8))
    if laplacian.nodes is not None:
        nodes, S = laplacian.nodes.nodes.cpu().numpy(), laplacian.nodes.matrix.cpu().numpy()
        transposed = Q.rows(nodes).T.tocsr()
        A += transposed @ (transposed @ S).T
    steps.report(1.0)
    A += A.T.copy()
    A /= 2
    return A, sp.csr_matrix(M)


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


def chebyshev_damping(laplacian: Laplacian, vectors: Tensor, steps: Progress, *, degree: int = _DEGREE) -> Tensor:
    """p(L) X, p the polynomial that is 1 at 0 and smallest over the eigenvalues of `_DAMPED`; X is overwritten."""
    low, high = _DAMPED
    middle, half = (low + high) / 2, (high - low) / 2
    now, before = vectors, room((len(vectors), vectors.shape[1]), vectors.device)
    rate, previous = -half / middle, 0.0
    factor = rate / half

    def work(block: RowBlock) -> None:
        following = block.times(now, at_nodes).sub_(now[block.pixels], alpha=middle).mul_(factor)
        if previous:
            following.sub_(before[block.pixels], alpha=rate * previous)
        before[block.pixels] = following

    for number in range(degree):
        at_nodes = laplacian.at_nodes(now)
        part = steps.part(number / degree, (number + 1) / degree)
        for _ in in_threads(work, laplacian.blocks, part, threads=_threads(vectors.device)):
            pass
        now, before = before, now
        rate, previous = 1 / (-2 * middle / half - rate), rate
        factor = 2 * rate / half
    return now


def rayleigh_ritz(laplacian: Laplacian, vectors: Tensor, count: int, steps: Progress) -> tuple[Tensor, Doubles]:
    """The `count` best approximations to the smallest eigenvectors in the span of `vectors`, and their values."""
    at_nodes, threads = laplacian.at_nodes(vectors), _threads(vectors.device)

    def products(block: RowBlock) -> Tensor:
        own = vectors[block.pixels]
        return torch.stack([own.T @ block.times(vectors, at_nodes), own.T @ own]).double().cpu()

    A, gram = np.sum(
        [part.numpy() for part in in_threads(products, laplacian.blocks, steps.part(0.0, 0.8), threads=threads)], axis=0
    )
    scale = 1 / np.sqrt(gram.diagonal())
    A, gram = (scale[:, None] * matrix * scale for matrix in (A, gram))
    values, y = scipy.linalg.eigh(
        (A + A.T) / 2, (gram + gram.T) / 2, subset_by_index=(0, min(count, vectors.shape[1]) - 1)
    )
    turn = torch.from_numpy((scale[:, None] * y).astype(np.float32)).to(vectors.device)
    result = room((len(vectors), turn.shape[1]), vectors.device)

    def turned(block: RowBlock) -> None:
        torch.mm(vectors[block.pixels], turn, out=result[block.pixels])

    for _ in in_threads(turned, laplacian.blocks, steps.part(0.8, 1.0), threads=threads):
        pass
    return result, values


def _threads(device: torch.device) -> int | None:
    """The processor shares blocks among threads; a GPU takes one after the other."""
    return None if device.type == "cpu" else 1
