"""A picture file -> an image, its size, a thumbnail or its texts; whatever goes wrong becomes an `ImageError`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import UnidentifiedImageError

from sss_model import budget
from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import decode
from sss_model.image_io.pixel_values import Image, Picture, image_from_array, to_picture
from sss_model.image_io.reduce import area_average, reduced_size
from sss_model.image_io.regular_file import check_regular_file
from sss_model.storage.atomic_write import reason

AnyPath = str | os.PathLike[str]

IMAGE_SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".jpe", ".tif", ".tiff", ".webp", ".bmp", ".gif", ".avif", ".jp2", ".mpo",
    ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".psd", ".qoi", ".exr",
)  # fmt: skip
"""Suffixes, in lower case, by which a photograph is recognised in a folder; reading goes by content."""

_COPY_AGAIN = "Copy or download it again."
_KNOWN = "Open a JPEG, PNG, TIFF, WebP, BMP or GIF picture; convert HEIC and camera raw files first."


def read_image(path: AnyPath) -> Image:
    """The photograph in the file `path`.

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1], C-contiguous. Integer samples are divided by the largest of their type, so 8-bit
    files give exactly value / 255. Colours in another embedded profile are converted to sRGB, OpenEXR's linear light is
    encoded as sRGB; `read_photograph` says so. Float samples are taken as they are; up to a tenth of them may lie
    outside [0, 1] and are clipped.

    Raises
    ------
    ImageError : no such file, a folder, empty, no permission, not a picture, truncated or damaged, over
        400 million pixels, NaN or infinite values, or float values of another range

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> image = read_image(resource(SAMPLE))
    >>> image.shape, image.dtype
    ((512, 512, 3), dtype('float32'))
    """
    return read_photograph(path).image


class Photograph(NamedTuple):
    """An image as `read_image` gives it; `conversion` says how its colours became sRGB, "" where they were."""

    image: Image
    conversion: str


def read_photograph(path: AnyPath) -> Photograph:
    """The photograph in the file `path` and what was done to its colours; raises as `read_image`.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> read_photograph(resource(SAMPLE)).conversion
    ''
    """
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        header = decode.read_header(source)
        _check_memory(header, _forecast(header))
        samples, conversion = decode.decode(source)
        return Photograph(image_from_array(samples, name=str(source)), conversion)


def read_to_fit(path: AnyPath) -> tuple[Photograph, str]:
    """The photograph in the file `path`, reduced where there is no memory to read it whole; raises as `read_image`.

    It is then read at a half, a quarter or an eighth of its size, where its format allows to decode less.

    Returns
    -------
    The photograph, and a sentence that says from which size it was reduced and why, "" where it was not
    """
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        header = decode.read_header(source)
        size = None if _fits(_forecast(header)) else _size_that_fits(source, header)
        if size is None:
            return read_photograph(source), ""
        said = _too_large(header, _forecast(header)) + f" It is read at {size[1]} x {size[0]}."
        samples, conversion = decode.reduced(source, max(size))
        return Photograph(area_average(samples, size, name=str(source)), conversion), said


def read_reduced(path: AnyPath, long_side: int) -> Photograph:
    """The photograph reduced, never enlarged, to `long_side` pixels on its longer side: means over areas, float32 RGB.

    Where the format allows it less is decoded: a JPEG at an eighth, a quarter or a half of its size, a TIFF at a level
    of its pyramid, an EXR by stripes of rows. Otherwise the whole is decoded, without a float copy of it. Raises as
    `read_image`.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> read_reduced(resource(SAMPLE), 96).image.shape
    (96, 96, 3)
    """
    if long_side < 1:
        raise ParameterError(f"long_side must be at least 1 pixel, got {long_side}.")
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        header = decode.read_header(source)
        size = reduced_size(header.size, long_side)
        _check_memory(header, _forecast_reduced(source, size))
        samples, conversion = decode.reduced(source, max(size))
        return Photograph(area_average(samples, size, name=str(source)), conversion)


def decoding_bytes(path: AnyPath) -> int:
    """The most memory that `read_image` takes for the file `path`, image included, from its header; raises as that."""
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        return _forecast(decode.read_header(source))


def _forecast(header: decode.Header, *, whole: bool = True) -> int:
    """Bytes at the peak of decoding, of the image too where it is made at its `whole` size."""
    stored = header.channels * header.sample_bytes
    decoded = 2 * stored + 2 + (12 + 4 * header.channels if header.converted else 0)  # the decoder's copy and ours
    alpha = header.channels in (2, 4)
    image = (12 + 4 * header.channels * (4 if alpha else 1)) if whole or alpha else 4
    return header.size[0] * header.size[1] * (decoded + image) + header.besides


def _forecast_reduced(source: Path, size: tuple[int, int]) -> int:
    """The same of a picture that is reduced to `size` (H, W)."""
    return _forecast(decode.reduced_header(source, max(size)), whole=False) + 2 * 12 * size[0] * size[1]


def _size_that_fits(source: Path, header: decode.Header) -> tuple[int, int] | None:
    """A half, a quarter or an eighth of the picture's size (H, W), whatever can be read first; None if none can."""
    sizes = [reduced_size(header.size, max(1, max(header.size) // part)) for part in (2, 4, 8)]
    return next((size for size in sizes if _fits(_forecast_reduced(source, size))), None)


def _fits(needed: int) -> bool:
    return needed <= budget.free_memory() * budget.current.decoding_share


def _check_memory(header: decode.Header, needed: int) -> None:
    """Raise `ImageError` where reading would take more than its share of the memory that is free."""
    if not _fits(needed):
        hint = "Scale it down or cut a part out of it first, or close other programs."
        raise ImageError(_too_large(header, needed), hint=hint)


def _too_large(header: decode.Header, needed: int) -> str:
    return (
        f"The picture has {header.size[1]} x {header.size[0]} pixels, which take {needed / budget.GIB:.1f} GB of "
        f"memory to read; {budget.free_memory() / budget.GIB:.1f} GB are free."
    )


def image_size(path: AnyPath) -> tuple[int, int]:
    """(H, W) of the photograph as `read_image` gives it, from the file's header alone; raises as that does."""
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        return decode.size(source)


def read_thumbnail(path: AnyPath, side: int) -> Picture:
    """The photograph reduced, never enlarged, to at most `side` pixels a side, (h, w, 3) uint8.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> max(read_thumbnail(resource(SAMPLE), 96).shape)
    96
    """
    if side < 1:
        raise ParameterError(f"side must be at least 1 pixel, got {side}.")
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        return to_picture(image_from_array(decode.thumbnail(source, side), name=str(source)))


def read_text(path: AnyPath) -> dict[str, str]:
    """The named texts at the beginning of the PNG file `path`; {} of other files. Raises as `read_image`."""
    source = Path(path)
    with _plainly(str(source)):
        check_regular_file(source, ImageError, noun="a picture")
        return decode.texts(source)


@contextlib.contextmanager
def _plainly(name: str) -> Iterator[None]:
    """Turn whatever goes wrong while reading `name` into an `ImageError` with a sentence."""
    try:
        yield
    except ImageError as error:
        said = str(error)
        raise error if said.startswith(name) else ImageError(f"{name}: {said}", hint=error.hint) from error
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist.", hint="It may have been moved or renamed.", missing=True) from error
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
