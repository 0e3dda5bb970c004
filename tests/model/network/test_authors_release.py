"""The authors' network: TensorFlow's own numbers, its arithmetic piece by piece; rows, points and whole maps alike."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from released_values import SIZES, made_image, made_points, made_weight

from sss_model.errors import ParameterError
from sss_model.network.authors_release import PAD, AuthorsReleaseNet, Norm, pad_same, reflect, resize_legacy
from sss_model.network.build import build_network
from sss_model.params import NetworkParams
from sss_model.weights.authors.convert import _their_shape, _to_torch, released_names

PARAMS = NetworkParams(variant="released")


@pytest.fixture(scope="module")
def network() -> AuthorsReleaseNet:
    """The network with the weights that TensorFlow had when it computed `released/features.npz`."""
    net = build_network(PARAMS)
    assert isinstance(net, AuthorsReleaseNet)
    own = net.state_dict()
    shapes = {name: _their_shape(tuple(own[ours].shape), name) for name, ours in released_names().items()}
    net.load_state_dict({o: _to_torch(made_weight(t, shapes[t]), t) for t, o in released_names().items()})
    return net


def use_statistics(network: AuthorsReleaseNet, kind: str) -> None:
    network.params = replace(network.params, norm_statistics=kind)
    for layer in network.modules():
        if isinstance(layer, Norm):
            layer.image_statistics = kind == "image"


def image_of(size: tuple[int, int]) -> torch.Tensor:
    return torch.from_numpy(made_image(size).astype(np.float32) / 255).permute(2, 0, 1)[None]


@pytest.mark.parametrize("kind", ["stored", "image"])
@pytest.mark.parametrize("size", [SIZES[0], *(pytest.param(size, marks=pytest.mark.slow) for size in SIZES[1:])])
def test_features_are_those_of_tensorflow(network: AuthorsReleaseNet, size: tuple[int, int], kind: str) -> None:
    expected = np.load(Path(__file__).parents[1] / "released" / "features.npz")[f"{size[0]}x{size[1]}-{kind}"]
    use_statistics(network, kind)
    points = torch.from_numpy(made_points(size))[None]
    with torch.inference_mode():
        features = network.features_at(network.branches(image_of(size)), points)[0].numpy()
    use_statistics(network, "stored")
    error = np.linalg.norm(features - expected, axis=1) / np.linalg.norm(expected, axis=1)
    assert error.max() < 1e-4  # asked for: 1e-3


class QuickBackbone(torch.nn.Module):
    """Maps of the sizes and channels that the real one gives, at a thousandth of its cost."""

    def forward(self, bgr: torch.Tensor) -> list[torch.Tensor]:
        maps = []
        for halvings, channels in ((2, 64), (3, 512), (3, 1024), (3, 2048)):
            small = bgr
            for _ in range(halvings):
                small = F.avg_pool2d(small, 2, ceil_mode=True)
            maps.append(torch.cat([small / 100] * (channels // 3 + 1), 1)[:, :channels].sin())
        return maps


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (13, 20)])
def test_rows_points_and_literal_agree(network: AuthorsReleaseNet, size: tuple[int, int], monkeypatch) -> None:
    monkeypatch.setitem(network._modules, "backbone", QuickBackbone())  # noqa: SLF001 - it is no module
    monkeypatch.setattr("sss_model.network.authors_release.PAD", 7)  # some images are smaller, some larger
    images = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(3))
    height, width = size
    with torch.inference_mode():
        literal = network.literal(images)
        branches = network.branches(images)
        hidden = network.fuse(branches)
        edges = sorted({0, height // 2, height})
        rows = torch.cat([network.rows(hidden, a, b) for a, b in pairwise(edges)], 2)
        y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        at = network.features_at(branches, torch.stack([x, y], -1).reshape(1, -1, 2))
    scale = literal.abs().max()
    assert literal.shape == (1, 128, *size)
    torch.testing.assert_close(rows / scale, literal / scale, atol=1e-5, rtol=0)
    torch.testing.assert_close(at.transpose(1, 2).reshape(literal.shape) / scale, literal / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("length", [1, 2, 3, 50, 51, 60])
def test_reflection_is_numpys_at_any_length(length: int) -> None:
    values = torch.arange(length, dtype=torch.float32)
    mode = "edge" if length == 1 else "reflect"  # numpy goes to and fro too
    expected = np.pad(values.numpy(), PAD, mode)
    np.testing.assert_array_equal(reflect(values.view(1, 1, length, 1), 2).flatten(), expected)


@pytest.mark.parametrize(
    ("size", "kernel", "before", "after"), [(8, 7, 2, 3), (9, 7, 3, 3), (8, 3, 0, 1), (9, 3, 1, 1), (1, 3, 1, 1)]
)
def test_same_padding_puts_the_odd_pixel_at_the_end(size: int, kernel: int, before: int, after: int) -> None:
    padded = pad_same(torch.ones(1, 1, size, size), kernel, 2, -torch.inf)[0, 0, before]
    expected = [-torch.inf] * before + [1.0] * size + [-torch.inf] * after
    assert padded.tolist() == expected


def test_legacy_resizing_by_its_definition() -> None:
    values = torch.rand(1, 1, 3, 1)
    column = values.flatten()
    expected = []
    for row in range(8):
        source = row * 3 / 8
        low = int(source)
        high = min(low + 1, 2)
        expected.append(column[low] + (column[high] - column[low]) * (source - low))
    torch.testing.assert_close(resize_legacy(values, 8, 1).flatten(), torch.stack(expected))


def test_image_statistics_are_each_images_own() -> None:
    norm = Norm(4, image_statistics=True)
    norm.weight.data.uniform_(0.5, 2)
    norm.bias.data.normal_()
    values = torch.randn(2, 4, 5, 6) * 3 + 1
    for one in (0, 1):
        alone = F.batch_norm(values[one : one + 1], None, None, norm.weight, norm.bias, training=True, eps=1e-3)
        torch.testing.assert_close(norm(values)[one : one + 1], alone)


@pytest.mark.slow
def test_gradients_reach_every_weight(network: AuthorsReleaseNet) -> None:
    images = torch.rand(1, 3, 4, 4)
    network.features_at(network.branches(images), torch.tensor([[[0, 0], [3, 2]]])).square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())
    network.zero_grad(set_to_none=True)


@pytest.mark.parametrize("changed", [{"backbone": "resnet50"}, {"output_stride": 16}, {"branch_channels": (4, 4)}])
def test_another_backbone_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(ParameterError, match="released variant has backbone resnet101, output stride 8 and 5 branches"):
        build_network(replace(PARAMS, **changed))
