"""One value that is not finite is found wherever it lies, and named; so is what is no array of numbers at all."""

from __future__ import annotations

import numpy as np
import pytest

from sss_model import finite
from sss_model.analysis.clusters import cluster_features
from sss_model.analysis.similarity import Similarity
from sss_model.errors import ParameterError
from sss_model.extractor import check_image
from sss_model.feature_io import write_features, write_strip
from sss_model.finite import check_finite_values
from sss_model.guided_filter import guided_filter
from sss_model.image_io import to_picture, write_picture
from sss_model.layer_io import Layers
from sss_model.pca import fit_pca
from sss_model.postprocess import random_projection, reduce_features, stretch
from sss_model.segmentation.foreground import estimate_foreground


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


def test_values_whose_squares_are_none_are_refused() -> None:
    check_finite_values(np.full((9, 9, 3), 1e15, np.float32), "features")
    check_finite_values(np.full((99, 99, 3), np.finfo(np.float16).max, np.float16), "features")
    for value, dtype in ((3e38, np.float32), (-3e38, np.float32), (1e300, np.float64)):
        with pytest.raises(ParameterError, match=r"^features must lie within ±1e\+15, but reaches"):
            check_finite_values(np.full((9, 9, 3), value, dtype), "features")


IMAGE, FEATURES = np.full((8, 9, 3), 0.5, np.float32), np.random.default_rng(0).random((8, 9, 5), np.float32)
CALLS = {
    "guide": lambda bad: guided_filter(bad(IMAGE), FEATURES, radius=2, eps=0.1),
    "features": lambda bad: guided_filter(IMAGE, bad(FEATURES), radius=2, eps=0.1),
    "image": lambda bad: reduce_features(bad(IMAGE), FEATURES),
    "features of reduce_features": lambda bad: reduce_features(IMAGE, bad(FEATURES)),
    "features of fit_pca": lambda bad: fit_pca(bad(FEATURES)),
    "features of project": lambda bad: fit_pca(FEATURES).project(bad(FEATURES)),
    "features of random_projection": lambda bad: random_projection(bad(FEATURES)),
    "features of clusters": lambda bad: cluster_features(bad(FEATURES), 2),
    "features of similarity": lambda bad: Similarity(bad(FEATURES)),
    "features of write_features": lambda bad: write_features("a.npy", bad(FEATURES), format="npy"),
    "values": lambda bad: stretch(bad(FEATURES)),
    "picture": lambda bad: write_picture("a.png", bad(IMAGE)),
    "image of to_picture": lambda bad: to_picture(bad(IMAGE)),
    "image of write_strip": lambda bad: write_strip("a.png", bad(IMAGE), IMAGE),
    "image of layers": lambda bad: Layers(bad(IMAGE), IMAGE[..., :1], ("a",)),
    "alphas": lambda bad: Layers(IMAGE, bad(IMAGE[..., :1]), ("a",)),
    "image of the extractor": lambda bad: check_image(bad(IMAGE)),
    "image of foregrounds": lambda bad: estimate_foreground(bad(IMAGE), IMAGE[..., 0]),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kind", ["list", "complex", "text", "None", "objects"])
def test_what_is_no_array_of_real_numbers_is_named(call: str, kind: str) -> None:
    bad = {
        "list": lambda array: array.tolist(), "complex": lambda array: array.astype(complex),
        "text": lambda array: array.astype(str), "None": lambda array: None,
        "objects": lambda array: array.astype(object),
    }[kind]  # fmt: skip
    with pytest.raises(ParameterError, match=f"^{call.split()[0]} must be"):
        CALLS[call](bad)


def test_an_image_of_huge_numbers_is_refused_before_a_network_sees_it() -> None:
    with pytest.raises(ParameterError, match=r"image must lie within ±1e\+06, but reaches 3e\+38"):
        check_image(np.full((4, 4, 3), 3e38, np.float32))


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
