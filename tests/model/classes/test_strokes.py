"""Which cells lie under a stroke, and what is kept of them."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.classes.strokes import MOST_VECTORS, make_stroke, stroke_cells
from sss_model.errors import ParameterError


def distance(points, size):
    """(h, w): from each cell's centre to the path, in cells."""
    y, x = np.mgrid[: size[0], : size[1]]
    path = points * (size[1], size[0]) - 0.5
    best = np.full(size, np.inf)
    for a, b in zip(path, path[1:] if len(path) > 1 else path, strict=False):
        along = b - a
        t = ((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(along @ along, 1e-12)
        t = t.clip(0, 1)
        best = np.minimum(best, np.hypot(x - a[0] - t * along[0], y - a[1] - t * along[1]))
    return best


@pytest.mark.parametrize("radius", [2.0, 4.0, 9.0])
@pytest.mark.parametrize("points", [[(0.2, 0.3), (0.7, 0.6), (0.9, 0.2)], [(0.5, 0.5)], [(0.02, 0.02), (0.02, 0.9)]])
def test_the_cells_are_those_near_the_path(points, radius):
    size, points = (60, 80), np.array(points)
    inside = np.zeros(size, bool)
    inside.flat[stroke_cells(points, radius / 80, size)] = True
    away = distance(points, size)
    assert inside[away <= radius - 1].all()
    assert not inside[away > radius + 1.5].any()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2), (37, 53)])
def test_a_thin_stroke_has_the_cells_it_goes_through(size):
    cells = stroke_cells(np.array([[0.0, 0.5], [1.0, 0.5]]), 0.0, size)
    assert set(cells % size[1]) == set(range(size[1]))
    corner = stroke_cells(np.array([[1.0, 1.0]]), 0.0, size)
    assert corner.tolist() == [size[0] * size[1] - 1]


def test_a_stroke_is_the_same_on_a_larger_picture():
    features = np.random.default_rng(0).standard_normal((30, 40, 6)).astype(np.float32)
    small = make_stroke("sky", "a.jpg", [(9.5, 9.5), (20.5, 9.5)], 2, features, (60, 80))
    large = make_stroke("sky", "a.jpg", [(99.5, 99.5), (209.5, 99.5)], 20, features, (600, 800))
    np.testing.assert_allclose(small.points, large.points)
    np.testing.assert_array_equal(small.vectors, large.vectors)
    assert small.radius == large.radius == 0.025


def test_a_long_stroke_keeps_a_part_spread_evenly():
    features = np.random.default_rng(0).standard_normal((40, 50, 6)).astype(np.float32)
    stroke = make_stroke("sky", "", [(5, 5), (45, 35)], 4, features, (40, 50))
    assert stroke.pixels > 2 * MOST_VECTORS
    assert stroke.vectors.shape == (MOST_VECTORS, 6)
    np.testing.assert_allclose(np.linalg.norm(stroke.vectors.astype(float), axis=1), 1, atol=1e-3)
    again = make_stroke("sky", "", [(5, 5), (45, 35)], 4, features, (40, 50))
    np.testing.assert_array_equal(again.vectors, stroke.vectors)
    cells = stroke_cells(stroke.points, stroke.radius, (40, 50))
    assert len(cells) == stroke.pixels
    units = features.reshape(-1, 6)[cells] / np.linalg.norm(features.reshape(-1, 6)[cells], axis=1, keepdims=True)
    assert all(np.abs(units - vector).max(1).min() < 1e-3 for vector in stroke.vectors.astype(np.float32))


@pytest.mark.parametrize(
    ("points", "radius", "said"),
    [
        ([], 2, "must have points"),
        ([(1, 2, 3)], 2, "must have points"),
        ([(60, 5)], 2, "in the picture of 50 x 40 pixels, got x from 60 to 60"),
        ([(5, -3)], 2, "in the picture"),
        ([(5, np.nan)], 2, "in the picture"),
        ([(5, 5)], -1, "radius must be from 0 to 50"),
        ([(5, 5)], np.nan, "radius must be from 0 to 50"),
    ],
)
def test_a_stroke_that_is_none(points, radius, said):
    with pytest.raises(ParameterError, match=said):
        make_stroke("sky", "", points, radius, np.ones((40, 50, 6), np.float32), (40, 50))


def test_features_that_are_not_finite_teach_nothing():
    with pytest.raises(ParameterError, match="NaN or infinity"):
        make_stroke("sky", "", [(5, 5)], 2, np.full((40, 50, 6), np.inf, np.float32), (40, 50))
