"""Written features against the formats' own readers, and read again."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest
import scipy.io
import tifffile
from feature_files import PLAIN, some, written
from picture_files import exr
from PIL import Image

from sss_model.errors import FeatureFileError, ImageError, ParameterError
from sss_model.feature_io import (
    FORMATS,
    holds_features,
    read_features,
    read_strip,
    write_strip,
)
from sss_model.feature_io import write as writing
from sss_model.image_io import read_image


@pytest.mark.parametrize("form", ["npz16", "npz32"])
def test_numpy_reads_npz(tmp_path: Path, form: str) -> None:
    features = some(7, 5, 130)
    with np.load(written(tmp_path, features, form), allow_pickle=False) as archive:
        assert sorted(archive.files) == ["features", "metadata"]
        assert archive["features"].dtype == FORMATS[form].dtype
        np.testing.assert_array_equal(archive["features"], features.astype(FORMATS[form].dtype))
        assert json.loads(archive["metadata"].item()) == {**PLAIN, "layout": "HWD"}


def test_numpy_reads_and_maps_npy(tmp_path: Path) -> None:
    features = some(7, 5, 130)
    path = written(tmp_path, features, "npy")
    np.testing.assert_array_equal(np.load(path, allow_pickle=False), features)
    mapped = np.load(path, mmap_mode="r")
    assert mapped.dtype == np.float32
    assert mapped.flags.c_contiguous


@pytest.mark.parametrize("channels", [3, 130])
def test_scipy_reads_mat(tmp_path: Path, channels: int) -> None:
    features = some(7, 5, channels)
    path = written(tmp_path, features, "mat")
    assert path.read_bytes().startswith(b"MATLAB 5.0 MAT-file")
    loaded = scipy.io.loadmat(path)
    assert loaded["embedmap"].dtype == np.float32
    np.testing.assert_array_equal(loaded["embedmap"], features)
    assert json.loads(loaded["metadata"].item()) == {**PLAIN, "layout": "HWD"}
    assert scipy.io.whosmat(path)[0] == ("embedmap", (7, 5, channels), "single")


def test_h5py_reads_mat_from_two_gigabytes_as_matlab_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "MAT_V73_FROM", 1000)
    features = some(7, 5, 37)
    path = written(tmp_path, features, "mat")
    with h5py.File(path, "r") as file:
        assert file.userblock_size == 512
        assert file["embedmap"].shape == (37, 5, 7)
        assert file["embedmap"].attrs["MATLAB_class"] == b"single"
        assert file["embedmap"].dtype == np.float32
        np.testing.assert_array_equal(file["embedmap"][()].T, features)
        text = file["metadata"][()].T.tobytes().decode("utf-16-le")
        assert file["metadata"].attrs["MATLAB_class"] == b"char"
        assert json.loads(text) == {**PLAIN, "layout": "HWD"}
    head = path.read_bytes()[:128]
    assert head.startswith(b"MATLAB 7.3 MAT-file")
    assert head[116:124] == bytes(8)
    assert head[124:128] == b"\x00\x02IM"
    with pytest.raises(NotImplementedError, match=r"HDF reader for matlab v7\.3"):  # scipy knows it by its header
        scipy.io.loadmat(path)
    np.testing.assert_array_equal(read_features(path).features, features)


@pytest.mark.parametrize("channels", [1, 2, 3, 12, 1002])
def test_openexr_reads_exr(tmp_path: Path, channels: int) -> None:
    features = some(3, 5, channels)
    with OpenEXR.File(str(written(tmp_path, features, "exr", "Karte é")), separate_channels=True) as file:
        read = {name: channel.pixels for name, channel in file.channels().items()}
        assert json.loads(file.header()["sss_metadata"]) == {**PLAIN, "layout": "HWD"}
    names = ["R", "G", "B"] if channels == 3 else sorted(read)
    assert len(read) == channels
    assert channels == 3 or names[0] in ("feature.000", "feature.0000")
    for i, name in enumerate(names):
        assert read[name].dtype == np.float32
        np.testing.assert_array_equal(read[name], features[..., i])


@pytest.mark.parametrize("channels", [1, 2, 3, 130])
def test_tifffile_reads_tiff(tmp_path: Path, channels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BLOCK", 3000)  # several strips, the last one shorter
    features = some(11, 5, channels)
    path = written(tmp_path, features, "tiff")
    np.testing.assert_array_equal(tifffile.imread(path), features[..., 0] if channels == 1 else features)
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 1
        assert not file.is_bigtiff
        assert json.loads(file.pages[0].description) == {**PLAIN, "layout": "HWD"}


def test_bigtiff_from_four_gigabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "BIGTIFF_FROM", 1000)
    features = some(7, 5, 37)
    with tifffile.TiffFile(written(tmp_path, features, "tiff")) as file:
        assert file.is_bigtiff
        np.testing.assert_array_equal(file.asarray(), features)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("shape", [(6, 9, 4), (1, 1, 3), (1, 9, 5), (9, 1, 128), (40, 50, 3)])
def test_round_trip(tmp_path: Path, form: str, shape: tuple[int, int, int]) -> None:
    features = some(*shape)
    image = np.zeros((*shape[:2], 3), np.float32)
    read = read_features(written(tmp_path, features, form), image=image)
    expected = features.astype(np.float16).astype(np.float32) if form == "npz16" else features
    np.testing.assert_array_equal(read.features, expected)
    assert read.features.dtype == np.float32
    assert read.features.flags.c_contiguous
    assert read.features.flags.writeable
    assert read.axis_order == "HWD"
    assert read.metadata == ({} if form == "npy" else PLAIN)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
def test_ours_needs_no_picture_to_tell_its_axes(tmp_path: Path, form: str) -> None:
    features = some(6, 9, 16)
    read = read_features(written(tmp_path, features, form))
    assert read.features.shape == (6, 9, 16)
    assert read.image is None


def test_npy_learns_its_axes_from_the_json_of_the_export(tmp_path: Path) -> None:
    path = written(tmp_path, some(6, 9, 16), "npy", "photo-features")
    record = {"program": "sss-features", "files": [path.name], "radius": 5}
    (tmp_path / "photo.json").write_text(json.dumps(record), encoding="utf-8")
    read = read_features(path)
    assert read.features.shape == (6, 9, 16)
    assert read.metadata["radius"] == 5


@pytest.mark.parametrize("form", FORMATS)
def test_any_strides_types_and_blocks(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BLOCK", 5000)
    monkeypatch.setattr(writing, "MAT_V73_FROM", 100_000)
    channels_first = np.round(some(20, 24, 18), 2).astype(np.float64)
    features = np.moveaxis(channels_first, 0, -1)[::-1]
    read = read_features(written(tmp_path, features, form), image=np.zeros((24, 18, 3), np.float32))
    np.testing.assert_allclose(read.features, features, rtol=1e-3 if form == "npz16" else 1e-7)


@pytest.mark.parametrize("form", FORMATS)
def test_memory_mapped_half_features(tmp_path: Path, form: str) -> None:
    features = some(30, 20, 16).astype(np.float16)
    np.save(tmp_path / "store.npy", features)
    mapped = np.load(tmp_path / "store.npy", mmap_mode="r")
    read = read_features(written(tmp_path, mapped, form), image=np.zeros((30, 20, 3), np.float32))
    np.testing.assert_array_equal(read.features, features.astype(np.float32))


@pytest.mark.parametrize("form", FORMATS)
def test_same_features_same_bytes(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An export from the window and one from the command line must be equal, whenever they were made."""
    features = some(6, 9, 4)
    first = written(tmp_path, features, form, "a").read_bytes()
    monkeypatch.setattr("time.time", lambda: 2e9)
    monkeypatch.setattr("time.asctime", lambda *_: "Wed May 18 2033")
    assert written(tmp_path, features, form, "b").read_bytes() == first


def test_opened_as_features_or_as_a_picture(tmp_path: Path) -> None:
    for form in FORMATS:
        assert holds_features(written(tmp_path, some(6, 9, 3), form))
    Image.fromarray(np.zeros((6, 9, 3), np.uint8)).save(tmp_path / "photo.tif")
    Image.fromarray(np.zeros((6, 9, 3), np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "notes.tif").write_text("no TIFF")
    exr(tmp_path / "photo.exr", {"RGB": np.zeros((6, 9, 3), np.float32)})
    write_strip(tmp_path / "strip.png", np.zeros((4, 5, 3)), np.zeros((4, 5, 3)))
    assert holds_features(tmp_path / "strip.png")
    assert holds_features(tmp_path / "missing.npz")
    for name in ("photo.tif", "photo.png", "photo.exr", "notes.tif", "missing.png", "."):
        assert not holds_features(tmp_path / name)
    tifffile.imwrite(tmp_path / "planes.tif", np.zeros((16, 6, 9), np.float32))
    assert not holds_features(tmp_path / "planes.tif"), "a stack of pictures"
    Image.fromarray(np.zeros((6, 9, 3), np.uint8)).save(tmp_path / "planes.png")
    assert holds_features(tmp_path / "planes.tif")


def test_strip_is_image_left_and_features_right(tmp_path: Path) -> None:
    """As demo.m splits it: features = strip(:, end/2+1 : end, :), image = strip(:, 1 : end/2, :)."""
    pictures = np.random.default_rng(0).integers(0, 256, (2, 9, 7, 3), dtype=np.uint8)
    image, map3 = pictures / np.float32(255)
    write_strip(tmp_path / "strip.png", image, map3)
    both = np.asarray(Image.open(tmp_path / "strip.png"))
    assert both.dtype == np.uint8
    np.testing.assert_array_equal(both[:, :7], pictures[0])
    np.testing.assert_array_equal(both[:, 7:], pictures[1])
    for left, right in (read_strip(tmp_path / "strip.png"), _opened(tmp_path / "strip.png")):
        np.testing.assert_array_equal(left, image)
        np.testing.assert_array_equal(right, map3)
        assert right.flags.c_contiguous


def _opened(path: Path) -> tuple[np.ndarray, np.ndarray]:
    read = read_features(path)
    assert read.axis_order == "strip"
    assert read.image is not None
    return read.image, read.features


def test_bad_strips(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"map3 must have the image's shape \(4, 5, 3\), got \(4, 6, 3\)"):
        write_strip(tmp_path / "a.png", np.zeros((4, 5, 3)), np.zeros((4, 6, 3)))
    Image.fromarray(np.zeros((4, 5, 3), np.uint8)).save(tmp_path / "odd.png")
    with pytest.raises(FeatureFileError, match=r"odd\.png is 5 pixels wide; a strip .* has an even width"):
        read_strip(tmp_path / "odd.png")
    with pytest.raises(ImageError, match="does not exist"):
        read_features(tmp_path / "none.png")


def test_three_channel_tiff_is_a_picture_too(tmp_path: Path) -> None:
    map3 = np.random.default_rng(0).uniform(0, 1, (6, 5, 3)).astype(np.float32)
    np.testing.assert_array_equal(read_image(written(tmp_path, map3, "tiff")), map3)
