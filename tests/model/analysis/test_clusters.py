"""Numbers of groups that stay while k, the seed or the picture changes."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.analysis.clusters import Clusters, cluster_features


def blobs(count=5, seed=0, channels=6):
    """Well apart groups of different sizes, (40, 50, D)."""
    rng = np.random.default_rng(seed)
    kinds = rng.choice(count, size=(40, 50), p=np.arange(1, count + 1) / np.arange(1, count + 1).sum())
    centres = np.random.default_rng(9).normal(size=(count, channels)) * 10
    return (centres[kinds] + rng.normal(size=(40, 50, channels))).astype(np.float32)


def test_a_group_keeps_its_number_in_another_picture():
    first = cluster_features(blobs(seed=1), 5)
    second = cluster_features(blobs(seed=2)[:, ::-1].copy(), 5, seed=4).follow(first)
    np.testing.assert_allclose(second.centres, first.centres, atol=0.5)


def test_a_group_keeps_its_number_when_k_grows_and_shrinks():
    features = blobs(5)
    five = cluster_features(features, 5)
    for k in (4, 6, 7):
        other = cluster_features(features, k).follow(five)
        distances = np.linalg.norm(five.centres[:, None] - other.centres[None], axis=2)
        same = np.argwhere(distances < 1)
        assert len(same) >= 3
        assert all(a == b for a, b in same if b < 5)
        assert set(np.unique(other.labels)) <= set(range(k))


def test_following_moves_labels_and_centres_alike():
    features = blobs(5)
    first = cluster_features(features, 5)
    turned = Clusters((4 - first.labels).astype(np.uint8), first.centres[::-1])
    back = turned.follow(first)
    np.testing.assert_array_equal(back.labels, first.labels)
    np.testing.assert_array_equal(back.centres, first.centres)


def test_following_groups_of_another_model_changes_nothing():
    first, other = cluster_features(blobs(), 5), cluster_features(blobs(channels=4), 5)
    assert first.follow(other) is first


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_every_pixel_is_put_to_its_nearest_centre(dtype):
    features = blobs().astype(dtype)
    found = cluster_features(features, 7, seed=3)
    distances = ((features[:, :, None].astype(np.float64) - found.centres) ** 2).sum(-1)
    nearest = np.take_along_axis(distances, found.labels[..., None].astype(int), 2)[..., 0]
    np.testing.assert_allclose(nearest, distances.min(-1), atol=0.05)
