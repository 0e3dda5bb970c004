"""Photographs <-> arrays. The one place that knows formats, EXIF, alpha and bit depth.

Read: JPEG, PNG, TIFF, WebP, AVIF, JPEG 2000, GIF, BMP, PNM, TGA, PSD and a few more, of 1 to 32 bits a channel or
float, grey, palette, RGB or CMYK. EXIF's orientation is applied, transparency is laid over white, of an animation the
first frame counts, embedded colour profiles are not applied. OpenEXR's linear light is encoded as sRGB. Written: PNG.

16-bit colour keeps its 16 bits in PNG and TIFF; 16-bit grey with alpha is read with 8.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from sss_model.errors import ImageError, ParameterError
from sss_model.files.atomic_write import reason, replacing
from sss_model.image_io import decode
from sss_model.image_io.pixel_values import Image, image_from_array

__all__ = [
    "IMAGE_SUFFIXES",
    "Image",
    "Picture",
    "decode_image",
    "image_from_array",
    "image_size",
    "read_image",
    "read_text",
    "read_thumbnail",
    "to_picture",
    "write_picture",
]

Picture = NDArray[np.uint8]
AnyPath = str | os.PathLike[str]

IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif", ".jp2", ".mpo",
    ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".psd", ".qoi",
)  # fmt: skip
"""Suffixes, in lower case, by which a photograph is recognised in a folder; reading goes by content."""

_COPY_AGAIN = "Copy or download it again."
_KNOWN = "Open a JPEG, PNG, TIFF, WebP, BMP or GIF picture; convert HEIC and camera raw files first."


def read_image(path: AnyPath) -> Image:
    """The photograph in the file `path`.

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1], C-contiguous. Integer samples are divided by the largest of their type, so 8-bit
    files give exactly value / 255. Float samples are taken as they are; up to a tenth of them may lie outside [0, 1]
    and are clipped.

    Raises
    ------
    ImageError : no such file, a folder, empty, no permission, not a picture, truncated or damaged, over
        400 million pixels, NaN or infinite values, or float values of another range
    """
    source = Path(path)
    with _plainly(str(source)):
        _check_file(source)
        return image_from_array(decode.decode(source), name=str(source))


def decode_image(data: bytes, *, name: str = "The picture") -> Image:
    """The photograph in the bytes of a picture file, as `read_image` gives it; `name` begins the errors' sentences."""
    with _plainly(name):
        if not data:
            raise ImageError(f"{name} is empty (0 bytes).", hint=_COPY_AGAIN)
        return image_from_array(decode.decode(bytes(data)), name=name)


def image_size(path: AnyPath) -> tuple[int, int]:
    """(H, W) of the photograph as `read_image` gives it, from the file's header alone; raises as that does."""
    source = Path(path)
    with _plainly(str(source)):
        _check_file(source)
        return decode.size(source)


def read_thumbnail(path: AnyPath, side: int) -> Picture:
    """The photograph reduced, never enlarged, to at most `side` pixels a side, (h, w, 3) uint8."""
    if side < 1:
        raise ParameterError(f"side must be at least 1 pixel, got {side}.")
    source = Path(path)
    with _plainly(str(source)):
        _check_file(source)
        return to_picture(image_from_array(decode.thumbnail(source, side), name=str(source)))


def to_picture(image: NDArray[Any]) -> Picture:
    """`image` (H, W, 3) float in [0, 1] as uint8, rounded to the nearest; values outside are clipped.

    Of an image read from an 8-bit file it gives back the file's values.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype.kind != "f":
        raise ParameterError(f"image must be (H, W, 3) float, got {image.shape} {image.dtype}.")
    picture = np.empty(image.shape, np.uint8)
    rows = max(1, 2**20 // max(1, image.shape[1]))
    for y in range(0, image.shape[0], rows):
        scaled = np.clip(image[y : y + rows], 0, 1) * np.float32(255) + np.float32(0.5)
        if np.isnan(scaled).any():
            raise ParameterError(f"image holds NaN in rows {y} to {y + len(scaled) - 1}; expected values in [0, 1].")
        picture[y : y + rows] = scaled.astype(np.uint8)
    return picture


def write_picture(path: AnyPath, picture: Picture, *, text: Mapping[str, str] | None = None) -> None:
    """Write `picture` (H, W, 3) uint8 RGB as the PNG file `path`, whole or not at all.

    `text` goes into the PNG as named texts, which `read_text` gives back.

    Raises
    ------
    ParameterError : not (H, W, 3) uint8
    ImageError : the folder is missing or read-only, the disk is full; an older file of that name is then untouched
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise ParameterError(f"picture must be (H, W, 3) uint8, got {picture.shape} {picture.dtype}.")
    notes = PngInfo()
    for name, words in (text or {}).items():
        notes.add_text(name, words)
    with replacing(path, ImageError) as temporary, open(temporary, "xb") as file:
        Pillow.fromarray(np.ascontiguousarray(picture)).save(file, format="PNG", compress_level=4, pnginfo=notes)


def read_text(path: AnyPath) -> dict[str, str]:
    """The named texts at the beginning of the PNG file `path`; {} of other files. Raises as `read_image`."""
    source = Path(path)
    with _plainly(str(source)):
        _check_file(source)
        return decode.texts(source)


def _check_file(path: Path) -> None:
    """Raise `ImageError` for what can be said without opening the file."""
    if path.is_dir():
        raise ImageError(f"{path} is a folder, not a picture.", hint="Open a picture inside it.")
    if path.stat().st_size == 0 and path.is_file():
        raise ImageError(f"{path} is empty (0 bytes).", hint=_COPY_AGAIN)


@contextlib.contextmanager
def _plainly(name: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading `name` into an `ImageError` with a sentence."""
    try:
        yield
    except ImageError as error:
        said = str(error)
        raise error if said.startswith(name) else ImageError(f"{name}: {said}", hint=error.hint) from error
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist.", hint="It may have been moved or renamed.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read by you.", hint="Change its permissions.") from error
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is not a picture of a known format.", hint=_KNOWN) from error
    except MemoryError as error:
        raise ImageError(f"{name} does not fit into memory.", hint="Scale it down or close other programs.") from error
    except Exception as error:  # on damaged bytes the decoders raise anything: OSError, SyntaxError, struct.error, ...
        said, _ = reason(error)
        if "truncated" in said or "end of file" in said:
            raise ImageError(f"{name} is truncated: it ends before the picture does.", hint=_COPY_AGAIN) from error
        raise ImageError(f"{name} is damaged or of an unknown kind ({said}).", hint=_COPY_AGAIN) from error
