"""Similarity maps as files: numbers, not colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sss_model.array_types import Floats
from sss_model.errors import ImageError
from sss_model.filtering.resize import resize
from sss_model.layer_io.png import write_samples
from sss_model.storage.atomic_write import replacing


def write_similarity(path: Path, values: Floats, size: tuple[int, int]) -> None:
    """Write a map of similarities at another size, whole or not at all.

    Parameters
    ----------
    path : .png: 16-bit grey, 65535 for 1; .npy: float32
    values : (h, w) in [0, 1]
    size : (H, W) of the photograph; between cells it is bilinear

    Raises
    ------
    ImageError : another ending, or the file cannot be written

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_similarity(Path(folder) / "map.npy", np.array([[0.0, 1.0]], np.float32), (1, 4))
    ...     np.load(Path(folder) / "map.npy").tolist()
    [[0.0, 0.25, 0.75, 1.0]]
    """
    whole = np.clip(resize(values[..., None], size)[..., 0], 0, 1)
    kind = path.suffix.lower()
    if kind == ".png":
        write_samples(path, np.rint(whole * 65535).astype(np.uint16)[..., None], text={"Title": "similarity"})
    elif kind == ".npy":
        with replacing(path, ImageError) as temporary, temporary.open("xb") as file:
            np.save(file, whole)
    else:
        raise ImageError(f"A similarity map is written as .png (16 bit) or .npy; got {path.name}.")
