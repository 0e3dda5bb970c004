"""Photoshop's PSD and PSB: the merged picture, of every depth; a saved selection is no transparency."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError
from sss_model.image_io.coding_points import coloured
from sss_model.image_io.colour_profile import find_conversion, lab_to_srgb
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.light import ENCODED, shown
from sss_model.image_io.pixel_values import check_size
from sss_model.params import ReadParams

_BITMAP, _GREY, _INDEXED, _RGB, _INKS, _MULTICHANNEL, _DUOTONE, _LAB = 0, 1, 2, 3, 4, 7, 8, 9
_COLOURS = {_BITMAP: 1, _GREY: 1, _INDEXED: 1, _RGB: 3, _INKS: 4, _MULTICHANNEL: 1, _DUOTONE: 1, _LAB: 3}
_RAW, _RLE = 0, 1
_PROFILE = 1039  # image resource
_MERGED_ALPHA = (b"Mtrn", b"Mt16", b"Mt32")
_LAYERS = (b"Lr16", b"Lr32")
_LONG = (
    b"LMsk",
    b"Lr16",
    b"Lr32",
    b"Layr",
    b"Mt16",
    b"Mt32",
    b"Mtrn",
    b"Alph",
    b"FMsk",
    b"lnk2",
    b"FEid",
    b"FXid",
    b"PxSD",
)


class _Stored(NamedTuple):
    header: Any  # psd_tools' FileHeader
    mode: int
    palette: bytes
    profile: bytes | None
    transparent: bool
    start: int  # of the merged picture


def _stored(source: Path) -> _Stored:
    with open(source, "rb") as file:
        kinds = needed("psd_tools.psd.header", "Photoshop files", "psd-tools")
        try:
            header = kinds.FileHeader.read(file)
        except ValueError as error:
            raise OSError("its header is damaged") from error
        check_size(header.width, header.height)
        palette = _section(file, "I")
        profile = _profile(_section(file, "I"))
        wide = "Q" if header.version == 2 else "I"
        length = _number(file, wide)
        end = file.tell() + length
        transparent = length > 0 and _has_merged_alpha(file, end, wide)
        return _Stored(header, int(header.color_mode), palette, profile, transparent, end)


def _number(file: IO[bytes], form: str) -> int:
    size = struct.calcsize(f">{form}")
    return int(struct.unpack(f">{form}", file.read(size))[0])


def _section(file: IO[bytes], form: str) -> bytes:
    return file.read(_number(file, form))


def _profile(resources: bytes) -> bytes | None:
    place = 0
    while place + 12 <= len(resources) and resources[place : place + 4] in (
        b"8BIM",
        b"MeSa",
        b"AgHg",
        b"PHUT",
        b"DCSR",
    ):
        kind, name = int.from_bytes(resources[place + 4 : place + 6], "big"), resources[place + 6]
        start = place + 6 + (name + 2) // 2 * 2
        length = int.from_bytes(resources[start : start + 4], "big")
        if kind == _PROFILE:
            return resources[start + 4 : start + 4 + length]
        place = start + 4 + (length + 1) // 2 * 2
    return None


def _has_merged_alpha(file: IO[bytes], end: int, wide: str) -> bool:
    """Whether the first extra channel is the merged picture's transparency: the number of layers is then negative."""
    length = _number(file, wide)
    start = file.tell()
    if length >= 2 and _number(file, "h") < 0:
        return True
    file.seek(start + length)
    file.seek(_number(file, "I"), 1)  # the global mask
    while file.tell() + 12 <= end:
        signature, key = file.read(4), file.read(4)
        if signature not in (b"8BIM", b"8B64"):
            return False
        length = _number(file, wide if key in _LONG else "I")
        start = file.tell()
        if key in _MERGED_ALPHA or (key in _LAYERS and length >= 2 and _number(file, "h") < 0):
            return True
        file.seek(start + (length + 3) // 4 * 4)
    return False


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    stored = _stored(source)
    header = stored.header
    sample = max(1, header.depth // 8)
    channels = min(header.channels, _COLOURS[stored.mode] + stored.transparent)
    besides = header.width * header.height * header.channels * sample * 2
    colours = 3 if stored.mode == _INDEXED else channels
    return Header((header.height, header.width), colours, sample, stored.profile is not None, besides)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    stored = _stored(source)
    planes = _planes(source, stored)
    count = _COLOURS[stored.mode]
    if len(planes) < count:
        raise ImageError(f"The PSD has {len(planes)} channels, fewer than its colours need.", hint="Save it again.")
    samples = np.stack(planes[:count], axis=-1)
    alpha = planes[count][..., None] if stored.transparent and len(planes) > count else None
    done = _in_srgb(samples, stored, params)
    if alpha is None:
        return done
    colours = done.samples if done.samples.ndim == 3 else done.samples[..., None]
    if colours.dtype != alpha.dtype:
        unit = alpha / np.float32(1 if alpha.dtype.kind == "f" else np.iinfo(alpha.dtype).max)
        top = np.float32(1 if colours.dtype.kind == "f" else np.iinfo(colours.dtype).max)
        colours, alpha = colours / top, unit
    return Decoded(np.concatenate([colours, alpha.astype(colours.dtype)], axis=2), done.said)


def _in_srgb(samples: NDArray[Any], stored: _Stored, params: ReadParams) -> Decoded:
    """The merged picture's colours (H, W, C) as sRGB or grey."""
    if stored.mode == _BITMAP:
        return Decoded(255 - samples)
    if stored.mode == _INDEXED:
        table = np.frombuffer(stored.palette.ljust(768, b"\0"), np.uint8, 768).reshape(3, 256).T
        return Decoded(table[samples[..., 0].astype(np.uint8)])
    if samples.dtype.kind == "f":  # 32 bits are linear light
        found = shown(np.array(samples, np.float32), params)
        return Decoded(found.samples, (ENCODED, *found.said))
    if stored.mode == _LAB:
        return Decoded(lab_to_srgb(samples, offset=True), ("converted from CIE Lab to sRGB",))
    if stored.mode == _INKS:
        return inks_in_srgb(np.iinfo(samples.dtype).max - samples, stored.profile)
    return coloured(samples, stored.profile)


def inks_in_srgb(inks: NDArray[Any], profile: bytes | None) -> Decoded:
    """Cyan, magenta, yellow and black (H, W, 4), the largest number for full ink, as sRGB."""
    conversion = find_conversion(profile)
    if conversion is not None and conversion.space == "CMYK":
        return coloured(inks, profile)
    clear = 1 - inks / np.float32(np.iinfo(inks.dtype).max)
    return Decoded(np.asarray(clear[..., :3] * clear[..., 3:], np.float32), ("converted from CMYK to sRGB",))


def _planes(source: Path, stored: _Stored) -> list[NDArray[Any]]:
    """The merged picture's channels (H, W)."""
    header = stored.header
    codec = needed("psd_tools.compression", "Photoshop files", "psd-tools")
    row = (header.width * header.depth + 7) // 8
    rows = header.height * header.channels
    with open(source, "rb") as file:
        file.seek(stored.start)
        compression, data = _number(file, "H"), file.read()
    if compression == _RLE:
        counts = np.frombuffer(data, ">u4" if header.version == 2 else ">u2", rows)
        if counts.nbytes + int(counts.sum(dtype=np.int64)) > len(data):
            raise EOFError("the picture is truncated")
        data = codec.decode_rle(data, header.width, rows, header.depth, header.version)
    elif compression != _RAW:
        raise ImageError(
            f"The PSD's merged picture has the compression {compression}, which is not read.", hint="Save it again."
        )
    if len(data) < row * rows:
        raise EOFError("the picture is truncated")
    packed = np.frombuffer(data, np.uint8, row * rows).reshape(header.channels, header.height, row)
    if header.depth == 1:
        return [np.unpackbits(plane, axis=1)[:, : header.width] * np.uint8(255) for plane in packed]
    kind = {8: ">u1", 16: ">u2", 32: ">f4"}[header.depth]
    native = np.dtype(kind).newbyteorder("=")
    return [plane.view(kind).astype(native, copy=False) for plane in packed]


PSD = Decoder("Photoshop", (".psd", ".psb"), lambda head, _: head.startswith(b"8BPS"), _header, _decode)
