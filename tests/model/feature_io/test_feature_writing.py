"""Every way in which writing fails, and what is left: the old file, and no part of the new."""

from __future__ import annotations

import collections
import errno
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from feature_files import METADATA, PLAIN, some, written

from sss_model.errors import Cancelled, FeatureFileError, ImageError, ParameterError
from sss_model.feature_io import (
    FORMATS,
    write_features,
)
from sss_model.feature_io import write as writing
from sss_model.feature_io.memory_order import channel_first, channel_last
from sss_model.feature_io.write import json_text
from sss_model.progress import Progress
from sss_model.storage.atomic_write import reason, replacing


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
    convert = writing.converted_block

    def fill(block: np.ndarray, dtype: np.dtype, start: tuple[int, int, int]) -> np.ndarray:
        if start != (0, 0, 0):
            raise OSError(errno.ENOSPC, "No space left on device")
        return convert(block, dtype, start)

    monkeypatch.setattr(writing, "_BLOCK", 1)
    monkeypatch.setattr(writing, "converted_block", fill)
    with pytest.raises(FeatureFileError, match=r"could not be written: the disk is full\.") as caught:
        written(tmp_path, some(6, 9, 40), form)
    assert caught.value.hint
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a system without /dev/full")
@pytest.mark.parametrize("form", FORMATS)
def test_a_real_full_disk(tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The temporary file is a link to a device on which every write fails: the libraries' own words are understood."""
    names = iter(("full00000000", "of another file"))
    monkeypatch.setattr("sss_model.storage.atomic_write.own_name", lambda: next(names))
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


def test_json_is_sorted_and_finite() -> None:
    text = json_text({**METADATA, "path": Path("x"), "deep": {"b": np.arange(2), "a": np.True_}})
    assert "Straße 日本" in text
    assert json.loads(text) == {**PLAIN, "path": "x", "deep": {"b": [0, 1], "a": True}}
    assert list(json.loads(text)) == sorted(json.loads(text))
    for bad in (float("nan"), np.float32(np.inf), object()):
        with pytest.raises(ParameterError, match="metadata must be plain finite values"):
            json_text({"value": bad})


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (
            OSError("[Errno 28] Unable to write (errno = 28, error message = 'No space left on device')"),
            "the disk is full",
        ),
        (OSError("640000 requested and 261980 written"), "the disk is full"),
        (RuntimeError('Cannot open image file "a.exr". Permission denied.'), "access to it is not permitted"),
        (RuntimeError("Something else.\nAt length."), "Something else"),
        (OSError(errno.ENOTEMPTY, "Directory not empty"), "Directory not empty"),
        (RuntimeError(), "RuntimeError"),
    ],
)
def test_what_the_libraries_say_becomes_a_reason(error: Exception, why: str) -> None:
    assert reason(error)[0] == why
    assert reason(error)[1]


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
