"""A backbone cut where its taps are: steps that can run on a band of rows with a known halo, exactly.

A convolutional stage sees no further than the sum of its kernels, so a band of its output needs its input plus a few
rows on either side. Cut at the taps, which are kept anyway, every step's halo is small (20 to 200 pixels for
EfficientNet-Lite2), where that of the whole network is over a thousand: bands are exact and cost little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from sss_model.network.backbone import Backbone, ResNetBackbone, TimmBackbone
from sss_model.network.receptive_field import run_for_shapes

# modules whose output at a cell depends on a bounded neighbourhood, by class name: anything else (attention,
# squeeze-and-excite, pooling of the whole map) forbids bands
LOCAL = {
    *("Sequential", "ModuleList", "Conv2d", "Conv2dSame", "BatchNorm2d", "BatchNormAct2d", "MaxPool2d", "AvgPool2d"),
    *("Identity", "Dropout", "ReLU", "ReLU6", "SiLU", "Hardswish", "Swish", "GELU", "Sigmoid", "DropPath"),
    *(
        "Bottleneck",
        "BasicBlock",
        "InvertedResidual",
        "DepthwiseSeparableConv",
        "EdgeResidual",
        "ConvBnAct",
        "RegStage",
    ),
    *("ConvNeXtStage", "ConvNeXtBlock", "LayerNorm2d", "LayerNorm", "Mlp", "Linear", "ConvNormAct"),
}


@dataclass(frozen=True)
class Cost:
    """What a unit does for one cell of its segment's input: time in arbitrary units, and numbers held at its peak."""

    work: float
    held: float


@dataclass(frozen=True)
class Segment:
    """One step: modules applied in turn that take a map to a coarser one.

    Attributes
    ----------
    name : for progress and plans
    units : the modules
    ratio : input cells to an output cell, on both axes
    halo : rows of the input that a band needs beyond its own, on either side, a multiple of `ratio`
    channels : of the input and of the output
    costs : each unit's, for one cell of the segment's input
    """

    name: str
    units: tuple[nn.Module, ...]
    ratio: int
    halo: int
    channels: tuple[int, int]
    costs: tuple[Cost, ...]

    @classmethod
    def of(cls, name: str, units: Sequence[nn.Module], ratio: int, channels: tuple[int, int]) -> Segment:
        """The segment of `units`, its halo and costs found by looking at them."""
        return cls(name, tuple(units), ratio, halo_of(units, ratio), channels, costs_of(units, ratio, channels[0]))

    @property
    def work(self) -> float:
        """Time for one cell of the input, in arbitrary units."""
        return sum(cost.work for cost in self.costs)

    @property
    def held(self) -> float:
        """Numbers held at the peak for one cell of the input."""
        return max(cost.held for cost in self.costs)


def segments_of(backbone: nn.Module) -> tuple[Segment, ...] | None:
    """The steps from the normalised image to each tap in turn; None where the backbone cannot be cut exactly."""
    groups = _groups_of(backbone)
    if groups is None or not isinstance(backbone, Backbone):
        return None
    segments = []
    for number, (group, before, after) in enumerate(zip(groups, backbone.taps, backbone.taps[1:], strict=False)):
        if not all(type(module).__name__ in LOCAL for unit in group for module in unit.modules()):
            return None
        ratio = after.stride // before.stride
        name = f"network, step {number + 1} of {len(groups)}"
        segments.append(Segment.of(name, group, ratio, (before.channels, after.channels)))
    return tuple(segments)


def _groups_of(backbone: nn.Module) -> list[list[nn.Module]] | None:
    """The modules between the taps, in the order in which they run."""
    if isinstance(backbone, ResNetBackbone):
        layers = (backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4)
        groups = [list(layer.children()) for layer in layers]
        groups[0] = [*backbone.stem.children(), *groups[0]]
        return groups
    if isinstance(backbone, TimmBackbone) and type(backbone.net).__name__ == "EfficientNetFeatures":
        return _efficientnet_groups(backbone)
    if isinstance(backbone, TimmBackbone) and type(backbone.net).__name__ == "FeatureListNet":
        return _list_groups(backbone)
    return None


def _list_groups(backbone: TimmBackbone) -> list[list[nn.Module]] | None:
    """timm's plain rewriting: modules in the order in which they run, some of them with a returned output."""
    net = cast(nn.ModuleDict, backbone.net)
    returned = list(cast("dict[str, object]", net.return_layers))
    chosen = {returned[index] for index in backbone.tap_indices}
    groups: list[list[nn.Module]] = []
    current: list[nn.Module] = []
    for name, module in net.items():
        current += _flattened(module)
        if name in chosen:
            groups.append(current)
            current = []
    return groups if len(groups) == len(chosen) else None


def _flattened(module: nn.Module) -> list[nn.Module]:
    """The modules of nested sequences, in order."""
    if type(module) is not nn.Sequential:
        return [module]
    return [inner for child in module.children() for inner in _flattened(child)]


def _efficientnet_groups(backbone: TimmBackbone) -> list[list[nn.Module]] | None:
    net = backbone.net
    if getattr(net, "feature_hooks", None) is not None:
        return None
    indices: dict[int, int] = net._stage_out_idx  # type: ignore[assignment]  # noqa: SLF001 - timm names them nowhere else
    chosen = {stage for stage, index in indices.items() if index in backbone.tap_indices}
    groups: list[list[nn.Module]] = []
    current: list[nn.Module] = [net.conv_stem, net.bn1]  # type: ignore[list-item]
    for number, stage in enumerate(net.blocks):  # type: ignore[arg-type]
        current += list(stage.children())
        if number + 1 in chosen:
            groups.append(current)
            current = []
    return groups if len(groups) == len(chosen) else None


def halo_of(units: Sequence[nn.Module], ratio: int) -> int:
    """How far, in input cells, `units` with the overall stride `ratio` look beyond their own; rounded up to `ratio`.

    Shortcuts are 1x1 and look nowhere. Where the strides met on the way do not multiply to `ratio` (a stride that is
    on a 1x1 layer), every kernel counts at the coarsest grid: too much, never too little.
    """
    reach, jump, bound = 0, 1, 0
    for unit in units:
        for name, layer in unit.named_modules():
            if not isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)) or "downsample" in name:
                continue
            kernel, stride, dilation = (_side(getattr(layer, key, 1)) for key in ("kernel_size", "stride", "dilation"))
            reach += kernel // 2 * dilation * jump
            bound += kernel // 2 * dilation * ratio
            jump *= stride
    halo = reach if jump == ratio else bound
    return -(-halo // ratio) * ratio


def _side(value: int | tuple[int, ...]) -> int:
    return value if isinstance(value, int) else max(value)


def fold_norms(module: nn.Module) -> None:
    """Fold every batch norm that follows a convolution into it, in place: the same numbers in one pass fewer.

    For inference only: the stored statistics are taken, and the module can no longer be trained or saved.
    """
    previous = ""
    for name, child in list(module.named_children()):
        before = getattr(module, previous, None) if previous else None
        if isinstance(child, nn.BatchNorm2d) and isinstance(before, nn.Conv2d):
            setattr(module, previous, fuse_conv_bn_eval(before, child))
            setattr(module, name, getattr(child, "act", None) or nn.Identity())
        else:
            fold_norms(child)
        previous = name


_ONEDNN = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class PointwiseConv(nn.Conv2d):
    """A 1x1 layer by oneDNN. For small maps, and in one thread, torch takes a way that rounds as the threads go."""

    def forward(self, values: Tensor) -> Tensor:
        if not _ONEDNN or values.device.type != "cpu" or values.dtype != torch.float32:
            return super().forward(values)
        padding = cast("tuple[int, ...]", self.padding)
        result: Tensor = torch.mkldnn_convolution(
            values, self.weight, self.bias, padding, self.stride, self.dilation, self.groups
        )
        return result


def settle_pointwise(module: nn.Module) -> None:
    """Make the 1x1 layers inside `module` give the same numbers in any number of threads, in place."""
    for layer in module.modules():
        if type(layer) is nn.Conv2d and layer.kernel_size == (1, 1):
            layer.__class__ = PointwiseConv


TRAFFIC = 24.0
"""Multiplications that take as long as moving one number; on an AVX-512 core the time of a unit of work is then the
same within a third over the steps of ResNet-101 and EfficientNet-Lite2."""


def costs_of(units: Sequence[nn.Module], ratio: int, channels: int) -> tuple[Cost, ...]:
    """Each unit's cost for one cell of the first one's input (`channels`), found by a dry run that computes nothing."""
    side = max(8 * ratio, 32)
    costs: list[Cost] = []
    shape: tuple[int, ...] = (1, channels, side, side)
    for unit in units:
        tally = _Tally()
        hooks = [leaf.register_forward_hook(tally.count) for leaf in unit.modules() if not list(leaf.children())]
        held = math.prod(shape)
        try:
            shape = tuple(run_for_shapes(unit, shape).shape)
        finally:
            for hook in hooks:
                hook.remove()
        costs.append(Cost(tally.work / side**2, (tally.held + held) / side**2))
    return tuple(costs)


class _Tally:
    """Sums the work of layers as they run, and remembers the most that one of them held."""

    def __init__(self) -> None:
        self.work = self.held = 0.0

    def count(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        moved = inputs[0].numel() + output.numel()
        self.held = max(self.held, moved)
        if isinstance(layer, nn.Conv2d):
            self.work += output.numel() * layer.weight[0].numel()
        if not isinstance(layer, nn.Identity):
            self.work += TRAFFIC * moved
