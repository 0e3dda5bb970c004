"""The formats of feature files, as data, and which files hold features."""

from __future__ import annotations

import importlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sss_model.errors import FeatureFileError
from sss_model.feature_io.strip import is_strip
from sss_model.image_io import decoded
from sss_model.image_io.exr import holds_picture
from sss_model.image_io.regular_file import check_regular_file
from sss_model.image_io.tiff import check_pages


@dataclass(frozen=True)
class FeatureFormat:
    """One way to write features.

    Attributes
    ----------
    suffix : of the file, with its dot
    dtype : of the numbers in it
    label : for a list of choices
    note : what the file holds, for a tooltip
    """

    suffix: str
    dtype: str
    label: str
    note: str


FORMATS: dict[str, FeatureFormat] = {
    "npz16": FeatureFormat(".npz", "float16", "NumPy, half (.npz)", "features (H, W, D) float16; half the size"),
    "npz32": FeatureFormat(".npz", "float32", "NumPy, float (.npz)", "features (H, W, D) float32, exact"),
    "npy": FeatureFormat(".npy", "float32", "NumPy array (.npy)", "(H, W, D) float32; can be memory-mapped"),
    "mat": FeatureFormat(".mat", "float32", "MATLAB (.mat)", "embedmap (H, W, D) single; v7.3 from 2 GiB"),
    "exr": FeatureFormat(".exr", "float32", "OpenEXR (.exr)", "channels feature.000, feature.001, ... or R, G, B of 3"),
    "tiff": FeatureFormat(".tif", "float32", "TIFF (.tif)", "(H, W, D) float32, one page, samples interleaved"),
}

FEATURE_SUFFIXES = (".npz", ".npy", ".mat", ".exr", ".tif", ".tiff", ".safetensors", ".pt", ".pth")
"""Suffixes, in lower case, of files that may hold features; others are photographs or models (`holds_features`)."""


def needed(module: str, kind: str) -> Any:
    """The module for files of `kind`; `FeatureFileError` says which package to install where it is missing."""
    return decoded.needed(module, f"{kind} files", error=FeatureFileError)


def parsed(text: Any) -> dict[str, Any]:
    """The JSON object in `text`, or an empty one; `FeatureFileError` for one that is nested too deep."""
    try:
        values = json.loads(text if isinstance(text, str | bytes) else str(text))
    except ValueError:
        return {}
    except RecursionError as error:
        raise FeatureFileError(
            "The metadata in the file is JSON nested too deep to read; expected an object of plain values.",
            hint="Save the features without it.",
        ) from error
    return values if isinstance(values, dict) else {}


def says_features(path: str | os.PathLike[str]) -> bool:
    """Whether `path` says itself that it holds features.

    npz, npy and mat always do; of an EXR and a TIFF the header tells, of a PNG whether it is one of our own strips.
    """
    source = Path(path)
    suffix = source.suffix.lower()
    looks = {".exr": _exr_holds_features, ".tif": _tiff_holds_features, ".tiff": _tiff_holds_features, ".png": is_strip}
    if suffix not in looks:
        return suffix in FEATURE_SUFFIXES
    try:
        check_regular_file(source, FeatureFileError, noun="a feature file")
        return looks[suffix](source)
    except Exception:  # missing, damaged, or its package is: reading it says what is wrong
        return suffix == ".exr"


def _exr_holds_features(path: Path) -> bool:
    return not holds_picture(path)


def _tiff_holds_features(path: Path) -> bool:
    with importlib.import_module("tifffile").TiffFile(path) as file:
        page = file.pages[0]
        return bool("layout" in parsed(page.description) or page.samplesperpixel > 5)


def is_float_stack(path: Path) -> bool:
    """Whether `path` is a TIFF of many pages of floats: a stack of pictures, or features a channel a page."""
    if path.suffix.lower() not in (".tif", ".tiff"):
        return False
    try:
        check_regular_file(path, FeatureFileError, noun="a feature file")
        check_pages(path)
        with importlib.import_module("tifffile").TiffFile(path) as file:
            page, series = file.pages[0], file.series[0]
            planes = series.size // max(1, page.imagewidth * page.imagelength)
            named = file.is_imagej or file.is_ome or file.is_lsm  # microscopes' stacks
            return bool(planes > 5 and len(series.shape) == 3 and page.dtype.kind == "f" and not named)
    except Exception:  # missing or damaged: reading it says what is wrong
        return False
