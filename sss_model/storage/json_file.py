"""JSON that somebody else may have written: its content, or a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sss_model.errors import SSSError
from sss_model.storage.atomic_write import reason


def read_json(path: Path, error: type[SSSError], *, noun: str) -> Any:
    """What the JSON file `path` holds, of any type.

    Parameters
    ----------
    error : raised, with a sentence that begins with `noun` and the file's name, where there is no such file or no JSON
        in it
    noun : what the file should be, with its article: "The basis"
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as refusal:
        missing = isinstance(refusal, FileNotFoundError)
        why = "it does not exist" if missing else reason(refusal)[0]
        raise error(f"{noun} {path.name} cannot be read: {why}.", missing=missing) from refusal
    except UnicodeDecodeError as refusal:
        raise error(f"{noun} {path.name} cannot be read: it is not text in UTF-8.") from refusal
    return parse_json(text, error, noun=f"{noun} {path.name}")


def parse_json(text: str, error: type[SSSError], *, noun: str) -> Any:
    """The content of the JSON `text`, of any type; raises `error` with a sentence that begins with `noun`."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as refusal:
        where = f"line {refusal.lineno}, column {refusal.colno}"
        raise error(f"{noun} cannot be read: it is not JSON ({where}).") from refusal
    except RecursionError as refusal:
        raise error(f"{noun} cannot be read: its JSON is nested too deep.") from refusal
    except ValueError as refusal:
        raise error(f"{noun} cannot be read: a number in it has thousands of digits.") from refusal
