"""PNG files of 16 bits a channel, which Pillow does not write: one layer a file, alpha straight or premultiplied."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ParameterError
from sss_model.files.export import ExportError
from sss_model.layer_io.layers import Layers, whole_alphas, whole_numbers
from sss_model.storage.atomic_write import replacing

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels -> PNG's number for grey, RGB, RGBA
_BLOCK = 2**23  # bytes of rows that are compressed at once
_UP = 2  # the filter that subtracts the row above: photographs take a third less room
_LEVEL = 3  # of zlib: 6 is 4 % smaller and takes three times as long


def write_png(paths: Sequence[Path], layers: Layers, *, premultiplied: bool = False) -> None:
    """Write each layer into its own of `paths`: 16-bit RGBA, sRGB; the file's text says what its alpha is.

    Straight colours are kept under alpha 0. Premultiplied ones are the sRGB values times alpha, as programs expect that
    lay them over each other without linear light.

    Raises
    ------
    ExportError : a file cannot be written; those before it stay
    """
    alphas = whole_alphas(layers.alphas, 65535)
    for k, path in enumerate(paths):
        samples = np.empty((*alphas.shape[:2], 4), np.uint16)
        colour = layers.colour(k)
        if premultiplied:
            colour = np.asarray(colour * (alphas[..., k, None] / np.float32(65535)), np.float32)
        samples[..., :3] = whole_numbers(colour, 65535)
        samples[..., 3] = alphas[..., k]
        text = {"Title": layers.names[k], **({"Comment": "premultiplied alpha"} if premultiplied else {})}
        write_samples(path, samples, text=text)


def write_alphas(paths: Sequence[Path], layers: Layers) -> None:
    """Write each layer's alpha into its own of `paths`: 16-bit grey, its numbers linear. Raises as `write_png`."""
    alphas = whole_alphas(layers.alphas, 65535)
    for k, path in enumerate(paths):
        write_samples(path, np.ascontiguousarray(alphas[..., k, None]), text={"Title": layers.names[k]})


def write_samples(path: Path, samples: NDArray[np.uint16], *, text: Mapping[str, str] | None = None) -> None:
    """Write `samples` (H, W, 1, 3 or 4) uint16, grey, RGB or RGBA in sRGB, as the PNG `path`, whole or not at all."""
    if samples.dtype != np.uint16 or samples.ndim != 3 or samples.shape[2] not in _COLOUR_TYPES or 0 in samples.shape:
        raise ParameterError(f"samples must be (H, W, 1, 3 or 4) uint16, got {samples.shape} {samples.dtype}.")
    height, width, channels = samples.shape
    with replacing(path, ExportError) as temporary, open(temporary, "xb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0))
        _chunk(file, b"sRGB", b"\0")
        for keyword, words in (text or {}).items():
            _chunk(file, b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + words.encode())
        packer = zlib.compressobj(_LEVEL)
        for block in _filtered(samples):
            _chunk(file, b"IDAT", packer.compress(block))
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _filtered(samples: NDArray[np.uint16]) -> Iterator[bytes]:
    """The rows as the format has them, block by block: the filter's number, then bytes less those of the row above."""
    height, width, channels = samples.shape
    rows = max(1, _BLOCK // (width * channels * 2))
    above = np.zeros((1, width * channels * 2), np.uint8)
    for y in range(0, height, rows):
        block = samples[y : y + rows].astype(">u2").reshape(-1, width * channels).view(np.uint8)
        filtered = np.full((len(block), 1 + block.shape[1]), _UP, np.uint8)
        np.subtract(block, np.concatenate([above, block[:-1]]), out=filtered[:, 1:])
        above = block[-1:]
        yield filtered.tobytes()


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
