"""The non-local affinities of "Semantic Soft Segmentation" (Aksoy et al. 2018, sections 3.2 and 3.3), over superpixels.

A superpixel stands for its pixels: its node is the pixel at its rounded centroid. With f and c the mean feature and
colour of a superpixel,

    semantic, adjacent superpixels          erf(20 ((1 - |f_i - f_j|) - 0.85))                 in [-1, 1]
    colour, centroids within 0.2            (erf(50 ((1 - |c_i - c_j|) - 0.95)) + 1) / 2       in [0, 1]

Each counts 0.01 beside the matting affinity. The negative part of the semantic one pushes objects apart, and makes the
sum of the Laplacians slightly indefinite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import KDTree
from scipy.special import erf
from skimage.segmentation import slic
from torch import Tensor

from sss_model.array_types import Floats, Indices

COUNT = 2500
_PIXELS = 9  # a superpixel of fewer would be a pixel's own neighbourhood, which the matting affinity covers
_WEIGHT = 0.01
_COLOUR_FAR = 0.15  # from here on the colour affinity is below 1e-12
_COLOUR_REACH = 0.2  # of the picture's height and width


@dataclass(frozen=True)
class NodeLaplacian:
    """A dense Laplacian over a few pixels of a picture, its nodes.

    Attributes
    ----------
    nodes : (K,) int64, index y w + x of each node
    matrix : (K, K) float32
    """

    nodes: Tensor
    matrix: Tensor

    def to(self, device: torch.device) -> NodeLaplacian:
        """The same on `device`."""
        return NodeLaplacian(self.nodes.to(device), self.matrix.to(device))

    def diagonal(self, pixels: int) -> Tensor:
        """(pixels,)"""
        total = torch.zeros(pixels, device=self.matrix.device)
        return total.index_add_(0, self.nodes, self.matrix.diagonal())


def node_laplacian(image: Floats, features: Floats, *, count: int = COUNT) -> NodeLaplacian:
    """0.01 times the Laplacians of the semantic and the colour affinity, on the CPU.

    Parameters
    ----------
    image : (h, w, 3) float32 RGB in [0, 1]
    features : (h, w, D) float32, each channel in [0, 1]; the paper's have 3
    count : how many superpixels to ask for
    """
    labels = superpixels(image, count)
    centroids, f = means(labels, _positions(labels.shape)), means(labels, features)
    c = means(labels, image)
    affinity = colour_affinity(c, centroids / np.array(labels.shape))
    i, j = np.nonzero(adjacency(labels))
    affinity[i, j] += semantic_affinity(f[i], f[j])
    laplacian = np.multiply(affinity, -_WEIGHT, out=affinity)
    np.fill_diagonal(laplacian, -laplacian.sum(1, dtype=np.float64))
    y, x = np.floor(centroids + 0.5).astype(np.int64).T
    nodes = torch.from_numpy(y * labels.shape[1] + x)
    return NodeLaplacian(nodes, torch.from_numpy(laplacian))


def superpixels(image: Floats, count: int = COUNT) -> Indices:
    """(h, w) labels 0, 1, ... of SLIC's zero-parameter form (Achanta et al., PAMI 2012)."""
    h, w = image.shape[:2]
    count = max(1, min(count, h * w // _PIXELS))
    if count == 1:
        return np.zeros((h, w), np.intp)
    labels = slic(image, n_segments=count, slic_zero=True, start_label=0, channel_axis=2)
    _, dense = np.unique(labels, return_inverse=True)
    return dense.reshape(h, w)


def means(labels: Indices, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """(K, C): the mean of `values` (h, w, C) over each label."""
    flat = labels.ravel()
    sizes = np.bincount(flat)
    channels = values.reshape(flat.size, -1)
    return np.stack([np.bincount(flat, channel) for channel in channels.T], axis=1) / sizes[:, None]


def adjacency(labels: Indices) -> NDArray[np.bool_]:
    """(K, K): whether a pixel of one label is beside, above or below one of the other."""
    count = int(labels.max()) + 1
    adjacent = np.zeros((count, count), np.bool_)
    adjacent[labels[:, :-1], labels[:, 1:]] = True
    adjacent[labels[:-1], labels[1:]] = True
    adjacent |= adjacent.T
    np.fill_diagonal(adjacent, False)
    return adjacent


def semantic_affinity(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) in [-1, 1] between the features (N, D) of adjacent superpixels."""
    affinity: NDArray[np.float64] = erf(20 * ((1 - np.linalg.norm(first - second, axis=1)) - 0.85))
    return affinity


def colour_affinity(c: NDArray[np.float64], centroids: NDArray[np.float64]) -> Floats:
    """(K, K) in [0, 1]; `c` is (K, 3) and `centroids` (K, 2) in shares of the height and width."""
    i, j = KDTree(centroids).query_pairs(_COLOUR_REACH, output_type="ndarray").T
    apart = np.linalg.norm(c[i] - c[j], axis=1)
    near = apart < _COLOUR_FAR
    i, j = i[near], j[near]
    affinity = np.zeros((len(c), len(c)), np.float32)
    affinity[i, j] = affinity[j, i] = (erf(50 * ((1 - apart[near]) - 0.95)) + 1) / 2
    return affinity


def _positions(size: tuple[int, ...]) -> NDArray[np.float64]:
    return np.moveaxis(np.indices(size, dtype=np.float64), 0, 2)
