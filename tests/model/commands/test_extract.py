"""`sss-extract` on feature files and photographs, on folders and patterns, on what fails."""

from __future__ import annotations

import json
import os
import sys

import numpy as np
import pytest
import tifffile

from sss_model.commands.batch import find_inputs, stems_for
from sss_model.commands.extract import Extractions, main
from sss_model.errors import ParameterError
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.params import FilterParams, ProjectionParams
from sss_model.projection.feature_views import FeatureViews


@pytest.fixture
def pair(tmp_path):
    """A feature file with its photograph: everything but the network."""
    random = np.random.default_rng(2)
    write_picture(tmp_path / "photo.png", random.integers(0, 255, (12, 15, 3), dtype=np.uint8))
    features = random.standard_normal((12, 15, 8)).astype(np.float32)
    np.savez(tmp_path / "photo.npz", features=features)
    return tmp_path / "photo.npz"


def test_a_feature_file_gives_what_the_figure_says(tmp_path, pair):
    out = tmp_path / "out"
    assert main([str(pair), "-o", str(out), "--radius", "3", "--eps", "0.02", "--quiet"]) == 0
    figure = FeatureViews(read_image(tmp_path / "photo.png"), np.load(pair)["features"])
    expected = figure.filtered(FilterParams(radius=3, eps=0.02), ProjectionParams())
    np.testing.assert_array_equal(to_picture(read_image(out / "photo-filtered-pca.png")), to_picture(expected))
    assert json.loads((out / "photo.json").read_text())["filter"] == {"radius": 3, "eps": 0.02}


def test_raw_features_are_written_on_the_grid_or_at_full_size(tmp_path):
    random = np.random.default_rng(2)
    write_picture(tmp_path / "photo.png", random.integers(0, 255, (48, 64, 3), dtype=np.uint8))
    call = [str(tmp_path / "photo.png"), "--size", "32", "--formats", "npy", "--no-pictures", "--quiet"]
    grid, full = tmp_path / "grid", tmp_path / "full"
    assert main([*call, "-o", str(grid)]) == 0
    assert main([*call, "-o", str(full), "--raw-full-size"]) == 0
    cells, pixels = (np.load(folder / "photo-features.npy") for folder in (grid, full))
    assert (cells.shape[:2], pixels.shape[:2]) == ((24, 32), (48, 64))
    assert pixels.dtype == np.float16
    assert cells.min() - 1e-2 < pixels.min() < pixels.max() < cells.max() + 1e-2
    on = [json.loads((folder / "photo.json").read_text())["arrays"]["features"] for folder in (grid, full)]
    assert [(one["size"], one["on"]) for one in on] == [([24, 32], "grid"), ([48, 64], "photograph")]


def test_one_that_fails_does_not_stop_the_others(tmp_path, pair, capsys):
    (tmp_path / "broken.png").write_bytes(b"not a picture")
    (tmp_path / "photo.npz").rename(tmp_path / "other.npz")
    out = tmp_path / "out"
    image = str(tmp_path / "broken.png")
    code = main([image, str(tmp_path / "missing.png"), str(tmp_path / "other.npz"), "-o", str(out), "--quiet"])
    said = capsys.readouterr().err
    assert code == 1
    assert said.count("failed: ") == 3
    assert "broken.png" in said
    assert "missing.png" in said
    assert "photograph" in said
    (tmp_path / "other.npz").rename(tmp_path / "photo.npz")
    assert main([image, str(tmp_path / "photo.npz"), "-o", str(out), "--quiet"]) == 1
    assert (out / "photo.json").exists()


def test_a_stopped_run_goes_on_where_it_was(tmp_path, pair, capsys):
    args = [str(pair), "-o", str(tmp_path / "out")]
    assert main(args) == 0
    stamp = (tmp_path / "out" / "photo.json").stat().st_mtime_ns
    assert main([*args, "--skip-existing"]) == 0
    assert "1 was there already" in capsys.readouterr().out
    assert main([*args, "--keep-existing"]) == 1
    assert (tmp_path / "out" / "photo.json").stat().st_mtime_ns == stamp


def test_a_saved_basis_is_used_again(tmp_path, pair):
    out = tmp_path / "out"
    assert main([str(pair), "-o", str(out), "--save-basis", "--quiet"]) == 0
    basis = out / "photo-basis.json"
    again = tmp_path / "again"
    assert main([str(pair), "-o", str(again), "--basis", str(basis), "--quiet"]) == 0
    fitted, given = (read_image(folder / "photo-filtered-pca.png") for folder in (out, again))
    np.testing.assert_allclose(given, fitted, atol=1.01 / 255)  # the same but for rounding
    turned = tmp_path / "turned"
    call = [str(pair), "-o", str(turned), "--basis", str(basis), "--red", "3", "--blue", "1", "--quiet"]
    assert main(call) == 0
    first, second = (read_image(folder / "photo-filtered-pca.png") for folder in (again, turned))
    np.testing.assert_array_equal(first[..., ::-1], second)


def test_the_photograph_of_a_feature_file_can_be_named(tmp_path, pair):
    (tmp_path / "photo.png").rename(tmp_path / "elsewhere.png")
    call = [str(pair), "-o", str(tmp_path / "out"), "--image", str(tmp_path / "elsewhere.png"), "--quiet"]
    assert main(call) == 0


def test_axes_that_cannot_be_told_are_named_by_the_layout(tmp_path, capsys):
    random = np.random.default_rng(4)
    write_picture(tmp_path / "cube.png", random.integers(0, 255, (9, 9, 3), dtype=np.uint8))
    np.save(tmp_path / "cube.npy", random.standard_normal((9, 9, 9)).astype(np.float32))
    call = [str(tmp_path / "cube.npy"), "-o", str(tmp_path / "out"), "--formats", "npy", "--raw", "--quiet"]
    assert main(call) == 1
    assert "HWD or DHW" in capsys.readouterr().err
    assert main([*call, "--layout", "DHW"]) == 0
    written = np.load(tmp_path / "out" / "cube-features.npy")
    np.testing.assert_array_equal(written, np.load(tmp_path / "cube.npy").transpose(1, 2, 0))


def test_a_strip_of_another_program_is_named_by_the_layout(tmp_path, capsys):
    random = np.random.default_rng(5)
    both = random.integers(0, 255, (12, 20, 3), dtype=np.uint8)
    write_picture(tmp_path / "demo.png", both)
    call = ["-o", str(tmp_path / "out"), "--formats", "npy", "--raw", "--layout", "strip", "--quiet"]
    assert main([str(tmp_path / "demo.png"), *call]) == 0
    written = np.load(tmp_path / "out" / "demo-features.npy")
    np.testing.assert_allclose(written, both[:, 10:] / np.float32(255), atol=1e-6)
    write_picture(tmp_path / "odd.png", both[:, 1:])
    assert main([str(tmp_path / "odd.png"), *call]) == 1
    assert "even width" in capsys.readouterr().err


def test_a_folder_gives_its_photographs_and_not_the_feature_tiffs_beside_them(tmp_path):
    tifffile = pytest.importorskip("tifffile")
    write_picture(tmp_path / "a.png", np.zeros((6, 8, 3), np.uint8))
    tifffile.imwrite(tmp_path / "a-features.tif", np.zeros((6, 8, 9), np.float32), planarconfig="contig")
    assert [path.name for path in find_inputs([str(tmp_path)])] == ["a.png"]
    (tmp_path / "a.png").unlink()
    assert [path.name for path in find_inputs([str(tmp_path)])] == ["a-features.tif"]


@pytest.mark.parametrize(
    "call", [["--radius", "300"], ["--formats", "jpeg"], ["--eps", "many"], ["--overwrite", "--skip-existing"]]
)
def test_wrong_calls_leave_with_two_and_a_sentence(tmp_path, pair, call, capsys):
    with pytest.raises(SystemExit) as left:
        main([str(pair), "-o", str(tmp_path / "out"), *call])
    assert left.value.code == 2
    assert capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_none_fails_each_picture_with_its_reason(tmp_path, pair, capsys):
    (tmp_path / "net.safetensors").write_bytes(b"no model")
    image = str(tmp_path / "photo.png")
    call = [
        image,
        "-o",
        str(tmp_path / "out"),
        "--model",
        str(tmp_path / "net.safetensors"),
        "--device",
        "cpu",
        "--quiet",
    ]
    assert main(call) == 1
    assert "net.safetensors is not a model file" in capsys.readouterr().err


def test_folders_and_patterns(tmp_path, pair):
    below = tmp_path / "below"
    below.mkdir()
    write_picture(below / "x.png", np.zeros((2, 2, 3), np.uint8))
    (tmp_path / "notes.txt").write_text("")
    assert [path.name for path in find_inputs([str(tmp_path)])] == ["photo.png"]
    assert [path.name for path in find_inputs([str(tmp_path)], recursive=True)] == ["x.png", "photo.png"]
    assert [path.name for path in find_inputs([str(tmp_path / "*.np*")])] == ["photo.npz"]
    assert len(find_inputs([str(pair), str(pair)])) == 1
    with pytest.raises(ParameterError, match="Nothing matches"):
        find_inputs([str(tmp_path / "*.jpg")])


def test_stems_that_are_alike_are_told_apart(tmp_path):
    paths = [tmp_path / "a" / "x.png", tmp_path / "b" / "X.jpg", tmp_path / "a" / "x.jpg", tmp_path / "y.png"]
    assert stems_for(paths) == ["a_x", "b_X", "a_x_2", "y"]


def test_a_folder_of_its_own_exports_stays_one_picture(tmp_path):
    write_picture(tmp_path / "ok.png", np.full((24, 32, 3), 90, np.uint8))
    write_picture(tmp_path / "mine-input.png", np.full((24, 32, 3), 90, np.uint8))  # a photograph of that name
    before = find_inputs([str(tmp_path)])
    assert main([str(tmp_path / "ok.png"), "-o", str(tmp_path)]) == 0
    assert find_inputs([str(tmp_path)]) == before
    assert [path.name for path in before] == ["mine-input.png", "ok.png"]


def test_a_layout_makes_any_tiff_features(tmp_path):
    values = np.random.default_rng(0).integers(0, 1000, (20, 24, 32)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tiff", values)
    write_picture(tmp_path / "a.png", np.full((24, 32, 3), 90, np.uint8))
    assert main([str(tmp_path / "a.tiff"), "-o", str(tmp_path / "out"), "--layout", "DHW", "--formats", "npy"]) == 0
    written = np.load(next((tmp_path / "out").glob("*.npy")))
    np.testing.assert_array_equal(written, values.transpose(1, 2, 0))


def test_a_layout_of_a_photograph_is_refused(tmp_path, capsys):
    write_picture(tmp_path / "a.jpg", np.full((24, 32, 3), 90, np.uint8))
    assert main([str(tmp_path / "a.jpg"), "-o", str(tmp_path / "out"), "--layout", "HWD"]) != 0
    assert "a.jpg" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is Unicode")
def test_a_file_name_that_is_not_utf8_is_exported_like_any_other(tmp_path, pair):
    name = os.fsdecode(b"caf\xe9.npz")
    pair.rename(tmp_path / name)
    (tmp_path / "photo.png").rename(tmp_path / "image.png")
    out = tmp_path / "out"
    arguments = [str(tmp_path / name), "--image", str(tmp_path / "image.png"), "-o", str(out), "--quiet"]
    assert main(arguments) == 0
    record = json.loads((out / os.fsdecode(b"caf\xe9.json")).read_text(encoding="utf-8"))
    assert os.fsencode(record["source"]) == b"caf\xe9.npz"


def test_an_unforeseen_error_in_one_picture_does_not_stop_the_others(tmp_path, pair, capsys, monkeypatch):
    write_picture(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    real = Extractions.write

    def write(self, path, stem, progress):
        if stem == "a":
            raise KeyError("nobody thought of it")
        return real(self, path, stem, progress)

    monkeypatch.setattr(Extractions, "write", write)
    out = tmp_path / "out"
    assert main([str(tmp_path / "a.png"), str(pair), "-o", str(out), "--quiet"]) == 1
    assert "nobody thought of it" in capsys.readouterr().err
    assert (out / "photo.json").exists()


@pytest.mark.parametrize("flags", [[], ["--skip-existing"], ["--keep-existing"]])
def test_another_picture_of_the_same_name_is_not_taken_for_the_first(tmp_path, pair, flags, capsys):
    other = tmp_path / "b"
    other.mkdir()
    write_picture(other / "photo.png", np.zeros((12, 15, 3), np.uint8))
    np.savez(other / "photo.npz", features=np.load(pair)["features"][::-1])
    call = ["-o", str(tmp_path / "out"), "--quiet"]
    assert main([str(pair), *call]) == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert main([str(other / "photo.npz"), *call, *flags]) == 1
    said = capsys.readouterr().err
    assert f"those of another photo.npz, with other contents than {other / 'photo.npz'}" in said
    assert "say --overwrite" in said
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    assert main([str(other / "photo.npz"), *call, "--overwrite"]) == 0
    assert main([str(pair.rename(tmp_path / "moved.npz").rename(other / "photo.npz")), *call]) == 1
