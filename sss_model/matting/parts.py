"""A picture cut into superpixels, and all of it that a matte is solved from: made once, before anyone clicks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.extractor import check_image
from sss_model.progress import Progress, silent
from sss_model.segmentation.inputs import check_features, grid_features, grid_image
from sss_model.segmentation.superpixels import means, superpixels

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
Indices = NDArray[np.intp]

COUNT = 3000
GRID = 640  # the grid's long side, at most
_LAB = 100.0  # the range of L


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
    return Parts(
        labels, mean_features, scale, colours, _centroids(labels), shares, frame, pairs, borders,
        feature_steps / np.sqrt(mean_features.shape[1]), np.linalg.norm(colours[first] - colours[second], axis=1),
    )  # fmt: skip


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
