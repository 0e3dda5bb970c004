"""The paper's picture, many times over: PCA of the guided-filtered features, without filtering every channel.

`postprocess.reduce_features` filters all D channels, then finds their principal components. With Q the filter, F the
features and C the covariance of Q F, those are the leading eigenvectors of C, and the picture is Q F v for each. The
filter is linear, so one filtered channel gives Q F v for any v, and one more, filtered by Q', gives C v. `Reducer`
uses that:

1. The features' own r leading axes V hold most of their variance; F V is kept. Filtering these r channels gives the
   covariance within their span, its eigenvectors v and the maps Q F v (Rayleigh-Ritz). The maps are exact for their v;
   only the v are approximate, as they cannot leave the span.
2. R = C v - theta v, the exact residual, says how far they want to leave it. |R_k| |f . R| bounds, to first order, what
   that is worth in any pixel; where it is more than the tolerance, R's directions join the space and the
   eigenvectors are found anew (the step of Davidson's method). Each step is measured by how far it moves the picture.
3. Where that does not settle, or where there is no low rank to use (noise), all D channels are filtered.

The tolerance on screen is three quarters of 1/512 of the picture's range, and `Reduction.error` is the estimate that
was met. What is exported starts from more axes: on 15 pictures no value was 2e-5 of the range from that of filtering
every channel.

With D the counts of pixels in each window, Q' = D Q D^-1 (`guided_filter`), so the transpose costs no second filter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sss_model.array_types import AnyFloats, Doubles, Floats
from sss_model.errors import ParameterError
from sss_model.filtering.parallel import alone
from sss_model.filtering.tile_filter import planes_of
from sss_model.guided_filter import GuidedFilter, check_channels
from sss_model.params import FilterParams
from sss_model.pca import Covariance, PcaBasis, inward, signs_of
from sss_model.progress import Progress, silent
from sss_model.projection.feature_matrix import FeatureMatrix
from sss_model.projection.sample_pca import ROUNDING, SamplePca
from sss_model.projection.stretch import range_of_planes
from sss_model.projection.subspace_eigs import TOLERANCE, Eigenspace, leading_space, whole_space


@dataclass(frozen=True, eq=False)
class Reduction:
    """Features reduced to components, as a picture and what it was made with.

    Attributes
    ----------
    map : (H, W, k) float32 in [0, 1], the components asked for; a component without variance is 0
    basis : all the components found, aligned to the previous basis where one was given
    shown : which rows of `basis` the k components are
    low, high : (k,) float32, the values that became 0 and 1
    projection : (H, W, k) float32, the unfiltered features on those components, less the basis' mean
    error : largest difference of any value of `map` from that of filtering every channel, estimated; 0 is exact
    rank : how many channels were filtered to find the basis
    """

    map: Floats
    basis: PcaBasis
    shown: tuple[int, ...]
    low: Floats
    high: Floats
    projection: Floats
    error: float
    rank: int

    @property
    def nbytes(self) -> int:
        """Bytes of the maps."""
        return self.map.nbytes + self.projection.nbytes


class Reducer:
    """Reduces one image's features at any radius and eps; keeps what does not depend on these.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1], the guide
    features : (H, W, D) of any float type; read where needed, never copied whole
    device : torch device to compute on
    ranks : fewest and most of the features' own axes to begin with; more cost time, and tell later components better
    progress : of the preparation; may raise `Cancelled`
    """

    def __init__(
        self,
        image: AnyFloats,
        features: AnyFloats,
        *,
        device: str | torch.device = "cpu",
        ranks: tuple[int, int] = (8, 16),
        progress: Progress | None = None,
    ) -> None:
        self.matrix = FeatureMatrix(features, device)
        check_channels(features, image.shape[:2])
        self.low_rank = SamplePca(self.matrix, ranks=ranks, progress=progress)
        self._inward = inward(features)
        self._filter = GuidedFilter(image, 1, 1.0, device=device)

    @property
    def nbytes(self) -> int:
        """Bytes of what is kept between calls."""
        return self.low_rank.nbytes + self._filter.guide.nbytes + self._filter.nbytes

    def reduce(
        self,
        radius: int,
        eps: float,
        *,
        components: int = 3,
        shown: Sequence[int] = (0, 1, 2),
        previous: PcaBasis | None = None,
        range: str = "full",
        tolerance: float = TOLERANCE,
        progress: Progress | None = None,
    ) -> Reduction:
        """PCA of the guided-filtered features.

        Parameters
        ----------
        radius, eps : of the filter, see `guided_filter`
        components : how many axes the basis should have, at least
        shown : which of them, counted from 0, become the channels of the map; only these are refined to the tolerance
        previous : a basis whose signs the components take, and those shown its order, so that colours don't jump
        range : which values become 0 and 1, see `ProjectionParams`
        tolerance : largest `Reduction.error`; where it is not met, and for 0, every channel is filtered
        progress : may raise `Cancelled`
        """
        progress = silent(progress)
        _check_shown(shown, components)
        self._set_filter(radius, eps)
        request = _ReductionRequest(components, tuple(shown), previous, range, self._inward)
        try:
            space = None
            if tolerance > 0:
                space = leading_space(self.matrix, self.low_rank, self._filter, request.needed, tolerance, progress)
            if space is None:
                space = whole_space(self.matrix, self.low_rank, self._filter, request.needed, progress)
            return request.reduction(space, self.low_rank)
        finally:
            self._filter.release()

    def _set_filter(self, radius: int, eps: float) -> None:
        """Keep the guide's terms that this radius and eps can use."""
        if radius != self._filter.radius:
            self._filter = self._filter.with_radius(radius)
        if eps != self._filter.eps:
            self._filter = self._filter.with_eps(eps)


@dataclass(frozen=True, eq=False)
class _ReductionRequest:
    """What a caller of `reduce` asked for."""

    components: int
    shown: tuple[int, ...]
    previous: PcaBasis | None
    range: str
    inward: Doubles

    def needed(self, axes: Doubles) -> int:
        """How many of the leading `axes` the picture needs: aligned, those shown may stand at other places."""
        order, _ = _basis(np.zeros(axes.shape[1]), axes[: self.components]).match(self.previous, self.shown)
        return 1 + max(order[i] if i < len(order) else i for i in self.shown)

    def reduction(self, space: Eigenspace, low: SamplePca) -> Reduction:
        """The picture from the eigenvectors found: signed, aligned, stretched to [0, 1]."""
        floor = max(1e-13 * space.total, ROUNDING * float(space.mean @ space.mean))
        axes, more = low.completed(space.axes, min(self.components, space.axes.shape[1]), space.rank)
        values = np.concatenate([space.values[: len(axes)], more * space.kept])
        count = int((values > floor).sum())
        signs = signs_of(axes[:count], self.inward)
        axes = _padded(axes[:count] * signs[:, None], self.components)
        basis = _basis(space.mean, axes, _padded(values[:count] / max(space.total, floor), self.components))
        order, turned = basis.match(self.previous, self.shown)
        signs = _padded(signs, self.components)[order] * turned
        offset = axes @ (space.mean - low.mean)
        basis = PcaBasis(basis.mean, basis.axes[order] * turned[:, None], basis.explained_variance_ratio[order])
        raw = torch.zeros((len(self.shown), *space.raw.shape[1:]), device=space.raw.device)
        maps = torch.zeros_like(raw)
        with alone(raw.numel()):
            for place, number in enumerate(self.shown):
                rank, sign = order[number], float(signs[number])
                if rank < min(count, len(space.maps)):
                    raw[place] = space.raw[rank] * sign - float(offset[rank] * turned[number])
                    maps[place] = space.maps[rank] * sign
        return _reduction(raw, maps, basis, self.shown, space.error, space.filtered, range=self.range)


def add_filtered(
    covariance: Covariance,
    image: AnyFloats,
    features: AnyFloats,
    filter: FilterParams,
    offset: Floats,
    *,
    device: str = "cpu",
    progress: Progress | None = None,
) -> None:
    """Take the filtered features less `offset` into `covariance`, tile by tile: they are never whole in memory."""
    kernel = GuidedFilter(image, filter.radius, filter.eps, device=device)

    def source(rows: slice, columns: slice) -> torch.Tensor:
        return planes_of(features[rows, columns], offset).to(kernel.device)  # near zero mean it loses no digits

    for _, planes in kernel.stream(source, features.shape[2], progress):
        covariance.add(planes.movedim(0, 2).cpu().numpy())


def _reduction(
    raw: Tensor,
    maps: Tensor,
    basis: PcaBasis,
    shown: Sequence[int],
    error: float,
    rank: int,
    *,
    range: str = "full",
) -> Reduction:
    """The record of planes (k, H, W); `error` is a part of their full range."""
    with alone(maps.numel()):
        low, high = range_of_planes(maps, range)
        span = high - low
        if range != "full" and error > 0:
            least, greatest = range_of_planes(maps)
            error *= max(1.0, float(torch.where(span > 0, (greatest - least) / span, 0).max()))
        picture = maps.sub(low).mul_(torch.where(span > 0, 1 / span, 0)).clamp_(0, 1)
        return Reduction(
            map=_channels_last(picture),
            basis=basis,
            shown=tuple(shown),
            low=low.flatten().cpu().numpy(),
            high=high.flatten().cpu().numpy(),
            projection=_channels_last(raw),
            error=error,
            rank=rank,
        )


def _channels_last(planes: Tensor) -> Floats:
    return np.asarray(planes.movedim(0, 2).contiguous().cpu().numpy())


def _basis(mean: Doubles, axes: Doubles, ratios: Doubles | None = None) -> PcaBasis:
    ratios = np.zeros(len(axes)) if ratios is None else ratios
    return PcaBasis(mean.astype(np.float32), axes.astype(np.float32), ratios.astype(np.float32))


def _padded(values: Doubles, count: int) -> Doubles:
    """`values` with zeros behind, up to `count` entries."""
    return np.concatenate([values, np.zeros((count - len(values), *values.shape[1:]))])


def _check_shown(shown: Sequence[int], components: int) -> None:
    if components < 1:
        raise ParameterError(f"components must be at least 1, got {components}.")
    if not shown or any(isinstance(i, bool) or not 0 <= i < components for i in shown):
        raise ParameterError(f"shown must name components from 0 to {components - 1}, got {tuple(shown)}.")
