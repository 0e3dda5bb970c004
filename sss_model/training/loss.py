"""Eq. (1): pull the features of pixels with one label together, push those of different labels apart.

Aksoy et al. 2018, supplementary material, section 1. For the pixels P of one sampling, x a pair's scaled distance,

    L = 1/|P x P| sum_{p, q} [l_p = l_q] positive(x_pq) + [l_p != l_q] negative(x_pq)

    form           x                  positive(x)           negative(x)
    eq1            |f_p - f_q| / d    log((1 + e^x) / 2)    log(1 + e^-x / 2)    the text as printed
    eq1-squared    |f_p - f_q|^2 / d  log((1 + e^x) / 2)    log(1 + e^-x / 2)    eq. (1) over the text's matrix D
    tanh           |f_p - f_q|^2 / d  log((1 + e^x) / 2)    -log tanh(x / 2)     released program: d 64, weights 3:1
    tanh-distance  |f_p - f_q| / d    log((1 + e^x) / 2)    -log tanh(x / 2)

A pixel without a label (`VOID`) is a negative to every labelled pixel and nothing to another void one. Where a label
has parts, which may be different things of one class, pixels of two parts of it are nothing to each other either.

One thousand pixels of three instances make nine million pairs, so nothing is left to autograd: pairs are visited in
blocks of one kind (all positive or all negative, no masks), each unordered pair once, and a block adds its gradient
at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import ParameterError
from sss_model.training.params import LossParams

NEAR = 0.01  # a scaled distance under this counts as "near 0" in the statistics
_TANH_FLOOR = 1e-4  # -log tanh(x / 2) grows without bound at 0: below this distance its slope stays what it is here
_ROWS = {"cpu": 512}  # rows a block: its matrices stay in the cache; a GPU takes them whole


@dataclass
class PairStatistics:
    """What the pairs of one or more samplings look like; `None` where there was no such pair."""

    positive_distance: float | None
    negative_distance: float | None
    near_negatives: float | None

    """Mean scaled distance of positive and of negative pairs, and the share of negatives with distance near 0."""


def pair_loss(
    features: Tensor, labels: Tensor, params: LossParams | None = None, parts: Tensor | None = None
) -> Tensor:
    """Mean of eq. (1) over the pairs of each sampling, averaged over samplings.

    Parameters
    ----------
    features : (P, D) or (S, P, D) floating; the gradient flows into these
    labels : (P,) or (S, P) integer; equal numbers are positives, `VOID` (-1) has none
    params : form, scale and weights; the default is eq. (1) as printed
    parts : like `labels`; pixels of one label but two parts are not compared. None: a label is one part

    Returns
    -------
    scalar of the features' dtype (float32 for reduced precision)

    Raises
    ------
    ParameterError : shapes do not fit, or a sampling has no pair to compare

    Examples
    --------
    >>> labels = torch.tensor([1, 1, 2, 2])
    >>> together = torch.zeros(4, 8, dtype=torch.float64)  # all distances are 0: the mean of log 1 and log 1.5
    >>> apart = together + 9000 * (labels[:, None] - 1)
    >>> round(float(pair_loss(together, labels)), 4), round(float(pair_loss(apart, labels)), 4)
    (0.2027, 0.0)
    """
    params = params or LossParams()
    parts = labels if parts is None else parts
    if features.dim() == 2:
        features, labels, parts = features[None], labels[None], parts[None]
    if features.dim() != 3 or labels.shape != features.shape[:2] or parts.shape != labels.shape:
        raise ParameterError(
            f"Features must be (S, P, D) with labels (S, P); got {tuple(features.shape)} and {tuple(labels.shape)}"
            + ("." if parts.shape == labels.shape else f", and parts {tuple(parts.shape)}.")
        )
    if features.dtype in (torch.float16, torch.bfloat16):
        features = features.float()
    with torch.autocast(features.device.type, enabled=False):
        loss: Tensor = _PairLoss.apply(features, labels, parts, params)
    return loss


def training_loss(features: Tensor, labels: Tensor, params: LossParams, parts: Tensor | None = None) -> Tensor:
    """`pair_loss` of one image's samplings, plus `projected_weight` times that of their three principal components.

    Distances after the projection are what a viewer sees: the second term asks the colours, too, to tell regions
    apart. Parameters, result and errors are those of `pair_loss`.

    Examples
    --------
    >>> features = torch.randn(10, 60, 16, requires_grad=True)  # ten samplings of sixty pixels
    >>> labels = torch.arange(3).repeat_interleave(20).expand(10, 60)
    >>> training_loss(features, labels, LossParams(projected_weight=0.5)).backward()
    >>> features.grad.shape
    torch.Size([10, 60, 16])
    """
    loss = pair_loss(features, labels, params, parts)
    if params.projected_weight > 0:
        axes = principal_axes(features)
        projected = features.to(axes.dtype) @ axes
        loss = loss + params.projected_weight * pair_loss(projected, labels, params, parts)
    return loss


@torch.no_grad()
def principal_axes(features: Tensor, count: int = 3) -> Tensor:
    """The first `count` principal axes (D, count) of all of `features` (..., D), as constants; at least float32."""
    values = features.detach().reshape(-1, features.shape[-1]).double()
    values = values - values.mean(0)
    axes: Tensor = torch.linalg.eigh(values.T @ values)[1][:, -count:]
    return axes.to(torch.promote_types(features.dtype, torch.float32))


class _PairLoss(torch.autograd.Function):
    """Computes the gradient while it computes the value; `backward` only scales it."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, labels: Tensor, parts: Tensor, params: LossParams) -> Tensor:
        gradient = torch.empty_like(features) if ctx.needs_input_grad[0] else None
        total = features.new_zeros(())
        for k in range(len(features)):
            value, slope = _sampling(features[k], labels[k], parts[k], params, gradient is not None)
            total += value
            if gradient is not None:
                gradient[k] = slope
        ctx.gradient = gradient / len(features) if gradient is not None else None
        return total / len(features)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor | None, None, None, None]:
        return slope * ctx.gradient, None, None, None


def _sampling(
    features: Tensor, labels: Tensor, parts: Tensor, params: LossParams, want_gradient: bool
) -> tuple[Tensor, Tensor]:
    """Value and gradient (P, D) of one sampling."""
    order = torch.argsort(parts, stable=True)
    order = order[torch.argsort(labels[order], stable=True)]
    kinds, counts = torch.unique_consecutive(torch.stack([labels, parts])[:, order], dim=1, return_counts=True)
    groups = list(zip(kinds[0].tolist(), counts.tolist(), strict=True))
    ends = _label_ends(groups)
    pairs = _count_pairs(groups, ends)
    weights = (params.positive_weight, params.negative_weight)
    mass = sum(w * n for w, n in zip(weights, pairs, strict=True))
    if mass == 0:
        raise ParameterError(
            "A sampling needs pairs to compare; all of its pixels are void, or its pairs have weight 0."
        )

    scale = 1 / (params.distance_scale if params.is_distance else math.sqrt(params.distance_scale))
    scaled = features.detach()[order] * scale
    scaled -= scaled.mean(0)  # distances do not change, and their rounding error shrinks
    blocks = _Blocks(scaled, params, want_gradient)
    start = 0
    for k, (kind, count) in enumerate(groups):
        if kind != VOID:
            blocks.within(start, start + count, weights[0] / mass)
        if weights[1] > 0 and ends[k] < len(labels):
            blocks.across(start, start + count, ends[k], len(labels), weights[1] / mass)
        start += count
    gradient = torch.empty_like(scaled)
    gradient[order] = blocks.gradient * scale
    return blocks.total, gradient


def _label_ends(groups: list[tuple[int, int]]) -> list[int]:
    """For each group, a part of a label, where the pixels of its label end."""
    last = {kind: end for (kind, _), end in zip(groups, accumulate(count for _, count in groups), strict=True)}
    return [last[kind] for kind, _ in groups]


def _count_pairs(groups: list[tuple[int, int]], ends: list[int]) -> tuple[int, int]:
    """Ordered pairs of one part (a pixel with itself included, as eq. (1) sums) and of two labels."""
    total = sum(count for _, count in groups)
    across = sum(2 * count * (total - end) for (_, count), end in zip(groups, ends, strict=True))
    return sum(count * count for kind, count in groups if kind != VOID), across


class _Blocks:
    """Sums terms and gradients over rectangles of the pair matrix.

    A row is augmented to (-2 f, |f|^2, 1) and a column to (f, 1, |f|^2), so that one product holds squared distances,
    and the product of the slopes W with the columns holds W f and the row sums of W together.
    """

    def __init__(self, scaled: Tensor, params: LossParams, want_gradient: bool) -> None:
        square = scaled.square().sum(1, keepdim=True)
        one = torch.ones_like(square)
        self._params, self._want = params, want_gradient
        self._size = scaled.shape[1]
        self._left = torch.cat([-2 * scaled, square, one], 1)
        self._right = torch.cat([scaled, one, square], 1)
        finfo = torch.finfo(scaled.dtype)
        # below this a squared distance is rounding error: held there, a root's slope stays finite
        self._floor = max(8 * finfo.eps * float(square.max()), 1e-20)
        self._rows = _ROWS.get(scaled.device.type, 4096)
        self.total = scaled.new_zeros(())
        self._slopes = torch.zeros_like(self._right)

    @property
    def gradient(self) -> Tensor:
        """d loss / d scaled features (P, D): sum_q W_pq (f_p - f_q)."""
        d = self._size
        return self._slopes[:, d : d + 1] * self._right[:, :d] - self._slopes[:, :d]

    def within(self, start: int, end: int, weight: float) -> None:
        """Positive pairs of pixels start..end-1, the upper triangle of their square counted twice."""
        for first in range(start, end, self._rows):
            last = min(first + self._rows, end)
            self._rectangle(first, last, first, last, weight, positive=True)
            if last < end:
                self._rectangle(first, last, last, end, 2 * weight, positive=True)

    def across(self, start: int, end: int, others: int, stop: int, weight: float) -> None:
        """Negative pairs of pixels start..end-1 with pixels others..stop-1."""
        for first in range(start, end, self._rows):
            self._rectangle(first, min(first + self._rows, end), others, stop, 2 * weight, positive=False)

    def _rectangle(self, top: int, bottom: int, left: int, right: int, weight: float, *, positive: bool) -> None:
        x = self._left[top:bottom] @ self._right[left:right].T
        x.clamp_(min=self._floor)
        if self._params.is_distance:
            x.sqrt_()
        if positive:
            value, slope = _positive(x)
        elif self._params.is_tanh:
            value, slope = _negative_tanh(x)
        else:
            value, slope = _negative(x)
        self.total += weight * value
        if self._want:
            # chain rule to |f_p - f_q|^2 / 2: dx = (f_p - f_q) / x for a distance, 2 (f_p - f_q) for a square
            slope = slope.div_(x) if self._params.is_distance else slope.mul_(2)
            self._slopes[top:bottom].addmm_(slope, self._right[left:right], alpha=weight)
            self._slopes[left:right].addmm_(slope.T, self._right[top:bottom], alpha=weight)


def _positive(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of log((1 + e^x) / 2) = x - log sigmoid(x) - log 2, and its slope sigmoid(x)."""
    s = torch.sigmoid(x)
    return x.sum() - s.log().sum() - x.numel() * math.log(2), s


def _negative(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of log(1 + e^-x / 2) = -log sigmoid(x + log 2), and its slope -1 / (1 + 2 e^x)."""
    e = torch.exp(-x).mul_(0.5)
    value = e.log1p().sum()
    return value, e.div_(e + 1).neg_()


def _negative_tanh(x: Tensor) -> tuple[Tensor, Tensor]:
    """Sum of -log tanh(x / 2), and its slope -1 / sinh(x)."""
    x.clamp_(min=_TANH_FLOOR)
    t = torch.tanh(x * 0.5)
    value = -t.log().sum()
    return value, (t - 1 / t).mul_(0.5)


@torch.no_grad()
def pair_statistics(
    features: Tensor, labels: Tensor, params: LossParams, parts: Tensor | None = None
) -> PairStatistics:
    """How far apart the pairs of one sampling (P, D), (P,) are; a collapsing network shows near negatives."""
    parts = labels if parts is None else parts
    distance = torch.cdist(features.float(), features.float())
    x = (distance if params.is_distance else distance.square()) / params.distance_scale
    known = labels != VOID
    same = (labels[:, None] == labels) & (parts[:, None] == parts) & known[:, None]
    same.fill_diagonal_(False)
    different = labels[:, None] != labels
    return PairStatistics(
        float(x[same].mean()) if same.any() else None,
        float(x[different].mean()) if different.any() else None,
        float((x[different] < NEAR).float().mean()) if different.any() else None,
    )
