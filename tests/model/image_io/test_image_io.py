"""Pictures of every kind, against Pillow itself; thumbnails; writing."""

from __future__ import annotations

import errno
import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from picture_files import check_contract, noise, saved
from PIL import Image, ImageOps

from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import (
    image_size,
    read_image,
    read_thumbnail,
    to_picture,
    write_picture,
)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "ppm", "tga", "qoi", "jp2"])
def test_eight_bit_files_are_value_over_255(tmp_path: Path, suffix: str) -> None:
    if suffix == "qoi" and "QOI" not in Image.SAVE:
        pytest.skip("this Pillow writes no QOI")
    array = noise(23, 31, 3)
    options = {"lossless": True} if suffix == "webp" else {"irreversible": False} if suffix == "jp2" else {}
    path = saved(tmp_path / f"a.{suffix}", array, **options)
    image = read_image(path)
    check_contract(image, 23, 31)
    np.testing.assert_array_equal(image, array / np.float32(255))
    assert image_size(str(path)) == (23, 31)
    np.testing.assert_array_equal(to_picture(image), array)


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_jpeg_equals_pillow(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "a.jpg", noise(24, 40, 3), mode, quality=95)
    expected = np.asarray(Image.open(path).convert("RGB")) / np.float32(255)
    np.testing.assert_array_equal(read_image(path), expected)


def test_adobe_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    """Photoshop stores inks inverted; Pillow does too on saving, with the Adobe marker. Red must stay red."""
    path = saved(tmp_path / "a.jpg", np.full((16, 16, 3), (200, 20, 30), np.uint8), "CMYK", quality=95)
    assert b"Adobe" in path.read_bytes()
    np.testing.assert_allclose(read_image(path)[8, 8] * 255, (200, 20, 30), atol=6)


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_grey_one_bit_and_palette(tmp_path: Path, mode: str) -> None:
    path = saved(tmp_path / "a.png", noise(15, 9, 3), mode)
    expected = np.asarray(Image.open(path).convert("RGB")) / np.float32(255)
    image = read_image(path)
    check_contract(image, 15, 9)
    np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_alpha_is_laid_over_white(tmp_path: Path, mode: str, suffix: str) -> None:
    array = noise(12, 17, len(mode))
    path = saved(tmp_path / f"a.{suffix}", array)
    unit = array / np.float32(255)
    colours, alpha = unit[..., :-1], unit[..., -1:]
    expected = np.broadcast_to(colours * alpha + (1 - alpha), (12, 17, 3))
    np.testing.assert_allclose(read_image(path), expected, atol=1e-6)


def test_opaque_alpha_changes_nothing(tmp_path: Path) -> None:
    array = noise(12, 17, 3)
    opaque = np.dstack([array, np.full((12, 17), 255, np.uint8)])
    np.testing.assert_array_equal(read_image(saved(tmp_path / "a.png", opaque)), array / np.float32(255))


def test_transparent_palette_entry_and_colour_key(tmp_path: Path) -> None:
    indexed = Image.fromarray(np.array([[0, 1]], np.uint8), mode=None)
    indexed = Image.frombytes("P", (2, 1), b"\x00\x01")
    indexed.putpalette([10, 20, 30, 40, 50, 60])
    indexed.save(tmp_path / "p.png", transparency=1)
    np.testing.assert_allclose(read_image(tmp_path / "p.png")[0] * 255, [[10, 20, 30], [255, 255, 255]], atol=1e-4)
    keyed = Image.fromarray(np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8))
    keyed.save(tmp_path / "k.png", transparency=(1, 2, 3))
    np.testing.assert_allclose(read_image(tmp_path / "k.png")[0] * 255, [[255, 255, 255], [4, 5, 6]], atol=1e-4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_exif_orientation_equals_pillow(tmp_path: Path, orientation: int, suffix: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / f"a.{suffix}", noise(24, 40, 3), exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    image = read_image(path)
    np.testing.assert_array_equal(to_picture(image), expected)
    assert image.flags.c_contiguous
    assert image_size(path) == expected.shape[:2]
    assert read_thumbnail(path, 1000).shape == expected.shape


def test_damaged_exif_does_not_hide_the_picture(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", noise(5, 6, 3), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_image(path).shape == (5, 6, 3)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_first_frame_of_an_animation(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:], **options)
    np.testing.assert_array_equal(to_picture(read_image(tmp_path / f"a.{suffix}"))[3, 3], (255, 0, 0))


def test_mpo_gives_its_first_view(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ((255, 0, 0), (0, 0, 255))]
    frames[0].save(tmp_path / "a.mpo", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(to_picture(read_image(tmp_path / "a.mpo"))[8, 8], (255, 0, 0), atol=4)


def test_one_pixel_and_thin_ones(tmp_path: Path) -> None:
    for height, width in ((1, 1), (1, 50), (50, 1)):
        image = read_image(saved(tmp_path / "a.png", noise(height, width, 3)))
        check_contract(image, height, width)


def test_non_ascii_path(tmp_path: Path) -> None:
    path = saved(tmp_path / "Fotos-日本 é.png", noise(3, 4, 3))
    assert read_image(str(path)).shape == (3, 4, 3)
    write_picture(path, noise(5, 6, 3))
    assert image_size(path) == (5, 6)


def test_content_counts_not_the_suffix(tmp_path: Path) -> None:
    saved(tmp_path / "a.png", noise(3, 4, 3)).rename(tmp_path / "a.jpg")
    assert read_image(tmp_path / "a.jpg").shape == (3, 4, 3)


def test_over_a_hundred_megapixels_without_pillows_warning(tmp_path: Path) -> None:
    """Pillow warns from 89 Mpx and refuses from 179; ours reads both headers, and Pillow's limit stays as it was."""
    before = Image.MAX_IMAGE_PIXELS
    saved(tmp_path / "a.png", np.zeros((200, 1), np.uint8))
    data = bytearray((tmp_path / "a.png").read_bytes())
    data[16:24] = struct.pack(">II", 20_000, 10_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    (tmp_path / "a.png").write_bytes(data)
    assert image_size(tmp_path / "a.png") == (10_000, 20_000)
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif"])
def test_thumbnail_is_the_average(tmp_path: Path, suffix: str) -> None:
    y, x = np.mgrid[0:160, 0:240]
    smooth = np.stack([x, y, 255 - x], -1).astype(np.uint8)
    path = saved(tmp_path / f"a.{suffix}", smooth)
    small = read_thumbnail(path, 60)
    assert small.shape == (40, 60, 3)
    assert small.dtype == np.uint8
    expected = smooth.reshape(40, 4, 60, 4, 3).mean((1, 3))
    assert np.abs(small - expected).max() <= (6 if suffix == "jpg" else 1)
    assert read_thumbnail(path, 10_000).shape == (160, 240, 3)


def test_thumbnail_of_transparent_deep_and_bad(tmp_path: Path) -> None:
    clear = saved(tmp_path / "a.png", np.zeros((8, 8, 4), np.uint8))
    np.testing.assert_array_equal(read_thumbnail(clear, 4), 255)
    deep = saved(tmp_path / "b.png", np.full((8, 8), 0x8000, np.uint16))
    np.testing.assert_array_equal(read_thumbnail(deep, 4), np.full((4, 4, 3), 128))
    with pytest.raises(ParameterError, match="side must be at least 1"):
        read_thumbnail(clear, 0)


@pytest.mark.parametrize("block", [1, 300, 1 << 20])  # bytes that are packed at once
@pytest.mark.parametrize("channels", [3, 4])
def test_written_picture_is_what_pillow_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: int, block: int
) -> None:
    monkeypatch.setattr("sss_model.image_io.write._BLOCK", block)
    picture = noise(33, 20, channels)
    write_picture(tmp_path / "a.png", picture[:, ::-1])
    with Image.open(tmp_path / "a.png") as read:
        assert read.format == "PNG"
        assert read.mode == ("RGB" if channels == 3 else "RGBA")
        np.testing.assert_array_equal(np.asarray(read), picture[:, ::-1])
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_only_pictures_are_written(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(ParameterError, match=r"picture must be \(H, W, 3\) or \(H, W, 4\) uint8, got"):
        write_picture(tmp_path / "a.png", picture)
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "a.png could not be written: the disk is full."),
        (errno.EROFS, "a.png could not be written: its disk is read-only."),
        (errno.EACCES, "a.png could not be written: access to it is not permitted."),
    ],
)
def test_refused_writing_leaves_the_old_file_and_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, sentence: str
) -> None:
    write_picture(tmp_path / "a.png", noise(4, 4, 3))
    before = (tmp_path / "a.png").read_bytes()

    def refuse(file: io.BufferedWriter, *_: object) -> None:
        file.write(b"half a picture")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("sss_model.image_io.write._chunk", refuse)
    with pytest.raises(ImageError, match=sentence) as caught:
        write_picture(tmp_path / "a.png", noise(5, 5, 3), text={"Title": "a"})
    assert caught.value.hint
    assert (tmp_path / "a.png").read_bytes() == before
    assert os.listdir(tmp_path) == ["a.png"]


def test_missing_folder_a_file_as_folder_and_a_folder_as_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder.png").mkdir()
    for name, sentence in {
        "none/a.png": "its folder does not exist",
        "file/a.png": "a part of its path is a file",
        "folder.png": "a folder has that name",
        "x" * 300 + ".png": "its name is too long",
    }.items():
        with pytest.raises(ImageError, match=sentence):
            write_picture(tmp_path / name, noise(2, 2, 3))
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ImageError, match="access to it is not permitted"):
            write_picture(tmp_path / "a.png", noise(2, 2, 3))
    finally:
        tmp_path.chmod(0o700)
