"""The classifier against the regression written out, and its probabilities pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.classes.classifier import RIDGE, SHARPNESS, fit
from sss_model.classes.strokes import unit


def made(counts, channels=12, seed=0):
    """Noisy vectors of length 1 about a centre for each class."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((len(counts), channels))
    classes = np.repeat(np.arange(len(counts)), counts)
    vectors = centres[classes] + 0.4 * rng.standard_normal((len(classes), channels))
    return unit(vectors.astype(np.float32)), classes


@pytest.mark.parametrize("counts", [(40, 40), (5, 200, 60), (3, 1, 2, 1)])
def test_it_is_the_weighted_regression_of_indicators_with_a_free_constant(counts):
    vectors, classes = made(counts)
    count = len(counts)
    weight = 1 / np.bincount(classes)[classes] / count
    targets = np.where(np.eye(count)[classes] > 0, 1.0, -1.0)
    middle = weight @ vectors.astype(float)
    variance = (weight @ (vectors - middle) ** 2).sum()
    # minimise sum weight |X w + b - y|^2 + ridge variance |w|^2 by one stacked system
    X = np.column_stack([vectors, np.ones(len(vectors))]) * np.sqrt(weight)[:, None]
    rows = np.sqrt(RIDGE * variance) * np.eye(vectors.shape[1], vectors.shape[1] + 1)
    stacked = np.concatenate([targets * np.sqrt(weight)[:, None], np.zeros((vectors.shape[1], count))])
    solution = np.linalg.lstsq(np.concatenate([X, rows]), stacked, rcond=None)[0]
    logits = SHARPNESS * (np.column_stack([vectors, np.ones(len(vectors))]) @ solution)
    expected = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    taught = fit(vectors, classes, count)
    np.testing.assert_allclose(taught.probabilities(vectors[None])[0], expected, atol=1e-5)


def test_probabilities_do_not_depend_on_the_length_of_features():
    vectors, classes = made((20, 30, 10))
    taught = fit(vectors, classes, 3)
    features = np.random.default_rng(1).standard_normal((7, 9, 12)).astype(np.float32)
    found = taught.probabilities(features)
    np.testing.assert_allclose(found.sum(2), 1, atol=1e-6)
    np.testing.assert_allclose(taught.probabilities(features * 50), found, atol=1e-6)
    np.testing.assert_allclose(taught.probabilities(features.astype(np.float16)), found, atol=3e-3)
    for y, x in np.ndindex(7, 9):
        logits = taught.weights.T @ (features[y, x] / np.linalg.norm(features[y, x])) + taught.bias
        np.testing.assert_allclose(found[y, x], np.exp(logits) / np.exp(logits).sum(), atol=1e-6)
    assert np.isfinite(taught.probabilities(np.zeros((2, 2, 12), np.float32))).all()


def test_a_class_stroked_much_does_not_weigh_more():
    vectors, classes = made((50, 50))
    doubled = np.concatenate([vectors, np.repeat(vectors[classes == 0], 9, axis=0)])
    more = np.concatenate([classes, np.zeros(450, int)])
    np.testing.assert_allclose(fit(doubled, more, 2).weights, fit(vectors, classes, 2).weights, atol=1e-4)


def test_one_vector_for_all_classes_says_nothing():
    vectors = np.tile(np.array([[1.0, 0, 0]], np.float32), (4, 1))
    taught = fit(vectors, np.array([0, 0, 1, 1]), 2)
    np.testing.assert_allclose(taught.probabilities(vectors[None]), 0.5, atol=1e-6)
