"""Resuming: a resumed run equals an unbroken one, takes what is asked of it anew, and refuses what does not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from made_sets import small_params
from training_runs import events, train

from sss_model.errors import CheckpointError
from sss_model.training.run_folder.checkpoints import LAST_STATE, read_state
from sss_model.training.trainer import BEST_MODEL, LAST_MODEL
from sss_model.weights.checkpoint import read_checkpoint


def test_a_resumed_run_equals_an_unbroken_one(parts: Any, tmp_path: Path) -> None:
    """Bit for bit on the CPU: weights, optimiser, EMA, losses; dropout and augmentation included."""
    params = small_params()
    train(parts, params, tmp_path / "whole")
    stopped = train(parts, params, tmp_path / "broken", stop_at=5)
    assert (stopped.update, stopped.stopped) == (5, True)
    train(parts, params, tmp_path / "broken", resume=True)
    _assert_equal(read_state(tmp_path / "whole" / LAST_STATE), read_state(tmp_path / "broken" / LAST_STATE))
    losses = [[e["loss"] for e in events(tmp_path / name, "update")] for name in ("whole", "broken")]
    assert losses[0] == losses[1]


def _assert_equal(one: Any, two: Any, where: str = "") -> None:
    assert type(one) is type(two), where
    if isinstance(one, dict):
        assert one.keys() == two.keys(), where
        for key in one:
            _assert_equal(one[key], two[key], f"{where}.{key}")
    elif isinstance(one, (list, tuple)):
        assert len(one) == len(two), where
        for k, (a, b) in enumerate(zip(one, two, strict=True)):
            _assert_equal(a, b, f"{where}[{k}]")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, two), where
    else:
        assert one == two, where


def test_a_resumed_run_says_that_its_data_changed(parts: Any, tmp_path: Path) -> None:
    params = small_params(run={"iterations": 1, "validate_every": 0})
    train(parts, params, tmp_path / "out")
    parts[0][0].items.pop()
    train(parts, small_params(run={"iterations": 2, "validate_every": 0}), tmp_path / "out", resume=True)
    (event,) = events(tmp_path / "out", "pictures_changed")
    assert event["before"]["set"] == event["now"]["set"] + 1


def test_resume_of_another_network_is_refused(parts: Any, tmp_path: Path) -> None:
    train(parts, small_params(run={"iterations": 1, "validate_every": 0}), tmp_path / "out")
    with pytest.raises(CheckpointError, match=r"do not fit the network: shape of project.weight"):
        train(parts, small_params(network={"feature_channels": 9}), tmp_path / "out", resume=True)
    with pytest.raises(CheckpointError, match="written with EMA"):
        train(parts, small_params(optimiser={"ema": 0.0}), tmp_path / "out", resume=True)


def test_scores_are_of_the_update_they_were_measured_at(parts: Any, tmp_path: Path) -> None:
    """Also in the model that a stopped run leaves, and in the one that the next run leaves before it validates."""

    def metadata() -> dict[str, Any]:
        return read_checkpoint(tmp_path / LAST_MODEL).metadata

    train(parts, small_params(), tmp_path, stop_at=5)
    one = metadata()
    assert (one["update"], one["auc_update"]) == (5, 4)
    assert list(one["auc"]) == ["set"]
    train(parts, small_params(), tmp_path, stop_at=1, resume=True)
    assert {**metadata(), "weights_sha256": 0} == {**one, "update": 6, "weights_sha256": 0}


def test_a_state_of_an_older_version_loads(parts: Any, tmp_path: Path) -> None:
    train(parts, small_params(), tmp_path, stop_at=5)
    content = read_state(tmp_path / LAST_STATE)
    del content["scores"], content["scored"]
    torch.save(content, tmp_path / LAST_STATE)
    assert train(parts, small_params(), tmp_path, resume=True).update == 8


def test_a_run_that_goes_on_without_its_best_model_writes_one(parts: Any, tmp_path: Path) -> None:
    train(parts, small_params(), tmp_path, stop_at=5)
    content = read_state(tmp_path / LAST_STATE)
    torch.save({**content, "best": 2.0}, tmp_path / LAST_STATE)
    (tmp_path / BEST_MODEL).unlink()
    train(parts, small_params(), tmp_path, resume=True)
    assert read_checkpoint(tmp_path / BEST_MODEL).metadata["update"] == 8


@pytest.mark.parametrize(("kind", "name"), [("adamw", "betas"), ("sgd", "momentum")])
def test_momentum_and_decay_asked_for_on_resuming_are_applied(kind: str, name: str, parts: Any, tmp_path: Path) -> None:
    run = {"iterations": 1, "validate_every": 0}
    train(parts, small_params(run=run, optimiser={"optimiser": kind}), tmp_path / "out")
    asked = small_params(
        run={**run, "iterations": 2}, optimiser={"optimiser": kind, "momentum": 0.5, "weight_decay": 0.25}
    )
    train(parts, asked, tmp_path / "out", resume=True)
    for group in read_state(tmp_path / "out" / LAST_STATE)["optimiser"]["param_groups"]:
        assert group["weight_decay"] == 0.25
        assert group[name] == ((0.5, 0.999) if kind == "adamw" else 0.5)


def test_another_optimiser_on_resuming_is_refused(parts: Any, tmp_path: Path) -> None:
    run = {"iterations": 1, "validate_every": 0}
    train(parts, small_params(run=run), tmp_path / "out")
    with pytest.raises(CheckpointError, match="written by the optimiser adamw; it cannot go on with sgd"):
        train(parts, small_params(run=run, optimiser={"optimiser": "sgd"}), tmp_path / "out", resume=True)


@pytest.mark.parametrize(("name", "value"), [("best", 10**500), ("update", -1), ("random", 3)])
def test_a_damaged_state_is_refused_by_the_name_of_its_part(name: str, value: Any, parts: Any, tmp_path: Path) -> None:
    run = {"iterations": 1, "validate_every": 0}
    train(parts, small_params(run=run), tmp_path)
    torch.save({**read_state(tmp_path / LAST_STATE), name: value}, tmp_path / LAST_STATE)
    with pytest.raises(CheckpointError, match=f"damaged: {name} is missing or of another kind"):
        train(parts, small_params(run=run), tmp_path, resume=True)


@pytest.mark.parametrize("content", [b"nothing", None])
def test_what_is_no_state(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / LAST_STATE
    if content is not None:
        path.write_bytes(content)
    else:
        torch.save({"format": 99}, path)
    with pytest.raises(CheckpointError, match="is not a training state"):
        read_state(path)
