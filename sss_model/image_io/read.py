"""A picture file -> an image, its size, a thumbnail or its texts; whatever goes wrong becomes an `ImageError`."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import UnidentifiedImageError

from sss_model import budget
from sss_model.array_types import Floats, Picture
from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import decode, exr, png, tiff
from sss_model.image_io.decoded import Decoded, Header, Plate
from sss_model.image_io.pixel_values import image_from_array, opaque, to_picture
from sss_model.image_io.reduce import area_average, reduced_size
from sss_model.image_io.regular_file import check_regular_file
from sss_model.params import ReadParams
from sss_model.storage.atomic_write import reason

AnyPath = str | os.PathLike[str]

IMAGE_SUFFIXES = decode.SUFFIXES
"""Suffixes, in lower case, that pictures have; reading goes by content."""

_COPY_AGAIN = "Copy or download it again."
_KNOWN = "Open a JPEG, PNG, TIFF, HEIC, WebP, EXR or camera raw picture, say."
_DEFAULT = ReadParams()
_PARTS = (2, 4, 8, 16, 32, 64)  # of its size, at which a picture may be read instead


def read_image(path: AnyPath, params: ReadParams = _DEFAULT) -> Floats:
    """The photograph in the file `path`.

    Parameters
    ----------
    params : what to take where the file leaves a choice

    Returns
    -------
    (H, W, 3) float32 RGB in [0, 1], C-contiguous. Integer samples are divided by the largest of their type, so 8-bit
    files give exactly value / 255. Colours of another profile are converted to sRGB, linear light is encoded as sRGB,
    its highlights above 1 roll off; `read_photograph` says what was done.

    Raises
    ------
    ImageError : no such file, a folder, empty, no permission, not a picture, truncated or damaged, over
        400 million pixels, or too many pixels that are not finite

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> image = read_image(resource(SAMPLE))
    >>> image.shape, image.dtype
    ((512, 512, 3), dtype('float32'))
    """
    return read_photograph(path, params).image


class Photograph(NamedTuple):
    """An image as `read_image` gives it, and what was done to make it.

    Attributes
    ----------
    conversion : every conversion in a phrase, "; " between them; "" for none
    plate : of an EXR, its windows and its linear light outside [0, 1]
    """

    image: Floats
    conversion: str
    plate: Plate | None = None


class Choices(NamedTuple):
    """What a person may choose of a file: `layers` of an EXR by name, the first taken unasked, and `pages`."""

    layers: list[str]
    pages: int


def choices_in(path: AnyPath) -> Choices:
    """What there is to choose in the picture `path`, for `ReadParams`; raises as `read_image`."""
    with _reading(path) as source:
        found = decode.find_decoder(source)
        if found is exr.EXR:
            return Choices(exr.layer_names(source), 1)
        return Choices([], tiff.page_count(source) if found is tiff.TIFF else 1)


def looks_like_picture(path: AnyPath) -> bool:
    """Whether the file `path` begins as a picture does, or is called one; only reading it says whether it is whole."""
    source = Path(path)
    try:
        found = decode.find_decoder(source)
    except OSError:
        found = None
    suffix = source.suffix.lower()
    return (found is not None and (suffix in found.suffixes or not found.weak)) or suffix in decode.PLAIN_SUFFIXES


def read_photograph(path: AnyPath, params: ReadParams = _DEFAULT) -> Photograph:
    """The photograph in the file `path` and what was done to it; raises as `read_image`.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> read_photograph(resource(SAMPLE)).conversion
    ''
    """
    with _reading(path) as source:
        header = decode.read_header(source, params)
        _check_memory(header, _forecast(header))
        decoded = decode.decode(source, params)
        if decoded.samples.shape[:2] != header.size:
            (height, width), found = header.size, decoded.samples.shape
            raise ImageError(
                f"{source} is damaged: its header says {width} x {height} pixels, it has {found[1]} x {found[0]}.",
                hint=_COPY_AGAIN,
            )
        return _photograph(decoded, str(source))


def _photograph(decoded: Decoded, name: str, size: tuple[int, int] | None = None) -> Photograph:
    """The photograph of decoded samples, at `size` (H, W) where it is given."""
    samples, said = opaque(decoded.samples)
    image = image_from_array(samples, name=name) if size is None else area_average(samples, size, name=name)
    return Photograph(image, "; ".join((*decoded.said, *said)), decoded.plate if size is None else None)


def read_to_fit(path: AnyPath, params: ReadParams = _DEFAULT) -> tuple[Photograph, str]:
    """The photograph in the file `path`, reduced where there is no memory to read it whole; raises as `read_image`.

    It is then read at a half, a quarter or an eighth of its size and so on, where its format allows to decode less.

    Returns
    -------
    The photograph, and a sentence that says from which size it was reduced and why, "" where it was not
    """
    with _reading(path) as source:
        header = decode.read_header(source, params)
        size = None if _fits(_forecast(header)) else _size_that_fits(source, header, params)
        if size is None:
            return read_photograph(source, params), ""
        said = _too_large(header, _forecast(header)) + f" It is read at {size[1]} x {size[0]}."
        return _photograph(decode.decode(source, params, max(size)), str(source), size), said


def read_reduced(path: AnyPath, long_side: int, params: ReadParams = _DEFAULT) -> Photograph:
    """The photograph reduced, never enlarged, to `long_side` pixels on its longer side: means over areas, float32 RGB.

    Where the format allows it less is decoded: a JPEG at an eighth, a quarter or a half of its size, camera raw at a
    half, a TIFF at a level of its pyramid, an EXR by stripes of rows. Otherwise the whole is decoded, without a float
    copy of it. Raises as `read_image`.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> read_reduced(resource(SAMPLE), 96).image.shape
    (96, 96, 3)
    """
    if long_side < 1:
        raise ParameterError(f"long_side must be at least 1 pixel, got {long_side}.")
    with _reading(path) as source:
        header = decode.read_header(source, params)
        size = reduced_size(header.size, long_side)
        _check_memory(header, _forecast_reduced(source, size, params))
        return _photograph(decode.decode(source, params, max(size)), str(source), size)


def decoding_bytes(path: AnyPath, params: ReadParams = _DEFAULT) -> int:
    """The most memory that `read_image` takes for the file `path`, image included, from its header; raises as that."""
    with _reading(path) as source:
        return _forecast(decode.read_header(source, params))


def _forecast(header: Header, *, whole: bool = True) -> int:
    """Bytes at the peak of decoding, of the image too where it is made at its `whole` size."""
    stored = header.channels * header.sample_bytes
    decoded = 2 * stored + 2 + (12 + 4 * header.channels if header.converted else 0)  # the decoder's copy and ours
    alpha = header.channels in (2, 4)
    image = (12 + 4 * header.channels * (4 if alpha else 1)) if whole else 4
    return header.size[0] * header.size[1] * (decoded + image) + header.besides


def _forecast_reduced(source: Path, size: tuple[int, int], params: ReadParams) -> int:
    """The same of a picture that is reduced to `size` (H, W)."""
    header = decode.read_header(source, params, max(size))
    return _forecast(header, whole=False) + 2 * 12 * size[0] * size[1]


def _size_that_fits(source: Path, header: Header, params: ReadParams) -> tuple[int, int] | None:
    """A half, a quarter, an eighth and so on of the picture's size (H, W), what can be read first; None if none can."""
    sizes = [reduced_size(header.size, max(1, max(header.size) // part)) for part in _PARTS]
    return next((size for size in sizes if _fits(_forecast_reduced(source, size, params))), None)


def _fits(needed: int) -> bool:
    return needed <= budget.free_memory() * budget.current.decoding_share


def _check_memory(header: Header, needed: int) -> None:
    """Raise `ImageError` where reading would take more than its share of the memory that is free."""
    if not _fits(needed):
        hint = "Scale it down or cut a part out of it first, or close other programs."
        raise ImageError(_too_large(header, needed), hint=hint)


def _too_large(header: Header, needed: int) -> str:
    return (
        f"The picture has {header.size[1]} x {header.size[0]} pixels, which take {needed / budget.GIB:.1f} GB of "
        f"memory to read; {budget.free_memory() / budget.GIB:.1f} GB are free."
    )


def image_size(path: AnyPath, params: ReadParams = _DEFAULT) -> tuple[int, int]:
    """(H, W) of the photograph as `read_image` gives it, from the file's header alone; raises as that does."""
    with _reading(path) as source:
        return decode.read_header(source, params).size


def stored_orientation(path: AnyPath) -> int:
    """EXIF's orientation, 1 to 8, by which the stored picture is turned; 1 where its decoder turns it itself."""
    with _reading(path) as source:
        return decode.orientation(source)


def read_thumbnail(path: AnyPath, side: int, params: ReadParams = _DEFAULT) -> Picture:
    """The photograph reduced, never enlarged, to at most `side` pixels a side, (h, w, 3) uint8.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import SAMPLE, resource
    >>> max(read_thumbnail(resource(SAMPLE), 96).shape)
    96
    """
    if side < 1:
        raise ParameterError(f"side must be at least 1 pixel, got {side}.")
    return to_picture(read_reduced(path, side, params).image)


def read_text(path: AnyPath) -> dict[str, str]:
    """The named texts at the beginning of the PNG file `path`; {} of other files. Raises as `read_image`."""
    with _reading(path) as source:
        return png.texts(source)


@contextlib.contextmanager
def _reading(path: AnyPath) -> Iterator[Path]:
    """The picture's path while it is read; whatever goes wrong becomes an `ImageError` with a sentence."""
    name = str(path := Path(path))
    try:
        check_regular_file(path, ImageError, noun="a picture")
        yield path
    except ImageError as error:
        said = str(error)
        raise error if said.startswith(name) else ImageError(f"{name}: {said}", hint=error.hint) from error
    except ParameterError as error:  # such as a page that is not there
        raise ImageError(f"{name}: {error}", hint=error.hint) from error
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
