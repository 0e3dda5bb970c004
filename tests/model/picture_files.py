"""Pictures for the tests, and what every image must be."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import OpenEXR
from PIL import Image


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def exr(path: Path, channels: dict[str, np.ndarray]) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {name: np.ascontiguousarray(pixels) for name, pixels in channels.items()}) as file:
        file.write(str(path))
    return path


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG file by hand: for what no writer at hand makes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


def check_contract(image: np.ndarray, height: int, width: int) -> None:
    assert image.shape == (height, width, 3)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert image.min() >= 0
    assert image.max() <= 1


def area_means(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Each pixel weighs as much as of its area lies in the target's pixel."""

    def weights(source: int, target: int) -> np.ndarray:
        edges = np.arange(target + 1) * source / target
        low, high = edges[:-1, None], edges[1:, None]
        cells = np.arange(source)
        overlap = np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, None)
        return overlap / overlap.sum(axis=1, keepdims=True)

    return np.einsum(
        "yi,ijc,xj->yxc", weights(image.shape[0], height), image, weights(image.shape[1], width), optimize=True
    )
