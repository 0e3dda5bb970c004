"""A picture -> a PNG file: OpenCV packs it, in a quarter of Pillow's time and a tenth more bytes."""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping

import numpy as np
from PIL.PngImagePlugin import PngInfo, putchunk

from sss_model.array_types import Picture
from sss_model.errors import ImageError, ParameterError
from sss_model.finite import check_array
from sss_model.storage.atomic_write import replacing

_HEAD = 33  # bytes of a PNG before the chunks that may follow its header


def write_picture(
    path: str | os.PathLike[str], picture: Picture, *, text: Mapping[str, str] | None = None, profile: bytes = b""
) -> None:
    """Write `picture` (H, W, 3) uint8 RGB, or (H, W, 4) with straight alpha, as the PNG file `path`, whole or not.

    Parameters
    ----------
    text : named texts, which `read_text` gives back
    profile : the ICC profile of its colours; b'' for sRGB

    Raises
    ------
    ParameterError : not (H, W, 3) or (H, W, 4) uint8
    ImageError : the folder is missing or read-only, the disk is full; an older file of that name is then untouched

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sss_model.image_io.read import read_text
    >>> with TemporaryDirectory() as folder:
    ...     write_picture(f"{folder}/red.png", np.array([[[255, 0, 0]]], np.uint8), text={"Title": "red"})
    ...     read_text(f"{folder}/red.png")
    {'Title': 'red'}
    """
    check_array(picture, "picture")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (3, 4) or 0 in picture.shape:
        raise ParameterError(f"picture must be (H, W, 3) or (H, W, 4) uint8, got {picture.shape} {picture.dtype}.")
    import cv2  # here: not every program that starts writes pictures

    notes = PngInfo()
    for name, words in (text or {}).items():
        notes.add_text(name, words)
    if profile:
        notes.add(b"iCCP", b"ICC Profile\0\0" + zlib.compress(profile))
    swapped = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR if picture.shape[2] == 3 else cv2.COLOR_RGBA2BGRA)
    with replacing(path, ImageError) as temporary, open(temporary, "xb") as file:
        packed = cv2.imencode(".png", swapped)[1].tobytes()
        file.write(packed[:_HEAD])
        for kind, content, *_ in notes.chunks:
            putchunk(file, kind, content)
        file.write(packed[_HEAD:])
