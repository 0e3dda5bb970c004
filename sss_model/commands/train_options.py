"""Where a run's parameters come from: a preset or the run being resumed, then --config, then the command's options."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from sss_model.commands.options import add_options
from sss_model.datasets.dataset import parse_source
from sss_model.training.config import read_config, with_config
from sss_model.training.params import SECTIONS, TrainParams, preset


def add_param_options(parser: argparse.ArgumentParser) -> None:
    """One option for every field of every section; an option that is not given leaves no trace."""
    for record in SECTIONS.values():
        add_options(parser, record, defaults=False)


def gather_params(options: argparse.Namespace, resumed: dict[str, Any] | None = None) -> TrainParams:
    """The parameters that `options` ask for.

    Parameters
    ----------
    options : as parsed, with `data`, `config` and `preset`
    resumed : parameters of the run that goes on, in place of a preset's

    Raises
    ------
    ParameterError : an unknown name, or a value out of its range
    """
    params = TrainParams.from_dict(resumed) if resumed is not None else preset(options.preset or "paper")
    if options.config is not None:
        params = with_config(params, read_config(options.config))
    given = vars(options)
    sections = {
        name: {f.name: given[f.name] for f in dataclasses.fields(record) if f.name in given}
        for name, record in SECTIONS.items()
    }
    params = params.with_values(sections)
    if options.data:
        params = dataclasses.replace(params, data=tuple(parse_source(text) for text in options.data))
    if options.label_maps:
        data = tuple(dataclasses.replace(source, label_maps=options.label_maps) for source in params.data)
        params = dataclasses.replace(params, data=data)
    return params
