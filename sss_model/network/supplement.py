"""The supplement's network: backbone stages -> 3x3 branches -> hypercolumn -> two 1x1 layers -> D numbers a pixel.

Aksoy et al. 2018, supplementary material, section 1 and Fig. 1. The literal computation upsamples every branch to the
image's size and concatenates 1024 channels there (`FeatureNet.literal`, kept as the oracle). A 1x1 layer commutes with
bilinear upsampling, so the first one runs on each branch's own grid (`fuse`), grids of one stride add up before they
are upsampled, and what follows acts per pixel and can be had in row stripes (`rows`): the same numbers, no such tensor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sss_model.errors import ParameterError
from sss_model.network.backbone import Backbone, build_backbone
from sss_model.network.point_sampling import sum_at
from sss_model.params import NetworkParams

COLUMNS = 512  # image columns upsampled by one matrix


@dataclass
class GridMap:
    """A map (N, C, h, w) whose cell i has its centre at image pixel `centre + i * stride`; strides are (y, x)."""

    values: Tensor
    stride: tuple[float, float]
    centre: float

    def source(self, pixels: Tensor, axis: int) -> Tensor:
        """Positions of image `pixels` along `axis` (2: y, 3: x), in cells, kept inside the grid as at borders."""
        exact = pixels.to(torch.promote_types(self.values.dtype, torch.float32))
        return ((exact - self.centre) / self.stride[axis - 2]).clamp(0, self.values.shape[axis] - 1)

    def at(self, points: Tensor) -> Tensor:
        """Bilinear values (N, C, P) at image `points` (N, P, 2), x then y."""
        height, width = self.values.shape[-2:]
        x = self.source(points[..., 0], 3) * (2 / max(width - 1, 1)) - 1
        y = self.source(points[..., 1], 2) * (2 / max(height - 1, 1)) - 1
        grid = torch.stack([x, y], -1)[:, :, None].to(self.values.dtype)
        return F.grid_sample(self.values, grid, "bilinear", "border", align_corners=True)[..., 0]

    def rows(self, first: int, last: int, width: int) -> Tensor:
        """Bilinear values (N, C, last - first, width) of image rows first..last-1."""
        values, device = self.values, self.values.device
        if self.stride == (1, 1) and self.centre == 0:
            return values[..., first:last, :width]
        low, high, weight = self._between(torch.arange(first, last, device=device), 2)
        values = torch.lerp(values.index_select(2, low), values.index_select(2, high), weight.view(-1, 1))
        parts = []
        for start in range(0, width, COLUMNS):
            low, high, weight = self._between(torch.arange(start, min(start + COLUMNS, width), device=device), 3)
            left, right = int(low[0]), int(high[-1]) + 1
            # a matrix with two entries a column: most of its products are with zero, and it is still the fastest way
            matrix = values.new_zeros(len(low), right - left)
            matrix.scatter_add_(1, (low - left)[:, None], (1 - weight)[:, None])
            matrix.scatter_add_(1, (high - left)[:, None], weight[:, None])
            parts.append(values[..., left:right] @ matrix.t())
        return torch.cat(parts, 3) if len(parts) > 1 else parts[0]

    def _between(self, pixels: Tensor, axis: int) -> tuple[Tensor, Tensor, Tensor]:
        """For image `pixels` along `axis`: the cell before, the cell after, and the share of the second."""
        cells = self.values.shape[axis]
        position = self.source(pixels, axis)
        low = position.floor().long().clamp(max=max(cells - 2, 0))
        return low, (low + 1).clamp(max=cells - 1), (position - low).to(self.values.dtype)


@dataclass
class BranchMaps:
    """What the network knows of an image before any full-resolution tensor: one map a branch, each on its own grid."""

    maps: list[GridMap]
    size: tuple[int, int]


@dataclass
class HiddenMaps:
    """The first 1x1 layer applied on the branches' grids: the fine branch, and one hidden map a coarse grid."""

    fine: GridMap
    coarse: list[GridMap]
    size: tuple[int, int]


class FeatureNet(nn.Module):
    """Image (N, 3, H, W), RGB in [0, 1], any H and W -> features (N, D, H, W): what every variant offers.

    `branches` does what is coarse, `fuse` prepares it, `rows` and `features_at` finish it where it is wanted, and
    `literal` is the slow, obvious computation of the same numbers.

    Attributes
    ----------
    params : what rebuilds the network
    feature_channels : D
    """

    params: NetworkParams
    backbone: nn.Module
    feature_channels: int

    def head_parameters(self) -> Iterator[nn.Parameter]:
        """The parameters outside the backbone."""
        inside = {id(parameter) for parameter in self.backbone.parameters()}
        return (parameter for parameter in self.parameters() if id(parameter) not in inside)

    def branches(self, images: Tensor) -> BranchMaps:
        """The branches' maps, each on its own grid."""
        raise NotImplementedError

    def fuse(self, branches: BranchMaps) -> HiddenMaps:
        """What can be computed on the grids before upsampling; exact."""
        return HiddenMaps(branches.maps[0], branches.maps[1:], branches.size)

    def rows(self, hidden: HiddenMaps, first: int, last: int) -> Tensor:
        """Features (N, D, last - first, W) of image rows first..last-1, from `fuse`'s maps."""
        raise NotImplementedError

    def features_at(self, branches: BranchMaps, points: Tensor) -> Tensor:
        """Features (N, P, D) at image `points` (N, P, 2), x then y: what the full map holds there."""
        raise NotImplementedError

    def forward(self, images: Tensor) -> Tensor:
        """Features (N, D, H, W), by the fused path in one piece; `FeatureExtractor` goes in stripes and tiles."""
        return self.rows(self.fuse(self.branches(images)), 0, images.shape[-2])

    def literal(self, images: Tensor) -> Tensor:
        """The same features, computed as they are described."""
        raise NotImplementedError


def placed_taps(backbone: Backbone, images: Tensor, centred: bool) -> list[GridMap]:
    """The maps of `backbone`, the input first, each with its place in the image; `images` (N, 3, H, W) of any size.

    Sides are padded to the backbone's multiple by repeating the border, which moves no cell.
    """
    height, width = images.shape[-2:]
    padded = F.pad(images, (0, -width % backbone.multiple, 0, -height % backbone.multiple), "replicate")
    return [
        GridMap(values, (tap.stride, tap.stride), tap.centre if centred else (tap.stride - 1) / 2)
        for values, tap in zip(backbone(padded), backbone.taps, strict=True)
    ]


class SupplementNet(FeatureNet):
    """The supplement's network on any backbone.

    Sides are padded to the backbone's multiple by repeating the border, and the result is cropped, so that every
    stage's grid keeps its place whatever the size.

    Parameters
    ----------
    backbone : gives the taps
    params : the channels of branches, hidden layer and features; how taps are scaled and placed; dropout
    """

    backbone: Backbone

    def __init__(self, backbone: Backbone, params: NetworkParams) -> None:
        super().__init__()
        widths, count = params.branch_channels, len(backbone.taps)
        if len(widths) != count:
            raise ParameterError(
                f"branch_channels must have {count} entries, one for each tap of {params.backbone}; got {len(widths)}."
            )
        self.params = params
        self.backbone = backbone
        self.branch = nn.ModuleList(
            nn.Conv2d(tap.channels, width, 3, padding=1) for tap, width in zip(backbone.taps, widths, strict=True)
        )
        self.hidden = nn.Conv2d(sum(widths), params.hidden_channels, 1)
        self.project = nn.Conv2d(params.hidden_channels, params.feature_channels, 1)
        self.dropout = nn.Dropout(params.dropout)
        self.feature_channels = params.feature_channels
        for layer in (*self.branch, self.hidden, self.project):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def taps(self, images: Tensor) -> list[GridMap]:
        """The backbone's maps of `images`, the input first, each with its place in the image."""
        return placed_taps(self.backbone, images, self.params.alignment == "centred")

    def branches(self, images: Tensor) -> BranchMaps:
        """3x3 convolution and ReLU on every tap, each on its own grid."""
        return self.branches_of(self.taps(images), (images.shape[-2], images.shape[-1]))

    def branches_of(self, taps: list[GridMap], size: tuple[int, int]) -> BranchMaps:
        """`branches` of an image of `size` (H, W) whose `taps` are at hand."""
        maps = []
        for layer, tap in zip(self.branch, taps, strict=True):
            values = tap.values
            if self.params.tap_scale == "rms" and tap.stride != (1, 1):
                values = values * torch.rsqrt(values.square().mean(1, keepdim=True) + 1e-6)
            maps.append(GridMap(F.relu(layer(values)), tap.stride, tap.centre))
        return BranchMaps(maps, size)

    def fuse(self, branches: BranchMaps) -> HiddenMaps:
        """The first 1x1 layer, slice by slice, on the branches' own grids; grids of one stride add up. Exact."""
        slices = torch.split(self.hidden.weight, list(self.params.branch_channels), 1)
        sums: dict[tuple[tuple[float, float], float], GridMap] = {}
        for grid, weight in zip(branches.maps[1:], slices[1:], strict=True):
            values = F.conv2d(grid.values, weight)
            key = (grid.stride, grid.centre)
            if key in sums:
                values = sums[key].values + values
            sums[key] = GridMap(values, grid.stride, grid.centre)
        return HiddenMaps(branches.maps[0], list(sums.values()), branches.size)

    def rows(self, hidden: HiddenMaps, first: int, last: int) -> Tensor:
        """Features (N, D, last - first, W) of image rows first..last-1, from `fuse`'s maps."""
        width = hidden.size[1]
        fine_weight = self.hidden.weight[:, : self.params.branch_channels[0]]
        total = F.conv2d(hidden.fine.rows(first, last, width), fine_weight, self.hidden.bias)
        for grid in hidden.coarse:
            total = total + grid.rows(first, last, width)
        features: Tensor = self.project(F.relu(total))
        return features

    def features_at(self, branches: BranchMaps, points: Tensor) -> Tensor:
        """Features (N, P, D) at image `points` (N, P, 2), x then y: as the full map has them, at the cost of P pixels.

        In training, dropout acts on the inputs of both 1x1 layers, so these run on the sampled pixels literally.
        """
        if self.training and self.params.dropout > 0:
            column = torch.cat([sum_at([grid], points) for grid in branches.maps], 2)
            inner = F.relu(F.linear(self.dropout(column), self.hidden.weight[:, :, 0, 0], self.hidden.bias))
            return F.linear(self.dropout(inner), self.project.weight[:, :, 0, 0], self.project.bias)
        fused = self.fuse(branches)
        fine_weight = self.hidden.weight[:, : self.params.branch_channels[0], 0, 0]
        total = F.linear(sum_at([fused.fine], points), fine_weight, self.hidden.bias)
        total = total + sum_at(fused.coarse, points)
        return F.linear(F.relu(total), self.project.weight[:, :, 0, 0], self.project.bias)

    def literal(self, images: Tensor) -> Tensor:
        """The same features as the paper describes them: upsample every branch, concatenate, 1x1, ReLU, 1x1."""
        height, width = images.shape[-2:]
        column = torch.cat([grid.rows(0, height, width) for grid in self.branches(images).maps], 1)
        features: Tensor = self.project(self.dropout(F.relu(self.hidden(self.dropout(column)))))
        return features


def build_network(params: NetworkParams) -> FeatureNet:
    """The network that `params` describe, in evaluation mode, with random weights (Xavier outside the backbone)."""
    if params.variant == "released":
        from sss_model.network.authors_release import ReleasedNet

        return ReleasedNet(params).eval()
    backbone = build_backbone(params.backbone, params.output_stride, params.blocks)
    if params.variant == "taps":
        from sss_model.network.backbone_only import TapsNet

        return TapsNet(backbone, params).eval()
    return SupplementNet(backbone, params).eval()
