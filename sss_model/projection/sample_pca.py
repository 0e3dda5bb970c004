"""The few directions in which one image's features vary most, and every pixel's coordinates along them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.array_types import Doubles
from sss_model.filtering.parallel import alone
from sss_model.pca import eigenvectors
from sss_model.progress import Progress
from sss_model.projection.feature_matrix import FeatureMatrix

ROUNDING = 1e-13  # of the mean's square: variance that float32 rounding alone may make
_SAMPLE = 1 << 15  # pixels that the directions are found from


class SamplePca:
    """features = mean + planes . axes + a rest without the axes' directions.

    The directions come from a sample of the pixels, which costs them a little variance; the coordinates are exact.

    Parameters
    ----------
    matrix : the features
    ranks : fewest and most axes
    share : of the variance that the axes should hold
    progress : of the first pass over the features

    Attributes
    ----------
    mean : (D,) float64, about the features' mean
    axes : (r, D) float64, orthonormal rows, by falling variance
    planes : (r, H, W) float32 on the matrix' device, exactly (features - mean) . axes
    variance : (r,) float64, variance along the axes
    total : variance of the features, estimated; 0 if they are constant
    sample : (n, D) float32, vectors from all over the image, less the mean
    """

    def __init__(
        self,
        matrix: FeatureMatrix,
        *,
        ranks: tuple[int, int],
        share: float = 0.85,
        progress: Progress | None = None,
    ) -> None:
        self._matrix = matrix
        self.sample = matrix.sample(_SAMPLE)
        self.mean: Doubles = self.sample.mean(axis=0, dtype=np.float64)
        self.sample -= self.mean.astype(np.float32)
        values, self._directions = eigenvectors(_product(self.sample.T, self.sample) / len(self.sample))
        constant = values.sum() <= ROUNDING * float(self.mean @ self.mean)
        self._spread: Doubles = np.zeros_like(values) if constant else values
        self.total = float(self._spread.sum())
        self.axes: Doubles = np.zeros((0, matrix.channels))
        self.variance: Doubles = np.zeros(0)
        self.planes = torch.empty((0, matrix.height, matrix.width), device=matrix.device)
        enough = int(np.searchsorted(np.cumsum(self._spread), share * self.total)) + 1
        self.rank = self._grow(min(max(enough, ranks[0]), ranks[1]), progress)

    @property
    def nbytes(self) -> int:
        """Bytes of planes and sample."""
        return self.planes.nbytes + self.sample.nbytes

    @property
    def share(self) -> float:
        """Share of the variance that lies along the first `rank` axes; 1 for constant features."""
        return float(self._spread[: self.rank].sum()) / self.total if self.total > 0 else 1.0

    def rest(self, rank: int) -> float:
        """Largest variance along any direction beyond the first `rank`, estimated."""
        return float(self._spread[rank]) if rank < len(self._spread) else 0.0

    def grown(self, rank: int, progress: Progress | None = None) -> int:
        """Have the `rank` directions of largest variance at hand, but no fewer than at first; says how many to use."""
        return max(self.rank, self._grow(rank, progress))

    def _grow(self, rank: int, progress: Progress | None) -> int:
        rank = min(rank, int((self._spread > 1e-9 * self._spread[0]).sum()))
        if rank > len(self.axes):
            axes = self._directions[len(self.axes) : rank]
            offset = self._matrix.tensor(axes @ self.mean)
            planes = self._matrix.project(self._matrix.tensor(axes), offset, progress)
            self.axes = np.concatenate([self.axes, axes])
            self.planes = planes if not len(self.planes) else torch.cat([self.planes, planes])
            self.variance = self._spread[:rank]
        return rank

    def completed(self, axes: Doubles, count: int, rank: int) -> tuple[Doubles, Doubles]:
        """`axes` (k, D), made orthonormal from the first on, and behind them those beyond `rank`, to make `count`.

        Returns
        -------
        (count, D) axes and, of those behind, the variance of the unfiltered features along them
        """
        wanted = self._directions[rank : rank + max(count - len(axes), 0)]
        turned, lengths = np.linalg.qr(np.concatenate([axes, wanted]).T)
        turned = (turned * np.sign(np.diag(lengths))).T
        rest = turned[len(axes) : count]
        variance = (self.seen(rest) ** 2).mean(axis=0, dtype=np.float64)
        return turned[:count], variance

    def seen(self, directions: Doubles) -> NDArray[np.float32]:
        """The sample's vectors along `directions` (k, D): (n, k) float32."""
        return _product(self.sample, directions.astype(np.float32).T).astype(np.float32)


def _product(first: NDArray[np.float32], second: NDArray[np.float32]) -> Doubles:
    """A product of few rows or columns, by one thread; MKL takes four times as long where `second` is not turned."""
    with alone():
        product = torch.from_numpy(first).mm(torch.from_numpy(second))
    return np.asarray(product.numpy(), np.float64)
