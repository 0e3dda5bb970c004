"""The `[image | features]` strip: one 8-bit PNG (H, 2W, 3), as the authors' MATLAB demo reads its input."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError, ParameterError
from sss_model.finite import check_array
from sss_model.image_io import read_image, read_text, to_picture, write_picture

STRIP_TITLE = "image | features"  # the PNG's Title, by which our own strips are known


def write_strip(path: str | os.PathLike[str], image: NDArray[Any], map3: NDArray[Any]) -> None:
    """Write `image` and, to its right, `map3`, both (H, W, 3) float in [0, 1], as one PNG.

    Raises `ParameterError` for unlike shapes, NaN and infinity, `ImageError` where the file cannot be written.
    """
    check_array(image, "image")
    check_array(map3, "map3")
    if image.shape != map3.shape:
        raise ParameterError(f"map3 must have the image's shape {image.shape}, got {map3.shape}.")
    both = np.concatenate([to_picture(image), to_picture(map3, name="map3")], axis=1)
    write_picture(path, both, text={"Title": STRIP_TITLE})


def read_strip(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(image, map3) of the strip `path`: its left and right half, each (H, W, 3) float32 in [0, 1].

    Raises `ImageError` where it is no picture, `FeatureFileError` where its width is odd.
    """
    both = read_image(path)
    width = both.shape[1]
    if width % 2:
        raise FeatureFileError(
            f"{path} is {width} pixels wide; a strip of image and features has an even width.",
            hint="Open it as a picture, if it is one.",
        )
    return both[:, : width // 2].copy(), both[:, width // 2 :].copy()


def is_strip(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a strip that `write_strip` wrote; another program's strip cannot be told from a picture."""
    return read_text(path).get("Title") == STRIP_TITLE
