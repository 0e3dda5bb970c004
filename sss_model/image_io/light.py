"""Linear light, as renders, plates and HDR files hold it -> sRGB for the network and the screen.

Values in [0, 1] are encoded and nothing else. Where some lie above 1 the highlights roll off; where many do, the
picture is darkened first. Single values that are not finite take the mean of their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.counted import counted
from sss_model.errors import ImageError
from sss_model.image_io.pixel_values import srgb_encoded
from sss_model.params import ReadParams

REC709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)  # x and y of red, green, blue and white
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_KNEE = 0.8  # linear; highlights roll off from here on
_ROUNDING = 1 / 512
_MANY = 0.1  # of the values above 1: such a picture is darkened
_MIDDLE = 0.5  # the most that its median becomes
_BROKEN_SHARE = 0.1  # of pixels that are not finite: with more there is no picture around them
_SAMPLED = 1 << 20  # pixels; of larger pictures the exposure is judged by a part
_ROWS = 1 << 20  # samples that are converted at once
ENCODED = "linear light encoded as sRGB"


@dataclass(frozen=True)
class View:
    """How linear light is shown.

    Attributes
    ----------
    gain : what it is multiplied by
    peak : the largest value, times the gain; above 1 highlights roll off
    """

    gain: float = 1.0
    peak: float = 1.0

    @classmethod
    def of(cls, light: NDArray[np.float32], params: ReadParams) -> View:
        """That of a picture whose (..., C) values, or a part of them from everywhere, are `light`."""
        values = light[np.isfinite(light)]
        above = values[values > 0]
        gain = 2.0**params.exposure
        if above.size and np.count_nonzero(above > 1) > _MANY * above.size:
            gain *= min(1.0, _MIDDLE / float(np.median(above)))
        return cls(gain, float(above.max()) * gain if above.size else 0.0)

    @property
    def rolls(self) -> bool:
        """Whether highlights roll off: some value lies above 1, by more than rounding."""
        return self.peak > 1 + _ROUNDING

    @property
    def said(self) -> tuple[str, ...]:
        """What it does, in phrases."""
        stops = np.log2(self.gain)
        darker = (f"exposure {stops:+.1f} stops",) if abs(stops) > 0.01 else ()
        rolled = (f"highlights up to {self.peak:.3g} rolled off",) if self.rolls else ()
        return (*darker, *rolled)

    def encoded(self, light: NDArray[Any]) -> NDArray[np.float32]:
        """`light` (..., C) as sRGB; in [0, 1] where nothing is negative."""
        values = np.asarray(light, np.float32) * np.float32(self.gain)
        if self.rolls:
            over = np.maximum(values - np.float32(_KNEE), 0)
            room = np.float32(1 - _KNEE)
            values = np.where(values > _KNEE, _KNEE + room * -np.expm1(-over / room), values)
        return srgb_encoded(np.clip(values, 0, 1).astype(np.float32, copy=False))

    def light(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """The light that `encoded` shows as `image`, sRGB in [0, 1]: its inverse, as far as there is one."""
        curve = ((image + np.float32(0.055)) / np.float32(1.055)) ** np.float32(2.4)
        values = np.where(image <= 0.04045, image / np.float32(12.92), curve)
        if self.rolls:
            room = 1 - _KNEE
            over = -room * np.log1p(-np.clip((values - _KNEE) / room, 0, 1 - 1e-6))
            values = np.where(values > _KNEE, _KNEE + over, values)
        return np.asarray(np.clip(values, 0, max(self.peak, 1)) / self.gain, np.float32)


class Shown(NamedTuple):
    """Linear light as sRGB `samples`, what was done to it, and the light itself, mended, as `view` shows it.

    `light` is None where all values are in [0, 1] and no more was done, so that sRGB says all.
    """

    samples: NDArray[np.float32]
    said: tuple[str, ...]
    light: NDArray[np.float32] | None
    view: View


def shown(light: NDArray[np.float32], params: ReadParams, *, matrix: NDArray[np.float64] | None = None) -> Shown:
    """Linear light (H, W, C) as sRGB of the same shape; `light` is changed in place.

    Parameters
    ----------
    matrix : from its primaries to sRGB's; None where they are those
    """
    mended = Mending(params)
    mended.fill(light)
    said = mended.checked()
    if matrix is not None:
        for block in blocks(light):
            block[...] = block @ matrix.T
    view = View.of(np.concatenate([light[rows] for rows in sampled(*light.shape[:2])]), params)
    result = np.empty_like(light)
    for out, block in zip(blocks(result), blocks(light), strict=True):
        out[...] = view.encoded(block)
    kept = light if view.gain != 1 or float(light.max()) > 1 or float(light.min()) < 0 else None
    return Shown(result, (*view.said, *said), kept, view)


def blocks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Views of `array` by rows, each small enough to be converted at once."""
    rows = max(1, _ROWS // max(1, array[0].size))
    for y in range(0, len(array), rows):
        yield array[y : y + rows]


def sampled(height: int, width: int) -> list[slice]:
    """The rows by which a picture's exposure is judged: all of a small one, else blocks from top to bottom."""
    if height * width <= _SAMPLED:
        return [slice(0, height)]
    count = max(8, _SAMPLED // (32 * width))
    starts = {place * height // count // 32 * 32 for place in range(count)}
    return [slice(start, min(start + 32, height)) for start in sorted(starts)]


class Mending:
    """Fills pixels that are not finite, stripe by stripe, and counts them."""

    def __init__(self, params: ReadParams) -> None:
        self._strict = params.strict
        self._filled = self._pixels = self._rows = 0
        self._first = (0, 0)

    def fill(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next `rows` (n, W, C) with what is not finite filled in place."""
        broken: NDArray[np.bool_] = np.any(~np.isfinite(rows), axis=2)
        count = int(np.count_nonzero(broken))
        if count:
            if not self._filled:
                row, column = (int(i) for i in np.argwhere(broken)[0])
                self._first = self._rows + row, column
            fill_from_neighbours(rows, broken)
        self._filled, self._pixels = self._filled + count, self._pixels + broken.size
        self._rows += len(rows)
        return rows

    def checked(self) -> tuple[str, ...]:
        """What was filled, in phrases; `ImageError` for too much of it."""
        count = self._filled
        if count and (self._strict or count > max(1, _BROKEN_SHARE * self._pixels)):
            raise ImageError(
                f"The picture holds NaN or infinity in {counted(count, 'pixel')}, first in row {self._first[0]}, "
                f"column {self._first[1]}.",
                hint="Replace these values and save the picture again.",
            )
        one = count == 1
        words = f"{count} pixel{'' if one else 's'} not finite, filled from {'its' if one else 'their'} neighbours"
        return (words,) if count else ()


def fill_from_neighbours(values: NDArray[np.float32], broken: NDArray[np.bool_]) -> None:
    """Give each `broken` pixel of `values` (H, W, C) the mean of its known neighbours, from the edge inwards."""
    import cv2

    values[broken] = 0
    known = (~broken).astype(np.float32)
    while broken.any() and known.any():
        ys, xs = np.nonzero(broken)
        top, left = max(int(ys.min()) - 1, 0), max(int(xs.min()) - 1, 0)
        part = np.s_[top : int(ys.max()) + 2, left : int(xs.max()) + 2]
        options: dict[str, Any] = {"normalize": False, "borderType": cv2.BORDER_CONSTANT}
        counts = cv2.boxFilter(known[part], -1, (3, 3), **options)
        new = broken[part] & (counts > 0.5)
        for channel in range(values.shape[2]):
            plane = np.ascontiguousarray(values[part][..., channel], np.float32)
            sums = cv2.boxFilter(plane, -1, (3, 3), **options)
            values[part][..., channel][new] = sums[new] / counts[new]
        known[part][new], broken[part][new] = 1, False


def to_rec709(chromaticities: Any) -> NDArray[np.float64] | None:
    """The matrix from the primaries and white that are named to sRGB's; None where they are those, or none.

    White is adapted by Bradford's cone responses (Lam, 1985; ICC.1:2022, annex E).
    """
    try:
        given = np.array(chromaticities, float)
        if given.shape != (8,) or np.abs(given - REC709).max() < 1e-3:
            return None
        matrix = np.linalg.inv(_to_xyz(np.array(REC709))) @ adapted_to_xyz(given, REC709[6:])
    except (TypeError, ValueError, np.linalg.LinAlgError):  # not named, or nothing that could be primaries
        return None
    return matrix if np.isfinite(matrix).all() else None


def adapted_to_xyz(chromaticities: NDArray[np.float64], white: tuple[float, ...]) -> NDArray[np.float64]:
    """Columns are the XYZ of full red, green and blue, adapted to the white of the chromaticity `white`."""
    source = _to_xyz(chromaticities)
    target = np.array([white[0], white[1], 1 - white[0] - white[1]]) / white[1]
    cones = [_BRADFORD @ xyz for xyz in (source.sum(axis=1), target)]
    return np.asarray(np.linalg.inv(_BRADFORD) @ np.diag(cones[1] / cones[0]) @ _BRADFORD @ source)


def _to_xyz(chromaticities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns are the XYZ of full red, green and blue, whose sum is white with Y = 1."""
    x, y = chromaticities[0::2], chromaticities[1::2]
    xyz = np.stack([x, y, 1 - x - y]) / np.where(y == 0, 1e-9, y)
    return np.asarray(xyz[:, :3] * np.linalg.solve(xyz[:, :3], xyz[:, 3]))
