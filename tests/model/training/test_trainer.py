"""Training: what an update does, what a run leaves behind, what it says of bad pictures."""

from __future__ import annotations

import math
import multiprocessing
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_sets import save_map, small_params
from training_runs import events, train

from sss_model.errors import CheckpointError, DatasetError, DeviceError, ParameterError, SSSError
from sss_model.network.build import build_network
from sss_model.training.augment import augment
from sss_model.training.data_loading import BatchDataset
from sss_model.training.loss import training_loss
from sss_model.training.optimiser import set_training_mode
from sss_model.training.params import AugmentParams
from sss_model.training.run_folder.checkpoints import LAST_STATE, TrainState, read_state, save_state
from sss_model.training.run_folder.log import LOG
from sss_model.training.trainer import BEST_MODEL, LAST_MODEL, Trainer
from sss_model.weights.checkpoint import load_network

PLAIN = {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.0, "ema": 0.0, "freeze_updates": 0, "warmup": 0}


def test_training_teaches(parts: Any, tmp_path: Path) -> None:
    """Three flat colours under noise: thirty updates of the head tell them apart better than the untrained one."""
    params = small_params(
        run={"iterations": 30, "validate_every": 0}, optimiser={"freeze_updates": 0}, network={"dropout": 0.0}
    )
    train(parts, params, tmp_path / "out")
    first, last = events(tmp_path / "out", "validation")
    assert last["auc"] > first["auc"] + 0.02
    losses = [e["loss"] for e in events(tmp_path / "out", "update")]
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])


def test_a_run_leaves_models_state_and_log(parts: Any, tmp_path: Path) -> None:
    output = tmp_path / "out"
    result = train(parts, small_params(), output)
    assert (result.update, result.stopped) == (8, False)
    assert {p.name for p in output.iterdir()} == {LAST_STATE, LAST_MODEL, BEST_MODEL, LOG}
    updates = events(output, "update")
    assert [e["update"] for e in updates] == list(range(1, 9))
    assert all(math.isfinite(e["loss"]) and e["gradient_norm"] > 0 for e in updates)
    assert {"near_negatives", "rate_backbone", "rate_new", "positive_distance", "negative_distance"} <= set(updates[0])
    assert [e["update"] for e in events(output, "validation")] == [0, 4, 8]
    assert all("taps" in s for e in events(output, "validation") for s in e["sets"].values())
    network, checkpoint = load_network(output / LAST_MODEL)
    assert checkpoint.params == small_params().network
    assert checkpoint.metadata["update"] == checkpoint.metadata["auc_update"] == 8
    assert network(torch.rand(1, 3, 33, 40)).shape == (1, 8, 33, 40)


def test_the_backbone_rests_while_frozen_and_norm_layers_throughout(parts: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    params = small_params(run={"iterations": 3, "validate_every": 0}, optimiser={"ema": 0.0})
    network = build_network(params.network)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    (tmp_path / "out").mkdir()
    Trainer(network, *parts, params, tmp_path / "out").run()
    after = network.state_dict()
    assert all(torch.equal(after[n], before[n]) for n in before if n.startswith("backbone."))
    assert all(not torch.equal(after[n], before[n]) for n in before if n.startswith(("hidden.w", "project.w")))

    (tmp_path / "more").mkdir()
    params = small_params(run={"iterations": 3, "validate_every": 0}, optimiser={"freeze_updates": 1})
    Trainer(network, *parts, params, tmp_path / "more").run()
    moved = {
        n
        for n, value in network.state_dict().items()
        if not torch.equal(value, before[n]) and n.startswith("backbone.")
    }
    assert moved
    norms = {f"{n}." for n, m in network.named_modules() if isinstance(m, torch.nn.BatchNorm2d)}
    assert not [n for n in moved if n.startswith(tuple(norms))]


def test_workers_do_not_change_what_is_drawn(parts: Any, tmp_path: Path) -> None:
    for workers in (0, 2):
        train(
            parts, small_params(run={"workers": workers, "iterations": 3, "validate_every": 0}), tmp_path / str(workers)
        )
    losses = [[e["loss"] for e in events(tmp_path / name, "update")] for name in ("0", "2")]
    assert losses[0] == losses[1]


def test_two_images_an_update_are_the_mean_of_two(parts: Any, tmp_path: Path) -> None:
    """Gradients of an update over draws 0 and 1 are the mean of what each alone gives."""
    params = small_params(network={"dropout": 0.0}, optimiser=PLAIN)
    batches = BatchDataset(parts[0], params)
    torch.manual_seed(0)
    network = build_network(params.network)
    (tmp_path / "out").mkdir()
    trainer = Trainer(network, *parts, params, tmp_path / "out")
    model = trainer.prepare()
    trainer.update(model, iter([batches[0], batches[1]]))
    both = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    torch.manual_seed(0)
    alone = build_network(params.network)
    set_training_mode(alone, params.optimiser, frozen=False)
    from sss_model.training.loss import pair_loss

    for k in range(2):
        batch = batches[k]
        points = torch.from_numpy(batch.points).reshape(1, -1, 2)
        features = alone.features_at(alone.branches(torch.from_numpy(batch.image)[None]), points)
        labels = torch.from_numpy(batch.labels)
        (pair_loss(features.reshape(*labels.shape, -1), labels, params.loss) / 2).backward()
    for name, parameter in alone.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(both[name], parameter.grad, rtol=1e-4, atol=1e-7)


def test_sum_and_mean_of_samplings(parts: Any, tmp_path: Path) -> None:
    norms = []
    for accumulate in ("mean", "sum"):
        params = small_params(
            loss={"accumulate": accumulate}, run={"iterations": 1, "validate_every": 0}, optimiser={"clip_grad": 0.0}
        )
        train(parts, params, tmp_path / accumulate)
        norms.append(events(tmp_path / accumulate, "update")[0]["gradient_norm"])
    assert norms[1] == pytest.approx(2 * norms[0], rel=1e-4)


def test_bad_pictures_are_refused_or_skipped_and_named(parts: Any, tmp_path: Path) -> None:
    for item in parts[0][0].items[1:]:
        content = item.picture.read_bytes()
        item.picture.write_bytes(content[: len(content) // 2])
    params = small_params(run={"iterations": 2, "validate_every": 0})
    with pytest.raises(DatasetError, match=r"picture .* cannot be read"):
        train(parts, params, tmp_path / "refused")
    assert events(tmp_path / "refused", "error")[0]["kind"] == "DatasetError"
    train(parts, small_params(run={"iterations": 2, "validate_every": 0, "on_bad": "skip"}), tmp_path / "skipped")
    assert "cannot be read" in events(tmp_path / "skipped", "skipped")[0]["reason"]


def test_a_bad_picture_in_a_worker_is_one_sentence_and_no_worker_is_left(parts: Any, tmp_path: Path) -> None:
    for item in parts[0][0].items:
        item.picture.write_bytes(item.picture.read_bytes()[:500])
    with pytest.raises(DatasetError) as caught:
        train(parts, small_params(run={"workers": 1, "validate_every": 0}), tmp_path / "out")
    assert re.fullmatch(r"The picture \S+ cannot be read: .*", str(caught.value)), "nothing around it, one line"
    assert not multiprocessing.active_children()


def test_a_bad_held_out_picture_is_refused_or_left_out_of_the_scores(parts: Any, tmp_path: Path) -> None:
    from sss_model.training.validation import pca_pictures

    save_map(parts[1][0].items[0].labels[0], np.full((48, 64), 255, np.uint8))
    run = {"iterations": 1, "validate_every": 0}
    with pytest.raises(DatasetError, match="is empty"):
        train(parts, small_params(run=run), tmp_path / "refused")
    result = train(parts, small_params(run={**run, "on_bad": "skip"}), tmp_path / "skipped")
    assert result.scores["set"].images == min(4, len(parts[1][0])) - 1
    assert [e["update"] for e in events(tmp_path / "skipped", "skipped") if "is empty" in e["reason"]] == [0, 1]
    network = build_network(small_params().network)
    ((name, picture),) = pca_pictures(network, parts[1], 64, torch.device("cpu"))
    assert (name, picture.shape) == ("set", (48, 128, 3))


def test_pictures_that_all_have_one_label(parts: Any, tmp_path: Path) -> None:
    params = small_params(sampling={"min_area": 10000})
    with pytest.raises(DatasetError, match=r"on end cannot be trained on; the last: .*fewer than two labels"):
        train(parts, params, tmp_path / "out")


def test_a_loss_that_is_not_finite_ends_the_run(parts: Any, tmp_path: Path) -> None:
    params = small_params(
        optimiser={**PLAIN, "rate": 10.0, "weight_decay": 10.0}, run={"iterations": 200, "validate_every": 0}
    )
    with pytest.raises(SSSError, match="not finite"):
        train(parts, params, tmp_path / "out")


def test_gradients_that_are_not_finite_leave_the_weights_and_the_state_before(
    parts: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loss is finite, but its gradient is not: the step is not taken, and the message names the update."""
    import sss_model.training.trainer as module

    updates = iter(range(100))

    def loss(features: torch.Tensor, labels: torch.Tensor, params: Any, parts: torch.Tensor) -> torch.Tensor:
        value = training_loss(features, labels, params, parts)
        return value + (features.sum() * 0).sqrt() if next(updates) >= 2 else value  # sqrt has no gradient at 0

    monkeypatch.setattr(module, "training_loss", loss)
    params = small_params(optimiser={**PLAIN, "grad_accum": 1}, run={"iterations": 9, "validate_every": 0})
    with pytest.raises(ParameterError, match="gradients are not finite in update 3"):
        train(parts, params, tmp_path / "out")
    state = read_state(tmp_path / "out" / LAST_STATE)
    assert state["update"] == 2
    assert all(bool(value.isfinite().all()) for value in state["network"].values())


def test_weights_that_are_not_finite_are_never_saved_over_a_good_state(parts: Any, tmp_path: Path) -> None:
    network = build_network(small_params().network)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    state = TrainState(network, torch.optim.SGD(network.parameters(), 0.1), scaler, None)
    path = tmp_path / LAST_STATE
    save_state(path, state, small_params(), {})
    before = path.read_bytes()
    with torch.no_grad():
        next(network.parameters()).fill_(float("nan"))
    with pytest.raises(CheckpointError, match="not finite after update 0"):
        save_state(path, state, small_params(), {})
    assert path.read_bytes() == before


def test_a_device_that_is_not_there(parts: Any, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no device cuda:99"):
        train(parts, small_params(run={"device": "cuda:99"}), tmp_path / "out")


def test_grad_accum_must_fit_the_ranks(parts: Any, tmp_path: Path) -> None:
    from sss_model.training.distributed import ProcessGroup

    with pytest.raises(ParameterError, match="multiple of the 3 processes, got 2"):
        Trainer(
            build_network(small_params().network), *parts, small_params(), tmp_path, processes=ProcessGroup(0, 3, 0)
        )


def test_augmentation_keeps_labels_on_their_pixels(parts: Any) -> None:
    """Region colours are flat: after any scale, crop and mirror, labels still lie on their colour."""
    data = parts[0][0]
    rng = np.random.default_rng(0)
    for _ in range(20):
        example = augment(data.read(0), AugmentParams(crop=30, scale_low=0.6, scale_high=1.8), rng)
        assert max(example.picture.size) <= 30
        assert example.labels.shape == example.picture.size[::-1]
        strongest = np.asarray(example.picture).argmax(2)
        known = example.labels >= 0
        assert (strongest[known] == example.labels[known]).mean() > 0.9


def test_augmentation_mirrors_and_recolours(parts: Any) -> None:
    example = parts[0][0].read(0)
    still = AugmentParams(scale_low=1, scale_high=1, crop=0, mirror=0.0)
    rng = np.random.default_rng(0)
    same = augment(example, still, rng)
    np.testing.assert_array_equal(np.asarray(same.picture), np.asarray(example.picture))
    mirrored = augment(example, AugmentParams(scale_low=1, scale_high=1, crop=0, mirror=1.0), rng)
    np.testing.assert_array_equal(mirrored.labels, example.labels[:, ::-1])
    np.testing.assert_array_equal(np.asarray(mirrored.picture), np.asarray(example.picture)[:, ::-1])
    grey = augment(example, AugmentParams(scale_low=1, scale_high=1, crop=0, mirror=0.0, grey=1.0), rng)
    assert np.ptp(np.asarray(grey.picture).astype(int), axis=2).max() <= 1


def test_border_windows_and_scales_take_part_in_an_update(parts: Any, tmp_path: Path) -> None:
    """The loss of an update with windows is the wide one plus the weighted one of the windows."""
    losses = {}
    for weight in (0.0, 0.5, 1.0):
        params = small_params(
            run={"iterations": 1, "log_every": 1, "validate_every": 0},
            sampling={"border_windows": 3, "border_pixels": 12, "border_radius": 5},
            augment={"scales": (0.5, 1.0)},
            loss={"border_weight": weight},
            network={"dropout": 0.0},
        )
        train(parts, params, tmp_path / str(weight))
        losses[weight] = events(tmp_path / str(weight), "update")[0]["loss"]
    assert losses[0.5] - losses[0.0] == pytest.approx((losses[1.0] - losses[0.0]) / 2, rel=1e-4)
    assert losses[1.0] > losses[0.0]
    scores = events(tmp_path / "1.0", "validation")[-1]["sets"]
    assert all(score["edge"] > 0.5 and score["drift"] > 0 for score in scores.values())


def test_features_that_collapse_are_told_once(
    parts: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last layer is set to nothing after two updates, as a collapse leaves it."""
    update = Trainer.update

    def collapsing(self: Trainer, *arguments: Any) -> None:
        if self._state.update == 2:
            with torch.no_grad():
                for parameter in self._network.head_parameters():
                    parameter.zero_()
        update(self, *arguments)

    monkeypatch.setattr(Trainer, "update", collapsing)
    params = small_params(
        run={"iterations": 5, "validate_every": 0, "log_every": 1}, optimiser={"rate": 0.0, "base_rate": 0.0}
    )
    train(parts, params, tmp_path / "out")
    (event,) = events(tmp_path / "out", "collapse")
    assert event["update"] == 3
    assert event["distance"] < 1e-4 * event["before"]
    said = capsys.readouterr().err
    assert said.count("The features have collapsed by update 3") == 1


def test_a_healthy_run_is_not_told_to_collapse(parts: Any, tmp_path: Path) -> None:
    train(parts, small_params(run={"iterations": 3, "validate_every": 0, "log_every": 1}), tmp_path / "out")
    assert events(tmp_path / "out", "collapse") == []
