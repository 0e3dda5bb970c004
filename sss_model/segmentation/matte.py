"""What is done to a matte at the end: tightened, grown, feathered, inverted."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.params.layers import MatteParams

_STEEPEST = 8.0  # the power of the odds at tightness 1


def adjust_matte(matte: Floats, params: MatteParams, *, scale: float = 1.0) -> Floats:
    """`matte` tightened, then grown, then feathered, then inverted, as far as `params` ask for it.

    Tightness raises the odds a / (1 - a) of each alpha to a power from 1/8 to 8: 0, 0.5 and 1 stay. Growing is the
    largest alpha within an octagon about the pixel, shrinking the smallest. Feathering is a Gaussian blur.

    Parameters
    ----------
    matte : (H, W) float in [0, 1]
    params : the numbers; lengths are pixels of the full picture
    scale : pixels of `matte` for each pixel of the full picture

    Returns
    -------
    (H, W) float32 in [0, 1]

    Raises
    ------
    ParameterError : a matte of another shape, or with values that are not finite or outside [0, 1]; `scale` not above 0

    Examples
    --------
    >>> soft = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]], np.float32)
    >>> adjust_matte(soft, MatteParams(invert=True)).tolist()
    [[1.0, 0.75, 0.5, 0.25, 0.0]]
    """
    check_matte(matte)
    if not scale > 0:
        raise ParameterError(f"scale must be above 0; got {scale!r}.")
    alpha: Floats = np.array(matte, np.float32)
    if params.tightness:
        alpha = _tightened(alpha, _STEEPEST**params.tightness)
    if params.grow:
        alpha = grown(alpha, params.grow * scale)
    if params.feather:
        from scipy.ndimage import gaussian_filter

        blurred: Floats = gaussian_filter(alpha, params.feather * scale, mode="nearest", truncate=3.0)
        alpha = blurred.clip(0, 1)
    if params.invert:
        return 1 - alpha
    return alpha


def _tightened(alpha: Floats, power: float) -> Floats:
    inside, outside = np.power(alpha, power, dtype=np.float32), np.power(1 - alpha, power, dtype=np.float32)
    tightened: Floats = np.divide(inside, inside + outside, dtype=np.float32)
    return tightened


def grown(alpha: Floats, distance: float) -> Floats:
    """The largest of `alpha` (H, W) within `distance` pixels, or the smallest within `-distance` where it is below 0.

    Within is an octagon, built of squares and crosses in turn; between whole pixels the two nearest are mixed.
    """
    if distance < 0:
        return 1 - grown(1 - alpha, -distance)
    largest = torch.from_numpy(np.ascontiguousarray(alpha, np.float32))[None, None]
    whole = int(distance)
    for step in range(whole):
        largest = _dilated(largest, step)
    if distance > whole:
        largest = torch.lerp(largest, _dilated(largest, whole), distance - whole)
    result: Floats = largest[0, 0].numpy()
    return result


def _dilated(alpha: Tensor, step: int) -> Tensor:
    """The largest within a cross of 3 x 3 in even steps, within a square in odd ones."""
    across = F.max_pool2d(alpha, (1, 3), 1, (0, 1))
    if step % 2:
        return F.max_pool2d(across, (3, 1), 1, (1, 0))
    return torch.maximum(across, F.max_pool2d(alpha, (3, 1), 1, (1, 0)))


def check_matte(matte: NDArray[Any]) -> None:
    """Raise `ParameterError` unless `matte` is (H, W) float in [0, 1]."""
    if matte.ndim != 2 or 0 in matte.shape or not np.issubdtype(matte.dtype, np.floating):
        raise ParameterError(f"A matte must be floating-point (H, W); got {matte.dtype} {matte.shape}.")
    if not (float(matte.min()) >= -1e-6 and float(matte.max()) <= 1 + 1e-6):  # false for NaN as well
        raise ParameterError(f"A matte must lie in [0, 1]; got {matte.min()} to {matte.max()}.")
