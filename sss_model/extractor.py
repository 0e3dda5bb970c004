"""Image in, features out: the one door between numpy and torch.

`FeatureExtractor` owns a network on a device and turns an image (H, W, 3) into features (H, W, D). The backbone runs
in bands of rows where the image is large (`bands`), the head in stripes (`stripes`); both are exact, so memory stays
small whatever the image's size. A backbone that cannot be cut sees overlapping tiles instead; `plan` says so before.
"""

from __future__ import annotations

import logging
import os
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sss_model.errors import DeviceError, ParameterError
from sss_model.inference.bands import BandPlan, CoarseRun, ImageRows, Step, plan_bands, steps_of
from sss_model.inference.head_run import Filler, HeadRun, PlainStripes, supplement_stripes
from sss_model.inference.head_stripes import WIDE
from sss_model.inference.memory import available_bytes, is_out_of_memory, release
from sss_model.inference.plan import TilePlan
from sss_model.inference.segments import fold_norms
from sss_model.inference.tiles import TiledRun, plan_tiles
from sss_model.network.backbone import Backbone
from sss_model.network.supplement import SupplementNet
from sss_model.params import ExtractParams
from sss_model.progress import Progress, silent
from sss_model.weights.checkpoint import Checkpoint, load_network

log = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
CPU = torch.device("cpu")
HEAD_WORK = 2.0  # time of the head over that of its last product, in the units of `segments.Cost`
Features = NDArray[np.floating[Any]]


def pick_device(name: str) -> torch.device:
    """The torch device called `name`; auto takes CUDA, then Apple's MPS, then the CPU.

    Raises
    ------
    DeviceError : this machine has no such device
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise DeviceError(f"There is no device called {name!r}; expected auto, cpu, cuda, cuda:N or mps.") from error
    there = {
        "cpu": True,
        "cuda": torch.cuda.is_available() and (device.index or 0) < torch.cuda.device_count(),
        "mps": torch.backends.mps.is_available(),
    }
    if not there.get(device.type, False):
        raise DeviceError(f"This machine has no device {name}.", hint="Choose auto or cpu.")
    return device


def check_image(image: NDArray[np.float32]) -> None:
    """Raise `ParameterError` unless `image` is (H, W, 3) floating point, finite and not empty."""
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ParameterError(f"image must be an array (H, W, 3), got {getattr(image, 'shape', type(image).__name__)}.")
    if not np.issubdtype(image.dtype, np.floating):
        hint = "Divide 8-bit values by 255."
        raise ParameterError(f"image must be floating point in [0, 1], got {image.dtype}.", hint=hint)
    step = max(1, 2**20 // image.shape[1])
    if not all(np.isfinite(image[row : row + step]).all() for row in range(0, image.shape[0], step)):
        raise ParameterError("image must be finite, but holds NaN or infinity.")


class FeatureExtractor:
    """Computes features of images with one network on one device.

    Parameters
    ----------
    checkpoint : a model file or a `Checkpoint`; None takes the shipped model
    device : auto, cpu, cuda, cuda:N or mps; overrides `params.device`

    Attributes
    ----------
    device : what is in use, as text
    notes : what was done when memory ran out during the last image, sentences for the user
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        device: str | None = None,
        params: ExtractParams | None = None,
    ) -> None:
        self.params = params or ExtractParams()
        self._device = pick_device(device or self.params.device)
        self._dtype = DTYPES[self.params.precision]
        network, self.checkpoint = load_network(checkpoint)
        self.feature_channels = network.feature_channels
        self._steps: tuple[Step, ...] | None = None
        if isinstance(network, SupplementNet):
            self._steps = _prepare(network)
        self.network = network.to(self._device, self._dtype)
        self.device = str(self._device)
        self.notes: list[str] = []

    def plan(self, shape: tuple[int, ...]) -> TilePlan:
        """What `extract` will do with an image of `shape` (H, W, ...), and what memory it will take."""
        size = (int(shape[0]), int(shape[1]))
        if self._steps is not None:
            return self._band_plan(size).plan
        return plan_tiles(self.network, size, self.params.tile, available_bytes(self._device))

    def extract(
        self, image: NDArray[np.float32], progress: Progress | None = None, *, out: Features | None = None
    ) -> Features:
        """Features (H, W, D) of `image` (H, W, 3), RGB in [0, 1], any size.

        `out`, an array or memory map of that shape and any floating dtype, is filled and returned; without it a
        float32 array is made. When the device's memory runs out, the pieces left are halved, and at last the CPU
        goes on from the finished ones; `notes` says so.

        Raises
        ------
        ParameterError : the image is not an image, or `out` does not fit it
        DeviceError : even one row at a time there is not enough memory
        Cancelled : `progress` was asked to stop
        """
        check_image(image)
        self.notes = []
        shape = (*image.shape[:2], self.feature_channels)
        if out is None:
            out = _empty(shape, self._device)
        elif out.shape != shape:
            raise ParameterError(f"out must have shape {shape}, got {out.shape}.")
        steps = silent(progress)
        steps.report(0.0, "network")
        log.debug("extracts %s on %s, %s; %s", shape, self.device, self.params.precision, self.checkpoint.path.name)
        if log.isEnabledFor(logging.DEBUG):
            log.debug("plan: %s", self.plan(shape).sentence)
        job = _Job(self, image, out)
        try:
            while (problem := _attempt(job, steps)) is not None:
                release(job.device)
                self.notes.append(job.retreat(problem))
                log.debug("%s (%s)", self.notes[-1], problem)
        finally:
            self.network.to(self._device, self._dtype)
        steps.report(1.0, "features")
        return out

    def error_against(self, image: NDArray[np.float32], params: ExtractParams, *, side: int = 512) -> float:
        """How far this extractor's features lie from those with other `params`: RMS of the difference over the RMS.

        Measured on the image's middle, at most `side` pixels square. With `ExtractParams()` it states the error of
        a reduced precision, or of tiles.
        """
        top, left = (max((length - side) // 2, 0) for length in image.shape[:2])
        part = np.ascontiguousarray(image[top : top + side, left : left + side])
        other = FeatureExtractor(self.checkpoint, params=params).extract(part)
        return float(np.sqrt(np.mean((self.extract(part) - other) ** 2) / np.mean(other**2)))

    def _band_plan(self, size: tuple[int, int]) -> BandPlan:
        if self._steps is None or not isinstance(self.network, SupplementNet):
            raise TypeError("This backbone has no bands.")
        number = torch.finfo(self._dtype).bits // 8
        free = available_bytes(self._device)
        return plan_bands(self._steps, size, self.params.tile, free, self.network.backbone.multiple, number)


class _Job:
    """One image on its way: what is finished survives a lack of memory."""

    def __init__(self, extractor: FeatureExtractor, image: NDArray[np.float32], out: Features) -> None:
        self._extractor, self._image, self._out = extractor, image, out
        self.device, self._dtype = extractor._device, extractor._dtype
        self._size = (image.shape[0], image.shape[1])
        self._coarse: CoarseRun | TiledRun
        network = extractor.network
        if extractor._steps is not None:
            plan = extractor._band_plan(self._size)
            self._coarse = CoarseRun(plan, self._rows())
            work = sum(plan.work())
        else:
            free = available_bytes(self.device)
            self._coarse = TiledRun(network, image, extractor.params.tile, free, self.device, self._dtype)
            work = 4e4 * image.shape[0] * image.shape[1]
        head = HEAD_WORK * network.params.hidden_channels * network.feature_channels * image.shape[0] * image.shape[1]
        self._share = work / (work + head)
        self._head: HeadRun | None = None

    def run(self, progress: Progress) -> None:
        """Do what is left."""
        with torch.inference_mode():
            if self._head is None:
                self._coarse.run(progress.part(0.0, self._share))
                self._head = HeadRun(self._filler(), self._out, self.device, self._dtype)
            self._head.run(progress.part(self._share, 1.0))

    def retreat(self, problem: str) -> str:
        """Make room: halve the pieces, else go to the CPU. Returns what was done."""
        part = self._head or self._coarse
        where = "the processor" if self.device.type == "cpu" else str(self.device)
        if part.halve():
            return f"Memory ran out on {where}: the pieces left were halved."
        if self.device.type == "cpu":
            hint = "Close other programs, or scale the picture down."
            raise DeviceError(f"Memory ran out on the processor: {problem}.", hint=hint)
        self._move()
        return f"Memory ran out on {where}: the processor went on."

    def _move(self) -> None:
        self.device, self._dtype = CPU, torch.float32
        self._extractor.network.to(CPU, torch.float32)
        if isinstance(self._coarse, CoarseRun):
            self._coarse.image = self._rows()
        self._coarse.move(CPU, torch.float32)
        if self._head is not None:
            self._head.move(self._filler(), CPU, torch.float32)

    def _rows(self) -> ImageRows:
        return ImageRows(self._image, cast(Backbone, self._extractor.network.backbone), self.device, self._dtype)

    def _filler(self) -> Filler:
        network = self._extractor.network
        if isinstance(self._coarse, TiledRun):
            return PlainStripes(network, network.fuse(self._coarse.maps))
        return supplement_stripes(cast(SupplementNet, network), self._coarse.maps, self._coarse.image, self._size)


def _attempt(job: _Job, progress: Progress) -> str | None:
    """Run `job`; the first line of what is wrong when memory ran out, its traceback and the tensors there let go."""
    try:
        job.run(progress)
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
    return None


def _prepare(network: SupplementNet) -> tuple[Step, ...] | None:
    """Fold the norms and lay the weights out for speed; the steps in which the backbone can run."""
    fold_norms(network.backbone)
    network.to(memory_format=torch.channels_last)
    for layer in network.branch:
        if cast(nn.Conv2d, layer).in_channels >= WIDE:  # the weight's layout alone would choose the slower way
            layer.to(memory_format=torch.contiguous_format)
    return steps_of(network)


def _empty(shape: tuple[int, int, int], device: torch.device) -> Features:
    """A float32 array; for a GPU in pinned memory, where a copy comes at full speed, unless that would be large."""
    if device.type == "cuda" and np.prod(shape) * 4 < 2**31:
        pinned: Features = torch.empty(shape, dtype=torch.float32, pin_memory=True).numpy()
        return pinned
    return np.empty(shape, np.float32)
