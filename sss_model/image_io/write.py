"""Samples of 8 or 16 bits -> a PNG file. Intel's ISA-L packs it: a fifth of zlib's time, a twentieth more bytes."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import BinaryIO

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray
from PIL.PngImagePlugin import PngInfo

from sss_model.array_types import Picture
from sss_model.errors import ImageError, ParameterError, SSSError
from sss_model.finite import check_array
from sss_model.image_io.png import SIGNATURE
from sss_model.storage.atomic_write import replacing

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}  # channels -> PNG's number for grey, RGB, RGBA
_BLOCK = 1 << 20  # bytes of rows that are compressed at once
_UP = 2  # the filter that subtracts the row above: photographs take a third less room


def write_picture(
    path: str | os.PathLike[str], picture: Picture, *, text: Mapping[str, str] | None = None, profile: bytes = b""
) -> None:
    """Write `picture` (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha, as the PNG file `path`, whole or not.

    Parameters
    ----------
    text : named texts, which `read_text` gives back
    profile : the ICC profile of its colours; b'' for sRGB

    Raises
    ------
    ParameterError : not (H, W, 3) or (H, W, 4) uint8
    ImageError : the folder is missing or read-only, the disk is full; an older file of that name is then untouched

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sss_model.image_io.read import read_text
    >>> with TemporaryDirectory() as folder:
    ...     write_picture(f"{folder}/red.png", np.array([[[255, 0, 0]]], np.uint8), text={"Title": "red"})
    ...     read_text(f"{folder}/red.png")
    {'Title': 'red'}
    """
    check_array(picture, "picture")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4) or 0 in picture.shape:
        raise ParameterError(f"picture must be (H, W, 3) or (H, W, 4) uint8, got {picture.shape} {picture.dtype}.")
    write_png(path, picture, ImageError, text=text, profile=profile)


def write_png(
    path: str | os.PathLike[str],
    samples: NDArray[np.uint8] | NDArray[np.uint16],
    error: type[SSSError],
    *,
    text: Mapping[str, str] | None = None,
    profile: bytes = b"",
    srgb: bool = False,
) -> None:
    """Write `samples` (H, W, 1, 3 or 4) of 8 or 16 bits, grey, RGB or RGBA, as the PNG file `path`, whole or not.

    Parameters
    ----------
    error : raised where the file cannot be written
    srgb : say that the colours are sRGB
    """
    height, width, channels = samples.shape
    notes = PngInfo()
    if srgb:
        notes.add(b"sRGB", b"\0")
    if profile:
        notes.add(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    for name, words in (text or {}).items():
        notes.add_text(name, words)
    header = (width, height, 8 * samples.itemsize, _COLOUR_TYPES[channels], 0, 0, 0)
    packer = isal_zlib.compressobj()
    with replacing(path, error) as temporary, open(temporary, "xb") as file:
        file.write(SIGNATURE)
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", *header))
        for kind, content, *_ in notes.chunks:
            _chunk(file, kind, content)
        for block in _filtered(samples):
            _chunk(file, b"IDAT", packer.compress(block))
        _chunk(file, b"IDAT", packer.flush())
        _chunk(file, b"IEND", b"")


def _filtered(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> Iterator[NDArray[np.uint8]]:
    """The rows as the format has them, block by block: the filter's number, then bytes less those of the row above."""
    length = samples[0].nbytes
    rows = max(1, _BLOCK // length)
    above = np.zeros((1, length), np.uint8)
    for y in range(0, len(samples), rows):
        block = np.ascontiguousarray(samples[y : y + rows], samples.dtype.newbyteorder(">"))
        lines = block.view(np.uint8).reshape(-1, length)
        filtered = np.full((len(lines), 1 + length), _UP, np.uint8)
        np.subtract(lines[:1], above, out=filtered[:1, 1:])
        np.subtract(lines[1:], lines[:-1], out=filtered[1:, 1:])
        above = lines[-1:]
        yield filtered


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    check = isal_zlib.crc32(data, isal_zlib.crc32(kind))
    file.write(b"".join((struct.pack(">I", len(data)), kind, data, struct.pack(">I", check))))
