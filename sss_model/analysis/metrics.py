"""How well maps follow labels: k-means against regions, gradients against boundaries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Labels
from sss_model.datasets.border_sampling import label_boundaries


def best_match_iou(clusters: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Mean intersection over union of the labels, each matched with one cluster so that the mean is largest.

    Examples
    --------
    >>> best_match_iou(np.array([7, 7, 4, 4]), np.array([1, 1, 1, 2]))
    0.5833333333333333
    """
    from scipy.optimize import linear_sum_assignment

    kinds, own = np.unique(labels, return_inverse=True)
    names, found = np.unique(clusters, return_inverse=True)
    both = np.zeros((len(kinds), len(names)))
    np.add.at(both, (own, found), 1)
    union = both.sum(1, keepdims=True) + both.sum(0, keepdims=True) - both
    overlap = both / union
    rows, columns = linear_sum_assignment(-overlap)
    return float(overlap[rows, columns].sum() / len(kinds))


@dataclass
class BoundaryCounts:
    """Matches of predicted and labelled boundary pixels at rising thresholds; sums over images add up."""

    hits: NDArray[np.int64]
    predicted: NDArray[np.int64]
    found: NDArray[np.int64]
    labelled: int

    def __add__(self, other: BoundaryCounts) -> BoundaryCounts:
        return BoundaryCounts(
            self.hits + other.hits,
            self.predicted + other.predicted,
            self.found + other.found,
            self.labelled + other.labelled,
        )

    def best_f(self) -> float:
        """Largest F over the thresholds, 2 P R / (P + R)."""
        precision = self.hits / np.maximum(self.predicted, 1)
        recall = self.found / max(self.labelled, 1)
        return float((2 * precision * recall / np.maximum(precision + recall, 1e-12)).max())


THRESHOLDS = np.geomspace(0.002, 1.5, 60)


def boundary_counts(values: Floats, labels: Labels, *, tolerance: float = 0.0075) -> BoundaryCounts:
    """Compare ridges of the gradient of a map (H, W, C) in [0, 1] with label boundaries.

    A pixel counts as met if its partner lies within `tolerance` of the image's diagonal (as BSDS500 has it); what is
    within that of void is left out on both sides.

    Examples
    --------
    >>> labels = np.repeat([[1, 2]], 20, axis=1).repeat(40, axis=0).astype(np.int32)
    >>> boundary_counts((labels == 2)[..., None].astype(np.float32), labels).best_f() > 0.99
    True
    """
    from scipy.ndimage import distance_transform_edt, maximum_filter

    reach = max(1.0, tolerance * float(np.hypot(*labels.shape)))
    edge, unknown = label_boundaries(labels)
    clear = distance_transform_edt(~unknown) > reach if unknown.any() else np.ones(labels.shape, bool)
    edge &= clear
    strength = np.where(clear, _ridges(values), 0)
    near = distance_transform_edt(~edge) <= reach if edge.any() else np.zeros(labels.shape, bool)
    offset = np.arange(-int(reach), int(reach) + 1)
    disc = offset[:, None] ** 2 + offset[None] ** 2 <= reach**2
    best = maximum_filter(strength, footprint=disc, mode="constant")
    return BoundaryCounts(_at_least(strength[near]), _at_least(strength), _at_least(best[edge]), int(edge.sum()))


def _at_least(values: NDArray[np.floating]) -> NDArray[np.int64]:
    """How many of `values` reach each threshold."""
    ordered = np.sort(values.ravel())
    return len(ordered) - np.searchsorted(ordered, THRESHOLDS)


def _ridges(values: Floats) -> Floats:
    """Gradient magnitude over all channels, zero but on its local maxima across the edge."""
    down, right = (np.gradient(values, axis=axis).astype(np.float32) for axis in (0, 1))
    # the direction of strongest change of a vector-valued map: leading eigenvector of J'J (Di Zenzo 1986)
    yy, xx, xy = (down**2).sum(-1), (right**2).sum(-1), (down * right).sum(-1)
    root = np.sqrt((xx - yy) ** 2 + 4 * xy**2)
    size = np.sqrt(np.maximum((xx + yy + root) / 2, 0))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    sector = np.rint(angle / (np.pi / 4)).astype(int) % 4
    padded = np.pad(size, 1)
    keep = np.zeros(size.shape, bool)
    height, width = size.shape
    for k, (dy, dx) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        ahead = padded[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        behind = padded[1 - dy : 1 - dy + height, 1 - dx : 1 - dx + width]
        keep |= (sector == k) & (size >= ahead) & (size > behind)
    return np.where(keep, size, 0).astype(np.float32)
