"""Small made pictures with objects in them, and features that tell these apart."""

from __future__ import annotations

import numpy as np


def photograph(h, w, seed=0):
    """(h, w, 3) smooth colours with edges and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:h, :w]
    shades = np.stack([np.sin(x / 7) + y / h, np.cos(y / 5), (x > w / 2) + 0.2 * (y > h / 3)], axis=2)
    image = 0.25 + 0.2 * shades + 0.02 * rng.standard_normal((h, w, 3))
    return image.clip(0, 1).astype(np.float32)


def disc_scene(h=60, w=80, seed=0):
    """A red disc and a blue band on a grey wall, slightly noisy; features (h, w, 3); the three masks."""
    y, x = np.mgrid[:h, :w]
    disc = np.hypot(y - h / 2, x - w / 3) < h / 4
    band = (x > 0.75 * w) & ~disc
    image = np.full((h, w, 3), 0.5)
    image[disc], image[band] = (0.8, 0.2, 0.1), (0.1, 0.2, 0.7)
    image += 0.02 * np.random.default_rng(seed).standard_normal(image.shape)
    features = np.zeros((h, w, 3))
    features[disc], features[band] = (1, 0, 0), (0, 1, 0)
    return image.clip(0, 1).astype(np.float32), features.astype(np.float32), (disc, band, ~disc & ~band)
