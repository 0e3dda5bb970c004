"""What a model file says of itself, read without loading it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sss_gui.messages.models import ModelWords
from sss_model.shipped_files import MODEL, resource

LONGEST_HEADER = 64 * 2**20


def read_header(path: Path) -> dict[str, Any]:
    """The `sss` entry of a safetensors file's header; empty for any other file."""
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 0 < length <= LONGEST_HEADER:
                return {}
            header = json.loads(file.read(length))
        entry = json.loads(header["__metadata__"]["sss"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return entry if isinstance(entry, dict) else {}


def describe_model(path: Path | None) -> ModelWords:
    """Title, one line and card of the model at `path`; None is the shipped one."""
    file = path if path is not None else resource(MODEL)
    key, title = (str(path), file.stem) if path is not None else ("", f"{file.stem} (shipped)")
    if not file.is_file():
        return ModelWords(key, title, "The file is gone.", "")
    entry = read_header(file)
    if not entry:
        return ModelWords(key, title, "Not a model of this program.", "")
    params = entry.get("params", {})
    size = f"{file.stat().st_size / 2**20:.1f} MB"
    network = ", ".join(str(params.get(name, "?")) for name in ("backbone", "variant"))
    summary = f"{network}, {params.get('feature_channels', '?')} features, {size}"
    card = file.with_suffix(".md")
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else _facts(entry)
    return ModelWords(key, title, summary, text)


def _facts(entry: dict[str, Any]) -> str:
    rows = [f"- **{name}**: {value}" for name, value in sorted(entry.items()) if name != "params"]
    rows += [f"- **{name}**: {value}" for name, value in sorted(entry.get("params", {}).items())]
    return "\n".join(rows)
