"""Mattes: tightening, growing, feathering, inverting, and refining by pins."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model.errors import ParameterError
from sss_model.params.layers import MatteParams
from sss_model.segmentation.matte import adjust_matte, grown


def _soft(shape: tuple[int, int] = (30, 40)) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_no_adjustment_changes_nothing_and_copies() -> None:
    matte = _soft()
    adjusted = adjust_matte(matte, MatteParams())
    np.testing.assert_array_equal(adjusted, matte)
    assert adjusted is not matte


@pytest.mark.parametrize("tightness", [-1.0, -0.3, 0.4, 1.0])
def test_tightness_keeps_ends_middle_and_order(tightness: float) -> None:
    matte = np.linspace(0, 1, 101, dtype=np.float32)[None]
    adjusted = adjust_matte(matte, MatteParams(tightness=tightness))
    np.testing.assert_allclose(adjusted[0, [0, 50, 100]], [0, 0.5, 1], atol=1e-6)
    assert (np.diff(adjusted[0]) >= 0).all()
    harder = np.abs(adjusted - 0.5).sum() > np.abs(matte - 0.5).sum()
    assert harder == (tightness > 0)


def test_growing_is_the_largest_alpha_in_an_octagon() -> None:
    matte = _soft()
    padded = np.pad(matte, 2, constant_values=-1)
    octagon = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3) if abs(dy) + abs(dx) <= 3]
    wanted = np.max([padded[2 + dy : 32 + dy, 2 + dx : 42 + dx] for dy, dx in octagon], axis=0)
    np.testing.assert_array_equal(grown(matte, 2), wanted)
    np.testing.assert_allclose(grown(matte, -2), 1 - grown(1 - matte, 2))
    between = adjust_matte(matte, MatteParams(grow=1.5))
    np.testing.assert_allclose(between, (grown(matte, 1) + grown(matte, 2)) / 2, atol=1e-6)


def test_lengths_are_those_of_the_full_picture() -> None:
    edge = np.repeat(np.arange(80) < 40, 1)[None].repeat(60, 0).astype(np.float32)
    small = edge[::2, ::2]
    params = MatteParams(grow=6, feather=4)
    full, half = adjust_matte(edge, params), adjust_matte(small, params, scale=0.5)
    assert abs(float(full[30].sum()) / 2 - float(half[15].sum())) < 0.3
    with pytest.raises(ParameterError, match="scale must be above 0"):
        adjust_matte(edge, params, scale=0.0)


def test_feathering_keeps_the_mass_and_the_range() -> None:
    matte = np.zeros((61, 61), np.float32)
    matte[30, 30] = 1
    adjusted = adjust_matte(matte, MatteParams(feather=5))
    assert float(adjusted.sum()) == pytest.approx(1, abs=0.01)
    x = np.arange(61)[None] - 30
    assert float((adjusted * x**2).sum()) == pytest.approx(25, rel=0.1), "the variance of the Gaussian"
    assert adjust_matte(np.ones((9, 9), np.float32), MatteParams(feather=3)).min() > 0.999


@pytest.mark.parametrize(
    ("matte", "message"),
    [
        (np.full((40, 60), 2, np.float32), r"must lie in \[0, 1\]"),
        (np.full((40, 60), np.nan, np.float32), r"must lie in \[0, 1\]"),
        (np.ones((40, 60, 1), np.float32), r"\(H, W\)"),
    ],
)
def test_what_is_no_matte_is_refused(matte: np.ndarray, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        adjust_matte(matte, MatteParams())
