"""Written features against the formats' own readers, and every way in which writing fails."""

from __future__ import annotations

import collections
import errno
import json
import os
import shutil
from pathlib import Path

import h5py
import numpy as np
import OpenEXR
import pytest
import scipy.io
import tifffile
from PIL import Image

from sss_model.atomic_file import replacing
from sss_model.errors import Cancelled, FeatureFileError, ImageError, ParameterError
from sss_model.feature_io import (
    FORMATS,
    holds_features,
    read_features,
    read_strip,
    write_features,
    write_json,
    write_strip,
)
from sss_model.feature_io import write as writing
from sss_model.feature_io.transposing import channel_first, channel_last
from sss_model.image_io import read_image
from sss_model.progress import Progress

METADATA = {"source": "Straße 日本.jpg", "radius": 5, "sizes": (3, 4), "mean": np.float32(0.5), "axis": np.arange(2)}
PLAIN = {"source": "Straße 日本.jpg", "radius": 5, "sizes": [3, 4], "mean": 0.5, "axis": [0, 1]}


def some(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def written(folder: Path, features: np.ndarray, form: str, name: str = "map") -> Path:
    path = folder / f"{name}{FORMATS[form].suffix}"
    write_features(path, features, format=form, metadata=METADATA)
    return path


# --- what other programs read --------------------------------------------------------------------


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


# --- round trips ---------------------------------------------------------------------------------


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
    assert read.layout == "HWD"
    assert read.metadata == ({} if form == "npy" else PLAIN)


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
def test_ours_needs_no_picture_to_tell_its_axes(tmp_path: Path, form: str) -> None:
    features = some(6, 9, 16)
    read = read_features(written(tmp_path, features, form))
    assert read.features.shape == (6, 9, 16)
    assert read.image is None


def test_npy_learns_its_axes_from_the_json_of_the_export(tmp_path: Path) -> None:
    path = written(tmp_path, some(6, 9, 16), "npy", "photo-features")
    write_json(tmp_path / "photo.json", {"program": "sss-features", "files": [path.name], "radius": 5})
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


def exr_picture(path: Path) -> None:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, {"RGB": np.zeros((6, 9, 3), np.float32)}) as file:
        file.write(str(path))


def test_opened_as_features_or_as_a_picture(tmp_path: Path) -> None:
    for form in FORMATS:
        assert holds_features(written(tmp_path, some(6, 9, 3), form))
    Image.fromarray(np.zeros((6, 9, 3), np.uint8)).save(tmp_path / "photo.tif")
    Image.fromarray(np.zeros((6, 9, 3), np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "notes.tif").write_text("no TIFF")
    exr_picture(tmp_path / "photo.exr")
    write_strip(tmp_path / "strip.png", np.zeros((4, 5, 3)), np.zeros((4, 5, 3)))
    assert holds_features(tmp_path / "strip.png")
    assert holds_features(tmp_path / "missing.npz")
    for name in ("photo.tif", "photo.png", "photo.exr", "notes.tif", "missing.png", "."):
        assert not holds_features(tmp_path / name)
    tifffile.imwrite(tmp_path / "planes.tif", np.zeros((16, 6, 9), np.float32))
    assert holds_features(tmp_path / "planes.tif")


# --- the strip -----------------------------------------------------------------------------------


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
    assert read.layout == "strip"
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


# --- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "form", "name", "sentence"),
    [
        (np.zeros((4, 5)), "npy", "a.npy", r"features must be \(H, W, D\) float, got \(4, 5\) float64"),
        (np.zeros((4, 5, 6), np.uint8), "npy", "a.npy", r"got \(4, 5, 6\) uint8"),
        (np.zeros((4, 0, 6)), "npy", "a.npy", r"got \(4, 0, 6\) float64"),
        (np.zeros((4, 5, 6), complex), "npy", "a.npy", r"got \(4, 5, 6\) complex128"),
        (np.zeros((4, 5, 6)), "numpy", "a.npy", "format must be one of npz16, npz32, npy, mat, exr, tiff; got 'numpy'"),
        (np.zeros((4, 5, 6)), "mat", "a.npy", r"path must end in \.mat for the format mat, got a\.npy"),
    ],
)
def test_wrong_arguments(tmp_path: Path, features: np.ndarray, form: str, name: str, sentence: str) -> None:
    with pytest.raises(ParameterError, match=sentence):
        write_features(tmp_path / name, features, format=form)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_not_finite_is_not_written(tmp_path: Path, form: str, value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BLOCK", 500)
    features = some(9, 5, 20)
    features[6, 2, 17] = value
    with pytest.raises(FeatureFileError, match=f"hold {value} at row 6, column 2, channel 17; only finite"):
        written(tmp_path, features, form)
    monkeypatch.setattr(writing, "MAT_V73_FROM", 10)
    with pytest.raises(FeatureFileError, match="at row 6, column 2, channel 17; only finite"):
        written(tmp_path, features, form)
    assert not os.listdir(tmp_path)


def test_over_halfs_range(tmp_path: Path) -> None:
    features = some(4, 5, 6)
    features[1, 2, 3] = 1e6
    with pytest.raises(FeatureFileError, match=r"reach 1e\+06 at row 1, column 2, channel 3, more than float16") as e:
        written(tmp_path, features, "npz16")
    assert "float32" in e.value.hint
    written(tmp_path, features, "npz32")


@pytest.mark.parametrize("form", FORMATS)
def test_disk_filling_up_leaves_the_old_file_and_no_part(
    tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, some(6, 9, 4), form)
    before = path.read_bytes()
    convert = writing._converted

    def fill(block: np.ndarray, dtype: np.dtype, start: tuple[int, int, int]) -> np.ndarray:
        if start != (0, 0, 0):
            raise OSError(errno.ENOSPC, "No space left on device")
        return convert(block, dtype, start)

    monkeypatch.setattr(writing, "_BLOCK", 1)
    monkeypatch.setattr(writing, "_converted", fill)
    with pytest.raises(FeatureFileError, match=r"could not be written: the disk is full\.") as caught:
        written(tmp_path, some(6, 9, 40), form)
    assert caught.value.hint
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")
@pytest.mark.parametrize("form", FORMATS)
def test_a_real_full_disk(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is a link to a device on which every write fails: the libraries' own words are understood."""

    class Full:
        hex = "full00000000"

    monkeypatch.setattr("sss_model.atomic_file.uuid.uuid4", lambda: Full)
    path = tmp_path / f"map{FORMATS[form].suffix}"
    part = tmp_path / f".full00000000.part{path.suffix}"
    small, builtin_open = some(60, 90, 40), open

    def onto_full(name: object, mode: str = "r", *args: object, **options: object) -> object:
        if str(name) == str(part) and "x" in mode:
            return builtin_open("/dev/full", mode.replace("x", "w"), *args, **options)
        return builtin_open(name, mode, *args, **options)

    if form in ("exr", "tiff"):
        part.symlink_to("/dev/full")  # these open the name themselves
    monkeypatch.setattr("builtins.open", onto_full)
    monkeypatch.setattr("io.open", onto_full)
    with pytest.raises(FeatureFileError, match="could not be written"):
        write_features(path, small, format=form)
    assert not os.listdir(tmp_path)


def test_too_little_room_is_said_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = collections.namedtuple("usage", "total used free")(10**9, 10**9, 100)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(FeatureFileError, match=r"map\.npy could not be written: the disk is full\."):
        written(tmp_path, some(6, 9, 4), "npy")


@pytest.mark.parametrize("form", FORMATS)
def test_missing_folder_and_a_file_for_a_folder(tmp_path: Path, form: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FeatureFileError, match="could not be written: its folder does not exist"):
        written(tmp_path / "none", some(6, 9, 4), form)
    with pytest.raises(FeatureFileError, match="could not be written: a part of its path is a file"):
        written(tmp_path / "file", some(6, 9, 4), form)
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize("form", FORMATS)
def test_cancelled_between_blocks(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_BLOCK", 1)
    asked: list[int] = []
    progress = Progress(cancelled=lambda: asked.append(1) or len(asked) > 2)
    path = tmp_path / f"map{FORMATS[form].suffix}"
    monkeypatch.setattr(writing, "MAT_V73_FROM", 10)
    with pytest.raises(Cancelled):
        write_features(path, some(6, 9, 64), format=form, progress=progress)
    assert not os.listdir(tmp_path)


def test_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for form, package in {"mat": "scipy", "exr": "OpenEXR", "tiff": "tifffile"}.items():
        monkeypatch.setitem(__import__("sys").modules, package if form != "mat" else "scipy.io", None)
        with pytest.raises(FeatureFileError, match=f"files need the Python package {package}, which is not installed"):
            written(tmp_path, some(6, 9, 4), form)
    assert not os.listdir(tmp_path)


# --- JSON and the temporary name -----------------------------------------------------------------


def test_json_is_sorted_finite_utf8(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {**METADATA, "path": Path("x"), "deep": {"b": np.arange(2), "a": np.True_}})
    text = (tmp_path / "a.json").read_bytes().decode("utf-8")
    assert "Straße 日本" in text
    assert text.endswith("}\n")
    assert json.loads(text) == {**PLAIN, "path": "x", "deep": {"b": [0, 1], "a": True}}
    assert list(json.loads(text)) == sorted(json.loads(text))
    for bad in (float("nan"), np.float32(np.inf), object()):
        with pytest.raises(ParameterError, match="metadata must be plain finite values"):
            write_json(tmp_path / "a.json", {"value": bad})
    assert (tmp_path / "a.json").read_bytes().decode("utf-8") == text
    with pytest.raises(FeatureFileError, match="its folder does not exist"):
        write_json(tmp_path / "none" / "a.json", {})


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "a.txt"
    with replacing(target, ImageError) as temporary:
        temporary.write_text("new")
        assert temporary.parent == tmp_path
        assert not target.exists()
    assert target.read_text() == "new"

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with (
        pytest.raises(ImageError, match=r"a\.txt could not be written: access to it is not permitted\."),
        replacing(target, ImageError) as temporary,
    ):
        temporary.write_text("newer")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt), replacing(target, ImageError) as temporary:
        temporary.write_text("newest")
    assert target.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("shape", [(1, 1, 1), (70, 45, 130), (45, 70, 3), (300, 9, 2)])
@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (2, 1, 0)])
def test_blocked_copies_equal_numpys(shape: tuple[int, int, int], axes: tuple[int, int, int]) -> None:
    features = some(*shape)
    stored = np.ascontiguousarray(features.transpose(axes))
    back = channel_last(stored.transpose(np.argsort(axes)))
    np.testing.assert_array_equal(back, features)
    assert back.flags.c_contiguous
    turned = channel_first(features, axes)
    np.testing.assert_array_equal(turned, stored)
    assert turned.flags.c_contiguous
    assert channel_last(stored.transpose(np.argsort(axes)).astype(np.float16)).dtype == np.float32
