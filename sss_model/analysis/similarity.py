"""How alike pixels are: maps of cosine or distance to one pixel's features, and the nearest of several."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import AnyFloats
from sss_model.errors import ParameterError
from sss_model.finite import check_array
from sss_model.projection.feature_matrix import FeatureMatrix

METRICS = ("cosine", "distance")
FAR = 100  # squared length of the mean over the variance, from which on features are taken from their mean


class Similarity:
    """Compares all pixels of one picture with feature vectors; lengths and spread are computed once.

    Similarities lie in [0, 1], and 1 is the same. cosine: the cosine of the angle, negative ones as 0. distance:
    exp(-|f - g| / s), where s is the root mean square distance of this picture's features from their mean.

    Parameters
    ----------
    features : (H, W, D) of any float type, memory-mapped too

    Examples
    --------
    >>> features = np.eye(3, dtype=np.float32)[None]  # three pixels, at right angles to each other
    >>> Similarity(features).to_vector(features[0, 1]).tolist()
    [[0.0, 1.0, 0.0]]
    """

    def __init__(self, features: AnyFloats) -> None:
        check_array(features, "features")
        self._matrix = FeatureMatrix(features)
        self._squares = torch.empty(self._matrix.pixels)  # of the distances from `_centre`
        self._centre = torch.zeros(self._matrix.channels)
        mean, variance = self._moments()
        self._inverse_lengths = self._squares.clamp(min=1e-24).rsqrt()
        if float(mean @ mean) > FAR * variance:  # distances would drown in the rounding of such lengths
            self._centre = mean.float()
            _, variance = self._moments()
        self.spread = max(variance, 0.0) ** 0.5 or 1e-12

    def to_vector(self, vector: NDArray[np.floating[Any]], metric: str = "cosine") -> NDArray[np.float32]:
        """Similarity (H, W) float32 in [0, 1] of every pixel to `vector` (D,)."""
        chosen, shift = self._chosen(vector[None], metric)
        chosen, dot = chosen[0], float(shift[0])
        square = float(chosen @ chosen)
        twice = chosen.repeat(2, 1)  # for one column MKL takes three times as long as for two
        out = torch.empty(self._matrix.pixels)

        def work(rows: slice, block: Tensor) -> None:
            pixels = self._pixels(rows)
            part = out[pixels].copy_(block.mm(twice.T)[:, 0])
            if metric == "cosine":
                part.mul_(self._inverse_lengths[pixels]).mul_(max(square, 1e-24) ** -0.5).clamp_(0, 1)
            else:
                part.sub_(dot).mul_(-2).add_(self._squares[pixels]).add_(square).clamp_(min=0)
                part.sqrt_().mul_(-1 / self.spread).exp_()

        for _ in self._matrix.each(work):
            pass
        return out.view(self._matrix.height, self._matrix.width).numpy()

    def nearest(self, vectors: NDArray[np.floating[Any]], metric: str = "cosine") -> NDArray[np.uint8]:
        """For every pixel the index (H, W) uint8 of the most similar of `vectors` (P, D), P at most 255."""
        if not 1 <= len(vectors) <= 255:
            raise ParameterError(f"vectors must be 1 to 255, got {len(vectors)}.")
        chosen, dots = self._chosen(vectors, metric)
        squares = chosen.square().sum(dim=1)
        # a pixel's own length changes nothing in its order of the vectors
        scale, shift = (squares.clamp(min=1e-24).rsqrt(), 0.0) if metric == "cosine" else (1.0, -squares / 2 - dots)

        def work(_rows: slice, block: Tensor) -> Tensor:
            return block.mm(chosen.T).mul_(scale).add_(shift).argmax(dim=1).to(torch.uint8)

        labels = torch.cat(list(self._matrix.each(work)))
        return labels.view(self._matrix.height, self._matrix.width).numpy()

    def _moments(self) -> tuple[Tensor, float]:
        """Take the squared distances from `_centre`; returns mean (D,) float64 and variance of what is left."""
        total = torch.zeros(self._matrix.channels, dtype=torch.float64)
        for part in self._matrix.each(self._measure):
            total += part
        mean = total / self._matrix.pixels
        return mean, float(self._squares.mean(dtype=torch.float64)) - float(mean @ mean)

    def _measure(self, rows: slice, block: Tensor) -> Tensor:
        """Take the block's squared distances from `_centre`; returns its sum (D,) float64 from there."""
        if self._centre.any():
            block = block - self._centre
        torch.linalg.vecdot(block, block, out=self._squares[self._pixels(rows)])
        return block.sum(dim=0).double()

    def _pixels(self, rows: slice) -> slice:
        return slice(rows.start * self._matrix.width, rows.stop * self._matrix.width)

    def _chosen(self, vectors: NDArray[np.floating[Any]], metric: str) -> tuple[Tensor, Tensor]:
        """`vectors` (P, D), for distances as seen from `_centre`, and how much too large their products are."""
        if metric not in METRICS:
            raise ParameterError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}.")
        if vectors.shape[-1] != self._matrix.channels:
            raise ParameterError(f"The vector has {vectors.shape[-1]} features, the picture {self._matrix.channels}.")
        chosen = self._matrix.tensor(vectors)
        if metric == "cosine":
            return chosen, chosen.new_zeros(len(chosen))
        chosen = chosen - self._centre
        return chosen, (chosen.double() @ self._centre.double()).float()


def best_match(similarity: NDArray[np.float32], point: tuple[int, int], apart: int) -> tuple[int, int] | None:
    """The most similar pixel (x, y) at least `apart` pixels from `point` in x or y; None when there is none.

    Examples
    --------
    >>> best_match(np.array([[1.0, 0.9, 0.2, 0.7]], np.float32), (0, 0), apart=2)
    (3, 0)
    """
    width = similarity.shape[1]
    x, y = point
    away = similarity.copy()
    away[max(y - apart + 1, 0) : max(y + apart, 0), max(x - apart + 1, 0) : max(x + apart, 0)] = -1
    row, column = divmod(int(away.argmax()), width)
    return (column, row) if away[row, column] >= 0 else None
