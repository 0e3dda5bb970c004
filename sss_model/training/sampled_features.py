"""Features at sampled pixels of an image, averaged over the scales at which the network sees it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sss_model.network.grid_maps import FeatureNet


class SampledFeatures(nn.Module):
    """Features at sampled pixels as one module's `forward`, which is what DDP watches.

    Parameters
    ----------
    scales : the image is resized to each of these times its size, and the features are averaged
    """

    def __init__(self, network: FeatureNet, scales: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        self.network, self.scales = network, tuple(scales)

    def forward(self, images: Tensor, points: Tensor) -> Tensor:
        """Features (N, P, D) of `images` (N, 3, H, W) at `points` (N, P, 2), x then y."""
        return torch.stack([self._at_scale(images, points, scale) for scale in self.scales]).mean(0)

    def _at_scale(self, images: Tensor, points: Tensor, scale: float) -> Tensor:
        height, width = images.shape[-2:]
        size = max(1, round(height * scale)), max(1, round(width * scale))
        if size == (height, width):
            return self.network.features_at(self.network.branches(images), points)
        resized = F.interpolate(images, size, mode="bilinear", antialias=True)
        factors = points.new_tensor([size[1] / width, size[0] / height], dtype=resized.dtype)
        places = (points + 0.5) * factors - 0.5  # the same places, in pixels of the resized image
        return self.network.features_at(self.network.branches(resized), places)
