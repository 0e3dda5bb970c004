"""Features at a photograph's own size, read row by row, against lifting them whole."""

from __future__ import annotations

import numpy as np
import pytest
from made_features import features_like, image_like

from sss_model.errors import ParameterError
from sss_model.feature_io import read_features
from sss_model.files.export import write_exports
from sss_model.filtering.lift import GuidedLift
from sss_model.filtering.resize import resize
from sss_model.image_io import to_picture
from sss_model.params import ExportParams, FilterParams, ProjectionParams
from sss_model.projection import full_size
from sss_model.projection.feature_views import FeatureViews
from sss_model.projection.full_size import LiftedFeatures

FILTER = FilterParams(radius=3, eps=1e-3)


@pytest.fixture(scope="module")
def made():
    large = image_like(203, 310)
    image = np.clip(resize(large, (60, 92)), 0, 1)
    features = features_like(image, channels=20)
    picture = to_picture(large)
    out = np.empty((203, 310, 20), np.float32)
    whole = GuidedLift(image, radius=3, eps=1e-3).lift(features, picture, out=out)
    return image, features, picture, whole


@pytest.mark.parametrize("rows", [1, 7, 50, 203])
def test_rows_are_those_of_lifting_all(made, rows, monkeypatch):
    image, features, picture, whole = made
    monkeypatch.setattr(full_size, "BAND", 9)
    monkeypatch.setattr(full_size, "STRIPE", 310 * 20 * 11)
    lifted = LiftedFeatures(image, features, picture, FILTER)
    assert (lifted.shape, lifted.size) == (whole.shape, whole.size)
    read = np.concatenate([lifted[top : top + rows] for top in range(0, 203, rows)])
    np.testing.assert_allclose(read, whole, atol=2e-5)


def test_channels_and_steps_back_may_be_read_too(made):
    image, features, picture, whole = made
    lifted = LiftedFeatures(image, features, picture, FILTER)
    np.testing.assert_allclose(lifted[100:120, :, 4:9], whole[100:120, :, 4:9], atol=2e-5)
    np.testing.assert_allclose(lifted[:5], whole[:5], atol=2e-5)
    with pytest.raises(IndexError, match="whole rows"):
        lifted[:5, 1:3, :]


@pytest.mark.parametrize("form", ["npz16", "npy", "exr", "tiff", "mat"])
def test_an_export_at_full_size(made, tmp_path, form):
    image, features, picture, whole = made
    figure = FeatureViews(image, features, picture=picture)
    params = ExportParams(raw=True, filtered=True, full_size=True, formats=(form,))
    content = figure.content(FILTER, ProjectionParams(), None, {"source": "a.jpg", "grid": {"grid": [60, 92]}})
    paths = write_exports(tmp_path, "a", content, params)
    file = next(path for path in paths if "features-filtered" in path.name)
    read = read_features(file, image=tmp_path / "a-input.png", axis_order="HWD")
    assert read.features.shape == whole.shape
    half = 0 if form == "mat" else 1e-3
    np.testing.assert_allclose(read.features, whole, rtol=half, atol=half + 2e-5)
    if form == "npy":
        assert np.load(file).dtype == np.float16
    if form in ("exr", "tiff"):
        assert file.stat().st_size < 1.1 * whole.size * 2 + 20_000
    if form != "npy":
        assert read.metadata["size"] == [203, 310]


def test_full_size_is_of_the_filtered_features():
    with pytest.raises(ParameterError, match="not written") as caught:
        ExportParams(full_size=True)
    assert "--filtered" in caught.value.hint
