"""Colours of overlays, safe for colour-blind eyes: a scale for similarities, a palette for groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# nine points of matplotlib's viridis (CC0), dark to bright: its lightness rises evenly
_VIRIDIS = ((68, 1, 84), (71, 45, 123), (59, 82, 139), (44, 114, 142), (33, 145, 140), (39, 173, 129), (92, 200, 99),
            (170, 220, 50), (253, 231, 37))  # fmt: skip
# Okabe and Ito's eight, as the pins have them; further groups take them lighter, then darker
_GROUPS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (204, 121, 167), (240, 228, 66), (0, 114, 178), (213, 94, 0),
           (255, 255, 255))  # fmt: skip
FAINT = 90


def _scale() -> NDArray[np.uint8]:
    places = np.linspace(0, 255, len(_VIRIDIS))
    return np.stack([np.interp(np.arange(256), places, channel) for channel in zip(*_VIRIDIS, strict=True)], 1).astype(
        np.uint8
    )


VIRIDIS = _scale()


def heat(similarity: NDArray[np.float32], threshold: float) -> NDArray[np.uint8]:
    """(H, W, 4) uint8 of similarities (H, W) in [0, 1]; what is under `threshold` is faint."""
    picture = np.empty((*similarity.shape, 4), np.uint8)
    picture[..., :3] = VIRIDIS[(np.clip(similarity, 0, 1) * 255 + 0.5).astype(np.uint8)]
    picture[..., 3] = np.where(similarity >= threshold, 255, FAINT)
    return picture


def groups(labels: NDArray[np.uint8], count: int | None = None) -> NDArray[np.uint8]:
    """(H, W, 4) uint8, opaque, of group numbers (H, W) below `count`; a number has the same colour always."""
    return palette(int(labels.max()) + 1 if count is None else count)[labels]


def palette(count: int) -> NDArray[np.uint8]:
    """(count, 4) uint8: the eight colours, then the same towards black, then towards white."""
    base = np.array(_GROUPS, np.float32)
    towards = ((1.0, 0.0), (0.55, 0.0), (0.6, 102.0), (0.3, 0.0))
    colours = np.concatenate([base * share + lift for share, lift in towards])
    rows = colours[np.arange(count) % len(colours)].astype(np.uint8)
    return np.concatenate([rows, np.full((count, 1), 255, np.uint8)], 1)
