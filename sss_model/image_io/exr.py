"""OpenEXR photographs: linear light in R, G, B or Y channels -> sRGB samples. Needs the OpenEXR package."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import ImageError
from sss_model.image_io.pixel_values import check_size, srgb_encoded

_MAGIC = b"\x76\x2f\x31\x01"
ENCODED = "linear light encoded as sRGB"
_COLOURS = (("R", "G", "B", "A"), ("R", "G", "B"), ("Y", "A"), ("Y",))


def is_exr(source: Path) -> bool:
    """Whether the first bytes are an EXR file's."""
    with open(source, "rb") as file:
        return file.read(4) == _MAGIC


def holds_picture(path: Path) -> bool:
    """Whether the channels of the EXR file `path` are just a picture's, and not written by us as a feature map."""
    with _package().File(str(path), header_only=True) as file:
        header = file.header()  # empty once the file is closed
        names = {channel.name for channel in header["channels"]}
        return "sss_metadata" not in header and names in map(set, _COLOURS)


def size(path: Path) -> tuple[int, int]:
    """(H, W) of the data window."""
    with _package().File(str(path), header_only=True) as file:
        (left, top), (right, bottom) = (corner.tolist() for corner in file.header()["dataWindow"])
    check_size(right - left + 1, bottom - top + 1)
    return bottom - top + 1, right - left + 1


def read(source: Path) -> NDArray[np.float32]:
    """Samples (H, W, 1..4): colours encoded as sRGB, straight alpha last."""
    size(source)
    with _package().File(str(source), separate_channels=True) as file:
        planes = {name: np.asarray(channel.pixels, np.float32) for name, channel in file.channels().items()}
    for names in _COLOURS:
        if all(name in planes for name in names) and "RY" not in planes:  # luminance and chroma
            samples = np.stack([planes[name] for name in names], axis=-1)
            return _encoded(samples, alpha=names[-1] == "A")
    raise ImageError(
        f"The EXR has the channels {', '.join(planes)}; a picture has R, G and B, or Y.",
        hint="A feature map is opened as features, with its picture beside it.",
    )


def _encoded(samples: NDArray[np.float32], *, alpha: bool) -> NDArray[np.float32]:
    """Linear light, premultiplied with alpha if there is one, as sRGB (IEC 61966-2-1) with straight alpha."""
    colours = samples
    if alpha:
        seen = samples[..., -1:] > 0
        colours = np.where(seen, samples[..., :-1] / np.where(seen, samples[..., -1:], 1), 0)
    encoded = srgb_encoded(colours)
    return np.concatenate([encoded, np.clip(samples[..., -1:], 0, 1)], axis=-1) if alpha else encoded


def _package() -> Any:
    try:
        return importlib.import_module("OpenEXR")
    except ImportError as error:
        raise ImageError("EXR pictures need the Python package OpenEXR, which is not installed.") from error
