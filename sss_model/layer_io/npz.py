"""The alphas as numbers, for numpy: exact, and all that a script needs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sss_model.feature_io.write import json_text
from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers
from sss_model.storage.atomic_write import replacing


def write_npz(path: Path, layers: Layers, metadata: Mapping[str, Any]) -> None:
    """Write the arrays `alphas` (H, W, N) float32, `names` (N,) text and `metadata` (JSON as text), compressed.

    Raises `ExportError` where the file cannot be written.
    """
    with replacing(path, ExportError) as temporary, open(temporary, "xb") as file:
        alphas = np.ascontiguousarray(layers.alphas, np.float32)
        np.savez_compressed(file, alphas=alphas, names=np.array(layers.names), metadata=np.array(json_text(metadata)))
