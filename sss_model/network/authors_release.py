"""The network of the authors' published program, which is not the supplement's.

Written to give the numbers that TensorFlow gives with the authors' weights: Caffe's ResNet-101 (the stride on the
first 1x1 of a stage, blue-green-red input minus its means), TensorFlow's SAME padding and legacy bilinear resizing,
a double head of low-rank layers, and 50 pixels of reflection around the image.
"""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sss_model.errors import ParameterError
from sss_model.network.grid_maps import BranchMaps, FeatureNet, GridMap, HiddenMaps
from sss_model.params import NetworkParams

BGR_MEANS = (104.00698793, 116.66876762, 122.67891434)
PAD = 50
NORM_EPS = 1e-3
# stage: number, the names of its blocks, inner channels, stride, atrous rate
STAGES = (
    (2, ("a", "b", "c"), 64, 1, 1),
    (3, ("a", *(f"b{i}" for i in range(1, 4))), 128, 2, 1),
    (4, ("a", *(f"b{i}" for i in range(1, 23))), 256, 1, 2),
    (5, ("a", "b", "c"), 512, 1, 4),
)
TAP_CHANNELS = (3, 64, 512, 1024, 2048)
BRANCH_KERNELS = (1, 1, 1, 3, 3)


class AuthorsReleaseNet(FeatureNet):
    """Image (N, 3, H, W), RGB in [0, 1] -> features (N, D, H, W), as the authors' program computes them.

    The image is reflected 50 pixels outward on every side and the features are cropped back. An image with a side of
    50 pixels or less, which the authors' program cannot take, is reflected to and fro until the 50 pixels are full.
    The ReLU comes after the upsampling here, so no layer can be moved before it; `rows` upsamples one stripe of the
    branches at a time, and the 1024-channel tensor of the whole image never exists.

    Parameters
    ----------
    params : `norm_statistics` says whether batch norm takes the stored statistics or each image's own
    """

    def __init__(self, params: NetworkParams) -> None:
        super().__init__()
        if (params.backbone, params.output_stride, len(params.branch_channels)) != ("resnet101", 8, 5):
            raise ParameterError(
                "The released variant has backbone resnet101, output stride 8 and 5 branches; "
                f"got {params.backbone}, {params.output_stride} and {len(params.branch_channels)}."
            )
        self.params = params
        self.feature_channels = params.feature_channels
        self.backbone = CaffeResNet(params.norm_statistics == "image")
        self.branch = nn.ModuleList(
            nn.Conv2d(channels, width, kernel, padding=kernel // 2)
            for channels, width, kernel in zip(TAP_CHANNELS, params.branch_channels, BRANCH_KERNELS, strict=True)
        )
        hidden = params.hidden_channels
        self.fc1 = LowRankLayer(sum(params.branch_channels), hidden)
        self.fc2 = LowRankLayer(hidden, hidden)
        self.fc3 = nn.Conv2d(2 * hidden, params.feature_channels, 1)
        self.register_buffer("means", torch.tensor(BGR_MEANS).view(1, 3, 1, 1), persistent=False)

    def branches(self, images: Tensor) -> BranchMaps:
        """The branch convolutions on every tap, without ReLU, each on its own grid over the padded image."""
        size = (images.shape[-2], images.shape[-1])
        bgr = images.flip(1) * 255 - cast(Tensor, self.means)
        padded = reflect(reflect(bgr, 2), 3)
        fine = GridMap(self.branch[0](bgr / 128), (1, 1), 0.0)  # a 1x1 layer: the padding would only be cropped
        maps = [fine]
        for layer, tap in zip(list(self.branch)[1:], self.backbone(padded), strict=True):
            values = layer(tap)
            # legacy resizing: source = destination * in / out, with the destination counted from the padding's edge
            ratio = tuple(outer / inner for outer, inner in zip(padded.shape[-2:], values.shape[-2:], strict=True))
            maps.append(GridMap(values, cast(tuple[float, float], ratio), -float(PAD)))
        return BranchMaps(maps, size)

    def rows(self, hidden: HiddenMaps, first: int, last: int) -> Tensor:
        """Features (N, D, last - first, W) of image rows first..last-1."""
        width = hidden.size[1]
        return self.head(torch.cat([grid.rows(first, last, width) for grid in (hidden.fine, *hidden.coarse)], 1))

    def features_at(self, branches: BranchMaps, points: Tensor) -> Tensor:
        """Features (N, P, D) at image `points` (N, P, 2), x then y."""
        column = torch.cat([grid.at(points) for grid in branches.maps], 1)[..., None]
        return self.head(column)[..., 0].transpose(1, 2)

    def head(self, column: Tensor) -> Tensor:
        """Features (N, D, h, w) of the concatenated branches (N, 1024, h, w), before their ReLU."""
        first = F.relu(self.fc1(F.relu(column)))
        second = F.relu(self.fc2(first))
        return cast(Tensor, self.fc3(torch.cat([first, second], 1)))

    def literal(self, images: Tensor) -> Tensor:
        """The same features as the program has them: the padded image in one piece, cropped at the end."""
        bgr = reflect(reflect(images.flip(1) * 255 - cast(Tensor, self.means), 2), 3)
        maps = [layer(tap) for layer, tap in zip(self.branch, [bgr / 128, *self.backbone(bgr)], strict=True)]
        column = torch.cat([resize_legacy(values, bgr.shape[-2], bgr.shape[-1]) for values in maps], 1)
        return self.head(column)[..., PAD:-PAD, PAD:-PAD]


class CaffeResNet(nn.Module):
    """ResNet-101 as Caffe has it, atrous from stage 4 on, output stride 8; SAME padding throughout.

    Parameters
    ----------
    image_statistics : batch norm takes each image's own means and variances instead of the stored ones
    """

    def __init__(self, image_statistics: bool) -> None:
        super().__init__()
        self.conv1 = ConvNorm(3, 64, 7, stride=2, image_statistics=image_statistics)
        channels = 64
        for number, blocks, inner, stride, rate in STAGES:
            stage = nn.ModuleDict()
            for name in blocks:
                stage[name] = Block(channels, inner, stride if name == "a" else 1, rate, name == "a", image_statistics)
                channels = 4 * inner
            self.add_module(f"res{number}", stage)

    def forward(self, bgr: Tensor) -> list[Tensor]:
        """pool1, res3b3, res4b22 and res5c (before its ReLU) of `bgr` (N, 3, H, W), 0 to 255 minus the means."""
        first = F.relu(self.conv1(bgr))
        values = pool1 = F.max_pool2d(pad_same(first, 3, 2, -math.inf), 3, 2)
        taps = [pool1]
        for number, *_ in STAGES:
            for block in cast(nn.ModuleDict, getattr(self, f"res{number}")).values():
                total = block(values)
                values = F.relu(total)
            if number > 2:
                taps.append(total if number == 5 else values)
        return taps


class Block(nn.Module):
    """A bottleneck: 1x1 (with the stride), 3x3 (with the rate), 1x1, and the way around; the sum before its ReLU."""

    def __init__(
        self, channels: int, inner: int, stride: int, rate: int, project: bool, image_statistics: bool
    ) -> None:
        super().__init__()
        outer = 4 * inner
        self.branch1 = ConvNorm(channels, outer, 1, stride, image_statistics=image_statistics) if project else None
        self.branch2a = ConvNorm(channels, inner, 1, stride, image_statistics=image_statistics)
        self.branch2b = ConvNorm(inner, inner, 3, rate=rate, image_statistics=image_statistics)
        self.branch2c = ConvNorm(inner, outer, 1, image_statistics=image_statistics)

    def forward(self, values: Tensor) -> Tensor:
        around = values if self.branch1 is None else self.branch1(values)
        inner = F.relu(self.branch2b(F.relu(self.branch2a(values))))
        return cast(Tensor, around + self.branch2c(inner))


class ConvNorm(nn.Module):
    """A convolution without bias under SAME padding, then batch norm."""

    def __init__(
        self, channels: int, outer: int, kernel: int, stride: int = 1, rate: int = 1, *, image_statistics: bool = False
    ) -> None:
        super().__init__()
        # with stride 1 and an odd kernel SAME is symmetric; a strided 1x1 needs none; conv1 is padded by its size
        padding = rate * (kernel // 2) if stride == 1 else 0
        self.conv = nn.Conv2d(channels, outer, kernel, stride, padding, rate, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, nonlinearity="relu")
        self.norm = Norm(outer, image_statistics)

    def forward(self, values: Tensor) -> Tensor:
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if stride > 1 and kernel > 1:
            values = pad_same(values, kernel, stride, 0.0)
        return cast(Tensor, self.norm(self.conv(values)))


class Norm(nn.Module):
    """Batch norm by stored statistics or by each image's own; it never updates the stored ones."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, image_statistics: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))
        self.image_statistics = image_statistics

    def forward(self, values: Tensor) -> Tensor:
        if self.image_statistics:
            return F.instance_norm(values, weight=self.weight, bias=self.bias, eps=NORM_EPS)
        return F.batch_norm(values, self.running_mean, self.running_var, self.weight, self.bias, eps=NORM_EPS)


class LowRankLayer(nn.Module):
    """X W1 W2 + b for every pixel, with half as many channels between the two as come out."""

    def __init__(self, channels: int, outer: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, max(1, outer // 2), 1, bias=False)
        self.second = nn.Conv2d(max(1, outer // 2), outer, 1)

    def forward(self, column: Tensor) -> Tensor:
        return cast(Tensor, self.second(self.first(column)))


def pad_same(values: Tensor, kernel: int, stride: int, fill: float) -> Tensor:
    """`values` (N, C, H, W) padded as TensorFlow's SAME: ceil(size / stride) windows, the odd pixel at the end."""
    pads: list[int] = []
    for size in (values.shape[-1], values.shape[-2]):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return F.pad(values, pads, value=fill)


def reflect(values: Tensor, axis: int) -> Tensor:
    """`values` with 50 pixels of reflection on both ends of `axis`, the edge not repeated; any length."""
    length = values.shape[axis]
    period = max(2 * (length - 1), 1)
    place = torch.arange(-PAD, length + PAD, device=values.device).remainder(period)
    return values.index_select(axis, torch.minimum(place, period - place).clamp(max=length - 1))


def resize_legacy(values: Tensor, height: int, width: int) -> Tensor:
    """TensorFlow's first bilinear resizing: source = destination * in / out, high = min(low + 1, in - 1)."""
    for axis, outer in ((2, height), (3, width)):
        inner = values.shape[axis]
        source = torch.arange(outer, dtype=torch.float32, device=values.device) * (inner / outer)
        low = source.floor().long()
        weight = (source - low).to(values.dtype).view(-1, *[1] * (3 - axis))
        high = (low + 1).clamp(max=inner - 1)
        values = torch.lerp(values.index_select(axis, low), values.index_select(axis, high), weight)
    return values
