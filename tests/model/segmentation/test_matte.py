"""Mattes: tightening, growing, feathering, inverting, and refining by pins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sss_model.errors import ParameterError
from sss_model.params.layers import MatteParams
from sss_model.segmentation.matte import adjust_matte, grown, refine_matte


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


def _three_things() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Three stripes: the layer holds the first two, each with a feature and a colour of its own."""
    rng = np.random.default_rng(1)
    kinds = np.repeat([0, 1, 2], 20)[None].repeat(40, 0)
    features = (np.eye(3)[kinds] @ rng.standard_normal((3, 16)) + 0.05 * rng.standard_normal((40, 60, 16))).astype(
        np.float32
    )
    image = np.array([[0.2, 0.2, 0.2], [0.5, 0.4, 0.3], [0.8, 0.9, 0.9]], np.float32)[kinds]
    return (kinds < 2).astype(np.float32), image, features


def test_a_negative_pin_takes_its_thing_out_of_the_layer_alone() -> None:
    matte, image, features = _three_things()
    refined = refine_matte(matte, image, features, negative=[(30, 20)])
    assert refined[:, 2:18].min() > 0.9
    assert refined[:, 22:38].max() < 0.1
    assert refined[:, 42:].max() < 0.1
    assert np.abs(np.diff(refined[20, 18:22])).max() > 0.7, "it ends at the picture's edge"


def test_a_positive_pin_adds_its_thing_alone() -> None:
    matte, image, features = _three_things()
    matte[:, 20:] = 0
    refined = refine_matte(matte, image, features, positive=[(50, 5)])
    assert refined[:, 42:58].min() > 0.9
    assert refined[:, 22:38].max() < 0.1
    assert refined[:, 2:18].min() > 0.9


def test_pins_of_both_kinds_decide_between_their_things() -> None:
    matte, image, features = _three_things()
    refined = refine_matte(np.full_like(matte, 0.5), image, features, positive=[(5, 5)], negative=[(50, 5), (30, 5)])
    assert refined[:, 2:18].min() > 0.9
    assert refined[:, 22:].max() < 0.1


def test_no_pins_or_pins_that_say_nothing_leave_the_matte() -> None:
    matte, image, features = _three_things()
    np.testing.assert_array_equal(refine_matte(matte, image, features), matte)
    np.testing.assert_array_equal(refine_matte(matte, image, features, positive=[(3, 3)], negative=[(3, 3)]), matte)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"matte": np.full((40, 60), 2, np.float32)}, r"must lie in \[0, 1\]"),
        ({"matte": np.full((40, 60), np.nan, np.float32)}, r"must lie in \[0, 1\]"),
        ({"matte": np.ones((40, 60, 1), np.float32)}, r"\(H, W\)"),
        ({"image": np.ones((40, 59, 3), np.float32)}, "image"),
        ({"features": np.full((40, 60, 3), np.inf, np.float32)}, "features must be finite"),
        ({"positive": [(60, 0)]}, "positive pin must lie in the picture"),
        ({"negative": [(0, -1)]}, "negative pin must lie in the picture"),
    ],
)
def test_what_does_not_fit_is_refused(change: dict[str, Any], message: str) -> None:
    matte, image, features = _three_things()
    given: dict[str, Any] = {"matte": matte, "image": image, "features": features, **change}
    with pytest.raises(ParameterError, match=message):
        refine_matte(**given)
