"""Bilinear values of several grids at chosen pixels, summed: one sparse product in place of an upsampled map.

Every pixel takes four cells of each grid, so the values at P pixels are S V with a sparse S (P, cells), and the
gradient to the cells is S' G. On a CPU both products are several times faster than sampling each channel's plane point
by point.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sss_model.network.grid_maps import GridMap


def sum_at(grids: Sequence[GridMap], points: Tensor) -> Tensor:
    """Sum over `grids`, all of one number of channels C, of their bilinear values at `points`.

    Parameters
    ----------
    grids : maps (N, C, h, w) on their own grids
    points : (N, P, 2) integer pixels, x then y

    Returns
    -------
    (N, P, C) of the maps' dtype

    Examples
    --------
    >>> grid = GridMap(torch.tensor([[[[0.0, 4.0]]]]), (4.0, 4.0), 0.0)  # cells centred on pixels 0 and 4
    >>> sum_at([grid], torch.tensor([[[1, 0], [4, 0]]])).flatten().tolist()
    [1.0, 4.0]
    """
    first = grids[0].values
    sparse = (
        first.device.type == "cpu"
        and first.dtype in (torch.float32, torch.float64)
        and torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    )
    if not sparse and not torch.are_deterministic_algorithms_enabled():
        total = grids[0].at(points)
        for grid in grids[1:]:
            total = total + grid.at(points)
        return total.transpose(1, 2)
    return torch.stack([_sum_one(grids, points[n], n, sparse) for n in range(len(points))])


def _sum_one(grids: Sequence[GridMap], points: Tensor, image: int, sparse: bool) -> Tensor:
    """`sum_at` of one image, (P, C); without a sparse product by gathering, whose gradient has a deterministic form."""
    cells, weights, start = [], [], 0
    for grid in grids:
        index, weight = _corners(grid, points)
        cells.append(index + start)
        weights.append(weight)
        start += grid.values.shape[-2] * grid.values.shape[-1]
    table = torch.cat([grid.values[image].flatten(1).T for grid in grids])
    if not sparse:
        return (table[torch.cat(cells, 1)] * torch.cat(weights, 1)[..., None]).sum(1)
    product: Tensor = _SparseProduct.apply(table, torch.cat(cells, 1), torch.cat(weights, 1))
    return product


def _corners(grid: GridMap, points: Tensor) -> tuple[Tensor, Tensor]:
    """Flat indices and weights (P, 4) of the cells around `points` (P, 2)."""
    height, width = grid.values.shape[-2:]
    x, y = grid.source(points[:, 0], 3), grid.source(points[:, 1], 2)
    left, top = x.floor().clamp(max=max(width - 2, 0)), y.floor().clamp(max=max(height - 2, 0))
    dtype = grid.values.dtype
    fx, fy = (x - left).to(dtype), (y - top).to(dtype)
    left, top = left.long(), top.long()
    right, below = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    index = torch.stack([top * width + left, top * width + right, below * width + left, below * width + right], 1)
    weight = torch.stack([(1 - fy) * (1 - fx), (1 - fy) * fx, fy * (1 - fx), fy * fx], 1)
    return index, weight


class _SparseProduct(torch.autograd.Function):
    """S V for S (P, cells) with the same number of entries in every row, given as indices and weights (P, K)."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, cells: Tensor, weights: Tensor) -> Tensor:
        ctx.save_for_backward(cells, weights)
        ctx.rows = len(table)
        count, each = cells.shape
        starts = torch.arange(0, count * each + 1, each)
        return _compressed(starts, cells.reshape(-1), weights.reshape(-1), (count, len(table))) @ table

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None, None]:
        cells, weights = ctx.saved_tensors
        count, each = cells.shape
        flat = cells.reshape(-1)
        order = flat.argsort(stable=True)
        starts = torch.zeros(ctx.rows + 1, dtype=torch.int64)
        starts[1:] = torch.bincount(flat, minlength=ctx.rows).cumsum(0)
        turned = _compressed(starts, order // each, weights.reshape(-1)[order], (ctx.rows, count))
        return turned @ slope.contiguous(), None, None


def _compressed(starts: Tensor, columns: Tensor, values: Tensor, size: tuple[int, int]) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(starts, columns, values, size, check_invariants=False)
