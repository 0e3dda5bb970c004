"""Stages of an image classification network as a feature pyramid.

One interface over torchvision's atrous ResNet-101 (the paper's) and every network that timm knows by name. A backbone
takes RGB in [0, 1], normalises it as its weights expect, and returns the input and four stages, fine to coarse.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from sss_model.errors import ParameterError

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
    """Any timm network by name: for a pyramid the stages of stride 4, 8 and the two deepest; for a vision transformer,
    whose blocks share one stride, four blocks evenly spread up to the last.
    """

    def __init__(self, name: str, output_stride: int | None = None, *, pretrained: bool = False) -> None:
        net, chosen = _timm_stages(name, output_stride, pretrained)
        info = net.feature_info
        channels, strides = info.channels(), info.reduction()
        same = name.startswith(("tf_", "mobilenetv3_large_minimal")) or "_tf_" in name
        patch = len(set(strides)) == 1
        taps = []
        for k in chosen:
            stride = int(strides[k])
            # TensorFlow's SAME padding adds its odd pixel at the end, so windows start, and centres lie, further right
            centre = (stride - 1) / 2 if patch else float(stride - 1) if same else 0.0
            taps.append(Tap(int(channels[k]), stride, centre))
        config = net.pretrained_cfg if hasattr(net, "pretrained_cfg") else net.default_cfg
        super().__init__(taps, max(int(s) for s in strides), config["mean"], config["std"])
        self.net = net
        self._chosen = chosen

    def stages(self, normalised: Tensor) -> list[Tensor]:
        maps = self.net(normalised)
        return [maps[k] for k in self._chosen]


def _timm_stages(name: str, output_stride: int | None, pretrained: bool) -> tuple[nn.Module, list[int]]:
    """The timm network returning features, and which of its outputs are the taps."""
    import timm

    if not timm.is_model(name):
        near = timm.list_models(f"*{name.split('_')[0]}*")[:5]
        raise ParameterError(
            f"No backbone is called {name!r}; expected resnet101 or a timm name.",
            hint="Close names: " + ", ".join(near) if near else "timm.list_models() lists them.",
        )
    options: dict[str, object] = {"features_only": True, "pretrained": pretrained}
    if output_stride is not None and output_stride < 32:
        options["output_stride"] = output_stride
    try:
        net = timm.create_model(name, **options)
    except (TypeError, NotImplementedError, RuntimeError, AssertionError) as error:
        raise ParameterError(f"The backbone {name} cannot be built with output stride {output_stride}: {error}") from error
    count = len(net.feature_info.channels())
    return net, list(range(max(0, count - 4), count))


def build_backbone(name: str, output_stride: int, *, pretrained: bool = False) -> Backbone:
    """The backbone called `name` with random weights, or timm's cached ones if `pretrained`.

    Parameters
    ----------
    name : `resnet101` (torchvision) or any name that timm knows
    output_stride : stride of the deepest stage, pixels; where the network has it smaller by nature, that stays
    """
    if name == "resnet101":
        return ResNetBackbone(output_stride)
    return TimmBackbone(name, output_stride, pretrained=pretrained)


def freeze_norm_layers(module: nn.Module) -> None:
    """Put every batch-norm layer of `module` into evaluation mode: stored statistics, as with one image a batch."""
    for layer in module.modules():
        if isinstance(layer, nn.modules.batchnorm._BatchNorm):
            layer.eval()


def stride_of(backbone: Backbone) -> int:
    """The multiple, in pixels, to which images are padded before they enter."""
    return cast(int, backbone.multiple)
