"""Soft segments of whole pictures: what they promise, on ordinary pictures and on hostile ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from made_scenes import disc_scene

from sss_model.errors import Cancelled, ParameterError
from sss_model.filtering.resize import resize
from sss_model.image_io import read_image
from sss_model.progress import Progress
from sss_model.segmentation import soft_segments, spectral_matting
from sss_model.segmentation.clustering import split_clusters
from sss_model.segmentation.segments import starting_clusters
from sss_model.storage.shipped_files import SAMPLE, resource


@pytest.fixture(scope="module")
def scene():
    return disc_scene(48, 64)


@pytest.fixture(scope="module")
def segments(scene):
    return soft_segments(scene[0], scene[1], layers=3)


def check(segments, size, most):
    alphas = segments.alphas
    assert alphas.dtype == np.float32
    assert alphas.shape[:2] == size
    assert 1 <= alphas.shape[2] <= most
    assert alphas.min() >= 0
    assert alphas.max() <= 1
    assert np.allclose(alphas.sum(2), 1, atol=1e-5)
    assert np.isclose(segments.shares.sum(), 1)


def test_layers_are_the_objects(segments, scene):
    check(segments, (48, 64), 3)
    for part in scene[2]:
        mean = segments.alphas[part].mean(0)
        assert mean.max() > 0.97


def test_suggests_the_number_of_objects(segments):
    assert segments.suggested_layers == 3


def test_the_same_seed_gives_the_same_layers_and_another_number_is_as_if_asked_for_at_once():
    image, features, _ = disc_scene(24, 32)
    segments, again, direct = (soft_segments(image, features, layers=count) for count in (3, 3, 2))
    assert np.array_equal(again.alphas, segments.alphas)
    assert np.allclose(segments.with_layers(2).alphas, direct.alphas, atol=1e-5)


def test_any_number_of_threads_gives_the_same_layers() -> None:
    image = resize(read_image(resource(SAMPLE)), (203, 203))
    features = np.random.default_rng(0).random(image.shape, dtype=np.float32) * 0.2 + 0.8 * image
    known = torch.get_num_threads()
    found = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(soft_segments(image, features, layers=4))
    finally:
        torch.set_num_threads(known)
    np.testing.assert_array_equal(found[1].components, found[0].components)
    np.testing.assert_array_equal(found[1].alphas, found[0].alphas)


def test_one_layer_more_splits_one_layer(segments):
    for count in range(1, 6):
        before, after = segments.with_layers(count), segments.with_layers(count + 1)
        if after.grid_alphas.shape[2] == count:
            break
        changed = np.abs(before.grid_alphas - after.grid_alphas[..., :count]).mean(axis=(0, 1)) > 0.02
        assert changed.sum() <= 1


def test_coarser_features_are_brought_to_the_picture(scene):
    image, features, parts = scene
    coarse = soft_segments(image, features[::2, ::2], layers=3)
    check(coarse, (48, 64), 3)
    assert all(coarse.alphas[part].mean(0).max() > 0.9 for part in parts)


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.float64), (2, np.float16), (12, np.float32)])
def test_any_number_and_type_of_features(scene, channels, dtype):
    image, features = scene[0][::2, ::2], scene[1][::2, ::2]
    turn = np.random.default_rng(0).standard_normal((3, channels))
    check(soft_segments(image, (features @ turn).astype(dtype), layers=3), (24, 32), 3)


def test_layers_at_full_size_follow_its_edges(scene):
    image, features, parts = disc_scene(240, 320)
    lifted = soft_segments(image, features, layers=3, grid=80)
    assert lifted.grid_alphas.shape == (60, 80, 3)
    check(lifted, (240, 320), 3)
    for part in parts:
        assert lifted.alphas[part].mean(0).max() > 0.97


NOISE = np.random.default_rng(0).random((24, 30, 3)).astype(np.float32)
HOSTILE = {
    "flat": (np.full((24, 30, 3), 0.3, np.float32), np.zeros((24, 30, 3), np.float32)),
    "flat picture": (np.full((24, 30, 3), 0.3, np.float32), NOISE),
    "flat features": (NOISE, np.ones((24, 30, 3), np.float32)),
    "two colours": (np.repeat((np.indices((24, 30)).sum(0) > 25)[..., None], 3, 2).astype(np.float32), NOISE[..., :1]),
    "grey": (np.repeat(NOISE[..., :1], 3, 2), NOISE),
    "noise": (NOISE, NOISE[::-1]),
    "a row": (NOISE[:1], NOISE[:1]),
    "a column": (NOISE[:, :1], NOISE[:, :1]),
    "one pixel": (NOISE[:1, :1], NOISE[:1, :1]),
    "8x8": (NOISE[:8, :8], NOISE[:8, :8]),
    "thin": (np.resize(NOISE, (3, 200, 3)), np.resize(NOISE, (3, 200, 3))),
    "odd": (NOISE[:23, :21], NOISE[:23, :21]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pictures(name):
    image, features = HOSTILE[name]
    check(soft_segments(image, features, layers=4), image.shape[:2], 4)
    check(spectral_matting(image, layers=4), image.shape[:2], 4)


@pytest.mark.parametrize("features", [np.zeros((12, 16, 3), np.float32), NOISE], ids=["flat", "noise"])
def test_a_flat_picture_of_several_levels(features):
    """Its interpolation loses functions, and the coarse problem is singular."""
    image = np.full((120, 160, 3), 0.5, np.float32)
    check(soft_segments(image, features, layers=3), (120, 160), 3)


def test_components_start_at_the_clusters_of_all_pixels():
    rng = np.random.default_rng(0)
    features = rng.random((30, 40, 3), dtype=np.float32)
    of_all = split_clusters(features.reshape(-1, 3), 40, np.random.default_rng(5))
    sample = np.sort(rng.choice(1200, 100, replace=False))
    assert np.array_equal(starting_clusters(features, sample, 5), of_all[sample])


def test_the_sampled_pixels_of_a_large_grid_are_among_those_clustered():
    features = np.zeros((200, 300, 1), np.float32)
    features[:, 150:] = 1
    sample = np.array([0, 149, 150, 299, 59_999])
    labels = starting_clusters(features, sample, 0)
    assert labels[0] == labels[1] != labels[2] == labels[3] == labels[4]


def test_nothing_to_tell_apart_is_one_layer():
    image, features = HOSTILE["flat"]
    assert soft_segments(image, features).alphas.shape[2] == 1


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"features": np.full((48, 64, 3), np.nan, np.float32)}, "features must be finite"),
        ({"features": np.zeros((48, 64), np.float32)}, r"features must be an array \(h, w, D\)"),
        ({"features": np.zeros((48, 64, 3), np.uint8)}, "features must be floating-point"),
        ({"image": np.zeros((48, 64), np.float32)}, "image must be an array"),
        ({"layers": 0}, "layers must be a whole number"),
        ({"layers": 2.5}, "layers must be a whole number"),
        ({"grid": 4}, "grid must be a whole number"),
    ],
)
def test_bad_arguments_are_named(scene, change, match):
    arguments = {"image": scene[0], "features": scene[1]} | change
    with pytest.raises(ParameterError, match=match):
        soft_segments(**arguments)


@pytest.mark.slow
def test_progress_rises_to_one_and_may_stop_anywhere(scene):
    told = []
    soft_segments(scene[0], scene[1], progress=Progress(lambda fraction, stage: told.append((fraction, stage))))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {f"Finding layers ({k} of 4)" for k in (1, 2, 3, 4)} <= {stage for _, stage in told}
    for stop in np.linspace(0, len(told) - 1, 5).astype(int):
        reports = iter(range(stop))
        with pytest.raises(Cancelled):
            soft_segments(
                scene[0], scene[1], progress=Progress(cancelled=lambda left=reports: next(left, None) is None)
            )


def test_a_smooth_picture_whose_coarse_grids_lose_functions_is_cut() -> None:
    """Two flat halves under a ramp: the coarse mass matrix is singular to float32 there, and has a Cholesky factor."""
    ramp = np.round(np.linspace(0, 1, 64) * 255) / 255
    drawn = np.zeros((64, 96, 3), np.float32)
    drawn[:, :48], drawn[:, 48:] = 0.2, 0.8
    drawn[..., 2] = ramp[:, None]
    image = cv2.resize(drawn, (320, 213), interpolation=cv2.INTER_LINEAR)
    features = np.concatenate([cv2.GaussianBlur(image, (0, 0), 8)] * 8, 2)
    alphas = soft_segments(image, features, layers=2).alphas
    assert np.isfinite(alphas).all()
    assert np.allclose(alphas.sum(2), 1, atol=1e-3)
