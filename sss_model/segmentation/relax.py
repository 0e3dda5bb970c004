"""Relaxed sparsification: layers free of the eigenvectors' span, each pixel nearly 0 or 1 where the picture lets it.

"Semantic Soft Segmentation", section 3.5: from given layers a^, find the layers a that minimise

    sum over i, k of  |a_ik|^p_i + |1 - a_ik|^p_i + |a_ik - a^_ik|^2  +  sum over k of a_k' L a_k
      +  100 sum over i of |1 - sum over k of a_ik|^2

with p_i = 0.9 + min(|gradient of the picture|, 0.1), so that soft borders stay soft where the picture has edges. The
first term is replaced by weighted squares, u a^2 + v (1 - a)^2, whose weights follow the solution. Each step is one
linear system for all layers, solved by conjugate gradients from the last solution. Its preconditioner inverts, pixel by
pixel, the diagonal plus 100 times the matrix of ones by the formula of Sherman and Morrison: 10 iterations in all
instead of 500.
"""

from __future__ import annotations

import torch
from torch import Tensor

from sss_model.progress import Progress, silent
from sss_model.segmentation.eigenvectors import Laplacian

OUTER = 8
_SUM_WEIGHT = 100.0
_LOW, _HIGH = 0.1, 0.9  # below and above is 0 and 1 at the start
_FLOOR = 1e-4
_TOLERANCE = 1e-3  # of a step's residual, against its right side
_MOST_ITERATIONS = 30
_SPARSE_POWER, _MOST_GRADIENT = 0.9, 0.1


def relaxed_sparsification(
    laplacian: Laplacian, image: Tensor, layers: Tensor, *, outer: int = OUTER, progress: Progress | None = None
) -> Tensor:
    """(N, h, w) float32: the layers made sparse, clipped to [0, 1], of sum 1.

    Parameters
    ----------
    laplacian : of `image`
    image : (h, w, 3) float32 RGB in [0, 1]
    layers : (N, h, w) float32, about 0 to 1
    outer : how often the weights are renewed
    progress : told after every step
    """
    steps = silent(progress)
    wanted = _snapped(layers)
    power = (_SPARSE_POWER - 2 + gradient(image).clamp_(max=_MOST_GRADIENT))[None]
    a = wanted.clone()
    base = laplacian.diagonal + 1
    for step in range(outer + 1):
        if step < outer:
            u = a.abs().clamp_(min=_FLOOR).pow(power)
            v = (1 - a).abs_().clamp_(min=_FLOOR).pow(power)
        else:  # one last solution without sparsity, from what it led to
            u = v = torch.zeros_like(a)
            wanted = _snapped(a)
        system = System(laplacian, u + v + 1, u + v + base)
        a = conjugate_gradients(system, wanted + v + _SUM_WEIGHT, a)
        steps.report((step + 1) / (outer + 1))
    return normalised(a)


class System:
    """The matrix of one step: L + diag(weights) for each layer, and 100 times the sum of all layers at each pixel."""

    def __init__(self, laplacian: Laplacian, weights: Tensor, diagonal: Tensor) -> None:
        self._laplacian = laplacian
        self._weights = weights
        self._inverse = 1 / diagonal
        self._shared = _SUM_WEIGHT / (1 + _SUM_WEIGHT * self._inverse.sum(0))

    def apply(self, x: Tensor) -> Tensor:
        """The matrix times `x` (N, h, w)."""
        return self._laplacian.apply(x).addcmul_(self._weights, x).add_(x.sum(0), alpha=_SUM_WEIGHT)

    def precondition(self, r: Tensor) -> Tensor:
        """About the inverse times `r` (N, h, w)."""
        scaled = r * self._inverse
        return scaled.addcmul_(self._inverse, (self._shared * scaled.sum(0))[None], value=-1)


def conjugate_gradients(system: System, right: Tensor, x: Tensor, *, tolerance: float = _TOLERANCE) -> Tensor:
    """The solution of `system` x = `right`, from the guess `x`."""
    r = right - system.apply(x)
    z = system.precondition(r)
    direction = z
    product = torch.dot(r.view(-1), z.view(-1))
    limit = tolerance**2 * torch.dot(right.view(-1), system.precondition(right).view(-1))
    for _ in range(_MOST_ITERATIONS):
        if product <= limit:
            break
        moved = system.apply(direction)
        rate = product / torch.dot(direction.view(-1), moved.view(-1))
        x = torch.add(x, direction * rate)
        r = r.sub_(moved.mul_(rate))
        z = system.precondition(r)
        following = torch.dot(r.view(-1), z.view(-1))
        direction = z.add_(direction * (following / product))
        product = following
    return x


def gradient(image: Tensor) -> Tensor:
    """(h, w): the length of the gradient of the grey picture, by central differences; the border repeats."""
    grey = image @ torch.tensor([0.2989, 0.587, 0.114], device=image.device)
    padded = torch.nn.functional.pad(grey[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
    along = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    down = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    return (along.square_() + down.square_()).sqrt_()


def normalised(layers: Tensor) -> Tensor:
    """Clipped to [0, 1] and divided by their sum; a pixel without any layer is shared among all."""
    clipped = layers.clamp(0, 1)
    total = clipped.sum(0)
    return torch.where(total > 0, clipped / total.clamp(min=1e-12), 1 / len(layers))


def _snapped(layers: Tensor) -> Tensor:
    """Below 0.1 is 0, above 0.9 is 1; then normalised."""
    snapped = torch.where(layers < _LOW, 0.0, torch.where(layers > _HIGH, 1.0, layers))
    return normalised(snapped)
