"""A teacher holds features where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from made_sets import small_params
from training_runs import events, train

from sss_model.errors import CheckpointError, ParameterError
from sss_model.network.build import build_network
from sss_model.training.params import LossParams
from sss_model.training.teacher import load_teacher, teacher_loss
from sss_model.training.trainer import LAST_MODEL
from sss_model.weights.checkpoint import load_network, write_checkpoint

MOVING = {"freeze_updates": 0, "ema": 0.0, "optimiser": "adamw", "rate": 1e-3, "base_rate": 1e-3}


@pytest.fixture
def teacher(tmp_path: Path) -> Path:
    """A model file with the weights that `train` starts from."""
    torch.manual_seed(small_params().run.seed)
    path = tmp_path / "teacher.safetensors"
    write_checkpoint(path, build_network(small_params().network), {})
    return path


def _moved(start: Path, end: Path) -> float:
    """Mean distance between the features of two models in a picture."""
    picture = torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        first, second = (load_network(path)[0](picture) for path in (start, end))
    return float((first - second).norm(dim=1).mean())


def test_a_strong_teacher_holds_the_features(parts: Any, teacher: Path, tmp_path: Path) -> None:
    run = {"iterations": 25, "validate_every": 0}
    for name, weight in (("free", 0.0), ("held", 100.0)):
        loss = {"teacher": str(teacher), "teacher_weight": weight}
        train(parts, small_params(run=run, loss=loss, optimiser=MOVING, network={"dropout": 0.0}), tmp_path / name)
    free, held = (_moved(teacher, tmp_path / name / LAST_MODEL) for name in ("free", "held"))
    assert 0 < held < 0.5 * free


def test_a_teacher_of_weight_0_changes_nothing(parts: Any, teacher: Path, tmp_path: Path) -> None:
    run = {"iterations": 3, "validate_every": 0}
    train(parts, small_params(run=run), tmp_path / "without")
    train(parts, small_params(run=run, loss={"teacher": str(teacher), "teacher_weight": 0.0}), tmp_path / "with")
    losses = [[e["loss"] for e in events(tmp_path / name, "update")] for name in ("without", "with")]
    assert losses[0] == losses[1]


def test_a_resumed_run_with_a_teacher_equals_an_unbroken_one(parts: Any, teacher: Path, tmp_path: Path) -> None:
    params = small_params(run={"iterations": 6, "validate_every": 0}, loss={"teacher": str(teacher)})
    train(parts, params, tmp_path / "whole")
    train(parts, params, tmp_path / "broken", stop_at=3)
    train(parts, params, tmp_path / "broken", resume=True)
    whole, broken = (load_network(tmp_path / name / LAST_MODEL)[1].state for name in ("whole", "broken"))
    assert all(torch.equal(value, broken[name]) for name, value in whole.items())


def test_the_teacher_sees_its_own_scales_and_does_not_learn(teacher: Path) -> None:
    params = small_params(loss={"teacher": str(teacher), "teacher_scales": (0.5, 1.0)})
    found = load_teacher(params, build_network(params.network), torch.device("cpu"))
    assert found is not None
    assert found.scales == (0.5, 1.0)
    assert not found.training
    assert not any(weight.requires_grad for weight in found.parameters())
    params = small_params(loss={"teacher": str(teacher)}, augment={"scales": (0.75,)})
    found = load_teacher(params, build_network(params.network), torch.device("cpu"))
    assert found is not None
    assert found.scales == (0.75,)


def test_the_loss_is_in_the_units_of_equation_1() -> None:
    features = torch.zeros(2, 5, 128, requires_grad=True)
    targets = torch.full((2, 5, 128), 2.0)
    loss = teacher_loss(features, targets, LossParams(distance_scale=64.0))
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == pytest.approx(4 * 128 / 64)
    assert features.grad is not None
    torch.testing.assert_close(features.grad, torch.full_like(features, 2 * -2.0 / 64 / 10))


def test_a_teacher_of_another_dimension_is_refused(parts: Any, teacher: Path, tmp_path: Path) -> None:
    params = small_params(loss={"teacher": str(teacher)}, network={"feature_channels": 5})
    with pytest.raises(ParameterError, match=r"teacher\.safetensors has 8 feature channels; expected 5"):
        train(parts, params, tmp_path / "out")


def test_a_teacher_that_is_not_there_is_refused(parts: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="absent"):
        train(parts, small_params(loss={"teacher": str(tmp_path / "absent.safetensors")}), tmp_path / "out")
    with pytest.raises(ParameterError, match=r"^teacher_scales \(Scales of the teacher\) must be up to 4"):
        LossParams(teacher_scales=(9.0,))
