"""Named pipes, devices and sockets: refused at once, whatever is asked of them, and never opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from feature_files import some

from sss_model.errors import FeatureFileError, ImageError
from sss_model.feature_io import find_image_for, holds_features, read_features, write_features
from sss_model.feature_io.companion_files import read_record
from sss_model.files.inputs import look_into, read_input
from sss_model.image_io import image_size, read_image, read_text, read_thumbnail

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes"),
    pytest.mark.timeout(20),  # opening a pipe that nobody writes to never returns
]


@pytest.mark.parametrize("function", [read_image, image_size, read_text, lambda path: read_thumbnail(path, 9)])
def test_no_picture_is_read_from_a_pipe(tmp_path: Path, function) -> None:  # type: ignore[no-untyped-def]
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ImageError, match=r"a\.png is a named pipe, not a picture\.") as caught:
        function(tmp_path / "a.png")
    assert caught.value.hint


def test_no_picture_is_read_from_a_device_or_a_socket(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"/dev/zero is a device, not a picture"):
        read_image("/dev/zero")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "a.png"))
        with pytest.raises(ImageError, match="is a socket, not a picture"):
            read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["npz", "npy", "mat", "exr", "tif"])
def test_no_features_are_read_from_a_pipe(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    os.mkfifo(path)
    assert holds_features(path) == (suffix != "tif")
    for read in (read_features, read_input):
        with pytest.raises((FeatureFileError, ImageError), match=r"is a named pipe, not a (feature file|picture)"):
            read(path)


def test_pipes_beside_files_are_passed_over(tmp_path: Path) -> None:
    write_features(tmp_path / "a.npy", some(8, 9, 5), format="npy")
    for name in ("a.npy.json", "a.json", "a.jpg", "b.exr", "c.tif"):
        os.mkfifo(tmp_path / name)
    assert read_record(tmp_path / "a.npy") == {}
    assert find_image_for(tmp_path / "a.npy") is None
    assert look_into(tmp_path).files == [tmp_path / "a.npy"]
    assert read_features(tmp_path / "a.npy", axis_order="HWD").features.shape == (8, 9, 5)
