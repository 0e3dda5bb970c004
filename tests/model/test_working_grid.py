"""The working grid: its map, and features at one scale or several."""

from __future__ import annotations

import numpy as np
import pytest
from small_models import GLOBAL, noise, small_checkpoint

from sss_model.errors import Cancelled, ParameterError
from sss_model.extractor import FeatureExtractor
from sss_model.filtering.resize import resize
from sss_model.params import AUTOMATIC_SCALES, AUTOMATIC_SIDE, GridParams
from sss_model.progress import Progress
from sss_model.working_grid import WorkingGrid, choose_grid, extract_grid, extract_smallest


@pytest.fixture(scope="module")
def extractor() -> FeatureExtractor:
    return FeatureExtractor(small_checkpoint()[1], "cpu")


@pytest.mark.parametrize(
    ("picture", "size", "expected"),
    [
        ((3000, 4000), 640, (480, 640)),
        ((4000, 3000), "640", (640, 480)),
        ((333, 500), "native", (333, 500)),
        ((1, 5000), 500, (1, 500)),
        ((1, 20000), 32, (1, 32)),
        ((240, 320), 640, (480, 640)),
    ],
)
def test_the_long_side_is_the_size_and_the_shape_stays(picture, size, expected) -> None:
    assert choose_grid(picture, size).size == expected


def test_the_map_keeps_outer_edges_and_centres() -> None:
    grid = WorkingGrid((300, 400), (60, 100))
    corners = np.array([[-0.5, -0.5], [399.5, 299.5]])
    np.testing.assert_allclose(grid.to_grid(corners), [[-0.5, -0.5], [99.5, 59.5]])
    np.testing.assert_allclose(grid.to_grid([[199.5, 149.5]]), [[49.5, 29.5]])
    points = np.random.default_rng(0).uniform(-5, 500, (7, 2))
    np.testing.assert_allclose(WorkingGrid(grid.size, grid.picture).to_grid(grid.to_grid(points)), points)
    assert not grid.is_native
    assert WorkingGrid((5, 7), (5, 7)).is_native


def test_sampling_is_bilinear_enlargement() -> None:
    values = np.random.default_rng(0).random((6, 5, 3)).astype(np.float32)
    grid = WorkingGrid((19, 23), (6, 5))
    points = np.stack(np.meshgrid(np.arange(23), np.arange(19)), -1).reshape(-1, 2)
    expected = resize(values, (19, 23)).reshape(-1, 3)
    np.testing.assert_allclose(grid.sample(values, points), expected, atol=1e-6)
    with pytest.raises(ParameterError, match=r"\(6, 5, C\)"):
        grid.sample(values[:5], points)


@pytest.mark.parametrize(("picture", "size"), [((9, 4), (3, 2)), ((3, 2), (9, 4)), ((1, 7), (1, 3)), ((5, 5), (7, 3))])
def test_cells_are_those_under_the_pixels_centres(picture, size) -> None:
    rows, columns = WorkingGrid(picture, size).cells()
    for y, x in np.ndindex(picture):
        assert rows[y, 0] == int((y + 0.5) * size[0] / picture[0])
        assert columns[0, x] == int((x + 0.5) * size[1] / picture[1])


def test_native_is_extract(extractor) -> None:
    image = noise(50, 70)
    found = extract_grid(extractor, image, size="native")
    np.testing.assert_array_equal(found.features, extractor.extract(image))
    assert found.grid.is_native
    assert found.guide is image


def test_the_network_sees_the_picture_at_the_grids_size(extractor) -> None:
    image = noise(90, 120)
    found = extract_grid(extractor, image, size=64, scales=(1,))
    small = resize(image, (48, 64))
    np.testing.assert_allclose(found.guide, small)
    np.testing.assert_allclose(found.features, extractor.extract(small), atol=1e-6)
    assert found.grid == WorkingGrid((90, 120), (48, 64))
    assert found.grid.to_dict() == {"picture": [90, 120], "grid": [48, 64]}


def test_an_enlarged_picture_keeps_its_range(extractor) -> None:
    image = (noise(20, 30) > 0.5).astype(np.float32)
    guide = extract_grid(extractor, image, size=64).guide
    assert guide.shape == (43, 64, 3)
    assert (guide.min(), guide.max()) == (0, 1)


def test_scales_are_averaged_on_the_grid(extractor) -> None:
    image = noise(90, 120)
    parts = []
    for size in ((48, 64), (96, 128), (24, 32)):
        seen = resize(image, size, enlarge="bicubic").clip(image.min(), image.max())
        parts.append(resize(extractor.extract(seen), (48, 64)))
    found = extract_grid(extractor, image, size=64, scales=(1, 2, 0.5))
    np.testing.assert_allclose(found.features, np.mean(parts, 0), atol=1e-5)
    assert found.record["extract"]["scales"] == [1.0, 2.0, 0.5]


@pytest.mark.parametrize("scales", [(1, 2, 0.5), (), (1, 1.5)])
def test_the_smallest_scale_comes_first_and_is_not_computed_again(extractor, monkeypatch, scales) -> None:
    image, seen = noise(90, 120), []
    whole = extract_grid(extractor, image, size=64, scales=scales)
    real = FeatureExtractor.extract_with_record
    monkeypatch.setattr(
        FeatureExtractor,
        "extract_with_record",
        lambda self, part, *rest, **more: (seen.append(part.shape), real(self, part, *rest, **more))[1],
    )
    smallest = extract_smallest(extractor, image, GridParams("64", tuple(map(float, scales))))
    side = round(64 * smallest.scale)
    assert smallest.scale == min(scales or AUTOMATIC_SCALES)
    assert seen == [(round(48 * smallest.scale), side, 3)]
    assert smallest.guide.shape == seen[0]
    assert smallest.result.features.shape == (*seen[0][:2], extractor.feature_channels)
    found = extract_grid(extractor, image, size=64, scales=scales, smallest=smallest)
    assert len(seen) == len(scales or AUTOMATIC_SCALES)
    np.testing.assert_array_equal(found.features, whole.features)
    assert found.record == whole.record


def test_one_scale_alone_has_no_smallest(extractor) -> None:
    assert extract_smallest(extractor, noise(9, 12), GridParams("native")) is None
    assert extract_smallest(extractor, noise(9, 12), GridParams("64", (0.5,))) is None


def test_automatic_is_measured_numbers() -> None:
    assert choose_grid((3000, 4000)).size == (AUTOMATIC_SIDE * 3 // 4, AUTOMATIC_SIDE)
    assert GridParams().network_scales == AUTOMATIC_SCALES
    assert GridParams("native").network_scales == (1.0,)
    assert GridParams("640", (2.0,)).network_scales == (2.0,)


def test_progress_covers_all_scales_and_may_cancel(extractor) -> None:
    seen: list[float] = []
    listener = Progress(lambda fraction, stage: seen.append(fraction))
    extract_grid(extractor, noise(40, 60), size=64, scales=(1, 2), progress=listener)
    assert seen == sorted(seen)
    assert any(0.05 < fraction < 0.2 for fraction in seen), "the first scale is a fifth"
    assert seen[-1] == pytest.approx(1)
    with pytest.raises(Cancelled):
        extract_grid(extractor, noise(40, 60), size=64, progress=Progress(cancelled=lambda: True))


def test_a_backbone_that_cannot_be_cut_works_too() -> None:
    other = FeatureExtractor(small_checkpoint(GLOBAL)[1], "cpu")
    found = extract_grid(other, noise(30, 40), size=64, scales=(1, 1.5))
    assert found.features.shape == (48, 64, 8)


@pytest.mark.parametrize("picture", [(1, 1), (1, 40), (33, 1)])
def test_thin_pictures(extractor, picture) -> None:
    found = extract_grid(extractor, noise(*picture), size=32, scales=(1, 2))
    assert max(found.features.shape[:2]) == 32
    assert np.isfinite(found.features).all()


@pytest.mark.parametrize(
    ("size", "scales", "message"),
    [
        ("large", (1,), "auto, native, or a whole number from 32 to 16384; got 'large'"),
        (31, (1,), "got '31'"),
        ("-640", (1,), "got '-640'"),
        (640, (1, 1), "got 1, 1"),
        (640, (0.1,), "from 0.25 to 4; got 0.1"),
        (640, (1, 2, 3, 4, 0.5), "up to 4 different numbers"),
        (640, (10**400,), "up to 4 different numbers"),
    ],
)
def test_bad_sizes_and_scales_are_named(extractor, size, scales, message) -> None:
    with pytest.raises(ParameterError, match=message):
        extract_grid(extractor, noise(40, 60), size=size, scales=scales)


def test_bad_grids_are_named() -> None:
    with pytest.raises(ParameterError, match="at least 1 pixel"):
        WorkingGrid((0, 5), (1, 1))
    with pytest.raises(ParameterError, match="at least 1 pixel"):
        choose_grid((0, 5), 640)
    with pytest.raises(ParameterError, match="image must be 4 x 5 pixels"):
        WorkingGrid((4, 5), (2, 2)).guide(np.zeros((5, 4, 3), np.float32))


def test_one_extraction_may_run_within_another(extractor):
    """The window answers a click while frames are computed: on the same network, where it reports."""
    one, other = noise(90, 120), noise(70, 100, seed=1)
    plain = [extract_grid(extractor, image).features.copy() for image in (one, other)]
    within = []

    def listen(_fraction, _stage):
        if len(within) < 3:
            within.append(None)
            within[-1] = extract_grid(extractor, other).features.copy()

    np.testing.assert_array_equal(extract_grid(extractor, one, progress=Progress(listen)).features, plain[0])
    assert len(within) == 3
    for features in within:
        np.testing.assert_array_equal(features, plain[1])
