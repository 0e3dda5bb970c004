"""Training: what an update does, what a run leaves behind, and that a resumed run equals an unbroken one."""

from __future__ import annotations

import json
import math
import multiprocessing
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_sets import folder_set, save_map, small_params

from sss_model.checkpoint import load_network, read_checkpoint
from sss_model.dataset import Dataset, open_dataset
from sss_model.errors import CheckpointError, DatasetError, DeviceError, ParameterError, SSSError
from sss_model.network import build_network
from sss_model.train.augment import augment
from sss_model.train.draws import Numbers, Order, Visits
from sss_model.train.log import LOG
from sss_model.train.optimiser import RunningMean, build_optimiser, measure_norm_statistics, rates, set_training_mode
from sss_model.train.params import AugmentParams, DataSource, OptimiserParams, TrainParams
from sss_model.train.state import LAST, read_state
from sss_model.train.trainer import BEST_MODEL, LAST_MODEL, Trained, Trainer

PLAIN = {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.0, "ema": 0.0, "freeze_updates": 0, "warmup": 0}


@pytest.fixture(autouse=True)
def one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[list[Dataset], list[Dataset]]:
    source = DataSource(str(folder_set(tmp_path / "set", 12)))
    return [open_dataset(source, part="train", holdout=0.3)], [open_dataset(source, part="holdout", holdout=0.3)]


def _train(
    parts: tuple[list[Dataset], list[Dataset]],
    params: TrainParams,
    output: Path,
    *,
    stop_at: int | None = None,
    resume: bool = False,
) -> Trained:
    output.mkdir(exist_ok=True)
    state = read_state(output / LAST) if resume else None
    torch.manual_seed(params.run.seed)
    network = build_network(params.network)
    trainer = Trainer(network, *parts, params, output, state=state)
    seen = 0

    def stop() -> bool:
        nonlocal seen
        seen += 1
        return stop_at is not None and seen > stop_at

    return trainer.run(stop)


def _events(output: Path, name: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (output / LOG).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line["event"] == name]


def test_training_teaches(parts: Any, tmp_path: Path) -> None:
    """Three flat colours under noise: thirty updates of the head tell them apart better than the untrained one."""
    params = small_params(
        run={"iterations": 30, "validate_every": 0}, optimiser={"freeze_updates": 0}, network={"dropout": 0.0}
    )
    _train(parts, params, tmp_path / "out")
    first, last = _events(tmp_path / "out", "validation")
    assert last["auc"] > first["auc"] + 0.02
    losses = [e["loss"] for e in _events(tmp_path / "out", "update")]
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])


def test_a_run_leaves_models_state_and_log(parts: Any, tmp_path: Path) -> None:
    output = tmp_path / "out"
    trained = _train(parts, small_params(), output)
    assert (trained.update, trained.stopped) == (8, False)
    assert {p.name for p in output.iterdir()} == {LAST, LAST_MODEL, BEST_MODEL, LOG}
    updates = _events(output, "update")
    assert [e["update"] for e in updates] == list(range(1, 9))
    assert all(math.isfinite(e["loss"]) and e["gradient_norm"] > 0 for e in updates)
    assert {"near_negatives", "rate_backbone", "rate_new", "positive_distance", "negative_distance"} <= set(updates[0])
    assert [e["update"] for e in _events(output, "validation")] == [0, 4, 8]
    assert all("taps" in s for e in _events(output, "validation") for s in e["sets"].values())
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


def test_a_resumed_run_equals_an_unbroken_one(parts: Any, tmp_path: Path) -> None:
    """Bit for bit on the CPU: weights, optimiser, EMA, losses; dropout and augmentation included."""
    params = small_params()
    _train(parts, params, tmp_path / "whole")
    stopped = _train(parts, params, tmp_path / "broken", stop_at=5)
    assert (stopped.update, stopped.stopped) == (5, True)
    _train(parts, params, tmp_path / "broken", resume=True)
    _assert_equal(read_state(tmp_path / "whole" / LAST), read_state(tmp_path / "broken" / LAST))
    losses = [[e["loss"] for e in _events(tmp_path / name, "update")] for name in ("whole", "broken")]
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
    _train(parts, params, tmp_path / "out")
    parts[0][0].items.pop()
    _train(parts, small_params(run={"iterations": 2, "validate_every": 0}), tmp_path / "out", resume=True)
    (event,) = _events(tmp_path / "out", "pictures_changed")
    assert event["before"]["set"] == event["now"]["set"] + 1


def test_workers_do_not_change_what_is_drawn(parts: Any, tmp_path: Path) -> None:
    for workers in (0, 2):
        _train(
            parts, small_params(run={"workers": workers, "iterations": 3, "validate_every": 0}), tmp_path / str(workers)
        )
    losses = [[e["loss"] for e in _events(tmp_path / name, "update")] for name in ("0", "2")]
    assert losses[0] == losses[1]


def test_two_images_an_update_are_the_mean_of_two(parts: Any, tmp_path: Path) -> None:
    """Gradients of an update over draws 0 and 1 are the mean of what each alone gives."""
    params = small_params(network={"dropout": 0.0}, optimiser=PLAIN)
    visits = Visits(parts[0], params)
    torch.manual_seed(0)
    network = build_network(params.network)
    (tmp_path / "out").mkdir()
    trainer = Trainer(network, *parts, params, tmp_path / "out")
    step = trainer._prepare()
    trainer._update(step, iter([visits[0], visits[1]]))
    both = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
    torch.manual_seed(0)
    alone = build_network(params.network)
    set_training_mode(alone, params.optimiser, frozen=False)
    from sss_model.loss import pair_loss

    for k in range(2):
        visit = visits[k]
        points = torch.from_numpy(visit.points).reshape(1, -1, 2)
        features = alone.features_at(alone.branches(torch.from_numpy(visit.image)[None]), points)
        labels = torch.from_numpy(visit.labels)
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
        _train(parts, params, tmp_path / accumulate)
        norms.append(_events(tmp_path / accumulate, "update")[0]["gradient_norm"])
    assert norms[1] == pytest.approx(2 * norms[0], rel=1e-4)


def test_bad_pictures_are_refused_or_skipped_and_named(parts: Any, tmp_path: Path) -> None:
    for item in parts[0][0].items[1:]:
        content = item.picture.read_bytes()
        item.picture.write_bytes(content[: len(content) // 2])
    params = small_params(run={"iterations": 2, "validate_every": 0})
    with pytest.raises(DatasetError, match=r"picture .* cannot be read"):
        _train(parts, params, tmp_path / "refused")
    assert _events(tmp_path / "refused", "error")[0]["kind"] == "DatasetError"
    _train(parts, small_params(run={"iterations": 2, "validate_every": 0, "on_bad": "skip"}), tmp_path / "skipped")
    assert "cannot be read" in _events(tmp_path / "skipped", "skipped")[0]["reason"]


def test_a_bad_picture_in_a_worker_is_one_sentence_and_no_worker_is_left(parts: Any, tmp_path: Path) -> None:
    for item in parts[0][0].items:
        item.picture.write_bytes(item.picture.read_bytes()[:500])
    with pytest.raises(DatasetError) as caught:
        _train(parts, small_params(run={"workers": 1, "validate_every": 0}), tmp_path / "out")
    assert re.fullmatch(r"The picture \S+ cannot be read: .*", str(caught.value)), "nothing around it, one line"
    assert not multiprocessing.active_children()


def test_a_bad_held_out_picture_is_refused_or_left_out_of_the_scores(parts: Any, tmp_path: Path) -> None:
    from sss_model.train.pictures import pca_pictures

    save_map(parts[1][0].items[0].labels[0], np.full((48, 64), 255, np.uint8))
    run = {"iterations": 1, "validate_every": 0}
    with pytest.raises(DatasetError, match="is empty"):
        _train(parts, small_params(run=run), tmp_path / "refused")
    trained = _train(parts, small_params(run={**run, "on_bad": "skip"}), tmp_path / "skipped")
    assert trained.scores["set"].images == min(4, len(parts[1][0])) - 1
    assert [e["update"] for e in _events(tmp_path / "skipped", "skipped") if "is empty" in e["reason"]] == [0, 1]
    network = build_network(small_params().network)
    ((name, picture),) = pca_pictures(network, parts[1], 64, torch.device("cpu"))
    assert (name, picture.shape) == ("set", (48, 128, 3))


def test_pictures_that_all_have_one_label(parts: Any, tmp_path: Path) -> None:
    params = small_params(sampling={"min_area": 10000})
    with pytest.raises(DatasetError, match=r"on end cannot be trained on; the last: .*fewer than two labels"):
        _train(parts, params, tmp_path / "out")


def test_a_loss_that_is_not_finite_ends_the_run(parts: Any, tmp_path: Path) -> None:
    params = small_params(
        optimiser={**PLAIN, "rate": 10.0, "weight_decay": 10.0}, run={"iterations": 200, "validate_every": 0}
    )
    with pytest.raises(SSSError, match="not finite"):
        _train(parts, params, tmp_path / "out")


def test_resume_of_another_network_is_refused(parts: Any, tmp_path: Path) -> None:
    _train(parts, small_params(run={"iterations": 1, "validate_every": 0}), tmp_path / "out")
    with pytest.raises(CheckpointError, match=r"do not fit the network: shape of project.weight"):
        _train(parts, small_params(network={"feature_channels": 9}), tmp_path / "out", resume=True)
    with pytest.raises(CheckpointError, match="written with EMA"):
        _train(parts, small_params(optimiser={"ema": 0.0}), tmp_path / "out", resume=True)


def test_scores_are_of_the_update_they_were_measured_at(parts: Any, tmp_path: Path) -> None:
    """Also in the model that a stopped run leaves, and in the one that the next run leaves before it validates."""

    def metadata() -> dict[str, Any]:
        return read_checkpoint(tmp_path / LAST_MODEL).metadata

    _train(parts, small_params(), tmp_path, stop_at=5)
    one = metadata()
    assert (one["update"], one["auc_update"]) == (5, 4)
    assert list(one["auc"]) == ["set"]
    _train(parts, small_params(), tmp_path, stop_at=1, resume=True)
    assert {**metadata(), "weights_sha256": 0} == {**one, "update": 6, "weights_sha256": 0}


def test_a_state_of_an_older_version_loads(parts: Any, tmp_path: Path) -> None:
    _train(parts, small_params(), tmp_path, stop_at=5)
    content = read_state(tmp_path / LAST)
    del content["scores"], content["scored"]
    torch.save(content, tmp_path / LAST)
    assert _train(parts, small_params(), tmp_path, resume=True).update == 8


def test_a_run_that_goes_on_without_its_best_model_writes_one(parts: Any, tmp_path: Path) -> None:
    _train(parts, small_params(), tmp_path, stop_at=5)
    content = read_state(tmp_path / LAST)
    torch.save({**content, "best": 2.0}, tmp_path / LAST)
    (tmp_path / BEST_MODEL).unlink()
    _train(parts, small_params(), tmp_path, resume=True)
    assert read_checkpoint(tmp_path / BEST_MODEL).metadata["update"] == 8


@pytest.mark.parametrize(("kind", "name"), [("adamw", "betas"), ("sgd", "momentum")])
def test_momentum_and_decay_asked_for_on_resuming_are_applied(kind: str, name: str, parts: Any, tmp_path: Path) -> None:
    run = {"iterations": 1, "validate_every": 0}
    _train(parts, small_params(run=run, optimiser={"optimiser": kind}), tmp_path / "out")
    asked = small_params(
        run={**run, "iterations": 2}, optimiser={"optimiser": kind, "momentum": 0.5, "weight_decay": 0.25}
    )
    _train(parts, asked, tmp_path / "out", resume=True)
    for group in read_state(tmp_path / "out" / LAST)["optimiser"]["param_groups"]:
        assert group["weight_decay"] == 0.25
        assert group[name] == ((0.5, 0.999) if kind == "adamw" else 0.5)


def test_another_optimiser_on_resuming_is_refused(parts: Any, tmp_path: Path) -> None:
    run = {"iterations": 1, "validate_every": 0}
    _train(parts, small_params(run=run), tmp_path / "out")
    with pytest.raises(CheckpointError, match="written by the optimiser adamw; it cannot go on with sgd"):
        _train(parts, small_params(run=run, optimiser={"optimiser": "sgd"}), tmp_path / "out", resume=True)


@pytest.mark.parametrize("content", [b"nothing", None])
def test_what_is_no_state(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / LAST
    if content is not None:
        path.write_bytes(content)
    else:
        torch.save({"format": 99}, path)
    with pytest.raises(CheckpointError, match="is not a training state"):
        read_state(path)


def test_a_device_that_is_not_there(parts: Any, tmp_path: Path) -> None:
    with pytest.raises(DeviceError, match="no device cuda:99"):
        _train(parts, small_params(run={"device": "cuda:99"}), tmp_path / "out")


def test_rates() -> None:
    paper = OptimiserParams()
    assert rates(0, 60000, paper) == (5e-4, 5e-3)
    assert rates(30000, 60000, paper)[1] == pytest.approx(5e-3 * 0.5**0.9)
    cosine = OptimiserParams(schedule="cosine", warmup=10, freeze_updates=100)
    assert rates(0, 1000, cosine)[1] == pytest.approx(5e-4)
    assert rates(99, 1000, cosine)[0] == 0.0
    assert rates(100, 1000, cosine)[0] == pytest.approx(0.1 * 5e-4 * 0.5 * (1 + math.cos(math.pi / 10)))
    assert rates(1000, 1000, cosine)[1] == pytest.approx(0.0)


def test_norm_statistics_are_measured() -> None:
    torch.manual_seed(0)
    network = build_network(small_params().network)
    images = [torch.rand(1, 3, 64, 64) for _ in range(3)]
    measure_norm_statistics(network, images)
    first = next(m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d))
    seen: list[torch.Tensor] = []
    first.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    for image in images:
        network.branches(image)
    means = torch.stack([s.mean((0, 2, 3)) for s in seen])
    torch.testing.assert_close(first.running_mean, means.mean(0), rtol=1e-4, atol=1e-6)
    assert not first.training
    assert first.momentum is not None


def test_groups_of_parameters() -> None:
    network = build_network(small_params().network)
    optimiser = build_optimiser(network, OptimiserParams())
    counts = [sum(p.numel() for p in group["params"]) for group in optimiser.param_groups]
    norm = sum(p.numel() for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d) for p in m.parameters())
    assert counts[1] == sum(p.numel() for p in network.head_parameters())
    assert sum(counts) + norm == sum(p.numel() for p in network.parameters())
    assert isinstance(optimiser, torch.optim.SGD)
    assert optimiser.param_groups[0]["momentum"] == 0.9
    assert optimiser.param_groups[0]["weight_decay"] == 5e-4


def test_running_mean() -> None:
    layer = torch.nn.Linear(2, 1, bias=False)
    mean = RunningMean(layer, 0.5)
    with torch.no_grad():
        layer.weight.fill_(0.0)
    start = mean.values["weight"].clone()
    for _ in range(8):
        mean.update(layer)
    expected = start.clone()
    for n in range(1, 9):
        expected *= min(0.5, (1 + n) / (10 + n))
    torch.testing.assert_close(mean.values["weight"], expected)
    mean.swap(layer)
    torch.testing.assert_close(layer.weight.detach(), expected)
    mean.swap(layer)
    assert float(layer.weight.detach().abs().sum()) == 0


def test_order_visits_all_before_any_again_and_follows_the_weights() -> None:
    order = Order([5, 7], [3.0, 1.0], 0)
    drawn = [order[k] for k in range(4000)]
    first = [i for s, i in drawn if s == 0]
    assert all(sorted(first[k : k + 5]) == list(range(5)) for k in range(0, 500, 5))
    assert len(first) / 4000 == pytest.approx(0.75, abs=0.03)
    again = Order([5, 7], [3.0, 1.0], 0)
    assert [again[k] for k in (9000, 3, 3999)] == [order[9000], drawn[3], drawn[3999]]
    with pytest.raises(DatasetError, match="weight 0"):
        Order([3], [0.0], 0)


def test_numbers_of_ranks_interleave() -> None:
    assert [list(Numbers(4, 10, rank, 2)) for rank in range(2)] == [[4, 6, 8], [5, 7, 9]]


def test_grad_accum_must_fit_the_ranks(parts: Any, tmp_path: Path) -> None:
    from sss_model.train.ranks import Ranks

    with pytest.raises(ParameterError, match="multiple of the 3 ranks, got 2"):
        Trainer(build_network(small_params().network), *parts, small_params(), tmp_path, ranks=Ranks(0, 3, 0))


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


def test_scales_must_be_ordered() -> None:
    with pytest.raises(ParameterError, match="must not exceed"):
        small_params(augment={"scale_low": 2.0, "scale_high": 1.0})
