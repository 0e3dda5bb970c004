"""Maps on grids coarser than the image, and what every network here offers on top of them.

`GridMap` knows where its cells lie in the image, so that values between cells, of whole rows or of single pixels, come
from bilinear interpolation. `FeatureNet` is the interface that extraction and training rely on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sss_model.network.backbone import Backbone
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
