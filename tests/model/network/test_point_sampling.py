"""Values at chosen pixels equal those of the upsampled maps, gradients included."""

from __future__ import annotations

import pytest
import torch

from sss_model.network.build import build_network
from sss_model.network.grid_maps import GridMap
from sss_model.network.point_sampling import sum_at
from sss_model.params import NetworkParams

SMALL = NetworkParams(
    backbone="tf_efficientnet_lite0", output_stride=32, branch_channels=(4, 6, 8, 8, 8), hidden_channels=16,
    feature_channels=8, dropout=0.0, tap_scale="rms",
)  # fmt: skip


def test_values_are_those_of_the_upsampled_maps() -> None:
    torch.manual_seed(0)
    sizes = ((20, 24, 1, 0.0), (5, 6, 4, 1.5), (3, 3, 8, 7.0), (1, 1, 32, 15.5))
    grids = [GridMap(torch.randn(2, 3, h, w), (s, s), c) for h, w, s, c in sizes]
    points = torch.stack([torch.randint(0, 24, (2, 50)), torch.randint(0, 20, (2, 50))], 2)
    found = sum_at(grids, points)
    full = sum(grid.rows(0, 20, 24) for grid in grids)
    for n in range(2):
        expected = full[n, :, points[n, :, 1], points[n, :, 0]].T
        torch.testing.assert_close(found[n], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("sparse", [True, False])
def test_gradient(sparse: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sparse product of CPUs, and the gathering of deterministic runs elsewhere."""
    if not sparse:
        monkeypatch.setattr(torch.backends.mkl, "is_available", lambda: False)
        monkeypatch.setattr(torch, "are_deterministic_algorithms_enabled", lambda: True)
    torch.manual_seed(0)
    sizes = ((4, 5, 2, 0.5), (1, 1, 8, 3.5))
    grids = [
        GridMap(torch.randn(1, 2, h, w, dtype=torch.float64, requires_grad=True), (s, s), c) for h, w, s, c in sizes
    ]
    points = torch.stack([torch.randint(0, 10, (1, 6)), torch.randint(0, 8, (1, 6))], 2)

    def function(*values: torch.Tensor) -> torch.Tensor:
        return sum_at([GridMap(v, g.stride, g.centre) for v, g in zip(values, grids, strict=True)], points)

    assert torch.autograd.gradcheck(function, [grid.values for grid in grids])
    full = sum(grid.rows(0, 8, 10) for grid in grids)
    expected = full[0, :, points[0, :, 1], points[0, :, 0]].T
    torch.testing.assert_close(function(*(grid.values for grid in grids))[0], expected)


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_features_at_points_equal_the_literal_map(dropout: float) -> None:
    network = build_network(NetworkParams.from_dict({**SMALL.to_dict(), "dropout": dropout}))
    if dropout:
        network.train()
        network.dropout.eval()  # the path that training takes, without its noise
        network.backbone.eval()
    image = torch.rand(1, 3, 45, 52)
    points = torch.stack([torch.randint(0, 52, (1, 70)), torch.randint(0, 45, (1, 70))], 2)
    with torch.no_grad():
        full = network.literal(image)
        found = network.features_at(network.branches(image), points)
    torch.testing.assert_close(found[0], full[0, :, points[0, :, 1], points[0, :, 0]].T, atol=1e-5, rtol=1e-4)
