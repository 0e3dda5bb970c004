"""Taught classes as a JSON file: names, strokes with their features, the classifier, and what model they belong to."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import sss_model
from sss_model.classes.classifier import Classifier
from sss_model.classes.strokes import MOST_VECTORS, Stroke
from sss_model.classes.taught import FeatureSource, TaughtClasses
from sss_model.errors import ParameterError, SSSError
from sss_model.params.fields import shown
from sss_model.storage.atomic_write import replacing
from sss_model.storage.json_file import read_json

KIND = "sss-features classes"
VERSION = 1
_MOST_POINTS = 100_000


class ClassFileError(SSSError):
    """A file of taught classes that cannot be read or written."""


def save_classes(path: str | os.PathLike[str], classes: TaughtClasses) -> None:
    """Write `classes` as the JSON `path`, whole or not at all.

    Raises
    ------
    ParameterError : not every class is taught
    ClassFileError : the file cannot be written
    """
    text = classes_text(classes)
    with replacing(path, ClassFileError) as temporary:
        temporary.write_text(text, encoding="ascii")


def classes_text(classes: TaughtClasses) -> str:
    """What `save_classes` writes, ASCII; raises `ParameterError` where not every class is taught."""
    entry = _entry(classes)
    return json.dumps({**entry, "checksum": _checksum(entry)}, indent=1) + "\n"


def load_classes(path: str | os.PathLike[str]) -> TaughtClasses:
    """The classes of the JSON `path`, which classify as they did where they were saved, and can be taught more.

    Raises
    ------
    ClassFileError : no such file, or it holds no classes, those of another version, or was changed by another program
    """
    file = Path(path)
    entry = read_json(file, ClassFileError, noun="The classes")
    if not isinstance(entry, dict) or entry.get("kind") != KIND:
        got = shown(entry.get("kind")) if isinstance(entry, dict) else f"a {type(entry).__name__}"
        raise ClassFileError(f"{file.name} holds no taught classes: expected the kind {KIND!r}, got {got}.")
    if entry.get("version") != VERSION:
        raise ClassFileError(
            f"The classes in {file.name} must be of version {VERSION}, got {shown(entry.get('version'))}.",
            hint="Another version of this program wrote them.",
        )
    stated = entry.pop("checksum", None)
    if stated != _checksum(entry):
        raise ClassFileError(
            f"The classes in {file.name} are not as they were written: their checksum does not fit.",
            hint="Change classes where they were taught; a file that was edited or damaged is not read.",
        )
    try:
        return _classes(entry)
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        why = str(error) if isinstance(error, SSSError) else "A part is missing or of another kind."
        raise ClassFileError(f"The classes in {file.name} do not fit together. {why}") from error


def classes_sha256(classes: TaughtClasses) -> str:
    """The digest of the file that `save_classes` writes."""
    return hashlib.sha256(classes_text(classes).encode("ascii")).hexdigest()


def source_entry(source: FeatureSource) -> dict[str, Any]:
    """`source` as JSON has it."""
    return {
        "name": source.model,
        "sha256": source.sha256,
        "backbone": source.backbone,
        "channels": source.channels,
        "size": source.size,
        "scales": list(source.scales),
    }


def read_source(entry: Any) -> FeatureSource:
    """What `source_entry` made of it; raises LookupError, TypeError or ValueError where it is damaged."""
    texts = [entry[key] for key in ("name", "sha256", "backbone", "size")]
    if not all(isinstance(text, str) for text in texts) or not isinstance(entry["channels"], int):
        raise ParameterError("The model must have a name, sha256, backbone and size as text, and channels.")
    name, sha256, backbone, size = texts
    scales = tuple(float(scale) for scale in entry["scales"])
    return FeatureSource(entry["channels"], name, sha256, backbone, size, scales)


def stroke_entry(stroke: Stroke) -> dict[str, Any]:
    """`stroke` with its features, as JSON has it."""
    return {
        "class": stroke.name,
        "picture": stroke.picture,
        "points": stroke.points.tolist(),
        "radius": stroke.radius,
        "pixels": stroke.pixels,
        "vectors": {"type": "float16 (N, D)", "base64": _text(stroke.vectors, "<f2")},
    }


def read_stroke(entry: Any, channels: int) -> Stroke:
    """What `stroke_entry` made of one of `channels` features; raises as `read_source`."""
    points = np.array(entry["points"], np.float64)
    radius, pixels = float(entry["radius"]), int(entry["pixels"])
    if points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= _MOST_POINTS:
        raise ParameterError("A stroke must have points, pairs of x and y.")
    if not ((points >= 0) & (points <= 1)).all() or not 0 <= radius <= 1:
        raise ParameterError("A stroke's points and radius must be from 0 to 1, parts of the picture's sides.")
    vectors = _array(entry["vectors"], "<f2", channels, along=1)
    if not 1 <= len(vectors) <= min(pixels, MOST_VECTORS):
        raise ParameterError(f"A stroke of {pixels} pixels must have 1 to {MOST_VECTORS} vectors, got {len(vectors)}.")
    return Stroke(str(entry["class"]), str(entry["picture"]), points, radius, pixels, vectors)


def _entry(classes: TaughtClasses) -> dict[str, Any]:
    classifier, pixels = classes.classifier, classes.pixels
    colours = [{"colour": list(colour)} for colour in classes.colours] or [{}] * len(classes.names)
    return {
        "kind": KIND,
        "version": VERSION,
        "program": f"sss-features {sss_model.__version__}",
        "model": source_entry(classes.source),
        "classes": [
            {"name": name, "pixels": pixels[name], "bias": float(classifier.bias[k]), **colours[k]}
            for k, name in enumerate(classes.names)
        ],
        "weights": {"type": "float32 (D, K), of features at length 1", "base64": _text(classifier.weights, "<f4")},
        "strokes": [stroke_entry(stroke) for stroke in classes.strokes],
    }


def _classes(entry: dict[str, Any]) -> TaughtClasses:
    source = read_source(entry["model"])
    names = tuple(str(described["name"]) for described in entry["classes"])
    weights = _array(entry["weights"], "<f4", source.channels, along=0)
    bias = np.array([described["bias"] for described in entry["classes"]], np.float32)
    if weights.shape[1] != len(names) or not np.isfinite(bias).all():
        raise ParameterError(
            f"The weights are of {weights.shape[1]} classes, there are {len(names)} with a finite bias."
        )
    strokes = tuple(read_stroke(described, source.channels) for described in entry["strokes"])
    colours = tuple(_colour(described["colour"]) for described in entry["classes"] if "colour" in described)
    return TaughtClasses(source, names, strokes, colours, Classifier(weights, bias))


def _colour(values: Any) -> tuple[int, int, int]:
    red, green, blue = values
    return red, green, blue


def _array(described: dict[str, Any], kind: str, channels: int, *, along: int) -> NDArray[Any]:
    """The matrix that is `channels` long `along` one of its sides."""
    try:
        values = np.frombuffer(base64.b64decode(described["base64"], validate=True), kind)
    except (binascii.Error, ValueError) as error:
        raise ParameterError("Numbers in base64 are cut off or damaged.") from error
    if channels < 1 or not len(values) or len(values) % channels or not np.isfinite(values).all():
        raise ParameterError(f"Numbers in base64 must be finite, and a multiple of {channels} of them.")
    shape = (channels, -1) if along == 0 else (-1, channels)
    return values.astype(np.dtype(kind).newbyteorder("=")).reshape(shape)


def _text(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, kind).tobytes()).decode("ascii")


def _checksum(entry: dict[str, Any]) -> str:
    """SHA-256 of the JSON `entry`, whatever its spaces and the order of its names."""
    plain = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(plain.encode("ascii")).hexdigest()
