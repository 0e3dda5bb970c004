"""The supplement's network: backbone stages -> 3x3 branches -> hypercolumn -> two 1x1 layers -> D numbers a pixel.

Aksoy et al. 2018, supplementary material, section 1 and Fig. 1. The literal computation upsamples every branch to the
image's size and concatenates 1024 channels there (`FeatureNet.literal`, kept as the oracle). A 1x1 layer commutes with
bilinear upsampling, so the first one runs on each branch's own grid (`fuse`), grids of one stride add up before they
are upsampled, and what follows acts per pixel and can be had in row stripes (`rows`): the same numbers, no such tensor.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sss_model.errors import ParameterError
from sss_model.network.backbone import Backbone
from sss_model.network.grid_maps import BranchMaps, FeatureNet, GridMap, HiddenMaps, placed_taps
from sss_model.network.point_sampling import sum_at
from sss_model.params import NetworkParams


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
