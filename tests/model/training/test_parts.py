"""The parts of training, each by itself: rates, groups of parameters, norm statistics, EMA, the order of pictures."""

from __future__ import annotations

import math

import pytest
import torch
from made_sets import small_params

from sss_model.errors import DatasetError, ParameterError
from sss_model.network.build import build_network
from sss_model.training.data_loading import ImageOrder, ProcessSampler
from sss_model.training.optimiser import ExponentialMovingAverage, build_optimiser, measure_norm_statistics, rates
from sss_model.training.params import OptimiserParams


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
    mean = ExponentialMovingAverage(layer, 0.5)
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
    order = ImageOrder([5, 7], [3.0, 1.0], 0)
    drawn = [order[k] for k in range(4000)]
    first = [i for s, i in drawn if s == 0]
    assert all(sorted(first[k : k + 5]) == list(range(5)) for k in range(0, 500, 5))
    assert len(first) / 4000 == pytest.approx(0.75, abs=0.03)
    again = ImageOrder([5, 7], [3.0, 1.0], 0)
    assert [again[k] for k in (9000, 3, 3999)] == [order[9000], drawn[3], drawn[3999]]
    with pytest.raises(DatasetError, match="weight 0"):
        ImageOrder([3], [0.0], 0)


def test_numbers_of_ranks_interleave() -> None:
    assert [list(ProcessSampler(4, 10, rank, 2)) for rank in range(2)] == [[4, 6, 8], [5, 7, 9]]


def test_scales_must_be_ordered() -> None:
    with pytest.raises(ParameterError, match="must not exceed"):
        small_params(augment={"scale_low": 2.0, "scale_high": 1.0})
