"""A picture -> a PNG file."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from sss_model.array_types import Picture
from sss_model.errors import ImageError, ParameterError
from sss_model.finite import check_array
from sss_model.storage.atomic_write import replacing


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
    notes = PngInfo()
    for name, words in (text or {}).items():
        notes.add_text(name, words)
    with replacing(path, ImageError) as temporary, open(temporary, "xb") as file:
        made = Pillow.fromarray(np.ascontiguousarray(picture))
        made.save(file, format="PNG", compress_level=4, pnginfo=notes, icc_profile=profile or None)
