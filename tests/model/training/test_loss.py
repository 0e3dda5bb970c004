"""Eq. (1) in closed form against a literal double loop, plain autograd and finite differences."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import ParameterError
from sss_model.training.loss import pair_loss, pair_statistics, principal_axes, training_loss
from sss_model.training.params import LossParams

FORMS = ("eq1", "eq1-squared", "tanh", "tanh-distance")


def _samples(count: int = 14, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    torch.manual_seed(1)
    labels = torch.tensor([3, 3, 0, VOID, 7, 7, 0, 3, VOID, 0, 7, 3, 3, 0])[:count]
    return 4 * torch.randn(count, 6, dtype=dtype), labels


def _double_loop(features: Tensor, labels: Tensor, params: LossParams, parts: Tensor | None = None) -> float:
    """The equation as it is printed, one pair at a time."""
    total, mass = 0.0, 0.0
    for p in range(len(labels)):
        for q in range(len(labels)):
            if labels[p] == labels[q] == VOID or (
                parts is not None and labels[p] == labels[q] and parts[p] != parts[q]
            ):
                continue
            distance = math.dist(features[p].tolist(), features[q].tolist())
            x = (distance if params.is_distance else distance**2) / params.distance_scale
            if labels[p] == labels[q]:
                term, weight = math.log((1 + math.exp(x)) / 2), params.positive_weight
            elif params.is_tanh:
                term, weight = -math.log(1 - 2 / (1 + math.exp(x))), params.negative_weight
            else:
                term, weight = math.log(1 + math.exp(-x) / 2), params.negative_weight
            total += weight * term
            mass += weight
    return total / mass


def _autograd(features: Tensor, labels: Tensor, params: LossParams, parts: Tensor | None = None) -> Tensor:
    """The same with the whole pair matrix and torch's own gradient."""
    difference = features[:, None] - features[None]
    square = difference.square().sum(2)
    eye = torch.eye(len(labels), dtype=torch.bool)
    x = (torch.where(eye, 1.0, square).sqrt() * ~eye if params.is_distance else square) / params.distance_scale
    same = (labels[:, None] == labels) & (labels != VOID)
    if parts is not None:
        same &= parts[:, None] == parts
    other = labels[:, None] != labels
    positive = torch.nn.functional.softplus(x) - math.log(2)
    apart = torch.where(other, x, 1.0)
    negative = -torch.log(torch.tanh(apart / 2)) if params.is_tanh else torch.log1p(torch.exp(-apart) / 2)
    total = params.positive_weight * positive[same].sum() + params.negative_weight * negative[other].sum()
    return total / (params.positive_weight * same.sum() + params.negative_weight * other.sum())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("weights", [(1.0, 1.0), (3.0, 1.0), (0.0, 2.0), (1.0, 0.0)])
def test_value_is_the_double_loop(form: str, weights: tuple[float, float]) -> None:
    features, labels = _samples()
    params = LossParams(loss=form, distance_scale=12.0, positive_weight=weights[0], negative_weight=weights[1])
    assert float(pair_loss(features, labels, params)) == pytest.approx(_double_loop(features, labels, params), rel=1e-7)


@pytest.mark.parametrize("form", FORMS)
def test_gradient_is_autograds(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sss_model.training.loss._ROWS", {"cpu": 3})  # several blocks even here
    features, labels = _samples()
    params = LossParams(loss=form, distance_scale=12.0, positive_weight=3.0)
    ours, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()
    pair_loss(ours, labels, params).backward()
    _autograd(theirs, labels, params).backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("form", FORMS)
def test_gradient_is_that_of_finite_differences(form: str) -> None:
    features, labels = _samples(8)
    stacked = torch.stack([features, features.flip(0)]).requires_grad_()
    labels = torch.stack([labels, labels])
    params = LossParams(loss=form, distance_scale=12.0)
    assert torch.autograd.gradcheck(lambda f: pair_loss(f, labels, params), (stacked,), atol=1e-6)


def test_the_default_is_the_equation_as_printed() -> None:
    assert LossParams() == LossParams(loss="eq1", distance_scale=128.0, positive_weight=1.0, negative_weight=1.0)


def test_samplings_are_averaged() -> None:
    features, labels = _samples()
    both = pair_loss(torch.stack([features, 2 * features]), torch.stack([labels, labels]))
    one, two = pair_loss(features, labels), pair_loss(2 * features, labels)
    assert float(both) == pytest.approx(float(one + two) / 2)


@pytest.mark.parametrize("form", FORMS)
def test_coinciding_and_far_pixels_stay_finite(form: str) -> None:
    """No overflow of exp, no infinite slope of a root or of -log tanh at 0."""
    features = torch.cat([torch.zeros(20, 4), torch.full((20, 4), 1e4)]).requires_grad_()
    labels = torch.arange(2).repeat(20)
    loss = pair_loss(features, labels, LossParams(loss=form))
    loss.backward()
    assert torch.isfinite(loss)
    assert features.grad is not None
    assert torch.isfinite(features.grad).all()


def test_collapsed_features_cost_what_the_share_of_negatives_says() -> None:
    labels = torch.arange(3).repeat_interleave(40)
    loss = pair_loss(torch.ones(120, 8), labels, LossParams())
    assert float(loss) == pytest.approx(math.log(1.5) * 2 / 3, abs=1e-5)


def test_reduced_precision_is_computed_in_float32() -> None:
    features, labels = _samples(dtype=torch.float32)
    half = features.half().requires_grad_()
    loss = pair_loss(half, labels)
    loss.backward()
    assert loss.dtype == torch.float32
    assert half.grad is not None
    assert half.grad.dtype == torch.float16
    assert float(loss.detach()) == pytest.approx(float(pair_loss(half.detach().float(), labels)))


def test_float32_agrees_at_full_size() -> None:
    torch.manual_seed(0)
    features, labels = 3 * torch.randn(900, 128), torch.arange(3).repeat_interleave(300)
    exact = pair_loss(features.double(), labels, LossParams())
    assert float(pair_loss(features, labels, LossParams())) == pytest.approx(float(exact), rel=1e-5)


def test_void_alone_is_refused() -> None:
    with pytest.raises(ParameterError, match="all of its pixels are void"):
        pair_loss(torch.randn(4, 3), torch.full((4,), VOID))


@pytest.mark.parametrize("form", FORMS)
def test_parts_of_one_label_are_not_compared(form: str) -> None:
    features, labels = _samples()
    parts = torch.tensor([1, 2, 9, VOID, 4, 4, 9, 1, VOID, 8, 3, 2, 1, 8])
    params = LossParams(loss=form, distance_scale=2.0, positive_weight=3.0)
    features.requires_grad_()
    value = pair_loss(features, labels, params, parts)
    assert float(value.detach()) == pytest.approx(_double_loop(features, labels, params, parts), rel=1e-7)
    (expected,) = torch.autograd.grad(_autograd(features, labels, params, parts), features)
    value.backward()
    torch.testing.assert_close(features.grad, expected, rtol=1e-6, atol=1e-9)
    whole = pair_loss(features.detach(), labels, params)
    assert float(pair_loss(features.detach(), labels, params, labels)) == float(whole) != float(value.detach())


def test_shapes_are_checked() -> None:
    with pytest.raises(ParameterError, match=r"must be \(S, P, D\) with labels \(S, P\); got \(1, 4, 3\) and \(1, 5\)"):
        pair_loss(torch.randn(4, 3), torch.zeros(5, dtype=torch.int64))


def test_statistics_tell_a_collapse() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    apart = torch.tensor([[0.0], [2.0], [10.0], [12.0]])
    params = LossParams(distance_scale=1.0)
    found = pair_statistics(apart, labels, params)
    assert found.positive_distance == pytest.approx(2.0, abs=1e-4)
    assert found.negative_distance == pytest.approx(10.0, abs=1e-4)
    assert found.near_negatives == 0.0
    assert pair_statistics(torch.ones(4, 1), labels, params).near_negatives == 1.0
    assert pair_statistics(apart[:2], labels[:2], params).near_negatives is None


def test_the_projection_adds_the_loss_of_three_principal_components() -> None:
    features, labels = _samples()
    params = LossParams(loss="tanh", distance_scale=12.0, projected_weight=0.5)
    centred = features - features.mean(0)
    axes = torch.linalg.svd(centred, full_matrices=False)[2][:3].T
    expected = _double_loop(features, labels, params) + 0.5 * _double_loop(features @ axes, labels, params)
    assert float(training_loss(features, labels, params)) == pytest.approx(expected, rel=1e-7)


def test_the_projections_gradient_takes_the_axes_as_constants() -> None:
    features, labels = _samples()
    params = LossParams(loss="tanh", distance_scale=12.0, projected_weight=2.0)
    ours, theirs = features.clone().requires_grad_(), features.clone().requires_grad_()
    training_loss(ours, labels, params).backward()
    (_autograd(theirs, labels, params) + 2 * _autograd(theirs @ principal_axes(features), labels, params)).backward()
    assert ours.grad is not None
    assert theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-6, atol=1e-10)


def test_without_the_projection_training_pays_eq_1_alone() -> None:
    features, labels = _samples()
    params = LossParams()
    assert float(training_loss(features, labels, params)) == float(pair_loss(features, labels, params))
