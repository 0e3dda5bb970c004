"""Fields of parameter records: a default with range, unit, label, effect and source, checked when a record is made."""

from __future__ import annotations

import dataclasses
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


def switch(default: bool, label: str, *, help: str = "", source: str = "") -> Any:
    """An on/off field."""
    return field(default=default, metadata={"label": label, "help": help, "source": source})


def check(params: Any) -> None:
    """Raise `ParameterError` for the first field of `params` outside its range or options."""
    for f in fields(params):
        value, meta = getattr(params, f.name), f.metadata
        where = f"{f.name} ({meta['label']})" if "label" in meta else f.name
        if "low" in meta:
            whole = isinstance(f.default, int)
            if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
                raise ParameterError(f"{where} must be a {'whole ' if whole else ''}number, got {value!r}.")
            if not meta["low"] <= value <= meta["high"]:
                raise ParameterError(f"{where} must be from {meta['low']:g} to {meta['high']:g}, got {value:g}.")
        elif meta.get("options") and value not in meta["options"]:
            raise ParameterError(f"{where} must be one of {', '.join(meta['options'])}; got {value!r}.")


class Checked:
    """Base of the parameter records: checks ranges on construction, converts to and from plain dicts."""

    def __post_init__(self) -> None:
        check(self)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(typing.cast(Any, self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> typing.Self:
        """The record with `values`; unknown names raise `ParameterError`, missing ones take their default."""
        known = {f.name: f for f in fields(typing.cast(Any, cls))}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ParameterError(
                f"Unknown parameter {', '.join(unknown)} for {cls.__name__}; known are {', '.join(known)}."
            )
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})
