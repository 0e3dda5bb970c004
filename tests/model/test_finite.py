"""One value that is not finite is found wherever it lies, and named; overflow of a sum is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model import finite
from sss_model.errors import ParameterError
from sss_model.finite import check_finite_values
from sss_model.guided_filter import guided_filter
from sss_model.postprocess import random_projection, reduce_features, stretch


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_any_place_and_any_type(value: float, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finite, "_BLOCK", 40)
    for place in ((0, 0, 0), (6, 4, 3), (8, 9, 1)):
        array = np.ones((9, 10, 4), dtype)
        check_finite_values(array, "image")
        array[place] = value
        with pytest.raises(ParameterError, match=r"^image must be finite, but holds NaN or infinity\.$"):
            check_finite_values(array, "image")


def test_large_values_are_finite() -> None:
    check_finite_values(np.full((9, 9, 3), np.finfo(np.float32).max, np.float32), "features")
    check_finite_values(np.full((99, 99, 3), np.finfo(np.float16).max, np.float16), "features")


def test_public_functions_name_the_argument() -> None:
    random = np.random.default_rng(0)
    image, features = random.random((8, 9, 3), np.float32), random.random((8, 9, 5), np.float32)
    bad_image, bad_features = image.copy(), features.copy()
    bad_image[3, 4, 1] = bad_features[7, 8, 4] = np.nan
    for call, name in (
        (lambda: guided_filter(bad_image, features, radius=2, eps=0.1), "guide"),
        (lambda: guided_filter(image, bad_features, radius=2, eps=0.1), "features"),
        (lambda: reduce_features(bad_image, features), "image"),
        (lambda: reduce_features(image, bad_features), "features"),
        (lambda: random_projection(bad_features), "features"),
        (lambda: stretch(bad_features), "values"),
    ):
        with pytest.raises(ParameterError, match=f"^{name} must be"):
            call()
