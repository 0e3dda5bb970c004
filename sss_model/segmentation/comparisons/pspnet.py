"""PSPNet (Zhao et al. 2017) on a dilated ResNet, for checkpoints that others trained and published.

No package carries such weights; two programs' files are in wide use, and both load here:

- OpenMMLab's `pspnet_r50-d8` (or r101): one file with `backbone.` and `decode_head.`
- CSAIL's `ResNet50dilated + PPM` (or 101): two files, encoder_*.pth and decoder_*.pth, in one folder

The modules below bear OpenMMLab's names. Heads that only training uses are left out; every other name must fit.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models import resnet

from sss_model.errors import CheckpointError
from sss_model.weights.backbone_weights import State, norm_counters, read_content, read_weights
from sss_model.weights.checkpoint import load_state

POOLED = (1, 2, 3, 6)  # cells a side of the pyramid's levels
CHANNELS = 512
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

_TRAINING_ONLY = re.compile(r"^(auxiliary_head|cbr_deepsup|conv_last_deepsup)\.|\._(tmp_running_\w+|running_iter)$")
_SIZED = ("backbone.stem.0.weight", "backbone.stem.6.weight", "decode_head.conv_seg.weight")
_CSAIL_STEM = {"conv1": 0, "bn1": 1, "conv2": 3, "bn2": 4, "conv3": 6, "bn3": 7}
_CSAIL_LAST = {"0": "bottleneck.conv", "1": "bottleneck.bn", "4": "conv_seg"}


class ConvNorm(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))


class DilatedResNet(nn.Module):
    """ResNet whose stem is three 3x3 convolutions and whose last two stages keep stride 8.

    Parameters
    ----------
    stem : channels of the stem's first and last convolution
    depth : 50 or 101
    """

    def __init__(self, stem: tuple[int, int], depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, stride in ((3, stem[0], 2), (stem[0], stem[0], 1), (stem[0], stem[1], 1)):
            layers += [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
        self.stem = nn.Sequential(*layers, nn.MaxPool2d(3, 2, 1))
        build = {50: resnet.resnet50, 101: resnet.resnet101}[depth]
        stages = build(weights=None, replace_stride_with_dilation=[False, True, True])
        first = stages.layer1[0]
        if stem[1] != first.conv1.in_channels:
            first.conv1 = nn.Conv2d(stem[1], first.conv1.out_channels, 1, bias=False)
            first.downsample[0] = nn.Conv2d(stem[1], first.downsample[0].out_channels, 1, bias=False)
        self.layer1, self.layer2, self.layer3, self.layer4 = stages.layer1, stages.layer2, stages.layer3, stages.layer4

    def forward(self, x: Tensor) -> Tensor:
        deepest: Tensor = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(x)))))
        return deepest


class PyramidHead(nn.Module):
    """Averages of the features over 1, 4, 9 and 36 cells, beside the features themselves; then classes."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.psp_modules = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(cells), ConvNorm(features, CHANNELS, 1)) for cells in POOLED
        )
        self.bottleneck = ConvNorm(features + len(POOLED) * CHANNELS, CHANNELS, 3)
        self.conv_seg = nn.Conv2d(CHANNELS, classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        size = list(x.shape[2:])
        levels = [interpolate(level(x), size, mode="bilinear", align_corners=False) for level in self.psp_modules]
        scores: Tensor = self.conv_seg(self.bottleneck(torch.cat([x, *levels], 1)))
        return scores


class PSPNet(nn.Module):
    """Scores of every class: images (B, 3, H, W) in [0, 1] -> (B, classes, about H / 8, about W / 8)."""

    mean: Tensor
    std: Tensor

    def __init__(self, classes: int, *, stem: tuple[int, int] = (32, 64), depth: int = 50) -> None:
        super().__init__()
        self.backbone = DilatedResNet(stem, depth)
        self.decode_head = PyramidHead(2048, classes)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(STD)[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        scores: Tensor = self.decode_head(self.backbone((images - self.mean) / self.std))
        return scores


def load_pspnet(path: Path) -> PSPNet:
    """The network of a published checkpoint, ready to run.

    Parameters
    ----------
    path : OpenMMLab's file, or CSAIL's encoder_*.pth, whose decoder_*.pth stands beside it

    Raises
    ------
    CheckpointError : no such file, no PSPNet on a dilated ResNet, or names that do not fit: it lists every one
    """
    state = {name: tensor for name, tensor in _read(path).items() if not _TRAINING_ONLY.search(name)}
    first, last, classes = (_channels(state, name, path) for name in _SIZED)
    network = PSPNet(classes, stem=(first, last), depth=101 if "backbone.layer3.22.conv1.weight" in state else 50)
    load_state(network, {**norm_counters(network.state_dict()), **state}, path.name)
    return network.eval()


def _channels(state: State, name: str, path: Path) -> int:
    """How many channels the convolution called `name` puts out: at most as many as `state` has numbers for it."""
    weight = state.get(name)
    if weight is not None and weight.ndim == 4 and weight.numel():
        return weight.shape[0]
    some = ", ".join([*list(state)[:5], *(["..."] if len(state) > 5 else [])])
    wrong = f"is missing among {some}" if weight is None else f"has the shape {list(weight.shape)}"
    raise CheckpointError(
        f"{path.name} holds no PSPNet of a known kind: {name} {wrong}.",
        hint="Name a pspnet_r50-d8 of OpenMMLab, or the encoder of CSAIL's ResNet50dilated + PPM.",
    )


def class_names(path: Path) -> tuple[str, ...]:
    """The classes that OpenMMLab's file names, in order; () of files that name none.

    Raises
    ------
    CheckpointError : no such file, or damaged
    """
    if path.suffix == ".safetensors":
        return ()
    content = read_content(path)
    meta = content.get("meta") if isinstance(content, dict) else None
    if not isinstance(meta, dict):
        return ()
    described = meta.get("dataset_meta")
    listed = meta.get("CLASSES") or (described.get("classes") if isinstance(described, dict) else None)
    return tuple(str(name) for name in listed) if isinstance(listed, list | tuple) else ()


def _read(path: Path) -> State:
    """The checkpoint's weights under OpenMMLab's names."""
    if not path.name.startswith("encoder"):
        return read_weights(path)
    decoder = path.with_name("decoder" + path.name.removeprefix("encoder"))
    if path.is_file() and not decoder.is_file():
        raise CheckpointError(f"The decoder of {path.name} is not beside it: expected {decoder}.")
    encoder_state = {_csail_encoder(name): tensor for name, tensor in read_weights(path).items()}
    return encoder_state | {_csail_decoder(name): tensor for name, tensor in read_weights(decoder).items()}


def _csail_encoder(name: str) -> str:
    part, _, rest = name.partition(".")
    return f"backbone.stem.{_CSAIL_STEM[part]}.{rest}" if part in _CSAIL_STEM else f"backbone.{name}"


def _csail_decoder(name: str) -> str:
    if match := re.match(r"ppm\.(\d)\.([12])\.(.+)$", name):
        return f"decode_head.psp_modules.{match[1]}.1.{'conv' if match[2] == '1' else 'bn'}.{match[3]}"
    if match := re.match(r"conv_last\.([014])\.(.+)$", name):
        return f"decode_head.{_CSAIL_LAST[match[1]]}.{match[2]}"
    return name
