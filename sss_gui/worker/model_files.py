"""What a model file says of itself, read without loading it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sss_gui.requests.models import ModelWords
from sss_model.storage.shipped_files import MODEL, resource
from sss_model.weights.header import model_entry


def describe_model(path: Path | None) -> ModelWords:
    """Title, one line and card of the model at `path`; None is the shipped one."""
    file = path if path is not None else resource(MODEL)
    key, title = (str(path), file.stem) if path is not None else ("", f"{file.stem} (shipped)")
    if not file.is_file():
        return ModelWords(key, title, "The file is gone.", "")
    entry = model_entry(file)
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
