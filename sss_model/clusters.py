"""k-means of an image's features: k groups of like pixels (Lloyd's iterations, k-means++ start; Arthur 2007)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.progress import Progress, silent

SAMPLE = 20_000  # pixels that the centres are fitted to
ITERATIONS = 60
_BLOCK = 1 << 22


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


def cluster_features(
    features: NDArray[np.floating[Any]], k: int, *, seed: int = 0, progress: Progress | None = None
) -> Clusters:
    """Put the pixels of `features` (H, W, D) into `k` groups; the same seed gives the same groups.

    The centres are fitted to at most `SAMPLE` pixels drawn evenly, then every pixel goes to its nearest.
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
    sample = sample - offset
    centres = _lloyd(sample, _spread_start(sample, k, random), steps.part(0.0, 0.8, "Clusters"))
    labels = np.empty(len(flat), np.uint8)
    step = max(1, _BLOCK // flat.shape[1])
    for start in range(0, len(flat), step):
        steps.report(0.8 + 0.2 * start / len(flat), "Clusters")
        block = np.asarray(flat[start : start + step], np.float32) - offset
        labels[start : start + step] = _distances(block, centres).argmin(1)
    order = np.argsort(-np.bincount(labels, minlength=len(centres)), kind="stable")
    place = np.empty(len(order), np.uint8)
    place[order] = np.arange(len(order))
    return Clusters(place[labels].reshape(features.shape[:2]), (centres[order] + offset).astype(np.float32))


def _spread_start(sample: NDArray[np.float32], k: int, random: np.random.Generator) -> NDArray[np.float32]:
    """k-means++: each centre drawn with a chance that grows with the squared distance to those before."""
    centres = [sample[random.integers(len(sample))]]
    nearest = _distances(sample, centres[0][None])[:, 0]
    while len(centres) < k:
        total = float(nearest.sum(dtype=np.float64))
        if total <= 1e-12:
            break  # fewer different values than groups
        chosen = sample[random.choice(len(sample), p=nearest.astype(np.float64) / nearest.sum(dtype=np.float64))]
        centres.append(chosen)
        np.minimum(nearest, _distances(sample, chosen[None])[:, 0], out=nearest)
    return np.array(centres)


def _lloyd(sample: NDArray[np.float32], centres: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
    labels = None
    for iteration in range(ITERATIONS):
        progress.report(iteration / ITERATIONS)
        found = _distances(sample, centres).argmin(1)
        if labels is not None and np.array_equal(found, labels):
            break
        labels = found
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
