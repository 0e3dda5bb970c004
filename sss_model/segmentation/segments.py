"""Soft segments of a picture: a few layers with soft borders that sum to one, each an object.

Aksoy, Oh, Paris, Pollefeys and Matusik, "Semantic Soft Segmentation", ACM Transactions on Graphics (SIGGRAPH) 2018:

    affinities -> Laplacian -> smallest eigenvectors -> sparse components -> grouped by features -> relaxed layers

on a working grid of the picture, then lifted to its full size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import Floats, Indices
from sss_model.errors import ParameterError
from sss_model.extractor import check_image, pick_device
from sss_model.filtering.parallel import alone, in_threads
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.clustering import split_clusters
from sss_model.segmentation.eigenvectors import Laplacian, smallest_eigenvectors
from sss_model.segmentation.inputs import affinity_features, check_features, grid_features, grid_image
from sss_model.segmentation.layers import GroupingTree, component_means, ward_tree
from sss_model.segmentation.sparsify import SAMPLES, constrained_sparsification, relaxed_sparsification, sample_pixels
from sss_model.segmentation.superpixels import node_laplacian
from sss_model.segmentation.upsample import upsample_layers

EIGENVECTORS = 100
COMPONENTS = 40
_CLUSTERED = 20_000  # pixels whose clusters the components start at: all of a small grid


@dataclass(frozen=True, eq=False, repr=False)
class SoftSegments:
    """Layers of a picture, and what another number of them is made from.

    Attributes
    ----------
    grid_alphas : (h, w, N) float32 in [0, 1] of sum 1, on the working grid
    components : (h, w, K) float32 of sum 1, before grouping; about 0 to 1, a little beyond at times
    eigenvectors : (h w, C) float32, orthonormal columns
    eigenvalues : (C,) float64, ascending; the smallest may be below 0
    component_features : (K, D), each component's mean feature
    tree : which components join for every number of layers
    """

    grid_alphas: Floats
    components: Floats
    eigenvectors: Floats
    eigenvalues: NDArray[np.float64]
    component_features: NDArray[np.float64]
    tree: GroupingTree
    _picture: Picture

    @cached_property
    def alphas(self) -> Floats:
        """(H, W, N) float32 in [0, 1] of sum 1, at the size of the image given."""
        return self._picture.lifted(self.grid_alphas)

    @property
    def shares(self) -> NDArray[np.float64]:
        """(N,), each layer's share of the picture, of sum 1."""
        totals = self.grid_alphas.sum(axis=(0, 1), dtype=np.float64)
        shares: NDArray[np.float64] = totals / totals.sum()
        return shares

    @property
    def suggested_layers(self) -> int:
        """The number of layers after which one more explains much less of the features than the last one did."""
        return self.tree.suggested_count()

    def with_layers(self, layers: int, *, progress: Progress | None = None) -> SoftSegments:
        """The same picture in `layers` layers, or as many as there can be; nothing but the grouping is computed anew.

        The numbers of layers that stay are kept: with one layer more, one is split, its larger part keeps its number
        and the other part comes last. `alphas` at full size are computed when they are first asked for.
        """
        check_layers(layers)
        return self.grouped(self.tree.groups(layers), progress=progress)

    def grouped(self, groups: Indices, *, progress: Progress | None = None) -> SoftSegments:
        """The same picture with a grouping of one's own: `groups` (K,) has each component's layer 0, 1, ..."""
        picture = self._picture
        h, w, count = self.components.shape
        chosen = np.eye(groups.max() + 1, dtype=np.float32)[:, groups]
        layers = (chosen @ self.components.reshape(-1, count).T).reshape(-1, h, w)
        on_device = torch.from_numpy(layers).to(picture.grid_image.device)
        relaxed = relaxed_sparsification(picture.laplacian, picture.grid_image, on_device, progress=progress)
        return replace(self, grid_alphas=np.ascontiguousarray(relaxed.permute(1, 2, 0).cpu().numpy()))


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A picture with its working grid and Laplacian."""

    image: NDArray[np.floating[Any]]
    grid_image: Tensor
    laplacian: Laplacian

    def lifted(self, grid_alphas: Floats, progress: Progress | None = None) -> Floats:
        """`grid_alphas` at the picture's full size."""
        if grid_alphas.shape[:2] == self.image.shape[:2]:
            silent(progress).report(1.0)
            return grid_alphas
        return upsample_layers(grid_alphas, self.grid_image.cpu().numpy(), self.image, progress=progress)


def soft_segments(
    image: NDArray[np.floating[Any]],
    features: NDArray[np.floating[Any]],
    *,
    layers: int = 5,
    grid: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> SoftSegments:
    """Layers with soft borders that sum to one, each as uniform in its features as can be.

    >>> image = np.random.default_rng(0).random((24, 32, 3), dtype=np.float32)
    >>> segments = soft_segments(image, image, layers=2)  # any features of its shape will do
    >>> cut_out = image * segments.alphas[..., :1]

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    features : (h, w, D) of any float type, on the image's grid or a coarser one. More than 3 channels are filtered
        and reduced to 3 for the affinities, and grouped by all D; up to 3 are taken as they are if within [0, 1]
    layers : how many, 1 or more; there are fewer where the picture has no more to tell apart
    grid : the working grid's long side in pixels; None is the picture's own, at most 640. Time and memory grow with
        its square; the layers follow the full picture's edges in any case
    seed : of the samples and starting points; the same one gives the same layers, in any number of threads
    device : torch device
    progress : told after every step; may raise `Cancelled`

    Returns
    -------
    SoftSegments

    Raises
    ------
    ParameterError : an array of the wrong shape or type or not finite, or a parameter out of its range
    DeviceError : there is no such device
    """
    check_image(image)
    check_features(features)
    check_layers(layers)
    steps = silent(progress)
    small = grid_image(image, grid).to(pick_device(device))
    on_grid = grid_features(features, (small.shape[0], small.shape[1]), steps.part(0.0, 0.03, "Features"))
    f = affinity_features(small.cpu().numpy(), on_grid, steps.part(0.03, 0.08, "Features"))
    sample = sample_pixels((small.shape[0], small.shape[1]), SAMPLES, seed)
    laplacian, labels = _affinities_and_clusters(
        small, f, sample, seed, steps.part(0.08, 0.2, "Finding layers (1 of 4)")
    )
    E, values = smallest_eigenvectors(
        laplacian, small, EIGENVECTORS, seed=seed, progress=steps.part(0.2, 0.7, "Finding layers (2 of 4)")
    )
    components = sparse_components(
        E, on_grid.shape[:2], sample, labels, steps.part(0.7, 0.9, "Finding layers (3 of 4)")
    )
    means, shares = component_means(components, on_grid)
    return finish(
        Picture(image, small, laplacian), components, E, values, means, ward_tree(means, shares), layers, steps
    )


def _affinities_and_clusters(
    image: Tensor, features: Floats, sample: Indices, seed: int, progress: Progress
) -> tuple[Laplacian, Indices]:
    """The Laplacian of `image` (h, w, 3) and `features` (h, w, D), and the labels that pixels `sample` start with."""
    parts: tuple[Callable[[], Any], ...] = (
        lambda: node_laplacian(image.cpu().numpy(), features).to(image.device),
        lambda: matting_laplacian(image),
        lambda: starting_clusters(features, sample, seed),
    )
    nodes, matting, labels = in_threads(lambda part: part(), parts, progress)
    return Laplacian(matting, nodes), labels


def sparse_components(E: Tensor, size: tuple[int, int], sample: Indices, labels: Indices, progress: Progress) -> Floats:
    """(h, w, K): sparse functions of sum 1 in the span of the eigenvectors `E` of a grid of `size`.

    Parameters
    ----------
    sample : (P,) pixels that they are made sparse on, indices y w + x
    labels : (P,) what these start with
    """
    if labels.max() == 0:  # nothing to tell apart
        return np.ones((*size, 1), np.float32)
    y = constrained_sparsification(E[torch.from_numpy(sample).to(E.device)], labels, progress=progress)
    with alone():
        components: Floats = (E @ y).cpu().numpy().reshape(*size, -1)
    return components


def starting_clusters(features: Floats, sample: Indices, seed: int) -> Indices:
    """The labels (P,) of the pixels `sample`, indices y w + x into `features` (h, w, D), among 40 clusters.

    Clusters are those of 20 000 pixels, or of all of a smaller grid: those of the sample alone would move the layers
    twice as far from the ones that all pixels lead to.
    """
    clustered = np.union1d(sample, sample_pixels(features.shape[:2], _CLUSTERED, seed))
    values = features.reshape(-1, features.shape[2])[clustered]
    labels = split_clusters(values, COMPONENTS, np.random.default_rng(seed))
    chosen: Indices = labels[np.searchsorted(clustered, sample)]
    return chosen


def finish(
    picture: Picture,
    components: Floats,
    E: Tensor,
    values: NDArray[np.float64],
    means: NDArray[np.float64],
    tree: GroupingTree,
    layers: int,
    steps: Progress,
) -> SoftSegments:
    """Group, relax and lift."""
    none = np.empty((*components.shape[:2], 0), np.float32)
    ungrouped = SoftSegments(none, components, E.cpu().numpy(), values, means, tree, picture)
    segments = ungrouped.with_layers(layers, progress=steps.part(0.9, 0.96, "Finding layers (4 of 4)"))
    segments.__dict__["alphas"] = picture.lifted(segments.grid_alphas, steps.part(0.96, 1.0, "Full size"))
    return segments


def check_layers(layers: int) -> None:
    if isinstance(layers, bool) or not isinstance(layers, int | np.integer) or layers < 1:
        raise ParameterError(f"layers must be a whole number, 1 or more; got {layers!r}.")
