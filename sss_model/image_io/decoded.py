"""What a decoder gives of a picture: its samples, upright and in sRGB, and what it says of them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError, SSSError
from sss_model.image_io.light import View
from sss_model.params import ReadParams

Window = tuple[int, int, int, int]  # left, top, right, bottom: the first and the last pixel


@dataclass(frozen=True)
class Plate:
    """What an image does not show of an EXR, for files that shall lie on it.

    Attributes
    ----------
    display, data : the file's windows; the image shows all of both
    linear : (H, W, 3) float32 linear light of sRGB's primaries, where values lie outside [0, 1]; None where the image
        says all
    view : how the image shows it
    """

    display: Window
    data: Window
    linear: NDArray[np.float32] | None = None
    view: View = field(default_factory=View)

    @property
    def shown(self) -> Window:
        """The window that the image shows: the smallest around both."""
        pairs = list(zip(self.display, self.data, strict=True))
        return min(pairs[0]), min(pairs[1]), max(pairs[2]), max(pairs[3])


class Decoded(NamedTuple):
    """Samples (H, W) or (H, W, C), upright, in sRGB, straight alpha last; `said` names each conversion."""

    samples: NDArray[Any]
    said: tuple[str, ...] = ()
    plate: Plate | None = None


class Header(NamedTuple):
    """What decoding will hold: (H, W), channels and bytes of a stored sample, whether colours are converted at once.

    `besides` is how many bytes it takes besides what grows with the picture, `whole` the size of what the file holds
    where less of it is ever decoded, such as a level of a pyramid.
    """

    size: tuple[int, int]
    channels: int
    sample_bytes: int
    converted: bool
    besides: int = 0
    whole: tuple[int, int] | None = None


@dataclass(frozen=True)
class Decoder:
    """One row of the table of formats.

    Attributes
    ----------
    name : as a person calls it
    suffixes : in lower case; by these alone nothing is decoded
    recognises : whether a file with these first bytes is one
    header : (path, choice, long side or None) -> what decoding at that size will hold, no pixel decoded
    decode : (path, choice, long side or None) -> the picture, with the least detail that the format gives and that has
        as many pixels on its long side
    weak : whether other files may begin so as well
    """

    name: str
    suffixes: tuple[str, ...]
    recognises: Callable[[bytes, Path], bool]
    header: Callable[[Path, ReadParams, int | None], Header]
    decode: Callable[[Path, ReadParams, int | None], Decoded]
    weak: bool = False


def needed(module: str, what: str, package: str = "", error: type[SSSError] = ImageError) -> Any:
    """The module that reads or writes `what`; `error` says which package to install where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as missing:
        package = package or module.split(".")[0]
        raise error(
            f"{what} need the Python package {package}, which is not installed.", hint=f"pip install {package}"
        ) from missing
