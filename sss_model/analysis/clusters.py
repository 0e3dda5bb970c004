"""k-means of an image's features: k groups of like pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.errors import ParameterError
from sss_model.finite import check_array
from sss_model.progress import Progress, silent
from sss_model.projection.feature_matrix import FeatureMatrix
from sss_model.segmentation.clustering import kmeans

SAMPLE = 20_000  # pixels that the centres are fitted to
ROUNDS = 60


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
    check_array(features, "features", 3)
    if not 1 <= k <= 255:
        raise ParameterError(f"clusters must be from 1 to 255, got {k}.")
    steps = silent(progress)
    flat = features.reshape(-1, features.shape[2])
    random = np.random.default_rng(seed)
    few = len(flat) <= SAMPLE
    rows = np.arange(len(flat)) if few else np.sort(random.choice(len(flat), SAMPLE, replace=False))
    sample = np.asarray(flat[rows], np.float32)
    offset = sample.mean(0)
    part, trials = steps.part(0.0, 0.8, "Clusters"), 2 + int(np.log(k))
    centres, _ = kmeans(sample - offset, k, random, trials=trials, rounds=ROUNDS, progress=part)
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


def _distances(values: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances (N, k), not negative."""
    squares = np.einsum("nd,nd->n", values, values)[:, None] + np.einsum("kd,kd->k", centres, centres)
    apart: NDArray[np.float32] = np.maximum(squares - 2 * values @ centres.T, 0)
    return apart
