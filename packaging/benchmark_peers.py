"""What the benchmark compares with: the literal network, OpenCV and scikit-learn, kornia; and its pictures."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from sss_model.image_io import read_image
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.storage.shipped_files import SAMPLE, resource
from sss_model.weights.checkpoint import Checkpoint, load_network

RADIUS, EPS = 5, 0.01


def sample(height: int, width: int) -> np.ndarray:
    """The shipped sample picture at another size, float32."""
    image = torch.from_numpy(read_image(resource(SAMPLE))).permute(2, 0, 1)[None]
    scaled = torch.nn.functional.interpolate(image, (height, width), mode="bilinear", antialias=True)
    return scaled[0].permute(1, 2, 0).clamp(0, 1).contiguous().numpy()


def paper_checkpoint() -> Checkpoint:
    """The supplement's network with ResNet-101 and random weights."""
    torch.manual_seed(0)
    network = build_network(NetworkParams())
    return Checkpoint(Path("resnet101.safetensors"), network.params, network.state_dict(), {}, "")


def literal(network: FeatureNet, image: np.ndarray) -> np.ndarray:
    """Upsample every branch, concatenate, 1x1, ReLU, 1x1."""
    with torch.inference_mode():
        device = next(network.parameters()).device
        batch = torch.from_numpy(image).permute(2, 0, 1)[None].to(device)
        return network.literal(batch)[0].permute(1, 2, 0).cpu().numpy()


def network_of(checkpoint: Checkpoint | None) -> FeatureNet:
    return load_network(checkpoint)[0]


def opencv_and_sklearn(image: np.ndarray, features: np.ndarray) -> np.ndarray:
    """OpenCV's guided filter, its guide reused for every channel, then scikit-learn's PCA, then [0, 1]."""
    import cv2
    from sklearn.decomposition import PCA

    kernel = cv2.ximgproc.createGuidedFilter(image, RADIUS, EPS)
    filtered = np.empty_like(features)
    for channel in range(features.shape[2]):
        filtered[..., channel] = kernel.filter(np.ascontiguousarray(features[..., channel]))
    projected = PCA(3).fit_transform(filtered.reshape(-1, features.shape[2]))
    low, high = projected.min(0), projected.max(0)
    return ((projected - low) / (high - low)).reshape(*image.shape[:2], 3)


def kornia_and_torch(image: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """Kornia's guided filter and torch's PCA on the device that the tensors (1, C, H, W) are on."""
    from kornia.filters import guided_blur

    filtered = guided_blur(image, features, 2 * RADIUS + 1, EPS)[0].flatten(1).T
    centred = filtered - filtered.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred)[1][:, -3:]
    projected = centred @ axes
    low, high = projected.amin(0), projected.amax(0)
    return (projected - low) / (high - low)


def versions(*names: str) -> str:
    """'name 1.2 + name 3.4', or which of them is missing."""
    found = []
    for name in names:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} (not installed)")
    return " + ".join(found)


def missing(*modules: str) -> str:
    """The first of `modules` that cannot be imported, or nothing."""
    for module in modules:
        try:
            __import__(module)
        except ImportError:
            return module
    return ""


def alternate(ways: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """The best time of each way in seconds, taken in turn so that a busy machine slows all; one round first to warm."""
    best = dict.fromkeys(ways, float("inf"))
    for turn in range(repeats + (repeats > 1)):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            elapsed = time.perf_counter() - start
            if turn or repeats == 1:
                best[name] = min(best[name], elapsed)
    return best
