"""Where a network's cells lie in the image: each stage's stride and receptive-field centre, found by a dry run.

A convolution or pooling with kernel k, dilation d, stride s and `before` pixels of padding puts the centre of its first
cell at (k - 1) d / 2 - before of its input's cells. Along the network these add up, each times the stride so far:
symmetric padding leaves centres on pixel 0, TensorFlow's SAME puts them at stride - 1, patches at (stride - 1) / 2.
Where ways of different centres meet (a pooled shortcut beside a strided kernel), the larger kernel's counts.
The dry run computes nothing: the tensors are on torch's meta device and have shapes only.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sss_model.filtering.parallel import alone


@dataclass(frozen=True)
class Trace:
    """What a dry run saw.

    Attributes
    ----------
    size : (H, W) of the image
    maps : the shapes (C, h, w) of the network's outputs, in order
    strides : image rows to a row of each output
    centres : the pixel on which each output's first row is centred
    """

    size: tuple[int, int]
    maps: list[tuple[int, int, int]]
    strides: list[int]
    centres: list[float]


_SMALL = 10_000_000  # weights


def trace_grids(net: nn.Module, channels: list[int], height: int, width: int) -> Trace:
    """A dry run of `net`, whose forward returns a list of maps, on an image of `height` x `width`.

    Parameters
    ----------
    channels : of each output; tells channel-last maps from channel-first ones
    height, width : multiples of the network's stride, different from each other

    Raises
    ------
    Exception : whatever the network raises on an image of this size
    """
    seen: dict[int, tuple[int, int, float]] = {}
    hooks = [module.register_forward_hook(_recorder(seen)) for module in net.modules() if not list(module.children())]
    try:
        outputs = run_for_shapes(net, (1, 3, height, width))
    finally:
        for hook in hooks:
            hook.remove()
    maps = []
    for values, count in zip(outputs, channels, strict=True):
        _, depth, rows, columns = to_channel_first(values, count).shape
        maps.append((depth, rows, columns))
    grids = {rows for _, rows, _ in maps}
    centres = [_centre(seen, height, rows, grids) for _, rows, _ in maps]
    return Trace((height, width), maps, [max(1, height // rows) for _, rows, _ in maps], centres)


def to_channel_first(values: Tensor, channels: int) -> Tensor:
    """`values` as (N, C, h, w), whichever way round the network returns its maps."""
    if values.shape[1] != channels and values.shape[-1] == channels:
        return values.permute(0, 3, 1, 2)
    return values


@torch.no_grad()
def run_for_shapes(module: nn.Module, shape: tuple[int, ...]) -> Any:
    """What `module` returns for an input of `shape`, of which only the shapes mean something.

    Large networks compute nothing; for small ones the arithmetic takes less time than torch's Python code for shapes.
    """
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        return _run(module, shape)
    finally:
        for part, training in modes:
            part.training = training


def _run(module: nn.Module, shape: tuple[int, ...]) -> Any:
    state = dict(module.named_parameters()) | dict(module.named_buffers())
    if sum(tensor.numel() for tensor in state.values()) > _SMALL:
        empty = {name: torch.empty_like(tensor, device="meta") for name, tensor in state.items()}
        with contextlib.suppress(RuntimeError, NotImplementedError):  # tensors of no state, operations without shapes
            return torch.func.functional_call(module, empty, (torch.empty(shape, device="meta"),))
    device = next((tensor.device for tensor in state.values()), torch.device("cpu"))
    with alone():
        return module(torch.zeros(shape, device=device))


def _recorder(seen: dict[int, tuple[int, int, float]]) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    """A hook that notes each step to a coarser grid: input rows -> (output rows, kernel, offset in input cells)."""

    def record(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        if not inputs or not isinstance(output, Tensor) or not isinstance(inputs[0], Tensor):
            return
        before, after = inputs[0], output
        if before.ndim != 4 or after.ndim != 4 or not hasattr(module, "stride"):
            return
        rows, coarse = int(before.shape[2]), int(after.shape[2])
        kernel = _first(getattr(module, "kernel_size", getattr(module, "filt_size", 0)))
        # a coarser grid beside it is attention's own, and a smaller kernel is a shortcut's: not the picture's way
        if 1 < coarse < rows and (coarse, kernel) >= seen.get(rows, (0, 0, 0.0))[:2]:
            seen[rows] = (coarse, kernel, _offset(module, rows, kernel))

    return record


def _offset(module: nn.Module, rows: int, kernel: int) -> float:
    """Where the first output cell's centre lies, in input cells."""
    stride, dilation = _first(getattr(module, "stride", 1)), _first(getattr(module, "dilation", 1))
    reach = (kernel - 1) * dilation
    padding = getattr(module, "padding", 0)
    if type(module).__name__.endswith(("Same", "SameExport")) or padding == "same":
        before = float(max((math.ceil(rows / stride) - 1) * stride + reach + 1 - rows, 0) // 2)
    else:
        before = float(_first(padding))
    return reach / 2 - before


def _centre(seen: dict[int, tuple[int, int, float]], rows: int, target: int, grids: set[int]) -> float:
    """The centre, in image pixels, of the first cell of the grid with `target` rows."""
    centre, stride = 0.0, 1.0
    while rows > target:
        if rows in seen:
            coarse, _, offset = seen[rows]
        else:  # cells merged by reshaping, as patches are
            coarse = max((size for size in (*seen, *grids) if target <= size < rows), default=target)
            offset = (rows / coarse - 1) / 2
        centre += stride * offset
        stride *= rows / coarse
        rows = coarse
    return centre


def _first(value: Any) -> int:
    return int(value[0]) if isinstance(value, tuple | list) else int(value)
