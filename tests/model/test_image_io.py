"""image_io against Pillow, OpenCV and tifffile themselves, and on every kind of bad file."""

from __future__ import annotations

import errno
import io
import os
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile
from PIL import Image, ImageFile, ImageOps

from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import (
    decode_image,
    image_from_array,
    image_size,
    read_image,
    read_text,
    read_thumbnail,
    to_picture,
    write_picture,
)


def noise(*shape: int, dtype: type = np.uint8) -> np.ndarray:
    return np.random.default_rng(sum(shape)).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def saved(path: Path, array: np.ndarray, mode: str | None = None, **options: object) -> Path:
    picture = Image.fromarray(array)
    (picture.convert(mode) if mode else picture).save(path, **options)
    return path


def check_contract(image: np.ndarray, height: int, width: int) -> None:
    assert image.shape == (height, width, 3)
    assert image.dtype == np.float32
    assert image.flags.c_contiguous
    assert image.flags.writeable
    assert image.min() >= 0
    assert image.max() <= 1


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


# --- depth ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_sixteen_bit_png_keeps_its_bits(tmp_path: Path, channels: int) -> None:
    cv2 = pytest.importorskip("cv2")
    array = noise(19, 23, channels, dtype=np.uint16)
    if channels == 4:
        array[..., 3] = 65535
    stored = array[..., {1: [0], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]]
    cv2.imwrite(str(tmp_path / "a.png"), stored)
    image = read_image(tmp_path / "a.png")
    check_contract(image, 19, 23)
    np.testing.assert_array_equal(image, np.broadcast_to(array[..., :3] / np.float32(65535), (19, 23, 3)))


@pytest.mark.parametrize("compression", [1, 5, 8])  # none, LZW, Deflate
def test_sixteen_bit_tiff_keeps_its_bits(tmp_path: Path, compression: int) -> None:
    cv2 = pytest.importorskip("cv2")
    array = noise(19, 23, 3, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), array[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, compression])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), array / np.float32(65535))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: tuple[bytes, bytes]) -> bytes:
    """A PNG file by hand: for what no writer at hand makes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = [(b"IHDR", header), *extra, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*c) for c in chunks)


def test_sixteen_bit_colour_key_counts_all_bits() -> None:
    pixels = np.array([[[0x0102, 0x0304, 0x0506], [0x0102, 0x0304, 0x0507]]], ">u2")
    image = decode_image(png(2, 1, 16, 2, b"\0" + pixels.tobytes(), (b"tRNS", pixels[0, 0].tobytes())))
    np.testing.assert_array_equal(image[0, 0], 1)
    np.testing.assert_array_equal(image[0, 1], pixels[0, 1].astype(np.float32) / np.float32(65535))


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint16", "float16", "float32", "float64"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_deep_tiff(tmp_path: Path, planar: str, dtype: str, order: str) -> None:
    array = noise(21, 13, 3, dtype=np.uint16)
    if dtype != "uint16":
        array = (array / 65535).astype(dtype)
    stored = np.moveaxis(array, -1, 0) if planar == "separate" else array
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, stored, photometric="rgb", planarconfig=planar, byteorder=order)
    scale = np.float32(65535 if dtype == "uint16" else 1)
    np.testing.assert_array_equal(read_image(path), array.astype(np.float32) / scale)
    assert image_size(path) == (21, 13)
    assert np.abs(read_thumbnail(path, 50) / 255 - array / scale).max() <= 0.5 / 255 + 1e-6


def test_grey_float_and_white_is_zero_tiffs(tmp_path: Path) -> None:
    array = np.linspace(0, 1, 20, dtype=np.float32).reshape(4, 5)
    tifffile.imwrite(tmp_path / "f.tif", array)
    np.testing.assert_array_equal(read_image(tmp_path / "f.tif"), np.repeat(array[..., None], 3, 2))
    deep = noise(4, 5, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "w.tif", deep, photometric="miniswhite")
    np.testing.assert_allclose(read_image(tmp_path / "w.tif")[..., 0], 1 - deep / 65535, atol=1e-6)


@pytest.mark.parametrize("kind", ["unassalpha", "assocalpha", "unspecified"])
def test_deep_tiff_alpha(tmp_path: Path, kind: str) -> None:
    array = np.random.default_rng(0).uniform(0.1, 0.9, (6, 7, 4)).astype(np.float32)
    array[..., :3] *= array[..., 3:]
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", extrasamples=[kind])
    rgb, alpha = array[..., :3], array[..., 3:]
    expected = {"unassalpha": rgb * alpha + 1 - alpha, "assocalpha": rgb + 1 - alpha, "unspecified": rgb}[kind]
    np.testing.assert_allclose(read_image(tmp_path / "a.tif"), expected, atol=1e-6)


def test_overshooting_float_is_clipped_and_another_unit_refused(tmp_path: Path) -> None:
    array = np.full((10, 10, 3), 0.5, np.float32)
    array[0, 0], array[1, 1] = 1.5, -0.2
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.clip(array, 0, 1))
    tifffile.imwrite(tmp_path / "b.tif", array * 255, photometric="rgb")
    with pytest.raises(
        ImageError, match=r"b\.tif holds float values from -51 to 382.5; expected them in \[0, 1\]"
    ) as e:
        read_image(tmp_path / "b.tif")
    assert "255" in e.value.hint


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    array = np.zeros((4, 5, 3), np.float32)
    array[2, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    with pytest.raises(ImageError, match="holds NaN or infinity 1 times, first in row 2, column 3"):
        read_image(tmp_path / "a.tif")


def test_many_channels_are_no_picture(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 9, 16), np.float32), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(ImageError, match="has 16 channels; a picture has 1 to 4"):
        read_image(tmp_path / "a.tif")


def test_tiffs_without_tifffile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = noise(9, 11, 3, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "turned.tif", noise(9, 11, 3), exif=exif)
    monkeypatch.setitem(sys.modules, "tifffile", None)
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), array / np.float32(65535))
    assert image_size(path) == read_image(path).shape[:2] == (11, 9)


def exr(path: Path, channels: dict[str, np.ndarray]) -> Path:
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    with OpenEXR.File(header, channels) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_linear_exr_is_encoded_as_srgb(tmp_path: Path, dtype: type) -> None:
    """18 % grey is 0.461 and 0.002 lies on the straight part, 12.92 times as high (IEC 61966-2-1)."""
    linear = np.zeros((5, 6, 3), dtype)
    linear[...] = 0.18
    linear[0, 0] = (0, 0.002, 1)
    linear[1, 1] = (3, -0.5, 0.5)
    path = exr(tmp_path / "a.exr", {"RGB": linear, "Z": np.ones((5, 6), np.float32)})
    image = read_image(path)
    check_contract(image, 5, 6)
    np.testing.assert_allclose(image[2:], 0.461356, atol=2e-4)
    np.testing.assert_allclose(image[0, 0], (0, 0.02584, 1), atol=2e-4)
    np.testing.assert_allclose(image[1, 1], (1, 0, 0.735357), atol=2e-4)
    assert image_size(path) == (5, 6)
    assert max(read_thumbnail(path, 3).shape) == 3
    with pytest.raises(ImageError, match="it is read from a file only"):
        decode_image(path.read_bytes())


def test_exr_alpha_is_premultiplied_and_grey_is_y(tmp_path: Path) -> None:
    rgba = np.zeros((2, 3, 4), np.float32)
    rgba[0, 0] = (0.25, 0.25, 0.25, 0.5)
    image = read_image(exr(tmp_path / "a.exr", {"RGBA": rgba}))
    np.testing.assert_allclose(image[0, 0], 0.735357 * 0.5 + 0.5, atol=1e-4)
    np.testing.assert_array_equal(image[1], 1)
    grey = read_image(exr(tmp_path / "y.exr", {"Y": np.full((2, 3), 0.18, np.float32)}))
    np.testing.assert_allclose(grey, 0.461356, atol=1e-4)


def test_bad_exr_pictures(tmp_path: Path) -> None:
    many = {f"f{i}": np.zeros((4, 5), np.float32) for i in range(5)}
    with pytest.raises(ImageError, match=r"has the channels f0, f1, f2, f3, f4; a picture has R, G and B, or Y\."):
        read_image(exr(tmp_path / "a.exr", many))
    with pytest.raises(ImageError, match="holds NaN or infinity 60 times"):
        read_image(exr(tmp_path / "b.exr", {"RGB": np.full((4, 5, 3), np.nan, np.float32)}))
    with pytest.raises(ImageError, match=r"holds float values from .*; expected them in \[0, 1\]") as caught:
        read_image(exr(tmp_path / "c.exr", {"RGB": np.full((4, 5, 3), 20, np.float32)}))
    assert "tone-map" in caught.value.hint


def test_named_texts_of_a_png(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", noise(3, 4, 3), text={"Title": "a title", "Note": "Straße"})
    assert read_text(tmp_path / "a.png") == {"Title": "a title", "Note": "Straße"}
    assert read_text(saved(tmp_path / "a.tif", noise(3, 4, 3))) == {}
    assert read_text(saved(tmp_path / "a.jpg", noise(3, 4, 3), comment=b"x")) == {}


# --- kinds ---------------------------------------------------------------------------------------


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


# --- bad files -----------------------------------------------------------------------------------


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
    path.write_bytes(data[: int(len(data) * share)])
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
    for suffix in ("png", "jpg", "tif", "gif", "webp"):
        data = np.frombuffer(saved(tmp_path / f"a.{suffix}", noise(32, 32, 3)).read_bytes(), np.uint8)
        for _ in range(30):
            broken = data.copy()
            where = rng.integers(0, min(len(data), 400), 6)
            broken[where] = rng.integers(0, 256, 6)
            try:
                image = decode_image(broken.tobytes())
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


# --- arrays --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.uint32, np.float16, np.float32, np.float64])
@pytest.mark.parametrize("channels", [None, 1, 2, 3, 4])
def test_image_from_array(dtype: type, channels: int | None) -> None:
    unit = np.random.default_rng(1).uniform(0, 1, (7, 5, channels or 1))
    largest = 1 if dtype == np.bool_ or np.issubdtype(dtype, np.floating) else np.iinfo(dtype).max
    array = (unit > 0.5) if dtype == np.bool_ else (unit * largest).astype(dtype)
    image = image_from_array(array[..., 0] if channels is None else array)
    exact = array.astype(np.float64) / largest
    if channels in (2, 4):
        exact = exact[..., :-1] * exact[..., -1:] + 1 - exact[..., -1:]
    check_contract(image, 7, 5)
    np.testing.assert_allclose(image, np.broadcast_to(exact, (7, 5, 3)), atol=1e-6)


def test_image_from_array_copies_and_takes_any_strides() -> None:
    array = np.random.default_rng(1).uniform(0, 1, (6, 8, 3)).astype(np.float32)
    image = image_from_array(array[::-1, ::2])
    np.testing.assert_array_equal(image, array[::-1, ::2])
    image[:] = 0
    assert array.max() > 0


@pytest.mark.parametrize(
    ("array", "sentence"),
    [
        (np.zeros((4, 4, 5), np.uint8), r"has the shape \(4, 4, 5\); expected \(H, W\)"),
        (np.zeros(4, np.uint8), r"has the shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), r"has the shape \(0, 4, 3\)"),
        (np.zeros((4, 4, 3), np.int16), "samples of type int16; expected uint8"),
        (np.zeros((4, 4), complex), "samples of type complex128"),
        (np.array([["a"]]), "samples of type <U1"),
    ],
)
def test_image_from_bad_array(array: np.ndarray, sentence: str) -> None:
    with pytest.raises(ImageError, match=sentence):
        image_from_array(array)


def test_to_picture_rounds_and_clips() -> None:
    image = np.array([[[0.5 / 255 - 1e-5, 0.5 / 255 + 1e-5, 2.0], [-1.0, 1.0, 0.5]]], np.float32)
    np.testing.assert_array_equal(to_picture(image), [[[0, 1, 255], [0, 255, 128]]])
    with pytest.raises(ParameterError, match="image holds NaN in rows 0 to 0"):
        to_picture(image * np.nan)
    with pytest.raises(ParameterError, match=r"must be \(H, W, 3\) float, got \(2, 2\) uint8"):
        to_picture(np.zeros((2, 2), np.uint8))


def test_clipboard_bytes() -> None:
    buffer = io.BytesIO()
    array = noise(5, 6, 3)
    Image.fromarray(array).save(buffer, "PNG")
    np.testing.assert_array_equal(decode_image(buffer.getvalue()), array / np.float32(255))
    with pytest.raises(ImageError, match=r"Clipboard is empty \(0 bytes\)"):
        decode_image(b"", name="Clipboard")
    with pytest.raises(ImageError, match="Clipboard is not a picture"):
        decode_image(b"hello", name="Clipboard")


# --- thumbnails ----------------------------------------------------------------------------------


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


# --- writing -------------------------------------------------------------------------------------


def test_written_picture_is_what_pillow_reads(tmp_path: Path) -> None:
    picture = noise(33, 20, 3)
    write_picture(tmp_path / "a.png", picture[:, ::-1])
    with Image.open(tmp_path / "a.png") as read:
        assert read.format == "PNG"
        assert read.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(read), picture[:, ::-1])
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize(
    "picture", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32), np.zeros((0, 4, 3), np.uint8)]
)
def test_only_pictures_are_written(tmp_path: Path, picture: np.ndarray) -> None:
    with pytest.raises(ParameterError, match=r"picture must be \(H, W, 3\) uint8, got"):
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

    def refuse(self: Image.Image, file: io.BufferedWriter, **_: object) -> None:
        file.write(b"half a picture")
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Image.Image, "save", refuse)
    with pytest.raises(ImageError, match=sentence) as caught:
        write_picture(tmp_path / "a.png", noise(5, 5, 3))
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
