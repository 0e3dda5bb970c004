"""The matting affinity (Levin, Lischinski and Weiss, "A closed-form solution to natural image matting", PAMI 2008).

Pixels i and j are as alike as they are within the 3x3 windows w that hold both (eq. 12): with mu and S the mean and
covariance of the window's colours, d_i = I_i - mu, |w| = 9 and U the identity,

    W_ij = sum over w of (1 + d_i' (S + eps / |w| U)^-1 d_j) / |w|        L = D - W

L x is near zero for every x that is, in each window, a linear function of colour. That is what layers with soft borders
are made of.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations_with_replacement, product

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

EPS = 1e-7
REACH = 2  # pixels in one 3x3 window are at most 2 apart
OFFSETS = tuple(product(range(-REACH, REACH + 1), repeat=2))  # the 25 places (dy, dx) of a row's entries
CENTRE = OFFSETS.index((0, 0))


@dataclass(frozen=True)
class Stencil:
    """A symmetric sparse matrix over the pixels of a picture that joins pixels at most 2 rows and columns apart.

    Attributes
    ----------
    weights : (25, h, w) float32; [o, y, x] joins (y, x) with (y, x) + OFFSETS[o], and is 0 where that lies outside
    """

    weights: Tensor

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the picture."""
        return int(self.weights.shape[1]), int(self.weights.shape[2])

    @property
    def diagonal(self) -> Tensor:
        """(h, w)"""
        return self.weights[CENTRE]

    def apply(self, planes: Tensor) -> Tensor:
        """The matrix times each of `planes` (N, h, w)."""
        total = planes * self.diagonal
        for offset, (dy, dx) in enumerate(OFFSETS):
            if offset == CENTRE:
                continue
            to, source = _overlap(self.size, dy, dx)
            total[:, *to].addcmul_(self.weights[offset][to], planes[:, *source])
        return total

    def csr(self, top: int = 0, bottom: int | None = None) -> sp.csr_matrix:
        """The same matrix's rows of the picture's rows `top` to `bottom`, compressed, float32, on the CPU."""
        h, w = self.size
        weights = self.weights[:, top:bottom]
        rows, columns = np.arange(h)[top:bottom, None, None], np.arange(w)[None, :, None]
        dy, dx = (np.array(steps) for steps in zip(*OFFSETS, strict=True))
        inside = (rows + dy >= 0) & (rows + dy < h) & (columns + dx >= 0) & (columns + dx < w)
        indices = ((rows + dy) * w + columns + dx).astype(np.int32)[inside]
        values = np.ascontiguousarray(weights.cpu().numpy().transpose(1, 2, 0))[inside]
        starts = np.zeros(len(rows) * w + 1, np.int32)
        np.cumsum(inside.sum(2).ravel(), out=starts[1:])
        return sp.csr_matrix((values, indices, starts), shape=(len(rows) * w, h * w))


def matting_laplacian(image: Tensor, *, eps: float = EPS) -> Stencil:
    """L = D - W of the picture, positive semi-definite; its rows sum to 0.

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1]; a side under 3 pixels narrows the windows to it
    eps : squared intensity; larger makes windows of almost one colour smoother
    """
    h, w = image.shape[:2]
    window = min(3, h), min(3, w)
    places = list(product(range(window[0]), range(window[1])))
    rows, columns = h - window[0] + 1, w - window[1] + 1
    planes = image.movedim(2, 0)
    z = whitened_colours([planes[:, y : y + rows, x : x + columns] for y, x in places], eps)
    weights = torch.zeros((len(OFFSETS), h, w), device=image.device)
    for first, second in combinations_with_replacement(range(len(places)), 2):
        if first == second:
            continue
        (ay, ax), (by, bx) = places[first], places[second]
        affinity = (z[first] * z[second]).sum(0).add_(1).div_(len(places))
        weights[OFFSETS.index((by - ay, bx - ax)), ay : ay + rows, ax : ax + columns] -= affinity
        weights[OFFSETS.index((ay - by, ax - bx)), by : by + rows, bx : bx + columns] -= affinity
    weights[CENTRE] = -weights.sum(0)
    return Stencil(weights)


def whitened_colours(colours: list[Tensor], eps: float) -> list[Tensor]:
    """C^-1 d at each place of a window, (3, ...) float32, where C C' = S + eps / |w| U; from the `colours` (3, ...)."""
    d = [colour.double() for colour in colours]
    mean = sum(d[1:], d[0]) / len(d)
    d = [colour - mean for colour in d]

    def covariance(i: int, j: int) -> Tensor:
        total = torch.zeros_like(mean[0])
        for colour in d:
            total.addcmul_(colour[i], colour[j])
        return total.add_(eps * (i == j)).div_(len(d))

    c00 = covariance(0, 0) ** 0.5  # where sqrt wakes other threads
    c10, c20 = covariance(1, 0) / c00, covariance(2, 0) / c00
    c11 = (covariance(1, 1) - c10 * c10).clamp_(min=eps / len(d)) ** 0.5
    c21 = (covariance(2, 1) - c20 * c10) / c11
    c22 = (covariance(2, 2) - c20 * c20 - c21 * c21).clamp_(min=eps / len(d)) ** 0.5
    whitened = []
    for colour in d:
        z0 = colour[0] / c00
        z1 = (colour[1] - c10 * z0) / c11
        z2 = (colour[2] - c20 * z0 - c21 * z1) / c22
        whitened.append(torch.stack([z0, z1, z2]).float())
    return whitened


def _overlap(size: tuple[int, int], dy: int, dx: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The pixels whose neighbour at (dy, dx) lies inside the picture, and these neighbours."""

    def along(length: int, step: int) -> tuple[slice, slice]:
        first, last = max(-step, 0), max(length - max(step, 0), max(-step, 0))
        return slice(first, last), slice(first + step, last + step)

    (to_y, from_y), (to_x, from_x) = along(size[0], dy), along(size[1], dx)
    return (to_y, to_x), (from_y, from_x)
