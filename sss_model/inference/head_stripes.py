"""The supplement's head over an image, a stripe of rows at a time: exact, at the speed of its matrix products.

For a pixel the head is relu(sum over grids of interpolated hidden maps + W f + b) -> V relu + c, with f the fine
branch. Bilinear interpolation along a row repeats its weights with the grids' strides, so a block of B columns is one
small matrix product for all grids, the fine branch and the bias together:

    hidden (B, H)  =  [ A_4 | A_8 | ... | f | 1 ] (B, K)  @  [ rows of grid 4; of grid 8; ...; W; b ] (K, H)

with A_s the fixed weights of the cells under the block. It is followed by a ReLU in place and by the second layer's
product straight into the output, channel-last. Blocks are gathered so that all of it stays in the cores' caches.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHUNK = 640  # pixels whose hidden layer is computed at once: 512 channels of them fit a core's second-level cache
WIDE = 1024  # input channels from which oneDNN's 3x3 layers are faster channel-first: 174 against 123 GFLOP/s measured
PAD = 16  # hidden channels beyond the network's: the first is one


GridRows = tuple[Tensor, list[tuple[int, int, float]]]
"""Hidden rows (rows, cells, H) of a grid; for every row of the image the two of them it lies between, and where."""


class FineRows(Protocol):
    """Gives rows first..last-1 of the image (1, C, last - first, width), padded to whole cells, zero beyond them."""

    def __call__(self, first: int, last: int) -> Tensor: ...


@dataclass
class CoarseMap:
    """A coarse map as it is kept between backbone and head, and what remains to be done to it for each stripe.

    Attributes
    ----------
    values : (1, C, h, w), a tap or a branch's output
    stride, centre : cell i has its centre at pixel `centre + i * stride`
    branch : the 3x3 layer with ReLU still to come, or None
    rms : bring each cell to unit root mean square before the branch
    weight : (C', H), this branch's slice of the first 1x1 layer
    """

    values: Tensor
    stride: int
    centre: float
    branch: nn.Conv2d | None
    rms: bool
    weight: Tensor

    def hidden(self, first: int, last: int) -> Tensor:
        """This grid's share of the hidden layer (last - first, w, H), rows first..last-1 of its cells."""
        height, width = self.values.shape[-2:]
        if self.branch is None:
            rows = self.values[:, :, first:last]
        else:
            above, below = max(first - 1, 0), min(last + 1, height)
            edges = (0, 0, above - (first - 1), last + 1 - below)
            rows = branch_of(self.branch, self.values[:, :, above:below], self.rms, edges)
        return (rows[0].permute(1, 2, 0).reshape(-1, self.weight.shape[0]) @ self.weight).view(last - first, width, -1)


def branch_of(layer: nn.Conv2d, values: Tensor, rms: bool, edges: tuple[int, int, int, int] | None = None) -> Tensor:
    """A branch's map: optional unit root mean square, 3x3, ReLU; `edges` pads with zeros where rows are cut already."""
    if rms:
        values = values * torch.rsqrt(values.square().mean(1, keepdim=True) + 1e-6)
    if edges is None:
        if values.shape[1] >= WIDE:
            return F.relu_(layer(values.contiguous())).contiguous(memory_format=torch.channels_last)
        return F.relu_(layer(values))
    return F.relu_(F.conv2d(F.pad(values, edges), layer.weight, layer.bias, padding=(0, 1)))


@dataclass(frozen=True)
class Lattice:
    """Where one grid's cells fall in blocks of `block` columns over `blocks` blocks.

    Attributes
    ----------
    weights : (block, n), how much of each of the n cells under a block goes into each of its columns
    step : cells from one block to the next
    columns : cell of every extended column; the borders repeat, as bilinear resizing clamps there
    """

    weights: Tensor
    step: int
    columns: Tensor

    @classmethod
    def of(cls, stride: int, centre: float, cells: int, block: int, blocks: int) -> Lattice:
        base = math.floor(-centre / stride)
        position = (torch.arange(block, dtype=torch.float64) - centre) / stride - base
        low = position.floor().long()
        count = int(low[-1]) + 2
        weights = torch.zeros(block, count, dtype=torch.float64)
        rows = torch.arange(block)
        weights[rows, low] = 1 - (position - low)
        weights[rows, low + 1] += position - low
        if not weights[:, -1].any():  # the last column lies on a cell's centre
            count -= 1
        columns = (torch.arange((blocks - 1) * (block // stride) + count) + base).clamp(0, cells - 1)
        return cls(weights[:, :count], block // stride, columns)


class HeadStripes:
    """Fills features of image rows, given what the backbone left; several threads may call `fill` at a time.

    Parameters
    ----------
    maps : the coarse maps, whole; their strides divide 32, or each other
    fine : gives the fine tap's rows, normalised, with a border of zeros
    fine_branch : the 3x3 layer on it
    hidden : (C_fine, H) slice of the first 1x1 layer, and its bias (H,)
    project : (H, D) weights of the second 1x1 layer, and its bias (D,)
    size : (H, W) of the image
    chunk : pixels whose hidden layer is computed at once
    at_once : fill a chunk by a few large operations instead of many small ones
    """

    def __init__(
        self,
        maps: Sequence[CoarseMap],
        fine: FineRows,
        fine_branch: nn.Conv2d,
        hidden: tuple[Tensor, Tensor],
        project: tuple[Tensor, Tensor],
        size: tuple[int, int],
        chunk: int = CHUNK,
        at_once: bool = False,
    ) -> None:
        self.maps, self.fine, self.fine_branch = list(maps), fine, fine_branch
        self.size, self.at_once = size, at_once
        # the second layer's bias rides on a hidden channel that is always one: a pass over the output saved
        self._project_weight = torch.cat([project[0], project[1][None], project[0].new_zeros(PAD - 1, len(project[1]))])
        self.groups: dict[tuple[int, float], list[CoarseMap]] = {}
        for coarse in self.maps:
            self.groups.setdefault((coarse.stride, coarse.centre), []).append(coarse)
        width = size[1]
        self.block = math.lcm(32, *(coarse.stride for coarse in self.maps))
        self.blocks = -(-width // self.block)
        like = hidden[0]
        self.lattices = [
            Lattice.of(stride, centre, group[0].values.shape[-1], self.block, self.blocks)
            for (stride, centre), group in self.groups.items()
        ]
        self._hidden_layer, self._local = hidden, threading.local()
        many = max(1, chunk // self.block)
        self._columns = min(self.blocks, many)
        self._rows = max(1, many // self._columns)
        counts = [lattice.weights.shape[1] for lattice in self.lattices]
        starts = [sum(counts[:k]) for k in range(len(counts))]
        self._slots = [slice(start, start + count) for start, count in zip(starts, counts, strict=True)]
        self._fine_slot = slice(sum(counts), sum(counts) + like.shape[0])
        self._index = [lattice.columns.to(like.device) for lattice in self.lattices]

    def _buffers(self) -> tuple[Tensor, Tensor, Tensor]:
        """This thread's memory for a chunk: left (N, B, K), right (N, K, H) and their product; what stays is set."""
        known: tuple[Tensor, Tensor, Tensor] | None = getattr(self._local, "buffers", None)
        if known is not None:
            return known
        weight, bias = self._hidden_layer
        fine, many, channels = self._fine_slot, self._columns * self._rows, weight.shape[1]
        left = weight.new_empty(many, self.block, fine.stop + 1)
        left[:, :, : fine.start] = torch.cat([lattice.weights for lattice in self.lattices], 1).to(weight)
        left[:, :, -1] = 1
        right = weight.new_zeros(many, fine.stop + 1, channels + PAD)
        right[:, fine, :channels] = weight
        right[:, -1, :channels] = bias
        right[:, -1, channels] = 1
        self._local.buffers = left, right, weight.new_empty(many, self.block, channels + PAD)
        return self._buffers()

    def fill(self, first: int, last: int, out: Tensor) -> None:
        """Write features of image rows first..last-1 into `out` (last - first, W, D), contiguous."""
        width = self.size[1]
        grids = [self._grid_rows(k, first, last) for k in range(len(self.lattices))]
        layer = self.fine_branch
        fine = F.relu_(F.conv2d(self.fine(first - 1, last + 1), layer.weight, layer.bias, padding=(0, 1)))
        whole = self.blocks * self.block
        fine = F.pad(fine, (0, whole - fine.shape[-1])) if fine.shape[-1] < whole else fine[..., :whole]
        lines = fine[0].permute(1, 2, 0).reshape(last - first, self.blocks, self.block, -1)
        for top in range(first, last, self._rows):
            bottom = min(top + self._rows, last)
            for left in range(0, self.blocks, self._columns):
                right = min(left + self._columns, self.blocks)
                inner = self._hidden(grids, lines, first, (top, bottom), (left, right))
                target = out[top - first : bottom - first, left * self.block : min(right * self.block, width)]
                self._project(inner, target)

    def _grid_rows(self, number: int, first: int, last: int) -> GridRows:
        """One group's hidden rows under image rows first..last-1, and for each of these the two rows and the weight."""
        (stride, centre), group = list(self.groups.items())[number]
        cells = group[0].values.shape[-2]
        places = []
        for row in range(first, last):
            position = min(max((row - centre) / stride, 0.0), cells - 1.0)
            low = min(int(position), max(cells - 2, 0))
            places.append((low, min(low + 1, cells - 1), position - low))
        top, bottom = places[0][0], places[-1][1] + 1
        rows = group[0].hidden(top, bottom)
        for coarse in group[1:]:
            rows += coarse.hidden(top, bottom)
        rows = rows.index_select(1, self._index[number])
        return rows, [(low - top, high - top, weight) for low, high, weight in places]

    def _hidden(
        self,
        grids: list[GridRows],
        lines: Tensor,
        origin: int,
        rows: tuple[int, int],
        blocks: tuple[int, int],
    ) -> Tensor:
        """The hidden layer (rows, blocks * B, H) of a chunk."""
        wide = blocks[1] - blocks[0]
        many = (rows[1] - rows[0]) * wide
        left, right, inner = (buffer[:many] for buffer in self._buffers())
        if self.at_once:
            self._fill_at_once(grids, lines, range(rows[0] - origin, rows[1] - origin), blocks, (left, right))
        else:
            self._fill_by_rows(grids, lines, range(rows[0] - origin, rows[1] - origin), blocks, (left, right))
        torch.bmm(left, right, out=inner)
        return inner.relu_().view(rows[1] - rows[0], wide * self.block, -1)

    def _fill_by_rows(
        self, grids: list[GridRows], lines: Tensor, rows: range, blocks: tuple[int, int], sides: tuple[Tensor, Tensor]
    ) -> None:
        """Write a chunk's left and right sides, row by row: nothing passes through memory twice."""
        left, right = sides
        wide = blocks[1] - blocks[0]
        for offset, row in enumerate(rows):
            part = slice(offset * wide, (offset + 1) * wide)
            left[part, :, self._fine_slot] = lines[row, blocks[0] : blocks[1]]
            for (values, places), lattice, slot in zip(grids, self.lattices, self._slots, strict=True):
                low, high, weight = places[row]
                target = right[part, slot, : values.shape[2]]
                count = target.shape[1]
                window = [_windows(values[k], blocks[0] * lattice.step, wide, lattice.step, count) for k in (low, high)]
                if weight == 0 or low == high:
                    target.copy_(window[0])
                else:
                    torch.lerp(window[0], window[1], weight, out=target)

    def _fill_at_once(
        self, grids: list[GridRows], lines: Tensor, rows: range, blocks: tuple[int, int], sides: tuple[Tensor, Tensor]
    ) -> None:
        """The same in a few operations over all rows, as a GPU wants it."""
        left, right = sides
        wide = blocks[1] - blocks[0]
        shape = (len(rows), wide)
        left.view(*shape, *left.shape[1:])[..., self._fine_slot] = lines[rows.start : rows.stop, blocks[0] : blocks[1]]
        for (values, places), lattice, slot in zip(grids, self.lattices, self._slots, strict=True):
            low, high, weight = zip(*places[rows.start : rows.stop], strict=True)
            device = values.device
            above, below = (values[torch.tensor(cells, device=device)] for cells in (low, high))
            mixed = torch.lerp(above, below, torch.tensor(weight, dtype=values.dtype, device=device)[:, None, None])
            count = slot.stop - slot.start
            line, cell = mixed.stride(0), mixed.stride(1)
            windows = mixed[:, blocks[0] * lattice.step :].as_strided(
                (*shape, count, mixed.shape[2]), (line, lattice.step * cell, cell, 1)
            )
            right.view(*shape, *right.shape[1:])[:, :, slot, : mixed.shape[2]] = windows

    def _project(self, inner: Tensor, out: Tensor) -> None:
        """The second 1x1 layer into `out` (rows, columns, D), whose columns may be fewer than the blocks'."""
        weight = self._project_weight
        if inner.shape[1] == out.shape[1] and out.is_contiguous():
            torch.mm(inner.flatten(0, 1), weight, out=out.view(-1, out.shape[-1]))
            return
        for line, target in zip(inner, out, strict=True):
            torch.mm(line[: target.shape[0]], weight, out=target)


def _windows(row: Tensor, start: int, many: int, step: int, count: int) -> Tensor:
    """Overlapping windows (many, count, H) of a row's cells (w, H), without a copy."""
    return row[start:].as_strided((many, count, row.shape[1]), (step * row.stride(0), row.stride(0), 1))
