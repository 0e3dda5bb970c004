"""Drawing regions and pixels."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.datasets.pair_sampling import VOID, draw, find_regions
from sss_model.errors import DatasetError
from sss_model.params import SamplingParams


def _map(*rows: list[int]) -> np.ndarray:
    return np.array(rows, np.int32)


def test_pixels_lie_in_regions_of_their_label() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat(np.repeat(rng.integers(0, 6, (4, 5)), 8, 0), 9, 1).astype(np.int32)
    samples = draw(find_regions(labels, labels), SamplingParams(instances=3, pixels=50, samplings=7), rng)
    assert samples.points.shape == (7, 150, 2)
    assert samples.labels.shape == (7, 150)
    x, y = samples.points[..., 0], samples.points[..., 1]
    assert (labels[y, x] == samples.labels).all()
    groups = samples.labels.reshape(7, 3, 50)
    assert (groups == groups[:, :, :1]).all()


def test_pixels_are_drawn_with_replacement_and_evenly() -> None:
    labels = _map([0, 0, 1], [0, 0, 1])
    samples = draw(
        find_regions(labels, labels), SamplingParams(instances=2, pixels=4000, samplings=1), np.random.default_rng(3)
    )
    counts = np.bincount(samples.points[0, :, 1] * 3 + samples.points[0, :, 0])
    np.testing.assert_allclose(counts[[0, 1, 3, 4]], 1000, rtol=0.15)
    np.testing.assert_allclose(counts[[2, 5]], 2000, rtol=0.15)


def test_instances_of_one_label_are_regions_of_their_own_but_positives() -> None:
    labels = _map([7, 7, 7, 7], [1, 1, 1, 1])
    regions = _map([100, 100, 101, 101], [1, 1, 1, 1])
    found = find_regions(labels, regions)
    assert sorted(found.labels.tolist()) == [1, 7, 7]
    assert sorted(len(p) for p in found.pixels) == [2, 2, 4]


def test_two_labels_occur_in_every_draw() -> None:
    labels = _map([7] * 30 + [1])
    regions = _map([*range(100, 130), 1])
    found = find_regions(labels, regions)
    samples = draw(found, SamplingParams(instances=3, pixels=2, samplings=100), np.random.default_rng(0))
    assert all(set(row.tolist()) == {1, 7} for row in samples.labels)


def test_regions_differ_within_a_draw() -> None:
    labels = _map([0, 1, 2, 3])
    samples = draw(
        find_regions(labels, labels), SamplingParams(instances=3, pixels=2, samplings=60), np.random.default_rng(0)
    )
    assert all(len(set(row.tolist())) == 3 for row in samples.labels)
    assert set(samples.labels.ravel().tolist()) == {0, 1, 2, 3}


def test_small_regions_are_dropped() -> None:
    labels = _map([0, 0, 0, 1], [2, 2, 2, 2])
    assert find_regions(labels, labels, min_area=2).labels.tolist() == [0, 2]


@pytest.mark.parametrize(
    ("labels", "void", "expected"),
    [
        ([5, 5, VOID, VOID], "needed", [5, VOID]),
        ([5, 5, VOID, VOID], "never", [5]),
        ([5, 6, VOID, VOID], "needed", [5, 6]),
        ([5, 6, VOID, VOID], "always", [5, 6, VOID]),
        ([VOID, VOID, VOID, VOID], "always", [VOID]),
        ([VOID, VOID, VOID, VOID], "needed", []),
    ],
)
def test_void_stands_in_as_negatives(labels: list[int], void: str, expected: list[int]) -> None:
    found = find_regions(_map(labels), _map(labels), void=void)
    assert found.labels.tolist() == expected


@pytest.mark.parametrize("labels", [[4, 4, 4, 4], [VOID] * 4])
def test_an_image_without_two_labels_is_refused(labels: list[int]) -> None:
    found = find_regions(_map(labels), _map(labels), void="always")
    with pytest.raises(DatasetError, match="needs two labels"):
        draw(found, SamplingParams(), np.random.default_rng(0))


def test_the_same_generator_draws_the_same() -> None:
    labels = _map([0, 1, 2, 3] * 5)
    params = SamplingParams(pixels=5, samplings=3)
    one, two = (draw(find_regions(labels, labels), params, np.random.default_rng(9)) for _ in range(2))
    np.testing.assert_array_equal(one.points, two.points)
