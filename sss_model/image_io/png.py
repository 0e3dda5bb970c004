"""PNG: what its chunks say of colours is read here, the pixels by Pillow, or by imagecodecs where they have 16 bits.

Chunks that say nothing of the pixels are left out before, where they are damaged or larger than Pillow takes: large
profiles, texts and wrong check sums harm no picture. Of an animation the default image counts.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io import pillow
from sss_model.image_io.coding_points import Codes, coloured
from sss_model.image_io.coding_points import decoded as coded
from sss_model.image_io.colour_profile import rgb_profile
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.display_range import ranged
from sss_model.image_io.light import REC709
from sss_model.image_io.pixel_values import check_size, upright
from sss_model.params import ReadParams

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 4, 4: 2, 6: 4}  # by colour type
_CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"tRNS")
_OURS = (b"iCCP", b"cICP", b"gAMA", b"cHRM", b"sRGB", b"acTL", b"fcTL", b"fdAT", b"IEND")
_LARGEST_TEXT = 1 << 19  # bytes that a text may have for Pillow
_LARGEST_PROFILE = 1 << 26
_SRGB_GAMMA = 0.45455
_SAME_PRIMARIES = 2e-3  # of x and y


class _Chunk(NamedTuple):
    kind: bytes
    start: int
    length: int


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    with open(source, "rb") as file:
        there = list(_chunks(file))
        width, height, depth, colour = _ihdr(file, there)
    kinds = {chunk.kind for chunk in there}
    channels = 4 if b"tRNS" in kinds else _CHANNELS.get(colour, 3)
    converted = bool(kinds & {b"iCCP", b"cICP", b"gAMA"})
    check_size(width, height)
    size = (width, height) if png_orientation(source) >= 5 else (height, width)
    return Header(size, channels, 2 if depth == 16 else 1, converted, source.stat().st_size)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    with open(source, "rb") as file:
        there = list(_chunks(file))
        width, height, depth, _ = _ihdr(file, there)
        check_size(width, height)
        data, say = _cleaned(file, there), {c.kind: _content(file, c) for c in there if c.kind in _OURS[:5]}
        key = next((_content(file, chunk) for chunk in there if chunk.kind == b"tRNS"), b"")
    if depth == 16:
        samples = _sixteen(data, key)
        found = ranged(samples, params)
        samples, said = found.samples, found.said
        orientation = png_orientation(source)
    else:
        with pillow.opened(io.BytesIO(data), "PNG") as picture:
            samples, said = pillow.samples_of(picture), ()
            orientation = pillow.orientation_of(picture)
    if say:
        done = _in_srgb(samples, say, params)
    else:
        light = _light(source)
        done = coloured(samples, None if light is None else pillow.profile_of(light))  # EXIF may name Adobe RGB
    return Decoded(upright(done.samples, orientation), (*said, *done.said), done.plate)


def _sixteen(data: bytes, key: bytes) -> NDArray[Any]:
    """The samples of 16-bit colours or grey, with alpha of the one colour `key` that is transparent."""
    samples = needed("imagecodecs", "PNG pictures of 16 bits").png_decode(data)
    colours = 3 if samples.ndim == 3 and samples.shape[2] >= 3 else 1
    planes = samples if samples.ndim == 3 else samples[..., None]
    if len(key) < 2 * colours or planes.shape[2] != colours:
        return np.asarray(samples)
    clear = np.frombuffer(key, ">u2", colours)
    alpha = (planes != clear).any(axis=2, keepdims=True) * np.uint16(65535)
    return np.concatenate([planes, alpha.astype(np.uint16)], axis=2)


def _in_srgb(samples: NDArray[Any], say: dict[bytes, bytes], params: ReadParams) -> Decoded:
    """The samples in sRGB, by what counts first of cICP, iCCP, sRGB, gAMA with cHRM (PNG, third edition, 4.3)."""
    if len(say.get(b"cICP", b"")) >= 4:
        return coded(samples, Codes(*say[b"cICP"][:2]), params)
    if b"iCCP" in say:
        return coloured(samples, _inflated(say[b"iCCP"].partition(b"\0")[2][1:], _LARGEST_PROFILE))
    gamma = int.from_bytes(say.get(b"gAMA", b"")[:4], "big") / 100_000
    if b"sRGB" in say or not 0.2 <= gamma <= 5:
        return Decoded(samples)
    white_first = (
        np.array(struct.unpack(">8I", say[b"cHRM"][:32])) / 100_000 if len(say.get(b"cHRM", b"")) >= 32 else None
    )
    primaries = REC709 if white_first is None else (*white_first[2:], *white_first[:2])
    usual = abs(gamma - _SRGB_GAMMA) < 0.01
    if usual and np.abs(np.array(primaries) - REC709).max() < _SAME_PRIMARIES:  # how sRGB is written by its numbers
        return Decoded(samples)
    name = f"gamma {1 / gamma:.3g}" if white_first is None else f"gamma {1 / gamma:.3g} and its own primaries"
    return coloured(samples, rgb_profile(name, primaries, 1 / gamma), grey=True)


def _chunks(file: IO[bytes]) -> Iterator[_Chunk]:
    """The chunks up to the end of the pixels, or of the file."""
    place, length_of_file = len(SIGNATURE), file.seek(0, 2)
    while place + 8 <= length_of_file:
        file.seek(place)
        length, kind = struct.unpack(">I4s", file.read(8))
        if not kind.isalpha():
            return
        yield _Chunk(kind, place + 8, length)
        if kind == b"IEND":
            return
        place += 12 + length


def _content(file: IO[bytes], chunk: _Chunk) -> bytes:
    file.seek(chunk.start)
    return file.read(chunk.length)


def _ihdr(file: IO[bytes], there: list[_Chunk]) -> tuple[int, int, int, int]:
    """Width, height, bits of a sample and colour type."""
    if not there or there[0].kind != b"IHDR" or there[0].length != 13:
        raise OSError("no header")
    width, height, depth, colour = struct.unpack(">IIBB", _content(file, there[0])[:10])
    if not width or not height:
        raise OSError(f"{width} x {height} pixels")
    return width, height, depth, colour


def _cleaned(file: IO[bytes], there: list[_Chunk]) -> bytes:
    """The PNG file with the pixels, and of the rest what is whole and not large."""
    result = io.BytesIO()
    result.write(SIGNATURE)
    depth = _ihdr(file, there)[2]
    for chunk in there:
        if chunk.kind in _OURS or (chunk.kind == b"tRNS" and depth == 16):
            continue
        content = _content(file, chunk)
        check = file.read(4)
        if chunk.kind not in _CRITICAL and not _harmless(chunk.kind, content, check):
            continue
        result.write(struct.pack(">I", chunk.length) + chunk.kind + content + check)
    result.write(b"\0\0\0\0IEND\xaeB`\x82")
    return result.getvalue()


def _harmless(kind: bytes, content: bytes, check: bytes) -> bool:
    """Whether an ancillary chunk is whole, and no larger than Pillow takes it."""
    if zlib.crc32(kind + content).to_bytes(4, "big") != check or len(content) > _LARGEST_TEXT:
        return False
    start = {b"zTXt": content.find(b"\0") + 2, b"iTXt": content.find(b"\0") + 3}.get(kind)
    if start is None or (kind == b"iTXt" and content[start - 2 : start - 1] != b"\1"):
        return True
    packed = content[start:].split(b"\0", 2)[-1] if kind == b"iTXt" else content[start:]
    return len(_inflated(packed, _LARGEST_TEXT + 1) or b"") <= _LARGEST_TEXT


def _inflated(data: bytes, most: int) -> bytes | None:
    """The first `most` bytes at most of what the zlib stream `data` holds; None where it is damaged."""
    try:
        return zlib.decompressobj().decompress(data, most)
    except zlib.error:
        return None


def png_orientation(source: Path) -> int:
    """EXIF's orientation, 1 to 8."""
    return 1 if _light(source) is None else pillow.orientation_of(_light(source))


def texts(source: Path) -> dict[str, str]:
    """The named texts before the pixels; {} of other formats."""
    picture = _light(source)
    return {} if picture is None else {str(k): v for k, v in picture.info.items() if isinstance(v, str)}


def _light(source: Path) -> Any:
    """Pillow's picture of all chunks before the pixels; None where it is no PNG."""
    with open(source, "rb") as file:
        if file.read(8) != SIGNATURE:
            return None
        before = []
        for chunk in _chunks(file):
            before.append(chunk)
            if chunk.kind == b"IDAT":
                break
        _ihdr(file, before)
        head = [chunk for chunk in before if chunk.kind != b"IDAT"]
        data = _cleaned(file, head)[:-12] + struct.pack(">I4sI", 0, b"IDAT", zlib.crc32(b"IDAT"))
    return pillow.open_picture(io.BytesIO(data), "PNG")


PNG = Decoder("PNG", (".png", ".apng"), lambda head, _: head.startswith(SIGNATURE), _header, _decode)
