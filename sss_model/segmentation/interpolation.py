"""Q, the product of all prolongations from the coarsest grid to the picture, as dense products of cells.

The rows of a cell of 16 x 16 pixels, and of the pixels that the Laplacian joins them with, have entries in one window
of coarse pixels, 7 x 7 where there are four prolongations. Coarse pixels that lie a window apart in rows and columns
never meet in a cell, so they share a column of Q's table (h w, 49): row by row all that Q holds. Sums over pixels
of what is made of Q are products of the cells' tables, each added at the places of the cell's window.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from sss_model.array_types import Floats, Indices
from sss_model.filtering.parallel import Result, in_threads
from sss_model.progress import Progress
from sss_model.segmentation.affinities import REACH
from sss_model.segmentation.large_arrays import room
from sss_model.segmentation.prolongation import between, prolongation
from sss_model.segmentation.sparse_product import product_by_rows

_CELL = 16


@dataclass(frozen=True)
class Interpolation:
    """From (n, N) on the coarsest grid to (h w, N).

    Attributes
    ----------
    size : (h, w)
    table : (h w, S) float32
    places : (rows, columns, S) int64, for each cell the coarse pixels that the table's columns stand for there
    count : n
    """

    size: tuple[int, int]
    table: Tensor
    places: Indices
    count: int

    def multiply(self, vectors: Tensor, progress: Progress) -> Tensor:
        """Q times `vectors` (n, N)."""
        h, w = self.size
        result = room((h, w, vectors.shape[1]), vectors.device)
        table = self.table.view(h, w, -1)

        def work(row: int) -> None:
            for column, places in enumerate(self.places[row]):
                cell = _pixels(row, column)
                result[cell] = table[cell] @ vectors[torch.from_numpy(places)]

        for _ in self._by_rows(work, progress):
            pass
        return result.view(h * w, -1)

    def from_left(self, product: Tensor, progress: Progress) -> tuple[Floats, Floats]:
        """Q' R Q and Q' Q, both (n, n), R joining pixels as the matting Laplacian does; from R times the table."""
        h, w = self.size
        tables = self.table.view(h, w, -1), product.view(h, w, -1)

        def work(row: int) -> Floats:
            sums = []
            for column in range(self.places.shape[1]):
                own, times = (table[_pixels(row, column)].flatten(0, 1) for table in tables)
                sums.append(torch.stack([own.T @ times, own.T @ own]))
            found: Floats = torch.stack(sums).cpu().numpy()
            return found

        both = np.zeros((2, self.count, self.count), np.float32)
        for row, sums in enumerate(self._by_rows(work, progress)):
            for places, cell in zip(self.places[row], sums, strict=True):
                both[:, places[:, None], places] += cell
        return both[0], both[1]

    def rows(self, pixels: Indices) -> sp.csr_matrix:
        """Q's rows of `pixels` (K,), indices y w + x: (K, n)."""
        y, x = np.divmod(pixels, self.size[1])
        indices = self.places[y // _CELL, x // _CELL]
        starts = np.arange(0, indices.size + 1, indices.shape[1])
        values = self.table[torch.from_numpy(pixels).to(self.table.device)].cpu().numpy()
        return sp.csr_matrix((values.ravel(), indices.ravel(), starts), shape=(len(pixels), self.count))

    def _by_rows(self, work: Callable[[int], Result], progress: Progress) -> Iterator[Result]:
        threads = None if self.table.device.type == "cpu" else 1
        return in_threads(work, range(len(self.places)), progress, threads=threads)


def interpolation(levels: list[Tensor], progress: Progress) -> Interpolation:
    """Q from the last to the first of `levels` (h, w, 3), two or more, each half the one before."""
    device = levels[0].device
    (h, w), (H, W) = levels[0].shape[:2], levels[-1].shape[:2]
    windows = [_windows([level.shape[axis] for level in levels]) for axis in (0, 1)]
    (down, height), (along, width) = windows
    colours = (np.arange(H) % height)[:, None] * width + np.arange(W) % width
    table = torch.eye(height * width)[torch.from_numpy(colours.ravel())].to(device)
    end = 0.0
    for fine, coarse in reversed(list(pairwise(levels))):  # the finest takes three quarters of the time
        start, end = end, min(1.0, max(fine.shape[0] * fine.shape[1] / (h * w), end))
        steps = progress.part(start, end)
        table = product_by_rows(prolongation(fine, coarse, progress=steps.part(0.0, 0.7)), table, steps.part(0.7, 1.0))
    places = down[:, None, :, None] * W + along[None, :, None, :]
    return Interpolation((h, w), table, places.reshape(len(down), len(along), -1), H * W)


def _windows(sides: list[int]) -> tuple[Indices, int]:
    """Along an axis of `sides` pixels, finest first: (cells, width) places in the table's order, and the width."""
    first = last = np.arange(sides[-1])
    for fine, coarse in reversed(list(pairwise(sides))):
        start = between(fine, coarse)[0].numpy()
        first, last = first[start], last[start + 3]
    cells = np.arange(0, sides[0], _CELL)
    starts = first[np.maximum(cells - REACH, 0)]
    stops = last[np.minimum(cells + _CELL - 1 + REACH, sides[0] - 1)] + 1
    width = int((stops - starts).max())
    starts = np.minimum(starts, sides[-1] - width)[:, None]
    return starts + (np.arange(width) - starts) % width, width


def _pixels(row: int, column: int) -> tuple[slice, slice]:
    y, x = row * _CELL, column * _CELL
    return slice(y, y + _CELL), slice(x, x + _CELL)
