"""k-means of an image's features: k groups of like pixels (Lloyd's iterations, k-means++ start; Arthur 2007)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.errors import ParameterError
from sss_model.progress import Progress, silent
from sss_model.projection.feature_matrix import FeatureMatrix

SAMPLE = 20_000  # pixels that the centres are fitted to
ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class Clusters:
    """Groups of pixels, the largest first.

    Attributes
    ----------
    labels : (H, W) uint8, 0 .. k - 1
    centres : (k, D) float32; fewer than asked for where the features have fewer different values
    """

    labels: NDArray[np.uint8]
    centres: NDArray[np.float32]

    def follow(self, previous: Clusters) -> Clusters:
        """The same groups, numbered like the groups of `previous` that they are nearest to, so that colours stay.

        Groups that find no partner there take the numbers that are left, in their order. Centres of another dimension
        cannot be compared; then the numbers stay as they are.
        """
        if self.centres.shape[1] != previous.centres.shape[1]:
            return self
        count = len(self.centres)
        from scipy.optimize import linear_sum_assignment  # takes a while, and the first groups follow none

        mine, theirs = linear_sum_assignment(_distances(self.centres, previous.centres))
        place = np.full(count, -1)
        inside = theirs < count
        place[mine[inside]] = theirs[inside]
        place[place < 0] = np.setdiff1d(np.arange(count), place)
        order = np.argsort(place)
        return Clusters(place.astype(np.uint8)[self.labels], self.centres[order])


def cluster_features(
    features: NDArray[np.floating[Any]], k: int, *, seed: int = 0, progress: Progress | None = None
) -> Clusters:
    """Put the pixels of `features` (H, W, D) into `k` groups; the same seed gives the same groups.

    The centres are fitted to at most `SAMPLE` pixels drawn evenly, then every pixel goes to its nearest.

    Examples
    --------
    >>> features = np.zeros((4, 6, 3), np.float32)
    >>> features[:, 4:] = 1
    >>> cluster_features(features, 2).labels[0].tolist()  # the largest group is 0
    [0, 0, 0, 0, 1, 1]
    """
    if features.ndim != 3 or features.size == 0:
        raise ParameterError(f"features must be an array (H, W, D) that is not empty, got shape {features.shape}.")
    if not 1 <= k <= 255:
        raise ParameterError(f"clusters must be from 1 to 255, got {k}.")
    steps = silent(progress)
    flat = features.reshape(-1, features.shape[2])
    random = np.random.default_rng(seed)
    few = len(flat) <= SAMPLE
    rows = np.arange(len(flat)) if few else np.sort(random.choice(len(flat), SAMPLE, replace=False))
    sample = np.asarray(flat[rows], np.float32)
    offset = sample.mean(0)
    centres, _ = kmeans(sample - offset, k, random, progress=steps.part(0.0, 0.8, "Clusters"))
    labels = _assigned(features, offset, centres, steps.part(0.8, 1.0, "Clusters"))
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    place = np.empty(len(order), np.uint8)
    place[order] = np.arange(len(order))
    return Clusters(place[labels].reshape(features.shape[:2]), (centres[order] + offset).astype(np.float32))


def _assigned(
    features: NDArray[np.floating[Any]],
    offset: NDArray[np.float32],
    centres: NDArray[np.float32],
    progress: Progress,
) -> NDArray[np.uint8]:
    """The nearest centre (N,) of every pixel."""
    matrix = FeatureMatrix(features)
    chosen, shift = matrix.tensor(centres), matrix.tensor(offset)
    halves = chosen.square().sum(dim=1) / 2

    def work(_rows: slice, block: Tensor) -> Tensor:
        # a pixel's own length changes nothing in its order of the centres
        return (block - shift).mm(chosen.T).sub_(halves).argmax(dim=1).to(torch.uint8)

    return torch.cat(list(matrix.each(work, progress))).numpy()


def kmeans(
    values: NDArray[np.float32],
    k: int,
    random: np.random.Generator,
    *,
    starts: int = 1,
    trials: int | None = None,
    progress: Progress | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Centres (k, D) and group numbers (N,) of `values` (N, D): Lloyd's iterations from a k-means++ start.

    Fewer than `k` centres come back where there are fewer different values.

    Parameters
    ----------
    values : with their mean taken off, or distances drown in the rounding of squared lengths
    starts : how many times to begin anew; the result with the least squared distance counts
    trials : how many candidates are drawn for each first centre, of which the best is taken; 1 is k-means++ as it was
        published, None takes 2 + log k, which misses fewer groups

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
        centres = _lloyd(values, _spread_start(values, k, random, trials or 2 + int(np.log(k))), steps)
        distances = _distances(values, centres)
        results.append((float(distances.min(axis=1).sum(dtype=np.float64)), centres, distances.argmin(axis=1)))
    _, centres, labels = min(results, key=lambda result: result[0])
    return centres, labels


def _spread_start(sample: NDArray[np.float32], k: int, random: np.random.Generator, trials: int) -> NDArray[np.float32]:
    """k-means++: each centre drawn with a chance that grows with the squared distance to those before.

    Of `trials` drawn each time, the one that leaves the least distance is taken.
    """
    centres = [sample[random.integers(len(sample))]]
    nearest = _distances(sample, centres[0][None])[:, 0]
    while len(centres) < k:
        total = float(nearest.sum(dtype=np.float64))
        if total <= 1e-12:
            break  # fewer different values than groups
        drawn = random.choice(len(sample), size=trials, p=nearest.astype(np.float64) / total)
        left = np.minimum(nearest[:, None], _distances(sample, sample[drawn]))
        best = int(left.sum(axis=0, dtype=np.float64).argmin())
        centres.append(sample[drawn[best]])
        nearest = left[:, best]
    return np.array(centres)


def _lloyd(sample: NDArray[np.float32], centres: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
    labels = None
    for iteration in range(ITERATIONS):
        progress.report(iteration / ITERATIONS)
        nearest = _distances(sample, centres).argmin(1)
        if labels is not None and np.array_equal(nearest, labels):
            break
        labels = nearest
        for group in range(len(centres)):
            members = sample[labels == group]
            if len(members):
                centres[group] = members.mean(0)
    return centres


def _distances(values: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (N, k), not negative."""
    squares = np.einsum("nd,nd->n", values, values)[:, None] + np.einsum("kd,kd->k", centres, centres)
    apart: NDArray[np.float32] = np.maximum(squares - 2 * values @ centres.T, 0)
    return apart
