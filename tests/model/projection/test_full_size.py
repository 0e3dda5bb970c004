"""Features at a photograph's own size, read row by row, against lifting them whole."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_features import features_like, image_like

from sss_model.errors import ParameterError
from sss_model.feature_io import read_features
from sss_model.files.export import write_exports
from sss_model.filtering.joint_upsampling import upsample_rows
from sss_model.filtering.lift import GuidedLift
from sss_model.filtering.resize import resize
from sss_model.image_io import to_picture
from sss_model.params import ExportParams, FilterParams, ProjectionParams
from sss_model.projection import full_size
from sss_model.projection.feature_views import FeatureViews
from sss_model.projection.full_size import LiftedFeatures, UpsampledFeatures

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


def exported(made, folder, params, kind):
    """The file of that kind, of one format, that an export with `params` writes into `folder`, and what it holds."""
    image, features, picture, _ = made
    figure = FeatureViews(image, features, picture=picture)
    content = figure.content(FILTER, ProjectionParams(), None, {"source": "a.jpg", "grid": {"grid": [60, 92]}})
    paths = write_exports(folder, "a", content, params)
    file = next(path for path in paths if path.name.startswith((f"a{kind}.", f"a{kind}-f16.")))
    return file, read_features(file, image=folder / "a-input.png", axis_order="HWD")


@pytest.mark.parametrize("form", ["npz16", "npy", "exr", "tiff", "mat"])
def test_an_export_at_full_size(made, tmp_path, form):
    whole = made[3]
    params = ExportParams(raw=True, filtered=True, full_size=True, formats=(form,))
    file, read = exported(made, tmp_path, params, "-features-filtered")
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


@pytest.mark.parametrize("rows", [1, 7, 50, 203])
def test_rows_of_raw_features_are_those_of_upsampling_all(made, rows, monkeypatch):
    image, features, picture, _ = made
    monkeypatch.setattr(full_size, "STRIPE", 310 * 20 * 11)
    whole = upsample_rows(features, image, picture)
    lifted = UpsampledFeatures(image, features, picture)
    assert (lifted.shape, lifted.size) == (whole.shape, whole.size)
    read = np.concatenate([lifted[top : top + rows] for top in range(0, 203, rows)])
    np.testing.assert_allclose(read, whole, atol=1e-6)
    np.testing.assert_allclose(lifted[100:120, :, 4:9], whole[100:120, :, 4:9], atol=1e-6)


@pytest.mark.parametrize("form", ["npz16", "npy", "exr", "tiff", "mat"])
def test_an_export_of_raw_features_at_full_size(made, tmp_path, form):
    image, features, picture, _ = made
    params = ExportParams(pictures=True, raw_full_size=True, filtered=True, formats=(form,))
    _, read = exported(made, tmp_path, params, "-features")
    whole = upsample_rows(features, image, picture)
    half = 0 if form == "mat" else 1e-3
    np.testing.assert_allclose(read.features, whole, rtol=half, atol=half + 1e-6)
    record = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert record["arrays"] == {
        "features": {"size": [203, 310], "on": "photograph", "lifted": UpsampledFeatures.method},
        "features-filtered": {"size": [60, 92], "on": "grid"},
    }
    if form != "npy":
        assert (read.metadata["on"], read.metadata["lifted"]) == ("photograph", UpsampledFeatures.method)


@pytest.mark.parametrize("own", [(60, 92), (40, 61)])
def test_a_photograph_no_larger_than_its_grid_needs_no_lifting(made, tmp_path, own):
    image, features, _, _ = made
    small = None if own == features.shape[:2] else to_picture(np.clip(resize(image, own), 0, 1))
    figure = FeatureViews(image, features, picture=small)
    params = ExportParams(raw_full_size=True, formats=("npz32",))
    content = figure.content(FILTER, ProjectionParams(), None, {"source": "a.jpg"})
    paths = write_exports(tmp_path, "a", content, params)
    file = next(path for path in paths if "-features-f32" in path.name)
    np.testing.assert_array_equal(np.load(file)["features"], features)
    on = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["arrays"]["features"]
    assert on == {"size": [60, 92], "on": "photograph" if small is None else "grid"}


def test_raw_at_full_size_is_of_the_raw_features():
    with pytest.raises(ParameterError, match="not written") as caught:
        ExportParams(raw=False, raw_full_size=True)
    assert "--no-raw" in caught.value.hint
