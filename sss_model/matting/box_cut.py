"""What a box holds by colours alone: OpenCV's GrabCut (Rother, Kolmogorov and Blake 2004) of the superpixels' colours.

Colours know thin things with holes, which features do not see; where they tell nothing, GrabCut takes all or nothing.
"""

from __future__ import annotations

import cv2
import numpy as np

from sss_model.array_types import Doubles
from sss_model.matting.parts import Parts
from sss_model.matting.steps import Box

_ROUNDS = 5
_LEAST = 0.1  # of what the box holds; less is nothing
_LAB = np.array([255.0, 100.0, 100.0])  # of Lab / 100, in bytes about 128 but for L


def cut_by_colour(parts: Parts, box: Box) -> Doubles:
    """(K,) in [-1, 1]: 1 for superpixels that belong to the thing by their colours, -1 for others, 0 where unknown."""
    size = max(parts.size[0] // 2, 1), max(parts.size[1] // 2, 1)
    rows, columns = (((np.arange(n) + 0.5) * full / n).astype(int) for n, full in zip(size, parts.size, strict=True))
    labels = parts.labels[rows[:, None], columns]
    colours = np.rint(parts.colours * _LAB + (0, 128, 128)).clip(0, 255).astype(np.uint8)
    within = box.mask(size)
    mask = np.where(within, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
    if within.all() or not within.any():
        return np.zeros(parts.count)
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(colours[labels], mask, (0, 0, 1, 1), *models, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD))
    if inside.sum() < _LEAST * within.sum():
        return np.zeros(parts.count)
    pixels = np.bincount(labels.ravel(), minlength=parts.count)
    taken = np.bincount(labels.ravel(), inside.ravel(), parts.count)
    sides: Doubles = np.where(pixels > 0, 2 * taken / np.maximum(pixels, 1) - 1, 0.0)
    return sides
