"""What the benchmark compares with: the literal network, step and segmentation, OpenCV, scikit-learn, kornia."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sss_model.image_io import read_image
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.storage.shipped_files import SAMPLE, resource
from sss_model.training.loss import training_loss
from sss_model.training.optimiser import set_training_mode
from sss_model.training.params import TrainParams
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


def kornia_and_torch(image: Tensor, features: Tensor) -> Tensor:
    """Kornia's guided filter and torch's PCA on the device that the tensors (1, C, H, W) are on."""
    from kornia.filters import guided_blur

    filtered = guided_blur(image, features, 2 * RADIUS + 1, EPS)[0].flatten(1).T
    centred = filtered - filtered.mean(0)
    axes = torch.linalg.eigh(centred.T @ centred)[1][:, -3:]
    projected = centred @ axes
    low, high = projected.amin(0), projected.amax(0)
    torch.cuda.synchronize()
    return (projected - low) / (high - low)


def graph_cut(image: np.ndarray) -> np.ndarray:
    """scikit-image's superpixels and normalised cut of their colours, labels (H, W)."""
    from skimage import graph, segmentation

    labels = segmentation.slic(image, n_segments=400, start_label=0)
    return graph.cut_normalized(labels, graph.rag_mean_color(image, labels, mode="similarity"))


@dataclass(frozen=True)
class StepComparison:
    """Seconds of processor time of a training step, sampled and literal, and |g - g'| / |g'| of their gradients."""

    sampled: float
    literal: float
    gradient_difference: float


def grab_cut(image: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Whether each pixel belongs to the thing within the middle of the picture that is at `keep` (H, W): GrabCut."""
    import cv2

    height, width = keep.shape
    mask = np.full(keep.shape, cv2.GC_BGD, np.uint8)
    mask[height // 8 : -height // 8, width // 8 : -width // 8] = cv2.GC_PR_FGD
    mask[keep] = cv2.GC_FGD
    picture = np.round(image[..., ::-1] * 255).astype(np.uint8)
    cv2.grabCut(picture, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    return np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))


def compare_steps(params: TrainParams, *, side: int = 320, repeats: int = 3, double: bool = False) -> StepComparison:
    """What sampling before the head saves in the step of `params` on a random image of `side` x `side` pixels.

    The literal step upsamples and concatenates every branch at full resolution, runs the 1x1 layers on every pixel and
    then gathers the sampled ones. Both give the same features, so their gradients differ by rounding only.

    Parameters
    ----------
    params : network, sampling, loss and what is frozen; dropout is left out, whose noise would differ
    repeats : the best of so many is reported
    double : compute in float64, where the gradients agree far closer than float32 can tell
    """
    dtype = torch.float64 if double else torch.float32
    torch.manual_seed(params.run.seed)
    network = build_network(replace(params.network, dropout=0.0)).to(dtype)
    set_training_mode(network, params.optimiser, frozen=False)
    image = torch.rand(1, 3, side, side, dtype=dtype)
    sampling = params.sampling
    labels = torch.arange(sampling.instances).repeat_interleave(sampling.pixels).repeat(sampling.samplings, 1)
    points = torch.randint(0, side, (1, labels.numel(), 2))

    def step(features: Callable[[], Tensor]) -> tuple[float, Tensor]:
        best = float("inf")
        for _ in range(repeats):
            network.zero_grad(set_to_none=True)
            begun = time.process_time()
            loss = training_loss(features().reshape(*labels.shape, -1), labels, params.loss)
            loss.backward()  # type: ignore[no-untyped-call]
            best = min(best, time.process_time() - begun)
        return best, torch.cat([p.grad.reshape(-1) for p in network.parameters() if p.grad is not None])

    sampled, one = step(lambda: network.features_at(network.branches(image), points)[0])
    full, two = step(lambda: network.literal(image)[0, :, points[0, :, 1], points[0, :, 0]].T)
    return StepComparison(sampled, full, float((one - two).norm() / two.norm()))


def version(*packages: str) -> str:
    """'name 1.2 + name 3.4'; raises PackageNotFoundError where one is not installed."""
    return " + ".join(f"{name} {metadata.version(name)}" for name in packages)
