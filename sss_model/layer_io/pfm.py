"""Portable float maps: one grey picture of floats a layer, its alphas, which darktable takes for raster masks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers
from sss_model.storage.atomic_write import replacing


def write_pfm(paths: Sequence[Path], layers: Layers) -> None:
    """Write each layer's alphas into its own of `paths`, float32 in [0, 1].

    Raises
    ------
    ExportError : a file cannot be written; those before it stay
    """
    for k, path in enumerate(paths):
        samples = np.clip(np.ascontiguousarray(layers.alphas[..., k], np.float32), 0, 1)
        with replacing(path, ExportError) as temporary:
            temporary.write_bytes(cv2.imencode(".pfm", samples)[1].tobytes())
