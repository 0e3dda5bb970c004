"""Section 1.1 against its plain computation: every channel filtered, numpy's SVD, [0, 1]; and Fig. 2b's projection."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sss_model.errors import Cancelled, ParameterError
from sss_model.guided_filter import guided_filter
from sss_model.postprocess import random_projection, reduce_features, unit_range
from sss_model.progress import Progress


def scene(height=48, width=60, channels=24, noise=0.02, seed=3):
    """A picture of three regions, and smooth features that follow them."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    regions = (x > width // 2).astype(int) + (y > height // 3)
    image = np.array([[0.9, 0.3, 0.2], [0.2, 0.6, 0.9], [0.4, 0.9, 0.3]], np.float32)[regions]
    features = rng.normal(size=(3, channels)).astype(np.float32)[regions] * 3
    features += np.stack([np.sin(x / 9 + k) * np.cos(y / 7) for k in range(channels)], -1).astype(np.float32)
    image = np.clip(image + rng.normal(0, noise, image.shape), 0, 1).astype(np.float32)
    return image, (features + rng.normal(0, noise, features.shape)).astype(np.float32)


def plainly(image, features, radius, eps, filtered=None):
    if filtered is None:
        filtered = guided_filter(image, features, radius=radius, eps=eps)
    flat = filtered.reshape(-1, filtered.shape[2]).astype(np.float64)
    centred = flat - flat.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:3]
    axes *= np.where(np.take_along_axis(axes, np.abs(axes).argmax(1)[:, None], 1) < 0, -1, 1)
    return unit_range((centred @ axes.T).reshape(*filtered.shape[:2], 3))


@pytest.mark.parametrize(("radius", "eps"), [(1, 0.1), (5, 0.01), (9, 1e-4), (100, 0.01)])
def test_the_picture_is_that_of_filtering_every_channel_and_numpys_svd(radius, eps):
    image, features = scene()
    picture = reduce_features(image, features, radius=radius, eps=eps)
    assert picture.shape == (48, 60, 3)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, plainly(image, features, radius, eps), atol=1 / 512)


def test_the_interior_is_that_of_opencv():
    image, features = scene(80, 90, 8)
    ximgproc = pytest.importorskip("cv2.ximgproc") if not hasattr(cv2, "ximgproc") else cv2.ximgproc
    planes = [ximgproc.guidedFilter(image, np.ascontiguousarray(features[..., k]), 4, 0.01) for k in range(8)]
    ours = guided_filter(image, features, radius=4, eps=0.01)
    np.testing.assert_allclose(ours[8:-8, 8:-8], np.stack(planes, -1)[8:-8, 8:-8], atol=2e-3)


def test_white_noise_has_no_low_rank_and_is_filtered_whole():
    image, _ = scene()
    noise = np.random.default_rng(0).normal(size=(48, 60, 32)).astype(np.float32)
    np.testing.assert_allclose(
        reduce_features(image, noise, radius=2, eps=0.01), plainly(image, noise, 2, 0.01), atol=1 / 512
    )


@pytest.mark.parametrize("shape", [(1, 1, 128), (1, 17, 5), (13, 1, 2), (3, 3, 1)])
def test_tiny_pictures_give_finite_values(shape):
    rng = np.random.default_rng(1)
    picture = reduce_features(rng.random((*shape[:2], 3)).astype(np.float32), rng.random(shape).astype(np.float32))
    assert picture.shape == (*shape[:2], 3)
    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_features_are_left_as_they_are_and_may_be_float16():
    image, features = scene()
    before = features.copy()
    single = reduce_features(image, features, radius=3, eps=0.01)
    np.testing.assert_array_equal(features, before)
    half = reduce_features(image, features.astype(np.float16), radius=3, eps=0.01)
    np.testing.assert_allclose(half, single, atol=0.01)


def test_clipping_takes_outliers_away():
    image, features = scene()
    wild = features.copy()
    wild[5, 5] = 1000
    clipped = reduce_features(image, wild, radius=3, eps=0.01, clip=5.0)
    np.testing.assert_allclose(clipped, reduce_features(image, np.clip(wild, -5, 5), radius=3, eps=0.01), atol=1e-6)
    with pytest.raises(ParameterError, match="clip must be above 0"):
        reduce_features(image, features, clip=0.0)


def test_it_can_be_cancelled():
    image, features = scene()
    with pytest.raises(Cancelled):
        reduce_features(image, features, progress=Progress(cancelled=lambda: True))


def test_the_random_projection_is_a_seeded_normal_matrix_with_one_range():
    _, features = scene()
    projected = features @ np.random.default_rng(7).standard_normal((24, 3)).astype(np.float32)
    expected = (projected - projected.min()) / (projected.max() - projected.min())
    np.testing.assert_allclose(random_projection(features, 7), expected, atol=1e-5)
    assert not np.allclose(random_projection(features, 8), random_projection(features, 7), atol=0.05)
    assert random_projection(features).min() == 0
    assert random_projection(features).max() == 1


def test_constant_features_give_a_flat_picture():
    np.testing.assert_array_equal(random_projection(np.zeros((4, 5, 6), np.float32)), 0)
    assert np.ptp(random_projection(np.full((4, 5, 6), 2.5, np.float32)), axis=(0, 1)).max() == 0
    image, _ = scene()
    np.testing.assert_array_equal(reduce_features(image, np.full((48, 60, 6), 2.5, np.float32)), 0)


def test_wrong_shapes_say_what_was_expected():
    image, features = scene()
    with pytest.raises(ParameterError, match=r"\(H, W, D\)"):
        random_projection(features[0])
    with pytest.raises(ParameterError):
        reduce_features(image[:10], features)
