"""The picture and its features on the grid that the segments are computed on."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from sss_model.array_types import AnyFloats, Floats
from sss_model.errors import ParameterError
from sss_model.filtering.resize import resize
from sss_model.finite import check_finite_values
from sss_model.postprocess import reduce_features, stretch
from sss_model.progress import Progress

GRID = 640
LEAST_GRID = 8  # a smaller picture is its own grid
AFFINITY_CHANNELS = 3  # the affinity's distances are measured in the paper's three channels, each in [0, 1]
_CHANNELS = 16  # resized at a time


def grid_size(shape: tuple[int, ...], grid: int | None) -> tuple[int, int]:
    """Height and width of the working grid of a picture of `shape` (H, W, ...); never larger than the picture."""
    if grid is not None and (isinstance(grid, bool) or not isinstance(grid, int | np.integer) or grid < LEAST_GRID):
        raise ParameterError(f"grid must be a whole number of pixels, {LEAST_GRID} or more, or None; got {grid!r}.")
    height, width = shape[:2]
    long = max(height, width)
    scale = min(GRID if grid is None else int(grid), long) / long
    return max(1, round(height * scale)), max(1, round(width * scale))


def grid_image(image: AnyFloats, grid: int | None) -> Tensor:
    """(h, w, 3) float32 in [0, 1]: the picture at the working grid's size, anti-aliased."""
    return torch.from_numpy(resize(image, grid_size(image.shape, grid))).clamp_(0, 1)


def grid_features(features: AnyFloats, size: tuple[int, int], progress: Progress) -> Floats:
    """(h, w, D) float32: the features at the working grid's size."""
    channels = features.shape[2]
    if features.shape[:2] == size:
        return np.ascontiguousarray(features, np.float32)
    result = np.empty((*size, channels), np.float32)
    for start in range(0, channels, _CHANNELS):
        part = slice(start, start + _CHANNELS)
        result[..., part] = resize(features[..., part], size)
        progress.report(min(part.stop, channels) / channels)
    return result


def affinity_features(image: Floats, features: Floats, progress: Progress) -> Floats:
    """(h, w, 3 or fewer) in [0, 1]: what the semantic affinity compares; a map of that kind stays as it is."""
    if features.shape[2] > AFFINITY_CHANNELS:
        return reduce_features(image, features, progress=progress)
    if features.min() >= 0 and features.max() <= 1:
        return features
    return stretch(features)


def check_features(features: AnyFloats) -> None:
    """Raise `ParameterError` unless `features` is (h, w, D) floating point, finite and not empty."""
    if not isinstance(features, np.ndarray) or features.ndim != 3 or features.size == 0:
        shape = getattr(features, "shape", type(features).__name__)
        raise ParameterError(f"features must be an array (h, w, D) that is not empty, got {shape}.")
    if not np.issubdtype(features.dtype, np.floating):
        raise ParameterError(f"features must be floating-point numbers, got {features.dtype}.")
    check_finite_values(features, "features")
