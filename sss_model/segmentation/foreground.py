"""Colours of a layer without its background (Germer et al., "Fast multi-level foreground estimation", 2020).

A pixel of a soft border shows I = alpha F + (1 - alpha) B. Laid over another background, the layer needs F, or a fringe
of the old background goes along. F and B minimise, channel by channel,

    sum_i (alpha_i F_i + (1 - alpha_i) B_i - I_i)^2 + sum_ij w_ij ((F_i - F_j)^2 + (B_i - B_j)^2)
    w_ij = eps + |alpha_i - alpha_j|,    j one of the four neighbours of i

Of fixed neighbours, with their weighted means F~ and B~ and S = sum_j w_ij, a pixel's minimum is

    r = (I - alpha F~ - (1 - alpha) B~) / (alpha^2 + (1 - alpha)^2 + S)
    F = F~ + alpha r,    B = B~ + (1 - alpha) r

and a few such steps are enough when they start from those of a picture of half the size, down to a single pixel.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from sss_model.errors import ParameterError
from sss_model.filtering.local_linear import Tile
from sss_model.filtering.parallel import in_threads
from sss_model.finite import check_array
from sss_model.progress import Progress, silent

EPS = 1e-5
SMALL = 32  # pixels a side up to which a level counts as small
SMALL_STEPS, LARGE_STEPS = 20, 4  # twice the paper's: it renews pixels one after the other, here they go all at once
TILE = 256  # pixels a side of what one thread renews at once
_INVISIBLE = 1e-3  # a smaller alpha shows in no 8-bit picture; neither does what a larger one than 1 less this leaves
_SAMPLED = 512  # pixels a side that the mean colour is taken of
_SURE = 0.9  # alpha from which a pixel counts for the mean colour that the estimate starts from


def estimate_foreground(
    image: NDArray[np.floating[Any]],
    alpha: NDArray[np.floating[Any]],
    *,
    eps: float = EPS,
    device: str | torch.device = "cpu",
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """The colours F of what `alpha` mattes.

    Parameters
    ----------
    image : (H, W, 3) float RGB in [0, 1]
    alpha : (H, W) float in [0, 1]
    eps : weight of smoothness where alpha is constant, above 0; larger spreads colours further
    device : torch device to compute on
    progress : told after every level; may raise `Cancelled`

    Returns
    -------
    (H, W, 3) float32 in [0, 1]: the image where alpha is 1, its continuation where alpha is 0

    Raises
    ------
    ParameterError : shapes that do not fit, or eps not above 0

    Examples
    --------
    >>> image = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    >>> alpha = np.linspace(0, 1, 600, dtype=np.float32).reshape(20, 30)
    >>> foreground = estimate_foreground(image, alpha)
    >>> over_green = alpha[..., None] * foreground + (1 - alpha[..., None]) * (0, 1, 0)
    """
    check_array(image, "image")
    check_array(alpha, "alpha")
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape or alpha.shape != image.shape[:2]:
        raise ParameterError(f"image must be (H, W, 3) and alpha (H, W), got {image.shape} and {alpha.shape}.")
    if not eps > 0:
        raise ParameterError(f"eps must be above 0, got {eps}.")
    planes = torch.from_numpy(np.array(np.moveaxis(image, 2, 0), np.float32, order="C")).to(device)
    matte = torch.from_numpy(np.array(alpha, np.float32, order="C")).to(device)
    colours = torch.stack([_mean_colour(planes, matte), _mean_colour(planes, 1 - matte)])  # F and B, (2, 3, 1, 1)
    sizes = level_sizes(*alpha.shape)
    done = np.cumsum([0] + [height * width for height, width in sizes]) / sum(h * w for h, w in sizes)
    for k, (height, width) in enumerate(sizes):
        level = _Level(_resized(planes, height, width), _resized(matte, height, width), colours, eps)
        last = k == len(sizes) - 1
        colours = level.renewed(silent(progress).part(float(done[k]), float(done[k + 1])), foreground_only=last)
    return np.ascontiguousarray(np.moveaxis(colours[0].cpu().numpy(), 0, 2))


def foreground_colours(
    image: NDArray[np.floating[Any]],
    alphas: NDArray[np.floating[Any]],
    *,
    progress: Progress | None = None,
) -> list[NDArray[np.float32]]:
    """`estimate_foreground` of every layer of `alphas` (H, W, N), the others together being its background."""
    check_array(alphas, "alphas", 3)
    count = alphas.shape[2]
    return [
        estimate_foreground(image, alphas[..., k], progress=silent(progress).part(k / count, (k + 1) / count))
        for k in range(count)
    ]


def level_sizes(height: int, width: int) -> list[tuple[int, int]]:
    """(h, w) of the levels, from a single pixel to the whole, about twice as long from one to the next."""
    count = math.ceil(math.log2(max(height, width)))
    shares = [level / count for level in range(count)] if count else []
    sizes = [(round(height**share), round(width**share)) for share in shares] + [(height, width)]
    return [size for size, following in pairwise(sizes) if size != following] + sizes[-1:]


class _Level:
    """One size of the picture: renews its colours tile by tile, where alpha is neither 0 nor 1.

    A tile is computed with as many pixels around it as there are steps, so its borders do not show.
    """

    def __init__(self, image: Tensor, alpha: Tensor, coarser: Tensor, eps: float) -> None:
        self.image, self.alpha, self.coarser, self.eps = image, alpha, coarser, eps
        self.height, self.width = alpha.shape
        self.steps = SMALL_STEPS if max(self.height, self.width) <= SMALL else LARGE_STEPS

    def renewed(self, progress: Progress, *, foreground_only: bool) -> Tensor:
        """(2, 3, h, w) F and B, or (1, 3, h, w) F: where alpha is 1 the image, where it is 0 the coarser level's."""
        count = 1 if foreground_only else 2
        colours = _resized(self.coarser[:count], self.height, self.width)
        sure = (self.alpha > 1 - _INVISIBLE, self.alpha < _INVISIBLE)[:count]
        for k, pixels in enumerate(sure):
            colours[k] = torch.where(pixels, self.image, colours[k])
        tiles = self._soft_tiles()
        for tile, renewed in zip(tiles, in_threads(self._tile, tiles, progress, "Foreground colours"), strict=True):
            colours[(..., *tile.slices)] = renewed[:count]
        return colours

    def _soft_tiles(self) -> list[Tile]:
        soft = (self.alpha >= _INVISIBLE) & (self.alpha <= 1 - _INVISIBLE)
        return [
            Tile(y, min(y + TILE, self.height), x, min(x + TILE, self.width))
            for y in range(0, self.height, TILE)
            for x in range(0, self.width, TILE)
            if bool(soft[y : y + TILE, x : x + TILE].any())
        ]

    def _tile(self, tile: Tile) -> Tensor:
        wide = tile.grown(self.steps, self.steps, self.height, self.width)
        colours = _part_resized(self.coarser, self.height, self.width, wide)
        equations = _Equations(self.image[(..., *wide.slices)], self.alpha[wide.slices], self.eps)
        for _ in range(self.steps):
            equations.step(colours)
        inner = Tile(tile.y0 - wide.y0, tile.y1 - wide.y0, tile.x0 - wide.x0, tile.x1 - wide.x0)
        return colours[(..., *inner.slices)]


class _Equations:
    """What F and B of a part of the picture solve, kept from step to step."""

    def __init__(self, image: Tensor, alpha: Tensor, eps: float) -> None:
        self.image, self.mattes = image, torch.stack([alpha, 1 - alpha])
        # a neighbour beyond the border is the pixel itself, which also keeps a picture of one pixel solvable
        self.across = _ends((alpha[:, 1:] - alpha[:, :-1]).abs_(), dim=1).add_(eps)
        self.down = _ends((alpha[1:] - alpha[:-1]).abs_(), dim=0).add_(eps)
        self.weight = self.across[:, 1:] + self.across[:, :-1] + self.down[1:] + self.down[:-1]
        self.scale = self.mattes.square().sum(0).add_(self.weight).reciprocal_()

    def step(self, colours: Tensor) -> None:
        """Renew `colours` (2, 3, h, w), F and B, all pixels at once, one channel after the other."""
        for c in range(3):
            means = [self._neighbours(plane[c]) for plane in colours]
            rest = (
                self.image[c].addcmul(self.mattes[0], means[0], value=-1).addcmul_(self.mattes[1], means[1], value=-1)
            )
            rest.mul_(self.scale)
            for plane, mean, matte in zip(colours, means, self.mattes, strict=True):
                plane[c] = mean.addcmul_(matte, rest).clamp_(0, 1)

    def _neighbours(self, plane: Tensor) -> Tensor:
        """The weighted mean of the four neighbours of each pixel of `plane` (h, w)."""
        total = torch.zeros_like(plane)
        total[:, 1:].addcmul_(plane[:, :-1], self.across[:, 1:-1])
        total[:, :-1].addcmul_(plane[:, 1:], self.across[:, 1:-1])
        total[1:].addcmul_(plane[:-1], self.down[1:-1])
        total[:-1].addcmul_(plane[1:], self.down[1:-1])
        for edge, weight in ((0, self.across[:, 0]), (-1, self.across[:, -1])):
            total[:, edge].addcmul_(plane[:, edge], weight)
        for edge, weight in ((0, self.down[0]), (-1, self.down[-1])):
            total[edge].addcmul_(plane[edge], weight)
        return total.div_(self.weight)


def _ends(between: Tensor, *, dim: int) -> Tensor:
    """`between` with a zero before and behind along `dim`."""
    shape = list(between.shape)
    shape[dim] = 1
    zero = between.new_zeros(shape)
    return torch.cat([zero, between, zero], dim=dim)


def _mean_colour(planes: Tensor, alpha: Tensor) -> Tensor:
    """(3, 1, 1) of the pixels that `alpha` mattes for sure; where there are none, of all by their alpha.

    Of every so many-th pixel only: the estimate starts from it and soon forgets it.
    """
    step = max(1, max(alpha.shape) // _SAMPLED)
    planes, alpha = planes[:, ::step, ::step], alpha[::step, ::step]
    sure = (alpha > _SURE).to(alpha.dtype)
    weight = sure if bool(sure.any()) else alpha + 1e-6
    mean: Tensor = ((planes * weight).sum((1, 2), dtype=torch.float64) / weight.sum(dtype=torch.float64)).float()
    return mean[:, None, None]


def _resized(planes: Tensor, height: int, width: int) -> Tensor:
    """`planes` (..., h, w) at another size, each pixel the one at its upper left corner."""
    if planes.shape[-2:] == (height, width):
        return planes
    batch = planes.reshape(1, -1, *planes.shape[-2:])
    return interpolate(batch, (height, width), mode="nearest").reshape(*planes.shape[:-2], height, width)


def _part_resized(planes: Tensor, height: int, width: int, part: Tile) -> Tensor:
    """`part` of what `_resized` gives."""
    rows = torch.arange(part.y0, part.y1, device=planes.device) * planes.shape[-2] // height
    columns = torch.arange(part.x0, part.x1, device=planes.device) * planes.shape[-1] // width
    return planes[..., rows[:, None], columns]
