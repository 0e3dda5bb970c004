"""Sparse matrices times dense ones, on a device."""

from __future__ import annotations

from functools import cached_property

import scipy.sparse as sp
import torch
from torch import Tensor

from sss_model.filtering.parallel import in_threads
from sss_model.progress import Progress
from sss_model.segmentation.large_arrays import room

_ROWS = 2**13  # at a time, in one thread


class SparseProduct:
    """A sparse matrix that multiplies dense ones on a device.

    On the processor by scipy, whose product with many columns is faster than torch's, and takes half as long for 128
    columns at once as by 16.
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


def product_by_rows(matrix: sp.csr_matrix, vectors: Tensor, progress: Progress) -> Tensor:
    """`matrix` times `vectors`, on their device; by blocks of rows that threads share on the processor."""
    if vectors.device.type != "cpu":
        return SparseProduct(matrix, vectors.device) @ vectors
    product = room((matrix.shape[0], vectors.shape[1]), vectors.device)

    def work(top: int) -> None:
        product[top : top + _ROWS] = SparseProduct(matrix[top : top + _ROWS], vectors.device) @ vectors

    for _ in in_threads(work, range(0, matrix.shape[0], _ROWS), progress):
        pass
    return product
