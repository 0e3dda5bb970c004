"""Similarity and clusters against plain loops and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.analysis.clusters import cluster_features
from sss_model.analysis.similarity import Similarity, best_match
from sss_model.errors import Cancelled, ParameterError
from sss_model.progress import Progress


@pytest.fixture
def features():
    return np.random.default_rng(3).standard_normal((9, 13, 7)).astype(np.float32) + 0.5


def test_cosine_is_the_cosine(features):
    vector = features[4, 5]
    plain = np.array([[f @ vector / np.linalg.norm(f) / np.linalg.norm(vector) for f in row] for row in features])
    found = Similarity(features).to_vector(vector)
    np.testing.assert_allclose(found, np.clip(plain, 0, 1), atol=1e-5)
    assert found[4, 5] == pytest.approx(1, abs=1e-5)


def test_distance_falls_with_the_distance_in_units_of_the_spread(features):
    vector = features[0, 0]
    distances = np.linalg.norm(features - vector, axis=2)
    spread = np.sqrt(((features - features.mean((0, 1))) ** 2).sum(2).mean())
    found = Similarity(features).to_vector(vector, "distance")
    np.testing.assert_allclose(found, np.exp(-distances / spread), atol=1e-3)


@pytest.mark.parametrize("metric", ["cosine", "distance"])
def test_nearest_is_the_most_similar(features, metric):
    vectors = features[[0, 3, 8], [1, 7, 12]]
    compared = Similarity(features)
    stacked = np.stack([compared.to_vector(vector, metric) for vector in vectors])
    nearest = compared.nearest(vectors, metric)
    clear = np.sort(stacked, 0)[-1] > np.sort(stacked, 0)[-2] + 1e-6
    np.testing.assert_array_equal(nearest[clear], stacked.argmax(0)[clear])


def test_half_precision_and_constant_features(features):
    half = Similarity(features.astype(np.float16)).to_vector(features[0, 0])
    np.testing.assert_allclose(half, Similarity(features).to_vector(features[0, 0]), atol=5e-3)
    flat = Similarity(np.ones((3, 4, 5), np.float32))
    assert (flat.to_vector(np.ones(5), "distance") > 0.99).all()
    assert np.isfinite(Similarity(np.zeros((3, 4, 5), np.float32)).to_vector(np.zeros(5))).all()


def test_the_best_match_is_not_the_pixel_itself():
    values = np.zeros((5, 6), np.float32)
    values[2, 2], values[2, 3], values[4, 5] = 1.0, 0.9, 0.8
    assert best_match(values, (2, 2), 2) == (5, 4)
    assert best_match(values, (2, 2), 1) == (3, 2)
    assert best_match(values, (2, 2), 9) is None


def test_wrong_input_is_said(features):
    with pytest.raises(ParameterError, match="metric must be one of cosine, distance; got 'dot'"):
        Similarity(features).to_vector(features[0, 0], "dot")
    with pytest.raises(ParameterError, match="has 3 features, the picture 7"):
        Similarity(features).to_vector(np.zeros(3))
    with pytest.raises(ParameterError, match="clusters must be from 1 to 255, got 0"):
        cluster_features(features, 0)


def test_clusters_are_as_tight_as_scikit_learns(features):
    from sklearn.cluster import KMeans

    flat = features.reshape(-1, 7).astype(np.float64)
    ours = cluster_features(features, 5, seed=1)
    cost = ((flat - ours.centres[ours.labels.ravel()]) ** 2).sum()
    theirs = KMeans(5, n_init=1, random_state=0).fit(flat).inertia_
    assert cost < 1.15 * theirs


def test_clusters_are_found_where_they_are_clear():
    truth = np.repeat(np.arange(3), [50, 30, 20]).reshape(10, 10)
    random = np.random.default_rng(0)
    features = (np.eye(3)[truth] * 10 + random.standard_normal((10, 10, 3)) * 0.1).astype(np.float32)
    np.testing.assert_array_equal(cluster_features(features, 3).labels, truth)  # the largest first


def test_the_same_seed_gives_the_same_clusters(features):
    first, second = (cluster_features(features, 4, seed=9) for _ in range(2))
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.centres, second.centres)
    sizes = np.bincount(first.labels.ravel())
    assert list(sizes) == sorted(sizes, reverse=True)


def test_fewer_values_than_clusters():
    found = cluster_features(np.zeros((4, 4, 3), np.float32), 5)
    assert len(found.centres) == 1
    assert (found.labels == 0).all()


def test_clusters_can_be_stopped(features):
    with pytest.raises(Cancelled):
        cluster_features(features, 4, progress=Progress(cancelled=lambda: True))


@pytest.mark.parametrize(("mean", "deviation"), [(100, 0.1), (1000, 1.0), (1000, 0.1), (100, 0.01)])
def test_distances_do_not_drown_in_a_large_mean(mean, deviation):
    """Features of other programs need not be centred."""
    random = np.random.default_rng(4)
    values = (mean + deviation * random.standard_normal((20, 30, 64))).astype(np.float32)
    exact = values.astype(np.float64)
    spread = np.sqrt(((exact - exact.mean((0, 1))) ** 2).sum(2).mean())
    compared = Similarity(values)
    vector = values[7, 9]
    plain = np.exp(-np.linalg.norm(exact - vector.astype(np.float64), axis=2) / spread)
    np.testing.assert_allclose(compared.to_vector(vector, "distance"), plain, atol=0.02)
    points = values[[0, 3, 8], [1, 7, 12]]
    distances = np.linalg.norm(exact[:, :, None] - points.astype(np.float64), axis=3)
    clear = np.sort(distances, 2)[..., 0] < 0.99 * np.sort(distances, 2)[..., 1]
    np.testing.assert_array_equal(compared.nearest(points, "distance")[clear], distances.argmin(2)[clear])
