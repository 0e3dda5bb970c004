"""Samples of any depth and channel count -> an image: float32 RGB in [0, 1].

Integers are divided by the largest value of their type; grey is repeated; transparency is laid over white, as a
page shows it. Colours are sRGB: what else a file says of them is converted before (`colour_profile`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.array_types import Floats, Picture
from sss_model.errors import ImageError, ParameterError
from sss_model.finite import check_array

MAX_PIXELS = 400_000_000  # 4.8 GB as an image

# A float picture may overshoot [0, 1] (sharpening, highlights): clipped. With more than this share of its values
# outside it is in another unit (0..255, radiance), and clipping would destroy it.
CLIPPED_SHARE = 0.1


def image_from_array(array: NDArray[Any], *, name: str = "The picture") -> Floats:
    """An image from an array of samples, as a clipboard, a camera or another library gives it.

    Parameters
    ----------
    array : (H, W) grey, (H, W, 1) grey, (H, W, 2) grey and alpha, (H, W, 3) RGB or (H, W, 4) RGB and straight alpha;
        bool, uint8, uint16 or uint32 over their full range, or float in [0, 1]. Up to a tenth of the values of a
        float array may lie outside [0, 1]; they are clipped.
    name : begins the sentences of the errors

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1], C-contiguous, never sharing memory with `array`

    Raises
    ------
    ImageError : wrong shape or type, values that are not finite, or too many outside [0, 1]

    Examples
    --------
    >>> image_from_array(np.array([[0, 255]], np.uint8)).tolist()
    [[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]]
    """
    array = np.asarray(array)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or 0 in array.shape or array.shape[2] > 4:
        raise ImageError(
            f"{name} has the shape {array.shape}; expected (H, W) or (H, W, C) with 1 to 4 channels.",
            hint="Feature maps are opened as features, with their picture beside them.",
        )
    values = over_white(unit_range(array, name=name))
    if values.shape[2] == 1:
        values = np.repeat(values, 3, axis=2)
    return np.ascontiguousarray(values, dtype=np.float32)


def over_white(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """`values` (H, W, C) in [0, 1], those with straight alpha last laid over white, without it."""
    if values.shape[2] not in (2, 4):
        return values
    colours, alpha = values[..., :-1], values[..., -1:]
    return colours if float(alpha.min()) >= 1 else np.asarray(colours * alpha + (1 - alpha), np.float32)


def opaque(samples: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """`samples` without an alpha that hides a whole picture, as some programs write it, and a phrase that says so."""
    if samples.ndim != 3 or samples.shape[2] not in (2, 4) or samples[..., -1].any():
        return samples, ()
    colours = samples[..., :-1]
    if (colours == colours[:1, :1]).all():
        return samples, ()
    return colours, ("alpha is 0 everywhere and was left out",)


def unit_range(array: NDArray[Any], *, name: str = "The picture") -> Floats:
    """Samples of any accepted type as float32 in [0, 1], of the same shape; see `image_from_array`."""
    if array.dtype == np.bool_:
        return array.astype(np.float32)
    if array.dtype.kind == "u" and array.dtype.itemsize <= 4:
        working = np.float32 if array.dtype.itemsize <= 2 else np.float64
        scaled: NDArray[Any] = np.divide(array, working(np.iinfo(array.dtype).max), dtype=working)
        return scaled.astype(np.float32, copy=False)
    if array.dtype.kind == "f":
        return _clipped(array, name)
    raise ImageError(
        f"{name} holds samples of type {array.dtype}; expected uint8, uint16, uint32, or floats in [0, 1].",
        hint="Save it with 8 or 16 bits per channel.",
    )


def to_picture(image: NDArray[Any], *, name: str = "image") -> Picture:
    """`image` (H, W, 3) float in [0, 1] as uint8, rounded to the nearest; values outside are clipped.

    Of an image read from an 8-bit file it gives back the file's values. `name` begins the sentences of its errors,
    `ParameterError` for another shape or type, NaN and infinity.

    Examples
    --------
    >>> to_picture(np.array([[[0.0, 0.2, 1.5]]], np.float32)).tolist()
    [[[0, 51, 255]]]
    """
    check_array(image, name)
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype.kind != "f":
        raise ParameterError(f"{name} must be (H, W, 3) float, got {image.shape} {image.dtype}.")
    picture = np.empty(image.shape, np.uint8)
    rows = max(1, 2**16 // max(1, image.shape[1]))  # whose numbers stay in a core's cache
    for y in range(0, image.shape[0], rows):
        block = image[y : y + rows]
        if not np.isfinite(block).all():
            what = "NaN" if np.isnan(block).any() else "infinity"
            raise ParameterError(f"{name} holds {what} in rows {y} to {y + len(block) - 1}; expected values in [0, 1].")
        scaled = np.clip(block, 0, 1) * np.float32(255) + np.float32(0.5)
        picture[y : y + rows] = scaled.astype(np.uint8)
    return picture


def srgb_encoded(linear: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light as sRGB (IEC 61966-2-1), of the same shape; negative values mirrored."""
    magnitude = np.abs(linear)
    curve = 1.055 * np.power(np.maximum(magnitude, 0.0031308), 1 / 2.4) - 0.055
    return np.asarray(np.copysign(np.where(magnitude <= 0.0031308, 12.92 * magnitude, curve), linear), np.float32)


def check_size(width: int, height: int) -> None:
    """Raise `ImageError` for more than `MAX_PIXELS` pixels."""
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"The picture has {width} x {height} pixels; at most {MAX_PIXELS // 10**6} million can be read.",
            hint="Scale it down or cut a part out of it first.",
        )


def upright(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """`samples` turned and mirrored from EXIF's `orientation` (1 to 8) to upright; a view."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    rows = -1 if orientation in (3, 4, 7, 8) else 1
    columns = -1 if orientation in (2, 3, 6, 7) else 1
    return samples[::rows, ::columns]


class ClippedParts:
    """Float samples that come by stripes of rows, clipped to [0, 1]; what they were is judged together.

    Parameters
    ----------
    name : begins the sentences of the errors
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._rows = self._count = self._broken = self._outside = 0
        self._first = (0, 0)  # row and column of the first that is not finite
        self._low, self._high = np.inf, -np.inf

    def add(self, rows: NDArray[Any]) -> Floats:
        """The next rows, float32 and clipped."""
        broken = ~np.isfinite(rows)
        if broken.any():
            if not self._broken:
                row, column = (int(i) for i in np.argwhere(broken)[0][:2])
                self._first = self._rows + row, column
            self._broken += int(np.count_nonzero(broken))
        else:
            self._low, self._high = min(self._low, float(rows.min())), max(self._high, float(rows.max()))
            self._outside += int(np.count_nonzero((rows < 0) | (rows > 1)))
        self._rows, self._count = self._rows + len(rows), self._count + rows.size
        clipped: NDArray[Any] = np.clip(rows, 0.0, 1.0)
        return clipped.astype(np.float32, copy=False)

    def check(self) -> None:
        """Raise `ImageError` for values that are not finite, or too many outside [0, 1]."""
        if self._broken:
            row, column = self._first
            raise ImageError(
                f"{self._name} holds NaN or infinity {self._broken} times, first in row {row}, column {column}.",
                hint="Replace these values and save the picture again.",
            )
        if self._outside > CLIPPED_SHARE * self._count:
            raise ImageError(
                f"{self._name} holds float values from {self._low:g} to {self._high:g}; expected them in [0, 1].",
                hint="Divide them by the value of white, 255 say, or tone-map the picture, and save it again.",
            )


def _clipped(array: NDArray[Any], name: str) -> Floats:
    """Float samples as float32 clipped to [0, 1]."""
    whole = ClippedParts(name)
    clipped = whole.add(array)
    whole.check()
    return clipped
