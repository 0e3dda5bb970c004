"""TIFF by tifffile and imagecodecs, with every depth and compression; by Pillow what those leave, such as old JPEG.

Of a stack one page is read, of a pyramid the level that is asked for. Channels that lie on pages of their own are laid
over one another in their colours, as a microscope's programs show them.
"""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import jpeg2000, jpegxl, pillow
from sss_model.image_io.coding_points import coloured
from sss_model.image_io.colour_profile import find_conversion, lab_to_srgb
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.display_range import ranged
from sss_model.image_io.light import Mending
from sss_model.image_io.pixel_values import MAX_PIXELS, check_size, unit_range, upright
from sss_model.image_io.tiff_channels import composite, display_range
from sss_model.params import ReadParams

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION, _PROFILE, _COLOUR_MAP, _EXIF = 0x0112, 34675, 320, 34665
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _MASK, _INKS, _YCBCR = 0, 1, 2, 3, 4, 5, 6
_LAB, _ICC_LAB = 8, 9  # PhotometricInterpretation
_OLD_JPEG, _JPEGS = 6, (7, 34892, 33007, 34933)  # Compression; those that give RGB of YCbCr
_JPEG_XL, _JPEG_2000 = (50002, 52546), (34712, 33003, 33004, 33005)
_ASSOCIATED, _STRAIGHT = 1, 2  # ExtraSamples: colours already multiplied by alpha, or not
_MOST_CHANNELS = 7  # that are laid over one another
_SAME_SHAPE = 0.02  # by which the proportions of a level may differ
_LARGEST_SEGMENT = 1 << 28  # bytes of one strip or tile


class _Choice(NamedTuple):
    """What of a file is read: the pages of one picture, one of several where its channels lie apart."""

    series: Any
    pages: tuple[int, ...]  # within the series
    level: Any  # the series, or one of less detail
    whole: tuple[int, int]  # (H, W) as stored, of the largest level
    said: tuple[str, ...]

    @property
    def key(self) -> Any:
        """tifffile's page of the level whose tags count."""
        return self.level.keyframe


def check_pages(source: Path) -> None:
    """Raise OSError where the directories of a TIFF's pages are more bytes than the file: they lie over one another.

    tifffile would read them one by one, which in a damaged file may be for ever.
    """
    with open(source, "rb") as file:
        size, head = file.seek(0, 2), b""
        file.seek(0)
        head = file.read(16)
        order, big = "<" if head[:2] == b"II" else ">", head[2:4] in (b"+\0", b"\0+")
        count, step, form, width = (8, 20, "Q", 8) if big else (2, 12, "I", 4)
        offset, total = struct.unpack_from(f"{order}{form}", head.ljust(16, b"\0"), 8 if big else 4)[0], 0
        while 0 < offset < size and total <= size:
            file.seek(offset)
            tags = int.from_bytes(file.read(count), "little" if order == "<" else "big")
            total += count + step * tags + width
            file.seek(offset + count + step * tags)
            offset = int.from_bytes(file.read(width), "little" if order == "<" else "big")
    if total > size:
        raise OSError("the directories of its pages lie over one another")


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[Any]:
    check_pages(source)
    with needed("tifffile", "TIFF pictures").TiffFile(source) as file:
        if not file.series:
            raise OSError("it has no picture")
        yield file


def page_count(source: Path) -> int:
    """How many pictures the file is a stack of."""
    with _opened(source) as file:
        return len(_places(file))


def _places(file: Any) -> list[tuple[Any, int]]:
    """The series and the place in it of each picture."""
    pictures = [series for series in file.series if not _is_thumbnail(series)] or [file.series[0]]
    if len(_levels(file.series[0])) > 1 or file.is_svs or file.is_ndpi:
        pictures = pictures[:1]  # the others are labels and views of the same slide
    return [(series, k) for series in pictures for k in range(_stacked(series))]


def _choose(file: Any, params: ReadParams, long_side: int | None) -> _Choice:
    places = _places(file)
    if not 0 <= params.page <= len(places):
        raise ParameterError(f"page (Page) must be from 1 to {len(places)}, got {params.page}.")
    place = max(params.page - 1, 0)
    series, index = places[place]
    said = (f"page {place + 1} of {len(places)}",) if len(places) > 1 else ()
    whole = int(series.keyframe.imagelength), int(series.keyframe.imagewidth)
    level = _level(series, long_side)
    key = level.keyframe
    if level is not series and long_side is None:
        said = (*said, f"level {key.imagewidth} x {key.imagelength} of {whole[1]} x {whole[0]}")
    check_size(key.imagewidth, key.imagelength)
    channels = _apart(series)
    return _Choice(series, _pages(series, index, channels), level, whole, said)


def _is_thumbnail(series: Any) -> bool:
    return bool(series.keyframe.is_reduced) or int(series.keyframe.photometric or 0) == _MASK


def _axes(series: Any) -> dict[str, int]:
    """Lengths of the axes before rows, columns and samples."""
    return {name: n for name, n in zip(series.axes, series.shape, strict=True) if name not in "YXS"}


def _apart(series: Any) -> int:
    """How many channels lie on pages of their own."""
    channels = _axes(series).get("C", 1)
    return channels if 1 < channels <= _MOST_CHANNELS else 1


def _stacked(series: Any) -> int:
    """How many pictures the series is a stack of."""
    return max(1, math.prod(_axes(series).values()) // _apart(series))


def _pages(series: Any, index: int, channels: int) -> tuple[int, ...]:
    """The pages of the series that are the channels of picture `index`."""
    axes = _axes(series)
    if channels == 1:
        return (index,)
    grid = np.arange(math.prod(axes.values())).reshape(tuple(axes.values()))
    apart = np.moveaxis(grid, list(axes).index("C"), -1).reshape(-1, channels)
    return tuple(int(page) for page in apart[index])


def _level(series: Any, long_side: int | None) -> Any:
    """The smallest level of a pyramid with `long_side` pixels at least; None: the largest that may be read."""
    levels = _levels(series)
    sizes = [(level.keyframe.imagewidth, level.keyframe.imagelength) for level in levels]
    if long_side is not None:
        large = [k for k, size in enumerate(sizes) if max(size) >= long_side]
        return levels[large[-1] if large else 0]
    return next((levels[k] for k, (width, height) in enumerate(sizes) if width * height <= MAX_PIXELS), series)


def _levels(series: Any) -> list[Any]:
    """The series and what shows the same at less detail, largest first; tifffile knows steps of 2, 3 and 4 alone."""
    whole, result = series.keyframe, list(series.levels)
    for other in whole.parent.series:
        key = other.keyframe
        smaller = key.imagewidth < whole.imagewidth and (key.is_reduced or key.is_subifd)
        alike = (key.samplesperpixel, key.dtype, key.photometric) == (
            whole.samplesperpixel,
            whole.dtype,
            whole.photometric,
        )
        ratio = key.imagewidth * whole.imagelength / max(key.imagelength * whole.imagewidth, 1)
        if other not in result and smaller and alike and other.axes == series.axes and abs(ratio - 1) < _SAME_SHAPE:
            result.append(other)
    return sorted(result, key=lambda level: -int(level.keyframe.imagewidth))


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    with _opened(source) as file:
        chosen = _choose(file, params, long_side)
        key = chosen.key
        channels = len(chosen.pages) if len(chosen.pages) > 1 else int(key.samplesperpixel)
        sample = max(1, -(-int(key.bitspersample) // 8))
        turned = _turn(key) >= 5
        size, whole = ((key.imagelength, key.imagewidth), chosen.whole)
        besides = int(chosen.series.nbytes) if not _is_paged(chosen) else 0
        if len(chosen.pages) > 1:
            besides += 8 * channels * size[0] * size[1]
        palette = int(key.photometric or 0) == _PALETTE
        size, whole = (size[::-1], whole[::-1]) if turned else (size, whole)
        return Header(size, 3 if palette else min(channels, 5), sample, _PROFILE in key.tags, besides, whole)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    with _opened(source) as file:
        chosen = _choose(file, params, long_side)
        key = chosen.key
        try:
            done = _by_tifffile(chosen, params)
        except Exception as refusal:
            done = _by_pillow(source, chosen, refusal)
        return Decoded(upright(done.samples, _turn(key)), (*chosen.said, *done.said))


def _by_tifffile(chosen: _Choice, params: ReadParams) -> Decoded:
    key, level = chosen.key, chosen.level
    photometric, compression = int(key.photometric or 0), int(key.compression)
    if compression == _OLD_JPEG or (photometric == _YCBCR and compression not in _JPEGS):
        raise NotImplementedError(f"{key.compression.name} of {key.photometric.name}")
    _check_segments(key)
    planes = [_page(chosen, level, page) for page in chosen.pages]
    if len(planes) > 1:
        return composite(np.stack([plane[..., 0] for plane in planes], axis=-1), chosen.series, params)
    samples = planes[0]
    colours = {_INKS: 4, _RGB: 3, _YCBCR: 3, _LAB: 3, _ICC_LAB: 3}.get(photometric, 1)
    _refuse_many_channels(samples, 3 if photometric == _BLACK_IS_ZERO else colours, key)
    if samples.dtype.kind == "c":
        raise ImageError("The TIFF holds complex numbers; a picture has real ones.")
    return _colours(samples, key, params, display_range(chosen.series, key))


def _is_paged(chosen: _Choice) -> bool:
    """Whether each page can be read by itself."""
    return len(chosen.level.pages) == max(1, math.prod(_axes(chosen.series).values()))


def _page(chosen: _Choice, level: Any, index: int) -> NDArray[Any]:
    """Samples (H, W, C) of a page."""
    if _is_paged(chosen):
        page = level.pages[index]
        _check_whole(page)
        _check_streams(page)
        samples = np.asarray(page.asarray())
        axes = level.keyframe.axes
    else:
        whole = np.asarray(level.asarray())
        lead = len(_axes(chosen.series))
        samples = whole.reshape(-1, *whole.shape[lead:])[index]
        axes = level.axes[lead:]
    if samples.ndim == 3 and axes.startswith("S"):
        samples = np.moveaxis(samples, 0, -1)
    if samples.ndim > 3:
        raise ImageError(f"The TIFF's page has the axes {axes}; a picture has rows, columns and colours.")
    return samples if samples.ndim == 3 else samples[..., None]


def _check_whole(page: Any) -> None:
    """Raise EOFError where the file ends before the page's data."""
    size = page.parent.filehandle.size
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False)]
    if ends and max(ends) > size:
        raise EOFError("the picture is truncated")


def _check_segments(key: Any) -> None:
    """Raise `ImageError` for strips or tiles far larger than the picture that they are parts of."""
    rows, columns = (
        (key.tilelength, key.tilewidth) if key.is_tiled else (min(key.rowsperstrip, key.imagelength), key.imagewidth)
    )
    segment = rows * columns * max(1, key.bitspersample // 8) * key.samplesperpixel
    if segment > _LARGEST_SEGMENT and segment > 4 * key.imagelength * key.imagewidth * key.samplesperpixel:
        raise ImageError(
            f"The TIFF's tiles of {columns} x {rows} pixels are larger than the picture.", hint="Save it again."
        )


def _check_streams(page: Any) -> None:
    """Raise `ImageError` for codestreams in it that say that they are far larger than their tile or strip."""
    parse = {**dict.fromkeys(_JPEG_XL, jpegxl.stream_size), **dict.fromkeys(_JPEG_2000, jpeg2000.stream_size)}
    size_of = parse.get(int(page.compression))
    key, file = page.keyframe, page.parent.filehandle
    if size_of is None:
        return
    rows, columns = (key.tilelength, key.tilewidth) if key.is_tiled else (key.rowsperstrip, key.imagewidth)
    for offset in page.dataoffsets:
        file.seek(offset)
        size = size_of(file.read(64))
        if size is not None and size[0] * size[1] > 4 * rows * columns:
            raise ImageError(
                f"The TIFF holds a part of {size[1]} x {size[0]} pixels, where {columns} x {rows} are due."
            )


def _by_pillow(source: Path, chosen: _Choice, refusal: Exception) -> Decoded:
    """The page by Pillow; else what went wrong before, in a sentence."""
    if isinstance(refusal, ImageError | ParameterError | MemoryError | EOFError):
        raise refusal
    key = chosen.key
    try:
        if chosen.level is not chosen.series or len(chosen.pages) > 1 or key.bitspersample > 8:
            raise refusal
        with pillow.opened(source, "TIFF") as picture:
            picture.seek(key.index if isinstance(key.index, int) else 0)
            profile = pillow.profile_of(picture)
            samples = pillow.samples_of(picture, profile)
            turned = (
                upright(samples, _turned_back(key)) if samples.shape[:2] != key.shape[:2] or _turn(key) > 1 else samples
            )
            return coloured(turned, profile)
    except ImageError:
        raise
    except Exception as error:
        if isinstance(refusal, NotImplementedError) or "requires" in str(refusal) or isinstance(refusal, ImportError):
            raise ImageError(
                f"The TIFF is compressed as {_name(key.compression)} with the predictor {_name(key.predictor)} and "
                f"{key.bitspersample} bits a sample, which is not read.",
                hint="Save it uncompressed, or with LZW, Deflate or ZSTD compression.",
            ) from error
        raise ImageError(
            f"The TIFF's {_name(key.compression)} data is damaged.", hint="Copy or download it again."
        ) from refusal


def _turned_back(key: Any) -> int:
    """The orientation that undoes the page's, which Pillow applies by itself."""
    turn = _turn(key)
    return {6: 8, 8: 6}.get(turn, turn)


def _name(value: Any) -> str:
    return str(getattr(value, "name", value))


def _turn(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _refuse_many_channels(samples: NDArray[Any], colours: int, key: Any) -> None:
    channels = samples.shape[2]
    if channels > colours + 2:
        raise ImageError(
            f"The TIFF has {channels} channels; a picture has 1 to {colours + 1}.",
            hint="A feature map is opened as features, with its picture beside it.",
        )


def _colours(samples: NDArray[Any], key: Any, params: ReadParams, told: tuple[float, float] | None) -> Decoded:
    """The page's samples (H, W, C) as grey or RGB in sRGB, with straight alpha last, and what was converted."""
    photometric = int(key.photometric or 0)
    tag = key.tags.get(_PROFILE)
    profile = bytes(tag.value) if tag is not None and isinstance(tag.value, bytes) else None
    if profile is None and photometric == _RGB and _EXIF in key.tags:  # which may name Adobe RGB
        with contextlib.suppress(Exception), pillow.opened(Path(key.parent.filehandle.path), "TIFF") as picture:
            profile = pillow.profile_of(picture)
    if photometric == _PALETTE:
        table = np.asarray(key.tags[_COLOUR_MAP].value, np.uint16).reshape(3, -1).T
        levels = (table >> 8).astype(np.uint8) if table.max() > 255 else table.astype(np.uint8)
        return coloured(levels[np.minimum(samples[..., 0], len(levels) - 1)], profile)
    if photometric in (_LAB, _ICC_LAB):
        lab = lab_to_srgb(samples[..., :3], offset=photometric == _ICC_LAB)
        return Decoded(lab, ("converted from CIE Lab to sRGB",))
    samples = _over_bits(samples, key)
    if photometric == _INKS:
        return _inks(samples, profile)
    said: tuple[str, ...] = ()
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        mending = Mending(params)
        samples = np.array(samples, np.float32)
        mending.fill(samples)
        said = mending.checked()
    count = 3 if samples.shape[2] >= 3 else 1
    found = ranged(samples[..., :count], params, told)
    colours = 1 - unit_range(found.samples) if photometric == _WHITE_IS_ZERO else found.samples
    conversion = find_conversion(profile)
    done = coloured(
        _with_alpha(colours, samples[..., count:], key),
        None if conversion is None or conversion.space == "CMYK" else profile,
    )
    return Decoded(done.samples, (*said, *found.said, *done.said))


def _inks(samples: NDArray[Any], profile: bytes | None) -> Decoded:
    conversion = find_conversion(profile)
    if conversion is not None and conversion.space == "CMYK":
        return coloured(samples[..., :4], profile)
    inks = 1 - unit_range(samples[..., :4])
    return Decoded(np.asarray(inks[..., :3] * inks[..., 3:]))


def _over_bits(samples: NDArray[Any], key: Any) -> NDArray[Any]:
    """Samples of fewer bits than their type over its whole range."""
    bits = int(key.bitspersample)
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype.kind != "u" or bits >= samples.dtype.itemsize * 8:
        return samples
    top = np.float32(2**bits - 1)
    if samples.dtype == np.uint8:
        return np.asarray(np.rint(np.minimum(samples / top, 1) * 255), np.uint8)
    return np.asarray(np.minimum(samples / top, 1), np.float32)


def _with_alpha(colours: NDArray[Any], extra: NDArray[Any], key: Any) -> NDArray[Any]:
    """`colours` with the first of the `extra` samples that is marked as alpha, straight and last."""
    kinds = [int(kind) for kind in key.extrasamples or ()][: extra.shape[2]]
    place = next((i for i, kind in enumerate(kinds) if kind in (_ASSOCIATED, _STRAIGHT)), None)
    if place is None:
        return colours
    alpha = extra[..., place : place + 1]
    if kinds[place] == _STRAIGHT and colours.dtype == alpha.dtype:
        return np.concatenate([colours, alpha], axis=2)
    unit, alpha = unit_range(colours), unit_range(alpha)
    if kinds[place] == _ASSOCIATED:
        unit = np.clip(unit / np.maximum(alpha, np.float32(1e-6)), 0, 1)
    return np.concatenate([unit, alpha], axis=2)


TIFF = Decoder("TIFF", (".tif", ".tiff", ".btf", ".svs"), lambda head, _: head.startswith(_MAGIC), _header, _decode)
