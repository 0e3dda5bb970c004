"""Bands and tiles: that they cover, that their halos suffice, and what the plan says."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from small_models import GLOBAL, small_checkpoint
from torch import nn

from sss_model.inference.bands import plan_bands, steps_of
from sss_model.inference.plan import bands_of, halves_of, tile_side, tiles_of
from sss_model.inference.segments import Segment, fold_norms, halo_of, segments_of
from sss_model.network.backbone import ResNetBackbone, build_backbone


@pytest.fixture(scope="module")
def segments() -> tuple[Segment, ...]:
    found = segments_of(small_checkpoint()[0].backbone)
    assert found is not None
    return found


@pytest.mark.parametrize("rows", [1, 3, 100])
def test_bands_cover_every_row_once(segments: tuple[Segment, ...], rows: int) -> None:
    for segment in segments:
        height = 16 * segment.ratio
        bands = bands_of(height, segment, rows)
        assert [row for band in bands for row in range(band.first, band.last)] == list(range(16))
        assert all(band.last - band.first <= rows for band in bands)
        assert all(0 <= band.source[0] < band.source[1] <= height for band in bands)
        halves = list(itertools.chain(*(halves_of(band, segment, height) for band in bands)))
        assert [row for band in halves for row in range(band.first, band.last)] == list(range(16))


@torch.inference_mode()
def test_a_band_with_its_halo_gives_the_rows_of_the_whole(segments: tuple[Segment, ...]) -> None:
    torch.manual_seed(0)
    for segment in segments:
        height = 3 * segment.halo + 8 * segment.ratio
        source = torch.rand(1, segment.channels[0], height - height % (2 * segment.ratio), 16)
        run = nn.Sequential(*segment.units)
        whole = run(source)
        for band in bands_of(source.shape[2], segment, 3):
            part = run(source[:, :, band.source[0] : band.source[1]])
            first = band.first - band.source[0] // segment.ratio
            rows = part[:, :, first : first + band.last - band.first]
            torch.testing.assert_close(rows, whole[:, :, band.first : band.last], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "stride"), [("resnet18", 8), ("convnext_atto", 32)])
@torch.inference_mode()
def test_other_families_can_be_cut_too(name: str, stride: int) -> None:
    torch.manual_seed(0)
    backbone = build_backbone(name, stride).eval()
    maps, number = backbone(torch.rand(1, 3, 256, 32)), 0
    for number, segment in enumerate(segments_of(backbone) or (), 1):
        source, run = maps[number - 1], nn.Sequential(*segment.units)
        for band in bands_of(source.shape[2], segment, 8):
            part = run(source[:, :, band.source[0] : band.source[1]])
            first = band.first - band.source[0] // segment.ratio
            rows = part[:, :, first : first + band.last - band.first]
            torch.testing.assert_close(rows, maps[number][:, :, band.first : band.last], rtol=1e-4, atol=1e-5)
    assert number == len(maps) - 1


@torch.inference_mode()
def test_the_halo_is_no_larger_than_need_be(segments: tuple[Segment, ...]) -> None:
    """Two steps less, and the rows at the cut are wrong: the test above could fail."""
    segment = segments[0]
    source = torch.rand(1, 3, 256, 16)
    run = nn.Sequential(*segment.units)
    cut = 128 - segment.halo + 2 * segment.ratio
    part, whole = run(source[:, :, cut:]), run(source)
    row = 128 // segment.ratio
    assert not torch.allclose(part[:, :, row - cut // segment.ratio], whole[:, :, row], rtol=1e-4, atol=1e-5)


def test_halo_counts_kernels_on_their_own_grid() -> None:
    units = [nn.Conv2d(1, 1, 7, 2), nn.MaxPool2d(3, 2), nn.Conv2d(1, 1, 3, dilation=2)]
    assert halo_of(units, 4) == 16  # 3 + 1 * 2 + 2 * 4 = 13, rounded up to whole output cells
    assert halo_of([nn.Conv2d(1, 1, 5)], 1) == 2


def test_the_papers_backbone_can_be_cut_and_squeeze_and_excite_cannot() -> None:
    with torch.device("meta"):
        resnet = ResNetBackbone(8)
    assert [segment.ratio for segment in segments_of(resnet) or ()] == [4, 2, 1, 1]
    assert [segment.halo for segment in segments_of(resnet) or ()] == [20, 8, 45, 10]
    assert segments_of(small_checkpoint(GLOBAL)[0].backbone) is None


@torch.inference_mode()
def test_folding_norms_changes_no_number() -> None:
    backbone = copy.deepcopy(small_checkpoint()[0].backbone)
    image = torch.rand(1, 3, 64, 64)
    before = backbone(image)
    fold_norms(backbone)
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in backbone.modules())
    for one, other in zip(before, backbone(image), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-5)


def test_tiles_cover_every_pixel_once_and_see_more() -> None:
    kept = torch.zeros(100, 170, dtype=torch.int32)
    for tile in tiles_of((100, 170), 50, 20, 32):
        top, left, bottom, right = tile.kept
        kept[top:bottom, left:right] += 1
        assert top % 32 == left % 32 == 0
        assert tile.seen == (max(top - 32, 0), max(left - 32, 0), min(bottom + 32, 100), min(right + 32, 170))
    assert (kept == 1).all()


def test_tiles_only_where_memory_forbids_the_whole() -> None:
    assert tile_side((1000, 1000), 0, 2**40, True) == 0
    assert 256 <= tile_side((10000, 10000), 0, 2**32, True) < 1000
    assert tile_side((10000, 10000), 0, 2**32, False) == 0
    assert tile_side((1000, 1000), 512, 2**40, True) == 512


def test_less_memory_makes_smaller_bands_and_tile_forces_them() -> None:
    steps = steps_of(small_checkpoint()[0])
    assert steps is not None

    def pieces(side: int, tile: int, free: int) -> int:
        return sum(map(len, plan_bands(steps, (side, side), tile, free, 32).bands))

    assert pieces(300, 0, 2**33) == len(steps), "each in one piece"
    assert pieces(6000, 0, 2**29) > pieces(6000, 0, 2**36) > len(steps)
    assert pieces(256, 64, 2**36) > len(steps)
