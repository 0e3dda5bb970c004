"""Layers for the tests of their files: soft borders, hostile names, colours that differ from the image's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sss_model.layer_io import Layers

NAMES = ("person é", "равнина", "3. back/ground")


def soft_alphas(height: int, width: int, count: int = 3, seed: int = 0) -> NDArray[np.float32]:
    """(H, W, N) that sum to 1: some pixels of one layer, some shared by all, and alphas of exactly 0 and 1."""
    values = np.random.default_rng(seed).random((height, width, count)).astype(np.float32)
    values[: height // 3] = np.eye(count, dtype=np.float32)[np.arange(width) % count]
    values[height // 3 : height // 2, :, 1:2] = 0
    return (values / values.sum(axis=2, keepdims=True, dtype=np.float64)).astype(np.float32)


def made_layers(height: int = 24, width: int = 31, *, own_colours: bool = False) -> Layers:
    random = np.random.default_rng(1)
    image = random.random((height, width, 3)).astype(np.float32)
    colours = None
    if own_colours:
        colours = [random.random(image.shape).astype(np.float32) for _ in NAMES]
    return Layers(image, soft_alphas(height, width), NAMES, colours)
