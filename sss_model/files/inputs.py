"""What a user opens: a photograph, or features computed elsewhere with their photograph."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sss_model.counted import counted
from sss_model.errors import FeatureFileError
from sss_model.feature_io import (
    AXIS_ORDERS,
    FEATURE_SUFFIXES,
    TOKENS,
    find_image_for,
    holds_features,
    read_features,
    read_strip,
)
from sss_model.feature_io.companion_files import is_export
from sss_model.image_io import Plate, looks_like_picture, read_to_fit
from sss_model.params import ReadParams

STRIP = "strip"  # image on the left, its 3-channel map on the right: cannot be told from a photograph
INPUT_LAYOUTS = (*AXIS_ORDERS, TOKENS, STRIP)

AnyPath = str | os.PathLike[str]
_DEFAULT = ReadParams()


@dataclass(frozen=True)
class Input:
    """One opened file.

    Attributes
    ----------
    image : (H, W, 3) float32 RGB in [0, 1]
    features : (H, W, D) as the file has them; None where the network is to compute them
    metadata : what the feature file says of itself; of a photograph, under "colours", every conversion on the way to
        the image, under "reading", what was chosen, and under "reduced", why it was read at less than its size
    plate : what layers that shall lie on an EXR need of it
    sha256 : of the file's bytes, by which its exports tell it from another of the same name
    """

    image: NDArray[np.float32]
    features: NDArray[np.floating[Any]] | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
    sha256: str = ""
    plate: Plate | None = None


def file_sha256(path: AnyPath) -> str:
    """SHA-256 of the bytes of the file `path`, in hexadecimal. Raises OSError where it cannot be read."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def is_feature_file(path: AnyPath) -> bool:
    """Whether `path` holds features rather than a photograph; a TIFF, an EXR and a PNG are looked into."""
    return holds_features(path)


class FolderContents(NamedTuple):
    """What a folder holds for this program.

    Attributes
    ----------
    files : the photographs in order of names; where there are none the feature files
    left_out : the other files by what they are, in the singular; hidden ones are not among them
    """

    files: list[Path]
    left_out: dict[str, list[Path]]

    @property
    def sentence(self) -> str:
        """How many there are and what is left out: `12 pictures, 3 files left out: 2 videos, 1 text.`"""
        features = self.files and is_feature_file(self.files[0])
        found = counted(len(self.files), "feature file" if features else "picture")
        if not self.left_out:
            return f"{found}."
        others = sum(map(len, self.left_out.values()))
        kinds = ", ".join(counted(len(paths), kind) for kind, paths in self.left_out.items())
        return f"{found}, {counted(others, 'file')} left out: {kinds}."


def look_into(folder: AnyPath, *, recursive: bool = False) -> FolderContents:
    """What is in `folder`, by first bytes as well as by names.

    Files and folders whose names begin with a dot are passed over, pictures that this program exported there are left
    out. Raises OSError where the folder cannot be read.
    """
    root = Path(folder)
    entries = root.rglob("*") if recursive else root.iterdir()
    seen = (path for path in entries if not any(part.startswith(".") for part in path.relative_to(root).parts))
    kinds: dict[str, list[Path]] = {}
    for path in sorted((path for path in seen if path.is_file()), key=_natural):
        kinds.setdefault(_kind(path), []).append(path)
    pictures, features = kinds.pop(_PICTURE, []), kinds.get(_FEATURES, [])
    if pictures:
        return FolderContents(pictures, kinds)
    kinds.pop(_FEATURES, None)
    return FolderContents(features, kinds)


_PICTURE, _FEATURES, _EXPORT = "picture", "feature file", "export of this program"
_SHOWN_TYPES = {"video": "video", "audio": "sound file", "text": "text"}


def _kind(path: Path) -> str:
    """What a file is, in the singular."""
    if path.suffix.lower() in FEATURE_SUFFIXES and is_feature_file(path):
        return _FEATURES
    if looks_like_picture(path):
        return _EXPORT if is_export(path) else _PICTURE
    mime = mimetypes.guess_type(path.name)[0] or ""
    return _SHOWN_TYPES.get(mime.partition("/")[0]) or "other file"


def _natural(path: Path) -> list[tuple[int, int | str]]:
    """Sorts photo2 before photo10, folder by folder."""
    parts = re.split(r"(\d+)", path.as_posix().lower())
    return [(0, int(part)) if part.isdigit() else (1, part) for part in parts if part]


def files_of(path: Path, image: Path | None = None) -> tuple[Path, ...]:
    """The files that `read_input` reads: `path` and, of features, their photograph's, wherever that is found."""
    if image is None and is_feature_file(path):
        image = find_image_for(path)
    return (path,) if image is None else (path, image)


def read_input(
    path: AnyPath, image: AnyPath | None = None, layout: str | None = None, reading: ReadParams = _DEFAULT
) -> Input:
    """The photograph at `path`, or the features there with their photograph.

    Parameters
    ----------
    image : the photograph of a feature file; None looks for it in the file and beside it
    layout : a feature file's axes, one of `INPUT_LAYOUTS`; None finds out, and an ambiguous file is an error; strip
        takes any picture of even width for photograph and map
    reading : what to take of a photograph whose file leaves a choice

    Raises
    ------
    ImageError, FeatureFileError : a file cannot be read, or features have no photograph
    """
    if layout == STRIP:
        return Input(*read_strip(path), {"layout": STRIP}, file_sha256(path))
    if layout is None and not is_feature_file(path):
        photograph, reduction = read_to_fit(path, reading)
        chosen = {name: value for name, value in reading.to_dict().items() if value != getattr(_DEFAULT, name)}
        said = {"colours": photograph.conversion, "reading": chosen, "reduced": reduction}
        metadata = {name: value for name, value in said.items() if value}
        return Input(photograph.image, None, metadata, file_sha256(path), photograph.plate)
    file = read_features(path, image=image, axis_order=layout)
    if file.image is None:
        name = Path(path).name
        raise FeatureFileError(
            f"{name} holds features, but the photograph that they were computed from was not found.",
            hint=f"Put it beside the file as {Path(path).stem}.jpg or .png, or open both together.",
        )
    return Input(file.image, file.features, dict(file.metadata), file_sha256(path))
