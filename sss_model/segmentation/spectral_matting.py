"""Spectral matting: soft segments from colour alone (Levin, Rav-Acha and Lischinski, PAMI 2008).

The matting Laplacian's 50 smallest eigenvectors, with no superpixels; components start at 20 clusters of the
eigenvectors 2 to 21, each divided by the square root of its eigenvalue. The matting cost of a union of components is a
sum over pairs of them, phi_kl = a_k' L a_l (eq. 16), negative where two share a soft border. Levin et al. search all
unions for the one of least cost, which makes one foreground. For any number of layers this module groups by the same
costs: again and again it joins the two whose union saves most, -phi_kl, against their shares of the picture. That tree
is ours; everything before it is theirs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import Indices
from sss_model.extractor import check_image, pick_device
from sss_model.progress import Progress, silent
from sss_model.segmentation.affinities import matting_laplacian
from sss_model.segmentation.clustering import kmeans
from sss_model.segmentation.eigenvectors import Laplacian, smallest_eigenvectors
from sss_model.segmentation.inputs import grid_image
from sss_model.segmentation.layers import GroupingTree, component_means
from sss_model.segmentation.segments import Picture, SoftSegments, check_layers, finish, sparse_components
from sss_model.segmentation.sparsify import SAMPLES, sample_pixels

EIGENVECTORS = 50
COMPONENTS = 20
_SMALLEST_VALUE = 1e-12


def spectral_matting(
    image: NDArray[np.floating[Any]],
    *,
    layers: int = 5,
    grid: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    progress: Progress | None = None,
) -> SoftSegments:
    """Layers with soft borders that sum to one, from colours alone.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    layers, grid, seed, device, progress : as for `soft_segments`

    Returns
    -------
    SoftSegments, whose component features are the mean colours

    Raises
    ------
    ParameterError : an array of the wrong shape or type or not finite, or a parameter out of its range
    DeviceError : there is no such device
    """
    check_image(image)
    check_layers(layers)
    steps = silent(progress)
    small = grid_image(image, grid).to(pick_device(device))
    steps.report(0.0, "Finding layers (1 of 4)")
    laplacian = Laplacian(matting_laplacian(small), None)
    E, values = smallest_eigenvectors(
        laplacian, small, EIGENVECTORS, seed=seed, progress=steps.part(0.1, 0.7, "Finding layers (2 of 4)")
    )

    size = int(small.shape[0]), int(small.shape[1])
    sample = sample_pixels(size, SAMPLES, seed)
    labels = _starting_clusters(E, values, sample, seed)
    components = sparse_components(E, size, sample, labels, steps.part(0.7, 0.9, "Finding layers (3 of 4)"))
    picture = Picture(image, small, laplacian)
    tree = matting_tree(laplacian, components)
    means, _ = component_means(components, small.cpu().numpy())
    return finish(picture, components, E, values, means, tree, layers, steps)


def _starting_clusters(E: Tensor, values: NDArray[np.float64], sample: Indices, seed: int) -> Indices:
    """The labels (P,) of the pixels `sample`: clusters of the eigenvectors after the first, by their eigenvalues."""
    scaled = E[torch.from_numpy(sample).to(E.device), 1 : COMPONENTS + 1].cpu().numpy().astype(np.float64)
    if not scaled.shape[1]:  # a picture of one pixel
        return np.zeros(len(sample), np.intp)
    scaled /= np.sqrt(np.maximum(values[1 : COMPONENTS + 1], _SMALLEST_VALUE))
    return kmeans(scaled, COMPONENTS, np.random.default_rng(seed))[1]


def matting_tree(laplacian: Laplacian, components: NDArray[np.float32]) -> GroupingTree:
    """Merge, again and again, the two groups of `components` (h, w, K) that share most border for their size."""
    planes = torch.from_numpy(components).to(laplacian.diagonal.device).permute(2, 0, 1).contiguous()
    phi = _costs(laplacian, planes)
    sizes = planes.clamp(0, 1).sum((1, 2)).double().cpu().numpy()
    shares = sizes / sizes.sum()
    weights, left = list(shares), list(range(len(shares)))
    merges: list[tuple[int, int]] = []
    heights: list[float] = []
    while len(left) > 1:
        s = np.maximum(np.array([weights[g] for g in left]), 1e-12)
        coupling = -phi[np.ix_(left, left)] * (1 / s[:, None] + 1 / s)
        i, j = np.triu_indices(len(left), 1)
        best = int(np.argmax(coupling[i, j]))
        a, b = left[i[best]], left[j[best]]
        merges.append((a, b))
        height = 1 / max(float(coupling[i[best], j[best]]), 1e-12)
        heights.append(max([height, *heights[-1:]]))
        joined = phi[a] + phi[b]
        phi = np.pad(phi, (0, 1))
        phi[-1, :-1] = phi[:-1, -1] = joined
        phi[-1, -1] = joined[a] + joined[b]
        weights.append(weights[a] + weights[b])
        left = [g for g in left if g not in (a, b)] + [len(weights) - 1]
    return GroupingTree(np.array(merges, np.intp).reshape(-1, 2), np.array(heights), shares)


def _costs(laplacian: Laplacian, planes: Tensor) -> NDArray[np.float64]:
    """(K, K): phi_kl."""
    flat = planes.reshape(len(planes), -1)
    costs: NDArray[np.float64] = (flat @ laplacian.apply(planes).reshape(len(planes), -1).T).double().cpu().numpy()
    return (costs + costs.T) / 2
