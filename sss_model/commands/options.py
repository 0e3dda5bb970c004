"""Command-line options generated from the parameter records, and parameter records from command lines."""

from __future__ import annotations

import argparse
import dataclasses
import typing
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import sss_model
from sss_model.debug_log import add_debug_option
from sss_model.errors import ParameterError
from sss_model.params import FILTER_PRESETS, FilterParams
from sss_model.params.fields import Checked

Record = TypeVar("Record", bound=Checked)


_FLAGS = {"host": "for"}  # what no field can be called


def flag(name: str) -> str:
    """The option of the field `name`."""
    return "--" + _FLAGS.get(name, name).replace("_", "-")


def add_options(
    parser: argparse.ArgumentParser, record: type[Checked], *, skip: Iterable[str] = (), defaults: bool = True
) -> None:
    """Give `parser` one option for each field of `record`: its range, unit, effect and default in the help.

    A switch becomes --name and --no-name. The range is checked where the record is built (`build`), so that the
    command and the window refuse the same values with the same sentence.

    Parameters
    ----------
    skip : names of fields that get no option
    defaults : whether an option that is not given takes the field's default; else it leaves no trace when parsed
    """
    group = parser.add_argument_group((record.__doc__ or record.__name__).strip().splitlines()[0].rstrip("."))
    for item in dataclasses.fields(typing.cast(Any, record)):
        if item.name in skip:
            continue
        default, text = item.default, _help(item)
        absent = default if defaults else argparse.SUPPRESS
        if isinstance(default, bool):
            group.add_argument(flag(item.name), action=argparse.BooleanOptionalAction, default=absent, help=text)
        elif isinstance(default, tuple):
            kind = type(default[0]) if default else item.metadata.get("kind", str)
            group.add_argument(flag(item.name), type=_listed(kind), default=absent, help=text, metavar="A,B,...")
        else:
            options = [word for word in item.metadata.get("options", ()) if word] or None
            metavar = (
                None
                if options
                else ("N" if isinstance(default, int) else "X" if isinstance(default, float) else "NAME")
            )
            group.add_argument(
                flag(item.name), dest=item.name, type=type(default), default=absent, help=text, choices=options,
                metavar=metavar,
            )  # fmt: skip


def add_existing_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the three answers to files that are there: `existing` of the export's record, and `overwrite`."""
    there = parser.add_mutually_exclusive_group()
    there.add_argument(
        "--overwrite",
        action="store_true",
        help="write over files that are there; without it only over those of the same picture",
    )
    for option, word, text in (
        ("--skip-existing", "skip", "leave out pictures whose files are all there: a stopped run goes on where it was"),
        ("--keep-existing", "refuse", "a picture whose files are there is an error"),
    ):
        there.add_argument(option, dest="existing", action="store_const", const=word, default="overwrite", help=text)


def build(record: type[Record], options: argparse.Namespace, *, preset: Record | None = None, **changes: Any) -> Record:
    """The record of `options` as parsed, with `changes`; `ParameterError` for a value out of its range.

    What no option gives is that of `preset`, or else the default.
    """
    names = [item.name for item in dataclasses.fields(typing.cast(Any, record))]
    values = {name: getattr(options, name) for name in names if hasattr(options, name)}
    known = {} if preset is None else preset.to_dict()
    return record.from_dict({**known, **values, **changes})


def add_filter_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the options of the guided filter, and `--filter` for both at once by a preset's name."""
    add_options(parser, FilterParams, defaults=False)
    default = next(name for name, preset in FILTER_PRESETS.items() if preset == FilterParams())
    meant = "; ".join(f"{name}: radius {p.radius}, eps {p.eps:g}" for name, p in FILTER_PRESETS.items())
    parser.add_argument(
        "--filter",
        choices=FILTER_PRESETS,
        default=default,
        help=f"a preset of radius and eps, which may be given beside it; {meant}; default {default}",
    )


def build_filter(options: argparse.Namespace) -> FilterParams:
    """The guided filter's record: the preset's, but for the numbers that were given."""
    return build(FilterParams, options, preset=FILTER_PRESETS[options.filter])


def words(params: Checked, *, skip: Iterable[str] = ()) -> list[str]:
    """The options that give `params`, defaults left out; floats with all their digits, so nothing is lost.

    Examples
    --------
    >>> from sss_model.params import FilterParams
    >>> words(FilterParams(radius=9))
    ['--radius', '9']
    """
    result: list[str] = []
    for item in dataclasses.fields(typing.cast(Any, params)):
        value = getattr(params, item.name)
        if item.name in skip or value == item.default:
            continue
        if isinstance(value, bool):
            result.append(flag(item.name) if value else "--no-" + item.name.replace("_", "-"))
        elif isinstance(value, tuple):
            result += [flag(item.name), ",".join(map(str, value))]
        else:
            result += [flag(item.name), repr(value) if isinstance(value, float) else str(value)]
    return result


def _listed(kind: type) -> Callable[[str], tuple[Any, ...]]:
    """Reads `a,b`: a list between commas, so that it cannot swallow the file names that follow."""

    def read(text: str) -> tuple[Any, ...]:
        return tuple(kind(part.strip()) for part in text.split(",") if part.strip())

    read.__name__ = f"list of {kind.__name__}"
    return read


def _help(item: dataclasses.Field[Any]) -> str:
    meta = item.metadata
    parts = [str(meta.get("help") or meta.get("label", ""))]
    if "low" in meta:
        unit = f" {meta['unit']}" if meta.get("unit") else ""
        parts.append(f"{meta['low']:g} to {meta['high']:g}{unit}")
    default = ",".join(map(str, item.default)) if isinstance(item.default, tuple) else item.default
    if item.default in ("", ()):
        pass  # what the text says of none
    elif not isinstance(item.default, bool):
        parts.append(f"default {default}")
    else:
        parts.append(f"default {'on' if default else 'off'}")
    return "; ".join(part for part in parts if part).replace("%", "%%")


class _Lines(argparse.HelpFormatter):
    """Wraps texts as usual, but for lines that are indented: those of examples stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        parts = text.split("\n\n")
        return "\n\n".join(
            part if part.startswith("  ") else super(_Lines, self)._fill_text(part, width, indent) for part in parts
        )


def command_parser(program: str, description: str, text: str, *calls: str) -> argparse.ArgumentParser:
    """The parser of a command, with --debug and --version; at the end its help has `text`, and `calls` to go by."""
    parser = argparse.ArgumentParser(
        program,
        description=description,
        epilog="\n\n".join([text, "Examples:", "\n".join(f"  {call}" for call in calls)]),
        formatter_class=_Lines,
    )
    parser.add_argument("--version", action="version", version=f"sss-features {sss_model.__version__}")
    add_debug_option(parser)
    return parser


def refuse(parser: argparse.ArgumentParser, error: ParameterError) -> typing.NoReturn:
    """Leave with the usage, the error's sentence and exit code 2, as argparse does for its own."""
    parser.error(f"{error} {error.hint}".strip())
