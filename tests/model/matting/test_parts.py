"""Superpixels and the regression, against slow computations and another library."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from sss_model.errors import Cancelled
from sss_model.matting.classifier import taught
from sss_model.matting.parts import cut_parts, touching
from sss_model.progress import Progress


def test_touching_counts_the_sides_that_pairs_share() -> None:
    labels = np.array([[0, 0, 1], [2, 0, 1], [2, 2, 1]])
    pairs, borders = touching(labels)
    found = {tuple(pair): length for pair, length in zip(pairs.tolist(), borders.tolist(), strict=True)}
    assert found == {(0, 1): 2, (0, 2): 3 - 0, (1, 2): 1}


def test_parts_hold_means_of_their_pixels() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((40, 50, 3), dtype=np.float32)
    features = rng.normal(size=(40, 50, 7)).astype(np.float32)
    parts = cut_parts(image, features)
    for k in (0, parts.count // 2, parts.count - 1):
        mask = parts.labels == k
        np.testing.assert_allclose(parts.features[k], features[mask].mean(0), atol=1e-5)
        y, x = np.nonzero(mask)
        np.testing.assert_allclose(parts.places[k], [(y.mean() + 0.5) / 40, (x.mean() + 0.5) / 50])
        assert parts.frame[k] == bool(mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any())
    assert parts.shares.sum() == pytest.approx(1)
    variance = parts.shares @ (parts.scaled**2).mean(1)
    assert variance == pytest.approx(1)


def test_barriers_are_the_least_of_the_greatest_steps() -> None:
    """Against all paths, one step longer at a time."""
    image = np.random.default_rng(0).random((30, 33, 3), dtype=np.float32)
    parts = cut_parts(image, image, count=40)
    sources = np.array([3, parts.count - 1])
    expected = np.full(parts.count, np.inf)
    expected[sources] = 0
    for _ in range(parts.count):
        for (a, b), step in zip(parts.pairs, parts.steps, strict=True):
            expected[b] = min(expected[b], max(expected[a], step))
            expected[a] = min(expected[a], max(expected[b], step))
    np.testing.assert_allclose(parts.barriers(sources), expected)


def test_few_components_keep_distances_where_they_are_all() -> None:
    rng = np.random.default_rng(0)
    image = rng.random((40, 50, 3), dtype=np.float32)
    parts = cut_parts(image, rng.normal(size=(40, 50, 20)).astype(np.float32))
    i, j = parts.pairs.T
    for values in (parts.scaled, parts.reduced):
        apart = np.linalg.norm(values[i] - values[j], axis=1) / np.sqrt(20)
        np.testing.assert_allclose(apart, parts.feature_steps, atol=1e-6)


def test_cutting_can_be_stopped() -> None:
    image = np.zeros((40, 50, 3), np.float32)
    with pytest.raises(Cancelled):
        cut_parts(image, image, progress=Progress(cancelled=lambda: True))


@pytest.mark.parametrize("dimensions", [3, 40])
def test_the_regression_is_that_of_scikit_learn(dimensions: int) -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0.0, 1.0], [12, 6])
    features = rng.normal(size=(18, dimensions)) + targets[:, None]
    weights = rng.random(18) + 0.5
    found = taught(features, targets, weights)
    balance = weights.copy()
    for side in (0, 1):
        balance[targets == side] *= 9 / weights[targets == side].sum()
    model = LogisticRegression(C=1.0, tol=1e-10, max_iter=2000).fit(features, targets, balance)
    np.testing.assert_allclose(found.weights, model.coef_[0], atol=1e-4)
    assert found.bias == pytest.approx(float(model.intercept_[0]), abs=1e-3)
    moved = found.unscaled(np.full(dimensions, 2.0), 3.0)
    np.testing.assert_allclose(moved.odds(features * 3 + 2), found.odds(features), atol=1e-9)
