"""What is written: names, contents, the JSON, and files that are there already."""

from __future__ import annotations

import itertools
import json
import os
import sys

import numpy as np
import pytest

from sss_model.errors import Cancelled, ParameterError
from sss_model.feature_io import read_features
from sss_model.files.export import ExportError, already_there, export_names, write_exports
from sss_model.image_io import read_image, to_picture
from sss_model.params import EXPORT_FORMATS, ExportParams, FilterParams, ProjectionParams
from sss_model.progress import Progress
from sss_model.projection.feature_views import FeatureViews

FILTER, PROJECTION = FilterParams(radius=2), ProjectionParams()
EVERYTHING = ExportParams(figure="svg", filtered=True, map3=True, strip=True, save_basis=True, formats=EXPORT_FORMATS)


@pytest.fixture
def figure():
    random = np.random.default_rng(5)
    image = random.random((11, 14, 3), np.float32)
    return FeatureViews(image, random.standard_normal((11, 14, 8)).astype(np.float32))


@pytest.fixture
def content(figure):
    return figure.content(FILTER, PROJECTION, None, {"source": "photo.jpg"})


def test_the_default_export_is_four_pictures_raw_features_and_a_json(tmp_path, content):
    paths = write_exports(tmp_path, "photo", content, ExportParams())
    assert [path.name for path in paths] == [
        "photo-input.png", "photo-random.png", "photo-pca.png", "photo-filtered-pca.png",
        "photo-features-f16.npz", "photo.json",
    ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == sorted(path.name for path in paths), "nothing temporary stays"


def test_names_are_known_before_anything_is_written(tmp_path, content):
    paths = write_exports(tmp_path, "photo", content, EVERYTHING)
    assert sorted(path.name for path in paths) == sorted(export_names("photo", EVERYTHING))
    assert len(set(paths)) == len(paths), "formats must not write over each other"


@pytest.mark.parametrize("form", EXPORT_FORMATS)
def test_features_come_back_from_every_format(tmp_path, figure, content, form):
    params = ExportParams(pictures=True, raw=True, filtered=True, formats=(form,))
    paths = write_exports(tmp_path, "photo", content, params)
    files = {path.stem.removesuffix("-f16").removesuffix("-f32"): path for path in paths}
    tolerance = 2e-3 if form == "npz16" else 0
    image = tmp_path / "photo-input.png"
    raw = read_features(files["photo-features"], image=image).features
    np.testing.assert_allclose(raw, figure.features, rtol=tolerance, atol=0)
    filtered = read_features(files["photo-features-filtered"], image=image).features
    np.testing.assert_allclose(filtered, figure.filtered_features(FILTER), rtol=tolerance, atol=1e-3 * tolerance)


def test_an_export_is_found_again_with_its_picture(tmp_path, figure, content):
    write_exports(tmp_path, "photo", content, ExportParams())
    assert read_features(tmp_path / "photo-features-f16.npz").image is not None


def test_pictures_are_the_maps(tmp_path, figure, content):
    write_exports(tmp_path, "photo", content, ExportParams(raw=False))
    for name, values in (
        ("input", figure.image),
        ("random", figure.random(0)),
        ("pca", figure.plain(PROJECTION)),
        ("filtered-pca", figure.filtered(FILTER, PROJECTION)),
    ):
        np.testing.assert_array_equal(to_picture(read_image(tmp_path / f"photo-{name}.png")), to_picture(values))


def test_the_strip_is_image_and_map_side_by_side(tmp_path, figure, content):
    write_exports(tmp_path, "photo", content, ExportParams(pictures=False, raw=False, strip=True))
    strip = to_picture(read_image(tmp_path / "photo-strip.png"))
    np.testing.assert_array_equal(strip[:, :14], to_picture(figure.image))
    np.testing.assert_array_equal(strip[:, 14:], to_picture(figure.filtered(FILTER, PROJECTION)))


def test_the_json_says_what_made_the_files(tmp_path, content):
    write_exports(tmp_path, "photo", content, EVERYTHING)
    record = json.loads((tmp_path / "photo.json").read_text())
    assert record["source"] == "photo.jpg"
    assert record["filter"] == FilterParams(radius=2).to_dict()
    assert (record["size"], record["channels"]) == ([11, 14], 8)
    assert sorted([*record["files"], "photo.json"]) == sorted(export_names("photo", EVERYTHING))
    np.testing.assert_array_equal(np.array(record["basis"]["axes"], np.float32), content.basis.axes.astype(np.float32))
    assert {"version", "export", "projection"} <= set(record)


def test_the_same_content_gives_the_same_bytes(tmp_path, content):
    first = write_exports(tmp_path / "a", "photo", content, EVERYTHING)
    second = write_exports(tmp_path / "b", "photo", content, EVERYTHING)
    for one, other in zip(first, second, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name


def test_files_that_are_there_are_kept_skipped_or_replaced(tmp_path, content):
    write_exports(tmp_path, "photo", content, ExportParams())
    before = (tmp_path / "photo.json").stat().st_mtime_ns
    assert already_there(tmp_path, "photo", ExportParams())
    assert write_exports(tmp_path, "photo", content, ExportParams(existing="skip")) == []
    with pytest.raises(ExportError, match=r"photo-input\.png.* already in"):
        write_exports(tmp_path, "photo", content, ExportParams(existing="refuse"))
    assert (tmp_path / "photo.json").stat().st_mtime_ns == before
    (tmp_path / "photo-pca.png").unlink()
    assert not already_there(tmp_path, "photo", ExportParams())
    assert len(write_exports(tmp_path, "photo", content, ExportParams(existing="skip"))) == 6


@pytest.mark.parametrize("files", range(1, 6))
def test_an_export_that_is_stopped_leaves_the_folder_as_it_was(tmp_path, content, files):
    write_exports(tmp_path, "photo", content, ExportParams(pictures=True, raw=False))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    asked = itertools.count()
    with pytest.raises(Cancelled):
        write_exports(tmp_path, "photo", content, ExportParams(), Progress(cancelled=lambda: next(asked) >= files))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_export_that_is_stopped_is_not_taken_for_whole(tmp_path, content):
    calls = []
    progress = Progress(lambda *_step: calls.append(1), lambda: len(calls) > 3)
    with pytest.raises(Cancelled):
        write_exports(tmp_path, "photo", content, ExportParams(), progress)
    assert not already_there(tmp_path, "photo", ExportParams())
    assert not any(name.startswith(".") for name in os.listdir(tmp_path))


def test_a_folder_that_is_a_file_is_said(tmp_path, content):
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportError, match="out is a file, not a folder"):
        write_exports(tmp_path / "out", "photo", content, ExportParams())


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_said(tmp_path, content):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ExportError, match="read-only"):
            write_exports(tmp_path, "photo", content, ExportParams())
    finally:
        tmp_path.chmod(0o700)


def test_formats_are_checked():
    with pytest.raises(ParameterError, match="formats must be of npz16"):
        ExportParams(formats=("jpeg",))
    with pytest.raises(ParameterError, match="at least one format"):
        ExportParams(formats=())
    assert ExportParams(raw=False, formats=()).pictures


def test_files_of_another_picture_with_the_same_stem_are_not_replaced(tmp_path, figure, content):
    write_exports(tmp_path, "photo", content, ExportParams())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    other = figure.content(FILTER, PROJECTION, None, {"source": "photo.tif"})
    with pytest.raises(ExportError, match=r"are those of photo\.jpg, not of photo\.tif"):
        write_exports(tmp_path, "photo", other, ExportParams())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    (tmp_path / "photo.json").write_text('{"source": "something else"}')
    assert write_exports(tmp_path, "photo", other, ExportParams()), "a JSON that is not ours says nothing"


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_a_figure_of_the_four_panes(tmp_path, content, form):
    params = ExportParams(pictures=False, raw=False, figure=form, figure_width=60)
    written = write_exports(tmp_path, "photo", content, params)
    assert [path.name for path in written] == [f"photo-figure.{form}", "photo.json"]
    if form == "svg":
        text = written[0].read_text()
        assert text.count("<image") == 4
        assert "Guided filter + PCA" in text
        assert 'width="60mm"' in text
