"""Components grouped into layers: a tree that every count of layers is read from.

Ward's method (1963), with components weighted by their share of the picture: merge, again and again, the two groups
whose union adds least to the scatter of features about the groups' means,

    s_a s_b / (s_a + s_b) |f_a - f_b|^2

It draws no random numbers, and its groups are nested: one layer more splits one layer in two and leaves the others as
they are. Splinters of the picture join early, because their share weighs little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Indices

SMALLEST_SHARE = 0.01  # of the picture; a smaller group is no layer of its own
_MOST_SUGGESTED, _EXPLAINED = 12, 0.95


@dataclass(frozen=True)
class GroupingTree:
    """The merges of K components, in order.

    Attributes
    ----------
    merges : (K - 1, 2); the groups 0 .. K - 1 are the components, and merge m makes group K + m
    heights : (K - 1,), the scatter that each merge adds
    shares : (K,), each component's share of the picture, of sum 1
    """

    merges: NDArray[np.intp]
    heights: NDArray[np.float64]
    shares: NDArray[np.float64]

    def groups(self, count: int, *, smallest: float = SMALLEST_SHARE) -> Indices:
        """(K,) the layer 0, 1, ... of each component, for `count` layers or as many as there can be.

        From one count to the next, the larger part of the layer that is split keeps its number; the other one is the
        new last layer. A part with less than the share `smallest` of the picture stays with the larger one.
        """
        return self._split(count, smallest)[0]

    def suggested_count(self) -> int:
        """The least count from 2 to 12 whose layers explain 95 % of the components' scatter."""
        gains = self._split(_MOST_SUGGESTED)[1]
        explained = np.cumsum(gains) / max(float(self.heights.sum()), 1e-12)
        enough = np.flatnonzero(explained >= _EXPLAINED)
        return 2 + int(enough[0]) if len(enough) else len(gains) + 1

    def _split(self, count: int, smallest: float = SMALLEST_SHARE) -> tuple[Indices, NDArray[np.float64]]:
        """The labels of at most `count` layers, and the scatter that each split explained."""
        members = self._members()
        labels = np.zeros(len(self.shares), np.intp)
        layers, gains = [len(members) - 1], []
        while len(layers) < count:
            place = max(range(len(layers)), key=lambda place: self._height(layers[place]))
            if layers[place] < len(self.shares):
                break
            parts = self.merges[layers[place] - len(self.shares)]
            small, large = sorted(
                (int(part) for part in parts), key=lambda part: float(self.shares[members[part]].sum())
            )
            gain = self._height(layers[place])
            layers[place] = large
            if self.shares[members[small]].sum() >= smallest:
                labels[members[small]] = len(layers)
                layers.append(small)
                gains.append(gain)
        return labels, np.array(gains)

    def _height(self, group: int) -> float:
        """The scatter that splitting `group` explains; a component cannot be split."""
        return float(self.heights[group - len(self.shares)]) if group >= len(self.shares) else -1.0

    def _members(self) -> list[list[int]]:
        """The components of each group."""
        members = [[k] for k in range(len(self.shares))]
        for first, second in self.merges:
            members.append(members[first] + members[second])
        return members


def ward_tree(features: NDArray[np.floating[Any]], shares: NDArray[np.floating[Any]]) -> GroupingTree:
    """The tree of components with mean `features` (K, D) and `shares` (K,) of the picture."""
    means = [f.astype(np.float64) for f in features]
    weights = [float(share) for share in shares / shares.sum()]
    left = list(range(len(means)))
    merges, heights = [], []
    while len(left) > 1:
        f, s = np.stack([means[g] for g in left]), np.array([weights[g] for g in left])
        apart = ((f[:, None] - f) ** 2).sum(2)
        cost = s[:, None] * s / np.maximum(s[:, None] + s, 1e-300) * apart
        i, j = np.triu_indices(len(left), 1)
        best = int(np.argmin(cost[i, j]))
        a, b = left[i[best]], left[j[best]]
        merges.append((a, b))
        heights.append(float(cost[i[best], j[best]]))
        left = [g for g in left if g not in (a, b)] + [len(means)]
        total = weights[a] + weights[b]
        means.append((weights[a] * means[a] + weights[b] * means[b]) / max(total, 1e-300))
        weights.append(total)
    return GroupingTree(np.array(merges, np.intp).reshape(-1, 2), np.array(heights), np.array(weights[: len(features)]))


def component_means(
    components: NDArray[np.float32], features: NDArray[np.floating[Any]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each of `components` (h, w, K) the mean feature (K, D), weighted by it, and its share (K,) of the picture."""
    weights = np.clip(components.reshape(-1, components.shape[2]), 0, 1)
    totals = weights.sum(0, dtype=np.float64)
    sums = weights.T @ features.reshape(len(weights), -1).astype(np.float32, copy=False)
    return sums / np.maximum(totals, 1e-12)[:, None], totals / max(totals.sum(), 1e-12)
