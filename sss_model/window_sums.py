"""Sums over sliding windows, accurate at any radius and fast in plain torch.

Two ways, each a list of operations on three buffers that is made once for a shape and then run for every tile:

- by matrix products: a block of T sums is a (T, T + 2 half) matrix of ones along a band times the block's samples. It
  does more arithmetic than it must, at the full rate of the processor's multipliers and out of its registers, which
  beats any way that goes through memory once per addition. For CPUs, up to a half width of 64.
- by doubling: a window of n samples is two windows of n // 2 side by side, plus one sample where n is odd; so log2(n)
  shifted additions of whole arrays make every window's sum. For GPUs, and for wide windows.

Either way each sum is made of its own samples only. A running sum or a summed-area table carries the rounding errors of
the whole picture, and of every outlier in it, which float32 cannot afford here.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

_WIDEST_PRODUCT = 64  # half width from which doubling is faster than matrix products, on a CPU
_BLOCKS = (16, 32)  # rows and columns of sums that one matrix product makes


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
    """The operations that make the sums of one shape, ready to run; `last` is the number of the buffer with the sums.

    Inside, arrays are (rows, planes, columns): all planes of a row side by side, so that one product sums them all.
    """

    def __init__(
        self, sums: WindowSums, buffers: list[Tensor], start: int, planes: int, rows: int, columns: int
    ) -> None:
        self._free = buffers
        shape = (rows + 2 * sums.border[0], planes, columns + 2 * sums.border[1])
        self._padded = buffers[0][: shape[0] * shape[1] * shape[2]].view(shape)
        self._steps: list[Callable[[], object]] = []
        down = self._along(self._padded, 0, sums.half[0], sums.fraction[0])
        self._total = self._along(down, 2, sums.half[1], sums.fraction[1])
        self.last = (start + self._index(self._total)) % 3

    def input(self, outside: tuple[int, int, int, int]) -> Tensor:
        """Where to write the planes (planes, h, w): as far as the windows reach, less what is `outside` the picture.

        `outside` counts the outermost rows and columns (top, bottom, left, right) outside; they are set to zero here.
        """
        top, bottom, left, right = outside
        high, _, wide = self._padded.shape
        for border in (
            self._padded[:top],
            self._padded[high - bottom :],
            self._padded[..., :left],
            self._padded[..., wide - right :],
        ):
            if border.numel():
                border.zero_()
        return self._padded[top : high - bottom, :, left : wide - right].transpose(0, 1)

    def run(self) -> Tensor:
        """The sums (planes, rows, columns), valid until another plan's input is written."""
        for step in self._steps:
            step()
        return self._total.transpose(0, 1)

    def _along(self, x: Tensor, dim: int, half: int, fraction: float) -> Tensor:
        border = half + (fraction > 0)
        if border == 0:
            return x
        if x.device.type == "cpu" and border <= _WIDEST_PRODUCT:
            return self._by_products(x, dim, border, fraction)
        return self._by_doubling(x, dim, half, fraction)

    def _by_products(self, x: Tensor, dim: int, border: int, fraction: float) -> Tensor:
        count = x.shape[dim] - 2 * border
        shape = list(x.shape)
        shape[dim] = count
        total = self._other(x, x)[: x.numel() // x.shape[dim] * count].view(shape)
        flat = (x.flatten(1), total.flatten(1)) if dim == 0 else (x.flatten(0, 1), total.flatten(0, 1))
        step = _BLOCKS[dim > 0]
        for first in range(0, count, step):
            made = min(step, count - first)
            band = _band(made, border, fraction, x)
            if dim == 0:
                samples, sums = flat[0].narrow(0, first, made + 2 * border), flat[1].narrow(0, first, made)
                self._steps.append(_product(band, samples, sums))
            else:
                samples, sums = flat[0].narrow(1, first, made + 2 * border), flat[1].narrow(1, first, made)
                self._steps.append(_product(samples, band.T.contiguous(), sums))
        return total

    def _by_doubling(self, x: Tensor, dim: int, half: int, fraction: float) -> Tensor:
        inner = x.narrow(dim, 1, x.shape[dim] - 2) if fraction else x
        total, width = inner, 1
        for bit in bin(2 * half + 1)[3:]:
            span = inner.shape[dim] - 2 * width + 1
            total = self._sum(total.narrow(dim, 0, span), total.narrow(dim, width, span), x)
            width *= 2
            if bit == "1":
                total = total.narrow(dim, 0, span - 1)
                self._steps.append(_addition(total, inner.narrow(dim, width, span - 1), total))
                width += 1
        if fraction:
            length = total.shape[dim]
            total = self._sum(total, x.narrow(dim, 0, length), x, fraction)
            self._steps.append(_addition(total, x.narrow(dim, 2 * half + 2, length), total, fraction))
        return total

    def _sum(self, first: Tensor, second: Tensor, kept: Tensor, weight: float = 1.0) -> Tensor:
        """Add into the buffer that holds neither `first` nor `kept`."""
        total = self._other(first, kept)[: first.numel()].view(first.shape)
        self._steps.append(_addition(first, second, total, weight))
        return total

    def _other(self, *kept: Tensor) -> Tensor:
        taken = {self._index(x) for x in kept}
        return next(b for i, b in enumerate(self._free) if i not in taken)

    def _index(self, x: Tensor) -> int:
        pointer = x.untyped_storage().data_ptr()
        return next(i for i, b in enumerate(self._free) if b.untyped_storage().data_ptr() == pointer)


def _band(count: int, border: int, fraction: float, like: Tensor) -> Tensor:
    """(count, count + 2 border): row i sums samples i to i + 2 border, with `fraction` as the weight of both ends."""
    offset = torch.arange(count + 2 * border, device=like.device) - torch.arange(count, device=like.device)[:, None]
    band = ((offset >= 0) & (offset <= 2 * border)).to(like.dtype)
    if fraction:
        band[(offset == 0) | (offset == 2 * border)] = fraction
    return band


def _product(first: Tensor, second: Tensor, out: Tensor) -> Callable[[], object]:
    return lambda: torch.mm(first, second, out=out)


def _addition(first: Tensor, second: Tensor, out: Tensor, weight: float = 1.0) -> Callable[[], object]:
    return lambda: torch.add(first, second, alpha=weight, out=out)
