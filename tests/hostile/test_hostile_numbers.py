"""Arguments of public functions that are not finite, out of range or of another shape: an error that names them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds

from sss_model.errors import ParameterError
from sss_model.feature_io import write_features, write_strip
from sss_model.guided_filter import guided_filter
from sss_model.image_io import write_picture
from sss_model.pca import fit_pca
from sss_model.postprocess import random_projection, reduce_features, stretch

H, W, D = 12, 15, 6
NUMBERS = (float("nan"), float("inf"), float("-inf"), -1, 0, -0.5, 1e300, 10**30)


def arrays(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.random((H, W, 3), np.float32), rng.standard_normal((H, W, D)).astype(np.float32)


def spoiled(array: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """`array` with one value that is not finite."""
    array = array.copy()
    array[tuple(int(rng.integers(0, n)) for n in array.shape)] = (np.nan, np.inf, -np.inf)[int(rng.integers(0, 3))]
    return array


CALLS: dict[str, Callable[..., Any]] = {
    "guided_filter": lambda image, features, n: guided_filter(image, features, radius=3, eps=0.01),
    "guided_filter, eps": lambda image, features, n: guided_filter(image, features, radius=3, eps=n),
    "guided_filter, radius": lambda image, features, n: guided_filter(image, features, radius=n, eps=0.01),
    "reduce_features": lambda image, features, n: reduce_features(image, features),
    "reduce_features, eps": lambda image, features, n: reduce_features(image, features, eps=n),
    "fit_pca": lambda image, features, n: fit_pca(features).axes,
    "random_projection": lambda image, features, n: random_projection(features),
    "stretch": lambda image, features, n: stretch(features[..., :3]),
}


def try_call(name: str, rng: np.random.Generator, folder: Path) -> None:
    """One argument at a time; what comes back is finite, else the error names the argument."""
    image, features = arrays(rng)
    number = NUMBERS[int(rng.integers(0, len(NUMBERS)))]
    argument = name.partition(", ")[2]
    if not argument and rng.random() < 0.5:
        features, argument = (
            spoiled(features[..., :3], rng) if name == "stretch" else spoiled(features, rng),
            "features",
        )
    elif not argument:
        image, argument = spoiled(image, rng), "image"
    try:
        result = CALLS[name](image, features, number)
    except ParameterError as error:
        said = str(error).lower().replace("guide", "image").replace("values", "features")
        if argument not in said:
            raise AssertionError(f"does not name {argument}: {error}") from error
        raise
    assert np.isfinite(result).all()


def try_writing(rng: np.random.Generator, folder: Path) -> None:
    image, features = arrays(rng)
    match int(rng.integers(0, 4)):
        case 0:
            write_features(folder / "a.npz", spoiled(features, rng), format="npz16")
        case 1:
            write_picture(folder / "a.png", spoiled(image, rng))
        case 2:
            write_strip(folder / "b.png", image, spoiled(image, rng))
        case _:
            write_features(folder / "b.npy", features[..., 0], format="npy")


KINDS = [
    *(Kind(name, lambda rng, folder, name=name: try_call(name, rng, folder)) for name in CALLS),
    Kind("writing", try_writing),
]


@pytest.mark.filterwarnings("ignore")
def test_a_hundred_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 15, seed=0)
