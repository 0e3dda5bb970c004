"""What a model file says of itself: the header alone, without its weights and without loading torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from sss_model.errors import CheckpointError
from sss_model.storage.atomic_write import reason
from sss_model.storage.json_file import parse_json


def read_header(path: str | os.PathLike[str]) -> dict[str, str]:
    """The named texts in the header of the safetensors file `path`; {} where it has none.

    Raises
    ------
    CheckpointError : no such file, or not a safetensors file
    """
    file = Path(path)
    try:
        with safe_open(file, framework="np") as content:
            return dict(content.metadata() or {})
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "it does not exist" if missing else reason(error)[0]
        raise CheckpointError(
            f"The model file {file.name} cannot be read: {why}.", hint=_hint_for(file), missing=missing
        ) from error
    except (SafetensorError, ValueError) as error:
        raise CheckpointError(
            f"{file.name} is not a model file: expected safetensors, and it is something else or damaged.",
            hint=_hint_for(file),
        ) from error


def model_entry(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The `sss` entry of a model file of this program: `params`, `version`, scores, ...; {} for any other file.

    Examples
    --------
    >>> from sss_model.storage.shipped_files import MODEL, resource
    >>> model_entry(resource(MODEL))["params"]["feature_channels"]
    128
    """
    try:
        entry = parse_json(read_header(path).get("sss", "{}"), CheckpointError, noun="The header")
    except CheckpointError:
        return {}
    return entry if isinstance(entry, dict) else {}


def channels_of(path: str | os.PathLike[str]) -> int | None:
    """How many channels the features of a model file have; None where it does not say."""
    params = model_entry(path).get("params")
    channels = params.get("feature_channels") if isinstance(params, dict) else None
    return channels if isinstance(channels, int) and channels > 0 else None


def is_model(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a model file of this program, rather than somebody's weights."""
    try:
        return "sss" in read_header(path)
    except CheckpointError:
        return False


def _hint_for(file: Path) -> str:
    if file.suffix in (".pth", ".pt", ".ckpt", ".bin"):
        return "PyTorch files can carry code; open a .safetensors file. sss-train --init-weights reads backbones."
    if file.suffix in (".index", ".meta") or ".data-" in file.name:
        return "This looks like a TensorFlow checkpoint: convert it with sss-convert."
    return "Choose a .safetensors file written by sss-train or sss-convert."
