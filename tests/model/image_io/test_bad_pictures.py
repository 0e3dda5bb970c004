"""What is no picture, or is damaged: a sentence, and never a crash."""

from __future__ import annotations

import errno
from pathlib import Path

import numpy as np
import pytest
import tifffile
from picture_files import check_contract, noise, png, saved
from PIL import Image, ImageFile

from sss_model.errors import ImageError
from sss_model.image_io import (
    image_size,
    read_image,
    read_thumbnail,
)


def test_enormous_is_refused_from_its_header(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(100_000, 50_000, 8, 2, b""))
    for function in (read_image, image_size, lambda path: read_thumbnail(path, 64)):
        with pytest.raises(ImageError, match=r"a\.png: The picture has 100000 x 50000 pixels; at most 400 million"):
            function(tmp_path / "a.png")
    tiff = tmp_path / "a.tif"
    tifffile.imwrite(tiff, shape=(1, 1, 3), dtype=np.float32, photometric="rgb")
    with tifffile.TiffFile(tiff, mode="r+b") as file:
        file.pages[0].tags[256].overwrite(60000)
        file.pages[0].tags[257].overwrite(60000)
    with pytest.raises(ImageError, match="60000 x 60000 pixels"):
        read_image(tiff)


@pytest.mark.parametrize("suffix", ["tif", "gif", "webp", "png", "jpg"])
def test_pillows_own_limit_of_pixels_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """It is a third of ours, and asked for when a picture is opened and again when a TIFF is decoded."""
    options = {"compression": "tiff_lzw"} if suffix == "tif" else {}
    path = saved(tmp_path / f"a.{suffix}", noise(40, 30, 3), **options)
    expected = read_image(path)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(read_image(path), expected)
    assert read_thumbnail(path, 20).shape == (20, 15, 3)
    assert Image.MAX_IMAGE_PIXELS == 10


@pytest.mark.parametrize("function", [read_image, image_size, lambda path: read_thumbnail(path, 64)])
def test_missing_folder_empty_and_text(tmp_path: Path, function) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "notes.png").write_text("these are notes, not a picture\n" * 20)
    (tmp_path / "empty.jpg").touch()
    for name, sentence in {
        "nothing.png": r"nothing\.png does not exist\.",
        "": r"is a folder, not a picture\.",
        "empty.jpg": r"empty\.jpg is empty \(0 bytes\)\.",
        "notes.png": r"notes\.png is not a picture of a known format\.",
        "notes.png/a.png": r"a\.png",
        "nul\0.png": r"nul",
    }.items():
        with pytest.raises(ImageError, match=sentence) as caught:
            function(f"{tmp_path}/{name}" if name else tmp_path)
        assert caught.value.hint


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "bmp", "webp", "gif"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_truncated(tmp_path: Path, suffix: str, share: float) -> None:
    path = saved(tmp_path / f"a.{suffix}", noise(64, 64, 3))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * min(share, 0.8 if suffix == "jpg" else 1))])
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    with pytest.raises(ImageError, match=r"truncated|damaged|not a picture") as caught:
        read_image(path)
    assert caught.value.hint


def test_truncated_float_tiff(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.ones((50, 50, 3), np.float32), photometric="rgb")
    data = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "a.tif").write_bytes(data[:9000])
    with pytest.raises(ImageError, match=r"truncated|damaged"):
        read_image(tmp_path / "a.tif")


def test_flipped_bits_give_a_picture_or_a_sentence(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    file = tmp_path / "broken"
    for suffix in ("png", "jpg", "tif", "gif", "webp"):
        data = np.frombuffer(saved(tmp_path / f"a.{suffix}", noise(32, 32, 3)).read_bytes(), np.uint8)
        for _ in range(30):
            broken = data.copy()
            where = rng.integers(0, min(len(data), 400), 6)
            broken[where] = rng.integers(0, 256, 6)
            try:
                file.write_bytes(broken.tobytes())
                image = read_image(file)
            except ImageError:
                continue
            check_contract(image, *image.shape[:2])


def test_postscript_is_never_run(tmp_path: Path) -> None:
    """Pillow would start Ghostscript, an interpreter, for this file."""
    saved(tmp_path / "a.eps", noise(8, 8, 3))
    with pytest.raises(ImageError, match="not a picture of a known format"):
        read_image(tmp_path / "a.eps")


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path / "a.png", noise(3, 4, 3))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match=r"a\.png may not be read by you\."):
        read_image(path)
