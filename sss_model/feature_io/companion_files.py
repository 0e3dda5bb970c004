"""The files beside a feature file: its photograph, and the JSON that says what it was made from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sss_model.errors import FeatureFileError
from sss_model.feature_io.formats import is_float_stack, says_features
from sss_model.feature_io.tensor_files import says_features as tensors_are_features
from sss_model.image_io import IMAGE_SUFFIXES
from sss_model.image_io.regular_file import check_regular_file

_EXPORTED = tuple(f"-{what}.png" for what in ("input", "random", "pca", "filtered-pca", "strip"))
TENSOR_SUFFIXES = (".safetensors", ".pt", ".pth")
_EITHER = (".tif", ".tiff", ".exr")  # photographs or features


def holds_features(path: str | os.PathLike[str]) -> bool:
    """Whether to open `path` as features rather than as a photograph.

    npz, npy and mat always do; of an EXR and a TIFF the header tells, of a PNG whether it is one of our own strips. A
    TIFF with a page a channel is a stack of pictures, unless its photograph lies beside it. A .pt or .safetensors with
    a single tensor, or one that is called features, is none of a model.
    """
    if Path(path).suffix.lower() in TENSOR_SUFFIXES:
        try:
            check_regular_file(Path(path), FeatureFileError, noun="a feature file")
            return tensors_are_features(Path(path))
        except Exception:  # missing or damaged: reading it says what is wrong
            return False
    return says_features(path) or (is_float_stack(Path(path)) and find_image_for(path) is not None)


def find_image_for(path: str | os.PathLike[str]) -> Path | None:
    """The photograph beside the feature file `path`, or None.

    For photo-features-f16.npz these names are tried in its folder, each with every suffix of a picture:
    photo-features-f16, then photo-features, photo-features-input, photo, photo-input (as our exports name the input).
    """
    source = Path(path)
    try:
        beside = {entry.name.lower(): entry for entry in sorted(source.parent.iterdir()) if entry.is_file()}
    except OSError:
        return None
    for stem in _stems(source.stem):
        for name in (stem, f"{stem}-input"):
            for suffix in IMAGE_SUFFIXES:
                found = beside.get((name + suffix).lower())
                if found is not None and found.name != source.name and not _is_feature_map(found):
                    return found
    return None


def read_record(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What the JSON beside the feature file `path` says, or nothing.

    It is the JSON of the same name (photo.npy.json or photo.json), or one of a shorter stem that lists the file.
    """
    source = Path(path)
    for name in (source.name, *_stems(source.stem)):
        values = _json(source.with_name(f"{name}.json"))
        if values and (name in (source.name, source.stem) or _lists(values, source.name)):
            return values
    return {}


def is_export(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a picture that this program wrote, by its name and the JSON of its run beside it."""
    source = Path(path)
    stems = [source.name.removesuffix(ending) for ending in _EXPORTED if source.name.endswith(ending)]
    records = [f"{stem}.json" for stem in stems]
    records += [f"{stem}-{what}.json" for stem in _stems(source.stem) for what in ("layers", "matte")]
    return any(_lists(_json(source.with_name(record)), source.name) for record in records)


def _json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; an empty one where there is none."""
    try:
        check_regular_file(path, FeatureFileError, noun="a JSON file")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):  # no such file, or another program's; nested too deep
        return {}
    return values if isinstance(values, dict) else {}


def _lists(record: dict[str, Any], name: str) -> bool:
    files = record.get("files")
    return isinstance(files, list) and name in files


def _stems(stem: str) -> Iterator[str]:
    """`stem`, then what remains of it when parts after -, _, . or a space are cut off, one by one."""
    while stem:
        yield stem
        cut = re.search(r"[-_. ][^-_. ]*$", stem)
        stem = stem[: cut.start()] if cut else ""


def _is_feature_map(path: Path) -> bool:
    return path.suffix.lower() in _EITHER and says_features(path)
