"""A picture file -> its samples, with all their bits, upright.

Pillow decodes, with three helps: it reduces 16-bit colour to 8 bits, so such files are decoded twice, the second time
with the bytes of each sample exchanged, which yields the low bytes; TIFFs that it cannot hold go through tifffile;
and formats whose reading would start another program (EPS) are left out.
"""

from __future__ import annotations

import contextlib
import math
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

from sss_model.image_io import exr, tiff
from sss_model.image_io.colour_profile import ProfileConversion, convert, find_conversion
from sss_model.image_io.pixel_values import check_size, unit_range, upright
from sss_model.image_io.reduce import reduced_size

FORMATS = (  # Pillow's names
    *("AVIF", "BMP", "DDS", "DIB", "GIF", "ICO", "JPEG", "JPEG2000", "MPO"),
    *("PCX", "PNG", "PPM", "PSD", "QOI", "SGI", "TGA", "TIFF", "WEBP"),
)
_ORIENTATION = 0x0112
_PROFILE = "icc_profile"
_SIXTEEN = ("RGB;16B", "RGB;16L", "RGB;16N", "RGBA;16B", "RGBA;16L", "RGBA;16N")
_EXCHANGED = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_lock = threading.Lock()
_unlimited = 0  # how many decode without Pillow's limit now
_pillow_limit: int | None = None  # what it was before the first of them


class Decoded(NamedTuple):
    """Samples (H, W) or (H, W, C), upright; `conversion` says how their colours became sRGB, "" where they were."""

    samples: NDArray[Any]
    conversion: str


def decode(source: Path) -> Decoded:
    """The picture's samples, upright and in sRGB, as `image_from_array` takes them, of any type.

    The first frame of an animation and the first page of a TIFF count. Raises whatever the decoders raise.
    """
    if exr.is_exr(source):
        return Decoded(*exr.read(source))
    if tiff.is_tiff(source):
        deep = tiff.read_deep(source)
        if deep is not None:
            return Decoded(*deep)
    with _open(source) as picture:
        low_bytes = _low_byte_tiles(picture)
        conversion = _conversion(picture)
        samples = _samples(picture, conversion)
        orientation = _orientation(picture)
        key = picture.info.get("transparency")
    if low_bytes:
        with _open(source) as picture:
            picture.tile = low_bytes
            with _without_pillow_limit():
                picture.load()
            samples = samples[..., :4].astype(np.uint16) * 256 + np.asarray(picture)
        if isinstance(key, tuple) and samples.shape[2] == 3:  # the one colour that a PNG names transparent
            alpha = (samples != np.array(key, np.uint16)).any(axis=2, keepdims=True)
            samples = np.concatenate([samples, alpha * np.uint16(65535)], axis=2)
    samples, said = convert(samples, conversion)
    return Decoded(upright(samples, orientation), said)


def size(source: Path) -> tuple[int, int]:
    """(H, W) of the picture as `decode` gives it, from its header."""
    if exr.is_exr(source):
        return exr.size(source)
    if tiff.is_tiff(source):
        from_tiff = tiff.size(source)
        if from_tiff is not None:
            return from_tiff
    with _open(source) as picture:
        width, height = picture.size
        if picture.format == "TIFF":  # newer Pillows give its size turned
            width, height = (getattr(picture, "tag_v2")[tag] for tag in (256, 257))  # noqa: B009
        return (width, height) if _orientation(picture) >= 5 else (height, width)


class Header(NamedTuple):
    """What decoding will hold: (H, W), channels and bytes of a stored sample, whether colours are converted at once.

    `besides` is how many bytes it takes besides what grows with the picture.
    """

    size: tuple[int, int]
    channels: int
    sample_bytes: int
    converted: bool
    besides: int = 0


def read_header(source: Path) -> Header:
    """The picture's `Header`, with no pixel decoded."""
    if exr.is_exr(source):
        stored = exr.stored(source)
        besides = stored.stripe_bytes if stored.in_stripes else 0
        return Header(stored.size, stored.decoded_channels, 4, not stored.in_stripes, besides)
    if tiff.is_tiff(source):
        samples = tiff.stored_samples(source)
        if samples is not None:
            return Header(size(source), *samples)
    with _open(source) as picture:
        deep = bool(_low_byte_tiles(picture)) or picture.mode.startswith("I;16")
        sample_bytes = 2 if deep else 4 if picture.mode in ("I", "F") else 1
        keyed = "transparency" in picture.info or picture.mode == "P"
        channels = 4 if keyed else len(picture.getbands())
        return Header(size(source), channels, sample_bytes, _PROFILE in picture.info)


def reduced(source: Path, long_side: int) -> Decoded:
    """As `decode`, with the least detail that the format gives and that still has `long_side` pixels on its long side.

    A JPEG decodes to an eighth, a quarter or a half, a TIFF with a pyramid to a level of it; an EXR is averaged to that
    size as it is read by stripes; all else decodes whole.
    """
    if exr.is_exr(source):
        size = _averaged_size(source, long_side)
        return decode(source) if size is None else Decoded(*exr.read_reduced(source, size))
    if tiff.is_tiff(source):
        level = tiff.read_level(source, long_side)
        return decode(source) if level is None else Decoded(*level)
    with _open(source) as picture:
        if not _drafted(picture, long_side):
            return decode(source)
        conversion = _conversion(picture)
        samples, said = convert(_samples(picture, conversion), conversion)
        return Decoded(upright(samples, _orientation(picture)), said)


def reduced_header(source: Path, long_side: int) -> Header:
    """The `Header` of what `reduced` decodes, with no pixel decoded."""
    whole = read_header(source)
    if exr.is_exr(source):
        size = _averaged_size(source, long_side)
        return whole if size is None else whole._replace(size=size, channels=3)
    if tiff.is_tiff(source):
        return whole._replace(size=tiff.level_size(source, long_side) or whole.size)
    with _open(source) as picture:
        return whole._replace(size=picture.size[::-1]) if _drafted(picture, long_side) else whole


def _averaged_size(source: Path, long_side: int) -> tuple[int, int] | None:
    """(H, W) of an EXR's means with `long_side` pixels on their long side; None where it is read whole."""
    stored = exr.stored(source)
    size = reduced_size(stored.size, long_side)
    return size if stored.in_stripes and size != stored.size else None


def _drafted(picture: ImageFile, long_side: int) -> bool:
    """Have a JPEG decoded to an eighth, a quarter or a half, as far as `long_side` pixels are left; others cannot."""
    if picture.format not in ("JPEG", "MPO"):
        return False
    scale = long_side / max(picture.size)
    width, height = (max(1, math.ceil(side * scale)) for side in picture.size)
    picture.draft(picture.mode, (width, height))
    return True


def thumbnail(source: Path, side: int) -> NDArray[Any]:
    """Samples of the picture as uint8, averaged down to at most `side` pixels a side, upright."""
    if not tiff.is_tiff(source) and not exr.is_exr(source):
        with _open(source) as picture:
            if not _low_byte_tiles(picture) and picture.mode != "F" and not picture.mode.startswith("I"):
                picture.draft("RGB", (side, side))  # a JPEG decodes at an eighth of its size, if that is enough
                conversion = _conversion(picture)
                samples, _ = convert(_samples(picture, conversion), conversion)
                return upright(_reduced(samples, side), _orientation(picture))
    whole = decode(source) if tiff.is_tiff(source) else reduced(source, side)
    return _reduced(whole.samples, side)


def texts(source: Path) -> dict[str, str]:
    """The named texts before the pixels of a PNG; {} of other formats."""
    if tiff.is_tiff(source) or exr.is_exr(source):
        return {}
    with _open(source) as picture:
        return {str(k): v for k, v in picture.info.items() if picture.format == "PNG" and isinstance(v, str)}


def _open(source: Path) -> ImageFile:
    """The picture with its header read and no pixel decoded; `ImageError` for too many pixels."""
    Image.init()
    known = [name for name in FORMATS if name in Image.OPEN]
    with _without_pillow_limit():
        picture = Image.open(source, formats=known)
    try:
        check_size(*picture.size)
    except BaseException:
        picture.close()
        raise
    return picture


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


def _conversion(picture: ImageFile) -> ProfileConversion | None:
    """How the colours of `picture` become sRGB; None where they are, or its profile is for another kind of colour."""
    conversion = find_conversion(picture.info.get(_PROFILE))
    of_inks = conversion is not None and conversion.space == "CMYK"
    return None if of_inks and picture.mode != "CMYK" else conversion


def _samples(picture: ImageFile, conversion: ProfileConversion | None) -> NDArray[Any]:
    """Decode `picture`: (H, W), or (H, W, C) with alpha last where it has transparency; 8 bits of 16-bit colour.

    Inks that `conversion` converts come as they are, (H, W, 4).
    """
    deep = bool(_low_byte_tiles(picture))
    with _without_pillow_limit():
        picture.load()
    mode, keyed = picture.mode, "transparency" in picture.info and not deep
    if mode == "I":
        return _whole_numbers(np.asarray(picture))
    if keyed and mode in ("1", "L", "P", "RGB"):
        return np.asarray(picture.convert("RGBA"))
    if mode == "CMYK" and conversion is not None and conversion.space == mode:
        return np.asarray(picture)
    if mode in ("1", "L", "LA", "RGB", "RGBA", "F") or mode.startswith("I;16"):
        return np.asarray(picture)
    if mode == "P" and picture.palette is not None and picture.palette.mode == "RGBA":
        return np.asarray(picture.convert("RGBA"))
    return np.asarray(picture.convert({"PA": "RGBA", "RGBa": "RGBA", "La": "LA"}.get(mode, "RGB")))


def _whole_numbers(samples: NDArray[np.int32]) -> NDArray[Any]:
    """Pillow's 32-bit integers as 16-bit samples where they fit, as in PGM files and older Pillows' PNG."""
    if int(samples.min()) < 0:
        return samples
    return samples.astype(np.uint16 if int(samples.max()) <= 65535 else np.uint32)


def _low_byte_tiles(picture: ImageFile) -> list[Any]:
    """The tiles of a picture of 16-bit colour, with the bytes of each sample exchanged; empty for all others."""
    tiles = []
    for codec, extents, offset, args in picture.tile:
        whole = (args,) if isinstance(args, str) else tuple(args or ())
        if not whole or whole[0] not in _SIXTEEN:
            return []
        raw = whole[0][:-1] + _EXCHANGED[whole[0][-1]]
        tiles.append(type(picture.tile[0])(codec, extents, offset, raw if isinstance(args, str) else (raw, *whole[1:])))
    return tiles


def _orientation(picture: ImageFile) -> int:
    """EXIF's orientation, 1 to 8. Pillow turns a TIFF itself on loading, and then says 1."""
    try:
        value = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # damaged EXIF data can raise anything, and the picture is whole without it
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _reduced(samples: NDArray[Any], side: int) -> NDArray[Any]:
    """`samples` as uint8, averaged down to at most `side` pixels a side."""
    if samples.dtype != np.uint8:
        samples = (unit_range(samples) * 255 + 0.5).astype(np.uint8)
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[..., 0]
    picture = Image.fromarray(np.ascontiguousarray(samples))
    picture.thumbnail((side, side), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(picture)
