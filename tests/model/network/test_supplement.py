"""The hypercolumn: the fused path is the literal one, pixel for pixel, on any size and grid."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sss_model.errors import ParameterError
from sss_model.network.backbone import Backbone, Tap
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet, GridMap
from sss_model.network.supplement import SupplementNet
from sss_model.params import NetworkParams

WIDTHS = (3, 5, 4, 6, 7)
PARAMS = NetworkParams(branch_channels=WIDTHS, hidden_channels=11, feature_channels=9, output_stride=32)


class Pyramid(Backbone):
    """Four stages by pooling and mixing, at strides and centres as real networks have them."""

    def __init__(self, strides: tuple[int, ...], centres: tuple[float, ...]) -> None:
        taps = [Tap(8 + k, stride, centre) for k, (stride, centre) in enumerate(zip(strides, centres, strict=True))]
        super().__init__(taps, max(strides), (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
        self.mix = torch.nn.ModuleList(torch.nn.Conv2d(3, tap.channels, 1) for tap in taps)

    def stages(self, normalised: Tensor) -> list[Tensor]:
        taps = zip(self.mix, self.taps[1:], strict=True)
        return [mix(F.avg_pool2d(normalised, tap.stride)).sin() for mix, tap in taps]


PYRAMIDS = {
    "same": ((4, 8, 16, 32), (3.0, 7.0, 15.0, 31.0)),
    "atrous": ((4, 8, 8, 8), (0.0, 0.0, 0.0, 0.0)),
    "patches": ((14, 14, 14, 14), (6.5, 6.5, 6.5, 6.5)),
}


def make(pyramid: str, **changed: object) -> SupplementNet:
    torch.manual_seed(7)
    return SupplementNet(Pyramid(*PYRAMIDS[pyramid]), replace(PARAMS, **changed)).eval()


def every_point(height: int, width: int) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([x, y], -1).reshape(1, -1, 2)


@pytest.mark.parametrize("pyramid", PYRAMIDS)
@pytest.mark.parametrize("alignment", ["half-pixel", "centred"])
@pytest.mark.parametrize(
    ("size", "tap_scale"), [((1, 1), "none"), ((1, 40), "rms"), ((37, 53), "none"), ((64, 33), "rms")]
)
def test_fused_points_and_rows_are_the_literal_map(pyramid, alignment, tap_scale, size) -> None:
    net = make(pyramid, alignment=alignment, tap_scale=tap_scale)
    images = torch.rand(1, 3, *size)
    with torch.no_grad():
        literal = net.literal(images)
        branches = net.branches(images)
        at = net.features_at(branches, every_point(*size)).transpose(1, 2).reshape(literal.shape)
        hidden = net.fuse(branches)
        rows = torch.cat([net.rows(hidden, row, min(row + 13, size[0])) for row in range(0, size[0], 13)], 2)
    assert literal.shape == (1, 9, *size)
    for other in (net(images), at, rows):
        torch.testing.assert_close(other, literal, atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("stride", [2, 4, 32])
def test_half_pixel_upsampling_is_torchs(stride: int) -> None:
    values = torch.rand(2, 3, 5, 7)
    grid = GridMap(values, (stride, stride), (stride - 1) / 2)
    expected = F.interpolate(values, scale_factor=stride, mode="bilinear", align_corners=False)
    height, width = 5 * stride - 1, 7 * stride  # one row short, as a cropped image is
    rows = torch.cat([grid.rows(0, 3, width), grid.rows(3, height, width)], 2)
    torch.testing.assert_close(rows, expected[:, :, :height])
    points = every_point(height, width).expand(2, -1, -1)
    torch.testing.assert_close(grid.at(points).reshape(rows.shape), expected[:, :, :height], atol=1e-5, rtol=1e-5)


def test_a_cells_centre_shows_the_cell_itself() -> None:
    grid = GridMap(torch.rand(1, 2, 4, 6), (8, 8), 7.0)
    seen = grid.rows(0, 32, 48)[:, :, 7::8, 7::8]
    torch.testing.assert_close(seen, grid.values)


def test_padding_moves_no_pixel() -> None:
    """An image that needs padding has, away from its end, the features of a larger image that begins with it."""
    net = make("atrous", alignment="centred")
    images = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        part, whole = net(images[..., :45, :51]), net(images)
    torch.testing.assert_close(part[..., :24, :24], whole[..., :24, :24], atol=1e-5, rtol=1e-4)


def test_batches_are_independent() -> None:
    net = make("same")
    images = torch.rand(3, 3, 20, 31)
    with torch.no_grad():
        torch.testing.assert_close(net(images)[1:2], net(images[1:2]), atol=1e-5, rtol=1e-4)


def test_rms_makes_the_scale_of_a_tap_irrelevant() -> None:
    net = make("same", tap_scale="rms")
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        before = net(images)
        stages = net.backbone.stages
        net.backbone.stages = lambda x: [1000 * values for values in stages(x)]  # type: ignore[method-assign]
        torch.testing.assert_close(net(images), before, atol=1e-4, rtol=1e-3)


def test_dropout_acts_in_training_only_and_gradients_reach_everything() -> None:
    net = make("same", dropout=0.5)
    images, points = torch.rand(1, 3, 33, 40), every_point(5, 5)
    assert torch.equal(net.features_at(net.branches(images), points), net.features_at(net.branches(images), points))
    net.train()
    first, second = (net.features_at(net.branches(images), points) for _ in range(2))
    assert not torch.equal(first, second)
    first.square().sum().backward()
    assert all(p.grad is not None for p in net.parameters())


def test_head_and_backbone_are_all_the_parameters() -> None:
    net = make("same")
    head = {id(p) for p in net.head_parameters()}
    assert head.isdisjoint(id(p) for p in net.backbone.parameters())
    assert len(head) == 2 * (len(WIDTHS) + 2)


def test_wrong_number_of_branches() -> None:
    with pytest.raises(
        ParameterError, match="branch_channels must have 5 entries, one for each tap of resnet101; got 2"
    ):
        make("same", branch_channels=(4, 4))


def test_the_papers_network() -> None:
    net = build_network(NetworkParams())
    assert isinstance(net, SupplementNet)
    assert isinstance(net, FeatureNet)
    assert [tap[:2] for tap in net.backbone.taps] == [(3, 1), (256, 4), (512, 8), (1024, 8), (2048, 8)]
    assert [layer.out_channels for layer in net.branch] == [4, 124, 128, 256, 512]
    assert net.hidden.weight.shape == (512, 1024, 1, 1)
    assert net.project.weight.shape == (128, 512, 1, 1)
    assert not net.training
    with torch.no_grad():
        assert net(torch.rand(1, 3, 9, 17)).shape == (1, 128, 9, 17)
