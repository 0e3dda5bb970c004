"""Sums over sliding windows, by doubling.

A window of n samples is two windows of n // 2 side by side, plus one sample where n is odd; so log2(n) shifted
additions of whole arrays make every window's sum. Each sum is a short tree of additions, so its rounding error stays
near one unit in the last place at any radius and picture size, which running sums and summed-area tables cannot say in
float32, and an addition of whole arrays runs at the speed of the cache on a CPU and of the memory on a GPU.
"""

from __future__ import annotations

import torch
from torch import Tensor

Step = tuple[Tensor, Tensor, Tensor, float]  # first, second, where to, weight of the second


class WindowSums:
    """Sums over windows of (2 ry + 1) x (2 rx + 1) samples of planes that are zero outside the picture.

    Three buffers are shared by all the plans made here.

    Parameters
    ----------
    ry, rx : half height and half width of the window, in samples; a fraction weighs one more sample at either end
    """

    def __init__(
        self, ry: float, rx: float, *, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
    ) -> None:
        self.half = (int(ry), int(rx))
        self.fraction = (ry - int(ry), rx - int(rx))
        self.border = tuple(half + (part > 0) for half, part in zip(self.half, self.fraction, strict=True))
        self._buffers = [torch.empty(0, device=device, dtype=dtype) for _ in range(3)]
        self._plans: dict[tuple[int, int, int, int], WindowPlan] = {}

    def plan(self, planes: int, rows: int, columns: int, after: WindowPlan | None = None) -> WindowPlan:
        """The plan for `planes` x `rows` x `columns` sums; its input leaves the sums of the plan `after` intact."""
        size = planes * (rows + 2 * self.border[0]) * (columns + 2 * self.border[1])
        if self._buffers[0].numel() < size:
            self._buffers = [buffer.new_empty(size) for buffer in self._buffers]
            self._plans.clear()
        start = 0 if after is None else (after.last + 1) % 3
        key = (planes, rows, columns, start)
        if key not in self._plans:
            buffers = self._buffers[start:] + self._buffers[:start]
            self._plans[key] = WindowPlan(self, buffers, start, planes, rows, columns)
        return self._plans[key]


class WindowPlan:
    """The additions that make the sums of one shape, ready to run; `last` is the number of the buffer with the sums."""

    def __init__(
        self, sums: WindowSums, buffers: list[Tensor], start: int, planes: int, rows: int, columns: int
    ) -> None:
        self._free = buffers
        shape = (planes, rows + 2 * sums.border[0], columns + 2 * sums.border[1])
        self._padded = buffers[0][: shape[0] * shape[1] * shape[2]].view(shape)
        self._steps: list[Step] = []
        down = self._along(self._padded, 1, sums.half[0], sums.fraction[0])
        self._total = self._along(down, 2, sums.half[1], sums.fraction[1])
        self.last = (start + self._index(self._total)) % 3

    def input(self, outside: tuple[int, int, int, int]) -> Tensor:
        """Where to write the planes: as many rows and columns as the windows reach, less those `outside` the picture.

        `outside` counts the outermost rows and columns (top, bottom, left, right) outside; they are set to zero here.
        """
        top, bottom, left, right = outside
        _, high, wide = self._padded.shape
        for border in (
            self._padded[:, :top],
            self._padded[:, high - bottom :],
            self._padded[:, :, :left],
            self._padded[:, :, wide - right :],
        ):
            if border.numel():
                border.zero_()
        return self._padded[:, top : high - bottom, left : wide - right]

    def run(self) -> Tensor:
        """The sums (planes, rows, columns), valid until another plan's input is written."""
        for first, second, total, weight in self._steps:
            torch.add(first, second, alpha=weight, out=total)
        return self._total

    def _along(self, x: Tensor, dim: int, half: int, fraction: float) -> Tensor:
        inner = x.narrow(dim, 1, x.shape[dim] - 2) if fraction else x
        total, width = inner, 1
        for bit in bin(2 * half + 1)[3:]:
            span = inner.shape[dim] - 2 * width + 1
            total = self._step(total.narrow(dim, 0, span), total.narrow(dim, width, span), x)
            width *= 2
            if bit == "1":
                total = total.narrow(dim, 0, span - 1)
                self._steps.append((total, inner.narrow(dim, width, span - 1), total, 1.0))
                width += 1
        if fraction:
            length = total.shape[dim]
            before, behind = x.narrow(dim, 0, length), x.narrow(dim, 2 * half + 2, length)
            total = self._step(total, before, x, fraction)
            self._steps.append((total, behind, total, fraction))
        return total

    def _step(self, first: Tensor, second: Tensor, kept: Tensor, weight: float = 1.0) -> Tensor:
        """Add into the buffer that holds neither `first` nor `kept`."""
        taken = {self._index(first), self._index(kept)}
        buffer = next(b for i, b in enumerate(self._free) if i not in taken)
        total = buffer[: first.numel()].view(first.shape)
        self._steps.append((first, second, total, weight))
        return total

    def _index(self, x: Tensor) -> int:
        pointer = x.untyped_storage().data_ptr()
        return next(i for i, b in enumerate(self._free) if b.untyped_storage().data_ptr() == pointer)
