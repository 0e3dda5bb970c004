"""How alike feature vectors are: cosine, or Euclidean distance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from sss_model.array_types import Floats


def compare_vectors(vectors: Sequence[Floats | None], metric: str) -> Floats:
    """Each of N vectors with each, (N, N) float32: NaN where one is None or they are of two lengths.

    The cosine is 0 where a vector is nothing but zeros.
    """
    values = np.full((len(vectors), len(vectors)), np.nan, np.float32)
    for row, first in enumerate(vectors):
        for column, second in enumerate(vectors):
            if first is not None and second is not None and first.shape == second.shape:
                values[row, column] = cosine(first, second) if metric == "cosine" else distance(first, second)
    return values


def cosine(first: Floats, second: Floats) -> float:
    """Of the angle between two vectors (D,); 0 where one of them is nothing but zeros."""
    lengths = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    return float(first @ second) / lengths if lengths > 0 else 0.0


def distance(first: Floats, second: Floats) -> float:
    """Euclidean, between two vectors (D,)."""
    return float(np.linalg.norm(first - second))
