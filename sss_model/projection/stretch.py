"""Numbers of any range as colours in [0, 1]: the stretch that every map goes through, and the random map of Fig. 2b."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import Floats
from sss_model.finite import check_array, check_finite_values
from sss_model.pca import PcaBasis

SPREAD = 2.5  # standard deviations each way that a whitened range and a shared basis show


def stretch(values: NDArray[np.floating[Any]], low: Floats | None = None, high: Floats | None = None) -> Floats:
    """Move each channel's `low` to 0 and its `high` to 1, and clip what lies outside.

    Parameters
    ----------
    values : (H, W, C) of any float type
    low, high : (C,) float32, or one number for all channels; None takes each channel's own minimum, or maximum

    Returns
    -------
    (H, W, C) float32 in [0, 1]; a channel whose `high` is not above its `low` is 0

    Examples
    --------
    >>> stretch(np.array([[[1.0], [2.0], [5.0]]], np.float32)).ravel().tolist()
    [0.0, 0.25, 1.0]
    """
    check_array(values, "values", 3)
    check_finite_values(values, "values")
    own_low, own_high = range_of(values) if low is None or high is None else (low, high)
    low = own_low if low is None else low
    span = (own_high if high is None else high) - low
    flat = span <= 0
    result = np.where(flat, np.float32(0), (values - low) / np.where(flat, np.float32(1), span))
    return np.clip(result, 0, 1).astype(np.float32, copy=False)


def range_of(values: NDArray[np.floating[Any]], kind: str = "full") -> tuple[Floats, Floats]:
    """What becomes 0 and 1 of each channel of `values` (H, W, C): two of (C,) float32.

    `kind` is that of `ProjectionParams.range`: full takes minimum and maximum, whitened `SPREAD` standard deviations
    below and above the mean.
    """
    if kind == "full":
        return values.min(axis=(0, 1)).astype(np.float32), values.max(axis=(0, 1)).astype(np.float32)
    mean, reach = (getattr(values, of)(axis=(0, 1), dtype=np.float64) for of in ("mean", "std"))
    return (mean - SPREAD * reach).astype(np.float32), (mean + SPREAD * reach).astype(np.float32)


def range_of_planes(planes: Tensor, kind: str = "full") -> tuple[Tensor, Tensor]:
    """The same of planes (C, H, W): two of (C, 1, 1)."""
    if kind == "full":
        return planes.amin(dim=(1, 2), keepdim=True), planes.amax(dim=(1, 2), keepdim=True)
    reach, mean = torch.std_mean(planes, dim=(1, 2), keepdim=True, correction=0)
    return mean - SPREAD * reach, mean + SPREAD * reach


def random_projection(features: NDArray[np.floating[Any]], seed: int = 0) -> Floats:
    """Fig. 2b: features times a D x 3 matrix drawn from N(0, 1), with one minimum and maximum for all three channels.

    Parameters
    ----------
    features : (H, W, D) of any float type
    seed : of the matrix; the same seed gives the same colours

    Returns
    -------
    (H, W, 3) float32 in [0, 1]; features that are the same everywhere give 0

    Examples
    --------
    >>> features = np.random.default_rng(0).standard_normal((4, 5, 16)).astype(np.float32)
    >>> colours = random_projection(features, seed=1)
    >>> colours.shape, float(colours.min()), float(colours.max())
    ((4, 5, 3), 0.0, 1.0)
    """
    check_array(features, "features", 3)
    check_finite_values(features, "features")
    dimensions = features.shape[2]
    directions = np.random.default_rng(seed).standard_normal((dimensions, 3)).astype(np.float32)
    zeros = np.zeros(dimensions, np.float32)
    projected = PcaBasis(zeros, directions.T.copy(), np.zeros(3, np.float32)).project(features)
    low, high = projected.min(), projected.max()
    varied = float(np.ptp(projected, axis=(0, 1)).max())
    if varied <= 1e-6 * max(abs(float(low)), abs(float(high))):  # one colour: a range of rounding errors says nothing
        return np.zeros_like(projected)
    return stretch(projected, low, high)
