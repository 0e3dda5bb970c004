"""Weights that are not finite, and states that are damaged, are refused before anything is changed."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from made_sets import small_params
from small_models import small_checkpoint
from training_runs import make_parts, train

from sss_model.errors import CheckpointError
from sss_model.network.build import build_network
from sss_model.training.optimiser import ExponentialMovingAverage, build_optimiser
from sss_model.training.run_folder.checkpoints import TrainState, read_state, restore_state
from sss_model.training.run_folder.file_names import LAST_STATE
from sss_model.weights.backbone_weights import read_weights
from sss_model.weights.checkpoint import read_checkpoint, write_checkpoint
from sss_model.weights.header import read_header


def test_a_model_with_weights_that_are_not_finite_is_refused(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "a.safetensors", small_checkpoint()[0])
    state = safetensors.torch.load_file(tmp_path / "a.safetensors")
    header = read_header(tmp_path / "a.safetensors")
    name = next(name for name in state if state[name].is_floating_point())
    state[name].view(-1)[0] = float("nan")
    header["sss"] = header["sss"].replace('"weights_sha256"', '"other"')
    safetensors.torch.save_file(state, tmp_path / "a.safetensors", header)
    with pytest.raises(CheckpointError, match=rf"weights in a\.safetensors are not finite: {name} holds NaN"):
        read_checkpoint(tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pth")
    with pytest.raises(CheckpointError, match=r"weights in a\.pth are not finite"):
        read_weights(tmp_path / "a.pth")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a run of one update saves."""
    folder = tmp_path_factory.mktemp("run")
    train(make_parts(folder / "set"), small_params(run={"iterations": 1, "validate_every": 0}), folder / "out")
    return read_state(folder / "out" / LAST_STATE)


def _nan(content: dict[str, Any]) -> None:
    next(iter(content["network"].values())).view(-1)[0] = float("nan")


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        (_nan, "not finite"),
        (lambda c: c["mean"]["values"].popitem(), "EMA of last.state.pt do not fit the network: missing"),
        (lambda c: c["optimiser"]["state"].update({0: {"exp_avg": torch.zeros(7)}}), "state of the optimiser"),
        (lambda c: c.update(random=torch.zeros(3, dtype=torch.uint8)), "random generators"),
        (lambda c: c.update(update="many"), "damaged: update is missing or of another kind"),
        (lambda c: c.pop("mean"), "damaged: mean is missing or of another kind"),
        (lambda c: c.pop("scaler"), "damaged: scaler"),
        (lambda c: c.update(scores={"set": {"images": 3}}), "damaged: scores"),
    ],
)
def test_a_damaged_state_changes_nothing(content: dict[str, Any], damage: Any, match: str) -> None:
    params = small_params()
    network = build_network(params.network)
    optimiser = build_optimiser(network, params.optimiser)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    state = TrainState(network, optimiser, scaler, ExponentialMovingAverage(network, 0.9))
    before, random = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    damaged = copy.deepcopy(content)
    damage(damaged)
    with pytest.raises(CheckpointError, match=match):
        restore_state(damaged, state, params.optimiser, LAST_STATE)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not optimiser.state
    assert torch.equal(random, torch.get_rng_state())
    assert (state.update, state.best) == (0, float("-inf"))
    restore_state(content, state, params.optimiser, LAST_STATE)
    assert state.update == 1


@pytest.mark.parametrize("recipe", [None, 7, {"optimiser": "adamw"}])
def test_a_state_without_its_recipe_is_refused_when_it_is_read(content, tmp_path, recipe):
    torch.save({**content, "params": recipe}, tmp_path / LAST_STATE)
    with pytest.raises(CheckpointError, match="damaged: params is missing"):
        read_state(tmp_path / LAST_STATE)
