"""Image in, features out: the one door between numpy and torch.

`FeatureExtractor` owns a network on a device and turns an image (H, W, 3) into features (H, W, D). The backbone sees
the whole image; everything after the branches goes in row stripes, which is exact, so that memory beyond the
backbone's own stays small whatever the image's size.
"""

from __future__ import annotations

import os

import numpy as np
import torch
from numpy.typing import NDArray

from sss_model.checkpoint import Checkpoint, load_network
from sss_model.errors import DeviceError, ParameterError
from sss_model.params import ExtractParams
from sss_model.progress import Progress, silent

STRIPE_PIXELS = 16384


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
        raise ParameterError(f"image must be floating point in [0, 1], got {image.dtype}.", hint="Divide 8-bit values by 255.")
    if not np.isfinite(image).all():
        raise ParameterError("image must be finite, but holds NaN or infinity.")


class FeatureExtractor:
    """Computes features of images with one network on one device.

    Parameters
    ----------
    checkpoint : a model file or a `Checkpoint`; None takes the shipped model
    device : auto, cpu, cuda, cuda:N or mps; overrides `params.device`
    """

    def __init__(
        self,
        checkpoint: str | os.PathLike[str] | Checkpoint | None = None,
        device: str | None = None,
        params: ExtractParams | None = None,
    ) -> None:
        self.params = params or ExtractParams()
        self._device = pick_device(device or self.params.device)
        network, self.checkpoint = load_network(checkpoint)
        self.network = network.to(self._device)
        self.feature_channels = network.feature_channels
        self.device = str(self._device)

    def extract(
        self, image: NDArray[np.float32], progress: Progress | None = None, *, out: NDArray[np.floating] | None = None
    ) -> NDArray[np.floating]:
        """Features (H, W, D) of `image` (H, W, 3), RGB in [0, 1], any size.

        `out`, an array or memory map of that shape and any floating dtype, is filled and returned; without it a
        float32 array is made. Raises `ParameterError` on a wrong image and `Cancelled` between stripes.
        """
        check_image(image)
        steps = silent(progress)
        height, width = image.shape[:2]
        shape = (height, width, self.feature_channels)
        if out is None:
            out = np.empty(shape, np.float32)
        elif out.shape != shape:
            raise ParameterError(f"out must have shape {shape}, got {out.shape}.")
        with torch.inference_mode():
            steps.report(0.0, "backbone")
            batch = torch.from_numpy(np.ascontiguousarray(image, np.float32)).permute(2, 0, 1)[None].to(self._device)
            hidden = self.network.fuse(self.network.branches(batch))
            step = max(1, STRIPE_PIXELS // width)
            for first in range(0, height, step):
                steps.report(0.4 + 0.6 * first / height, "features")
                last = min(first + step, height)
                rows = self.network.rows(hidden, first, last)[0].permute(1, 2, 0)
                out[first:last] = rows.float().cpu().numpy()
        steps.report(1.0, "features")
        return out
