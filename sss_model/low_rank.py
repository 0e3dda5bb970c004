"""The few directions in which one image's features vary most, and every pixel's coordinates along them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.feature_matrix import FeatureMatrix
from sss_model.pca import check_finite
from sss_model.progress import Progress

Doubles = NDArray[np.float64]

ROUNDING = 1e-13  # of the mean's square: variance that float32 rounding alone may make
_SAMPLE = 1 << 15  # pixels that the directions are found from
_MOST_ADDED = 6


class LowRank:
    """features = mean + planes . axes + a rest without the axes' directions.

    The directions come from a sample of the pixels, which costs them a little variance; the coordinates are exact.

    Parameters
    ----------
    matrix : the features
    share : of the variance that the axes should hold
    ranks : fewest and most axes
    progress : of the first pass over the features

    Attributes
    ----------
    mean : (D,) float64, about the features' mean
    axes : (r, D) float64, orthonormal rows, by falling variance but for those added later
    planes : (r, H, W) float32 on the matrix' device, exactly (features - mean) . axes
    variance : (r,) float64, variance along the axes
    total : variance of the features, estimated; 0 if they are constant
    sample : (n, D) float32, vectors from all over the image, less the mean
    """

    def __init__(
        self,
        matrix: FeatureMatrix,
        *,
        share: float = 0.9,
        ranks: tuple[int, int] = (8, 16),
        progress: Progress | None = None,
    ) -> None:
        self._matrix = matrix
        self.sample = matrix.sample(_SAMPLE)
        self.mean: Doubles = self.sample.mean(axis=0, dtype=np.float64)
        self.sample -= self.mean.astype(np.float32)
        covariance = (self.sample.T @ self.sample / len(self.sample)).astype(np.float64)
        check_finite(covariance)
        values, vectors = np.linalg.eigh(covariance)
        values, self._directions = values[::-1].clip(min=0), vectors.T[::-1].copy()
        constant = values.sum() <= ROUNDING * float(self.mean @ self.mean)
        self._spread: Doubles = np.zeros_like(values) if constant else values
        self.total = float(self._spread.sum())
        self._own = 0
        self.axes: Doubles = np.zeros((0, matrix.channels))
        self.variance: Doubles = np.zeros(0)
        self.planes = torch.empty((0, matrix.height, matrix.width), device=matrix.device)
        enough = int(np.searchsorted(np.cumsum(self._spread), share * self.total)) + 1
        self.grow(min(max(enough, ranks[0]), ranks[1]), progress)

    @property
    def share(self) -> float:
        """Share of the variance that lies along the axes; 1 for constant features."""
        return float(self._spread[: self._own].sum()) / self.total if self.total > 0 else 1.0

    @property
    def rest(self) -> float:
        """Largest variance along any direction left out, estimated."""
        return float(self._spread[self._own]) if self._own < len(self._spread) else 0.0

    def grow(self, rank: int, progress: Progress | None = None) -> None:
        """Have at least the `rank` directions of largest variance, as far as there is variance."""
        rank = min(rank, int((self._spread > 1e-9 * self._spread[0]).sum()))
        if rank <= self._own:
            return
        axes = self._directions[self._own : rank]
        if len(self.axes) > self._own:  # directions added since then reach into these
            axes = self._directions[:rank]
            self.axes, self.planes, self.variance = self.axes[:0], self.planes[:0], self.variance[:0]
        planes = self._matrix.project(self._matrix.tensor(axes), self._matrix.tensor(axes @ self.mean), progress)
        self.axes = np.concatenate([self.axes, axes])
        self.planes = planes if not len(self.planes) else torch.cat([self.planes, planes])
        self.variance = self._spread[:rank]
        self._own = rank

    def add(self, axes: Doubles, planes: torch.Tensor) -> None:
        """Take in what orthonormal directions (k, D) add to those here; of those added the newest few are kept."""
        inside = axes @ self.axes.T
        outside, lengths = np.linalg.qr((axes - inside @ self.axes).T)
        real = np.abs(np.diag(lengths)) > 1e-3  # what is nearly inside would be mostly rounding
        if not real.all():
            return
        turn = np.linalg.inv(lengths.T)
        parts = self._matrix.tensor(np.concatenate([turn, -turn @ inside], axis=1))
        planes = parts.mm(torch.cat([planes, self.planes]).flatten(1)).view_as(planes)
        first = max(self._own, len(self.axes) + len(axes) - _MOST_ADDED)
        kept = [*range(self._own), *range(first, len(self.axes))]
        variance = planes.square().mean(dim=(1, 2)).cpu().double().numpy()
        self.axes = np.concatenate([self.axes[kept], outside.T])
        self.planes = torch.cat([self.planes[kept], planes])
        self.variance = np.concatenate([self.variance[kept], variance])

    def completed(self, axes: Doubles, count: int) -> tuple[Doubles, Doubles]:
        """`axes` (k, D), made orthonormal from the first on, and more behind them to make `count` if there are as many.

        Returns
        -------
        (count, D) axes and, of those behind, the variance of the unfiltered features along them
        """
        wanted = self._directions[self._own : self._own + max(count - len(axes), 0)]
        turned, lengths = np.linalg.qr(np.concatenate([axes, wanted]).T)
        turned = (turned * np.sign(np.diag(lengths))).T
        rest = turned[len(axes) : count]
        variance = ((self.sample @ rest.T.astype(np.float32)) ** 2).mean(axis=0, dtype=np.float64)
        return turned[:count], variance
