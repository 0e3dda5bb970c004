"""The formats of feature files, as data."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

from sss_model.errors import FeatureFileError


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

FEATURE_SUFFIXES = (".npz", ".npy", ".mat", ".exr", ".tif", ".tiff")
"""Suffixes, in lower case, of files that may hold features; a TIFF may be a photograph too (`holds_features`)."""


def needed(module: str, kind: str) -> Any:
    """The optional module `module`; `FeatureFileError` says that files of `kind` need it where it is missing."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.split(".")[0]
        raise FeatureFileError(
            f"{kind} files need the Python package {package}, which is not installed.",
            hint=f"Install it (pip install {package}), or use .npz.",
        ) from error
