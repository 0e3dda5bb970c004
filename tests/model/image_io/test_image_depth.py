"""16-bit, float and EXR pictures, and arrays of every type, against OpenCV, tifffile and OpenEXR."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
import tifffile
from picture_files import check_contract, exr, noise, png, saved

from sss_model.errors import ImageError, ParameterError
from sss_model.feature_io import find_image_for, write_features
from sss_model.files.inputs import look_into, read_input
from sss_model.image_io import (
    image_from_array,
    image_size,
    read_image,
    read_photograph,
    read_text,
    read_thumbnail,
    to_picture,
    write_picture,
)
from sss_model.params import ReadParams


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


def test_sixteen_bit_colour_key_counts_all_bits(tmp_path: Path) -> None:
    pixels = np.array([[[0x8102, 0x8304, 0x8506], [0x8102, 0x8304, 0x8507]]], ">u2")
    file = tmp_path / "a.png"
    file.write_bytes(png(2, 1, 16, 2, b"\0" + pixels.tobytes(), (b"tRNS", pixels[0, 0].tobytes())))
    image = read_image(file)
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


def test_overshooting_float_is_clipped_and_another_unit_scaled(tmp_path: Path) -> None:
    array = np.full((10, 10, 3), 0.5, np.float32)
    array[0, 0], array[1, 1] = 1.5, -0.2
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), np.clip(array, 0, 1))
    tifffile.imwrite(tmp_path / "b.tif", array * 255, photometric="rgb")
    photograph = read_photograph(tmp_path / "b.tif")
    np.testing.assert_allclose(photograph.image, (array + 0.2) / 1.7, atol=1e-6)
    assert photograph.conversion == "values -51 to 382.5 (the data's range) shown from black to white"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_float_that_is_not_finite_is_filled_or_refused(tmp_path: Path, value: float) -> None:
    array = np.full((8, 9, 3), 0.25, np.float32)
    array[2, 3, 1] = value
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    photograph = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(photograph.image, 0.25)
    assert photograph.conversion == "1 pixel not finite, filled from its neighbours"
    with pytest.raises(ImageError, match="holds NaN or infinity in 1 pixel, first in row 2, column 3"):
        read_image(tmp_path / "a.tif", ReadParams(strict=True))
    array[:2] = value
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb")
    with pytest.raises(ImageError, match="holds NaN or infinity in 19 pixels, first in row 0, column 0"):
        read_image(tmp_path / "a.tif")


def test_many_channels_are_no_picture(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((8, 9, 16), np.float32), photometric="minisblack", planarconfig="contig"
    )
    with pytest.raises(ImageError, match="has 16 channels; a picture has 1 to 4"):
        read_image(tmp_path / "a.tif")


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
    rolled = 0.8 + 0.2 * (1 - np.exp(-1))  # of 1, where something is brighter
    white = 1.055 * rolled ** (1 / 2.4) - 0.055
    np.testing.assert_allclose(image[0, 0], (0, 0.02584, white), atol=2e-4)
    np.testing.assert_allclose(image[1, 1], (1, 0, 0.735357), atol=2e-4)
    assert image_size(path) == (5, 6)
    assert max(read_thumbnail(path, 3).shape) == 3


def test_exr_alpha_is_premultiplied_and_grey_is_y(tmp_path: Path) -> None:
    rgba = np.zeros((2, 3, 4), np.float32)
    rgba[0, 0] = (0.25, 0.25, 0.25, 0.5)
    image = read_image(exr(tmp_path / "a.exr", {"RGBA": rgba}))
    np.testing.assert_allclose(image[0, 0], 0.537099, atol=1e-4)
    np.testing.assert_array_equal(image[1], 0)
    grey = read_image(exr(tmp_path / "y.exr", {"Y": np.full((2, 3), 0.18, np.float32)}))
    np.testing.assert_allclose(grey, 0.461356, atol=1e-4)


def test_bad_exr_pictures(tmp_path: Path) -> None:
    many = {f"f{i}": np.zeros((4, 5), np.float32) for i in range(5)}
    with pytest.raises(ImageError, match=r"has the channels f0, f1, f2, f3, f4; a picture has R, G and B, or Y\."):
        read_image(exr(tmp_path / "a.exr", many))
    with pytest.raises(ImageError, match="holds NaN or infinity in 20 pixels"):
        read_image(exr(tmp_path / "b.exr", {"RGB": np.full((4, 5, 3), np.nan, np.float32)}))


def test_further_layers_and_parts_of_an_exr_are_passed_over(tmp_path: Path) -> None:
    linear = np.full((5, 6, 3), 0.18, np.float32)
    further = {"Z": np.ones((5, 6), np.float32), "N.X": np.ones((5, 6), np.float32), "N.Y": np.ones((5, 6), np.float32)}
    path = exr(tmp_path / "render.exr", {"RGB": linear, **further})
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    parts = [OpenEXR.Part(dict(header), {"Z": further["Z"]}, name="depth")]
    parts.append(OpenEXR.Part(dict(header), {"RGB": linear}, name="beauty"))
    with OpenEXR.File(parts) as file:
        file.write(str(tmp_path / "parts.exr"))
    exr(tmp_path / "map.exr", {f"f{i}": further["Z"] for i in range(5)})
    assert look_into(tmp_path).files == [tmp_path / "parts.exr", path]
    for name in ("parts", "render"):
        opened = read_input(tmp_path / f"{name}.exr")
        assert opened.features is None
        np.testing.assert_allclose(opened.image, 0.461356, atol=1e-4)
        assert opened.metadata == {"colours": "linear light encoded as sRGB"}


def test_a_map_is_marked_as_data_and_keeps_its_values(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((5, 6, 3), np.float32)
    write_features(tmp_path / "photo-map3.exr", values, format="exr")
    with OpenEXR.File(str(tmp_path / "photo-map3.exr"), header_only=True) as file:
        assert file.header()["colorInteropID"] == "data"
    np.testing.assert_array_equal(read_image(tmp_path / "photo-map3.exr"), values)
    assert look_into(tmp_path).files == [tmp_path / "photo-map3.exr"]
    assert find_image_for(tmp_path / "photo-map3-other.npy") is None
    exr(tmp_path / "photo.exr", {"RGB": values})
    assert find_image_for(tmp_path / "photo-map3.exr") == tmp_path / "photo.exr"


def test_exr_of_other_primaries(tmp_path: Path) -> None:
    """A white of ACES is white of sRGB; its grey axis stays grey; Display P3's red leaves sRGB's range."""
    aces = (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.077, 0.32168, 0.33767)
    p3 = (0.68, 0.32, 0.265, 0.69, 0.15, 0.06, 0.3127, 0.329)
    linear = np.full((2, 30, 3), 0.18, np.float32)
    linear[0, 0] = 1
    linear[1, 0] = (0.25, 0.05, 0.05)
    for name, primaries in (("aces", aces), ("p3", p3)):
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage, "chromaticities": primaries}
        with OpenEXR.File(header, {"RGB": linear}) as file:
            file.write(str(tmp_path / f"{name}.exr"))
        image, conversion, _ = read_photograph(tmp_path / f"{name}.exr")
        np.testing.assert_allclose(image[0, 0], 1, atol=2e-3)
        np.testing.assert_allclose(image[0, 1:], 0.461356, atol=2e-3)
        assert conversion == "linear light of other primaries converted to sRGB"
    # The published matrix from Display P3 to sRGB (CSS Color 4): 1.2249, -0.2247, 0 / -0.0420, 1.0419, 0 / ...
    red, green, blue = (
        1.2249 * 0.25 - 0.2247 * 0.05,
        -0.042 * 0.25 + 1.0419 * 0.05,
        -0.0197 * 0.25 - 0.0786 * 0.05 + 1.0979 * 0.05,
    )
    expected = [1.055 * value ** (1 / 2.4) - 0.055 for value in (red, green, blue)]
    np.testing.assert_allclose(image[1, 0], expected, atol=1e-3)


def test_named_texts_of_a_png(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.png", noise(3, 4, 3), text={"Title": "a title", "Note": "Straße"})
    assert read_text(tmp_path / "a.png") == {"Title": "a title", "Note": "Straße"}
    assert read_text(saved(tmp_path / "a.tif", noise(3, 4, 3))) == {}
    assert read_text(saved(tmp_path / "a.jpg", noise(3, 4, 3), comment=b"x")) == {}


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
