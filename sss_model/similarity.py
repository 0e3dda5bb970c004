"""How alike pixels are: maps of cosine or distance to one pixel's features, and the nearest of several."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError

Features = NDArray[np.floating[Any]]
METRICS = ("cosine", "distance")
_BLOCK = 1 << 22  # features read at once


class Similarity:
    """Compares all pixels of one picture with feature vectors; lengths and spread are computed once.

    Similarities lie in [0, 1], and 1 is the same. cosine: the cosine of the angle, negative ones as 0. distance:
    exp(-|f - g| / s), where s is the root mean square distance of this picture's features from their mean.

    Parameters
    ----------
    features : (H, W, D) of any float type, memory-mapped too
    """

    def __init__(self, features: Features) -> None:
        if features.ndim != 3 or features.size == 0:
            raise ParameterError(f"features must be an array (H, W, D) that is not empty, got shape {features.shape}.")
        self._size = features.shape[:2]
        self._flat = features.reshape(-1, features.shape[2])
        self._squares = np.empty(len(self._flat), np.float32)
        total = np.zeros(features.shape[2])
        for rows, block in self._blocks():
            np.einsum("nd,nd->n", block, block, out=self._squares[rows])
            total += block.sum(0, dtype=np.float64)
        mean = total / len(self._flat)
        variance = float(self._squares.mean(dtype=np.float64)) - float(mean @ mean)
        self.spread = max(float(np.sqrt(max(variance, 0.0))), 1e-12)

    def to_vector(self, vector: NDArray[np.floating[Any]], metric: str = "cosine") -> NDArray[np.float32]:
        """Similarity (H, W) float32 in [0, 1] of every pixel to `vector` (D,)."""
        return self._similarities(vector[None], metric)[:, 0].reshape(self._size)

    def nearest(self, vectors: NDArray[np.floating[Any]], metric: str = "cosine") -> NDArray[np.uint8]:
        """For every pixel the index (H, W) uint8 of the most similar of `vectors` (P, D), P at most 255."""
        if not 1 <= len(vectors) <= 255:
            raise ParameterError(f"vectors must be 1 to 255, got {len(vectors)}.")
        order = self._similarities(vectors, metric, compare=True)
        labels: NDArray[np.uint8] = order.argmax(1).astype(np.uint8).reshape(self._size)
        return labels

    def _similarities(
        self, vectors: NDArray[np.floating[Any]], metric: str, *, compare: bool = False
    ) -> NDArray[np.float32]:
        """(N, P); with `compare` only the order within a row is right (negative cosines stay)."""
        if metric not in METRICS:
            raise ParameterError(f"metric must be one of {', '.join(METRICS)}; got {metric!r}.")
        if vectors.shape[-1] != self._flat.shape[1]:
            raise ParameterError(f"The vector has {vectors.shape[-1]} features, the picture {self._flat.shape[1]}.")
        chosen = np.ascontiguousarray(vectors, np.float32)
        products = np.empty((len(self._flat), len(chosen)), np.float32)
        for rows, block in self._blocks():
            np.matmul(block, chosen.T, out=products[rows])
        squares = np.einsum("pd,pd->p", chosen, chosen)
        if metric == "cosine":
            lengths = np.sqrt(self._squares)[:, None] * np.sqrt(squares)
            cosines: NDArray[np.float32] = products / np.maximum(lengths, np.float32(1e-12))
            return cosines if compare else np.clip(cosines, 0, 1)
        apart = self._squares[:, None] + squares - 2 * products
        alike: NDArray[np.float32] = np.exp(-np.sqrt(np.maximum(apart, 0)) / np.float32(self.spread))
        return alike

    def _blocks(self) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        step = max(1, _BLOCK // self._flat.shape[1])
        for start in range(0, len(self._flat), step):
            rows = slice(start, min(start + step, len(self._flat)))
            yield rows, np.asarray(self._flat[rows], np.float32)


def best_match(similarity: NDArray[np.float32], point: tuple[int, int], apart: int) -> tuple[int, int] | None:
    """The most similar pixel (x, y) at least `apart` pixels from `point` in x or y; None when there is none."""
    width = similarity.shape[1]
    x, y = point
    away = similarity.copy()
    away[max(y - apart + 1, 0) : max(y + apart, 0), max(x - apart + 1, 0) : max(x + apart, 0)] = -1
    row, column = divmod(int(away.argmax()), width)
    return (column, row) if away[row, column] >= 0 else None
