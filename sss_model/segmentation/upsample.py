"""Layers from the working grid to the full picture, along its edges."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.filtering.lift import GuidedLift, lift_region
from sss_model.progress import Progress

RADIUS, EPS = 1, 1e-5  # of the guided filter: windows of 3 x 3 cells


def upsample_layers(
    alphas: NDArray[np.float32],
    grid_image: NDArray[np.float32],
    image: NDArray[np.floating[Any]],
    *,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """(H, W, N) float32 in [0, 1], of sum 1, by the fast guided filter: it is linear, so the layers keep their sum.

    Parameters
    ----------
    alphas : (h, w, N) float32 of sum 1
    grid_image : (h, w, 3) float32, `image` at the layers' size
    image : (H, W, 3) RGB in [0, 1]
    progress : told after every tile
    """
    lift = GuidedLift(grid_image, radius=RADIUS, eps=EPS)
    lifted: NDArray[np.float32] = lift_region(lift.coefficients(alphas), image, progress=progress)
    np.clip(lifted, 0, 1, out=lifted)
    lifted /= lifted.sum(axis=2, keepdims=True)
    return lifted
