"""The guided filter tile by tile, on torch tensors: what `guided_filter` and `live_preview` run on.

A tile is filtered with what its windows reach around it, so tiles meet without seams, need no more memory than a few
tiles, and run in threads, each in the cache of its core.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sss_model import budget
from sss_model.errors import ParameterError
from sss_model.filtering import local_linear as model
from sss_model.filtering.box_sums import SUMS_BY_PRODUCTS, BoxSums, Workspace
from sss_model.filtering.local_linear import Moments, Tile
from sss_model.filtering.parallel import SharedProgress, alone, in_threads
from sss_model.progress import Progress

Source = Callable[[slice, slice], Tensor]

_CPU_SAMPLES = 1 << 18  # samples that one operation touches: they stay in a CPU's second-level cache
_GPU_SAMPLES = 1 << 27
# rows and columns of a tile, at least: smaller ones pay more for starting operations. Additions of whole arrays want
# what they touch nearer by: on Zen 4 tiles of 256 columns take four fifths of the time of those of 1024
_CPU_TILE = (256, 1024 if SUMS_BY_PRODUCTS else 256)
_LARGEST_TILE = 1024  # to which wide windows, whose surroundings cost as much as the tile, make it grow
_WORTH_A_THREAD = 1 << 15  # pixels


@dataclass(frozen=True)
class Precision:
    """From which eps on float32 is enough: for the guide's moments, and for the signal."""

    guide: float
    signal: float


EXACT = Precision(guide=1e-3, signal=1e-6)
ROUGH = Precision(guide=1e-5, signal=0.0)  # for a picture of 8 bits


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


class TileFilter:
    """A guided filter for one guide, radius and eps; keeps the terms that depend on the guide alone.

    Parameters
    ----------
    guide : (3, H, W) float32 planes, RGB in [0, 1] less a constant that brings them near zero mean
    radius : half width of the window in pixels, from 0; a fraction weighs one more pixel at either end
    eps : regularisation in squared intensity, above 0
    precision : where to compute in float64
    """

    def __init__(self, guide: Tensor, radius: float, eps: float, *, precision: Precision = EXACT) -> None:
        self.guide, self.device = guide, guide.device
        self.height, self.width = guide.shape[1:]
        self._precision = precision
        self._workspaces: list[Workspace] = []  # those that no thread is using
        self._configure(radius, eps, {})

    def _configure(self, radius: float, eps: float, moments: dict[Tile, Moments]) -> None:
        check_filter_parameters(radius, eps)
        self.radius, self.eps = radius, float(eps)
        # a window wider than the picture sees all of it, however wide
        self._ry, self._rx = min(radius, self.height - 1), min(radius, self.width - 1)
        self._by, self._bx = -int(-self._ry // 1), -int(-self._rx // 1)
        has_float64 = self.device.type != "mps"
        self._guide_dtype = torch.float64 if has_float64 and eps < self._precision.guide else torch.float32
        self._dtype = torch.float64 if has_float64 and eps < self._precision.signal else torch.float32
        self._moments = moments  # depends on the radius
        self._factors: dict[Tile, Tensor] = {}  # and on eps

    @property
    def nbytes(self) -> int:
        """Bytes of the terms that are kept and of the places to work."""
        terms = sum(moments.nbytes for moments in list(self._moments.values()))
        return terms + sum(workspace.nbytes for workspace in list(self._workspaces))

    def release(self) -> None:
        """Let the places to work go; the terms of the guide stay."""
        self._workspaces.clear()

    def with_eps(self, eps: float) -> Self:
        """The same filter at another eps; the guide's window means and covariances are kept."""
        return self._copy(self.radius, eps, self._moments)

    def with_radius(self, radius: float) -> Self:
        """The same filter at another radius; the prepared guide is kept."""
        return self._copy(radius, self.eps, {})

    def _copy(self, radius: float, eps: float, moments: dict[Tile, Moments]) -> Self:
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__)
        copy._configure(radius, eps, moments)
        return copy

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
        region: Tile | None = None,
        out: Tensor | None = None,
        each: Callable[[Tensor], Any] | None = None,
        coefficients: bool = False,
    ) -> Iterator[tuple[Tile, Any]]:
        """Filter tile by tile: yields (tile, (count, h, w) float32).

        Parameters
        ----------
        source : gives the signal (count, h, w) on the rows and columns asked for
        count : channels of the signal
        region : the part of the picture to filter; None: all of it
        out : where to write, (count, height, width) of the region; the yielded tiles are parts of it
        each : what this makes of a filtered tile, in the thread that filtered it, is yielded in the tile's place
        coefficients : stop before the last step, at <b> and <a> (4 count, h, w) in place of <a> . I + <b>
        """
        region = region or Tile(0, self.height, 0, self.width)
        tiles, step = self._plan(count, region)
        shared = SharedProgress(progress, len(tiles) * -(-count // step), "filter")
        planes = 4 * count if coefficients else count

        def work(tile: Tile) -> tuple[Tile, Any]:
            if out is None:
                part = torch.empty((planes, *tile.size), device=self.device)
            else:
                part = out[:, tile.y0 - region.y0 : tile.y1 - region.y0, tile.x0 - region.x0 : tile.x1 - region.x0]
            self._filter_channels(tile, source, step, part, coefficients, shared)
            return tile, part if each is None else each(part)

        yield from in_threads(work, tiles, shared, threads=None if self.device.type == "cpu" else 1)

    def apply_transpose(self, planes: Tensor, progress: Progress | None = None) -> Tensor:
        """Q' `planes` (C, H, W), Q being this filter as a matrix over pixels: D Q D^-1, D the pixels in each window."""
        whole = Tile(0, self.height, 0, self.width)
        with alone(self.height * self.width):
            share = model.window_shares(whole, self._ry, self._rx, self.height, self.width, self.device, torch.float32)
        share /= share.min()  # 1 but at the border
        with alone(planes.numel()):
            weighted = planes * share
        back = self.apply_planes(weighted, progress)
        with alone(planes.numel()):
            return back.div_(share)

    def _plan(self, count: int, region: Tile) -> tuple[list[Tile], int]:
        """Tiles that cover the region, and how many channels go at once, so that the work stays in the cache."""
        height, width = region.size
        if self.device.type == "cpu":
            samples = _CPU_SAMPLES
            rows = _even(height, _side(_CPU_TILE[0], self._by), 2 if height * width > _WORTH_A_THREAD else 1)
            columns = _even(width, _side(_CPU_TILE[1], self._bx))
        else:
            samples, columns = _GPU_SAMPLES, width
            rows = _even(height, max(4 * self._by, samples // (8 * columns), 1))
        tiles = [
            Tile(y, min(y + rows, region.y1), x, min(x + columns, region.x1))
            for y in range(region.y0, region.y1, rows)
            for x in range(region.x0, region.x1, columns)
        ]
        reach = (rows + 4 * self._by) * (columns + 4 * self._bx)
        return tiles, max(1, min(count, samples // (4 * reach)))

    def _filter_channels(
        self, tile: Tile, source: Source, step: int, out: Tensor, coefficients: bool, shared: SharedProgress
    ) -> None:
        mid = tile.grown(self._by, self._bx, self.height, self.width)
        reach = mid.grown(self._by, self._bx, self.height, self.width)
        signal = source(*reach.slices)
        workspace = self._workspaces.pop() if self._workspaces else Workspace(self.device)
        terms = self._terms(tile, mid, reach, workspace)
        sums = workspace.sums(self._ry, self._rx, self._dtype)
        parts = model.by_kind(out) if coefficients else out[None]
        for first in range(0, len(signal), step):
            some = slice(first, first + step)
            self._filter(terms, signal[some], parts[:, some], sums)
            shared.tick()
        self._workspaces.append(workspace)

    def _filter(self, terms: TileTerms, signal: Tensor, out: Tensor, sums: BoxSums) -> None:
        """Filter a tile into `out` (1, c, h, w), or as far as the coefficients into (4, c, h, w)."""
        if self.radius == 0:
            out[0] = signal  # a is 0 and b the signal
            out[1:] = 0
            return
        planes = 4 * len(signal)
        first = sums.plan(planes, *terms.mid.size)
        model.products_of_signal(signal, terms.guide, model.by_kind(first.input(self._outside(terms.mid))))
        averages = model.by_kind(first.run())
        model.covariances(averages, terms.moments)
        second = sums.plan(planes, *terms.tile.size, after=first)
        into = model.by_kind(second.input(self._outside(terms.tile)))
        model.fit(averages, terms.moments, terms.factors, into)
        means = model.by_kind(second.run())
        if len(out) == 4:
            torch.mul(means, terms.share, out=out)
        else:
            model.blend(means, terms.inner, terms.share, out[0])

    def _outside(self, tile: Tile) -> tuple[int, int, int, int]:
        return tile.outside(self._by, self._bx, self.height, self.width)

    def _terms(self, tile: Tile, mid: Tile, reach: Tile, workspace: Workspace) -> TileTerms:
        """The guide's terms on `tile`; moments and factors are kept for the next call."""
        moments, factors = self._moments.get(tile), self._factors.get(tile)
        if moments is None or (moments.spread.dtype, moments.mean.dtype) != (self._guide_dtype, self._dtype):
            moments, factors = self._moments_on(mid, reach, workspace), None
        if factors is None:
            factors = model.factor(moments, self.eps)
            if sum(m.nbytes for m in list(self._moments.values())) > budget.current.guide_terms:
                self._moments.clear()
                self._factors.clear()
            self._moments[tile], self._factors[tile] = moments, factors
        rows, columns = reach.slices
        guide = self.guide[:, rows, columns].to(self._dtype).contiguous()
        y, x = tile.y0 - reach.y0, tile.x0 - reach.x0
        inner = guide[:, y : y + tile.size[0], x : x + tile.size[1]].contiguous()
        y, x = tile.y0 - mid.y0, tile.x0 - mid.x0
        share = moments.share[y : y + tile.size[0], x : x + tile.size[1]].contiguous()
        return TileTerms(tile, mid, guide, inner, moments, factors, share)

    def _moments_on(self, mid: Tile, reach: Tile, workspace: Workspace) -> Moments:
        rows, columns = reach.slices
        plan = workspace.sums(self._ry, self._rx, self._guide_dtype).plan(9, *mid.size)
        model.products_of_guide(self.guide[:, rows, columns], plan.input(self._outside(mid)))
        share = model.window_shares(mid, self._ry, self._rx, self.height, self.width, self.device, self._guide_dtype)
        return model.moments_of_guide(plan.run(), share, self._dtype)


def _side(least: int, radius: int) -> int:
    """A tile's side for windows of this radius."""
    return max(least, min(16 * radius, _LARGEST_TILE), 2 * radius)


def _even(size: int, side: int, parts: int = 1) -> int:
    """The side of the tiles when `size` is cut evenly into at least `parts` tiles of at most `side`."""
    return -(-size // max(-(-size // side), parts))


def check_filter_parameters(radius: float, eps: float) -> None:
    """Raise `ParameterError` unless radius is a number from 0 and eps is positive and finite."""
    if isinstance(radius, bool) or not isinstance(radius, (int, float, np.number)) or not radius >= 0:
        raise ParameterError(f"radius must be a whole number of pixels, 0 or more; got {radius!r}.")
    if not (isinstance(eps, (int, float, np.number)) and 0 < eps < 1e30):  # beyond float32, it is as good as infinite
        raise ParameterError(f"eps must be above 0; got {eps!r}.", hint="The paper's pictures use 0.01.")


def rough_means(channels: NDArray[Any]) -> NDArray[np.float32]:
    """The mean of each channel of (H, W, C) over at most 64 x 64 cells: close enough to centre a signal with."""
    rows, columns = (max(1, size // 64) for size in channels.shape[:2])
    sample = np.asarray(channels[::rows, ::columns], np.float32)
    return np.asarray(sample.mean(axis=(0, 1), dtype=np.float64), np.float32)


def planes_of(vectors: NDArray[Any], offset: NDArray[np.float32]) -> Tensor:
    """`vectors` (h, w, C) of any float type less `offset` (C,), as planes (C, h, w) float32."""
    import cv2  # it turns them over in a fifth of torch's time

    height, width, channels = vectors.shape
    centred = (as_tensor(vectors) - torch.tensor(offset)).reshape(-1, channels)
    return torch.from_numpy(cv2.transpose(centred.numpy())).view(channels, height, width)


def as_tensor(values: NDArray[Any]) -> Tensor:
    """`values` as float32, by torch, as numpy takes ten times as long from float16; never part of a read-only map."""
    return torch.from_numpy(values if values.flags.writeable else values.copy()).float()
