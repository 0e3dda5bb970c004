"""Fields of parameter records: a default with range, unit, label, effect and source, checked when a record is made."""

from __future__ import annotations

import dataclasses
import types
import typing
from dataclasses import field, fields
from typing import Any

from sss_model.errors import ParameterError


def number(
    default: float,
    low: float,
    high: float,
    label: str,
    *,
    unit: str = "",
    help: str = "",
    source: str = "",
    log: bool = False,
) -> Any:
    """A numeric field in [low, high]; `log` marks one whose slider is logarithmic."""
    meta = {"low": low, "high": high, "label": label, "unit": unit, "help": help, "source": source, "log": log}
    return field(default=default, metadata=meta)


def choice(default: str, options: tuple[str, ...], label: str, *, help: str = "", source: str = "") -> Any:
    """A text field that is one of `options`; empty options allow any text."""
    return field(default=default, metadata={"options": options, "label": label, "help": help, "source": source})


def switch(default: bool, label: str, *, help: str = "", source: str = "", of: str = "", numbers: bool = False) -> Any:
    """An on/off field; `of` names the switch that it refines, `numbers` marks what is written in the formats."""
    meta = {"label": label, "help": help, "source": source, "of": of, "numbers": numbers}
    return field(default=default, metadata=meta)


def several(
    default: tuple[Any, ...],
    label: str,
    *,
    kind: type = str,
    known: tuple[str, ...] = (),
    unit: str = "",
    help: str = "",
) -> Any:
    """A field of several values of one `kind`, all of them among `known` where these are named."""
    return field(default=default, metadata={"label": label, "kind": kind, "known": known, "unit": unit, "help": help})


def check(params: Any) -> None:
    """Raise `ParameterError` for the first field of `params` of another type, or outside its range or options."""
    hints = _types_of(type(params))
    for f in fields(params):
        value, meta = getattr(params, f.name), f.metadata
        where = f"{f.name} ({meta['label']})" if "label" in meta else f.name
        if not _fits(value, hints[f.name]):
            raise ParameterError(f"{where} must be {_words(hints[f.name])}, got {shown(value)}.")
        if "low" in meta and not meta["low"] <= value <= meta["high"]:
            raise ParameterError(f"{where} must be from {meta['low']:g} to {meta['high']:g}, got {shown(value)}.")
        if meta.get("options") and value not in meta["options"]:
            raise ParameterError(f"{where} must be one of {', '.join(meta['options'])}; got {shown(value)}.")
        if meta.get("known") and (odd := [one for one in value if one not in meta["known"]]):
            raise ParameterError(f"{f.name} must be of {', '.join(meta['known'])}; got {', '.join(map(repr, odd))}.")


_TYPES: dict[type, dict[str, Any]] = {}


def _types_of(record: type) -> dict[str, Any]:
    """The types of a record's fields by name, worked out once."""
    if record not in _TYPES:
        _TYPES[record] = typing.get_type_hints(record)
    return _TYPES[record]


def _fits(value: Any, hint: Any) -> bool:
    """Whether `value` is of the type that a field's annotation says; whole numbers are fractional ones too."""
    if typing.get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, typing.get_args(hint)[0]) for item in value)
    if isinstance(hint, types.UnionType):
        return any(_fits(value, option) for option in typing.get_args(hint))
    kinds: tuple[type, ...] = (int, float) if hint is float else (hint,)
    return isinstance(value, kinds) and (hint is bool or not isinstance(value, bool))


def _words(hint: Any) -> str:
    if typing.get_origin(hint) is tuple:
        return "a list of " + _WORDS[typing.get_args(hint)[0]][1]
    if isinstance(hint, types.UnionType):
        return " or ".join(_words(option) for option in typing.get_args(hint) if option is not type(None))
    return _WORDS[hint][0]


_WORDS = {
    int: ("a whole number", "whole numbers"),
    float: ("a number", "numbers"),
    str: ("text", "texts"),
    bool: ("true or false", "true or false"),
}


def shown(value: Any) -> str:
    """`value` as a sentence can hold it: numbers short, everything else on one line and cut off where it is long."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return f"{value:g}"
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits; a list that holds itself
        return "something too long to show"
    return text if len(text) <= 80 else f"{text[:77]}..."


def _short(name: str) -> str:
    return name if len(name) <= 80 else f"{name[:77]}..."


class Checked:
    """Base of the parameter records: checks ranges on construction, converts to and from plain dicts."""

    def __post_init__(self) -> None:
        check(self)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(typing.cast(Any, self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> typing.Self:
        """The record with `values`; unknown names raise `ParameterError`, missing ones take their default."""
        if not isinstance(values, dict):
            raise ParameterError(f"{cls.__name__} must be names and values, got {shown(values)}.")
        known = {f.name: f for f in fields(typing.cast(Any, cls))}
        unknown = sorted(str(name) for name in set(values) - set(known))
        if unknown:
            raise ParameterError(
                f"Unknown parameter {', '.join(map(_short, unknown))} for {cls.__name__}; known are {', '.join(known)}."
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
