"""A segmentation with hard borders: every pixel in one layer; and the usual way to soft ones, the guided filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Labels
from sss_model.guided_filter import guided_filter
from sss_model.progress import Progress

MOST_LAYERS = 32
BACKGROUND, OTHERS = "background", "others"
LIFT_EPS = 1e-4
_LIFT_SHARE = 0.01  # of the long side: the guided filter's radius


@dataclass(frozen=True)
class HardSegmentation:
    """Every pixel in one of a few layers.

    Attributes
    ----------
    labels : (H, W) int32, from 0 to one less than there are names
    names : of the layers, the largest first; no more than `MOST_LAYERS`, the smallest being `OTHERS` together
    """

    labels: Labels
    names: tuple[str, ...]

    def alphas(self) -> Floats:
        """(H, W, N) float32, 0 or 1."""
        one = np.arange(len(self.names), dtype=np.int32)
        return np.asarray(self.labels[..., None] == one, np.float32)

    def lifted(
        self, image: Floats, *, radius: int | None = None, eps: float = LIFT_EPS, progress: Progress | None = None
    ) -> Floats:
        """(H, W, N) float32 in [0, 1] that sum to 1: the masks after the guided filter under `image` (H, W, 3).

        `radius` is in pixels, None a hundredth of the long side; `eps` in squared intensity, larger keeps fewer edges.
        """
        radius = max(2, round(_LIFT_SHARE * max(image.shape[:2]))) if radius is None else radius
        alphas = guided_filter(image, self.alphas(), radius=radius, eps=eps, progress=progress)
        np.clip(alphas, 0, 1, out=alphas)
        alphas /= alphas.sum(axis=2, keepdims=True)  # above 0: before clipping they sum to 1
        return alphas


def hard_segmentation(labels: NDArray[Any], names: dict[int, str]) -> HardSegmentation:
    """`labels` (H, W) of any whole numbers as layers by falling size; a number without a name is class-<number>."""
    numbers, first, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    titles = _unlike([names.get(int(numbers[k]), f"class-{numbers[k]}") for k in order])
    if len(titles) > MOST_LAYERS:
        titles = [*titles[: MOST_LAYERS - 1], OTHERS]
    ranks = np.minimum(rank, len(titles) - 1)[first.reshape(labels.shape)]
    return HardSegmentation(ranks, tuple(titles))


def numbered(names: dict[int, str]) -> dict[int, str]:
    """person-1, person-2 where several have one name; all differ."""
    listed = list(names.values())
    used = {name for name in listed if listed.count(name) == 1}
    result = {}
    for key, name in sorted(names.items()):
        if listed.count(name) == 1:
            result[key] = name
            continue
        numbers = (number for number in count(1) if f"{name}-{number}" not in used)
        result[key] = f"{name}-{next(numbers)}"
        used.add(result[key])
    return result


def _unlike(names: Sequence[str]) -> list[str]:
    """`names`, with numbers behind those that stand there twice."""
    return list(numbered(dict(enumerate(names))).values())
