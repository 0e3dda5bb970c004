"""What Pillow decodes: JPEG, WebP, GIF, BMP and older formats. Its formats that would start a program (EPS) are not.

A JPEG that ends too early is given its end: what is missing is grey, as in other programs.
"""

from __future__ import annotations

import contextlib
import io
import math
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from sss_model.errors import ImageError
from sss_model.image_io.coding_points import coloured
from sss_model.image_io.colour_profile import ADOBE_RGB, find_conversion, rgb_profile
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.display_range import ranged
from sss_model.image_io.pixel_values import check_size, upright
from sss_model.params import ReadParams

_ORIENTATION, _EXIF, _INTEROP = 0x0112, 0x8769, 0xA005
_COLOUR_SPACE, _INDEX = 0xA001, 1
_PROFILE = "icc_profile"
_MISSING_ROWS = 0.1  # of a JPEG; with more of it missing it is no picture
_END_MARKERS = 8  # of a file that has none, before the decoder is told so
_lock = threading.Lock()
_unlimited = 0  # how many decode without Pillow's limit now
_pillow_limit: int | None = None  # what it was before the first of them


def decoded(picture: ImageFile, long_side: int | None) -> Decoded:
    """The picture's samples, upright and in sRGB."""
    if long_side is not None:
        drafted(picture, long_side)
    profile = profile_of(picture)
    done = coloured(samples_of(picture, profile), profile)
    return Decoded(upright(done.samples, orientation_of(picture)), done.said)


class _Ended(io.BufferedReader):
    """A JPEG file with an end marker behind its last byte; `missed` says whether that was asked for."""

    missed = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if data or not size or size < 2 or self.missed == _END_MARKERS:  # a header that ends is no picture's
            return data
        self.missed += 1
        return b"\xff\xd9"


def _jpeg_decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    frame = _frame(source)
    if frame.bits != 8:
        return _deep_jpeg(source, frame)
    with open(source, "rb", buffering=0) as raw, _Ended(raw) as stream, opened(stream, "JPEG", "MPO") as picture:
        done = decoded(picture, long_side)
        if not stream.missed:
            return done
        turned = orientation_of(picture)
    if params.strict:
        raise EOFError("the picture is truncated")
    rows = _grey_rows(done.samples, turned)
    share = rows / max(done.samples.shape[0], 1)
    if share > _MISSING_ROWS:
        raise ImageError(
            f"{source} is truncated: it ends before the picture does, and {share:.0%} of it is missing.",
            hint="Copy or download it again.",
        )
    said = "the file ends too early" + (f": {share:.1%} of the picture is missing, shown grey" if rows else "")
    return Decoded(done.samples, (*done.said, said))


def _grey_rows(samples: NDArray[Any], orientation: int) -> int:
    """How many rows, of the picture as stored, the decoder left grey at its end."""
    stored = samples.swapaxes(0, 1) if orientation >= 5 else samples
    flat = np.abs(stored.reshape(stored.shape[0], -1).astype(np.int16) - 128).max(axis=1) <= 1
    first = flat if orientation in (3, 4, 7, 8) else flat[::-1]  # upright turned the last row to the front
    return int(np.argmin(first)) if not first.all() else len(first)


class _Frame(NamedTuple):
    bits: int  # of a sample; 0 for lossless coding
    size: tuple[int, int]
    channels: int


def _frame(source: Path) -> _Frame:
    """What a JPEG's frame header says; of 8 bits where there is none."""
    with open(source, "rb") as file:
        file.seek(2)
        for _ in range(1000):
            head = file.read(4)
            if len(head) < 4 or head[0] != 0xFF:
                break
            kind, length = head[1], int.from_bytes(head[2:], "big")
            if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
                content = file.read(6)
                if len(content) < 6:
                    break
                bits, height, width, channels = struct.unpack(">BHHB", content)
                return _Frame(0 if kind in (0xC3, 0xC7, 0xCB, 0xCF) else bits, (height, width), channels)
            file.seek(length - 2, 1)
    return _Frame(8, (0, 0), 3)


def _deep_jpeg(source: Path, frame: _Frame) -> Decoded:
    """A JPEG of 12 bits, or of lossless coding."""
    check_size(*frame.size[::-1])
    samples = needed("imagecodecs", "JPEG pictures of 12 bits").jpeg_decode(source.read_bytes())
    if samples.dtype == np.uint8:
        return Decoded(samples)
    bits = frame.bits or (16 if int(samples.max()) > 4095 else 12)
    return Decoded(np.asarray(samples / np.float32(2**bits - 1), np.float32))


@contextlib.contextmanager
def opened(source: Path | IO[bytes], *formats: str) -> Iterator[ImageFile]:
    """The picture with its header read and no pixel decoded; `ImageError` for too many pixels."""
    picture = open_picture(source, *formats)
    with picture:
        yield picture


def open_picture(source: Path | IO[bytes], *formats: str) -> ImageFile:
    """As `opened`, to be closed by the caller."""
    Image.init()
    with _without_pillow_limit():
        picture = Image.open(source, formats=[name for name in formats if name in Image.OPEN])
    try:
        check_size(*picture.size)
    except BaseException:
        picture.close()
        raise
    return picture


def drafted(picture: ImageFile, long_side: int) -> None:
    """Have a JPEG decoded to an eighth, a quarter or a half, as far as `long_side` pixels are left; others cannot."""
    if picture.format not in ("JPEG", "MPO"):
        return
    scale = long_side / max(picture.size)
    width, height = (max(1, math.ceil(side * scale)) for side in picture.size)
    picture.draft(picture.mode, (width, height))


@contextlib.contextmanager
def _without_pillow_limit() -> Iterator[None]:
    """Pillow's own limit of 89 million pixels, a global, off until the last that asked is done; ours is `check_size`.

    Pillow asks for it when it opens a picture and, of TIFF, GIF, WebP and ICO, once more when it decodes.
    """
    global _unlimited, _pillow_limit
    with _lock:
        if _unlimited == 0:
            _pillow_limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        _unlimited += 1
    try:
        yield
    finally:
        with _lock:
            _unlimited -= 1
            if _unlimited == 0:
                Image.MAX_IMAGE_PIXELS = _pillow_limit


def profile_of(picture: ImageFile) -> bytes | None:
    """The ICC profile that the picture's colours are in; that of Adobe RGB where EXIF alone names it."""
    icc = picture.info.get(_PROFILE)
    if icc is None and _is_adobe_rgb(picture):
        return rgb_profile("Adobe RGB (1998)", ADOBE_RGB, 563 / 256)
    conversion = find_conversion(icc)
    of_inks = conversion is not None and conversion.space == "CMYK"
    return None if of_inks and picture.mode != "CMYK" else icc


def _is_adobe_rgb(picture: ImageFile) -> bool:
    """Whether EXIF names the colours Adobe RGB (DCF 2.0, 3.2.2: uncalibrated, and the index R03)."""
    if picture.format not in ("JPEG", "MPO", "PNG", "TIFF", "WEBP") or picture.mode not in ("RGB", "RGBA"):
        return False
    try:
        exif = picture.getexif()
        details = exif.get_ifd(_EXIF)
        index = str(exif.get_ifd(_INTEROP).get(_INDEX, "")).strip("\0 ")
        return (index == "R03" and details.get(_COLOUR_SPACE, 0xFFFF) != 1) or details.get(_COLOUR_SPACE) == 2
    except Exception:  # damaged EXIF data can raise anything, and the picture is whole without it
        return False


def samples_of(picture: ImageFile, profile: bytes | None = None) -> NDArray[Any]:
    """Decode `picture`: (H, W), or (H, W, C) with alpha last where it has transparency.

    Inks that `profile` is for come as they are, (H, W, 4).
    """
    with _without_pillow_limit():
        picture.load()
    mode, keyed = picture.mode, "transparency" in picture.info
    if mode == "I":
        return _whole_numbers(np.asarray(picture))
    if keyed and mode in ("1", "L", "P", "RGB"):
        return np.asarray(picture.convert("RGBA"))
    if mode == "CMYK":
        conversion = find_conversion(profile)
        if conversion is not None and conversion.space == mode:
            return np.asarray(picture)
    if mode == "1":
        return np.asarray(picture.convert("L"))
    if mode in ("L", "LA", "RGB", "RGBA", "F") or mode.startswith("I;16"):
        return np.asarray(picture)
    if mode == "P" and picture.palette is not None and picture.palette.mode == "RGBA":
        return np.asarray(picture.convert("RGBA"))
    return np.asarray(picture.convert({"PA": "RGBA", "RGBa": "RGBA", "La": "LA"}.get(mode, "RGB")))


def _whole_numbers(samples: NDArray[np.int32]) -> NDArray[Any]:
    """Pillow's 32-bit integers as 16-bit samples where they fit, as in PGM files and older Pillows' PNG."""
    if int(samples.min()) < 0:
        return samples
    return samples.astype(np.uint16 if int(samples.max()) <= 65535 else np.uint32)


def orientation_of(picture: ImageFile) -> int:
    """EXIF's orientation, 1 to 8. Pillow turns a TIFF itself on loading, and then says 1."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data can raise anything, and the picture is whole without it
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _jpeg_header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    frame = _frame(source)
    if frame.bits != 8:
        check_size(*frame.size[::-1])
        return Header(frame.size, frame.channels, 4, False, source.stat().st_size)
    with opened(source, "JPEG", "MPO") as picture:
        if long_side is not None:
            drafted(picture, long_side)
        size = picture.size if orientation_of(picture) >= 5 else picture.size[::-1]
        converted = _PROFILE in picture.info or _is_adobe_rgb(picture)
        return Header(size, len(picture.getbands()), 1, converted)


def _header_as(name: str) -> Any:
    def header(source: Path, params: ReadParams, long_side: int | None) -> Header:
        with opened(source, name) as picture:
            return header_of(picture)

    return header


def header_of(picture: ImageFile) -> Header:
    """What decoding `picture` will hold."""
    deep = 4 if picture.mode in ("I", "F") else 2 if picture.mode.startswith("I;16") else 1
    keyed = "transparency" in picture.info or picture.mode == "P"
    size = picture.size if orientation_of(picture) >= 5 else picture.size[::-1]
    converted = _PROFILE in picture.info or _is_adobe_rgb(picture)
    return Header(size, 4 if keyed else len(picture.getbands()), deep, converted)


def _decode_as(name: str) -> Any:
    def decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
        with opened(source, name) as picture:
            done = decoded(picture, long_side)
        found = ranged(done.samples, params)
        return Decoded(found.samples, (*done.said, *found.said))

    return decode


def _begins(*starts: bytes) -> Any:
    return lambda head, _: head.startswith(starts)


def _is_webp(head: bytes, _: Path) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_pcx(head: bytes, _: Path) -> bool:
    return head[:1] == b"\n" and head[1:2] in (b"\0", b"\2", b"\3", b"\5") and head[2:3] == b"\1"


def _is_tga(head: bytes, _: Path) -> bool:
    """Targa has no first bytes of its own: colour map or not, a known kind, depth and placing."""
    if len(head) < 18:
        return False
    return head[1] in (0, 1) and head[2] in (1, 2, 3, 9, 10, 11) and head[16] in (8, 15, 16, 24, 32) and head[17] < 0x40


def _is_dib(head: bytes, _: Path) -> bool:
    return int.from_bytes(head[:4], "little") in (12, 40, 64, 108, 124) and head[12:16] in (
        b"\1\0" + bytes([n, 0]) for n in (1, 4, 8, 16, 24, 32)
    )


JPEG = Decoder(
    "JPEG",
    (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo"),
    _begins(b"\xff\xd8\xff"),
    _jpeg_header,
    _jpeg_decode,
)
_ROWS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("GIF", (".gif",), _begins(b"GIF87a", b"GIF89a")),
    ("WEBP", (".webp",), _is_webp),
    ("BMP", (".bmp",), _begins(b"BM")),
    ("DDS", (".dds",), _begins(b"DDS ")),
    ("ICO", (".ico",), _begins(b"\0\0\1\0")),
    ("PPM", (".ppm", ".pgm", ".pbm", ".pnm"), _begins(*(b"P" + bytes([n]) for n in b"0123456y"))),
    ("QOI", (".qoi",), _begins(b"qoif")),
    ("SGI", (".sgi", ".rgb", ".bw"), _begins(b"\x01\xda")),
    ("PCX", (".pcx",), _is_pcx),
    ("DIB", (".dib",), _is_dib),
    ("TGA", (".tga",), _is_tga),
)  # fmt: skip
OTHERS = tuple(
    Decoder(
        name, suffixes, begins, _header_as(name), _decode_as(name), weak=name in ("BMP", "PCX", "DIB", "TGA", "SGI")
    )
    for name, suffixes, begins in _ROWS
)
