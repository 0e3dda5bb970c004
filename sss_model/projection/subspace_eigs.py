"""Leading eigenvectors of the covariance of guided-filtered features, with few filtered channels.

Notation: F the features (pixels by D), Q the filter as a matrix over pixels, C the covariance of Q F. One channel
filtered gives Q F v for a direction v; one more, by Q', gives C v = F' Q' (Q F v - mean) / pixels. `filtered_pca`
tells the story.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sss_model import budget
from sss_model.array_types import Doubles, Floats
from sss_model.filtering.parallel import alone, in_threads
from sss_model.guided_filter import GuidedFilter
from sss_model.pca import eigenvectors
from sss_model.progress import Progress
from sss_model.projection.feature_matrix import FeatureMatrix
from sss_model.projection.sample_pca import SamplePca

Needed = Callable[[Doubles], int]  # axes found so far (k, D) -> how many leading ones the picture needs

TOLERANCE = 0.75 / 512
_NO_LOW_RANK = 0.6  # share of the variance below which the features are filtered whole
_STEPS = 3  # of refinement, at most
_COVARIANCE_PIXELS = 1 << 15  # of a block, which stays in a core's cache
_GUARD = 2  # eigenvectors kept beyond the needed ones, to tell them apart from


@dataclass(eq=False)
class Eigenspace:
    """Eigenvectors found so far, by falling variance.

    Attributes
    ----------
    axes : (c, D) float64, orthonormal
    values : (c,) float64, variance of the filtered features along each
    raw, maps : (m, H, W) float32, the features on the first m axes, unfiltered and filtered; maps have zero mean
    mean : (D,) float64, of the filtered features; outside the span of the axes that of the unfiltered ones
    total : variance of the filtered features
    kept : share of the unfiltered features' variance that the filter leaves along the axes that are not here, estimated
    error : estimated largest difference of any shown value, in [0, 1], from that of filtering every channel
    rank : how many of the features' own axes they were found among
    filtered : how many channels were filtered to find them
    """

    axes: Doubles
    values: Doubles
    raw: Tensor
    maps: Tensor
    mean: Doubles
    total: float
    kept: float
    error: float
    rank: int
    filtered: int


def leading_space(
    matrix: FeatureMatrix, low: SamplePca, guided: GuidedFilter, needed: Needed, tolerance: float, progress: Progress
) -> Eigenspace | None:
    """The leading eigenvectors by Rayleigh-Ritz and Davidson steps; None where the tolerance is not met."""
    if low.share < _NO_LOW_RANK or low.total == 0:
        return None
    rank = low.grown(needed(low.axes[: low.rank]) + _GUARD)
    space = _ritz(low, rank, guided, needed, progress.part(0.0, 0.6, "filter"))
    for step in range(_STEPS + 1):
        part = progress.part(1 - 0.4 * 0.7**step, 1 - 0.4 * 0.7 ** (step + 1), "refine")
        residuals = _residuals(matrix, guided, space, min(needed(space.axes), len(space.maps)), part.part(0.0, 0.5))
        space.error = _error(space, residuals, low.seen(residuals), low.rest(rank))
        if space.error <= tolerance and (needed(space.axes) <= len(space.maps) or rank < needed(space.axes)):
            return space  # features of fewer directions than needed have no more to give
        if step < _STEPS:
            space = _refined(matrix, low, guided, space, residuals, part.part(0.5, 1.0))
    return None


def whole_space(
    matrix: FeatureMatrix, low: SamplePca, guided: GuidedFilter, needed: Needed, progress: Progress
) -> Eigenspace:
    """The eigenvectors by filtering every channel, tile by tile; only their covariance is kept."""
    offset = low.mean.astype(np.float32)
    products, sums = np.zeros((matrix.channels, matrix.channels)), np.zeros(matrix.channels)
    stream = guided.stream(
        lambda rows, columns: matrix.block(rows, columns, offset),
        matrix.channels,
        progress.part(0.0, 0.9, "filter"),
        each=_products,
    )
    for _, (tile_products, tile_sums) in stream:
        products += tile_products
        sums += tile_sums
    mean = sums / matrix.pixels
    values, axes = eigenvectors(products / matrix.pixels - np.outer(mean, mean))
    count = min(needed(axes), len(axes))
    raw = matrix.project(matrix.tensor(axes[:count]), matrix.tensor(axes[:count] @ low.mean))
    maps = _centred(guided.apply_planes(raw, progress.part(0.9, 1.0, "filter")))
    return Eigenspace(
        axes, values, raw, maps, mean + low.mean, float(values.sum()), 1.0, 0.0, matrix.channels, matrix.channels
    )


def _ritz(low: SamplePca, rank: int, guided: GuidedFilter, needed: Needed, progress: Progress) -> Eigenspace:
    """Step 1: the eigenvectors within the span of the features' own axes."""
    planes, pixels = low.planes[:rank], guided.height * guided.width
    stored = torch.empty_like(planes) if planes.nbytes <= budget.current.filtered_channels else None
    products, sums = np.zeros((rank, rank)), np.zeros(rank)
    stream = guided.stream(lambda rows, columns: planes[:, rows, columns], rank, progress, out=stored, each=_products)
    for _, (tile_products, tile_sums) in stream:
        products += tile_products
        sums += tile_sums
    mean = sums / pixels
    values, turn = eigenvectors(products / pixels - np.outer(mean, mean))
    axes = turn @ low.axes[:rank]
    count = min(rank, needed(axes) + _GUARD)
    raw = _combined(turn[:count], planes)
    maps = _centred(guided.apply_planes(raw) if stored is None else _combined(turn[:count], stored))
    tail = slice(rank // 2, None)
    left = values[tail].sum() / max(low.variance[:rank][tail].sum(), np.finfo(np.float64).tiny)
    # what the filter leaves of the variance outside the span is taken to be what it leaves of the least within
    kept = min(float(left), 1.0)
    total = float(values.sum()) + kept * max(low.total - float(low.variance[:rank].sum()), 0.0)
    mean = low.mean + mean @ low.axes[:rank]
    return Eigenspace(axes, values, raw, maps, mean, total, kept, np.inf, rank, rank)


def _residuals(
    matrix: FeatureMatrix, guided: GuidedFilter, space: Eigenspace, count: int, progress: Progress
) -> Doubles:
    """Step 2: C v - theta v (count, D) of the first `count` axes."""
    back = guided.apply_transpose(space.maps[:count], progress.part(0.0, 0.7))
    products = matrix.gather(back, progress.part(0.7, 1.0)).numpy() / matrix.pixels
    residuals = products - space.values[:count, None] * space.axes[:count]
    kept = space.axes[: len(space.maps)]
    return np.asarray(residuals - (residuals @ kept.T) @ kept)


def _error(space: Eigenspace, residuals: Doubles, projected: Floats, rest: float) -> float:
    """What the residuals are worth in the picture, to first order.

    An eigenvector moves by R / (theta - C) into what lies outside the span, where C is at most about `rest`: seen
    at a pixel f, by f . R / (theta - rest), where `projected` (n, k) has f . R at many pixels. Through there two
    eigenvectors of the span mix, to second order.
    """
    count = len(residuals)
    theta, lengths = space.values, np.linalg.norm(residuals, axis=1)
    least = max(1e-9 * theta[0], np.finfo(float).tiny)
    lift = np.maximum(theta[:count] - rest, least)
    seen = np.abs(projected).max(axis=0) / lift
    beyond = np.append(theta, min(rest, theta[-1]))
    below = beyond[:count] - beyond[1 : count + 1]
    above = np.append(np.inf, below)[:count]
    gap = np.maximum(np.minimum(below, above), least)
    mixed = lengths * lengths.max() / (lift * gap)
    with alone(space.maps[:count].numel()):
        low_values, high_values = (f(space.maps[:count].flatten(1), dim=1) for f in (torch.amin, torch.amax))
    span = (high_values - low_values).double().cpu().numpy()
    worth = np.where(span > 0, (seen + mixed * span.max()) / np.maximum(span, np.finfo(np.float32).tiny), 0)
    return float(2 * worth.max())  # a value moves, and so may the extremes that it is scaled by


def _refined(
    matrix: FeatureMatrix,
    low: SamplePca,
    guided: GuidedFilter,
    space: Eigenspace,
    residuals: Doubles,
    progress: Progress,
) -> Eigenspace:
    """Step 3: the eigenvectors once the residuals' directions have joined the space."""
    kept = space.axes[: len(space.maps)]
    added = np.linalg.qr(residuals.T)[0].T
    added = np.linalg.qr((added - (added @ kept.T) @ kept).T)[0].T
    raw = matrix.project(matrix.tensor(added), matrix.tensor(added @ low.mean), progress.part(0.0, 0.3))
    maps = torch.cat([space.maps, _centred(guided.apply_planes(raw, progress.part(0.3, 1.0)))])
    count = len(space.maps)
    values, turn = eigenvectors(_covariance(maps))
    axes = np.concatenate([turn[:count] @ np.concatenate([space.axes[:count], added]), space.axes[count:]])
    raw, maps = _combined(turn[:count], torch.cat([space.raw, raw])), _combined(turn[:count], maps)
    values = np.concatenate([values[:count], space.values[count:]])
    return Eigenspace(
        axes, values, raw, maps, space.mean, space.total, space.kept, np.inf, space.rank, space.filtered + len(added)
    )


def _products(planes: Tensor) -> tuple[Doubles, Doubles]:
    """Sums over pixels of f f' and of f, in float64: one component may have a millionth of another's variance."""
    flat = planes.flatten(1)
    flat = flat.double() if flat.device.type != "mps" else flat
    return flat.mm(flat.T).cpu().double().numpy(), flat.sum(dim=1).cpu().double().numpy()


def _covariance(maps: Tensor) -> Doubles:
    """Covariance (m, m) of planes with zero mean, in float64 over blocks."""
    step = max(1, _COVARIANCE_PIXELS // maps.shape[2])
    blocks = [slice(first, first + step) for first in range(0, maps.shape[1], step)]
    threads = None if maps.device.type == "cpu" else 1
    products = in_threads(lambda rows: _products(maps[:, rows])[0], blocks, threads=threads)
    total: Doubles = np.sum(list(products), axis=0)
    return total / (maps.shape[1] * maps.shape[2])


def _combined(turn: Doubles, planes: Tensor) -> Tensor:
    weights = torch.from_numpy(np.ascontiguousarray(turn)).float().to(planes.device)
    with alone(planes.numel()):
        return weights.mm(planes.flatten(1)).view(len(turn), *planes.shape[1:])


def _centred(planes: Tensor) -> Tensor:
    with alone(planes.numel()):
        return planes.sub_(planes.mean(dim=(1, 2), keepdim=True))
