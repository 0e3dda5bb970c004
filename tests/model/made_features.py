"""Made-up images and features: like a network's (smooth, few directions, a little noise), and like nothing at all."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def image_like(height, width, seed=0):
    """A picture with flat regions, edges and texture, (H, W, 3) float32 in [0, 1]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    regions = (np.sin(x / 23) + np.cos(y / 17 + x / 41) > 0.3).astype(float) + (y > 0.6 * height + 9 * np.sin(x / 11))
    image = regions[..., None] * rng.uniform(0.1, 0.4, 3) + 0.05 * rng.random((height, width, 3))
    return np.clip(image, 0, 1).astype(np.float32)


def features_like(image, channels=48, seed=0, noise=0.02):
    """Features (H, W, D) float32 that follow the image's regions and vary smoothly, with a falling spectrum."""
    rng = np.random.default_rng(seed)
    height, width = image.shape[:2]
    fields = [gaussian_filter(rng.normal(size=(height, width)), 4 + 2 * (i % 3)) * 12 for i in range(14)]
    fields += [gaussian_filter(image[..., c], 1.5) * 4 for c in range(3)]
    loads = rng.normal(size=(len(fields), channels)) * (0.78 ** np.arange(len(fields)))[:, None]
    values = np.stack(fields, axis=2) @ loads + noise * rng.normal(size=(height, width, channels))
    return (values + rng.normal(size=channels)).astype(np.float32)


def noise_features(height, width, channels=48, seed=0):
    """White noise (H, W, D) float32: every direction counts the same."""
    return np.random.default_rng(seed).normal(size=(height, width, channels)).astype(np.float32)
