"""Running a backbone's segments over an image in bands of rows, so that it can be stopped, resumed, and kept small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sss_model.inference.head_stripes import branch_of
from sss_model.inference.plan import Band, band_rows, bands_of, halves_of
from sss_model.inference.segments import Segment, segments_of
from sss_model.network.backbone import Backbone
from sss_model.network.supplement import SupplementNet
from sss_model.progress import Progress


class ImageRows:
    """Rows of an image as the network takes them: padded to whole cells, normalised, on the device.

    Parameters
    ----------
    image : (H, W, 3) RGB in [0, 1]
    backbone : sides are padded to its multiple by repeating the border; its mean and std are taken
    device, dtype : of the rows
    """

    def __init__(
        self, image: NDArray[np.floating[Any]], backbone: Backbone, device: torch.device, dtype: torch.dtype
    ) -> None:
        self._image, self.device, self._dtype = image, device, dtype
        self._mean, self._scale = backbone.mean.float().cpu(), 1 / backbone.std.float().cpu()
        multiple = backbone.multiple
        height, width = image.shape[:2]
        self.height, self.width = -(-height // multiple) * multiple, -(-width // multiple) * multiple

    def __call__(self, first: int, last: int) -> Tensor:
        """Rows first..last-1 (1, 3, last - first, width), zero where they lie outside the padded image."""
        top, bottom = max(first, 0), min(last, self.height)
        height, width = self._image.shape[:2]
        low = min(top, height - 1)
        rows = np.array(self._image[low : min(bottom, height)], np.float32)  # a copy: it may be read-only, or float16
        values = torch.from_numpy(rows).permute(2, 0, 1)[None]
        missing = bottom - top - values.shape[2]
        if missing or self.width != width:
            values = F.pad(values, (0, self.width - width, 0, missing), "replicate")
        values = (values - self._mean).mul_(self._scale)
        if (top, bottom) != (first, last):
            values = F.pad(values, (0, 0, top - first, last - bottom))
        values = values.contiguous(memory_format=torch.channels_last)
        if self.device.type == "cuda":
            values = values.pin_memory().to(self.device, non_blocking=True)
        return values.to(self.device, self._dtype)


class BranchUnit(nn.Module):
    """A branch's 3x3 layer on its tap, as a unit of a segment."""

    def __init__(self, layer: nn.Conv2d, rms: bool) -> None:
        super().__init__()
        self.layer, self.rms = layer, rms

    def forward(self, values: Tensor) -> Tensor:
        return branch_of(self.layer, values, self.rms)


@dataclass(frozen=True)
class BackboneStep:
    """A segment; which map it reads (0: the image, k: tap k), of what stride; whether it makes a branch or a tap."""

    segment: Segment
    source: int
    branch: bool
    stride: int


def steps_of(network: SupplementNet) -> tuple[BackboneStep, ...] | None:
    """What to run, in turn, to have every coarse map at its narrowest; None where the backbone cannot be cut.

    A branch with fewer channels than its tap is computed at once and the tap let go; a wider one waits for the stripes.
    """
    segments = segments_of(network.backbone)
    if segments is None:
        return None
    steps: list[BackboneStep] = []
    taps = network.backbone.taps
    rms = network.params.tap_scale == "rms"
    for number, segment in enumerate(segments, 1):
        steps.append(BackboneStep(segment, number - 1, False, taps[number - 1].stride))
        layer = network.branch[number]
        if isinstance(layer, nn.Conv2d) and layer.out_channels < layer.in_channels:
            name, channels = f"branch {number} of {len(segments)}", (layer.in_channels, layer.out_channels)
            segment = Segment.of(name, [BranchUnit(layer, rms)], 1, channels)
            steps.append(BackboneStep(segment, number, True, taps[number].stride))
    return tuple(steps)


@dataclass(frozen=True)
class BandPlan:
    """The bands of every step over an image, whose `width` is padded to whole cells."""

    steps: tuple[BackboneStep, ...]
    bands: tuple[tuple[Band, ...], ...]
    width: int

    def work(self) -> list[float]:
        """Each step's share of time, in the units of `Cost.work`, rows of halos included."""
        return [
            step.segment.work * (self.width // step.stride) * sum(band.source[1] - band.source[0] for band in bands)
            for step, bands in zip(self.steps, self.bands, strict=True)
        ]


def plan_bands(
    steps: Sequence[BackboneStep], size: tuple[int, int], tile: int, free: int, multiple: int, number: int = 4
) -> BandPlan:
    """Bands for an image of `size`, each step's as large as memory allows; `tile` forces their rows, in pixels."""
    height, width = (-(-side // multiple) * multiple for side in size)
    bands = []
    for step in steps:
        tall, wide = height // step.stride, width // step.stride
        rows = band_rows(step.segment, tall, wide, step.stride, tile, free, number)
        bands.append(tuple(bands_of(tall, step.segment, rows)))
    return BandPlan(tuple(steps), tuple(bands), width)


class CoarseRun:
    """The coarse maps of one image, band by band; after a failure `run` goes on where it stopped.

    Attributes
    ----------
    maps : by tap number, what is kept: the branch's output where it is narrower, else the tap
    """

    def __init__(self, plan: BandPlan, image: ImageRows) -> None:
        self.image = image
        self.maps: dict[int, Tensor] = {}
        self._steps, self._work = plan.steps, plan.work()
        self._todo = [list(bands) for bands in plan.bands]
        self._step = 0
        self._tap: Tensor | None = None  # the last tap, which the next step reads
        self._target: Tensor | None = None  # the map under construction

    def run(self, progress: Progress) -> None:
        """Do what is left. Raises `Cancelled` between units, and whatever the device raises when memory runs out."""
        total = sum(self._work)
        while self._step < len(self._steps):
            start, share = sum(self._work[: self._step]), self._work[self._step]
            name = self._steps[self._step].segment.name
            self._run_step(progress.part(start / total, (start + share) / total, name))
            self._step += 1
        self._tap = None

    def _run_step(self, progress: Progress) -> None:
        step, todo = self._steps[self._step], self._todo[self._step]
        rows = self._height(step) // step.segment.ratio
        while todo:
            band = todo[0]
            values = self._run_units(step, band, progress.part(band.first / rows, band.last / rows))
            if band.last - band.first == rows:
                self._target = values
            else:
                if self._target is None:
                    shape = (1, values.shape[1], rows, values.shape[3])
                    self._target = torch.empty(
                        shape, dtype=values.dtype, device=values.device, memory_format=torch.channels_last
                    )
                self._target[:, :, band.first : band.last] = values
            del values
            todo.pop(0)
        self._file(step)

    def _run_units(self, step: BackboneStep, band: Band, progress: Progress) -> Tensor:
        """The output rows of a band."""
        segment, (top, bottom) = step.segment, band.source
        values = self.image(top, bottom) if self._tap is None else self._tap[:, :, top:bottom]
        done = 0.0
        for unit, cost in zip(segment.units, segment.costs, strict=True):
            progress.report(done / segment.work)
            values = unit(values)
            done += cost.work
        first = band.first - top // segment.ratio
        return values[:, :, first : first + band.last - band.first]

    def _height(self, step: BackboneStep) -> int:
        return int(self.image.height // step.stride)

    def _file(self, step: BackboneStep) -> None:
        """Keep the finished map; a tap that its branch replaces goes once the next step has read it."""
        if self._target is None:
            return
        self.maps[step.source + (0 if step.branch else 1)] = self._target
        if not step.branch:
            self._tap = self._target
        self._target = None

    def halve(self) -> bool:
        """Split every band that is left in two; False when none can be split any further."""
        split = False
        for number in range(self._step, len(self._steps)):
            step = self._steps[number]
            halves = [half for band in self._todo[number] for half in halves_of(band, step.segment, self._height(step))]
            split |= number == self._step and len(halves) > len(self._todo[number])
            self._todo[number] = halves
        return split

    def move(self, device: torch.device, dtype: torch.dtype) -> None:
        """Go on on another device with what is finished; `image` is replaced before."""
        self.maps = {number: values.to(device, dtype) for number, values in self.maps.items()}
        self._tap = self._tap.to(device, dtype) if self._tap is not None else None
        self._target = self._target.to(device, dtype) if self._target is not None else None
