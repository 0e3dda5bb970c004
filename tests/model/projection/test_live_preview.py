"""The live preview against the exact filter."""

from __future__ import annotations

import time

import numpy as np
import pytest
from made_features import features_like, image_like

from sss_model.errors import ParameterError
from sss_model.guided_filter import guided_filter
from sss_model.pca import fit_pca
from sss_model.projection.live_preview import LivePreview

EXACT = float("inf")  # seconds: never coarser than the screen


@pytest.fixture(scope="module")
def made():
    image = image_like(220, 301)
    features = features_like(image, channels=12)
    return image, fit_pca(features).project(features)


def exact(image, projection, radius, eps, limits=None):
    filtered = guided_filter(image, projection, radius=radius, eps=eps)
    low, high = limits or (filtered.min((0, 1)), filtered.max((0, 1)))
    return np.clip((filtered - low) / (high - low), 0, 1), low, high


BOXES = (None, (40, 30, 171, 140), (0, 0, 20, 220), (290, 200, 301, 220))


@pytest.mark.parametrize(
    ("radius", "eps", "box"),
    [(300, 1e-3, None), *((radius, eps, box) for radius, eps in ((5, 1e-2), (0, 1e-2), (12, 1e-4)) for box in BOXES)],
)
def test_full_size_is_exact_in_any_box(made, radius, eps, box):
    image, projection = made
    expected, low, high = exact(image, projection, radius, eps)
    values, covered = LivePreview(image, projection, low=low, high=high, seconds=EXACT).render(radius, eps, box)
    x0, y0, x1, y1 = box or (0, 0, 301, 220)
    assert covered == (x0, y0, x1, y1)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, expected[y0:y1, x0:x1], atol=1e-3)


def test_eps_and_radius_may_change_at_will(made):
    """What is kept from one call to the next must not leak into another radius, eps, box or scale."""
    image, projection = made
    limits = exact(image, projection, 5, 1e-2)[1:]
    preview = LivePreview(image, projection, low=limits[0], high=limits[1], seconds=EXACT)
    for radius, eps, box in [(5, 1e-2, None), (5, 1e-3, None), (6, 1e-3, (9, 9, 99, 99)), (5, 1e-2, (9, 9, 99, 99))]:
        x0, y0, x1, y1 = box or (0, 0, 301, 220)
        expected = exact(image, projection, radius, eps, limits)[0][y0:y1, x0:x1]
        preview.render(radius, eps, None, 0.3)
        np.testing.assert_allclose(preview.render(radius, eps, box)[0], expected, atol=1e-3)


@pytest.mark.parametrize(("scale", "level"), [(1.0, 0), (4.0, 0), (0.5, 1), (0.26, 2), (0.1, 3)])
def test_smaller_pictures_are_filtered_at_the_level_shown(made, scale, level):
    image, projection = made
    expected, low, high = exact(image, projection, 9, 1e-2)
    values, covered = LivePreview(image, projection, low=low, high=high, seconds=EXACT).render(
        9, 1e-2, (33, 21, 290, 203), scale
    )
    x0, y0, x1, y1 = covered
    assert x0 <= 33
    assert y0 <= 21
    assert x1 >= 290
    assert y1 >= 203
    step = 1 << level
    assert values.shape == ((y1 - y0) // step, (x1 - x0) // step, 3)
    rows, columns = (min(y1, 220) - y0) // step, (min(x1, 301) - x0) // step
    cells = expected[y0 : y0 + rows * step, x0 : x0 + columns * step]
    means = cells.reshape(rows, step, columns, step, 3).mean(axis=(1, 3))
    difference = np.abs(values[:rows, :columns] - means)
    assert difference.mean() < 0.02
    assert np.quantile(difference, 0.99) < 0.1


def test_short_of_time_it_fits_coarser_and_keeps_the_edges(made):
    image, projection = made
    big, wide = np.repeat(np.repeat(image, 2, 0), 2, 1), np.repeat(np.repeat(projection, 2, 0), 2, 1)
    expected, low, high = exact(big, wide, 40, 1e-3)
    values, _covered = LivePreview(big, wide, low=low, high=high, seconds=0.0).render(40, 1e-3)
    assert values.shape == big.shape
    assert np.abs(values - expected).mean() < 0.02
    edges, found = (np.abs(np.diff(v, axis=1))[:, 1::2].mean() for v in (expected, values))
    assert found > 0.9 * edges


def test_what_is_fitted_coarser_is_interpolated_between_centres():
    """Along a straight slope of the projection and a constant guide the coarser fit loses nothing inside."""
    slope = np.broadcast_to(np.linspace(0, 1, 640, dtype=np.float32)[None, :, None], (480, 640, 2))
    guide = np.full((480, 640, 3), 0.5, np.float32)
    limits = {"low": np.zeros(2, np.float32), "high": np.ones(2, np.float32)}
    values, _ = LivePreview(guide, slope, **limits, seconds=0.0).render(20, 1e-2)
    np.testing.assert_allclose(values[:, 60:-60], slope[:, 60:-60], atol=1e-4)


def test_range_follows_the_sliders_from_that_of_the_exact_result(made):
    image, projection = made
    _, low, high = exact(image, projection, 3, 1e-2)
    preview = LivePreview(image, projection, low=low, high=high, reference=(3, 1e-2), seconds=EXACT)
    expected, _, _ = exact(image, projection, 3, 1e-2)
    np.testing.assert_allclose(preview.render(3, 1e-2)[0], expected, atol=1e-3)  # no jump when a drag begins
    expected, _, _ = exact(image, projection, 30, 1e-2)
    moved = np.abs(preview.render(30, 1e-2)[0] - expected).mean()
    fixed = np.abs(LivePreview(image, projection, low=low, high=high).render(30, 1e-2)[0] - expected).mean()
    assert moved < 0.5 * fixed  # and little of one when it ends


def test_without_a_range_it_takes_that_of_a_small_version(made):
    image, projection = made
    expected, _, _ = exact(image, projection, 6, 1e-2)
    values = LivePreview(image, projection, seconds=EXACT).render(6, 1e-2, (50, 50, 150, 150))[0]
    assert np.abs(values - expected[50:150, 50:150]).mean() < 0.03


def test_time_decides_the_work_not_the_size_of_the_picture(made):
    """A picture so slow that it misses its time by far is computed at fewer pixels the next time."""
    image, projection = made
    preview = LivePreview(image, projection, seconds=EXACT)
    preview.seconds, preview.seconds_a_sample = 0.02, 1.0
    unhurried = LivePreview(image, projection, seconds=EXACT).render(20, 1e-2)[0]
    assert np.abs(preview.render(20, 1e-2)[0] - unhurried).max() > 1e-4
    preview.seconds_a_sample = 1e-9
    np.testing.assert_array_equal(preview.render(20, 1e-2)[0], unhurried)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (2, 3), (33, 2)])
@pytest.mark.parametrize("scale", [1.0, 0.3])
def test_tiny_pictures(size, scale):
    rng = np.random.default_rng(0)
    image, projection = (rng.random((*size, 3)).astype(np.float32) for _ in range(2))
    values, _covered = LivePreview(image, projection).render(4, 1e-2, None, scale)
    assert np.isfinite(values).all()
    assert values.size
    assert values.min() >= 0
    assert values.max() <= 1


@pytest.mark.parametrize("box", [(-50, -50, 20, 20), (290, 210, 900, 900), (500, 500, 600, 600), (10, 10, 10, 10)])
def test_boxes_are_clipped_to_the_picture(made, box):
    image, projection = made
    _values, covered = LivePreview(image, projection).render(3, 1e-2, box)
    x0, y0, x1, y1 = covered
    assert 0 <= x0 < x1 <= 301
    assert 0 <= y0 < y1 <= 220


def test_any_number_of_components(made):
    image, projection = made
    one = LivePreview(image, projection[..., :1], seconds=EXACT).render(5, 1e-2)
    assert one[0].shape == (220, 301, 1)
    np.testing.assert_allclose(one[0][..., 0], exact(image, projection, 5, 1e-2)[0][..., 0], atol=0.05)


def test_a_bad_eps_is_named(made):
    image, projection = made
    with pytest.raises(ParameterError, match="eps must be above 0"):
        LivePreview(image, projection).render(3, 0.0)


@pytest.mark.slow
def test_a_tick_takes_a_frame_or_two():
    """A generous limit, for a busy machine; the benchmark has the numbers."""
    rng = np.random.default_rng(0)
    image = np.repeat(np.repeat(image_like(500, 700), 2, 0), 2, 1)
    preview = LivePreview(image, rng.random((1000, 1400, 3)).astype(np.float32))
    seconds = []
    for radius in range(4, 24):
        started = time.perf_counter()
        preview.render(radius, 1e-2, (100, 100, 800, 600))
        seconds.append(time.perf_counter() - started)
    assert np.median(seconds) < 0.3
