"""Stages of an image classification network as a feature pyramid.

One interface over torchvision's atrous ResNet-101 (the paper's) and every network that timm knows by name. A backbone
takes RGB in [0, 1], normalises it as its weights expect, and returns the input and four stages, fine to coarse.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm as BatchNorm  # of every dimension

from sss_model.errors import ParameterError, is_out_of_memory
from sss_model.network.light_imports import import_timm
from sss_model.network.receptive_field import Trace, to_channel_first, trace_grids

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Tap(NamedTuple):
    """Where a stage's grid lies: cell i has its centre at image pixel `centre + i * stride`, on both axes."""

    channels: int
    stride: int
    centre: float


class Backbone(nn.Module):
    """A network whose `forward` returns the normalised input and its stages, described by `taps`.

    Attributes
    ----------
    taps : one `Tap` for each returned map; the first is the input itself (3 channels, stride 1)
    multiple : the images' sides must be multiples of this
    """

    mean: Tensor
    std: Tensor

    def __init__(self, taps: Sequence[Tap], multiple: int, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.taps = (Tap(3, 1, 0.0), *taps)
        self.multiple = multiple
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def stages(self, normalised: Tensor) -> list[Tensor]:
        """The stages' maps (N, C, h, w) of a normalised image batch."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps (N, C_k, H / stride_k, W / stride_k) of `images` (N, 3, H, W), RGB in [0, 1]."""
        normalised = (images - self.mean) / self.std
        return [normalised, *self.stages(normalised)]


class ResNetBackbone(Backbone):
    """torchvision's ResNet-101 with atrous convolutions in place of the last strides: DeepLab's backbone.

    The stage of stride 4 has 256 channels, so it is `layer1`; then 512, 1024 and 2048 (res3b3, res4b22, res5c).
    """

    def __init__(self, output_stride: int = 8) -> None:
        from torchvision.models import resnet101

        if output_stride not in (8, 16, 32):
            raise ParameterError(f"resnet101 has output stride 8, 16 or 32, got {output_stride}.")
        strides = [4, 8, min(16, output_stride), min(32, output_stride)]
        # symmetric padding: every cell's receptive field is centred on pixel stride * i
        taps = [Tap(c, s, 0.0) for c, s in zip((256, 512, 1024, 2048), strides, strict=True)]
        super().__init__(taps, output_stride, IMAGENET_MEAN, IMAGENET_STD)
        net = resnet101(weights=None, replace_stride_with_dilation=[False, output_stride < 16, output_stride < 32])
        self.stem = nn.Sequential(net.conv1, net.bn1, net.relu, net.maxpool)
        self.layer1, self.layer2, self.layer3, self.layer4 = net.layer1, net.layer2, net.layer3, net.layer4

    def stages(self, normalised: Tensor) -> list[Tensor]:
        first = self.layer1(self.stem(normalised))
        second = self.layer2(first)
        third = self.layer3(second)
        return [first, second, third, self.layer4(third)]


class TimmBackbone(Backbone):
    """Any timm network by name: of a pyramid the four deepest stages; of a transformer whose blocks share one stride,
    four blocks evenly spread up to the last, each through the final norm layer.

    Parameters
    ----------
    name : as `timm.list_models` has it
    output_stride : stride of the deepest stage, of a pyramid that can be dilated to it; None keeps its own
    blocks : stages or blocks to take instead, counted from 0, or from the end when negative

    Attributes
    ----------
    tap_indices : which of the network's maps are the taps after the input

    Raises
    ------
    ParameterError : no such network, or one that gives no maps, has no such blocks, or is tied to one image size
    """

    def __init__(self, name: str, output_stride: int | None = None, *, blocks: Sequence[int] = ()) -> None:
        net, chosen, channels = _timm_stages(name, output_stride, blocks)
        config = cast(dict[str, Any], net.pretrained_cfg if hasattr(net, "pretrained_cfg") else net.default_cfg)
        stride = max(int(stride) for stride in cast(Any, net.feature_info).reduction())
        multiple, trace = _dry_run(net, name, channels, (stride, int(config["input_size"][-1])))
        taps = [Tap(channels[k], trace.strides[k], trace.centres[k]) for k in chosen]
        super().__init__(taps, multiple, config["mean"], config["std"])
        self.net = net
        self.name = name
        self.tap_indices = chosen

    def stages(self, normalised: Tensor) -> list[Tensor]:
        try:
            maps = self.net(normalised)
        except (AssertionError, IndexError) as error:  # tables of positions that end somewhere
            height, width = normalised.shape[-2:]
            raise ParameterError(f"The backbone {self.name} cannot take {width} x {height} pixels: {error}") from error
        return [to_channel_first(maps[k], tap.channels) for k, tap in zip(self.tap_indices, self.taps[1:], strict=True)]


class BlockTaps(nn.Module):
    """A transformer whose blocks share one stride, as maps (N, C, h, w) of some of its blocks."""

    def __init__(self, model: nn.Module, blocks: Sequence[int]) -> None:
        from timm.models import FeatureInfo

        super().__init__()
        self.model = model
        self.blocks = list(blocks)
        self.pretrained_cfg = model.pretrained_cfg
        self.feature_info = FeatureInfo(cast(Any, model.feature_info), tuple(self.blocks))

    def forward(self, normalised: Tensor) -> list[Tensor]:
        maps = self.model.forward_intermediates(  # type: ignore[operator]
            normalised, indices=self.blocks, norm=True, output_fmt="NCHW", intermediates_only=True
        )
        return cast(list[Tensor], maps)


def _timm_stages(name: str, output_stride: int | None, blocks: Sequence[int]) -> tuple[nn.Module, list[int], list[int]]:
    """The timm network returning maps, which of them are the taps, and the channels of every map."""
    net, dilated = _pyramid(name, output_stride)
    info = cast(Any, net.feature_info)
    channels = [int(count) for count in info.channels()]
    if len(set(info.reduction())) == 1 and hasattr(net, "model"):
        model = cast(Any, _create(name, num_classes=0))
        depth = len(model.feature_info)
        taken = _pick(blocks, depth, name) or sorted({max(0, depth * k // 4 - 1) for k in range(1, 5)})
        model.prune_intermediate_layers(taken, prune_norm=False, prune_head=True)
        return BlockTaps(model, taken), list(range(len(taken))), channels[-1:] * len(taken)
    if not dilated:
        own = max(info.reduction())
        raise ParameterError(
            f"The backbone {name} cannot be dilated to output stride {output_stride}; its own is {own}.",
            hint=f"Ask for output stride {own}.",
        )
    return net, _pick(blocks, len(channels), name) or list(range(max(0, len(channels) - 4), len(channels))), channels


def _pyramid(name: str, output_stride: int | None) -> tuple[nn.Module, bool]:
    """The network as timm cuts it into stages, and whether it has the output stride asked for."""
    if output_stride is None or output_stride >= 32:
        return _create(name, features_only=True), True
    try:
        return _create(name, features_only=True, output_stride=output_stride), True
    except ParameterError:
        return _create(name, features_only=True), False


def _create(name: str, **options: Any) -> nn.Module:
    """A timm network without weights, open to any image size where it can be."""
    timm = import_timm()
    if not timm.is_model(name):
        near = difflib.get_close_matches(name, timm.list_models(), 5, 0.5)
        raise ParameterError(
            f"No backbone is called {name!r}; expected resnet101 or a timm name.",
            hint="Close names: " + ", ".join(near) if near else "timm.list_models() lists them.",
        )
    try:
        try:
            return cast(nn.Module, timm.create_model(name, pretrained=False, dynamic_img_size=True, **options))
        except TypeError:  # most networks have no such option, and take any size as they are
            return cast(nn.Module, timm.create_model(name, pretrained=False, **options))
    except (TypeError, NotImplementedError, RuntimeError, AssertionError, ValueError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        raise ParameterError(f"The backbone {name} cannot give its stages as maps: {error}") from error


def _pick(blocks: Sequence[int], count: int, name: str) -> list[int]:
    """`blocks` counted from 0, in order."""
    if any(not -count <= block < count for block in blocks):
        got = ", ".join(map(str, blocks))
        raise ParameterError(f"{name} has {count} stages or blocks, from 0 to {count - 1}; got {got}.")
    return sorted({block % count for block in blocks})


def _dry_run(net: nn.Module, name: str, channels: list[int], multiples: Sequence[int]) -> tuple[int, Trace]:
    """The first of `multiples` of whose sizes the network takes images, and where the stages' cells lie."""
    for multiple in dict.fromkeys(multiples):
        try:
            trace = trace_grids(net, channels, 2 * multiple, 3 * multiple)
        except (AssertionError, RuntimeError, ValueError, IndexError) as error:
            if is_out_of_memory(error):
                raise
            continue
        if all((s * h, s * w) == trace.size for s, (_, h, w) in zip(trace.strides, trace.maps, strict=True)):
            return multiple, trace
    raise ParameterError(
        f"The backbone {name} does not take images of any size, or its stages do not divide them evenly.",
        hint="Choose a convolutional network, or a transformer with interpolated positions such as DINOv2's.",
    )


def build_backbone(name: str, output_stride: int, blocks: Sequence[int] = ()) -> Backbone:
    """The backbone called `name` with random weights.

    Parameters
    ----------
    name : `resnet101` (torchvision) or any name that timm knows
    output_stride : stride of the deepest stage, pixels; where the network has it smaller by nature, that stays
    blocks : which stages or transformer blocks are the taps; none for four of them

    Examples
    --------
    >>> backbone = build_backbone("resnet18", 32)
    >>> [tap.stride for tap in backbone.taps], [tap.channels for tap in backbone.taps]
    ([1, 4, 8, 16, 32], [3, 64, 128, 256, 512])
    """
    if name == "resnet101" and not blocks:
        return ResNetBackbone(output_stride)
    return TimmBackbone(name, output_stride, blocks=blocks)


def freeze_norm_layers(module: nn.Module) -> None:
    """Put every batch-norm layer of `module` into evaluation mode: stored statistics, as with one image a batch."""
    for layer in module.modules():
        if isinstance(layer, BatchNorm):
            layer.eval()
