"""What Octave saves, and HDF5 that does not say whose axes it has. Files of MATLAB are tested with the other kinds."""

from __future__ import annotations

import gzip
from pathlib import Path

import h5py
import numpy as np
import pytest
from feature_files import D, H, W, blank, some

from sss_model.errors import FeatureFileError
from sss_model.feature_io import read_features


def octave_text(path: Path, variables: dict[str, np.ndarray], kind: str = "matrix") -> Path:
    """As Octave's `save` writes by default: 17 digits, of more than two axes one number a line, columns first."""
    lines = ["# Created by Octave 8.4.0, Tue Jan 02 10:11:12 2024 UTC <user@machine>"]
    for name, array in variables.items():
        lines += [f"# name: {name}", f"# type: {kind}"]
        if array.ndim == 2:
            lines += [f"# rows: {array.shape[0]}", f"# columns: {array.shape[1]}"]
            lines += [" " + " ".join(f"{value:.17g}" for value in row) for row in array]
        else:
            lines += [f"# ndims: {array.ndim}", " " + " ".join(map(str, array.shape))]
            lines += [f" {value:.17g}" for value in array.ravel(order="F")]
        lines += ["", ""]
    path.write_text("\n".join(lines))
    return path


def octave_hdf5(path: Path, name: str, array: np.ndarray) -> Path:
    """As Octave's `save -hdf5` writes: a group of type and value, the axes reversed."""
    with h5py.File(path, "w") as file:
        group = file.create_group(name)
        group.attrs["OCTAVE_NEW_FORMAT"] = np.uint8(1)
        group["type"] = np.bytes_("matrix")
        group["value"] = array.transpose()
    return path


@pytest.mark.parametrize("name", ["embedmap", "anything"])
@pytest.mark.parametrize("kind", ["matrix", "float matrix", "int32 matrix"])
def test_octave_text(tmp_path: Path, name: str, kind: str) -> None:
    features = some(H, W, D).round() if "int" in kind else some(H, W, D)
    path = octave_text(tmp_path / "a.mat", {"mean": np.ones((2, 3)), name: features, "last": np.ones((1, 1))}, kind)
    read = read_features(path, image=blank(H, W))
    np.testing.assert_array_equal(read.features, features)
    assert read.axis_order == "HWD"


def test_octave_text_that_is_not_features(tmp_path: Path) -> None:
    path = octave_text(tmp_path / "a.mat", {"mean": np.ones((2, 3))})
    with pytest.raises(FeatureFileError, match=r"no array that could be features; .* found mean \(2, 3\) matrix"):
        read_features(path)
    octave_text(path, {"embedmap": np.ones((2, 3))})
    with pytest.raises(FeatureFileError, match=r"holds a matrix of the shape \(2, 3\) in embedmap; expected 3 axes"):
        read_features(path)
    octave_text(path, {"embedmap": some(H, W, D)})
    data = path.read_text()
    path.write_text(data[: len(data) // 2].rpartition("\n")[0])
    with pytest.raises(FeatureFileError, match=r"ends after \d+ of 1680 numbers in embedmap\.") as caught:
        read_features(path)
    assert "save -v7" in caught.value.hint
    path.write_text(data.replace("# ndims: 3\n 12", "# ndims: 3\n many"))
    with pytest.raises(FeatureFileError, match="damaged"):
        read_features(path)


@pytest.mark.parametrize("name", ["embedmap", "anything"])
def test_octave_hdf5(tmp_path: Path, name: str) -> None:
    features = some(H, W, D)
    path = octave_hdf5(tmp_path / "a.mat", name, features)
    np.testing.assert_array_equal(read_features(path, image=blank(H, W)).features, features)


@pytest.mark.parametrize("head", [b"Octave-1-L", b"Octave-1-B", gzip.compress(b"# Created by Octave", mtime=0)])
def test_octaves_other_kinds_name_the_way_out(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "a.mat").write_bytes(head + bytes(600))
    with pytest.raises(FeatureFileError, match="Octave's own binary or zipped kind, which is not read") as caught:
        read_features(tmp_path / "a.mat")
    assert "save -v7" in caught.value.hint


@pytest.mark.parametrize("height", [20, 12])
@pytest.mark.parametrize("name", ["embedmap", "anything"])
def test_hdf5_with_columns_before_rows_is_never_transposed_in_silence(tmp_path: Path, height: int, name: str) -> None:
    """Other writers of v7.3 (D, W, H) leave MATLAB's mark out: a square picture fits both ways."""
    features = some(height, W, D)
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file[name] = features.transpose()
    sentence = "does not fit its picture" if height != W else "does not say whether rows or columns come first"
    with pytest.raises(FeatureFileError, match=sentence):
        read_features(tmp_path / "a.mat", image=blank(height, W))
    with pytest.raises(FeatureFileError, match="does not say whether rows or columns come first") as caught:
        read_features(tmp_path / "a.mat")
    assert "save -v7" in caught.value.hint
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file[name] = np.moveaxis(features, -1, 0)
    told = read_features(tmp_path / "a.mat", image=blank(height, W), axis_order="DHW")
    np.testing.assert_array_equal(told.features, features)


def test_hdf5_with_channels_first_of_an_oblong_picture_needs_no_word(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.mat", "w") as file:
        file["anything"] = np.moveaxis(some(H, W, D), -1, 0)
    np.testing.assert_array_equal(read_features(tmp_path / "a.mat", image=blank(H, W)).features, some(H, W, D))
