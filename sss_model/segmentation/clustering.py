"""k-means of sampled points, and the many small clusters that sparsification starts from."""

from __future__ import annotations

import numpy as np

from sss_model.array_types import AnyFloats, Indices
from sss_model.progress import Progress, silent

_FIRST = 5  # clusters of the paper's first k-means


def kmeans(
    points: AnyFloats,
    count: int,
    rng: np.random.Generator,
    *,
    starts: int = 1,
    trials: int = 1,
    rounds: int = 30,
    progress: Progress | None = None,
) -> tuple[AnyFloats, Indices]:
    """Centres (k, C) and labels (P,) of at most `count` clusters of `points` (P, C): Lloyd's rounds from k-means++.

    There are fewer clusters where fewer points differ. Mind the mean of large float32 values: squared lengths are
    rounded.

    Parameters
    ----------
    starts : how many times to begin anew; the result with the least squared distance counts
    trials : how many candidates are drawn for each first centre, of which the best is taken: 1 is k-means++ as it was
        published (Arthur and Vassilvitskii 2007), more miss fewer groups
    rounds : at most

    Examples
    --------
    >>> values = np.array([[-1.0], [-1.1], [2.1]], np.float32)
    >>> centres, labels = kmeans(values, 2, np.random.default_rng(0))
    >>> bool(labels[0] == labels[1] != labels[2])
    True
    """
    results = []
    for number in range(starts):
        steps = silent(progress).part(number / starts, (number + 1) / starts)
        centres, labels = _lloyd(points, _spread_centres(points, count, rng, trials), rounds, steps)
        results.append((float(((points - centres[labels]) ** 2).sum(dtype=np.float64)), centres, labels))
    return min(results, key=lambda result: result[0])[1:]


def _lloyd(points: AnyFloats, centres: AnyFloats, rounds: int, progress: Progress) -> tuple[AnyFloats, Indices]:
    labels = _nearest(points, centres)
    for number in range(rounds):
        progress.report(number / rounds)
        sizes = np.bincount(labels, minlength=len(centres))
        filled = sizes > 0
        sums = np.stack([np.bincount(labels, channel, len(centres)) for channel in points.T], axis=1)
        centres = (sums[filled] / sizes[filled, None]).astype(points.dtype)
        moved = _nearest(points, centres)
        if len(centres) == len(sizes) and np.array_equal(moved, labels):
            break
        labels = moved
    numbers, dense = np.unique(labels, return_inverse=True)
    return centres[numbers], dense


def split_clusters(points: AnyFloats, count: int, rng: np.random.Generator) -> Indices:
    """(P,) labels of `count` clusters: 5 by k-means, then again and again the most scattered one cut in two.

    There are fewer where fewer points differ.
    """
    points = points.astype(np.float64)
    labels = kmeans(points, min(_FIRST, count), rng)[1]
    scatter = [_scatter(points[labels == k]) for k in range(labels.max() + 1)]
    while len(scatter) < count and max(scatter) > 1e-12:
        widest = int(np.argmax(scatter))
        members = np.flatnonzero(labels == widest)
        halves = kmeans(points[members], 2, rng)[1]
        labels[members[halves == 1]] = len(scatter)
        scatter[widest] = _scatter(points[members[halves == 0]])
        scatter.append(_scatter(points[members[halves == 1]]))
        if halves.max() == 0:  # rounding kept two nearly equal points together
            scatter.pop()
            scatter[widest] = 0.0
    return labels


def _spread_centres(points: AnyFloats, count: int, rng: np.random.Generator, trials: int) -> AnyFloats:
    """Points drawn one after the other, each with a chance as its squared distance to those before."""
    centres = [points[rng.integers(len(points))]]
    apart = ((points - centres[0]) ** 2).sum(1, dtype=np.float64)
    while len(centres) < count and apart.sum() > 1e-12:
        drawn = points[rng.choice(len(points), trials, p=apart / apart.sum())]
        left = [np.minimum(apart, ((points - centre) ** 2).sum(1)) for centre in drawn]
        best = int(np.argmin([distances.sum() for distances in left]))
        centres.append(drawn[best])
        apart = left[best]
    return np.stack(centres)


def _nearest(points: AnyFloats, centres: AnyFloats) -> Indices:
    labels: Indices = ((centres**2).sum(1) - 2 * (points @ centres.T)).argmin(1)
    return labels


def _scatter(points: AnyFloats) -> float:
    return float(((points - points.mean(0)) ** 2).sum()) if len(points) else 0.0
