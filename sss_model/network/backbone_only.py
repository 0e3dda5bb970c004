"""A backbone's own stages as features, without a head: what DINO, or any network, knows of an image as it comes.

Every stage's vector is brought to unit length at every pixel and the stages are laid end to end, so that each has the
same say in a distance.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from sss_model.network.backbone import Backbone
from sss_model.network.grid_maps import BranchMaps, FeatureNet, GridMap, HiddenMaps, placed_taps
from sss_model.params import NetworkParams


class BackboneOnlyNet(FeatureNet):
    """Image (N, 3, H, W), RGB in [0, 1] -> features (N, D, H, W), D the sum of the stages' channels.

    A stage's vectors are normalised on its own grid, so that no cell outweighs its neighbours in between, and again
    after the bilinear upsampling. The input itself is no feature here.
    """

    backbone: Backbone

    def __init__(self, backbone: Backbone, params: NetworkParams) -> None:
        super().__init__()
        self.params = params
        self.backbone = backbone
        self.feature_channels = sum(tap.channels for tap in backbone.taps[1:])

    def branches(self, images: Tensor) -> BranchMaps:
        """The stages, of unit length on their own grids."""
        taps = placed_taps(self.backbone, images, self.params.alignment == "centred")[1:]
        maps = [GridMap(F.normalize(tap.values, dim=1), tap.stride, tap.centre) for tap in taps]
        return BranchMaps(maps, (images.shape[-2], images.shape[-1]))

    def rows(self, hidden: HiddenMaps, first: int, last: int) -> Tensor:
        """Features (N, D, last - first, W) of image rows first..last-1."""
        grids = (hidden.fine, *hidden.coarse)
        return torch.cat([F.normalize(grid.rows(first, last, hidden.size[1]), dim=1) for grid in grids], 1)

    def features_at(self, branches: BranchMaps, points: Tensor) -> Tensor:
        """Features (N, P, D) at image `points` (N, P, 2), x then y."""
        return torch.cat([F.normalize(grid.at(points), dim=1) for grid in branches.maps], 1).transpose(1, 2)

    def literal(self, images: Tensor) -> Tensor:
        """The same features in one piece, upsampled by torch where the grids lie as it has them."""
        height, width = images.shape[-2:]
        stages = [F.normalize(grid.rows(0, height, width), dim=1) for grid in self.branches(images).maps]
        return torch.cat(stages, 1)
