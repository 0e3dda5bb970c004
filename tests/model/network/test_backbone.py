"""Backbones: stages of the promised shapes, and cells that lie where input gradients find them."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sss_model.errors import ParameterError
from sss_model.network.backbone import (
    Backbone,
    ResNetBackbone,
    TimmBackbone,
    build_backbone,
    freeze_norm_layers,
)
from sss_model.network.receptive_field import trace_grids


def measured_centres(backbone: Backbone, *, cells: int = 8, draws: int = 6) -> list[float]:
    """The pixel on which cell 0 of each stage is centred, along y: the middle of the input gradient's energy.

    Every weight of a kernel gets the same size and a random sign, anew in every draw, so that the energy falls off
    evenly to both sides. The image cuts off receptive fields that are larger, which pulls the middle towards its own:
    of two neighbouring cells, the one that lies nearer the image's middle is taken, and multiples of the stride away.
    """
    side = cells * backbone.multiple
    middles = [side // tap.stride // 2 for tap in backbone.taps]
    energy = torch.zeros(len(middles), 2, side)
    for draw in range(draws):
        random = torch.Generator().manual_seed(draw)
        for module in backbone.modules():
            if isinstance(module, nn.Conv2d) and max(module.kernel_size) > 1:
                signs = torch.randn(module.weight.shape, generator=random).sign()
                module.weight.data = signs * module.weight.data.abs().mean()
        images = torch.rand(1, 3, side, side, generator=random).requires_grad_()
        for number, (values, middle) in enumerate(zip(backbone(images), middles, strict=True)):
            mixture = torch.randn(values.shape[1], generator=random)
            for back in (0, 1):
                seen = values[0, :, middle - back, middle] @ mixture
                (gradient,) = torch.autograd.grad(seen, images, retain_graph=True)
                energy[number, back] += gradient.square().sum((0, 1, 3)) / gradient.square().sum()
    places = (energy * torch.arange(side)).sum(2) / energy.sum(2)
    nearest = (places - (side - 1) / 2).abs().argmin(1)
    strides = [tap.stride for tap in backbone.taps]
    return [float(places[k, b]) - (middles[k] - int(b)) * strides[k] for k, b in enumerate(nearest)]


def random_backbone(name: str, output_stride: int = 32) -> Backbone:
    torch.manual_seed(11)
    return build_backbone(name, output_stride).eval()


QUICK = ("tf_efficientnet_lite2", "efficientnet_lite0", "convnext_atto")
# left out: resnet50d, dla34 and hrnet_w18_small, whose shortcuts and upsamplings lie elsewhere than their kernels
SLOW = (
    *("resnet50", "resnext50_32x4d", "resnet101", "regnetx_002", "regnety_002", "densenet121", "vgg11_bn"),
    *("mobilenetv2_100", "mobilenetv3_large_100", "tf_mobilenetv3_small_100", "tf_efficientnetv2_b0", "fastvit_t8"),
    *("poolformer_s12", "pvt_v2_b0", "twins_svt_small", "swin_tiny_patch4_window7_224"),
    "vit_small_patch14_dinov2",
)


@pytest.mark.parametrize("name", [*QUICK, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_centres_are_where_gradients_find_them(name: str) -> None:
    backbone = random_backbone(name)
    measured = measured_centres(backbone)
    far = [abs(m - tap.centre) / tap.stride for m, tap in zip(measured, backbone.taps, strict=True)]
    assert max(far) < 0.2, (measured, backbone.taps)  # the other places where a cell can lie are half a stride away


@pytest.mark.parametrize(
    ("name", "strides", "place"),
    [
        ("resnet18", (4, 8, 16, 32), "pixel 0"),
        ("efficientnet_lite0", (4, 8, 16, 32), "pixel 0"),
        ("tf_efficientnet_lite2", (4, 8, 16, 32), "stride - 1"),
        ("convnext_atto", (4, 8, 16, 32), "middle"),
        ("vit_tiny_patch16_224", (16, 16, 16, 16), "middle"),
        ("vit_small_patch16_dinov3", (16, 16, 16, 16), "middle"),
    ],
)
def test_stages(name: str, strides: tuple[int, ...], place: str) -> None:
    backbone = random_backbone(name)
    assert tuple(tap.stride for tap in backbone.taps[1:]) == strides
    centre = {"pixel 0": lambda s: 0, "stride - 1": lambda s: s - 1, "middle": lambda s: (s - 1) / 2}[place]
    assert [tap.centre for tap in backbone.taps[1:]] == [centre(s) for s in strides]
    height, width = 2 * backbone.multiple, 3 * backbone.multiple
    with torch.no_grad():
        maps = backbone(torch.rand(2, 3, height, width))
    for values, tap in zip(maps, backbone.taps, strict=True):
        assert values.shape == (2, tap.channels, height // tap.stride, width // tap.stride)


def test_input_is_normalised_first() -> None:
    backbone = random_backbone("resnet18")
    images = torch.rand(1, 3, 32, 32)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    expected = (images - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    torch.testing.assert_close(backbone(images)[0], expected)


@pytest.mark.parametrize(("name", "output_stride"), [("resnet101", 8), ("resnet101", 16), ("resnet18", 8)])
def test_dilation_keeps_the_deepest_stage_fine(name: str, output_stride: int) -> None:
    backbone = random_backbone(name, output_stride)
    assert [tap.stride for tap in backbone.taps[1:]] == [4, 8, min(16, output_stride), output_stride]
    assert backbone.multiple == output_stride
    with torch.no_grad():
        assert backbone(torch.rand(1, 3, 32, 32))[-1].shape[-1] == 32 // output_stride


def test_atrous_rates_of_the_papers_backbone() -> None:
    backbone = ResNetBackbone(8)
    rates = {
        name: m.dilation[0] for name, m in backbone.named_modules() if isinstance(m, nn.Conv2d) and m.dilation[0] > 1
    }
    assert set(rates.values()) == {2, 4}
    assert rates["layer3.22.conv2"] == 2
    assert rates["layer4.2.conv2"] == 4


def test_transformer_blocks_on_request_and_evenly_by_default() -> None:
    default = build_backbone("vit_tiny_patch16_224", 32)
    assert isinstance(default, TimmBackbone)
    assert default.net.blocks == [2, 5, 8, 11]
    chosen = build_backbone("vit_tiny_patch16_224", 8, (-1, 3))  # one stride only: no output stride to ask for
    assert chosen.net.blocks == [3, 11]
    assert len(chosen.taps) == 3
    with pytest.raises(ParameterError, match=r"has 12 stages or blocks, from 0 to 11; got 12"):
        build_backbone("vit_tiny_patch16_224", 32, (12,))


def test_transformer_positions_are_interpolated_to_any_image() -> None:
    """A constant image makes every patch alike but for its position: the map must follow the image's own shape."""
    backbone = random_backbone("vit_tiny_patch16_224")
    with torch.no_grad():
        wide = backbone(torch.rand(1, 3, 48, 320))
        usual = backbone(torch.rand(1, 3, 224, 224))
    assert wide[-1].shape == (1, 192, 3, 20)
    assert usual[-1].shape == (1, 192, 14, 14)
    assert all(torch.isfinite(values).all() for values in wide)


def test_stages_on_request() -> None:
    backbone = build_backbone("resnet18", 32, (0, 2))
    assert [tap.stride for tap in backbone.taps[1:]] == [2, 8]


def test_channel_last_stages_are_turned() -> None:
    backbone = random_backbone("swin_tiny_patch4_window7_224")
    with torch.no_grad():
        assert [tuple(m.shape[1:]) for m in backbone(torch.rand(1, 3, 64, 96))][1] == (96, 16, 24)


@pytest.mark.parametrize(
    ("name", "output_stride", "sentence"),
    [
        ("resnet5O", 32, r"No backbone is called 'resnet5O'; expected resnet101 or a timm name"),
        ("resnet101", 4, "resnet101 has output stride 8, 16 or 32, got 4"),
        ("swin_tiny_patch4_window7_224", 8, "cannot be dilated to output stride 8; its own is 32"),
        ("levit_128", 32, "does not take images of any size"),
    ],
)
def test_what_cannot_be_is_said(name: str, output_stride: int, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence) as caught:
        build_backbone(name, output_stride)
    if name == "resnet5O":
        assert "resnet50" in caught.value.hint


def test_frozen_norm_layers_stay_in_evaluation_mode() -> None:
    backbone = random_backbone("resnet18").train()
    freeze_norm_layers(backbone)
    kinds = {type(m).__name__: m.training for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)}
    assert kinds
    assert not any(kinds.values())
    assert backbone.training


@pytest.mark.parametrize(
    ("layers", "strides", "centres"),
    [
        ([nn.Conv2d(3, 4, 3, 2, 1), nn.Conv2d(4, 4, 3, 1, 1)], [2, 2], [0.0, 0.0]),
        ([nn.Conv2d(3, 4, 2, 2), nn.Conv2d(4, 4, 2, 2)], [2, 4], [0.5, 1.5]),
        ([nn.Conv2d(3, 4, 7, 2, 3), nn.AvgPool2d(2)], [2, 4], [0.0, 1.0]),
        ([nn.Conv2d(3, 4, 3, 1, 2, dilation=2), nn.MaxPool2d(3, 2, 1)], [1, 2], [0.0, 0.0]),
        ([nn.Conv2d(3, 4, 4, 4), nn.PixelUnshuffle(2)], [4, 8], [1.5, 3.5]),
    ],
)  # fmt: skip
def test_centres_add_up_layer_by_layer(layers, strides, centres) -> None:
    class Chain(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(layers)

        def forward(self, values):
            maps = []
            for layer in self.layers:
                values = layer(values)
                maps.append(values)
            return maps

    channels = [4, 16 if isinstance(layers[1], nn.PixelUnshuffle) else 4]
    trace = trace_grids(Chain(), channels, 32, 48)
    assert trace.strides == strides
    assert trace.centres == centres
    assert all(math.isclose(32 / s, shape[1]) for s, shape in zip(strides, trace.maps, strict=True))


def test_memory_that_runs_out_is_not_the_backbones_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def short(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")

    monkeypatch.setattr("sss_model.network.backbone.trace_grids", short)
    with pytest.raises(RuntimeError, match="can't allocate"):
        build_backbone("test_efficientnet", 32)
