"""JPEG XL by imagecodecs; its header, which names size and colours, is read here (ISO/IEC 18181-1, annexes A and D)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from sss_model.image_io import pillow
from sss_model.image_io.coding_points import Codes
from sss_model.image_io.coding_points import decoded as coded
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.iso_boxes import boxes
from sss_model.image_io.pixel_values import check_size
from sss_model.params import ReadParams

_FILE = b"\0\0\0\x0cJXL \r\n\x87\n"
_STREAM = b"\xff\x0a"
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_HEAD = 1 << 14
_SRGB = 13


class _Bits:
    """Bits of a codestream's header, the lowest of each byte first."""

    def __init__(self, data: bytes) -> None:
        self._value, self._left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self._left:
            raise EOFError("the picture is truncated")
        value = self._value & ((1 << count) - 1)
        self._value >>= count
        self._left -= count
        return value

    def one_of(self, *ways: tuple[int, int]) -> int:
        """A number in one of four ways (offset, bits)."""
        offset, bits = ways[self.take(2)]
        return offset + self.take(bits)

    def enumerated(self) -> int:
        return self.one_of((0, 0), (1, 0), (2, 4), (18, 6))

    def signed(self) -> int:
        value = self.one_of((0, 19), (0x80000, 19), (0x100000, 20), (0x200000, 21))
        return (value >> 1) ^ -(value & 1)


class _Stored(NamedTuple):
    size: tuple[int, int]  # (H, W) upright
    bits: int
    is_float: bool
    channels: int
    codes: Codes
    chromaticities: tuple[float, ...] | None
    unread_profile: bool  # the samples are of an ICC profile, which imagecodecs does not give
    is_jpeg: bool  # holds all of a JPEG file


def _stored(source: Path) -> _Stored:
    with open(source, "rb") as file:
        head = file.read(_HEAD)
        if head.startswith(_STREAM):
            return _parsed(_Bits(head[2:]), is_jpeg=False)
        found = list(boxes(file, only=(b"jxlc", b"jxlp", b"jbrd")))
    stream = b"".join(content[4 * (kind == b"jxlp") :][:_HEAD] for kind, content in found if kind != b"jbrd")
    if not stream.startswith(_STREAM):
        raise OSError("it has no codestream")
    return _parsed(_Bits(stream[2:_HEAD]), is_jpeg=any(kind == b"jbrd" for kind, _ in found))


def stream_size(data: bytes) -> tuple[int, int] | None:
    """(H, W) that a codestream says it has; None where `data` begins as none does."""
    return _size(_Bits(data[2:])) if data.startswith(_STREAM) else None


def _parsed(bits: _Bits, *, is_jpeg: bool) -> _Stored:
    height, width = _size(bits)
    if bits.take(1):  # all else is as usual: 8 bits of sRGB
        return _Stored((height, width), 8, False, 3, Codes(1, _SRGB), None, False, is_jpeg)
    turned = 1
    if bits.take(1):
        turned = 1 + bits.take(3)
        if bits.take(1):
            _size(bits)
        if bits.take(1):
            _preview(bits)
        if bits.take(1):
            _animation(bits)
    depth, is_float = _depth(bits)
    bits.take(1)
    extra = bits.one_of((0, 0), (1, 0), (2, 4), (1, 12))
    for _ in range(extra):
        _extra_channel(bits)
    xyb = bits.take(1)
    grey, codes, chromaticities, icc = _colours(bits)
    size = (width, height) if turned >= 5 else (height, width)
    channels = (1 if grey else 3) + min(extra, 1)
    return _Stored(size, depth, is_float, channels, codes, chromaticities, bool(icc and not xyb), is_jpeg)


def _size(bits: _Bits) -> tuple[int, int]:
    small = bits.take(1)

    def side() -> int:
        return 8 * (1 + bits.take(5)) if small else 1 + bits.one_of((0, 9), (0, 13), (0, 18), (0, 30))

    height = side()
    ratio = bits.take(3)
    if ratio == 0:
        return height, side()
    across, down = _RATIOS[ratio - 1]
    return height, height * across // down


def _preview(bits: _Bits) -> None:
    eighths = bits.take(1)

    def side() -> None:
        if eighths:
            bits.one_of((16, 0), (32, 0), (1, 5), (33, 9))
        else:
            bits.one_of((1, 6), (65, 8), (321, 10), (1345, 12))

    side()
    if bits.take(3) == 0:
        side()


def _animation(bits: _Bits) -> None:
    bits.one_of((100, 0), (1000, 0), (1, 10), (1, 30))
    bits.one_of((1, 0), (1001, 0), (1, 8), (1, 10))
    bits.one_of((0, 0), (0, 3), (0, 16), (0, 32))
    bits.take(1)


def _depth(bits: _Bits) -> tuple[int, bool]:
    if bits.take(1):
        depth = bits.one_of((32, 0), (16, 0), (24, 0), (1, 6))
        bits.take(4)
        return depth, True
    return bits.one_of((8, 0), (10, 0), (12, 0), (1, 6)), False


def _extra_channel(bits: _Bits) -> None:
    if bits.take(1):
        return
    kind = bits.enumerated()
    _depth(bits)
    bits.one_of((0, 0), (3, 0), (4, 0), (1, 3))
    for _ in range(bits.one_of((0, 0), (0, 4), (16, 5), (48, 10))):
        bits.take(8)
    if kind == 0:
        bits.take(1)
    elif kind == 2:
        bits.take(64)
    elif kind == 5:
        bits.one_of((1, 0), (0, 2), (3, 4), (19, 8))


def _colours(bits: _Bits) -> tuple[bool, Codes, tuple[float, ...] | None, bool]:
    """Whether they are grey, their code points, own primaries, and whether an ICC profile says them instead."""
    if bits.take(1):
        return False, Codes(1, _SRGB), None, False
    icc, space = bool(bits.take(1)), bits.enumerated()
    if icc or space == 2:
        return space == 1, Codes(1, _SRGB), None, icc
    white = bits.enumerated()
    own_white = (bits.signed() / 1e6, bits.signed() / 1e6) if white == 2 else None
    primaries, own = 1, None
    if space != 1:
        primaries = bits.enumerated()
        if primaries == 2:
            own = tuple(bits.signed() / 1e6 for _ in range(6))
    transfer = 0
    if bits.take(1):
        power = bits.take(24) / 1e7
        transfer = 4 if 0 < power < 0.5 else 8 if power > 0.9 else _SRGB
    else:
        transfer = bits.enumerated()
    if primaries == 11 and white == 1:  # D65: Display P3
        primaries = 12
    chromaticities = (*own, *(own_white or (0.3127, 0.3290))) if own else None
    return space == 1, Codes(primaries, transfer), chromaticities, False


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    stored = _stored(source)
    check_size(*stored.size[::-1])
    sample = 4 if stored.is_float else 1 if stored.bits <= 8 else 2
    return Header(stored.size, stored.channels, sample, sample > 1, source.stat().st_size)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    stored = _stored(source)
    check_size(*stored.size[::-1])
    codec = needed("imagecodecs", "JPEG XL pictures")
    data = source.read_bytes()
    if stored.is_jpeg:
        with pillow.opened(io.BytesIO(codec.jpegxl_decode_jpeg(data)), "JPEG", "MPO") as picture:
            return pillow.decoded(picture, long_side)
    samples = np.asarray(codec.jpegxl_decode(data, index=0))
    if samples.dtype == np.uint16:
        top = 65535 if stored.bits == 16 or int(samples.max()) >= 2**stored.bits else 2**stored.bits - 1
        samples = samples / np.float32(top)
    if samples.ndim == 3 and samples.shape[2] > 4:
        samples = samples[..., :4]
    done = coded(samples, stored.codes, params, stored.chromaticities)
    unread = ("its colour profile is not read; taken for sRGB",) if stored.unread_profile else ()
    return Decoded(done.samples, (*done.said, *unread))


JPEG_XL = Decoder("JPEG XL", (".jxl",), lambda head, _: head.startswith((_FILE, _STREAM)), _header, _decode)
