"""Networks small enough for tests, as the checkpoints that an extractor takes."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.weights.checkpoint import Checkpoint

LOCAL, GLOBAL = "tf_efficientnet_lite0", "mobilenetv3_small_050"  # the second has squeeze-and-excite


def small_params(backbone: str = LOCAL, **changes: object) -> NetworkParams:
    values = {
        "backbone": backbone,
        "output_stride": 32,
        "branch_channels": (4, 8, 50, 8, 8),  # the second branch is wider than its tap
        "hidden_channels": 16,
        "feature_channels": 8,
        "tap_scale": "rms",
    }
    return NetworkParams.from_dict({**values, **changes})


@cache
def small_checkpoint(backbone: str = LOCAL, **changes: object) -> tuple[FeatureNet, Checkpoint]:
    """A network with random weights whose norms are not the identity, and its checkpoint; shared, so leave them be."""
    torch.manual_seed(0)
    network = build_network(small_params(backbone, **changes))
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.running_mean.uniform_(-0.2, 0.2)
            layer.running_var.uniform_(0.5, 2.0)
    return network, Checkpoint(Path("small.safetensors"), network.params, network.state_dict(), {}, "")


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """An image (H, W, 3) in [0, 1] with structure at every scale."""
    values = np.random.default_rng(seed).random((height, width, 3), np.float32)
    values[: height // 2] *= 0.3
    return values


def literal(network: FeatureNet, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """The features (H, W, D) as the paper computes them."""
    with torch.inference_mode():
        batch = torch.from_numpy(image).permute(2, 0, 1)[None]
        return network.literal(batch)[0].permute(1, 2, 0).numpy()


def difference(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Largest difference over the largest value of `other`."""
    return float(np.abs(one - other).max() / np.abs(other).max())
