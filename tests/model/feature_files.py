"""Feature files and pictures for the tests."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from sss_model.feature_io import (
    FORMATS,
    write_features,
)

METADATA = {"source": "Straße 日本.jpg", "radius": 5, "sizes": (3, 4), "mean": np.float32(0.5), "axis": np.arange(2)}
PLAIN = {"source": "Straße 日本.jpg", "radius": 5, "sizes": [3, 4], "mean": 0.5, "axis": [0, 1]}
H, W, D = 12, 20, 7


def some(*shape: int, dtype: type = np.float32) -> np.ndarray:
    return np.random.default_rng(sum(shape)).uniform(-50, 50, shape).astype(dtype)


def written(folder: Path, features: np.ndarray, form: str, name: str = "map") -> Path:
    path = folder / f"{name}{FORMATS[form].suffix}"
    write_features(path, features, format=form, metadata=METADATA)
    return path


def photo(path: Path, height: int = H, width: int = W, **options: object) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def blank(height: int, width: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.float32)


def matlab_v73(path: Path, features: np.ndarray, name: str = "embedmap") -> None:
    """As `save -v7.3` lays it out: axes reversed, chunked and compressed, the class named."""
    with h5py.File(path, "w", userblock_size=512) as file:
        data = file.create_dataset(name, data=features.transpose(), chunks=True, compression="gzip")
        data.attrs["MATLAB_class"] = np.bytes_("double")
        file.create_group("#refs#")
        file.create_dataset("words", data=np.frombuffer("text".encode("utf-16-le"), "<u2")[:, None])
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan 1 00:00:00 2018 HDF5 schema 1.00 ."
    with open(path, "r+b") as file:
        file.write(header.ljust(116) + bytes(8) + b"\x00\x02IM")
