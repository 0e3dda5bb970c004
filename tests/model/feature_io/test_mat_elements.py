"""MATLAB files whose elements would end the process inside scipy are refused; sound ones of every kind pass."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from sss_model.datasets.label_maps import count_annotators, read_label_map
from sss_model.errors import DatasetError, FeatureFileError
from sss_model.feature_io import read_features, write_features
from sss_model.feature_io.mat_elements import check_elements

DATA_TYPE = 128 + 8 + 16 + 8 + 16 + 16  # of the first matrix's numbers, behind flags, axes and a name of 8 letters


def save(path: Path, *, compressed: bool = False, **variables: object) -> Path:
    scipy.io.savemat(path, variables, do_compression=compressed)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_sound_files_of_every_kind_pass(tmp_path: Path, compressed: bool) -> None:
    cells = np.empty(3, object)
    cells[:] = [np.eye(3), "text", {"a": 1, "b": [np.arange(5), "x"]}]
    save(
        tmp_path / "a.mat", compressed=compressed, numbers=np.arange(7, dtype=np.uint8),
        single=np.zeros((2, 3, 4), "f4"), wave=np.arange(3) * 1j, text="some text", cells=cells,
        record={"inner": {"deeper": np.eye(2)}}, empty=np.empty((0, 3)),
        sparse=scipy.sparse.eye(4, format="csc"), flag=np.array([True, False]), scalar=5,
    )  # fmt: skip
    check_elements(tmp_path / "a.mat")
    scipy.io.savemat(tmp_path / "old.mat", {"x": np.eye(3)}, format="4")
    check_elements(tmp_path / "old.mat")


@pytest.mark.parametrize("kind", [0, 8, 10, 14, 15, 212])
def test_numbers_of_an_unknown_type_are_refused(tmp_path: Path, kind: int) -> None:
    path = save(tmp_path / "a.mat", embedmap=np.ones((5, 6, 4), np.float32))
    data = bytearray(path.read_bytes())
    assert struct.unpack_from("<I", data, DATA_TYPE) == (7,)
    struct.pack_into("<I", data, DATA_TYPE, kind)
    path.write_bytes(data)
    with pytest.raises(FeatureFileError, match=r"a\.mat is damaged or not a \.mat file"):
        read_features(path)


FLAGS = 128 + 8 + 8  # of the first matrix, behind the file's header, its tag, and the tag of the flags


READ_ALL = """
import sys
from sss_model.errors import SSSError
from sss_model.feature_io import read_features
for path in sys.argv[1:]:
    try:
        read_features(path)
        print("read", flush=True)
    except SSSError as error:
        print(error, error.__cause__, flush=True)
"""


def test_one_wrong_bit_of_the_flags_never_ends_the_process(tmp_path: Path) -> None:
    """The flag *complex* without an imaginary part: scipy takes the next variable's tag for its type of numbers."""
    write_features(tmp_path / "a.mat", np.ones((5, 6, 4), np.float32), format="mat", metadata={"source": "a.jpg"})
    paths = [tmp_path / f"{bit}.mat" for bit in range(8, 16)]
    for bit, path in enumerate(paths, start=8):
        data = bytearray((tmp_path / "a.mat").read_bytes())
        data[FLAGS + bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", READ_ALL, *map(str, paths)], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")  # a signal's number where it crashed
    said = done.stdout.splitlines()
    assert len(said) == len(paths)
    assert "lacks an element that its class has" in said[paths.index(tmp_path / "11.mat")]


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (FLAGS, 5, "lacks"),
        (FLAGS, 4, "more elements"),
        (FLAGS, 1, "type 9"),
        (FLAGS, 2, "type 9"),
        (FLAGS, 30, "no class 30"),
        (FLAGS + 8 + 4, 0, "axes"),
        (FLAGS + 8 + 4, 4, "axes"),
        (FLAGS + 8 + 8, 255, "axes"),
        (128 + 4, 0, "0 bytes"),
    ],
)
def test_what_its_class_does_not_have_is_refused(tmp_path: Path, place: int, value: int, why: str) -> None:
    path = save(tmp_path / "a.mat", wave=np.ones((3, 4)) * 1j)
    data = bytearray(path.read_bytes())
    data[place] = value
    if value == 255:
        data[place : place + 4] = b"\xff" * 4
    path.write_bytes(data)
    with pytest.raises(ValueError, match=why):
        check_elements(path)


@pytest.mark.parametrize("compressed", [False, True])
def test_label_maps_are_looked_at_too(tmp_path: Path, compressed: bool) -> None:
    truth = np.empty((1, 2), object)
    truth[0, 0] = truth[0, 1] = {"Segmentation": np.ones((4, 5), np.uint16)}
    path = save(tmp_path / "a.mat", compressed=compressed, groundTruth=truth)
    assert count_annotators(path) == 2
    assert read_label_map(path).shape == (4, 5)
    data = bytearray(path.read_bytes())
    if compressed:
        data[160] ^= 0xFF
    else:
        place = bytes(data).index(struct.pack("<II", 4, 40))  # the numbers of a Segmentation
        struct.pack_into("<I", data, place, 0)
    path.write_bytes(data)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_label_map(path)


def test_matrices_nested_without_end_are_refused(tmp_path: Path) -> None:
    inner = b""
    for _ in range(100):
        body = struct.pack("<IIII", 6, 8, 1, 0) + struct.pack("<IIii", 5, 8, 1, 1) + struct.pack("<II", 1, 0) + inner
        inner = struct.pack("<II", 14, len(body)) + body
    head = b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM"
    (tmp_path / "a.mat").write_bytes(head + inner)
    with pytest.raises(ValueError, match="nested too deep"):
        check_elements(tmp_path / "a.mat")
