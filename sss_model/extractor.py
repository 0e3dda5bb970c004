"""Image in, features out: the one door between numpy and torch.

`FeatureExtractor` owns a network on a device and turns an image (H, W, 3) into features (H, W, D). The backbone runs
in bands of rows where the image is large (`bands`), the head in stripes (`head_stripes`); both are exact, so memory
stays small whatever the image's size. A backbone that cannot be cut sees overlapping tiles instead.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sss_model import budget
from sss_model.array_types import AnyFloats
from sss_model.errors import DeviceError, ParameterError
from sss_model.files.allocation import allocate, file_stamp, plan_allocation
from sss_model.finite import check_finite_values
from sss_model.inference.bands import BackboneStep, BandPlan, plan_bands, steps_of
from sss_model.inference.head_stripes import WIDE
from sss_model.inference.image_run import ImageRun
from sss_model.inference.memory import available_bytes, release
from sss_model.inference.segments import fold_norms, settle_pointwise
from sss_model.network.supplement import SupplementNet
from sss_model.params import ExtractParams
from sss_model.progress import Progress, silent
from sss_model.weights.checkpoint import Checkpoint, load_network

log = logging.getLogger(__name__)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_BRIGHTEST = 1e6  # of an image, which is meant to lie in [0, 1]: beyond, a network's numbers overflow


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
    check_finite_values(image, "image", _BRIGHTEST)


@dataclass(frozen=True, eq=False)
class ExtractionResult:
    """Features of one image, and how they were computed.

    Attributes
    ----------
    features : (H, W, D), any floating dtype
    model : the checkpoint's name without its ending
    device : where the computation was finished: cpu, cuda:0, mps ...
    record : checkpoint, parameters, that device and the notes, for the JSON beside an export
    notes : what was done differently: features kept on disk, pieces halved, the processor in place of the GPU
    """

    features: AnyFloats
    model: str
    device: str
    record: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class FeatureExtractor:
    """Computes features of images with one network on one device.

    Parameters
    ----------
    checkpoint : a model file or a `Checkpoint`; None takes the shipped model
    device : auto, cpu, cuda, cuda:N or mps; overrides `params.device`

    Attributes
    ----------
    device : where the next image is begun, as text
    feature_channels : D

    Examples
    --------
    >>> from sss_model.image_io import read_image
    >>> features = FeatureExtractor().extract(read_image("photo.png"))  # (H, W, 128) float32
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
        self._steps: tuple[BackboneStep, ...] | None = None
        if isinstance(network, SupplementNet):
            self._steps = _prepare(network)
        self.network = network.to(self._device, self._dtype)
        self.device = str(self._device)

    def extract(
        self, image: NDArray[np.float32], progress: Progress | None = None, *, out: AnyFloats | None = None
    ) -> AnyFloats:
        """Features (H, W, D) of `image` (H, W, 3), RGB in [0, 1], any size.

        `out`, an array or memory map of that shape and any floating dtype, is filled and returned; without it a
        float32 array is made. When the device's memory runs out, the pieces left are halved, and at last the CPU
        goes on from the finished ones; `extract_with_record` returns what was done.

        Raises
        ------
        ParameterError : the image is not an image, or `out` does not fit it
        DeviceError : even one row at a time there is not enough memory
        Cancelled : `progress` was asked to stop
        """
        return self.extract_with_record(image, progress, out=out).features

    def extract_with_record(
        self,
        image: NDArray[np.float32],
        progress: Progress | None = None,
        *,
        out: AnyFloats | None = None,
        note: Callable[[str], None] | None = None,
    ) -> ExtractionResult:
        """As `extract`, with how it was done; `note` is told each sentence of the notes as it comes."""
        check_image(image)
        shape = (*image.shape[:2], self.feature_channels)
        if out is None:
            out = _empty(shape, self._device)
        elif out.shape != shape:
            raise ParameterError(f"out must have shape {shape}, got {out.shape}.")
        steps = silent(progress)
        steps.report(0.0, "network")
        plan = self._band_plan((image.shape[0], image.shape[1]))
        tile, device, dtype = self.params.tile, self._device, self._dtype
        log.debug("extracts %s on %s, %s; %s", shape, device, self.params.precision, self.checkpoint.path.name)
        if plan is not None:
            log.debug("plan: %d bands of %d steps", sum(map(len, plan.bands)), len(plan.steps))
        run = ImageRun(self.network, image, out, plan, tile=tile, device=device, dtype=dtype)
        try:
            run.run(steps, note)
        finally:
            if run.device != self._device:
                self.network.to(self._device, self._dtype)
        steps.report(1.0, "features")
        checkpoint = {
            "name": self.checkpoint.path.name,
            "sha256": self.checkpoint.sha256,
            "network": self.checkpoint.params.to_dict(),
        }
        record = {
            "checkpoint": checkpoint,
            "extract": {**self.params.to_dict(), "device": str(run.device)},
            "notes": list(run.notes),
        }
        return ExtractionResult(out, self.checkpoint.path.stem, str(run.device), record, tuple(run.notes))

    def error_against(self, image: NDArray[np.float32], params: ExtractParams, *, side: int = 512) -> float:
        """How far this extractor's features lie from those with other `params`: RMS of the difference over the RMS.

        Measured on the image's middle, at most `side` pixels square. With `ExtractParams()` it states the error of
        a reduced precision, or of tiles.
        """
        top, left = (max((length - side) // 2, 0) for length in image.shape[:2])
        part = np.ascontiguousarray(image[top : top + side, left : left + side])
        other = FeatureExtractor(self.checkpoint, params=params).extract(part)
        return float(np.sqrt(np.mean((self.extract(part) - other) ** 2) / np.mean(other**2)))

    def _band_plan(self, size: tuple[int, int]) -> BandPlan | None:
        """The bands for an image of `size`; None for a backbone that cannot be cut."""
        if self._steps is None or not isinstance(self.network, SupplementNet):
            return None
        number = torch.finfo(self._dtype).bits // 8
        free = available_bytes(self._device)
        return plan_bands(self._steps, size, self.params.tile, free, self.network.backbone.multiple, number)


class CachedExtractor:
    """Keeps the last network; loads another when the model file, the device or the arithmetic is another."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._extractor: FeatureExtractor | None = None
        self._lock = threading.Lock()  # several pictures may be under way

    def clear(self) -> None:
        """Let the network go."""
        device = self._extractor.device if self._extractor is not None else "cpu"
        self._extractor, self._key = None, ()
        release(device)

    def extractor(self, model: Path | None, params: ExtractParams) -> FeatureExtractor:
        """The network of the checkpoint `model` (None: the shipped one) on the device that `params` name."""
        params = replace(params, size="auto", scales=())  # the grid is no matter of the network
        key = (model, file_stamp(model), params)
        with self._lock:
            if self._extractor is None or key != self._key:
                if self._extractor is not None:
                    self.clear()
                self._extractor = FeatureExtractor(model, params=params)
                self._key = key
            return self._extractor

    def extract(
        self,
        image: NDArray[np.float32],
        model: Path | None,
        params: ExtractParams,
        progress: Progress | None = None,
        *,
        make_room: Callable[[int], None] | None = None,
        note: Callable[[str], None] | None = None,
    ) -> ExtractionResult:
        """Features of `image` (H, W, 3), in memory while there is room, else in a file on disk.

        Parameters
        ----------
        model : a checkpoint file; None takes the shipped one
        make_room : told how many bytes the features will take, before they do
        note : told each sentence of the notes as it comes

        Raises
        ------
        DeviceError : there is no room for the features, or even the processor ran out of memory
        """
        extractor = self.extractor(model, params)
        shape = (*image.shape[:2], extractor.feature_channels)
        if make_room is not None:
            make_room(int(np.prod(shape, dtype=np.int64)) * 4)
        plan = plan_allocation(shape)
        if plan.note and note is not None:
            note(plan.note)
        result = extractor.extract_with_record(image, progress, out=allocate(shape, plan), note=note)
        if not plan.note:
            return result
        notes = (plan.note, *result.notes)
        return replace(result, notes=notes, record={**result.record, "notes": list(notes)})


def _prepare(network: SupplementNet) -> tuple[BackboneStep, ...] | None:
    """Fold the norms and lay the weights out for speed; the steps in which the backbone can run."""
    fold_norms(network.backbone)
    network.to(memory_format=torch.channels_last)
    for layer in network.branch:
        if cast(nn.Conv2d, layer).in_channels >= WIDE:  # the weight's layout alone would choose the slower way
            layer.to(memory_format=torch.contiguous_format)
    steps = steps_of(network)
    settle_pointwise(network.backbone)
    return steps


def _empty(shape: tuple[int, int, int], device: torch.device) -> AnyFloats:
    """A float32 array; for a GPU in pinned memory, where a copy comes at full speed, unless that would be large."""
    if device.type == "cuda" and np.prod(shape) * 4 < budget.current.pinned:
        pinned: AnyFloats = torch.empty(shape, dtype=torch.float32, pin_memory=True).numpy()
        return pinned
    return np.empty(shape, np.float32)
