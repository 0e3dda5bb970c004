"""From coarse maps to features, stripe by stripe, into the array that the caller gave."""

from __future__ import annotations

from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sss_model.filtering.parallel import in_threads
from sss_model.inference.bands import ImageRows
from sss_model.inference.head_stripes import CHUNK, CoarseMap, HeadStripes
from sss_model.network.grid_maps import FeatureNet, HiddenMaps
from sss_model.network.supplement import SupplementNet
from sss_model.progress import Progress

STRIPE_PIXELS = 32768  # a stripe is a thread's work between two reports, some 50 ms
DEVICE_PIXELS = 131072  # the same on a GPU, whose launches cost more than its arithmetic


class Filler(Protocol):
    """Computes features of image rows first..last-1 into `out` (last - first, W, D) on its device."""

    def fill(self, first: int, last: int, out: Tensor) -> None: ...


class PlainStripes:
    """Stripes of any network, as its own `rows` has them."""

    def __init__(self, network: FeatureNet, hidden: HiddenMaps) -> None:
        self._network, self._hidden = network, hidden

    def fill(self, first: int, last: int, out: Tensor) -> None:
        out.copy_(self._network.rows(self._hidden, first, last)[0].permute(1, 2, 0))


def supplement_stripes(
    network: SupplementNet, maps: dict[int, Tensor], image: ImageRows, size: tuple[int, int]
) -> HeadStripes:
    """The head of `network` on `maps`, each a tap or its branch's output, by tap number."""
    weights = torch.split(network.hidden.weight.detach()[:, :, 0, 0], list(network.params.branch_channels), 1)
    centred = network.params.alignment == "centred"
    coarse = []
    for number, values in sorted(maps.items()):
        tap, layer = network.backbone.taps[number], cast(nn.Conv2d, network.branch[number])
        raw = values.shape[1] == tap.channels and layer.out_channels >= tap.channels
        coarse.append(
            CoarseMap(
                values,
                tap.stride,
                tap.centre if centred else (tap.stride - 1) / 2,
                layer if raw else None,
                network.params.tap_scale == "rms",
                weights[number].t().contiguous(),
            )
        )
    project = network.project
    return HeadStripes(
        coarse,
        image,
        cast(nn.Conv2d, network.branch[0]),
        (weights[0].t().contiguous(), cast(Tensor, network.hidden.bias).detach()),
        (project.weight.detach()[:, :, 0, 0].t().contiguous(), cast(Tensor, project.bias).detach()),
        size,
        CHUNK if image.device.type == "cpu" else DEVICE_PIXELS,
        image.device.type != "cpu",
    )


class HeadRun:
    """Fills an array with features from the top down; after a failure `run` goes on where it stopped.

    Parameters
    ----------
    filler : computes a stripe
    out : (H, W, D), any floating dtype, a memory map or not
    device, dtype : of the filler's results
    """

    def __init__(
        self, filler: Filler, out: NDArray[np.floating[Any]], device: torch.device, dtype: torch.dtype
    ) -> None:
        self._filler, self._out, self._device, self._dtype = filler, out, device, dtype
        pixels = STRIPE_PIXELS if device.type == "cpu" else DEVICE_PIXELS
        self._rows = min(max(pixels // int(out.shape[1]), 1), int(out.shape[0]))
        self._row = 0

    def run(self, progress: Progress) -> None:
        """Fill what is left. Raises `Cancelled` between stripes."""
        height = int(self._out.shape[0])
        rest = progress.part(self._row / height, 1.0, "features")
        rows = [(first, min(first + self._rows, height)) for first in range(self._row, height, self._rows)]
        threads = None if self._device.type == "cpu" else 1  # on a GPU one thread keeps it busy
        for last in in_threads(self._stripe, rows, rest, "features", threads=threads):
            self._row = last

    def _stripe(self, rows: tuple[int, int]) -> int:
        """Fill rows first..last-1; returns last."""
        first, last = rows
        target = self._out[first:last]
        with torch.inference_mode():
            if self._device.type == "cpu" and self._dtype == torch.float32 and _shareable(target):
                self._filler.fill(first, last, torch.from_numpy(target))
            else:
                buffer = torch.empty(target.shape, dtype=self._dtype, device=self._device)
                self._filler.fill(first, last, buffer)
                _store(buffer, target)
        return last

    def halve(self) -> bool:
        """Make the stripes half as high; False when they are one row already."""
        self._rows //= 2
        return self._rows > 0

    def move(self, filler: Filler, device: torch.device, dtype: torch.dtype) -> None:
        """Go on on another device."""
        self._filler, self._device, self._dtype = filler, device, dtype
        self._rows = max(STRIPE_PIXELS // int(self._out.shape[1]), 1)


def _shareable(target: NDArray[np.floating[Any]]) -> bool:
    return bool(target.dtype == np.float32 and target.flags.c_contiguous and target.flags.writeable)


def _store(values: Tensor, target: NDArray[np.floating[Any]]) -> None:
    """Copy `values` into `target`, converting on the device first."""
    if target.dtype in (np.float32, np.float16) and target.flags.c_contiguous and target.flags.writeable:
        torch.from_numpy(target).copy_(values)
    else:
        target[...] = values.float().cpu().numpy()
