"""From the working grid to full size along the picture's own edges: the fast guided filter.

He and Sun, "Fast guided filter" (2015): the filter's coefficients <a>, <b> are smooth, so they are computed on the
small grid with the small guide, enlarged bilinearly, and meet every pixel of the full-size picture I there:

    q = <a> . I + <b>

An edge of the picture is thus an edge of the result, as sharp as in the picture. Where grid and picture are of one
size this is the guided filter itself.

A picture of another size than the one the grid was made from, such as a level of its pyramid, is lifted just as well:
the two share their outer edges.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model.array_types import Floats
from sss_model.errors import ParameterError
from sss_model.filtering.local_linear import Tile
from sss_model.filtering.parallel import in_threads
from sss_model.filtering.tile_filter import TileFilter, as_tensor, planes_of, rough_means
from sss_model.progress import Progress, silent

Array = NDArray[Any]
_SAMPLES = 1 << 19  # coefficients that one operation touches: fewer are fetched twice, and all stay in the caches
_TILE_COLUMNS = 1024
_CHANNELS = 16  # at a time
_BAND = 128  # rows of the grid whose coefficients exist at a time when all channels are lifted


@dataclass(frozen=True, eq=False)
class Coefficients:
    """The guided filter's window means of b and a, on rows of a grid.

    Attributes
    ----------
    planes : (4, C, rows, w) float32: b, then a for red, green and blue
    centre : (3,) float32, the guide's mean, which is subtracted from the picture's colours
    height : rows of the whole grid
    first : the grid row of the first row in `planes`
    """

    planes: Tensor
    centre: Floats
    height: int
    first: int = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the planes."""
        return self.planes.nbytes

    def stretched(self, low: Array, high: Array) -> Coefficients:
        """Those of the signal with `low` (C,) brought to 0 and `high` (C,) to 1; where they are equal, 0."""
        span = torch.from_numpy(np.asarray(high, np.float32) - np.asarray(low, np.float32))
        scale = torch.where(span > 0, 1 / span, 0)[:, None, None]
        planes = self.planes * scale
        planes[0] -= torch.from_numpy(np.asarray(low, np.float32))[:, None, None] * scale
        return replace(self, planes=planes)


class GuidedLift:
    """Filters signals on a grid and lifts the result to any size of the picture.

    Parameters
    ----------
    guide : (h, w, 3) float RGB in [0, 1], the picture on the grid
    radius : half width of the window in cells of the grid, from 0
    eps : regularisation in squared intensity, above 0
    """

    def __init__(self, guide: Array, *, radius: float, eps: float) -> None:
        if guide.ndim != 3 or guide.shape[2] != 3 or 0 in guide.shape:
            raise ParameterError(f"The guide must be an RGB image of shape (h, w, 3); got {guide.shape}.")
        self._centre = guide.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
        planes = np.moveaxis(np.asarray(guide, np.float32) - self._centre, 2, 0)
        self._filter = TileFilter(torch.from_numpy(np.ascontiguousarray(planes)), radius, eps)
        self._size = (guide.shape[0], guide.shape[1])

    def coefficients(
        self, features: Array, progress: Progress | None = None, *, rows: tuple[int, int] | None = None
    ) -> Coefficients:
        """The coefficients of `features` (h, w, C) on the grid's `rows` first..last-1, or on all of them."""
        height, width = self._size
        if features.ndim != 3 or features.shape[:2] != self._size or features.shape[2] == 0:
            raise ParameterError(f"The features must have shape ({height}, {width}, C); got {features.shape}.")
        first, last = rows or (0, height)
        channels = features.shape[2]
        offset = rough_means(features)

        def source(down: slice, across: slice) -> Tensor:
            return planes_of(features[down, across], offset)

        out = torch.empty((4 * channels, last - first, width))
        region = Tile(first, last, 0, width)
        for _ in self._filter.stream(source, channels, progress, region=region, out=out, coefficients=True):
            pass
        planes = out.view(4, channels, last - first, width)
        planes[0] += torch.from_numpy(offset)[:, None, None]
        return Coefficients(planes, self._centre, height, first)

    def lift(self, features: Array, image: Array, *, out: Array, progress: Progress | None = None) -> Array:
        """Filter all channels of `features` (h, w, C) and write them at the size of `image`.

        The coefficients exist for 128 rows of the grid at a time, so the memory is that of 4 x C x 130 x w float32
        numbers, whatever the picture's size.

        Parameters
        ----------
        image : (H, W, 3) RGB, float in [0, 1] or uint8; a memory map is read stripe by stripe
        out : (H, W, C) float16 or float32, an array or a memory map; filled and returned
        """
        _check_fits(out, (*image.shape[:2], features.shape[2]))
        height, cells = image.shape[0], self._size[0]
        step = max(_BAND * height // cells, 1)
        bands = [(top, min(top + step, height)) for top in range(0, height, step)]
        for number, (top, bottom) in enumerate(bands, 1):
            some = self.coefficients(features, rows=grid_rows(top, bottom, height, cells))
            lift_region(some, image, (top, bottom, 0, image.shape[1]), out=out[top:bottom])
            silent(progress).report(number / len(bands), "full size")
        return out


def lift_region(
    coefficients: Coefficients,
    image: Array,
    box: tuple[int, int, int, int] | None = None,
    *,
    out: Array | None = None,
    progress: Progress | None = None,
) -> Array:
    """The filtered signal at full size, in a part of the picture.

    Parameters
    ----------
    coefficients : of a few channels; they must reach over the rows of the box
    image : (H, W, 3) RGB, float in [0, 1] or uint8: the picture, or any level of its pyramid
    box : (top, bottom, left, right) in pixels of `image`; None takes all of it
    out : (bottom - top, right - left, C) of float32, float16, or uint8 for a signal in [0, 1], which is clipped and
        becomes 0 to 255; filled and returned. None makes float32

    Raises
    ------
    ParameterError : the box leaves the image, or `out` does not fit it
    """
    if image.ndim != 3 or image.shape[2] != 3:
        raise ParameterError(f"image must be an array (H, W, 3), got {image.shape}.")
    top, bottom, left, right = box or (0, image.shape[0], 0, image.shape[1])
    if not (0 <= top < bottom <= image.shape[0] and 0 <= left < right <= image.shape[1]):
        size = f"{image.shape[0]} x {image.shape[1]}"
        raise ParameterError(f"box must be (top, bottom, left, right) inside {size} pixels, got {box}.")
    channels = coefficients.planes.shape[1]
    if out is None:
        out = np.empty((bottom - top, right - left, channels), np.float32)
    _check_fits(out, (bottom - top, right - left, channels))
    columns = min(right - left, _TILE_COLUMNS)
    rows = max(1, _SAMPLES // (4 * min(channels, _CHANNELS) * columns))
    tiles = [
        Tile(y, min(y + rows, bottom), x, min(x + columns, right))
        for x in range(left, right, columns)
        for y in range(top, bottom, rows)
    ]
    across = {x: mix(x, min(x + columns, right), image.shape[1], coefficients.planes.shape[3])
              for x in range(left, right, columns)}  # fmt: skip
    target = out

    def work(tile: Tile) -> None:
        part = target[tile.y0 - top : tile.y1 - top, tile.x0 - left : tile.x1 - left]
        _lift_tile(coefficients, image, tile, across[tile.x0], part)

    threads = None if (bottom - top) * (right - left) > 1 << 15 else 1
    for _ in in_threads(work, tiles, progress, "full size", threads=threads):
        pass
    return out


Mix = tuple[Tensor, Tensor, Tensor]


def grid_rows(top: int, bottom: int, pixels: int, cells: int) -> tuple[int, int]:
    """The rows first..last-1 of a grid of `cells` rows that a picture's rows top..bottom-1, of `pixels`, need."""
    above, below, _ = mix(top, bottom, pixels, cells)
    return int(above[0]), int(below[-1]) + 1


def mix(first: int, last: int, pixels: int, cells: int) -> Mix:
    """For pixels first..last-1 of `pixels` on an axis: the cell before each centre, the cell after it, its share."""
    at = ((torch.arange(first, last, dtype=torch.float64) + 0.5) * (cells / pixels) - 0.5).clamp(0, cells - 1)
    low = at.floor().long()
    return low, (low + 1).clamp(max=cells - 1), (at - low).float()


def cells_under(pixels: int, cells: int) -> NDArray[np.int64]:
    """The cell under the centre of each of so many `pixels` of an axis."""
    return ((np.arange(pixels) + 0.5) * (cells / pixels)).astype(np.int64).clip(0, cells - 1)


def _lift_tile(coefficients: Coefficients, image: Array, tile: Tile, across: Mix, out: Array) -> None:
    """Write the tile of the picture into `out` (rows, columns, C), a few channels at a time."""
    guide = _colours(image[tile.slices], coefficients.centre)
    above, below, down = mix(tile.y0, tile.y1, image.shape[0], coefficients.height)
    start, end = int(above[0]), int(below[-1]) + 1
    mixing = torch.zeros((tile.y1 - tile.y0, end - start))  # what each pixel row takes from each grid row
    each = torch.arange(len(mixing))
    mixing[each, above - start] = 1 - down
    mixing[each, below - start] += down
    low, high, right = across
    target, left = torch.from_numpy(out), int(low[0])
    under = np.s_[start - coefficients.first : end - coefficients.first, left : int(high[-1]) + 1]
    for first in range(0, coefficients.planes.shape[1], _CHANNELS):
        some = coefficients.planes[:, first : first + _CHANNELS][..., *under]
        cells = some.permute(2, 3, 0, 1).flatten(2)  # a cell's numbers side by side, to be fetched at once
        sides = torch.lerp(cells.index_select(1, low - left), cells.index_select(1, high - left), right[:, None])
        mixed = torch.mm(mixing, sides.movedim(2, 1).flatten(1)).view(-1, *some.shape[:2], len(low))
        b, red, green, blue = mixed.unbind(1)
        b.addcmul_(red, guide[0][:, None]).addcmul_(green, guide[1][:, None]).addcmul_(blue, guide[2][:, None])
        if out.dtype == np.uint8:
            b = b.clamp_(0, 1).mul_(255).add_(0.5).byte()  # which cuts off
        target[..., first : first + _CHANNELS] = b.movedim(1, 2)


def _colours(pixels: Array, centre: Floats) -> Tensor:
    """Planes (3, h, w) of colours in [0, 1] less the guide's mean."""
    planes = as_tensor(pixels).movedim(2, 0).contiguous().float()
    return (planes / 255 if pixels.dtype == np.uint8 else planes) - torch.from_numpy(centre)[:, None, None]


def _check_fits(out: Array, shape: tuple[int, int, int]) -> None:
    if out.shape != shape or out.dtype not in (np.float32, np.float16, np.uint8):
        raise ParameterError(f"out must be {shape} of float32, float16 or uint8; got {out.shape} {out.dtype}.")
