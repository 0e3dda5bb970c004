"""The guided filter under a colour guide (He, Sun and Tang, "Guided image filtering", PAMI 2013).

In each window w around a pixel the output is a linear function of the guide, fitted to the signal. With <.> the mean
over w, S = <I I'> - <I><I>' and U the identity,

    a = (S + eps U)^-1 (<I p> - <I> <p>)        (eq. 14, 15)
    b = <p> - a . <I>
    q = <a> . I + <b>                           (eq. 16)

The window is 2 radius + 1 pixels wide. At the border the mean is over the part of the window that lies inside the
picture (OpenCV mirrors the picture there instead; in the interior the two agree).

The filter is linear in the signal, keeps constants, and never adds energy: q = Q p with Q = D^-1 M, where D holds the
number of pixels in each pixel's window and 0 <= M <= D, because each window's fit is a shrunk projection. `reduction`
builds its error bound on that.

Numerics: guide and signal are centred (a constant passes through unchanged), which leaves S and <I p> - <I> <p> with
an absolute error near 2e-8 in float32. Against eps that is too much once eps is small, so the guide's own terms are
computed in float64 below eps = 1e-3, and the signal is filtered in float64 below 1e-6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from sss_model import local_linear as model
from sss_model.errors import ParameterError
from sss_model.local_linear import Moments, Tile
from sss_model.progress import Progress
from sss_model.tile_threads import SharedProgress, in_threads
from sss_model.window_sums import WindowSums

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]
Source = Callable[[slice, slice], Tensor]

_GUIDE_FLOAT64_BELOW = 1e-3  # eps from which float32 is exact enough for the guide's moments,
_SIGNAL_FLOAT64_BELOW = 1e-6  # and for the signal
_CPU_SAMPLES = 1 << 18  # samples that one addition touches: they stay in a CPU's second-level cache
_GPU_SAMPLES = 1 << 27
_KEPT_BYTES = 512 << 20  # guide terms kept between calls, at most
_TERMS_BYTES = 96  # of guide terms, a pixel


def guided_filter(
    guide: Array,
    features: Array,
    *,
    radius: int,
    eps: float,
    progress: Progress | None = None,
    device: str | torch.device = "cpu",
) -> Floats:
    """Smooth `features` along the edges of `guide`, exactly.

    Parameters
    ----------
    guide : (H, W, 3) float in [0, 1], RGB
    features : (H, W, D) of any float type; a memory map is read block by block
    radius : half width of the window in pixels, 0 or more; larger smooths wider regions, 0 changes nothing
    eps : regularisation in squared intensity, above 0; larger keeps fewer edges
    progress : told after every block; may raise `Cancelled`
    device : torch device to compute on

    Returns
    -------
    (H, W, D) float32

    Raises
    ------
    ParameterError : a parameter out of range, or arrays whose shapes do not fit
    """
    return GuidedFilter(guide, radius, eps, device=device).apply(features, progress)


@dataclass(frozen=True)
class TileTerms:
    """What the filter needs of the guide on one tile; `mid` is the tile grown by the radius."""

    tile: Tile
    mid: Tile
    guide: Tensor  # (3, h, w) as far as the windows reach
    inner: Tensor  # (3, h, w) on the tile
    moments: Moments  # on mid
    factors: Tensor  # (6, h, w) on mid
    share: Tensor  # (h, w) on the tile


class GuidedFilter:
    """The filter for one guide, radius and eps; keeps the terms that depend on the guide alone.

    Parameters
    ----------
    guide : (H, W, 3) float in [0, 1], RGB
    radius : half width of the window in pixels, 0 or more
    eps : regularisation in squared intensity, above 0
    device : torch device to compute on
    """

    def __init__(self, guide: Array, radius: int, eps: float, *, device: str | torch.device = "cpu") -> None:
        self.device = torch.device(device)
        self._guide = centred_guide(guide, self.device)
        self.height, self.width = self._guide.shape[1:]
        self._configure(radius, eps, {})

    def _configure(self, radius: int, eps: float, moments: dict[Tile, Moments]) -> None:
        check_filter_parameters(radius, eps)
        self.radius, self.eps = int(radius), float(eps)
        # a window wider than the picture sees all of it, however wide
        self._ry, self._rx = min(self.radius, self.height - 1), min(self.radius, self.width - 1)
        has_float64 = self.device.type != "mps"
        self._guide_dtype = torch.float64 if has_float64 and eps < _GUIDE_FLOAT64_BELOW else torch.float32
        self._dtype = torch.float64 if has_float64 and eps < _SIGNAL_FLOAT64_BELOW else torch.float32
        self._moments = moments  # depends on the radius
        self._factors: dict[Tile, Tensor] = {}  # and on eps
        self._spare_sums: list[WindowSums] = []  # buffers that no thread is using

    def with_eps(self, eps: float) -> GuidedFilter:
        """The same filter at another eps; the guide's window means and covariances are kept."""
        return self._copy(self.radius, eps, self._moments)

    def with_radius(self, radius: int) -> GuidedFilter:
        """The same filter at another radius; the prepared guide is kept."""
        return self._copy(radius, self.eps, {})

    def _copy(self, radius: int, eps: float, moments: dict[Tile, Moments]) -> GuidedFilter:
        copy = object.__new__(GuidedFilter)
        copy.device, copy._guide, copy.height, copy.width = self.device, self._guide, self.height, self.width
        copy._configure(radius, eps, moments)
        return copy

    def apply(self, channels: Array, progress: Progress | None = None) -> Floats:
        """Filter `channels` (H, W, C) of any float type; returns (H, W, C) float32."""
        check_channels(channels, (self.height, self.width))
        offset = _rough_means(channels)
        out = np.empty(channels.shape, np.float32)

        def source(rows: slice, columns: slice) -> Tensor:
            block = np.asarray(channels[rows, columns], np.float32) - offset
            return torch.from_numpy(block).to(self.device).movedim(2, 0).contiguous()

        for tile, filtered in self.stream(source, channels.shape[2], progress):
            out[tile.slices] = filtered.movedim(0, 2).cpu().numpy()
            out[tile.slices] += offset
        return out

    def apply_planes(self, planes: Tensor, progress: Progress | None = None) -> Tensor:
        """Filter `planes` (C, H, W), near zero mean, on this filter's device; returns (C, H, W) float32."""
        out = torch.empty_like(planes, dtype=torch.float32)
        for _ in self.stream(lambda rows, columns: planes[:, rows, columns], len(planes), progress, out=out):
            pass
        return out

    def stream(
        self,
        source: Source,
        count: int,
        progress: Progress | None = None,
        *,
        out: Tensor | None = None,
        each: Callable[[Tensor], Any] | None = None,
    ) -> Iterator[tuple[Tile, Any]]:
        """Filter tile by tile: yields (tile, (count, h, w) float32), a part of `out` (count, H, W) where that is given.

        `source` gives the signal (count, h, w) on the rows and columns asked for. With `each`, what that makes of the
        filtered tile, in the thread that filtered it, is yielded in its place.
        """
        tiles, step = self._plan(count)
        shared = SharedProgress(progress, len(tiles) * -(-count // step), "filter")

        def work(tile: Tile) -> tuple[Tile, Any]:
            rows, columns = tile.slices
            part = torch.empty((count, *tile.size), device=self.device) if out is None else out[:, rows, columns]
            self._filter_channels(tile, source, step, part, shared)
            return tile, part if each is None else each(part)

        yield from in_threads(work, tiles, shared, threads=None if self.device.type == "cpu" else 1)

    def apply_transpose(self, planes: Tensor, progress: Progress | None = None) -> Tensor:
        """Q' `planes` (C, H, W), Q being this filter as a matrix over pixels: D Q D^-1, D the pixels in each window."""
        whole = Tile(0, self.height, 0, self.width)
        share = model.window_shares(whole, self._ry, self._rx, self.height, self.width, self.device, torch.float32)
        share /= share.min()  # 1 but at the border
        return self.apply_planes(planes * share, progress) / share

    def _filter_channels(self, tile: Tile, source: Source, step: int, out: Tensor, shared: SharedProgress) -> None:
        mid, reach = self._grown(tile)
        signal = source(*reach.slices)
        terms = self._terms(tile, mid, reach) if self.radius else None
        sums = self._spare_sums.pop() if self._spare_sums else self._new_sums()
        for first in range(0, len(out), step):
            some = slice(first, first + step)
            if terms is None:
                out[some] = signal[some]
            else:
                self._filter(terms, signal[some], out[some], sums)
            shared.tick()
        self._spare_sums.append(sums)

    def _new_sums(self) -> WindowSums:
        return WindowSums(self._ry, self._rx, device=self.device, dtype=self._dtype)

    def _plan(self, count: int) -> tuple[list[Tile], int]:
        """Tiles that cover the picture, and how many channels go at once, so that the work stays in the cache."""
        if self.device.type == "cpu":
            samples = _CPU_SAMPLES
            rows = min(self.height, max(128, 8 * self._ry))
            columns = min(self.width, max(512, 8 * self._rx))
        else:
            samples, columns = _GPU_SAMPLES, self.width
            rows = min(self.height, max(4 * self._ry, samples // (8 * columns), 1))
        tiles = [
            Tile(y, min(y + rows, self.height), x, min(x + columns, self.width))
            for y in range(0, self.height, rows)
            for x in range(0, self.width, columns)
        ]
        reach = (rows + 4 * self._ry) * (columns + 4 * self._rx)
        return tiles, max(1, min(count, samples // (4 * reach)))

    def _grown(self, tile: Tile) -> tuple[Tile, Tile]:
        mid = tile.grown(self._ry, self._rx, self.height, self.width)
        return mid, mid.grown(self._ry, self._rx, self.height, self.width)

    def _filter(self, terms: TileTerms, signal: Tensor, out: Tensor, sums: WindowSums) -> None:
        planes = 4 * len(signal)
        first = sums.plan(planes, *terms.mid.size)
        model.products_of_signal(signal, terms.guide, model.by_kind(first.input(self._outside(terms.mid))))
        averages = model.by_kind(first.run())
        model.covariances(averages, terms.moments)
        second = sums.plan(planes, *terms.tile.size, after=first)
        into = model.by_kind(second.input(self._outside(terms.tile)))
        model.fit(averages, terms.moments, terms.factors, into)
        model.blend(model.by_kind(second.run()), terms.inner, terms.share, out)

    def _outside(self, tile: Tile) -> tuple[int, int, int, int]:
        return tile.outside(self._ry, self._rx, self.height, self.width)

    def _terms(self, tile: Tile, mid: Tile, reach: Tile) -> TileTerms:
        """The guide's terms on `tile`; moments and factors are kept for the next call where the budget allows."""
        moments, factors = self._moments.get(tile), self._factors.get(tile)
        if moments is None or (moments.spread.dtype, moments.mean.dtype) != (self._guide_dtype, self._dtype):
            moments = self._moments_on(mid, reach)
        if factors is None:
            factors = model.factor(moments, self.eps)
        if self.height * self.width * _TERMS_BYTES <= _KEPT_BYTES:
            self._moments[tile], self._factors[tile] = moments, factors
        rows, columns = reach.slices
        guide = self._guide[:, rows, columns].to(self._dtype).contiguous()
        y, x = tile.y0 - reach.y0, tile.x0 - reach.x0
        inner = guide[:, y : y + tile.size[0], x : x + tile.size[1]].contiguous()
        y, x = tile.y0 - mid.y0, tile.x0 - mid.x0
        share = moments.share[y : y + tile.size[0], x : x + tile.size[1]].contiguous()
        return TileTerms(tile, mid, guide, inner, moments, factors, share)

    def _moments_on(self, mid: Tile, reach: Tile) -> Moments:
        rows, columns = reach.slices
        sums = WindowSums(self._ry, self._rx, device=self.device, dtype=self._guide_dtype)
        plan = sums.plan(9, *mid.size)
        model.products_of_guide(self._guide[:, rows, columns], plan.input(self._outside(mid)))
        share = model.window_shares(mid, self._ry, self._rx, self.height, self.width, self.device, self._guide_dtype)
        return model.moments_of_guide(plan.run(), share, self._dtype)


def check_filter_parameters(radius: float, eps: float) -> None:
    """Raise `ParameterError` unless radius is a whole number from 0 and eps is positive and finite."""
    if isinstance(radius, bool) or not isinstance(radius, (int, np.integer)) or radius < 0:
        raise ParameterError(f"radius must be a whole number of pixels, 0 or more; got {radius!r}.")
    if not (isinstance(eps, (int, float, np.number)) and np.isfinite(eps) and eps > 0):
        raise ParameterError(f"eps must be above 0; got {eps!r}.", hint="The paper's pictures use 0.01.")


def check_channels(channels: Array, size: tuple[int, int]) -> None:
    """Raise `ParameterError` unless `channels` is (H, W, C) float of the guide's size."""
    if channels.ndim != 3 or channels.shape[:2] != size or channels.shape[2] == 0:
        wanted = f"({size[0]}, {size[1]}, D)"
        raise ParameterError(f"The features must have shape {wanted} like their image; got {channels.shape}.")
    if not np.issubdtype(channels.dtype, np.floating):
        raise ParameterError(f"The features must be floating-point numbers; got {channels.dtype}.")


def centred_guide(guide: Array, device: torch.device) -> Tensor:
    """The guide (H, W, 3) as planes (3, H, W) float32 with zero mean, on `device`."""
    if guide.ndim != 3 or guide.shape[2] != 3 or 0 in guide.shape:
        raise ParameterError(f"The guide must be an RGB image of shape (H, W, 3); got {guide.shape}.")
    if not np.issubdtype(guide.dtype, np.floating):
        raise ParameterError(f"The guide must be floating-point numbers in [0, 1]; got {guide.dtype}.")
    planes = torch.from_numpy(np.array(np.moveaxis(guide, 2, 0), np.float32, order="C")).to(device)
    return planes.sub_(planes.mean(dim=(1, 2), keepdim=True))


def _rough_means(channels: Array) -> Floats:
    """Each channel's mean over a grid of at most 64 x 64 pixels: close enough to centre the signal with."""
    rows, columns = (max(1, size // 64) for size in channels.shape[:2])
    sample = np.asarray(channels[::rows, ::columns], np.float32)
    mean: Floats = sample.mean(axis=(0, 1), dtype=np.float64).astype(np.float32)
    return mean
