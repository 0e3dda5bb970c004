"""What a user opens: a photograph, or features computed elsewhere with their photograph."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sss_model.errors import FeatureFileError
from sss_model.feature_io import (
    AXIS_ORDERS,
    FEATURE_SUFFIXES,
    find_image_for,
    holds_features,
    read_features,
    read_strip,
)
from sss_model.feature_io.companion_files import is_export
from sss_model.image_io import IMAGE_SUFFIXES, read_to_fit

STRIP = "strip"  # image on the left, its 3-channel map on the right: cannot be told from a photograph
INPUT_LAYOUTS = (*AXIS_ORDERS, STRIP)

AnyPath = str | os.PathLike[str]


@dataclass(frozen=True)
class Input:
    """One opened file.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    features : (H, W, D) as the file has them; None where the network is to compute them
    metadata : what the feature file says of itself; of a photograph, under "colours", how they were converted to sRGB,
        and under "reduced", why it was read at less than its size
    sha256 : of the file's bytes, by which its exports tell it from another of the same name
    """

    image: NDArray[np.float32]
    features: NDArray[np.floating[Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""


def file_sha256(path: AnyPath) -> str:
    """SHA-256 of the bytes of the file `path`, in hexadecimal. Raises OSError where it cannot be read."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_feature_file(path: AnyPath) -> bool:
    """Whether `path` holds features rather than a photograph; a TIFF, an EXR and a PNG are looked into."""
    return holds_features(path)


def inputs_in(folder: AnyPath, *, recursive: bool = False) -> list[Path]:
    """The photographs in `folder`, in order of names; where there are none the feature files.

    Pictures that this program exported there are left out. Raises OSError where the folder cannot be read.
    """
    entries = Path(folder).rglob("*") if recursive else Path(folder).iterdir()
    files = sorted((path for path in entries if path.is_file()), key=_natural)
    features = [path for path in files if path.suffix.lower() in FEATURE_SUFFIXES and is_feature_file(path)]
    known = set(features)
    pictures = [path for path in files if path.suffix.lower() in IMAGE_SUFFIXES and path not in known]
    return [path for path in pictures if not is_export(path)] or features


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sorts photo2 before photo10, folder by folder."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def files_of(path: Path, image: Path | None = None) -> tuple[Path, ...]:
    """The files that `read_input` reads: `path` and, of features, their photograph's, wherever that is found."""
    if image is None and is_feature_file(path):
        image = find_image_for(path)
    return (path,) if image is None else (path, image)


def read_input(path: AnyPath, image: AnyPath | None = None, layout: str | None = None) -> Input:
    """The photograph at `path`, or the features there with their photograph.

    Parameters
    ----------
    image : the photograph of a feature file; None looks for it in the file and beside it
    layout : a feature file's axes, one of `INPUT_LAYOUTS`; None finds out, and an ambiguous file is an error; strip
        takes any picture of even width for photograph and map

    Raises
    ------
    ImageError, FeatureFileError : a file cannot be read, or features have no photograph
    """
    if layout == STRIP:
        return Input(*read_strip(path), {"layout": STRIP}, file_sha256(path))
    if layout is None and not is_feature_file(path):
        photograph, reduction = read_to_fit(path)
        said = {"colours": photograph.conversion, "reduced": reduction}
        metadata = {name: sentence for name, sentence in said.items() if sentence}
        return Input(photograph.image, None, metadata, file_sha256(path))
    file = read_features(path, image=image, axis_order=layout)
    if file.image is None:
        name = Path(path).name
        raise FeatureFileError(
            f"{name} holds features, but the photograph that they were computed from was not found.",
            hint=f"Put it beside the file as {Path(path).stem}.jpg or .png, or open both together.",
        )
    return Input(file.image, file.features, dict(file.metadata), file_sha256(path))
