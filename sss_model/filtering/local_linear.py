"""The guided filter's local linear model, in the letters of He et al. (2013): moments of the guide, fit, blend.

`guided_filter` drives these over a whole picture and `live_preview` over the part on screen. All arrays are torch
tensors, planes first; `mid` is the tile grown by the radius, where the windows are centred whose fits reach the tile.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

PAIRS = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))  # the six entries of a symmetric 3 x 3 matrix


@dataclass(frozen=True)
class Tile:
    """A rectangle [y0, y1) x [x0, x1) of pixels."""

    y0: int
    y1: int
    x0: int
    x1: int

    @property
    def size(self) -> tuple[int, int]:
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def grown(self, by_y: int, by_x: int, height: int, width: int) -> Tile:
        """Larger on every side, clipped to the picture."""
        return Tile(
            max(self.y0 - by_y, 0), min(self.y1 + by_y, height), max(self.x0 - by_x, 0), min(self.x1 + by_x, width)
        )

    def outside(self, by_y: int, by_x: int, height: int, width: int) -> tuple[int, int, int, int]:
        """Rows and columns that growing would put outside the picture: top, bottom, left, right."""
        return (
            max(by_y - self.y0, 0),
            max(self.y1 + by_y - height, 0),
            max(by_x - self.x0, 0),
            max(self.x1 + by_x - width, 0),
        )


@dataclass(frozen=True)
class Moments:
    """The guide's moments over the windows centred in `mid`."""

    mean: Tensor  # (3, h, w) <I>
    spread: Tensor  # (6, h, w) S of PAIRS, in the precision it was summed in
    share: Tensor  # (h, w) 1 / (weight of the window inside the picture)

    @property
    def nbytes(self) -> int:
        """Bytes that these take, and about as many as their factors do."""
        return self.mean.nbytes + 2 * self.spread.nbytes + self.share.nbytes


def by_kind(planes: Tensor) -> Tensor:
    """(4 C, h, w) seen as (4, C, h, w): p and I p, or b and a."""
    return planes.view(4, -1, *planes.shape[1:])


def products_of_guide(guide: Tensor, into: Tensor) -> None:
    """Write I (3 planes) and I I' (6 planes) of `guide` (3, h, w) into `into` (9, h, w)."""
    into[:3] = guide
    for plane, (i, j) in enumerate(PAIRS):
        torch.mul(into[i], into[j], out=into[3 + plane])


def products_of_signal(signal: Tensor, guide: Tensor, into: Tensor) -> None:
    """Write p and I p of `signal` (C, h, w) into `into` (4, C, h, w)."""
    into[0].copy_(signal)
    for c in range(3):
        torch.mul(into[0], guide[c], out=into[1 + c])


def moments_of_guide(sums: Tensor, share: Tensor, dtype: torch.dtype) -> Moments:
    """Moments from the window sums (9, h, w) of `products_of_guide`; <I> in `dtype`."""
    mean = sums[:3] * share
    spread = sums[3:] * share
    for plane, (i, j) in enumerate(PAIRS):
        spread[plane].addcmul_(mean[i], mean[j], value=-1)
    return Moments(mean.to(dtype), spread, share.to(dtype))


def factor(moments: Moments, eps: float) -> Tensor:
    """The L D L' factors of (S + eps U) / share: planes l10, l20, l21, 1/d0, 1/d1, 1/d2 in the dtype of the mean.

    Factors, because the explicit inverse of a nearly singular S (a grey guide) loses its digits at small eps.
    """
    s00, s01, s02, s11, s12, s22 = moments.spread
    floor = eps * 0.5  # rounding may leave an S that is not positive; the exact pivots are never below eps
    d0 = (s00 + eps).clamp_(min=floor)
    l10, l20 = s01 / d0, s02 / d0
    d1 = (s11 + eps).addcmul_(l10, s01, value=-1).clamp_(min=floor)
    l21 = (s12 - l20 * s01).div_(d1)
    d2 = (s22 + eps).addcmul_(l20, s02, value=-1).sub_(l21 * l21 * d1).clamp_(min=floor)
    share = moments.share
    return torch.stack([l10, l20, l21, share / d0, share / d1, share / d2]).to(moments.mean.dtype)


def covariances(sums: Tensor, moments: Moments) -> None:
    """Turn window sums (4, C, h, w) of p and I p into sums of p and of (I - <I>) p, in place."""
    for c in range(3):
        sums[1 + c].addcmul_(sums[0], moments.mean[c], value=-1)


def fit(sums: Tensor, moments: Moments, factors: Tensor, into: Tensor) -> None:
    """Eq. 14 and 15: from the sums of `covariances`, a and b into `into` (4, C, h, w)."""
    l10, l20, l21, i0, i1, i2 = factors
    b, a0, a1, a2 = into
    total, c0, c1, c2 = sums
    torch.addcmul(c1, c0, l10, value=-1, out=a1)
    torch.addcmul(c2, c0, l20, value=-1, out=a2)
    a2.addcmul_(a1, l21, value=-1).mul_(i2)
    a1.mul_(i1).addcmul_(a2, l21, value=-1)
    torch.mul(c0, i0, out=a0)
    a0.addcmul_(a1, l10, value=-1).addcmul_(a2, l20, value=-1)
    torch.mul(total, moments.share, out=b)
    for a, mean in zip((a0, a1, a2), moments.mean, strict=True):
        b.addcmul_(a, mean, value=-1)


def blend(sums: Tensor, guide: Tensor, share: Tensor, out: Tensor) -> Tensor:
    """Eq. 16: q = <a> . I + <b> into `out` (C, h, w) from the window sums (4, C, h, w) of b and a."""
    b, a0, a1, a2 = sums
    b.addcmul_(a0, guide[0]).addcmul_(a1, guide[1]).addcmul_(a2, guide[2])
    return torch.mul(b, share, out=out) if out.dtype == b.dtype else out.copy_(b.mul_(share))


def window_shares(
    tile: Tile, ry: float, rx: float, height: int, width: int, device: torch.device, dtype: torch.dtype = torch.float64
) -> Tensor:
    """1 / (weight inside the picture of the window around each pixel of `tile`), (h, w)."""
    rows = _weights(tile.y0, tile.y1, ry, height, device, dtype)
    columns = _weights(tile.x0, tile.x1, rx, width, device, dtype)
    return 1.0 / (rows[:, None] * columns)


def _weights(first: int, last: int, radius: float, size: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """How much of the window of half width `radius` about each position in [first, last) lies in [0, size)."""
    at = torch.arange(first, last, device=device, dtype=dtype)
    # a whole sample counts one; a window's end that lies within a sample counts that part of it
    return 1 + at.clamp(max=radius) + (size - 1 - at).clamp(max=radius)
