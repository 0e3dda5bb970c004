"""JPEG 2000: up to 8 bits by Pillow, which knows its palettes and colours, deeper by imagecodecs."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from sss_model.image_io import pillow
from sss_model.image_io.coding_points import coloured
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.iso_boxes import boxes
from sss_model.image_io.pixel_values import check_size
from sss_model.params import ReadParams

_CODESTREAM = b"\xff\x4f\xff\x51"  # SOC and SIZ
_FILE = b"\0\0\0\x0cjP  \r\n\x87\n"
_SIGNED = 0x80


class _Stored(NamedTuple):
    size: tuple[int, int]
    channels: int
    bits: int
    signed: bool
    profile: bytes | None


def _stored(source: Path) -> _Stored:
    """What the codestream's first marker (ITU-T T.800, A.5.1) and the boxes say."""
    profile = None
    with open(source, "rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == _CODESTREAM:
            stream = file.read(1 << 16)
        else:
            found = list(boxes(file, only=(b"colr", b"jp2c")))
            stream = next((content for kind, content in found if kind == b"jp2c"), b"")
            profile = next((content[3:] for kind, content in found if kind == b"colr" and content[:1] == b"\2"), None)
    start = stream.find(_CODESTREAM)
    if start < 0 or len(stream) < start + 44:
        raise OSError("the codestream is truncated")
    numbers = np.frombuffer(stream, ">u4", 4, start + 8)
    right, bottom, left, top = (int(n) for n in numbers)
    channels = int.from_bytes(stream[start + 40 : start + 42], "big")
    depth = stream[start + 42]
    if right <= left or bottom <= top or not channels:
        raise OSError("the codestream is damaged")
    return _Stored((bottom - top, right - left), channels, (depth & 0x7F) + 1, bool(depth & _SIGNED), profile)


def stream_size(data: bytes) -> tuple[int, int] | None:
    """(H, W) that a codestream says it has; None where `data` begins as none does."""
    if not data.startswith(_CODESTREAM) or len(data) < 24:
        return None
    right, bottom, left, top = (int(n) for n in np.frombuffer(data, ">u4", 4, 8))
    return bottom - top, right - left


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    stored = _stored(source)
    check_size(*stored.size[::-1])
    sample = 1 if stored.bits <= 8 else 2 if stored.bits <= 16 else 4
    return Header(stored.size, stored.channels, 2 * sample + 4, stored.profile is not None, source.stat().st_size)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    stored = _stored(source)
    check_size(*stored.size[::-1])
    if stored.bits <= 8:
        with pillow.opened(source, "JPEG2000") as picture:
            return pillow.decoded(picture, long_side)
    samples = needed("imagecodecs", "JPEG 2000 pictures of more than 8 bits").jpeg2k_decode(source.read_bytes())
    if samples.ndim == 3 and samples.shape[2] > 4:
        samples = samples[..., :3]
    offset = 2 ** (stored.bits - 1) if stored.signed else 0
    unit = (samples.astype(np.float32) + np.float32(offset)) / np.float32(2**stored.bits - 1)
    return coloured(np.clip(unit, 0, 1), stored.profile)


JPEG2000 = Decoder(
    "JPEG 2000",
    (".jp2", ".jpf", ".jpx", ".j2k", ".j2c", ".jpc"),
    lambda head, _: head.startswith((_FILE, _CODESTREAM)),
    _header,
    _decode,
)
