"""Camera raw, developed by LibRaw with the camera's white balance; never the thumbnail that the file carries."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sss_model.errors import ImageError
from sss_model.image_io.decoded import Decoded, Decoder, Header, needed
from sss_model.image_io.iso_boxes import brands
from sss_model.image_io.pixel_values import check_size
from sss_model.params import ReadParams

SUFFIXES = (
    ".dng", ".nef", ".nrw", ".cr2", ".cr3", ".crw", ".arw", ".srf", ".sr2", ".raf", ".orf", ".rw2", ".rwl", ".pef",
    ".srw", ".x3f", ".3fr", ".fff", ".iiq", ".mos", ".mef", ".mrw", ".erf", ".kdc", ".dcr", ".raw",
)  # fmt: skip
_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM")
_TIFF = (b"II*\0", b"MM\0*")
_DNG_VERSION, _PHOTOMETRIC, _CFA_PATTERN = 50706, 262, 33422
_INSIDE = 8  # TIFFs in the first that are looked into
_MOSAIC, _LINEAR_RAW = 32803, 34892


def _recognises(head: bytes, source: Path) -> bool:
    if head.startswith(_MAGIC) or head[6:14] == b"HEAPCCDR" or b"crx " in brands(head):
        return True
    return head[:4] in _TIFF and (head[8:10] == b"CR" or _is_raw_tiff(source))


def _is_raw_tiff(source: Path) -> bool:
    """Whether the tags of a TIFF, or of one inside it, say that it holds what a sensor saw."""
    try:
        with needed("tifffile", "TIFF pictures").TiffFile(source) as file:
            first = file.pages[0]
            if _DNG_VERSION in first.tags:
                return True
            return any(_is_mosaic(page.tags) for page in (first, *itertools.islice(first.pages or (), _INSIDE)))
    except Exception:  # damaged; whoever reads it says how
        return False


def _is_mosaic(tags: Any) -> bool:
    photometric = tags.get(_PHOTOMETRIC)
    return _CFA_PATTERN in tags or (photometric is not None and photometric.value in (_MOSAIC, _LINEAR_RAW))


@contextlib.contextmanager
def _opened(source: Path) -> Iterator[Any]:
    rawpy = needed("rawpy", "Camera raw files")
    try:
        with rawpy.imread(str(source)) as raw:
            yield raw
    except rawpy.LibRawFileUnsupportedError as error:
        raise ImageError(
            f"{source} is camera raw of a camera that LibRaw {'.'.join(map(str, rawpy.libraw_version))} does not know.",
            hint="Develop it with the camera's program, or convert it to DNG.",
        ) from error


def _size(raw: Any) -> tuple[int, int]:
    """(H, W) upright."""
    height, width = raw.sizes.iheight, raw.sizes.iwidth
    return (width, height) if raw.sizes.flip in (5, 6) else (height, width)


def _half(raw: Any, long_side: int | None) -> bool:
    return long_side is not None and max(_size(raw)) // 2 >= long_side


def _header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    with _opened(source) as raw:
        height, width = _size(raw)
        check_size(width, height)
        if _half(raw, long_side):
            height, width = (height + 1) // 2, (width + 1) // 2
        mosaic = raw.sizes.raw_height * raw.sizes.raw_width * 2
        return Header((height, width), 3, 4, False, mosaic + source.stat().st_size)


def _decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    with _opened(source) as raw:
        check_size(*_size(raw)[::-1])
        half = _half(raw, long_side)
        samples = np.asarray(raw.postprocess(use_camera_wb=True, half_size=half))
    return Decoded(samples, ("developed from camera raw with the camera's white balance",))


CAMERA_RAW = Decoder("camera raw", SUFFIXES, _recognises, _header, _decode)
