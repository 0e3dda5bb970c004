"""Resizing against its definition, OpenCV and Pillow."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from sss_model.errors import ParameterError
from sss_model.filtering.resize import axis_weights, resize


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).random((height, width, channels)).astype(np.float32)


@pytest.mark.parametrize(("source", "target"), [((60, 45), (20, 15)), ((61, 47), (17, 30)), ((9, 1), (4, 1))])
def test_reduction_is_area_averaging(source: tuple[int, int], target: tuple[int, int]) -> None:
    values = noise(*source)
    expected = cv2.resize(values, target[::-1], interpolation=cv2.INTER_AREA).reshape(*target, 3)
    np.testing.assert_allclose(resize(values, target), expected, atol=2e-6)


@pytest.mark.parametrize("target", [(20, 18), (31, 47), (16, 15)])
def test_bilinear_enlargement_is_opencvs(target: tuple[int, int]) -> None:
    values = noise(16, 15)
    expected = cv2.resize(values, target[::-1], interpolation=cv2.INTER_LINEAR)
    # OpenCV's weights are rounded to 11 bits in places
    np.testing.assert_allclose(resize(values, target), expected, atol=2e-5)


def test_bicubic_enlargement_is_pillows() -> None:
    """Pillow's kernel is Catmull and Rom's too; at its border it renormalises, where here the edge pixel repeats."""
    values = noise(16, 15, 1)
    expected = np.asarray(Image.fromarray(values[..., 0]).resize((40, 37), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(
        resize(values, (37, 40), enlarge="bicubic")[6:-6, 6:-6, 0], expected[6:-6, 6:-6], atol=1e-5
    )


def test_each_axis_goes_its_own_way() -> None:
    values = noise(8, 30, 130)
    ours = resize(values, (20, 7))
    by_axis = resize(resize(values, (8, 7)), (20, 7))
    np.testing.assert_allclose(ours, by_axis, atol=1e-6)
    assert ours.shape == (20, 7, 130)


@pytest.mark.parametrize("kernel", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("source", "target"), [(1, 1), (1, 9), (9, 1), (7, 5), (5, 7), (6, 6), (1000, 3)])
def test_weights_sum_to_one_and_keep_the_centre_of_mass(kernel, source: int, target: int) -> None:
    weights = axis_weights(source, target, kernel).toarray()
    assert weights.shape == (target, source)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    centres = weights @ (np.arange(source) + 0.5)
    wanted = (np.arange(target) + 0.5) * source / target
    inner = (wanted > 2) & (wanted < source - 2)
    slack = 1e-4 if target >= source else 0.125  # a part of a pixel counts as lying in the pixel's middle
    np.testing.assert_allclose(centres[inner], wanted[inner], atol=slack, rtol=1e-5)


def test_the_same_size_is_a_copy() -> None:
    values = noise(4, 5)
    copy = resize(values, (4, 5))
    np.testing.assert_array_equal(copy, values)
    assert not np.shares_memory(copy, values)


def test_bytes_become_float() -> None:
    values = np.array([[[0], [255], [1]]], np.uint8)
    np.testing.assert_allclose(resize(values, (1, 1)), [[[256 / 3]]], rtol=1e-6)


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [((4, 5), (2, 2), r"\(H, W, C\)"), ((0, 5, 1), (2, 2), "not empty"), ((4, 5, 1), (0, 2), "at least 1 pixel")],
)
def test_bad_input_is_named(shape, size, message) -> None:
    with pytest.raises(ParameterError, match=message):
        resize(np.zeros(shape, np.float32), size)
