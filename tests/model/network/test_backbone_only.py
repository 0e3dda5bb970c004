"""A backbone's stages as features: of unit length, where the stages lie, through the extractor like any model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from sss_model.errors import ParameterError
from sss_model.extractor import FeatureExtractor
from sss_model.network.backbone_only import BackboneOnlyNet
from sss_model.network.build import build_network
from sss_model.params import NetworkParams
from sss_model.weights.checkpoint import load_network
from sss_model.weights.initialise import natural_params, untrained, write_untrained

CONV, PATCHES = "test_efficientnet", "test_vit"


def make(name: str, **changed: object) -> BackboneOnlyNet:
    torch.manual_seed(2)
    params = natural_params(name).to_dict() | changed
    net = build_network(NetworkParams.from_dict(params))
    assert isinstance(net, BackboneOnlyNet)
    return net


@pytest.mark.parametrize("name", [CONV, PATCHES])
@pytest.mark.parametrize("size", [(1, 1), (33, 50), (64, 96)])
def test_every_stage_has_unit_length_at_every_pixel(name: str, size: tuple[int, int]) -> None:
    net = make(name)
    with torch.no_grad():
        features = net(torch.rand(1, 3, *size))
    assert features.shape == (1, net.feature_channels, *size)
    for part in features.split([tap.channels for tap in net.backbone.taps[1:]], 1):
        torch.testing.assert_close(part.norm(dim=1), torch.ones(1, *size), atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", [CONV, PATCHES])
def test_the_features_are_the_stages_normalised_upsampled_and_laid_end_to_end(name: str) -> None:
    net = make(name)  # half-pixel alignment: torch's own upsampling is the oracle
    images = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        stages = net.backbone(images)[1:]
        upsampled = [F.interpolate(F.normalize(s, dim=1), (64, 96), mode="bilinear") for s in stages]
        expected = torch.cat([F.normalize(values, dim=1) for values in upsampled], 1)
        torch.testing.assert_close(net(images), expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("alignment", ["half-pixel", "centred"])
def test_rows_points_and_whole_map_agree(alignment: str) -> None:
    net = make(CONV, alignment=alignment)
    images = torch.rand(2, 3, 37, 41)
    y, x = torch.meshgrid(torch.arange(37), torch.arange(41), indexing="ij")
    points = torch.stack([x, y], -1).reshape(1, -1, 2).expand(2, -1, -1)
    with torch.no_grad():
        literal = net.literal(images)
        hidden = net.fuse(net.branches(images))
        rows = torch.cat([net.rows(hidden, 0, 5), net.rows(hidden, 5, 37)], 2)
        at = net.features_at(net.branches(images), points).transpose(1, 2).reshape(literal.shape)
    torch.testing.assert_close(rows, literal, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(at, literal, atol=1e-5, rtol=1e-4)


def test_chosen_blocks_only() -> None:
    whole, last = make(PATCHES), make(PATCHES, blocks=(-1,))
    width = last.backbone.taps[1].channels
    assert last.feature_channels == width < whole.feature_channels
    last.backbone.load_state_dict(whole.backbone.state_dict())
    images = torch.rand(1, 3, 40, 40)
    with torch.no_grad():
        torch.testing.assert_close(last(images), whole(images)[:, -width:])


def test_the_extractor_takes_it_from_parameters_and_from_a_file(tmp_path: Path) -> None:
    params = natural_params(PATCHES)
    net, checkpoint = untrained(params)
    image = np.random.default_rng(0).random((45, 70, 3), np.float32)
    with torch.no_grad():
        expected = net.literal(torch.from_numpy(image).permute(2, 0, 1)[None])[0].permute(1, 2, 0).numpy()
    features = FeatureExtractor(checkpoint, "cpu").extract(image)
    np.testing.assert_allclose(features, expected, atol=1e-5)
    written = write_untrained(tmp_path / "model.safetensors", params)
    assert written.metadata["title"] == "test_vit, taps, random weights"
    again, _ = load_network(tmp_path / "model.safetensors")
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), net.state_dict().values(), strict=True))


def test_random_weights_are_the_same_in_every_run() -> None:
    state = torch.random.get_rng_state()
    first, second = untrained(natural_params(CONV))[1], untrained(natural_params(CONV))[1]
    assert first.sha256 == second.sha256
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_size_that_a_transformer_cannot_take_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    net = make(PATCHES)

    def fail(values: torch.Tensor) -> list[torch.Tensor]:
        raise IndexError("index 111 is out of bounds")

    monkeypatch.setattr(net.backbone.net, "forward", fail)
    with pytest.raises(ParameterError, match=r"test_vit cannot take 80 x 64 pixels: index 111"):
        net(torch.rand(1, 3, 50, 70))
