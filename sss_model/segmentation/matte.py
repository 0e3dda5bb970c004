"""A matte (an alpha of one's own choosing): refined by pins, tightened, grown, feathered, inverted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sss_model.errors import ParameterError
from sss_model.guided_filter import guided_filter
from sss_model.params.layers import MatteParams

Floats = NDArray[np.float32]
Point = tuple[int, int]

_RADIUS, _EPS = 4, 1e-4  # of the guided filter that brings a change to the picture's edges
_STEEPEST = 8.0  # the power of the odds at tightness 1
_FARTHER = 0.5  # the share of an unpinned side that stands for it: what is farther from the pin


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


def refine_matte(
    matte: Floats,
    image: NDArray[np.floating[Any]],
    features: NDArray[np.floating[Any]],
    *,
    positive: Sequence[Point] = (),
    negative: Sequence[Point] = (),
) -> Floats:
    """`matte` with what is like the `positive` pins added and what is like the `negative` ones taken away.

    A pixel is decided by how near its feature is to the pins of either kind, d+ and d-:

        target = d-^4 / (d+^4 + d-^4)        weight = exp(-d^2 / (2 s^2))        s = |f+ - f-| / 2

    with d the distance to the nearest pin, so that pixels far from all pins stay as they are. Where there are pins of
    one kind only, the mean feature of what the matte holds (or leaves), of its half that is farther from the pins,
    stands for the other; such pins only add, or only take away. The change follows the edges of `image` by the guided
    filter.

    Parameters
    ----------
    matte : (h, w) float in [0, 1]
    image : (h, w, 3) float RGB in [0, 1]
    features : (h, w, D) of any float type
    positive, negative : pixels, x then y

    Returns
    -------
    (h, w) float32 in [0, 1]

    Raises
    ------
    ParameterError : arrays whose shapes do not fit, values that are not finite, or a pin outside the picture

    Examples
    --------
    >>> image = np.zeros((20, 40, 3), np.float32)
    >>> image[:, 20:] = 1  # two things in one layer, told apart by their features
    >>> refined = refine_matte(np.ones((20, 40), np.float32), image, image, negative=[(30, 10)])
    >>> refined[10, [5, 35]].round(2).tolist()
    [1.0, 0.0]
    """
    check_matte(matte)
    _check_fit(matte, image, features)
    pins = {"positive": list(positive), "negative": list(negative)}
    for kind, points in pins.items():
        _check_pins(points, matte.shape, kind)
    if not any(pins.values()):
        return np.array(matte, np.float32)
    values = torch.from_numpy(np.ascontiguousarray(features, np.float32)).reshape(-1, features.shape[2])
    own = torch.from_numpy(np.ascontiguousarray(matte, np.float32)).reshape(-1)
    change = _change(values, own, [[y * matte.shape[1] + x for x, y in points] for points in pins.values()])
    raw = change.reshape(*matte.shape, 1).numpy()
    smooth = guided_filter(np.asarray(image), raw, radius=_RADIUS, eps=_EPS)[..., 0]
    refined: Floats = np.clip(np.asarray(matte, np.float32) + smooth, 0, 1)
    return refined


def _change(values: Tensor, own: Tensor, pins: list[list[int]]) -> Tensor:
    """(P,): what the positive and the negative `pins`, as indices of `values` (P, D), add to the matte `own` (P,)."""
    positive, negative = (values[places] for places in pins)
    if not len(positive):
        positive = _other_side(values, own, negative)
    elif not len(negative):
        negative = _other_side(values, 1 - own, positive)
    spread = float(torch.cdist(positive, negative).min()) / 2
    if spread == 0:
        return torch.zeros_like(own)  # pins of both kinds on the same feature say nothing
    near, far = _squared_distance(values, positive), _squared_distance(values, negative)
    target = far.square() / (near.square() + far.square()).clamp(min=1e-20)
    pinned = [squared for squared, places in zip((near, far), pins, strict=True) if places]
    change = torch.exp(-torch.stack(pinned).amin(0) / (2 * spread**2)) * (target - own)
    if not pins[0]:
        change.clamp_(max=0)
    elif not pins[1]:
        change.clamp_(min=0)
    return change


def _squared_distance(values: Tensor, anchors: Tensor) -> Tensor:
    """(P,): from each of `values` (P, D) to the nearest of `anchors` (A, D)."""
    lengths = torch.linalg.vector_norm(values, dim=1).square()
    squares = lengths[:, None] - 2 * (values @ anchors.T) + anchors.square().sum(1)
    nearest: Tensor = squares.clamp(min=0).amin(1)
    return nearest


def _other_side(values: Tensor, share: Tensor, pins: Tensor) -> Tensor:
    """(1, D): the mean of `values` (P, D) weighted by `share` (P,), over the half of it farther from the `pins`."""
    distance = _squared_distance(values, pins)
    order = distance.argsort(descending=True)
    reached = share[order].cumsum(0)
    far = order[: max(1, int((reached < _FARTHER * reached[-1]).sum()))]
    weights = torch.zeros_like(share)
    weights[far] = share[far] + 1e-12
    mean: Tensor = (weights @ values)[None] / weights.sum()
    return mean


def check_matte(matte: NDArray[Any]) -> None:
    """Raise `ParameterError` unless `matte` is (H, W) float in [0, 1]."""
    if matte.ndim != 2 or 0 in matte.shape or not np.issubdtype(matte.dtype, np.floating):
        raise ParameterError(f"A matte must be floating-point (H, W); got {matte.dtype} {matte.shape}.")
    if not (float(matte.min()) >= -1e-6 and float(matte.max()) <= 1 + 1e-6):  # false for NaN as well
        raise ParameterError(f"A matte must lie in [0, 1]; got {matte.min()} to {matte.max()}.")


def _check_fit(matte: Floats, image: NDArray[Any], features: NDArray[Any]) -> None:
    for name, array, wanted in (
        ("image", image, "(h, w, 3)"),
        ("features", features, "(h, w, D)"),
    ):
        if array.ndim != 3 or array.shape[:2] != matte.shape or not np.issubdtype(array.dtype, np.floating):
            raise ParameterError(
                f"The {name} of a matte of {matte.shape} must be floating-point {wanted} of its size; "
                f"got {array.dtype} {array.shape}."
            )
        if not np.isfinite(array).all():
            raise ParameterError(f"The {name} must be finite; got NaN or infinity.")


def _check_pins(points: Sequence[Point], size: tuple[int, ...], kind: str) -> None:
    height, width = size
    for x, y in points:
        if not (0 <= x < width and 0 <= y < height):
            raise ParameterError(
                f"A {kind} pin must lie in the picture, 0 to {width - 1} and 0 to {height - 1}; got ({x}, {y})."
            )
