"""Where a training run's parameters come from: presets, configuration files, flags."""

from __future__ import annotations

from pathlib import Path

import pytest

from sss_model.commands.train import build_parser
from sss_model.commands.train_run import gather_params
from sss_model.errors import ParameterError
from sss_model.training.config import read_config, write_config
from sss_model.training.params import PRESETS, SECTIONS, TrainParams, preset


def _params(*words: str) -> TrainParams:
    return gather_params(build_parser().parse_args(words))


def test_the_paper_is_the_default() -> None:
    """ProcessSampler of the supplement, section 1, none of them by accident."""
    params = _params("--data", "/x")
    assert params.network.backbone == "resnet101"
    assert params.network.branch_channels == (4, 124, 128, 256, 512)
    assert (params.network.hidden_channels, params.network.feature_channels, params.network.dropout) == (512, 128, 0.5)
    assert (params.sampling.instances, params.sampling.pixels, params.sampling.samplings) == (3, 1000, 10)
    assert (params.loss.loss, params.loss.distance_scale) == ("eq1", 128.0)
    o = params.optimiser
    assert (o.optimiser, o.momentum, o.weight_decay, o.base_rate, o.rate) == ("sgd", 0.9, 5e-4, 5e-4, 5e-3)
    assert (o.schedule, o.power, o.grad_accum, o.freeze_updates) == ("poly", 0.9, 1, 0)
    assert params.run.iterations == 60000


def test_flags_win_over_the_file_and_the_file_over_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(
        "preset: lite2\nloss: {loss: eq1}\nrun: {seed: 5, iterations: 7}\ndata: [/a=2, {path: /b, void: [3]}]\n",
        encoding="utf-8",
    )
    params = _params("--config", str(path), "--iterations", "9", "--clip-grad", "0")
    assert params.network == preset("lite2").network
    assert (params.loss.loss, params.run.seed, params.run.iterations, params.optimiser.clip_grad) == ("eq1", 5, 9, 0.0)
    assert [(d.path, d.weight, d.void) for d in params.data] == [("/a", 2.0, None), ("/b", 1.0, (3,))]
    assert [d.path for d in _params("--config", str(path), "--data", "/c").data] == ["/c"]


def test_numbers_and_folders_as_people_write_them(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("data: mini=2e0\noptimiser: {rate: 5e-4, clip_grad: '1'}\n", encoding="utf-8")
    params = _params("--config", str(path))
    assert [(d.path, d.weight) for d in params.data] == [("mini", 2.0)]
    assert (params.optimiser.rate, params.optimiser.clip_grad) == (5e-4, 1.0)
    path.write_text("data: [{path: mini, weight: 5e-1}]\n", encoding="utf-8")
    assert _params("--config", str(path)).data[0].weight == 0.5


@pytest.mark.parametrize("name", PRESETS)
def test_a_printed_configuration_reads_back(name: str, tmp_path: Path) -> None:
    params = _params("--preset", name, "--data", "bsds:/x@train=3")
    path = tmp_path / "c.yaml"
    path.write_text(write_config(params), encoding="utf-8")
    assert _params("--config", str(path)) == params


def test_every_number_has_one_flag_and_a_help_text() -> None:
    names = [name for record in SECTIONS.values() for name in record.__dataclass_fields__]
    assert len(names) == len(set(names))
    text = build_parser().format_help()
    for name in names:
        assert f"--{name.replace('_', '-')}" in text


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("loss: {los: eq1}", "Unknown parameter los for LossParams"),
        ("losses: {}", "Unknown section losses"),
        ("loss: {loss: eq2}", "must be one of eq1"),
        ("run: {iterations: many}", "iterations .* must be a whole number, got 'many'"),
        ("run: 3", "section run must hold names and values"),
        ("- 3", "must hold sections"),
        ("a: [", "cannot be read"),
        ("data: [5]", "data set must be a folder, or a mapping with its path; got 5"),
        ("data: [/a, null]", "got None"),
        ("data: [{weight: 2}]", "got {'weight': 2}"),
        ("data: [{path: /a, splits: train}]", "splits of the data set /a must be a list of folder names, got 'train'"),
        ("data: 5", "data must be a folder or a list of them, got 5"),
        ("5: {}", "Unknown section 5"),
        ("optimiser: {rate: high}", "rate .* must be a number, got 'high'"),
        ("run: {iterations: 1e4}", "iterations .* must be a whole number, got '1e4'"),
        ("preset: papers", "No preset is called 'papers'"),
    ],
)
def test_a_wrong_configuration_is_explained(text: str, match: str, tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=match):
        _params("--config", str(path))
    with pytest.raises(ParameterError, match="cannot be read"):
        read_config(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize("data", [1.5, "/a", {"path": "/a"}])
def test_a_state_whose_data_is_no_list_is_refused(data: object) -> None:
    with pytest.raises(ParameterError, match="section data must be a list of data sets, got"):
        TrainParams.from_dict({"data": data})
