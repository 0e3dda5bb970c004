"""Sums over sliding windows, accurate at any radius and fast in plain torch.

Two steps, each a list of operations on three buffers that is made once for a shape and then run for every tile:

- by matrix products: a block of T sums is a (T, T + n - 1) matrix of ones along a band times the block's samples. It
  does more arithmetic than it must, at the full rate of the processor's multipliers and out of its registers, which
  beats any way that goes through memory once per addition. On CPUs, for windows of up to 49 samples; not on AMD's,
  where torch's library of products is slow at small ones.
- by doubling: a window of n samples is two windows of n // 2 side by side, plus one sample where n is odd; so log2
  shifted additions of whole arrays lead to the longer windows, and on GPUs and AMD's CPUs, from single samples, to all.

Either way each sum is made of its own samples only. A running sum or a summed-area table carries the rounding errors of
the whole picture, and of every outlier in it, which float32 cannot afford here.
"""

from __future__ import annotations

import math
import platform
import sys
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor


def _made_by_amd() -> bool:
    """Whether the processor says so; one that says nothing is taken for another."""
    if sys.platform != "linux":
        return "AuthenticAMD" in platform.processor()
    try:
        return "AuthenticAMD" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")[:4096]
    except OSError:
        return False


# samples in a window that a matrix product sums; longer ones are doubled from shorter ones. On Zen 4, a channel of
# a megapixel filtered at radius 6 and 20: 23 and 32 ms of processor time by doubling alone, 40 and 56 by products
SUMS_BY_PRODUCTS = not _made_by_amd()
_LONGEST_PRODUCT = 49 if SUMS_BY_PRODUCTS else 1
_KEPT_SUMS = 8  # of different windows, on one workspace
_BLOCKS = (16, 32)  # rows and columns of sums that one matrix product makes


class Workspace:
    """One thread's place to work: three buffers, and the sums made on them lately.

    Parameters
    ----------
    device : where the buffers are
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self._device = device
        self._buffers: dict[torch.dtype, list[Tensor]] = {}
        self._sums: OrderedDict[tuple[float, float, torch.dtype], BoxSums] = OrderedDict()

    @property
    def nbytes(self) -> int:
        """Bytes of the buffers."""
        return sum(buffer.nbytes for buffers in list(self._buffers.values()) for buffer in buffers)

    def sums(self, ry: float, rx: float, dtype: torch.dtype = torch.float32) -> BoxSums:
        """Window sums of this half height and half width."""
        key = ry, rx, dtype
        if key not in self._sums:
            self._sums[key] = BoxSums(ry, rx, self, dtype)
        self._sums.move_to_end(key)
        if len(self._sums) > _KEPT_SUMS:
            self._sums.popitem(last=False)
        return self._sums[key]

    def buffers(self, size: int, dtype: torch.dtype) -> list[Tensor]:
        """Three buffers of at least `size` values; the same ones as before if they are large enough."""
        known = self._buffers.get(dtype)
        if known is None or known[0].numel() < size:
            for sums in self._sums.values():
                sums.forget_plans()  # they would keep the smaller buffers
            known = self._buffers[dtype] = [torch.empty(size, device=self._device, dtype=dtype) for _ in range(3)]
        return known


class BoxSums:
    """Sums over windows of (2 ry + 1) x (2 rx + 1) samples of planes that are zero outside the picture.

    Parameters
    ----------
    ry, rx : half height and half width of the window, in samples; a fraction weighs one more sample at either end
    workspace : whose buffers to work on; all plans made on them share these
    """

    def __init__(self, ry: float, rx: float, workspace: Workspace, dtype: torch.dtype = torch.float32) -> None:
        self.half = (int(ry), int(rx))
        self.fraction = (ry - int(ry), rx - int(rx))
        self.border = tuple(half + (part > 0) for half, part in zip(self.half, self.fraction, strict=True))
        self._workspace, self._dtype = workspace, dtype
        self._plans: dict[tuple[int, int, int, int], BoxSumPlan] = {}

    def forget_plans(self) -> None:
        """Make the plans anew when they are next needed."""
        self._plans.clear()

    def plan(self, planes: int, rows: int, columns: int, after: BoxSumPlan | None = None) -> BoxSumPlan:
        """The plan for `planes` x `rows` x `columns` sums; its input leaves the sums of the plan `after` intact."""
        size = planes * (rows + 2 * self.border[0]) * (columns + 2 * self.border[1])
        start = 0 if after is None else (after.last + 1) % 3
        key = planes, rows, columns, start
        known = self._plans.get(key)
        buffers = self._workspace.buffers(size, self._dtype)
        if known is None or not known.uses(buffers):
            turned = buffers[start:] + buffers[:start]
            known = self._plans[key] = BoxSumPlan(self, turned, start, planes, rows, columns)
        return known


class BoxSumPlan:
    """The operations that make the sums of one shape, ready to run; `last` is the number of the buffer with the sums.

    Inside, arrays are (rows, planes, columns): all planes of a row side by side, so that one product sums them all.
    """

    def __init__(self, sums: BoxSums, buffers: list[Tensor], start: int, planes: int, rows: int, columns: int) -> None:
        self._free = buffers
        shape = (rows + 2 * sums.border[0], planes, columns + 2 * sums.border[1])
        self._padded = buffers[0][: shape[0] * shape[1] * shape[2]].view(shape)
        self._steps: list[Callable[[], object]] = []
        down, place = self._along(self._padded, 0, 0, sums.half[0], sums.fraction[0])
        self._total, place = self._along(down, place, 2, sums.half[1], sums.fraction[1])
        self.last = (start + place) % 3

    def uses(self, buffers: list[Tensor]) -> bool:
        """Whether this works on `buffers`."""
        return any(self._free[0] is buffer for buffer in buffers)

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

    def _along(self, x: Tensor, place: int, dim: int, half: int, fraction: float) -> tuple[Tensor, int]:
        """The sums of `x`, which lies in buffer `place`, along `dim`, and the buffer that they lie in."""
        length, doublings = 2 * half + 1, 0
        longest = _LONGEST_PRODUCT if x.device.type == "cpu" else 1
        while length >> doublings > longest:
            doublings += 1
        if fraction and not doublings:
            weights = (fraction, *(1.0,) * length, fraction)
            return self._by_products(x, place, dim, weights)
        inner = x.narrow(dim, 1, x.shape[dim] - 2) if fraction else x
        width = length >> doublings
        total, to = self._by_products(inner, place, dim, (1.0,) * width) if width > 1 else (inner, place)
        for remaining in reversed(range(doublings)):
            span = inner.shape[dim] - 2 * width + 1
            total, to = self._sum(total.narrow(dim, 0, span), total.narrow(dim, width, span), place, to)
            width *= 2
            if length >> remaining & 1:
                total = total.narrow(dim, 0, span - 1)
                self._steps.append(_addition(total, inner.narrow(dim, width, span - 1), total))
                width += 1
        if fraction:
            count = total.shape[dim]
            total, to = self._sum(total, x.narrow(dim, 0, count), place, to, fraction)
            self._steps.append(_addition(total, x.narrow(dim, length + 1, count), total, fraction))
        return total, to

    def _by_products(self, x: Tensor, place: int, dim: int, weights: tuple[float, ...]) -> tuple[Tensor, int]:
        """Weighted sums over windows of len(weights) samples along `dim`."""
        reach = len(weights) - 1
        count, to = x.shape[dim] - reach, (place + 1) % 3
        shape = list(x.shape)
        shape[dim] = count
        total = self._view(to, shape)
        step = _BLOCKS[dim > 0]
        for first in range(0, count, step):
            made = min(step, count - first)
            band = _band(made, weights, x.dtype)
            some, into = x.narrow(dim, first, made + reach), total.narrow(dim, first, made)
            if dim == 0:
                self._steps.append(_product(band, some.flatten(1), into.flatten(1)))
            else:
                self._steps.append(_product(_rows(some), band.T, _rows(into)))
        return total, to

    def _sum(self, first: Tensor, second: Tensor, kept: int, place: int, weight: float = 1.0) -> tuple[Tensor, int]:
        """Add `first`, in buffer `place`, and `second` into the buffer that is neither that nor `kept`."""
        to = next(number for number in (1, 2, 0) if number not in (kept, place))
        total = self._view(to, list(first.shape))
        self._steps.append(_addition(first, second, total, weight))
        return total, to

    def _view(self, place: int, shape: list[int]) -> Tensor:
        return self._free[place][: math.prod(shape)].view(shape)


@lru_cache(maxsize=64)
def _band(count: int, weights: tuple[float, ...], dtype: torch.dtype) -> Tensor:
    """(count, count + len(weights) - 1): row i weighs the samples from the i-th on with `weights`."""
    band = torch.zeros((count, count + len(weights) - 1), dtype=dtype)
    for row in range(count):
        band[row, row : row + len(weights)] = torch.tensor(weights, dtype=dtype)
    return band


def _rows(x: Tensor) -> Tensor:
    """(rows, planes, columns) seen as (rows planes, columns), whatever lies between the rows."""
    return x.as_strided((x.shape[0] * x.shape[1], x.shape[2]), (x.stride(1), 1), x.storage_offset())


def _product(first: Tensor, second: Tensor, out: Tensor) -> Callable[[], object]:
    return lambda: torch.mm(first, second, out=out)


def _addition(first: Tensor, second: Tensor, out: Tensor, weight: float = 1.0) -> Callable[[], object]:
    return lambda: torch.add(first, second, alpha=weight, out=out)
