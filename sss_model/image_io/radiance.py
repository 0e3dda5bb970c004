"""Radiance HDR and portable float maps: linear light."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.image_io.decoded import Decoded, Decoder, Header, Plate, needed
from sss_model.image_io.light import ENCODED, REC709, adapted_to_xyz, shown
from sss_model.image_io.pixel_values import check_size
from sss_model.params import ReadParams

_RADIANCE = (b"#?RADIANCE", b"#?RGBE")
_FLOAT_MAP = (b"PF", b"Pf")
_HEAD = 1 << 14
_EQUAL_ENERGY = (1 / 3, 1 / 3)  # the white of Radiance's XYZE
_FROM_XYZ = np.linalg.inv(adapted_to_xyz(np.array(REC709), _EQUAL_ENERGY)).T.astype(np.float32)


class _FloatMap(NamedTuple):
    size: tuple[int, int]
    channels: int
    order: str
    start: int


class _Radiance(NamedTuple):
    size: tuple[int, int]  # (H, W) upright
    rows: tuple[int, int]  # how many lines of how many pixels are stored
    down: bool  # whether lines are rows, and not columns
    flips: tuple[int, int]  # steps along rows and columns that make it upright
    start: int  # of the pixels
    xyz: bool


def _radiance(source: Path) -> _Radiance:
    with open(source, "rb") as file:
        head = file.read(_HEAD)
    found = re.search(rb"\n([-+])([XY]) (\d{1,9}) ([-+])([XY]) (\d{1,9})\n", head)
    if found is None or found[2] == found[5]:
        raise OSError("its header names no size")
    stored = int(found[3]), int(found[6])
    check_size(*stored)
    if 0 in stored:
        raise OSError(f"{stored[1]} x {stored[0]} pixels")
    sign = {found[2]: found[1], found[5]: found[4]}
    flips = (-1 if sign[b"Y"] == b"+" else 1, -1 if sign[b"X"] == b"-" else 1)
    down = found[2] == b"Y"
    return _Radiance(stored if down else stored[::-1], stored, down, flips, found.end(), b"32-bit_rle_xyze" in head)


def _radiance_header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    return Header(_radiance(source).size, 3, 8, False, source.stat().st_size)


def _radiance_decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    stored = _radiance(source)
    cv2 = needed("cv2", "Radiance pictures", "opencv-contrib-python-headless")
    # OpenCV reads one orientation and one kind of colours: the header says so, and what it does not say is done here
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y %d +X %d\n" % stored.rows
    pixels = np.fromfile(source, np.uint8, offset=stored.start)
    colours = cv2.imdecode(np.concatenate([np.frombuffer(head, np.uint8), pixels]), cv2.IMREAD_UNCHANGED)
    if colours is None or colours.shape != (*stored.rows, 3):
        raise OSError("the picture is truncated")
    light = colours[..., ::-1] if stored.down else colours[..., ::-1].swapaxes(0, 1)
    light = np.ascontiguousarray(light[:: stored.flips[0], :: stored.flips[1]], np.float32)
    return _lit(light @ _FROM_XYZ if stored.xyz else light, params)


def _float_map(source: Path) -> _FloatMap:
    with open(source, "rb") as file:
        head = file.read(_HEAD)
    found = re.match(rb"(PF|Pf)\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s+(\d{1,9})\s+([-+0-9.eE]{1,30})[ \t\r]?\n", head)
    if found is None:
        raise OSError("its header is not a portable float map's")
    width, height = int(found[2]), int(found[3])
    check_size(width, height)
    if not height or not width:
        raise OSError(f"{width} x {height} pixels")
    return _FloatMap((height, width), 3 if found[1] == b"PF" else 1, "<" if float(found[4]) < 0 else ">", found.end())


def _float_map_header(source: Path, params: ReadParams, long_side: int | None) -> Header:
    stored = _float_map(source)
    return Header(stored.size, stored.channels, 8, False)


def _float_map_decode(source: Path, params: ReadParams, long_side: int | None) -> Decoded:
    stored = _float_map(source)
    shape = (*stored.size, stored.channels)
    count = stored.size[0] * stored.size[1] * stored.channels
    values = np.fromfile(source, f"{stored.order}f4", count, offset=stored.start)
    if values.size < count:
        raise OSError("the picture is truncated")
    return _lit(np.ascontiguousarray(values.reshape(shape)[::-1], np.float32), params)


def _lit(light: NDArray[np.float32], params: ReadParams) -> Decoded:
    found = shown(light, params)
    window = (0, 0, light.shape[1] - 1, light.shape[0] - 1)
    kept = None if found.light is None else np.broadcast_to(found.light, (*light.shape[:2], 3))
    plate = None if kept is None else Plate(window, window, kept, found.view)
    return Decoded(found.samples, (ENCODED, *found.said), plate)


RADIANCE = Decoder(
    "Radiance",
    (".hdr", ".pic", ".rgbe"),
    lambda head, _: head.startswith(_RADIANCE),
    _radiance_header,
    _radiance_decode,
)
FLOAT_MAP = Decoder(
    "PFM",
    (".pfm",),
    lambda head, _: head.startswith(_FLOAT_MAP) and head[2:3].isspace(),
    _float_map_header,
    _float_map_decode,
)
