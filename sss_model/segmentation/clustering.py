"""k-means of sampled points, and the many small clusters that sparsification starts from."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.floating[Any]]
Labels = NDArray[np.intp]

_FIRST = 5  # clusters of the paper's first k-means
_ROUNDS = 30


def kmeans(points: Points, count: int, rng: np.random.Generator) -> Labels:
    """(P,) labels of at most `count` clusters of `points` (P, C): k-means++ (Arthur 2007), then Lloyd's rounds."""
    centres = _spread_centres(points, count, rng)
    labels = _nearest(points, centres)
    for _ in range(_ROUNDS):
        sizes = np.bincount(labels, minlength=len(centres))
        filled = sizes > 0
        sums = np.stack([np.bincount(labels, channel, len(centres)) for channel in points.T], axis=1)
        centres = sums[filled] / sizes[filled, None]
        moved = _nearest(points, centres)
        if len(centres) == len(sizes) and np.array_equal(moved, labels):
            break
        labels = moved
    dense: Labels = np.unique(labels, return_inverse=True)[1]
    return dense


def split_clusters(points: Points, count: int, rng: np.random.Generator) -> Labels:
    """(P,) labels of `count` clusters: 5 by k-means, then again and again the most scattered one cut in two.

    There are fewer where fewer points differ.
    """
    points = points.astype(np.float64)
    labels = kmeans(points, min(_FIRST, count), rng)
    scatter = [_scatter(points[labels == k]) for k in range(labels.max() + 1)]
    while len(scatter) < count and max(scatter) > 1e-12:
        widest = int(np.argmax(scatter))
        members = np.flatnonzero(labels == widest)
        halves = kmeans(points[members], 2, rng)
        labels[members[halves == 1]] = len(scatter)
        scatter[widest] = _scatter(points[members[halves == 0]])
        scatter.append(_scatter(points[members[halves == 1]]))
        if halves.max() == 0:  # rounding kept two nearly equal points together
            scatter.pop()
            scatter[widest] = 0.0
    return labels


def _spread_centres(points: Points, count: int, rng: np.random.Generator) -> Points:
    """Points drawn one after the other, each with a chance as its squared distance to those before."""
    centres = [points[rng.integers(len(points))]]
    apart = ((points - centres[0]) ** 2).sum(1)
    while len(centres) < count and apart.sum() > 0:
        chosen = points[rng.choice(len(points), p=apart / apart.sum())]
        centres.append(chosen)
        apart = np.minimum(apart, ((points - chosen) ** 2).sum(1))
    return np.stack(centres)


def _nearest(points: Points, centres: Points) -> Labels:
    labels: Labels = ((centres**2).sum(1) - 2 * (points @ centres.T)).argmin(1)
    return labels


def _scatter(points: Points) -> float:
    return float(((points - points.mean(0)) ** 2).sum()) if len(points) else 0.0
