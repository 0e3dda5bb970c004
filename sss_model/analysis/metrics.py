"""How well features tell regions apart: edge AUC, drift, k-means against labels, alignment with boundaries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.datasets.pair_sampling import VOID
from sss_model.training.validation import chance_below

Labels = NDArray[np.int32]
Floats = NDArray[np.float32]

REFERENCE_SIDE = 480  # the long side at which the distances of edge pairs are stated
BORDER_DISTANCE = (3.0, 12.0)  # pixels from a label border at that side
PAIR_DISTANCE = (4.0, 16.0)  # pixels from one to the other
_FEWEST_PAIRS = 20  # of each kind: fewer say nothing


@dataclass(frozen=True)
class EdgePairs:
    """Pairs of pixels near a label border: `first`, `second` (P, 2) int64, x then y; `same` (P,), whether one label."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    same: NDArray[np.bool_]


def choose_edge_pairs(labels: Labels, rng: np.random.Generator, *, pairs: int = 1000) -> EdgePairs | None:
    """Up to `pairs` pairs of one label and as many of two, all pixels near a border between two labels.

    Pixels lie 3 to 12 px from a border and 4 to 16 px from each other where the picture's long side is 480 px, and in
    proportion elsewhere. Void has no border and is never a pixel of a pair. None where there are fewer than 20 of
    either kind.
    """
    from scipy.ndimage import distance_transform_edt

    unit = max(labels.shape) / REFERENCE_SIDE
    edge, _ = label_boundaries(labels, both_sides=True)
    if not edge.any():
        return None
    distance = distance_transform_edt(~edge) + 0.5  # from the border itself, which runs between two pixels
    near = (labels != VOID) & (distance >= BORDER_DISTANCE[0] * unit) & (distance <= BORDER_DISTANCE[1] * unit)
    places = np.argwhere(near)
    if not len(places):
        return None
    least, most = (reach * unit for reach in PAIR_DISTANCE)
    firsts, seconds = [], []
    for _ in range(8):
        first = places[rng.integers(len(places), size=8 * pairs)]
        reach = np.sqrt(rng.uniform(least**2, most**2, len(first)))
        angle = rng.uniform(0, 2 * np.pi, len(first))
        offset = np.rint(np.stack([reach * np.sin(angle), reach * np.cos(angle)], 1)).astype(np.int64)
        apart = np.hypot(*offset.T)
        second = first + offset
        fits = (apart >= least) & (apart <= most) & ((second >= 0) & (second < labels.shape)).all(1)
        fits[fits] = near[tuple(second[fits].T)]
        firsts.append(first[fits])
        seconds.append(second[fits])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    same = labels[tuple(first.T)] == labels[tuple(second.T)]
    count = min(pairs, int(same.sum()), int((~same).sum()))
    if count < _FEWEST_PAIRS:
        return None
    chosen = np.concatenate([np.flatnonzero(same)[:count], np.flatnonzero(~same)[:count]])
    return EdgePairs(first[chosen, ::-1].copy(), second[chosen, ::-1].copy(), same[chosen])


def edge_auc(first: Tensor, second: Tensor, same: NDArray[np.bool_]) -> float:
    """The chance that two nearby pixels on one side of a border are nearer than two on different sides.

    Parameters
    ----------
    first, second : (P, D) floating, what the two pixels of each pair hold; distances are Euclidean
    same : (P,) which pairs are of one label; at least one is and one is not
    """
    distances = (first.detach().double() - second.detach().double()).norm(dim=1)
    one_side = torch.from_numpy(same)
    return chance_below(distances[one_side], distances[~one_side])


def drift(values: Floats, labels: Labels, *, min_share: float = 0.05) -> float | None:
    """How far features wander inside a large region, in units of the way to its neighbours; smaller is better.

    For each label with `min_share` of the picture: the root mean square distance of its pixels from their mean, over
    the mean distance from there to the means of the labels that touch it. The mean over those labels; None where no
    large label touches another.

    Parameters
    ----------
    values : (H, W, C) floating
    labels : (H, W), void is left out
    """
    kinds, places = np.unique(labels, return_inverse=True)
    places = places.reshape(labels.shape)
    sizes = np.bincount(places.ravel(), minlength=len(kinds))
    flat = torch.from_numpy(np.ascontiguousarray(values)).reshape(-1, values.shape[2])
    own = torch.from_numpy(places.ravel())
    counts = torch.from_numpy(sizes)[:, None]
    means = torch.zeros((len(kinds), values.shape[2])).index_add_(0, own, flat.float()) / counts
    squares = torch.zeros(len(kinds)).index_add_(0, own, (flat.float() - means[own]).square().sum(1))
    spread = (squares / counts[:, 0]).sqrt().numpy()
    touching = np.zeros((len(kinds), len(kinds)), bool)
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        touching[places[ahead], places[behind]] = True
    touching |= touching.T
    touching[kinds == VOID] = touching[:, kinds == VOID] = False
    np.fill_diagonal(touching, False)
    distances = torch.cdist(means, means).numpy()
    ratios = [
        spread[k] / float(distances[k, touching[k]].mean())
        for k in np.flatnonzero(sizes >= min_share * labels.size)
        if touching[k].any() and distances[k, touching[k]].mean() > 0
    ]
    return float(np.mean(ratios)) if ratios else None


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


def label_boundaries(labels: Labels, *, both_sides: bool = False) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Pixels (H, W) beside another label to the right or below, or on either side of it, and those that are void."""
    edge = np.zeros(labels.shape, bool)
    unknown = labels == VOID
    for ahead, behind in ((np.s_[:, 1:], np.s_[:, :-1]), (np.s_[1:], np.s_[:-1])):
        differs = (labels[ahead] != labels[behind]) & (labels[ahead] != VOID) & (labels[behind] != VOID)
        edge[behind] |= differs
        if both_sides:
            edge[ahead] |= differs
    return edge, unknown


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
