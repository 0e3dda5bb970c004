"""Window sums by products and by doubling, against a plain loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sss_model.filtering import box_sums as window_sums
from sss_model.filtering.box_sums import Workspace


def by_loop(planes, ry, rx):
    """Sums over windows clipped to the planes; the fractions of ry and rx weigh one more sample at either end."""
    for axis, radius in ((1, ry), (2, rx)):
        ones = np.ones(2 * int(radius) + 1)
        weights = np.concatenate([[radius % 1], ones, [radius % 1]])
        planes = np.apply_along_axis(_convolved, axis, planes, weights)
    return planes


def _convolved(line, weights):
    return np.convolve(line, weights)[len(weights) // 2 :][: len(line)]


def window_sum(planes, ry, rx, dtype=torch.float32):
    """The sums of whole planes: everything beyond them is outside."""
    sums = Workspace().sums(ry, rx, dtype)
    plan = sums.plan(*planes.shape)
    by, bx = sums.border
    plan.input((by, by, bx, bx)).copy_(torch.from_numpy(planes))
    return plan.run().numpy().copy()


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 7, 5), (3, 40, 70)])
@pytest.mark.parametrize(("ry", "rx"), [(0, 0), (1, 2), (5, 0), (0, 6), (0.25, 1.5), (7.5, 3), (20, 33), (60.3, 100)])
def test_sums_are_those_of_a_loop(monkeypatch, shape, ry, rx):
    planes = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = by_loop(planes.astype(np.float64), ry, rx)
    for longest_product in (1, 7, 49):
        monkeypatch.setattr(window_sums, "_LONGEST_PRODUCT", longest_product)
        np.testing.assert_allclose(window_sum(planes, ry, rx), expected, rtol=0, atol=2e-4)
        np.testing.assert_allclose(window_sum(planes, ry, rx, torch.float64), expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("half", [5, 100])
def test_an_outlier_leaves_no_trace_outside_its_windows(half):
    """What a running sum or a summed-area table in float32 cannot do."""
    planes = np.full((1, 1, 600), 0.1, np.float32)
    planes[0, 0, 50] = 1e9
    sums = window_sum(planes, 0, half)
    inside = sums[0, 0, 50 + half + 1 : 600 - half]
    np.testing.assert_allclose(inside, 0.1 * (2 * half + 1), rtol=2e-6)


def test_a_plan_leaves_the_sums_before_it_intact():
    workspace = Workspace()
    sums = workspace.sums(2, 2)
    first = sums.plan(3, 20, 30)
    first.input((2, 2, 2, 2)).normal_()
    totals = first.run()
    before = totals.clone()
    second = sums.plan(3, 20, 30, after=first)
    second.input((2, 2, 2, 2)).normal_()
    assert torch.equal(totals, before)
    assert second.run().shape == before.shape


def test_other_sizes_and_windows_share_a_bench():
    rng = np.random.default_rng(1)
    workspace = Workspace()
    for shape, half in [((1, 5, 6), 1), ((4, 50, 40), 3), ((2, 9, 9), 2), ((1, 5, 6), 1)] * 4:
        planes = rng.normal(size=shape).astype(np.float32)
        plan = workspace.sums(half, half).plan(*shape)
        plan.input((half, half, half, half)).copy_(torch.from_numpy(planes))
        np.testing.assert_allclose(plan.run().numpy(), by_loop(planes.astype(np.float64), half, half), atol=1e-4)
