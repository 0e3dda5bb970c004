"""A picture cut into superpixels, and all of it that a matte is solved from: made once, before anyone clicks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee

from sss_model.array_types import Doubles, Indices
from sss_model.errors import ParameterError
from sss_model.extractor import check_image
from sss_model.matting.click_decoder import Embedding, embedding_of
from sss_model.progress import Progress, silent
from sss_model.segmentation.inputs import check_features, grid_features, grid_image
from sss_model.segmentation.superpixels import means, superpixels

COUNT = 3000
GRID = 640  # the grid's long side, at most
_LAB = 100.0  # the range of L
_COMPONENTS = 32
_COLOUR_COST, _STEP_COST, _COLOUR_STEP_COST = 0.5, 0.02, 0.01


@dataclass(frozen=True, eq=False, repr=False)
class Parts:
    """The superpixels of a picture on its grid, K of them, and the E pairs that touch.

    Attributes
    ----------
    labels : (h, w) the superpixel of each of the grid's pixels
    features : (K, D) float64, mean features as they came
    scale : what features are divided by, so that the picture's have a variance of 1 over all dimensions
    colours : (K, 3) float64, mean Lab / 100
    places : (K, 2) float64, centroids in parts of height and width
    shares : (K,) float64, parts of the picture, of sum 1
    frame : (K,) bool, whether it touches the picture's frame
    pairs : (E, 2), the smaller number first
    borders : (E,) float64, how many pixels of the grid the pair's border is long
    feature_steps, colour_steps : (E,) float64, distances across it: features scaled, by sqrt(D); colours as they are
    """

    labels: Indices
    features: Doubles
    scale: float
    colours: Doubles
    places: Doubles
    shares: Doubles
    frame: NDArray[np.bool_]
    pairs: Indices
    borders: Doubles
    feature_steps: Doubles
    colour_steps: Doubles

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the grid."""
        return int(self.labels.shape[0]), int(self.labels.shape[1])

    @property
    def count(self) -> int:
        """K."""
        return len(self.features)

    @cached_property
    def scaled(self) -> Doubles:
        """(K, D) features less their mean, divided by `scale`."""
        values: Doubles = (self.features - self.shares @ self.features) / self.scale
        return values

    @cached_property
    def reduced(self) -> Doubles:
        """(K, up to 32) float64: `scaled` in its principal components, which keep nearly all of its distances."""
        _, axes = np.linalg.eigh((self.scaled * self.shares[:, None]).T @ self.scaled)
        return np.ascontiguousarray(self.scaled @ axes[:, ::-1][:, :_COMPONENTS])

    @cached_property
    def colour_terms(self) -> Doubles:
        """(K, 9) float64: Lab, its squares and products, each of mean 0 and variance 1."""
        L, a, b = self.colours.T
        terms = np.stack([L, a, b, L * L, a * a, b * b, L * a, L * b, a * b], axis=1)
        centred: Doubles = (terms - terms.mean(0)) / (terms.std(0) + 1e-6)
        return centred

    @cached_property
    def embedding(self) -> Embedding | None:
        """What the click decoder sees of the picture; None where it does not know the features."""
        return embedding_of(self.labels, self.features, self.colours, self.shares)

    @cached_property
    def steps(self) -> Doubles:
        """(E,) float64: what it costs to go from one superpixel to the next."""
        steps: Doubles = self.feature_steps + _COLOUR_COST * self.colour_steps + _STEP_COST
        return steps

    @cached_property
    def graph(self) -> sp.csr_matrix:
        """(K, K): `steps`."""
        return self.joined(self.steps)

    @cached_property
    def colour_graph(self) -> sp.csr_matrix:
        """(K, K): the same by colours alone."""
        return self.joined(self.colour_steps + _COLOUR_STEP_COST)

    def joined(self, values: Doubles) -> sp.csr_matrix:
        """(K, K): `values` (E,) of the pairs, each once."""
        first, second = self.pairs.T
        return sp.csr_matrix((values, (first, second)), shape=(self.count, self.count))

    @cached_property
    def order(self) -> Indices:
        """(K,): a place for each superpixel, such that those that touch are at places near each other."""
        graph = self.joined(np.ones(len(self.pairs)))
        places = np.empty(self.count, np.intp)
        places[reverse_cuthill_mckee((graph + graph.T).tocsr(), symmetric_mode=True)] = np.arange(self.count)
        return places

    @cached_property
    def _merges(self) -> tuple[Indices, Doubles, Indices, Indices]:
        """The tree of groups that join when steps are taken from the least to the greatest; superpixels come first.

        Of each of its nodes: the group that it joins, the step at which it came to be, and where in the order of the
        tree's leaves its own begin and end.
        """
        count = self.count
        order = np.argsort(self.steps, kind="stable")
        parents, sizes, heights = list(range(2 * count - 1)), [1] * count, [0.0] * count
        group, joined = list(range(2 * count - 1)), []

        def root(k: int) -> int:
            while group[k] != k:
                group[k] = group[group[k]]
                k = group[k]
            return k

        for (first, second), height in zip(self.pairs[order].tolist(), self.steps[order].tolist(), strict=True):
            a, b = root(first), root(second)
            if a != b:
                parents[a] = parents[b] = group[a] = group[b] = len(sizes)
                joined.append((a, b))
                sizes.append(sizes[a] + sizes[b])
                heights.append(height)
        starts = [0] * len(sizes)
        for number in range(len(joined) - 1, -1, -1):
            a, b = joined[number]
            starts[a], starts[b] = starts[count + number], starts[count + number] + sizes[a]
        begin = np.array(starts)
        return np.array(parents[: len(sizes)]), np.array(heights), begin, begin + np.array(sizes)

    def barriers(self, sources: Indices) -> Doubles:
        """(K,): the greatest step that cannot be avoided from the nearest of `sources`; 0 at these."""
        parents, heights, begin, end = self._merges
        before = np.zeros(self.count + 1, np.intp)
        before[begin[sources] + 1] = 1
        before = before.cumsum()
        at = np.where(before[end] > before[begin], np.arange(len(parents)), parents)
        while True:  # to the first group about it that holds a source, in leaps that double
            further = at[at]
            if (further == at).all():
                return heights[at[: self.count]]
            at = further

    def prepare(self) -> None:
        """Compute all that is kept, so that the first mark need not wait for it."""
        for name in ("reduced", "colour_terms", "graph", "colour_graph", "order", "_merges", "embedding"):
            getattr(self, name)


def cut_parts(
    image: NDArray[np.floating[Any]],
    features: NDArray[np.floating[Any]],
    *,
    count: int = COUNT,
    progress: Progress | None = None,
) -> Parts:
    """The superpixels of `image` with their mean features.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    features : (h, w, D) of any float type, on a grid of any size over the picture
    count : how many superpixels to ask for
    progress : told after every step; may raise `Cancelled`

    Raises
    ------
    ParameterError : an array of the wrong shape or type, or not finite

    Examples
    --------
    >>> image = np.zeros((40, 60, 3), np.float32)
    >>> image[:, 30:] = 1
    >>> parts = cut_parts(image, image)
    >>> parts.labels.shape, parts.features.shape[1]
    ((40, 60), 3)
    """
    check_image(image)
    check_features(features)
    steps = silent(progress)
    guide = np.ascontiguousarray(grid_image(image, GRID).numpy())
    on_grid = grid_features(features, (guide.shape[0], guide.shape[1]), steps.part(0.0, 0.3, "Features"))
    labels = superpixels(guide, count)
    steps.report(0.8, "Superpixels")
    mean_features = means(labels, on_grid)
    colours = means(labels, np.asarray(cv2.cvtColor(guide, cv2.COLOR_RGB2Lab), np.float64) / _LAB)
    steps.report(0.95, "Superpixels")
    if not np.isfinite(mean_features).all():
        raise ParameterError("features are too large: their means are not finite.")
    shares = np.bincount(labels.ravel()) / labels.size
    pairs, borders = touching(labels)
    centred = mean_features - shares @ mean_features
    scale = float(np.sqrt(shares @ (centred**2).mean(1))) or 1.0
    frame = np.zeros(len(shares), np.bool_)
    frame[np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])] = True
    first, second = pairs.T
    feature_steps = np.linalg.norm(mean_features[first] - mean_features[second], axis=1) / scale
    parts = Parts(
        labels, mean_features, scale, colours, _centroids(labels), shares, frame, pairs, borders,
        feature_steps / np.sqrt(mean_features.shape[1]), np.linalg.norm(colours[first] - colours[second], axis=1),
    )  # fmt: skip
    parts.prepare()
    return parts


def touching(labels: Indices) -> tuple[Indices, Doubles]:
    """The pairs (E, 2) of `labels` (h, w) that are side by side, and at how many places (E,)."""
    count = int(labels.max()) + 1
    sides = [(labels[:, :-1].ravel(), labels[:, 1:].ravel()), (labels[:-1].ravel(), labels[1:].ravel())]
    a, b = (np.concatenate(side) for side in zip(*sides, strict=True))
    different = a != b
    low, high = np.minimum(a, b)[different], np.maximum(a, b)[different]
    codes, lengths = np.unique(low * count + high, return_counts=True)
    return np.stack([codes // count, codes % count], axis=1).astype(np.intp), lengths.astype(np.float64)


def _centroids(labels: Indices) -> Doubles:
    h, w = labels.shape
    places = np.moveaxis(np.indices((h, w), dtype=np.float64), 0, 2)
    found: Doubles = (means(labels, places) + 0.5) / (h, w)
    return found
