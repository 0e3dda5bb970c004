"""A picture's segmentation by the method that the parameters name: the one recipe, for the window and sss-segment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.extractor import pick_device
from sss_model.params.layers import SegmentParams
from sss_model.progress import Progress, silent
from sss_model.segmentation.comparisons import HardSegmentation, deeplab, mask_rcnn, pspnet, read_masks
from sss_model.segmentation.inputs import LEAST_GRID
from sss_model.segmentation.segments import SoftSegments, soft_segments
from sss_model.segmentation.spectral_matting import spectral_matting

NETWORKS = {"mask-rcnn": mask_rcnn, "deeplab": deeplab, "pspnet": pspnet}


def segment_picture(
    image: NDArray[np.float32],
    params: SegmentParams,
    features: Callable[[], NDArray[np.floating[Any]]],
    *,
    file: Path | None = None,
    stem: str = "",
    device: str = "cpu",
    progress: Progress | None = None,
) -> SoftSegments | HardSegmentation:
    """What `params.method` makes of `image` (H, W, 3) float32 RGB in [0, 1].

    Parameters
    ----------
    features : gives them, (h, w, D); called only by the method that takes features
    file : the network's weights, or the masks that another program made; `ParameterError` where one is needed
    stem : of the picture's name, where `file` has masks of many
    """
    size = image.shape[0], image.shape[1]
    if params.method in NETWORKS or params.method == "masks":
        if file is None:
            raise ParameterError(f"The method {params.method} needs a file.")
        if params.method == "masks":
            return read_masks(file, size, stem)
        return NETWORKS[params.method](image, file, device=pick_device(device), progress=silent(progress))
    common: dict[str, Any] = {"layers": params.layers, "grid": segment_side(params, size), "seed": params.segment_seed}
    common |= {"device": device, "progress": progress}
    if params.method == "spectral-matting":
        return spectral_matting(image, **common)
    return soft_segments(image, features(), **common)


def segment_side(params: SegmentParams, size: tuple[int, int]) -> int:
    """The long side of the grid that a picture of `size` (H, W) is segmented on."""
    return max(min(params.size or max(size), max(size)), LEAST_GRID)
