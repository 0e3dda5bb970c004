"""Weights and images for checking the released network, the same wherever they are made: by name, from numpy alone."""

from __future__ import annotations

import zlib

import numpy as np

SIZES = ((60, 77), (83, 64), (51, 101))
PIXELS = 12


def made_weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Values for the authors' variable `name`: signals keep their size from layer to layer, no statistic is trivial."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    part = name.rsplit("/", 1)[-1]
    if part == "gamma":
        gain = 0.3 if "branch2c" in name else 1.0  # the residual sums grow slowly
        values = gain * random.uniform(0.5, 1.5, shape)
    elif part == "moving_variance":
        values = random.uniform(0.3, 3.0, shape)
    elif len(shape) == 1:
        values = random.normal(0, 0.2, shape)
    else:
        gain = 0.02 if name == "conv1/weights" else 1.0  # the input goes from -123 to 151
        values = gain * np.sqrt(2 / np.prod(shape[:-1])) * random.standard_normal(shape, np.float32)
    return values.astype(np.float32)


def made_image(size: tuple[int, int]) -> np.ndarray:
    """A noise image (H, W, 3) uint8."""
    return np.random.default_rng(sum(size)).integers(0, 256, (*size, 3), np.uint8)


def made_points(size: tuple[int, int]) -> np.ndarray:
    """Points (P, 2), x then y, the corners among them."""
    height, width = size
    inside = np.random.default_rng(1).random((PIXELS - 4, 2)) * (width, height)
    corners = [(0, 0), (width - 1, 0), (0, height - 1), (width - 1, height - 1)]
    return np.concatenate([corners, inside.astype(np.int64)])
