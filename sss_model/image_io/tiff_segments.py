"""Strips and tiles that tifffile decodes only with a further package: LZW, ZSTD, and the float predictor.

Pillow's libtiff knows the codecs but not every kind of sample. Each segment is therefore given to it as a little TIFF
of its own whose samples are bytes, and the predictor, which acts on what the bytes mean, is undone here (TIFF
Technical Note 3).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sss_model.errors import SSSError

_CODECS = {5: "LZW", 8: "Deflate", 32773: "PackBits", 32946: "Deflate", 34925: "LZMA", 50000: "ZSTD"}
_UNCOMPRESSED, _HORIZONTAL, _FLOAT = 1, 2, 3  # Compression; Predictor, of which 1 is none
_SEPARATE = 2  # PlanarConfiguration


def page_array(page: Any, error: type[SSSError]) -> NDArray[Any]:
    """The array of tifffile's `page`, in its shape, by tifffile where that can and else by way of Pillow.

    Raises `error` for what neither decodes, and whatever the decoders raise on damaged data.
    """
    try:
        return np.asarray(page.asarray())
    except (ValueError, NotImplementedError, ImportError) as refusal:
        if not lacks_codec(refusal):
            raise
        key = page.keyframe  # a page after the first may share the tags of that
        if not is_decodable(key):
            raise error(
                f"The TIFF is compressed as {_name(key.compression)} with the predictor {_name(key.predictor)} and "
                f"{key.bitspersample} bits a sample, which is not read.",
                hint="Save it uncompressed, or with LZW, Deflate or ZSTD compression.",
            ) from refusal
    try:
        return _assembled(page, page.keyframe)
    except (OSError, KeyError) as refusal:
        raise error(
            f"Its {_name(page.keyframe.compression)} data is damaged, or the installed Pillow does not decode it.",
            hint="Save it with LZW or Deflate compression, or copy it again.",
        ) from refusal


def lacks_codec(refusal: Exception) -> bool:
    """Whether tifffile refused for want of a package: imagecodecs, or for ZSTD a Python from 3.14 on."""
    return isinstance(refusal, ImportError) or "imagecodecs" in str(refusal)


def is_decodable(page: Any) -> bool:
    """Whether `page`'s codec, predictor and samples are among those that are read here."""
    whole = page.dtype is not None and page.dtype.itemsize * 8 == page.bitspersample and page.imagedepth == 1
    float_only = page.predictor != _FLOAT or (page.dtype is not None and page.dtype.kind == "f")
    known = page.compression in (_UNCOMPRESSED, *_CODECS) and page.predictor in (1, _HORIZONTAL, _FLOAT)
    return bool(whole and float_only and known)


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))


def _assembled(page: Any, key: Any) -> NDArray[Any]:
    height, width = key.imagelength, key.imagewidth
    planes = key.samplesperpixel if key.planarconfig == _SEPARATE else 1
    samples = key.samplesperpixel // planes
    result = np.zeros((planes, height, width, samples), key.dtype)
    file = page.parent.filehandle
    places = _places(key, planes)
    for (plane, y, x, rows, columns), offset, count in zip(places, page.dataoffsets, page.databytecounts, strict=False):
        if count == 0:  # a segment that was never written
            continue
        file.seek(offset)
        row_bytes = columns * samples * key.dtype.itemsize
        raw = _decoded(file.read(count), key.compression, key.fillorder, rows, row_bytes)
        values = _without_predictor(raw, key, columns, samples)
        target = result[plane, y : y + rows, x : x + columns]
        target[...] = values[: target.shape[0], : target.shape[1]]
    return result.reshape(key.shape)


def _places(page: Any, planes: int) -> Iterator[tuple[int, int, int, int, int]]:
    """(plane, y, x, rows, columns) of every segment as it is stored; a tile reaches over the border, a strip not."""
    height, width = page.imagelength, page.imagewidth
    rows, columns = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, width)
    rows = rows if page.is_tiled else min(rows, height)
    for plane in range(planes):
        for y in range(0, height, rows):
            for x in range(0, width, columns):
                yield plane, y, x, rows if page.is_tiled else min(rows, height - y), columns


def _decoded(data: bytes, compression: int, fill_order: int, rows: int, row_bytes: int) -> NDArray[np.uint8]:
    """The bytes (rows, row_bytes) of one compressed segment."""
    if compression == _UNCOMPRESSED:
        return np.frombuffer(data, np.uint8, rows * row_bytes).reshape(rows, row_bytes)
    tags = {
        256: row_bytes, 257: rows, 258: 8, 259: int(compression), 262: 1, 266: int(fill_order),
        273: 0, 277: 1, 278: rows, 279: len(data),
    }  # fmt: skip
    head = 8 + 2 + 12 * len(tags) + 4
    tags[273] = head  # StripOffsets
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    file = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data
    with Image.open(io.BytesIO(file), formats=["TIFF"]) as picture:
        return np.asarray(picture)


def _without_predictor(raw: NDArray[np.uint8], page: Any, columns: int, samples: int) -> NDArray[Any]:
    """`raw` (rows, bytes) as samples (rows, columns, samples)."""
    rows, size = len(raw), page.dtype.itemsize
    stored = page.dtype.newbyteorder(page.parent.byteorder)
    if page.predictor == _HORIZONTAL:
        numbers = raw.view(np.dtype(f"u{size}").newbyteorder(page.parent.byteorder)).reshape(rows, columns, samples)
        return np.cumsum(numbers, axis=1, dtype=f"u{size}").view(page.dtype.newbyteorder("="))
    if page.predictor == _FLOAT:
        # Differences of bytes, whose planes lie one after the other in a row, the most significant first.
        summed = np.cumsum(raw.reshape(rows, columns * size, samples), axis=1, dtype=np.uint8)
        planes = summed.reshape(rows, size, columns * samples)
        raw, stored = np.ascontiguousarray(planes.transpose(0, 2, 1)), page.dtype.newbyteorder(">")
    values: NDArray[Any] = raw.view(stored)
    return values.reshape(rows, columns, samples)
