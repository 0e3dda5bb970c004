"""Section 1.1 and Fig. 2b against a few lines of numpy."""

from __future__ import annotations

import numpy as np
import pytest
from made_features import features_like, image_like

from sss_model.errors import Cancelled, ParameterError
from sss_model.guided_filter import guided_filter
from sss_model.pca import fit_pca
from sss_model.postprocess import random_projection, reduce_features
from sss_model.progress import Progress

SIZE = (50, 60)


@pytest.fixture(scope="module")
def made():
    image = image_like(*SIZE)
    return image, features_like(image, channels=32)


def literal(image, features, radius, eps, components):
    filtered = guided_filter(image, features, radius=radius, eps=eps)
    values = fit_pca(filtered, components).project(filtered)
    low, high = values.min((0, 1)), values.max((0, 1))
    return (values - low) / (high - low)


@pytest.mark.parametrize("components", [1, 3, 5])
def test_reduced_features_are_the_papers(made, components):
    image, features = made
    reduced = reduce_features(image, features, radius=5, eps=0.01, components=components)
    assert reduced.shape == (*SIZE, components)
    assert reduced.dtype == np.float32
    assert reduced.min() == 0
    assert reduced.max() == 1
    assert np.abs(reduced - literal(image, features, 5, 0.01, components)).max() < 1 / 512


def test_random_projection_is_one_matrix_and_one_range(made):
    _, features = made
    matrix = np.random.default_rng(11).standard_normal((32, 3))
    values = features.astype(np.float64) @ matrix
    expected = (values - values.min()) / (values.max() - values.min())
    projected = random_projection(features, 11)
    assert projected.dtype == np.float32
    np.testing.assert_allclose(projected, expected, atol=1e-5)
    assert np.abs(projected - random_projection(features, 12)).max() > 0.05


@pytest.mark.parametrize("value", [0.0, -3.5])
def test_constant_features_give_zeros_not_nan(value):
    features = np.full((4, 5, 128), value, np.float32)
    assert not random_projection(features).any()
    assert not reduce_features(image_like(4, 5), features, radius=2, eps=0.01).any()


def test_progress_and_cancelling(made):
    image, features = made
    seen: list[float] = []
    reduce_features(
        image, features, radius=3, eps=0.01, progress=Progress(lambda fraction, _stage: seen.append(fraction))
    )
    assert seen == sorted(seen)
    with pytest.raises(Cancelled):
        reduce_features(image, features, radius=3, eps=0.01, progress=Progress(cancelled=lambda: True))


def test_bad_input_is_named(made):
    image, features = made
    with pytest.raises(ParameterError, match=r"3 axes, none of them empty; got shape \(3, 4\)"):
        random_projection(np.zeros((3, 4), np.float32))
    with pytest.raises(ParameterError, match="like their image"):
        reduce_features(image[1:], features, radius=3, eps=0.01)
