"""Pixels near label borders: edge pairs, and the windows that training draws from."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.datasets.border_sampling import choose_edge_pairs, draw_windows
from sss_model.datasets.pair_sampling import VOID
from sss_model.params import SamplingParams


def _quarters(height: int, width: int) -> np.ndarray:
    labels = np.zeros((height, width), np.int32)
    labels[: height // 2, width // 2 :] = 1
    labels[height // 2 :, : width // 2] = 2
    labels[height // 2 :, width // 2 :] = 3
    return labels


@pytest.mark.parametrize("unit", [0.5, 1, 2])
def test_edge_pairs_keep_their_distances_and_kinds(unit: float) -> None:
    height, width = round(320 * unit), round(480 * unit)
    labels = _quarters(height, width)
    labels[: height // 8, : width // 8] = VOID
    pairs = choose_edge_pairs(labels, np.random.default_rng(0), pairs=300)
    assert pairs is not None
    assert pairs.same.sum() == 300
    assert (~pairs.same).sum() == 300
    apart = np.hypot(*(pairs.first - pairs.second).T)
    assert (apart >= 4 * unit).all()
    assert (apart <= 16 * unit).all()
    assert apart.min() < 7 * unit
    assert apart.max() > 14 * unit
    for points in (pairs.first, pairs.second):
        x, y = points.T
        border = np.minimum(np.abs(x + 0.5 - width // 2), np.abs(y + 0.5 - height // 2))
        assert (border >= 3 * unit - 0.5).all()
        assert (border <= 12 * unit + 0.5).all()
        assert (labels[y, x] != VOID).all()
    own, other = (labels[p[:, 1], p[:, 0]] for p in (pairs.first, pairs.second))
    np.testing.assert_array_equal(own == other, pairs.same)


def test_edge_pairs_need_a_border_between_two_labels() -> None:
    labels = np.zeros((60, 80), np.int32)
    assert choose_edge_pairs(labels, np.random.default_rng(0)) is None
    labels[:, 40] = VOID
    labels[:, 41:] = 1
    assert choose_edge_pairs(labels, np.random.default_rng(0)) is None, "void is no border"
    labels[:, 40] = 0
    assert choose_edge_pairs(labels, np.random.default_rng(0)) is not None
    assert choose_edge_pairs(labels[:1, 39:43], np.random.default_rng(0)) is None, "too few pairs"


def test_windows_hold_as_many_pixels_of_each_label_and_keep_off_the_border() -> None:
    labels = _quarters(60, 80)
    params = SamplingParams(border_windows=30, border_pixels=48, border_radius=9)
    samples = draw_windows(labels, labels, params, np.random.default_rng(0))
    assert samples.points.shape == (30, 48, 2)
    x, y = samples.points[..., 0], samples.points[..., 1]
    np.testing.assert_array_equal(labels[y, x], samples.labels)
    assert (np.ptp(samples.points, axis=1) <= 18).all(), "a window is no wider than twice its radius"
    assert (np.minimum(np.abs(x - 39.5), np.abs(y - 29.5)) >= 1.5).all()
    for row in samples.labels:
        _, counts = np.unique(row, return_counts=True)
        assert len(counts) >= 2
        assert np.ptp(counts) <= 1
    assert len(np.unique(samples.points[:, 0] // 10, axis=0)) > 5, "windows lie all along the borders"


def test_void_is_a_label_of_windows_only_where_it_is_asked_for() -> None:
    labels = np.zeros((40, 40), np.int32)
    labels[:, 20:] = VOID
    params = SamplingParams(border_windows=5, border_pixels=20, border_radius=6)
    assert draw_windows(labels, labels, params, np.random.default_rng(0)).points.shape == (0, 20, 2)
    samples = draw_windows(labels, labels, params, np.random.default_rng(0), void=True)
    assert samples.labels.shape == (5, 20)
    assert set(np.unique(samples.labels)) == {VOID, 0}


@pytest.mark.parametrize("labels", [np.zeros((30, 30), np.int32), np.arange(100, dtype=np.int32).reshape(10, 10)])
def test_there_is_no_window_without_two_labels_of_some_pixels(labels: np.ndarray) -> None:
    samples = draw_windows(labels, labels, SamplingParams(border_windows=4), np.random.default_rng(0))
    assert samples.points.shape == (0, 64, 2)
    assert samples.labels.shape == (0, 64)
