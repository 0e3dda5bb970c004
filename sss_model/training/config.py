"""A recipe as YAML: what `sss-train --print-config` writes and `--config` reads."""

from __future__ import annotations

import contextlib
import dataclasses
from pathlib import Path
from typing import Any

from sss_model.datasets.dataset import parse_source
from sss_model.errors import ParameterError
from sss_model.params import DataSource
from sss_model.params.fields import shown
from sss_model.storage.atomic_write import reason
from sss_model.training.params import SECTIONS, TrainParams, preset


def read_config(path: str) -> dict[str, Any]:
    """The content of a YAML file; numbers of PyYAML's blind spot (5e-4 without a point is text to it) are numbers here.

    Raises
    ------
    ParameterError : it cannot be read, or holds no sections
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        why = "it does not exist" if missing else reason(error)[0]
        raise ParameterError(f"The configuration {path} cannot be read: {why}.", missing=missing) from error
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark is not None else ""
        raise ParameterError(
            f"The configuration {path} cannot be read: it is not YAML of plain names and values{where}."
        ) from error
    if not isinstance(content, dict):
        raise ParameterError(f"The configuration {path} must hold sections, as --print-config writes them.")
    return {str(name): _numbers_of(SECTIONS.get(name), values) for name, values in content.items()}


def _numbers_of(record: Any, values: Any) -> Any:
    """`values` as they were meant: text that is a number in a fractional field, and YAML's false, which is how it reads
    a bare off, in one of words."""
    if record is None or not isinstance(values, dict):
        return values
    fractional = {f.name for f in dataclasses.fields(record) if isinstance(f.default, float)}
    words = {f.name for f in dataclasses.fields(record) if "off" in f.metadata.get("options", ())}
    meant = {str(name): _number(value) if name in fractional else value for name, value in values.items()}
    return {name: "off" if name in words and value is False else value for name, value in meant.items()}


def _number(value: Any) -> Any:
    if isinstance(value, str):
        with contextlib.suppress(ValueError, OverflowError):
            return float(value)
    return value


def write_config(params: TrainParams) -> str:
    """`params` as YAML that `read_config` takes back.

    Examples
    --------
    >>> print(write_config(TrainParams()).splitlines()[0])
    data: []
    """
    import yaml

    return str(yaml.safe_dump(params.to_dict(), sort_keys=False, default_flow_style=None, width=120))


def with_config(params: TrainParams, content: dict[str, Any]) -> TrainParams:
    """`params` with what a configuration holds; its `preset` replaces them first."""
    content = dict(content)
    if "preset" in content:
        params = dataclasses.replace(preset(content.pop("preset")), data=params.data)
    known = params.to_dict()
    unknown = sorted(map(str, set(content) - set(known)))
    if unknown:
        raise ParameterError(f"Unknown section {', '.join(unknown)}; known are preset, {', '.join(known)}.")
    for name, values in content.items():
        if name == "data":
            known["data"] = [_source(entry) for entry in _entries(values)]
        elif not isinstance(values, dict):
            raise ParameterError(f"The section {name} must hold names and values, got {shown(values)}.")
        else:
            known[name] = {**known[name], **values}
    return TrainParams.from_dict(known)


def _entries(values: Any) -> list[Any]:
    """The data sets that a configuration names: a list of them, or a single one as text."""
    if values is None or isinstance(values, str):
        return [] if values is None else [values]
    if not isinstance(values, list):
        raise ParameterError(f"data must be a folder or a list of them, got {shown(values)}.")
    return values


def _source(entry: Any) -> dict[str, Any]:
    """A data set as text, as on the command line, or as a mapping."""
    if isinstance(entry, str):
        return parse_source(entry).to_dict()
    if not isinstance(entry, dict) or not isinstance(entry.get("path"), str):
        raise ParameterError(f"A data set must be a folder, or a mapping with its path; got {shown(entry)}.")
    entry = _numbers_of(DataSource, {str(name): value for name, value in entry.items()})
    for name, kind, what in (("splits", str, "folder names"), ("void", int, "whole numbers")):
        values = entry.get(name)
        if values is not None and not (isinstance(values, list) and all(isinstance(v, kind) for v in values)):
            raise ParameterError(
                f"{name} of the data set {entry['path']} must be a list of {what}, got {shown(values)}."
            )
    return DataSource.from_dict(entry).to_dict()
