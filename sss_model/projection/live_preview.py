"""The filtered picture while a slider moves: the part on screen, no finer than the screen, in a basis that is known.

The filter is linear, so filtering the k projected channels gives what projecting the filtered features would: for a
fixed basis the preview is exact wherever it is computed at full size. Away from that it saves in two ways:

- a picture shown smaller than 1:1 is filtered at the level of an area-averaged pyramid that the screen shows, with the
  window scaled alike (its width need not be a whole number of pixels there);
- where the window reaches far beyond what is on the screen, a and b are computed at a coarser level, interpolated, and
  blended with the guide at the level shown, so that edges stay sharp (He and Sun, "Fast guided filter", 2015).

How many pixels a and b are computed at follows from how long it took the last times, so that the slider keeps up on a
slow or a busy machine too.

What becomes 0 and 1 is not known before the whole picture is filtered. It is the range of the last exact result,
moved by as much as the range of a small version of the whole picture has moved since.
"""

from __future__ import annotations

import time

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from sss_model.array_types import AnyFloats, Floats
from sss_model.filtering.local_linear import Tile
from sss_model.filtering.parallel import alone
from sss_model.filtering.tile_filter import ROUGH, TileFilter
from sss_model.projection.stretch import range_of_planes

Box = tuple[int, int, int, int]

_SHOWN_SAMPLES = 500_000  # pixels of a preview, at most
_FEWEST_FITTED = 60_000  # pixels at which a and b are computed, with what their windows reach, however slow it is
_SECONDS_A_SAMPLE = 5e-8  # before it is known
_RANGE_SAMPLES = 50_000  # pixels of the small picture that the range is taken from
_KEPT_FILTERS = 6


class LivePreview:
    """Filters the projected channels of one picture again and again.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1], the guide
    projection : (H, W, k) float32, the unfiltered features on the components shown
    low, high : (k,) what becomes 0 and 1; None: the range of the whole filtered picture, from a small version of it
    range : how the range of a filtered picture is taken, see `ProjectionParams`
    reference : radius and eps of the exact result that low and high come from; with it, the range follows the sliders
    seconds : that filtering one preview may take; inf computes all at the level shown
    device : torch device to compute on
    """

    def __init__(
        self,
        image: AnyFloats,
        projection: Floats,
        *,
        low: Floats | None = None,
        high: Floats | None = None,
        range: str = "full",
        reference: tuple[float, float] | None = None,
        seconds: float = 0.016,
        device: str | torch.device = "cpu",
    ) -> None:
        self.height, self.width = image.shape[:2]
        self._levels = [_planes(image, projection, torch.device(device))]
        with alone(self._levels[0].numel()):
            self._centre = self._levels[0].mean(dim=(1, 2), keepdim=True)
            self._levels[0] -= self._centre
            while max(self._levels[-1].shape[1:]) > 1:
                self._levels.append(_halved(self._levels[-1]))
        self._offset = self._centre[3:]
        self._range = None if low is None or high is None else (self._column(low), self._column(high))
        self._kind, self._reference = range, reference
        self._filters: dict[tuple[int, float], TileFilter] = {}
        self._small = next(
            n
            for n, planes in enumerate(self._levels)
            if planes[0].numel() <= _RANGE_SAMPLES or n == len(self._levels) - 1
        )
        self._moved: tuple[Tensor, Tensor] | None = None
        self.seconds, self.seconds_a_sample = seconds, _SECONDS_A_SAMPLE

    @property
    def nbytes(self) -> int:
        """Bytes of the levels and the filters' terms."""
        terms = sum(filter.nbytes for filter in self._filters.values())
        return sum(planes.nbytes for planes in self._levels) + terms

    def render(self, radius: float, eps: float, box: Box | None = None, scale: float = 1.0) -> tuple[Floats, Box]:
        """The filtered picture in `box`: (h, w, k) float32 in [0, 1], and the pixels (x0, y0, x1, y1) that it covers.

        One value stands for 2^n x 2^n of them; at the far borders the last may reach beyond the picture.

        Parameters
        ----------
        radius, eps : of the filter, as for the full-size picture
        box : (x0, y0, x1, y1) in pixels of the picture, clipped to it; None: all of it
        scale : screen pixels per pixel of the picture; 1 or more shows it at full size
        """
        x0, y0, x1, y1 = box or (0, 0, self.width, self.height)
        x0, y0 = min(max(x0, 0), self.width - 1), min(max(y0, 0), self.height - 1)
        x1, y1 = min(max(x1, x0 + 1), self.width), min(max(y1, y0 + 1), self.height)
        level = self._level(scale, (x1 - x0) * (y1 - y0))
        tile = self._tile(level, (x0, y0, x1, y1))
        fitted = self._fitted_level(level, tile, radius)
        if fitted == level:
            values = self._filtered(level, tile, radius, eps)
        else:
            values = self._blended(level, tile, fitted, radius, eps)
        low, high = self._range_at(radius, eps)
        with alone(values.numel()):
            span = high - low
            values.sub_(low).mul_(torch.where(span > 0, 1 / span, 0)).clamp_(0, 1)
            values = values.movedim(0, 2).contiguous().cpu()
        covered = (tile.x0 << level, tile.y0 << level, tile.x1 << level, tile.y1 << level)
        return values.numpy(), covered

    def _level(self, scale: float, pixels: int) -> int:
        """The level that the screen shows, or a coarser one where that is too much."""
        wanted = max(0, int(np.floor(np.log2(1 / max(scale, 1e-6)) + 0.25)))
        while pixels >> (2 * wanted) > _SHOWN_SAMPLES:
            wanted += 1
        return min(wanted, len(self._levels) - 1)

    def _fitted_level(self, level: int, tile: Tile, radius: float) -> int:
        """The level to compute a and b at: the one shown, or the next coarser that there is time for."""
        rows, columns = tile.size
        limit = max(self.seconds / self.seconds_a_sample, _FEWEST_FITTED)
        while level < len(self._levels) - 1:
            reach = int(4 * _radius_at(radius, level))
            height, width = self._levels[level].shape[1:]
            if min(rows + reach, height) * min(columns + reach, width) <= limit:
                break
            level, rows, columns = level + 1, -(-rows // 2), -(-columns // 2)
        return level

    def _filtered(self, level: int, tile: Tile, radius: float, eps: float, *, coefficients: bool = False) -> Tensor:
        """q on a tile of a level, (k, h, w), or <b> and <a> there, (4 k, h, w); learns how long that takes."""
        started = time.perf_counter()
        planes = self._levels[level][3:]
        out = torch.empty((len(planes) * (4 if coefficients else 1), *tile.size), device=planes.device)
        filter = self._filter_at(level, radius, eps)
        for _ in filter.stream(
            lambda rows, columns: planes[:, rows, columns],
            len(planes),
            region=tile,
            out=out,
            coefficients=coefficients,
        ):
            pass
        rows, columns = (size + int(4 * filter.radius) for size in tile.size)
        samples = min(rows, planes.shape[1]) * min(columns, planes.shape[2])
        if samples >= _FEWEST_FITTED:  # less says little about more
            self.seconds_a_sample += 0.3 * ((time.perf_counter() - started) / samples - self.seconds_a_sample)
        return out

    def _blended(self, level: int, tile: Tile, fitted: int, radius: float, eps: float) -> Tensor:
        """q = <a> . I + <b> at `level`, with <a> and <b> interpolated from the level `fitted`."""
        step = 1 << (fitted - level)
        height, width = self._levels[fitted].shape[1:]
        coarse = Tile(tile.y0 // step, -(-tile.y1 // step), tile.x0 // step, -(-tile.x1 // step))
        coarse = coarse.grown(1, 1, height, width)
        fits = self._filtered(fitted, coarse, radius, eps, coefficients=True)
        y, x = tile.y0 - coarse.y0 * step, tile.x0 - coarse.x0 * step
        rows, columns = tile.size
        guide = self._levels[level][:3, tile.y0 : tile.y1, tile.x0 : tile.x1]
        with alone(rows * columns):
            fine = _enlarged(fits, step)
            b, a0, a1, a2 = fine[:, y : y + rows, x : x + columns].view(4, -1, rows, columns)
            blended: Tensor = b.addcmul(a0, guide[0]).addcmul_(a1, guide[1]).addcmul_(a2, guide[2])
        return blended

    def _range_at(self, radius: float, eps: float) -> tuple[Tensor, Tensor]:
        """What becomes 0 and 1, relative to the channels' means."""
        if self._range is not None and self._reference is None:
            return self._range[0] - self._offset, self._range[1] - self._offset
        low, high = self._small_range(radius, eps)
        if self._range is None or self._reference is None:
            return low, high
        if self._moved is None:
            self._moved = self._small_range(*self._reference)
        first = tuple(limit - self._offset for limit in self._range)
        return first[0] + low - self._moved[0], first[1] + high - self._moved[1]

    def _small_range(self, radius: float, eps: float) -> tuple[Tensor, Tensor]:
        height, width = self._levels[self._small].shape[1:]
        values = self._filtered(self._small, Tile(0, height, 0, width), radius, eps)
        with alone():
            return range_of_planes(values, self._kind)

    def _filter_at(self, level: int, radius: float, eps: float) -> TileFilter:
        """The filter there, with what of the guide's terms can be kept from the last ones."""
        scaled = _radius_at(radius, level)
        known = self._filters.pop((level, scaled), None)
        if known is None:
            known = TileFilter(self._levels[level][:3], scaled, eps, precision=ROUGH)
        elif known.eps != eps:
            known = known.with_eps(eps)
        self._filters[level, scaled] = known
        for oldest in list(self._filters)[:-_KEPT_FILTERS]:
            del self._filters[oldest]
        return known

    def _tile(self, level: int, box: Box) -> Tile:
        x0, y0, x1, y1 = box
        height, width = self._levels[level].shape[1:]
        return Tile(y0 >> level, min(-(-y1 >> level), height), x0 >> level, min(-(-x1 >> level), width))

    def _column(self, values: Floats) -> Tensor:
        return torch.from_numpy(np.array(values, np.float32)).to(self._centre.device)[:, None, None]


def _radius_at(radius: float, level: int) -> float:
    """The half width that makes a window of 2 radius + 1 pixels as wide at `level`; 0 for windows under one pixel."""
    return radius if level == 0 else max(0.0, ((2 * radius + 1) / (1 << level) - 1) / 2)


def _planes(image: AnyFloats, projection: Floats, device: torch.device) -> Tensor:
    """Image and projection as planes (3 + k, H, W) float32."""
    planes = np.empty((3 + projection.shape[2], *image.shape[:2]), np.float32)
    planes[:3], planes[3:] = np.moveaxis(image, 2, 0), np.moveaxis(projection, 2, 0)
    return torch.from_numpy(planes).to(device)


def _enlarged(planes: Tensor, step: int) -> Tensor:
    """(C, H, W) to (C, H step, W step), bilinear; on the processor by OpenCV, in a fifth of torch's time."""
    if planes.device.type != "cpu":
        return functional.interpolate(planes[None], scale_factor=float(step), mode="bilinear", align_corners=False)[0]
    count, height, width = planes.shape
    fine = np.empty((count, height * step, width * step), np.float32)
    for coarse, large in zip(planes.numpy(), fine, strict=True):
        cv2.resize(coarse, large.shape[::-1], dst=large, interpolation=cv2.INTER_LINEAR)
    return torch.from_numpy(fine)


def _halved(planes: Tensor) -> Tensor:
    """(C, H, W) to (C, ceil(H / 2), ceil(W / 2)): each value the mean of 2 x 2, at an odd border of those there are."""
    for dim in (1, 2):
        if planes.shape[dim] > 1:
            pairs = planes.narrow(dim, 0, planes.shape[dim] // 2 * 2).unfold(dim, 2, 2)
            halves = (pairs[..., 0] + pairs[..., 1]).mul_(0.5)
            odd = planes.narrow(dim, pairs.shape[dim] * 2, planes.shape[dim] % 2)
            planes = torch.cat([halves, odd], dim=dim)
    return planes
