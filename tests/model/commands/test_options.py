"""Options and records say the same, in both directions."""

from __future__ import annotations

import argparse
import dataclasses

import pytest

from sss_model.commands.options import add_filter_options, add_options, build, build_filter, words
from sss_model.errors import ParameterError
from sss_model.params import FILTER_PRESETS, ExportParams, ExtractParams, FilterParams, ProjectionParams

RECORDS = (FilterParams, ProjectionParams, ExtractParams, ExportParams)


def parser():
    result = argparse.ArgumentParser()
    for record in RECORDS:
        add_options(result, record)
    return result


def test_without_options_come_the_defaults():
    options = parser().parse_args([])
    assert [build(record, options) for record in RECORDS] == [record() for record in RECORDS]


@pytest.mark.parametrize(
    "params",
    [
        FilterParams(radius=17, eps=1 / 3 * 1e-3),
        ProjectionParams(seed=2**31 - 1, red=3, green=1, blue=16, range="whitened"),
        ExtractParams(device="cuda:1", precision="float16", tile=512),
        ExportParams(pictures=False, filtered=True, formats=("mat", "exr"), existing="skip"),
    ],
)
def test_words_give_back_the_record_bit_for_bit(params):
    assert build(type(params), parser().parse_args(words(params))) == params


def test_defaults_need_no_words():
    assert [words(record()) for record in RECORDS] == [[], [], [], []]


def test_a_list_does_not_swallow_the_file_names():
    result = parser()
    result.add_argument("images", nargs="+")
    options = result.parse_args(["--formats", "npy,mat", "a.png", "b.png"])
    assert options.formats == ("npy", "mat")
    assert options.images == ["a.png", "b.png"]


def test_ranges_are_refused_with_the_records_own_sentence():
    with pytest.raises(ParameterError, match=r"radius .* must be from 0 to 200, got 201"):
        build(FilterParams, parser().parse_args(["--radius", "201"]))


def test_every_field_has_an_option_with_help():
    text = parser().format_help()
    for record in RECORDS:
        for item in dataclasses.fields(record):
            assert "--" + item.name.replace("_", "-") in text


def test_a_preset_gives_radius_and_eps_and_what_stands_beside_it_counts():
    parser = argparse.ArgumentParser()
    add_filter_options(parser)
    assert build_filter(parser.parse_args([])) == FilterParams()
    assert build_filter(parser.parse_args(["--filter", "paper"])) == FILTER_PRESETS["paper"]
    assert build_filter(parser.parse_args(["--filter", "paper", "--eps", "0.5"])) == FilterParams(radius=5, eps=0.5)
    assert build_filter(parser.parse_args(["--radius", "9"])) == FilterParams(radius=9)
    assert build_filter(parser.parse_args(words(FILTER_PRESETS["paper"]))) == FILTER_PRESETS["paper"]
    with pytest.raises(ParameterError, match="radius"):
        build_filter(parser.parse_args(["--filter", "paper", "--radius", "-1"]))
