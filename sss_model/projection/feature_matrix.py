"""Features as a matrix of pixels by channels: the products with it that the reduction needs, in one pass each.

A pass reads the features once, in blocks of rows, in threads; a memory map or float16 features are converted block by
block, so that no copy of the whole is made. On a GPU the features stay resident where they fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model import budget
from sss_model.array_types import AnyFloats
from sss_model.errors import ParameterError
from sss_model.filtering.parallel import in_threads
from sss_model.filtering.tile_filter import as_tensor, planes_of
from sss_model.progress import Progress

Result = TypeVar("Result")

_BLOCK_VALUES = 1 << 22  # feature values a thread reads at once
_FEWEST = 6  # rows of a product, with fewer of which MKL takes three times as long


class FeatureMatrix:
    """Features (H, W, D) of any float type, memory-mapped too.

    Parameters
    ----------
    features : (H, W, D)
    device : torch device that results are on
    """

    def __init__(self, features: AnyFloats, device: str | torch.device = "cpu") -> None:
        if features.ndim != 3 or features.size == 0:
            raise ParameterError(f"features must be an array (H, W, D) that is not empty, got shape {features.shape}.")
        if not np.issubdtype(features.dtype, np.floating):
            raise ParameterError(f"features must be floating-point numbers, got {features.dtype}.")
        self.features, self.device = features, torch.device(device)
        self.height, self.width, self.channels = features.shape
        self.pixels = self.height * self.width
        self._resident: Tensor | None = None
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info(self.device)
            if 4 * features.size < budget.current.resident_share * free:
                self._resident = torch.from_numpy(np.ascontiguousarray(features, np.float32)).to(self.device)

    def sample(self, limit: int) -> NDArray[np.float32]:
        """A copy of at most about `limit` vectors (n, D) float32 on a regular grid of pixels."""
        step = max(1, round((self.pixels / limit) ** 0.5))
        start = [min(step // 2, size - 1) for size in (self.height, self.width)]
        grid = self.features[start[0] :: step, start[1] :: step]
        return np.array(grid, np.float32).reshape(-1, self.channels)

    def tensor(self, values: NDArray[np.floating[Any]]) -> Tensor:
        """`values` as a float32 tensor on the device."""
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def block(self, rows: slice, columns: slice, offset: NDArray[np.float32]) -> Tensor:
        """The features there less `offset` (D,), as planes (D, h, w) float32 on the device."""
        if self._resident is not None:
            return self._resident[rows, columns].movedim(2, 0).contiguous() - self.tensor(offset)[:, None, None]
        return planes_of(self.features[rows, columns], offset).to(self.device)

    def project(self, axes: Tensor, offset: Tensor, progress: Progress | None = None) -> Tensor:
        """Planes (k, H, W): axes (k, D) times every pixel's features, less `offset` (k,)."""
        out = torch.empty((len(axes), self.height, self.width), device=self.device)

        def work(rows: slice, block: Tensor) -> None:
            product = block.mm(axes.T).sub_(offset)  # MKL takes three times as long the other way round
            out[:, rows] = product.view(-1, self.width, len(axes)).movedim(2, 0)

        for _ in self.each(work, progress, "project"):
            pass
        return out

    def gather(self, planes: Tensor, progress: Progress | None = None) -> Tensor:
        """(k, D) float64: the sum over pixels of planes (k, H, W) times that pixel's features."""

        def work(rows: slice, block: Tensor) -> Tensor:
            some = planes[:, rows].reshape(len(planes), -1)
            some = torch.nn.functional.pad(some, (0, 0, 0, max(0, _FEWEST - len(some))))
            return some.mm(block)[: len(planes)].cpu().double()

        total = torch.zeros((len(planes), self.channels), dtype=torch.float64)
        for part in self.each(work, progress, "gather"):
            total += part
        return total

    def each(
        self, work: Callable[[slice, Tensor], Result], progress: Progress | None = None, stage: str = ""
    ) -> Iterator[Result]:
        """`work` of every block of rows and its vectors (n, D) float32, in order, in threads."""
        threads = None if self.device.type == "cpu" else 1
        return in_threads(
            lambda rows: work(rows, self._rows(rows)), list(self._blocks()), progress, stage, threads=threads
        )

    def _blocks(self) -> Iterator[slice]:
        values = _BLOCK_VALUES if self.device.type == "cpu" else _BLOCK_VALUES << 5
        step = max(1, values // (self.width * self.channels))
        for first in range(0, self.height, step):
            yield slice(first, min(first + step, self.height))

    def _rows(self, rows: slice) -> Tensor:
        """The vectors (n, D) float32 of these rows of pixels, on the device."""
        if self._resident is not None:
            return self._resident[rows].view(-1, self.channels)
        return as_tensor(self.features[rows]).to(self.device).reshape(-1, self.channels)
