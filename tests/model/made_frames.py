"""A disc that moves over a patterned wall, with features that tell them apart, and its masks."""

from __future__ import annotations

import numpy as np

H, W = 72, 96


def wall():
    """(H, 2 W, 3) a pattern with something to follow everywhere."""
    rng = np.random.default_rng(5)
    blocks = rng.random((H // 6, 2 * W // 6, 3)).repeat(6, 0).repeat(6, 1)
    return (0.25 + 0.4 * blocks).astype(np.float32)


def frame(number, step=3, pan=0):
    """The frame's picture, features (H, W, 6) and the mask of the disc."""
    y, x = np.mgrid[:H, :W]
    mask = np.hypot(y - 36, x - 24 - step * number) < 14
    image = wall()[:, pan * number : pan * number + W].copy()
    stripes = (0.6 + 0.3 * (((x - step * number) // 4 + y // 4) % 2))[..., None] * np.array([1.0, 0.55, 0.3])
    image[mask] = stripes[mask]
    rng = np.random.default_rng(number)
    features = 0.3 * rng.standard_normal((H, W, 6))
    features[mask] += (1, 1, 0, 0, 0, 0)
    features[~mask] += (0, 0, 1, 1, 0, 0)
    return image.astype(np.float32), features.astype(np.float32), mask


def iou(alpha, mask):
    """Of what is above 1/2."""
    taken = alpha > 0.5
    return (taken & mask).sum() / (taken | mask).sum()
