"""TIFFs that Pillow cannot hold: float or planar colour, more than 8 bits. Read by tifffile, where it is installed."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError
from sss_model.image_io.colour_profile import convert, find_conversion
from sss_model.image_io.pixel_values import check_size, unit_range, upright
from sss_model.image_io.tiff_segments import page_array

_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_ORIENTATION, _PROFILE = 0x0112, 34675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS = 0, 1, 2, 5  # PhotometricInterpretation
_ASSOCIATED, _STRAIGHT = 1, 2  # ExtraSamples: colours already multiplied by alpha, or not


def is_tiff(source: Path) -> bool:
    """Whether the first bytes are a TIFF's or BigTIFF's."""
    with open(source, "rb") as file:
        return file.read(4) in _MAGIC


def size(source: Path) -> tuple[int, int] | None:
    """(H, W) upright, from the first page's tags; None without tifffile."""
    with _first_page(source) as page:
        if page is None:
            return None
        check_size(page.imagewidth, page.imagelength)
        height, width = page.imagelength, page.imagewidth
        return (width, height) if _turn(page) >= 5 else (height, width)


def stored_samples(source: Path) -> tuple[int, int, bool] | None:
    """Channels of the first page, bytes of a sample, and whether it has a colour profile; None without tifffile."""
    with _first_page(source) as page:
        if page is None:
            return None
        return int(page.samplesperpixel), max(1, int(page.bitspersample) // 8), _PROFILE in page.tags


def read_level(source: Path, long_side: int) -> tuple[NDArray[Any], str] | None:
    """As `read_deep`, the smallest level of a pyramid with `long_side` pixels at least on its long side.

    None where there is no pyramid, or a level that Pillow alone reads.
    """
    with _first_page(source) as page:
        if page is None or page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS):
            return None
        level = _level_of(page, long_side)
        if level is None:
            return None
        _refuse_many_channels(level)
        samples = page_array(level, ImageError)
        samples = np.moveaxis(samples, 0, -1) if level.axes.startswith("S") else samples
        samples, said = _colours(samples if samples.ndim == 3 else samples[..., None], level)
        return upright(samples, _turn(page)), said


def level_size(source: Path, long_side: int) -> tuple[int, int] | None:
    """(H, W) of the level that `read_level` reads; None where it reads none."""
    with _first_page(source) as page:
        if page is None or page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS):
            return None
        level = _level_of(page, long_side)
        return None if level is None else (int(level.imagelength), int(level.imagewidth))


def _level_of(page: Any, long_side: int) -> Any:
    """The smallest level of the page's pyramid with `long_side` pixels at least; None without a pyramid."""
    levels = [level.keyframe for level in page.parent.series[0].levels]
    large = [level for level in levels if max(level.imagewidth, level.imagelength) >= long_side]
    return large[-1] if len(levels) > 1 and large else None


def read_deep(source: Path) -> tuple[NDArray[Any], str] | None:
    """Samples of the first page, upright and in sRGB, with alpha last, and what `convert` says of their colours.

    None where Pillow reads it as well or better.
    """
    with _first_page(source) as page:
        if page is None:
            return None
        check_size(page.imagewidth, page.imagelength)
        planar = page.samplesperpixel > 1 and page.planarconfig == 2
        plain = page.samplesperpixel <= 4 and page.bitspersample <= 8 and not planar
        if plain or page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _INKS):
            return None
        _refuse_many_channels(page)
        try:
            samples = page_array(page, ImageError)
        except ImageError:
            if planar or page.dtype is None or page.dtype.kind == "f":
                raise
            return None  # 12 bits, say, or JPEG 2000
        if page.axes.startswith("S"):
            samples = np.moveaxis(samples, 0, -1)
        samples, said = _colours(samples if samples.ndim == 3 else samples[..., None], page)
        return upright(samples, _turn(page)), said


@contextlib.contextmanager
def _first_page(source: Path) -> Iterator[Any]:
    """tifffile's first page, or None without tifffile."""
    try:
        tifffile: Any = importlib.import_module("tifffile")
    except ImportError:
        yield None
        return
    with tifffile.TiffFile(source) as file:
        yield file.pages[0]


def _turn(page: Any) -> int:
    tag = page.tags.get(_ORIENTATION)
    return int(tag.value) if tag is not None and tag.value in range(1, 9) else 1


def _refuse_many_channels(page: Any) -> None:
    colours = 4 if page.photometric == _INKS else 3
    if page.samplesperpixel > colours + 1:
        raise ImageError(
            f"The TIFF has {page.samplesperpixel} channels; a picture has 1 to {colours + 1}.",
            hint="A feature map is opened as features, with its picture beside it.",
        )


def _colours(samples: NDArray[Any], page: Any) -> tuple[NDArray[Any], str]:
    """The page's samples (H, W, C) as grey or RGB in sRGB, with straight alpha last, and what was converted."""
    profile = page.tags.get(_PROFILE)
    conversion = find_conversion(bytes(profile.value) if profile is not None else None)
    if page.photometric == _INKS:
        if conversion is not None and conversion.space == "CMYK":
            return convert(samples[..., :4], conversion)
        inks = 1 - unit_range(samples[..., :4])
        return np.asarray(inks[..., :3] * inks[..., 3:]), ""
    if conversion is not None and conversion.space == "CMYK":
        conversion = None
    return convert(_straight(samples, page), conversion)


def _straight(samples: NDArray[Any], page: Any) -> NDArray[Any]:
    """Grey or RGB of `samples` (H, W, C), with straight alpha last where one is marked as alpha."""
    count = 3 if samples.shape[2] >= 3 else 1
    colours, extra = samples[..., :count], samples[..., count : count + 1]
    if page.photometric == _WHITE_IS_ZERO:
        colours = 1 - unit_range(colours)
    kind = int(page.extrasamples[0]) if page.extrasamples and count + len(page.extrasamples) == samples.shape[2] else 0
    if extra.shape[2] == 0 or kind not in (_ASSOCIATED, _STRAIGHT):
        return colours
    if kind == _STRAIGHT and colours.dtype == extra.dtype:
        return np.concatenate([colours, extra], axis=2)
    colours, alpha = unit_range(colours), unit_range(extra)
    if kind == _ASSOCIATED:
        colours = np.clip(colours / np.maximum(alpha, np.float32(1e-6)), 0, 1)
    return np.concatenate([colours, alpha], axis=2)
