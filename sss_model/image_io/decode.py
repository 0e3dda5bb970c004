"""The table of formats: which decoder reads a file, by its first bytes."""

from __future__ import annotations

from pathlib import Path

from PIL import UnidentifiedImageError

from sss_model.errors import ParameterError
from sss_model.image_io.camera_raw import CAMERA_RAW
from sss_model.image_io.decoded import Decoded, Decoder, Header
from sss_model.image_io.exr import EXR
from sss_model.image_io.heif import AVIF, HEIF
from sss_model.image_io.jpeg2000 import JPEG2000
from sss_model.image_io.jpegxl import JPEG_XL
from sss_model.image_io.pillow import JPEG, OTHERS, opened, orientation_of
from sss_model.image_io.png import PNG, png_orientation
from sss_model.image_io.psd import PSD
from sss_model.image_io.radiance import FLOAT_MAP, RADIANCE
from sss_model.image_io.tiff import TIFF
from sss_model.params import ReadParams

# The first that recognises a file reads it: camera raw before the TIFF that it is written as, Targa, which has no first
# bytes of its own, last.
DECODERS = (
    PNG, JPEG, CAMERA_RAW, TIFF, EXR, AVIF, HEIF, JPEG_XL, JPEG2000, RADIANCE, FLOAT_MAP, PSD, *OTHERS,
)  # fmt: skip
SUFFIXES = tuple(suffix for decoder in DECODERS for suffix in decoder.suffixes)
PLAIN_SUFFIXES = tuple(suffix for suffix in SUFFIXES if suffix not in (".raw", ".pic", ".rgb", ".bw", ".mos", ".apng"))
"""Those that mean a picture whatever the file's first bytes are; the others are suffixes of other things too."""
_HEAD = 64


def find_decoder(source: Path) -> Decoder | None:
    """The decoder of the file `source`, by its first bytes; None for no picture. Raises OSError."""
    with open(source, "rb") as file:
        head = file.read(_HEAD)
    return next((decoder for decoder in DECODERS if decoder.recognises(head, source)), None)


def _decoder(source: Path, params: ReadParams) -> Decoder:
    found = find_decoder(source)
    if found is None:
        raise UnidentifiedImageError(f"{source} begins as no picture does")
    if params.page > 1 and found is not TIFF:
        raise ParameterError(f"page (Page) must be 1 of a {found.name}, which is one picture, got {params.page}.")
    return found


def read_header(source: Path, params: ReadParams, long_side: int | None = None) -> Header:
    """What decoding the picture holds, no pixel decoded."""
    return _decoder(source, params).header(source, params, long_side)


def decode(source: Path, params: ReadParams, long_side: int | None = None) -> Decoded:
    """The picture's samples, upright and in sRGB; the first of an animation or stack. Raises what the decoders raise.

    Parameters
    ----------
    long_side : pixels that its long side needs; where the format allows to decode less, that is done
    """
    return _decoder(source, params).decode(source, params, long_side)


def orientation(source: Path) -> int:
    """EXIF's orientation of a JPEG, PNG, TIFF or WebP; 1 of others, whose pixels are upright once decoded."""
    found = _decoder(source, ReadParams())
    if found is PNG:
        return png_orientation(source)
    names = {"JPEG": ("JPEG", "MPO"), "TIFF": ("TIFF",), "WEBP": ("WEBP",)}.get(found.name)
    if names is None:
        return 1
    try:
        with opened(source, *names) as picture:
            return orientation_of(picture)
    except (OSError, SyntaxError):  # what Pillow does not open
        return 1
