"""Layers from the working grid to the full picture, along its edges.

About each pixel of the grid every layer is fitted by a linear function of colour over 3x3 windows, as in the guided
filter (He et al. 2013; the joint upsampling of "Fast guided filter", 2015); the functions are interpolated and applied
to the colours of the full picture. The fit is linear, so the layers of a pixel keep their sum.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sss_model.progress import Progress, silent
from sss_model.segmentation.sparsify import normalised

EPS = 1e-5
_PIXELS = 2**18  # of a stripe


def upsample_layers(
    layers: Tensor,
    grid_image: Tensor,
    image: NDArray[np.floating[Any]],
    *,
    eps: float = EPS,
    progress: Progress | None = None,
) -> NDArray[np.float32]:
    """(H, W, N) float32 in [0, 1], of sum 1.

    Parameters
    ----------
    layers : (N, h, w) float32 of sum 1
    grid_image : (h, w, 3) float32, `image` at the layers' size
    image : (H, W, 3) RGB in [0, 1]
    eps : squared intensity; larger follows weaker edges less
    progress : told after every stripe of rows
    """
    steps = silent(progress)
    H, W = image.shape[:2]
    count, h = len(layers), layers.shape[1]
    models = colour_models(layers, grid_image, eps)
    steps.report(0.0)
    wide = F.interpolate(models.view(1, count * 4, *layers.shape[1:]), (h, W), mode="bilinear")[0]
    wide = wide.transpose(0, 1).contiguous()  # rows first: one above the other is what a stripe blends
    steps.report(0.0)
    alphas = np.empty((H, W, count), np.float32)
    position = ((torch.arange(H, device=layers.device) + 0.5) * (h / H) - 0.5).clamp_(0, h - 1)
    above = position.long()
    below, share = (above + 1).clamp_(max=h - 1), (position - above).view(-1, 1, 1)
    stripe = max(1, _PIXELS // W)
    for top in range(0, H, stripe):
        rows = slice(top, min(top + stripe, H))
        model = torch.lerp(wide[above[rows]], wide[below[rows]], share[rows]).view(-1, count, 4, W)
        colours = torch.from_numpy(np.asarray(image[rows], np.float32)).to(layers.device).movedim(2, 1)[:, None]
        values = model[:, :, 3].addcmul_(model[:, :, 0], colours[:, :, 0])
        values.addcmul_(model[:, :, 1], colours[:, :, 1]).addcmul_(model[:, :, 2], colours[:, :, 2])
        alphas[rows] = normalised(values.movedim(1, 0)).permute(1, 2, 0).cpu().numpy()
        steps.report(rows.stop / H)
    return alphas


def colour_models(layers: Tensor, image: Tensor, eps: float) -> Tensor:
    """(N, 4, h, w): each layer as a linear function of colour, its three slopes and its constant, over 3x3 windows."""
    colours = image.movedim(2, 0).double()
    signals = layers.double()
    mean = _window_means(colours)
    S = torch.stack([_window_means(colours * colours[c]) - mean * mean[c] for c in range(3)])
    S.diagonal(dim1=0, dim2=1).add_(eps)
    signal_mean = _window_means(signals)
    covariance = torch.stack([_window_means(signals * colours[c]) - signal_mean * mean[c] for c in range(3)])
    a = torch.linalg.solve(S.permute(2, 3, 0, 1), covariance.permute(2, 3, 0, 1)).permute(2, 3, 0, 1)
    b = signal_mean - (a * mean[:, None]).sum(0)
    return torch.stack([_window_means(plane) for plane in (*a, b)], dim=1).float()


def _window_means(planes: Tensor) -> Tensor:
    """The means of `planes` (C, h, w) over 3x3 windows, cut at the border."""
    h, w = planes.shape[1:]
    padded = F.pad(planes, (1, 1, 1, 1))
    total = torch.zeros_like(planes)
    for y, x in product(range(3), range(3)):
        total += padded[:, y : y + h, x : x + w]
    rows, columns = (_window_sizes(side, planes.device) for side in (h, w))
    return total / (rows[:, None] * columns)


def _window_sizes(side: int, device: torch.device) -> Tensor:
    at = torch.arange(side, device=device)
    return 1 + (at > 0).int() + (at < side - 1).int()
