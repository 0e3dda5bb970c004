"""The head's stripes against the literal head, on grids of every kind."""

from __future__ import annotations

import pytest
import torch
from small_models import noise
from torch import Tensor, nn

from sss_model.inference.bands import ImageRows
from sss_model.inference.head_run import supplement_stripes
from sss_model.inference.head_stripes import HeadStripes, Lattice
from sss_model.network.backbone import Backbone, Tap
from sss_model.network.supplement import SupplementNet
from sss_model.params import NetworkParams

CPU = torch.device("cpu")


class Pooled(Backbone):
    """Taps of the given strides: local means of random mixtures of the input."""

    def __init__(self, strides: tuple[int, ...], centre: str) -> None:
        taps = [Tap(6, s, {"first": 0.0, "last": s - 1.0}[centre]) for s in strides]
        super().__init__(taps, max(strides), (0.4, 0.5, 0.6), (0.2, 0.3, 0.4))
        self.mix = nn.ModuleList(nn.Conv2d(3, 6, s, stride=s) for s in strides)

    def stages(self, normalised: Tensor) -> list[Tensor]:
        return [mix(normalised) for mix in self.mix]


def network(strides: tuple[int, ...], alignment: str, centre: str, width: int = 9) -> SupplementNet:
    torch.manual_seed(1)
    params = NetworkParams(
        branch_channels=(4, *(width for _ in strides)),
        hidden_channels=24,
        feature_channels=5,
        alignment=alignment,
        tap_scale="rms",
    )
    net = SupplementNet(Pooled(strides, centre), params).eval()
    nn.init.normal_(net.hidden.bias)
    nn.init.normal_(net.project.bias)
    return net


def filler(net: SupplementNet, height: int, width: int) -> tuple[HeadStripes, Tensor]:
    """The stripes of an image and its literal features (H, W, D)."""
    image = noise(height, width)
    batch = torch.from_numpy(image).permute(2, 0, 1)[None]
    taps = net.taps(batch)
    branches = net.branches(batch).maps
    maps = {
        number: (tap.values if net.branch[number].out_channels >= tap.values.shape[1] else branch.values)
        for number, (tap, branch) in enumerate(zip(taps, branches, strict=True))
        if number
    }
    stripes = supplement_stripes(net, maps, ImageRows(image, net.backbone, CPU, torch.float32), (height, width))
    return stripes, net.literal(batch)[0].permute(1, 2, 0)


@pytest.mark.parametrize("at_once", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 40), (37, 3), (50, 33), (20, 129)])
@pytest.mark.parametrize(
    ("strides", "alignment", "centre"),
    [
        ((4, 8, 8), "half-pixel", "first"),
        ((4, 8, 8), "centred", "first"),
        ((4, 8, 16, 32), "centred", "last"),
        ((2, 64), "half-pixel", "first"),
    ],
)
@torch.inference_mode()
def test_stripes_are_the_literal_head(
    strides: tuple[int, ...], alignment: str, centre: str, size: tuple[int, int], at_once: bool
) -> None:
    stripes, expected = filler(network(strides, alignment, centre), *size)
    stripes.at_once = at_once
    out = torch.empty_like(expected)
    for first in range(0, size[0], 7):
        last = min(first + 7, size[0])
        stripes.fill(first, last, out[first:last])
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("width", [3, 9])  # branches narrower than their taps are there already
@torch.inference_mode()
def test_branches_may_come_before_or_after(width: int) -> None:
    stripes, expected = filler(network((4, 8), "centred", "last", width), 33, 70)
    assert all((kept.branch is None) == (width == 3) for kept in stripes.maps)
    out = torch.empty_like(expected)
    stripes.fill(0, 33, out)
    torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_chunks_of_any_size_give_the_same() -> None:
    net = network((4, 8), "half-pixel", "first")
    stripes, expected = filler(net, 20, 200)
    for chunk in (1, 64, 100, 1000, 10**6):
        other = HeadStripes(
            stripes.maps,
            stripes.fine,
            net.branch[0],
            (net.hidden.weight[:, :4, 0, 0].t(), net.hidden.bias),
            (net.project.weight[:, :, 0, 0].t(), net.project.bias),
            (20, 200),
            chunk,
        )
        out = torch.empty_like(expected)
        other.fill(0, 20, out)
        torch.testing.assert_close(out, expected, rtol=1e-4, atol=1e-5)


def test_lattice_weights_are_bilinear() -> None:
    lattice = Lattice.of(4, 1.5, cells=8, block=32, blocks=1)
    assert torch.allclose(lattice.weights.sum(1), torch.ones(32, dtype=torch.float64))
    # pixel 3 lies 1.5 / 4 of the way from the cell centred at 1.5 to that at 5.5
    cells = lattice.columns[lattice.weights[3].nonzero()[:, 0]]
    assert cells.tolist() == [0, 1]
    assert lattice.weights[3][lattice.weights[3] > 0].tolist() == pytest.approx([0.625, 0.375])
    assert lattice.columns[:2].tolist() == [0, 0]  # pixel 0 lies before the first centre: the border repeats
