"""The low-rank reduction against filtering every channel and decomposing the result with numpy."""

from __future__ import annotations

import numpy as np
import pytest
from made_features import features_like, image_like, noise_features

from sss_model.budget import Budget
from sss_model.errors import Cancelled, ParameterError
from sss_model.guided_filter import guided_filter
from sss_model.progress import Progress
from sss_model.projection.filtered_pca import Reducer, Reduction

SIZE = (64, 84)


def literal(image, features, radius, eps, components=3):
    """Section 1.1 as written: every channel filtered, then the singular vectors of all pixels; not yet stretched."""
    filtered = guided_filter(image, features, radius=radius, eps=eps).astype(np.float64)
    flat = filtered.reshape(-1, filtered.shape[2])
    flat = flat - flat.mean(0)
    _, singular, axes = np.linalg.svd(flat, full_matrices=False)
    axes = axes[:components]
    y, x = (np.linspace(-1, 1, side) for side in features.shape[:2])  # seen from the middle
    outside = y[:, None] ** 2 + x**2
    axes = axes * np.sign(((features @ axes.T) * (outside.mean() - outside)[..., None]).sum((0, 1)))[:, None]
    maps = (flat @ axes.T).reshape(*filtered.shape[:2], components)
    return maps, axes, (singular**2 / (singular**2).sum())[:components]


def stretched(maps):
    low, high = maps.min((0, 1)), maps.max((0, 1))
    return (maps - low) / (high - low)


@pytest.fixture(scope="module")
def made():
    image = image_like(*SIZE)
    features = features_like(image)
    image.flags.writeable = features.flags.writeable = False  # whatever is done, they stay as they are
    return image, features, Reducer(image, features)


@pytest.mark.parametrize(
    ("radius", "eps"), [(5, 1e-2), (5, 1e-5), (1, 1e-3), (20, 1e-4), (20, 0.1), (300, 1e-2), (0, 1e-2)]
)
def test_picture_is_that_of_filtering_every_channel(made, radius, eps):
    image, features, reducer = made
    reduction = reducer.reduce(radius, eps)
    maps, axes, ratios = literal(image, features, radius, eps)
    assert np.abs(reduction.map - stretched(maps)).max() < 1 / 512
    assert reduction.error < 1 / 512
    assert reduction.rank < features.shape[2] or radius > max(SIZE)  # or nothing was tested
    np.testing.assert_allclose(np.abs((reduction.basis.axes * axes).sum(1)), 1, atol=1e-3)
    np.testing.assert_allclose(reduction.basis.explained_variance_ratio, ratios, atol=0.02)


def test_estimated_error_is_no_smaller_than_the_true_one(made):
    image, features, reducer = made
    for radius, eps in [(3, 1e-2), (8, 1e-3), (15, 1e-4)]:
        reduction = reducer.reduce(radius, eps)
        true = np.abs(reduction.map - stretched(literal(image, features, radius, eps)[0])).max()
        assert true <= max(2 * reduction.error, 5e-5)


def test_whole_filters_every_channel(made):
    image, features, reducer = made
    reduction = reducer.reduce(5, 1e-2, tolerance=0)
    maps, axes, ratios = literal(image, features, 5, 1e-2)
    assert reduction.rank == features.shape[2]
    assert reduction.error == 0
    np.testing.assert_allclose(reduction.map, stretched(maps), atol=1e-4)
    np.testing.assert_allclose(reduction.basis.axes, axes, atol=1e-3)
    np.testing.assert_allclose(reduction.basis.explained_variance_ratio, ratios, atol=1e-5)


def test_white_noise_has_no_low_rank_and_is_filtered_whole():
    image, features = image_like(*SIZE), noise_features(*SIZE)
    reduction = Reducer(image, features).reduce(3, 1e-2)
    assert reduction.rank == features.shape[2]
    maps, _, _ = literal(image, features, 3, 1e-2)
    assert np.abs(reduction.map - stretched(maps)).max() < 1 / 512


def test_nearly_equal_variances_are_told_apart_or_filtered_whole():
    """Third and fourth component within 0.1 % of each other: a low-rank space could mix them unnoticed."""
    rng = np.random.default_rng(2)
    image = image_like(*SIZE)
    features = features_like(image, noise=0.0)
    flat = features.reshape(-1, 48) - features.reshape(-1, 48).mean(0)
    left, _, axes = np.linalg.svd(flat, full_matrices=False)
    spectrum = np.array([9, 5, 2.002, 2, 1, *(0.7 ** np.arange(43))]) * 30
    features = ((left * spectrum) @ axes).reshape(*SIZE, 48) + 0.001 * rng.normal(size=(*SIZE, 48))
    features = features.astype(np.float32)
    reduction = Reducer(image, features).reduce(4, 1e-2)
    maps, _, _ = literal(image, features, 4, 1e-2)
    assert np.abs(reduction.map - stretched(maps)).max() < 1 / 512


def test_features_of_two_directions_have_two_components():
    rng = np.random.default_rng(1)
    image = image_like(*SIZE)
    features = (rng.normal(size=(*SIZE, 2)) @ rng.normal(size=(2, 48))).astype(np.float32)
    reduction = Reducer(image, features).reduce(3, 1e-2)
    maps, _, _ = literal(image, features, 3, 1e-2, 2)
    np.testing.assert_allclose(reduction.map[..., :2], stretched(maps), atol=1 / 512)
    assert reduction.basis.explained_variance_ratio[:2].sum() > 0.999


def test_any_components_can_be_shown_and_the_basis_has_all(made):
    image, features, reducer = made
    reduction = reducer.reduce(5, 1e-2, components=16, shown=(4, 0, 2))
    maps, _, ratios = literal(image, features, 5, 1e-2, 16)
    assert reduction.basis.axes.shape == (16, 48)
    assert np.abs(reduction.map - stretched(maps[..., [4, 0, 2]])).max() < 1 / 512
    np.testing.assert_allclose(reduction.basis.axes @ reduction.basis.axes.T, np.eye(16), atol=1e-4)
    np.testing.assert_allclose(reduction.basis.explained_variance_ratio, ratios, atol=0.02)


def test_what_was_asked_before_changes_nothing(made):
    """Bit for bit: the window, after any dragging, must show what sss-extract computes afresh."""
    image, features, reducer = made
    reducer.reduce(9, 1e-6, components=16, shown=(15, 3, 4))
    for radius, eps in [(7, 1e-2), (7, 1e-4), (2, 1e-4), (7, 1e-2)]:
        kept, new = reducer.reduce(radius, eps), Reducer(image, features).reduce(radius, eps)
        np.testing.assert_array_equal(kept.map, new.map)
        np.testing.assert_array_equal(kept.basis.axes, new.basis.axes)


def test_projection_and_basis_belong_to_the_map(made):
    """Filtering `projection` and stretching it by `low` and `high` is the map."""
    image, features, reducer = made
    reduction = reducer.reduce(6, 1e-3)
    filtered = guided_filter(image, reduction.projection, radius=6, eps=1e-3)
    again = (filtered - reduction.low) / (reduction.high - reduction.low)
    np.testing.assert_allclose(again, reduction.map, atol=1e-4)
    np.testing.assert_allclose(reduction.basis.project(features), reduction.projection, atol=1e-3)


def test_alignment_keeps_signs_and_places(made):
    _, _, reducer = made
    first = reducer.reduce(5, 1e-2, components=4)
    turned = type(first.basis)(
        first.basis.mean, -first.basis.axes[[2, 0, 1, 3]], first.basis.explained_variance_ratio[[2, 0, 1, 3]]
    )
    second = reducer.reduce(5, 1e-2, components=4, previous=turned)
    assert ((second.basis.axes * turned.axes).sum(1) > 0.99).all()
    np.testing.assert_allclose(second.map, 1 - first.map[..., [2, 0, 1]], atol=2 / 512)


def test_the_map_shows_the_components_of_largest_variance_whatever_came_before(made):
    """A fourth component that was third before stays fourth: the picture is PCA's."""
    _, _, reducer = made
    first = reducer.reduce(5, 1e-2, components=4)
    order = [3, 0, 2, 1]
    before = type(first.basis)(first.basis.mean, first.basis.axes[order], first.basis.explained_variance_ratio[order])
    second = reducer.reduce(5, 1e-2, components=4, previous=before)
    shares = second.basis.explained_variance_ratio
    assert shares[3] < shares[:3].min()
    assert sorted(shares[:3].tolist(), reverse=True) == pytest.approx(first.basis.explained_variance_ratio[:3].tolist())


def test_colours_do_not_jump_along_a_slider(made):
    _, _, reducer = made
    previous: Reduction | None = None
    for radius in (3, 4, 5, 6, 7, 8):
        reduction = reducer.reduce(radius, 1e-2, previous=previous.basis if previous else None)
        if previous is not None:
            assert ((reduction.basis.axes * previous.basis.axes).sum(1) > 0.9).all()
        previous = reduction


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3])
def test_constant_features_give_zeros(value):
    image = image_like(20, 30)
    reduction = Reducer(image, np.full((20, 30, 8), value, np.float32)).reduce(3, 1e-2)
    assert not reduction.map.any()
    assert not reduction.basis.axes.any()
    assert np.isfinite(reduction.projection).all()


@pytest.mark.parametrize(("size", "channels"), [((1, 1), 8), ((1, 13), 8), ((13, 1), 8), ((7, 5), 2), ((7, 5), 1)])
def test_tiny_pictures_and_few_channels(size, channels):
    rng = np.random.default_rng(0)
    image = rng.random((*size, 3)).astype(np.float32)
    features = rng.normal(size=(*size, channels)).astype(np.float32)
    reduction = Reducer(image, features).reduce(2, 1e-2)
    assert reduction.map.shape == (*size, 3)
    assert np.isfinite(reduction.map).all()
    found = min(3, channels, size[0] * size[1] - 1)
    assert reduction.basis.axes.any(axis=1).sum() == found
    if found:
        maps, _, _ = literal(image, features, 2, 1e-2, found)
        np.testing.assert_allclose(reduction.map[..., :found], stretched(maps), atol=1 / 512)
    assert not reduction.map[..., found:].any()


def test_float16_and_memory_mapped_features(made, tmp_path):
    image, features, _ = made
    np.save(tmp_path / "features.npy", features.astype(np.float16))
    half = Reducer(image, np.load(tmp_path / "features.npy", mmap_mode="r")).reduce(5, 1e-2)
    np.save(tmp_path / "whole.npy", features.astype(np.float16).astype(np.float32))
    whole = Reducer(image, np.load(tmp_path / "whole.npy", mmap_mode="r")).reduce(5, 1e-2)
    np.testing.assert_allclose(half.map, whole.map, atol=1e-6)


def test_stored_maps_make_no_difference(made, monkeypatch):
    image, features, _ = made
    expected = Reducer(image, features).reduce(5, 1e-2).map
    monkeypatch.setattr("sss_model.budget.current", Budget(filtered_channels=0))
    np.testing.assert_allclose(Reducer(image, features).reduce(5, 1e-2).map, expected, atol=1e-5)


def test_progress_rises_to_one_and_work_stops_when_cancelled(made):
    image, features, _ = made
    for options in ({}, {"tolerance": 0}):
        reducer = Reducer(image, features)
        seen: list[float] = []
        reducer.reduce(5, 1e-2, **options, progress=Progress(lambda fraction, _stage, seen=seen: seen.append(fraction)))
        assert seen == sorted(seen)
        assert seen[-1] <= 1.0
        for stop in (0, 1):
            calls = iter(range(1000))
            with pytest.raises(Cancelled):
                reducer.reduce(4, 1e-3, **options, progress=Progress(cancelled=lambda c=calls, s=stop: next(c) >= s))
        maps, _, _ = literal(image, features, 5, 1e-2)
        assert np.abs(reducer.reduce(5, 1e-2).map - stretched(maps)).max() < 1 / 512  # still sound


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"radius": -1, "eps": 0.1}, "radius must be a whole number"),
        ({"radius": 1, "eps": 0.0}, "eps must be above 0"),
        ({"radius": 1, "eps": 0.1, "components": 0}, "components must be at least 1, got 0"),
        ({"radius": 1, "eps": 0.1, "shown": (0, 3)}, r"components from 0 to 2, got \(0, 3\)"),
    ],
)
def test_bad_parameters_are_named(made, arguments, message):
    with pytest.raises(ParameterError, match=message):
        made[2].reduce(**arguments)


def test_bad_arrays_are_named():
    image = image_like(4, 5)
    with pytest.raises(ParameterError, match=r"\(4, 5, D\) like their image; got \(5, 4, 3\)"):
        Reducer(image, np.zeros((5, 4, 3), np.float32))
    with pytest.raises(ParameterError, match="floating-point numbers, got uint8"):
        Reducer(image, np.zeros((4, 5, 3), np.uint8))
    with pytest.raises(ParameterError, match="NaN or infinity"):
        Reducer(image, np.full((4, 5, 3), np.nan, np.float32)).reduce(1, 0.1)
