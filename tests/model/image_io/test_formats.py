"""Formats beside Pillow's against their own libraries; what is odd but whole; what files say of their colours."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import OpenEXR
import pi_heif
import pytest
import rawpy
import tifffile
from colour_profiles import ADOBE, ADOBE_ICC, P3_ICC, SRGB, by_formula, encoded, rolled, seen_of_pq
from picture_files import check_contract, exr, noise, png, saved
from PIL import Image, ImageCms
from psd_tools import PSDImage

from sss_model.errors import ImageError
from sss_model.files.inputs import look_into, read_input
from sss_model.image_io import (
    choices_in,
    image_size,
    read_image,
    read_photograph,
    read_reduced,
    read_thumbnail,
    to_picture,
)
from sss_model.params import ReadParams

FILES = Path(__file__).parent / "files"
HALF = 0.5 / 255


def ramp(height: int = 48, width: int = 64) -> np.ndarray:
    """The picture in `files`."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 5, 255 - x * 4], -1).clip(0, 255).astype(np.uint8)


def dng(path: Path, mosaic: np.ndarray) -> Path:
    """A camera's raw file: a thumbnail first, the mosaic in a TIFF inside."""
    raw = [
        (33421, 3, 2, (2, 2), True),
        (33422, 1, 4, b"\0\1\1\2", True),
        (50714, 3, 1, 0, True),
        (50717, 4, 1, 4095, True),
    ]
    main = [
        (50706, 1, 4, b"\1\4\0\0", True),
        (50708, 2, 5, "Made", True),
        (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1), True),
        (50728, 5, 3, (1, 2, 1, 1, 1, 2), True),
    ]
    with tifffile.TiffWriter(path) as file:
        file.write(noise(12, 16, 3), photometric="rgb", subfiletype=1, subifds=1, extratags=main)
        file.write(mosaic, photometric=32803, subfiletype=0, extratags=raw)
    return path


def test_camera_raw_is_developed_and_no_thumbnail(tmp_path: Path) -> None:
    path = dng(tmp_path / "a.tif", noise(96, 128, dtype=np.uint16) // 16)
    with rawpy.imread(str(path)) as raw:
        expected = raw.postprocess(use_camera_wb=True)
        half = raw.postprocess(use_camera_wb=True, half_size=True)
    photograph = read_photograph(path)
    assert image_size(path) == (96, 128)
    np.testing.assert_array_equal(to_picture(photograph.image), expected)
    assert photograph.conversion == "developed from camera raw with the camera's white balance"
    np.testing.assert_array_equal(to_picture(read_reduced(path, 64).image), half)
    assert read_thumbnail(path, 20).shape == (15, 20, 3)


def test_camera_raw_without_its_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = dng(tmp_path / "a.dng", noise(96, 128, dtype=np.uint16) // 16)
    monkeypatch.setitem(__import__("sys").modules, "rawpy", None)
    with pytest.raises(ImageError, match=r"Camera raw files need the Python package rawpy, which is not") as caught:
        read_image(path)
    assert caught.value.hint == "pip install rawpy"


@pytest.mark.parametrize(("bits", "channels"), [(12, 3), (16, 3), (16, 1), (10, 1), (8, 3)])
def test_jpeg_2000_of_every_depth(tmp_path: Path, bits: int, channels: int) -> None:
    array = noise(40, 50, channels, dtype=np.uint16)[..., : channels if channels > 1 else None] >> (16 - bits)
    array = array[..., 0] if channels == 1 else array
    array[:9] = 2**bits - 1
    kind = np.uint8 if bits == 8 else np.uint16
    data = imagecodecs.jpeg2k_encode(array.astype(kind), level=0, bitspersample=bits, codecformat="jp2")
    (tmp_path / "a.jp2").write_bytes(data)
    expected = imagecodecs.jpeg2k_decode(data) / (2**bits - 1)
    image = read_image(tmp_path / "a.jp2")
    check_contract(image, 40, 50)
    assert np.abs(image - (expected if channels > 1 else expected[..., None])).max() < HALF
    np.testing.assert_allclose(image[:9], 1, atol=1e-6)
    np.testing.assert_array_equal(read_thumbnail(tmp_path / "a.jp2", 10)[0], 255)


def test_heic_with_its_profile_upright(tmp_path: Path) -> None:
    heif = pi_heif.open_heif(FILES / "p3.heic")
    stored = np.array(heif)
    photograph = read_photograph(FILES / "p3.heic")
    assert np.abs(photograph.image - by_formula(stored / 255, P3_ICC)).max() < 1.6 / 255
    assert photograph.conversion == "converted from Display P3 to sRGB"
    turned = read_image(FILES / "turned.heic")
    assert image_size(FILES / "turned.heic") == turned.shape[:2] == (64, 48)
    assert np.abs(turned - np.rot90(photograph.image, -1)).max() < 4 / 255
    deep = read_image(FILES / "ten-bit.heic")
    assert np.abs(deep - ramp() / 255).mean() < 2 / 255


@pytest.mark.parametrize("name", ["p3.jxl", "turned.jxl", "turned-jpeg.jxl"])
def test_jpeg_xl_with_its_colours_upright(name: str) -> None:
    photograph = read_photograph(FILES / name)
    expected = read_image(FILES / "p3.heic")
    expected = expected if name == "p3.jxl" else np.rot90(expected, -1)
    assert image_size(FILES / name) == expected.shape[:2]
    assert np.abs(photograph.image - expected).mean() < 2 / 255
    assert photograph.conversion.startswith("converted from ")


def test_jpeg_xl_of_sixteen_bits_and_one_whose_profile_is_not_read() -> None:
    np.testing.assert_allclose(read_image(FILES / "sixteen.jxl"), ramp() / np.float32(255), atol=1e-6)
    photograph = read_photograph(FILES / "p3-lossless.jxl")
    np.testing.assert_allclose(photograph.image, ramp() / np.float32(255), atol=1e-6)
    assert photograph.conversion == "its colour profile is not read; taken for sRGB"


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("container", [False, True])
def test_jpeg_xl_of_imagecodecs(tmp_path: Path, alpha: bool, container: bool) -> None:
    array = noise(31, 45, 4 if alpha else 3)
    (tmp_path / "a.bin").write_bytes(imagecodecs.jpegxl_encode(array, lossless=True, usecontainer=container))
    unit = array / np.float32(255)
    expected = unit[..., :3] * unit[..., 3:] + 1 - unit[..., 3:] if alpha else unit
    assert image_size(tmp_path / "a.bin") == (31, 45)
    np.testing.assert_allclose(read_image(tmp_path / "a.bin"), expected, atol=1e-6)


def check_pq(image: np.ndarray, coded: np.ndarray) -> None:
    assert np.abs(image - seen_of_pq(coded)).max() < 2 * HALF


def test_pq_in_png_avif_and_heic(tmp_path: Path) -> None:
    deep = (ramp().astype(np.float64) / 255 * 0.7 * 65535).astype(np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    (tmp_path / "a.png").write_bytes(png(64, 48, 16, 2, rows, (b"cICP", bytes([9, 16, 0, 1]))))
    photograph = read_photograph(tmp_path / "a.png")
    check_pq(photograph.image, deep / 65535)
    assert photograph.conversion.startswith("PQ of BT.2020 tone-mapped to sRGB; highlights up to ")
    heif = pi_heif.open_heif(FILES / "pq.heic", convert_hdr_to_8bit=False)
    stored = np.array(heif) >> 6
    check_pq(read_image(FILES / "pq.heic"), stored / 1023)


def test_gamma_and_primaries_of_a_png(tmp_path: Path) -> None:
    array = noise(20, 30, 3, dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    unit = array / 65535
    linear = (b"gAMA", struct.pack(">I", 100_000))
    (tmp_path / "a.png").write_bytes(png(30, 20, 16, 2, rows, linear))
    assert np.abs(read_image(tmp_path / "a.png") - encoded(unit)).max() < HALF
    adobe = struct.pack(">8I", *(round(v * 100_000) for v in (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)))
    (tmp_path / "b.png").write_bytes(png(30, 20, 16, 2, rows, (b"gAMA", struct.pack(">I", 45470)), (b"cHRM", adobe)))
    matrix = np.linalg.inv(np.array(SRGB[1]).T) @ np.array(ADOBE[1]).T
    expected = encoded(unit ** (1 / 0.4547) @ matrix.T)
    difference = np.abs(read_image(tmp_path / "b.png") - expected)
    assert difference.max() < 1.5 / 255, "where the curve is steep"
    assert difference.mean() < 0.05 / 255
    rec709 = struct.pack(">8I", *(round(v * 100_000) for v in (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)))
    (tmp_path / "e.png").write_bytes(png(30, 20, 16, 2, rows, (b"gAMA", struct.pack(">I", 45455)), (b"cHRM", rec709)))
    np.testing.assert_allclose(read_image(tmp_path / "e.png"), unit, atol=1e-6, err_msg="how sRGB is written")
    (tmp_path / "c.png").write_bytes(png(30, 20, 16, 2, rows, (b"sRGB", b"\0"), linear))
    np.testing.assert_allclose(read_image(tmp_path / "c.png"), unit, atol=1e-6)
    grey = b"".join(b"\0" + row[:, 0].astype(">u2").tobytes() for row in array)
    (tmp_path / "d.png").write_bytes(png(30, 20, 16, 0, grey, linear))
    assert np.abs(read_image(tmp_path / "d.png")[..., 0] - encoded(unit[..., 0])).max() < HALF


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "sixteen.png"])
def test_adobe_rgb_by_exif_alone(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[0x8769] = (
        {0xA001: 2} if name == "a.tif" else {0xA001: 0xFFFF, 0xA005: {1: "R03"}}
    )  # Pillow writes no index there
    written = exif.tobytes()
    exif.load(written)
    path = tmp_path / name
    if name == "sixteen.png":
        rows = b"".join(b"\0" + (row.astype(np.uint16) * 257).astype(">u2").tobytes() for row in ramp())
        path.write_bytes(png(*ramp().shape[1::-1], 16, 2, rows, (b"eXIf", written[6:])))
    else:
        saved(path, ramp(), exif=exif, **({"quality": 100} if name != "a.webp" else {"lossless": True}))
    stored = np.asarray(Image.open(path)) / 255
    photograph = read_photograph(path)
    assert photograph.conversion == "converted from Adobe RGB (1998) to sRGB"
    assert np.abs(photograph.image - by_formula(stored, ADOBE_ICC)).max() < 1.6 / 255


@pytest.mark.parametrize(("line", "turn"), [
    ("-Y 6 +X 9", lambda a: a), ("+Y 6 +X 9", lambda a: a[::-1]), ("-Y 6 -X 9", lambda a: a[:, ::-1]),
    ("+X 9 -Y 6", lambda a: a.swapaxes(0, 1)), ("-X 9 +Y 6", lambda a: a[::-1, ::-1].swapaxes(0, 1)),
])  # fmt: skip
def test_radiance_of_every_side_up(tmp_path: Path, line: str, turn: Callable[[np.ndarray], np.ndarray]) -> None:
    colours = noise(6, 9, 3)
    stored = np.dstack([colours, np.full((6, 9), 128, np.uint8)])
    head = f"#?RADIANCE\nSOFTWARE=x\nFORMAT=32-bit_rle_rgbe\n\n{line}\n".encode()
    (tmp_path / "a.hdr").write_bytes(head + np.ascontiguousarray(turn(stored)).tobytes())
    assert image_size(tmp_path / "a.hdr") == (6, 9)
    assert np.abs(read_image(tmp_path / "a.hdr") - encoded(colours / 256)).max() < HALF


def test_radiance_in_xyz(tmp_path: Path) -> None:
    colours = noise(6, 9, 3) // 3 + np.uint8(60)
    to_xyz = np.array(SRGB[1]).T  # of the white D50
    to_xyz = np.diag(1 / to_xyz.sum(axis=1)) @ to_xyz
    xyz = np.clip(np.rint(colours / 256 @ to_xyz.T * 256), 0, 255).astype(np.uint8)
    stored = np.dstack([xyz, np.full((6, 9), 128, np.uint8)])
    head = b"#?RADIANCE\nFORMAT=32-bit_rle_xyze\n\n-Y 6 +X 9\n"
    (tmp_path / "a.hdr").write_bytes(head + stored.tobytes())
    image = read_image(tmp_path / "a.hdr")
    grey = np.full((6, 9, 4), 128, np.uint8)
    (tmp_path / "grey.hdr").write_bytes(head + grey.tobytes())
    assert np.abs(read_image(tmp_path / "grey.hdr") - encoded(np.float32(0.5))).max() < HALF, "white is white"
    assert np.abs(image - encoded(colours / 256)).mean() < 6 / 255, "by another adaptation of white"


@pytest.mark.parametrize("dirt", ["profile", "text", "packed text", "crc", "no end", "international text"])
def test_png_whose_pixels_are_whole(tmp_path: Path, dirt: str) -> None:
    array = noise(20, 30, 3)
    large = np.random.default_rng(0).integers(1, 255, 3 << 20, np.uint8).tobytes()
    chunks = {
        "profile": (b"iCCP", b"scanner\0\0" + zlib.compress(bytes(128) + large)),
        "text": (b"tEXt", b"workflow\0" + large),
        "packed text": (b"zTXt", b"workflow\0\0" + zlib.compress(b"a" * (5 << 20))),
        "international text": (b"iTXt", b"workflow\0\1\0\0\0" + zlib.compress(b"a" * (5 << 20))),
        "crc": (b"tEXt", b"note\0text"),
        "no end": (b"tEXt", b"note\0text"),
    }
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    data = png(30, 20, 8, 2, rows, chunks[dirt])
    if dirt == "crc":
        place = data.index(b"note\0text") + 9
        data = data[:place] + b"\0\0\0\0" + data[place + 4 :]
    (tmp_path / "a.png").write_bytes(data[:-12] if dirt == "no end" else data)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), array / np.float32(255))
    assert image_size(tmp_path / "a.png") == (20, 30)


def test_jpeg_that_ends_too_early(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", ramp(480, 64), quality=95)
    whole, data = read_image(path), path.read_bytes()
    for cut, missing in ((2, ""), (len(data) // 30, r": \d\.\d% of the picture is missing, shown grey")):
        path.write_bytes(data[:-cut])
        photograph = read_photograph(path)
        np.testing.assert_array_equal(photograph.image[:400], whole[:400])
        assert photograph.conversion.startswith("the file ends too early")
        assert bool(missing) == ("missing" in photograph.conversion)
        with pytest.raises(ImageError, match="truncated"):
            read_image(path, ReadParams(strict=True))
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match=r"it ends before the picture does, and \d\d% of it is missing"):
        read_image(path)


def test_twelve_bit_jpeg(tmp_path: Path) -> None:
    array = np.repeat(ramp()[..., :1].astype(np.uint16) * 16, 3, axis=2)
    data = imagecodecs.jpeg8_encode(array, level=98, bitspersample=12)
    (tmp_path / "a.jpg").write_bytes(data)
    expected = imagecodecs.jpeg8_decode(data) / 4095
    assert np.abs(read_image(tmp_path / "a.jpg") - expected).max() < HALF
    assert image_size(tmp_path / "a.jpg") == (48, 64)


def psd(path: Path, array: np.ndarray, *, mode: int = 3, transparent: bool = False) -> Path:
    """A merged picture (H, W, C) with one empty layer's worth of structure."""
    height, width, channels = array.shape
    head = struct.pack(">4sH6xHIIHH", b"8BPS", 1, channels, height, width, 8 * array.dtype.itemsize, mode)
    info = struct.pack(">h", -1 if transparent else 0)
    layers = struct.pack(">I", len(info)) + info + struct.pack(">I", 0)
    sections = bytes(4) + bytes(4) + struct.pack(">I", len(layers)) + layers
    planes = np.moveaxis(array, 2, 0).astype(array.dtype.newbyteorder(">")).tobytes()
    path.write_bytes(head + sections + b"\0\0" + planes)
    return path


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_photoshops_saved_selection_is_no_transparency(tmp_path: Path, dtype: type) -> None:
    array = noise(20, 30, 4, dtype=dtype)
    unit = array / np.float32(np.iinfo(dtype).max)
    np.testing.assert_allclose(read_image(psd(tmp_path / "a.psd", array)), unit[..., :3], atol=1e-6)
    over = unit[..., :3] * unit[..., 3:] + 1 - unit[..., 3:]
    np.testing.assert_allclose(read_image(psd(tmp_path / "b.psd", array, transparent=True)), over, atol=1e-6)


def test_photoshop_as_psd_tools_has_it(tmp_path: Path) -> None:
    picture = PSDImage.frompil(Image.fromarray(noise(20, 30, 3)))
    picture.save(tmp_path / "a.psd")
    expected = np.asarray(PSDImage.open(tmp_path / "a.psd").numpy())
    np.testing.assert_allclose(read_image(tmp_path / "a.psd"), expected, atol=1e-6)
    (tmp_path / "b.psd").write_bytes((tmp_path / "a.psd").read_bytes()[:-40])
    with pytest.raises(ImageError, match="truncated"):
        read_image(tmp_path / "b.psd")
    inks = psd(tmp_path / "c.psd", np.full((4, 5, 4), 255, np.uint8), mode=4)
    np.testing.assert_array_equal(read_image(inks), 1)
    lab = np.full((4, 5, 3), 128, np.uint8)
    grey = read_image(psd(tmp_path / "d.psd", lab, mode=9))
    assert np.abs(grey - encoded(((128 / 2.55 + 16) / 116) ** 3 * np.ones(3))).max() < 1e-3


def float_map(path: Path, light: np.ndarray, order: str = "<") -> Path:
    kind = "PF" if light.ndim == 3 else "Pf"
    head = f"{kind}\n{light.shape[1]} {light.shape[0]}\n{'-1.0' if order == '<' else '1.0'}\n".encode()
    path.write_bytes(head + light[::-1].astype(f"{order}f4").tobytes())
    return path


def test_radiance_and_float_maps(tmp_path: Path) -> None:
    import cv2

    light = np.random.default_rng(0).uniform(0, 0.9, (40, 50, 3)).astype(np.float32)
    cv2.imwrite(str(tmp_path / "a.hdr"), light[..., ::-1])
    stored = imagecodecs.rgbe_decode((tmp_path / "a.hdr").read_bytes())
    assert np.abs(read_image(tmp_path / "a.hdr") - encoded(stored)).max() < HALF
    assert image_size(tmp_path / "a.hdr") == (40, 50)
    for order in "<>":
        assert np.abs(read_image(float_map(tmp_path / "a.pfm", light, order)) - encoded(light)).max() < HALF
        np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.pfm"), -1)[..., ::-1], light)
    grey = read_image(float_map(tmp_path / "b.pfm", light[..., 0]))
    assert np.abs(grey - encoded(light[..., :1])).max() < HALF


def test_values_above_one_and_broken_pixels_of_a_plate(tmp_path: Path) -> None:
    light = np.random.default_rng(0).uniform(0, 0.9, (40, 50, 3)).astype(np.float32)
    light[:2] = 5
    path = float_map(tmp_path / "a.pfm", light)
    photograph = read_photograph(path)
    assert np.abs(photograph.image - encoded(rolled(light))).max() < HALF
    assert photograph.plate is not None
    np.testing.assert_array_equal(photograph.plate.linear, light)
    assert photograph.conversion == "linear light encoded as sRGB; highlights up to 5 rolled off"
    darker = read_photograph(path, ReadParams(exposure=-1))
    assert np.abs(darker.image - encoded(rolled(light / 2))).max() < HALF
    assert "exposure -1.0 stops" in darker.conversion
    np.testing.assert_array_equal(darker.plate.linear, light)
    light[10, 20:23] = np.inf
    photograph = read_photograph(float_map(path, light))
    assert photograph.conversion.endswith("3 pixels not finite, filled from their neighbours")
    assert np.isfinite(photograph.plate.linear).all()


def test_layers_of_an_exr(tmp_path: Path) -> None:
    scales = {"ViewLayer.Combined": 1, "ViewLayer.DiffCol": 0.5, "ViewLayer.Normal": 0.2}
    layers = {name: noise(8, 9, 3) / np.float32(255) * np.float32(scale) for name, scale in scales.items()}
    channels = {
        f"{name}.{letter}": np.ascontiguousarray(light[..., k])
        for name, light in layers.items()
        for k, letter in enumerate("RGB")
    }
    path = exr(tmp_path / "a.exr", channels | {"ViewLayer.Depth.Z": np.ones((8, 9), np.float32)})
    photograph = read_photograph(path)
    assert np.abs(photograph.image - encoded(layers["ViewLayer.Combined"])).max() < HALF
    assert photograph.conversion == "linear light encoded as sRGB; layer ViewLayer.Combined of 3"
    assert choices_in(path).layers[0] == "ViewLayer.Combined"
    for name in ("ViewLayer.DiffCol", "diffcol"):
        image = read_image(path, ReadParams(layer=name))
        assert np.abs(image - encoded(layers["ViewLayer.DiffCol"])).max() < HALF
    with pytest.raises(ImageError, match=r"The EXR has no layer crypto; it has ViewLayer.Combined, "):
        read_image(path, ReadParams(layer="crypto"))
    small = exr(tmp_path / "b.exr", dict(zip("rgb", np.moveaxis(layers["ViewLayer.Combined"], 2, 0), strict=True)))
    assert np.abs(read_image(small) - encoded(layers["ViewLayer.Combined"])).max() < HALF
    assert read_input(path).features is None


@pytest.mark.parametrize(("data", "display"), [((10, 6, 39, 25), (0, 0, 63, 47)), ((-10, -6, 53, 41), (0, 0, 31, 23)),
                                               ((-4, 5, 25, 24), (0, 0, 31, 23))])  # fmt: skip
def test_windows_of_an_exr(tmp_path: Path, data: tuple[int, ...], display: tuple[int, ...]) -> None:
    light = (
        np.random.default_rng(0).uniform(0.1, 0.9, (data[3] - data[1] + 1, data[2] - data[0] + 1, 3)).astype(np.float32)
    )
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for name, window in (("dataWindow", data), ("displayWindow", display)):
        header[name] = (np.array(window[:2], np.int32), np.array(window[2:], np.int32))
    with OpenEXR.File(header, {"RGB": light}) as file:
        file.write(str(tmp_path / "a.exr"))
    left, top = min(data[0], display[0]), min(data[1], display[1])
    whole = np.zeros((max(data[3], display[3]) - top + 1, max(data[2], display[2]) - left + 1, 3), np.float32)
    whole[data[1] - top : data[3] - top + 1, data[0] - left : data[2] - left + 1] = light
    photograph = read_photograph(tmp_path / "a.exr")
    assert image_size(tmp_path / "a.exr") == whole.shape[:2]
    assert np.abs(photograph.image - encoded(whole)).max() < HALF
    assert (photograph.plate.data, photograph.plate.display) == (data, display)
    small = read_reduced(tmp_path / "a.exr", 16)
    assert max(small.image.shape[:2]) == 16
    assert abs(small.image.mean() - photograph.image.mean()) < 0.02


def test_alpha_of_zero_everywhere(tmp_path: Path) -> None:
    array = np.concatenate([noise(20, 30, 3), np.zeros((20, 30, 1), np.uint8)], axis=2)
    photograph = read_photograph(saved(tmp_path / "a.png", array))
    np.testing.assert_array_equal(photograph.image, array[..., :3] / np.float32(255))
    assert photograph.conversion == "alpha is 0 everywhere and was left out"
    light = exr(tmp_path / "fire.exr", {"RGBA": np.dstack([array[..., :3] / 255, array[..., 3]]).astype(np.float32)})
    assert np.abs(read_image(light) - encoded(array[..., :3] / 255)).max() < HALF
    assert read_photograph(light).conversion.endswith("transparency laid over black")


def test_display_ranges_of_a_microscope(tmp_path: Path) -> None:
    array = noise(20, 30, dtype=np.uint16) >> 4
    array[0, :2] = 0, 4095
    tifffile.imwrite(tmp_path / "a.tif", array)
    photograph = read_photograph(tmp_path / "a.tif")
    np.testing.assert_allclose(photograph.image[..., 0], array / 4095, atol=1e-6)
    assert photograph.conversion == "values 0 to 4095 (the data's range) shown from black to white"
    full = read_image(tmp_path / "a.tif", ReadParams(display_range="full"))
    np.testing.assert_allclose(full[..., 0], array / 65535, atol=1e-6)
    tifffile.imwrite(tmp_path / "b.tif", array, imagej=True, metadata={"min": 100, "max": 2000})
    photograph = read_photograph(tmp_path / "b.tif")
    np.testing.assert_allclose(photograph.image[..., 0], np.clip((array - 100.0) / 1900, 0, 1), atol=1e-6)
    assert "the file's display range" in photograph.conversion
    signed = array.astype(np.int16) - 1000
    tifffile.imwrite(tmp_path / "c.tif", signed)
    np.testing.assert_allclose(read_image(tmp_path / "c.tif")[..., 1], array / 4095, atol=1e-6)


def test_channels_and_stacks_of_a_microscope(tmp_path: Path) -> None:
    array = noise(3, 20, 30, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "a.ome.tif", array, metadata={"axes": "CYX"})
    photograph = read_photograph(tmp_path / "a.ome.tif")
    np.testing.assert_allclose(photograph.image, np.moveaxis(array, 0, 2) / 65535, atol=1e-6)
    assert photograph.conversion == "3 channels laid over one another"
    stack = noise(4, 2, 20, 30, dtype=np.uint16)
    tifffile.imwrite(tmp_path / "b.tif", stack, imagej=True, metadata={"axes": "ZCYX", "Ranges": (0, 65535, 0, 32768)})
    third = read_photograph(tmp_path / "b.tif", ReadParams(page=3))
    np.testing.assert_allclose(third.image[..., 0], stack[2, 0] / 65535, atol=1e-6)
    np.testing.assert_allclose(third.image[..., 1], np.clip(stack[2, 1] / 32768, 0, 1), atol=1e-6)
    assert third.conversion == "page 3 of 4; 2 channels laid over one another, each over its display range"
    assert choices_in(tmp_path / "b.tif").pages == 4
    with pytest.raises(ImageError, match=r"page \(Page\) must be from 1 to 4, got 9"):
        read_image(tmp_path / "b.tif", ReadParams(page=9))
    floats = np.random.default_rng(0).random((12, 20, 30), np.float32)
    tifffile.imwrite(tmp_path / "c.tif", floats)
    opened = read_input(tmp_path / "c.tif")
    np.testing.assert_array_equal(opened.image[..., 0], floats[0])
    assert opened.metadata == {"colours": "page 1 of 12"}


@pytest.mark.parametrize(
    "codec", ["jpegxl", "jpeg2000", "webp", "lerc", "zstd", "lzw", "png", "jpeg", "packbits", "deflate"]
)
def test_every_compression_of_a_tiff(tmp_path: Path, codec: str) -> None:
    array = ramp()
    options = {"webp": {"lossless": True}, "jpegxl": {"lossless": True}}.get(codec, {})
    tifffile.imwrite(tmp_path / "a.tif", array, photometric="rgb", compression=codec, compressionargs=options or None)
    image = read_image(tmp_path / "a.tif")
    check_contract(image, 48, 64)
    assert np.abs(image - tifffile.imread(tmp_path / "a.tif") / 255).max() < HALF


def test_lab_and_five_samples_of_a_tiff(tmp_path: Path) -> None:
    lab_profile, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    lab = ImageCms.profileToProfile(Image.fromarray(64 + ramp() // 2), srgb, lab_profile, outputMode="LAB")
    bytes_of = np.frombuffer(lab.tobytes(), np.uint8).reshape(48, 64, 3).astype(np.uint16)
    signed = np.dstack([bytes_of[..., 0] * 257, bytes_of[..., 1:] * 256]).astype(np.uint16)
    tifffile.imwrite(tmp_path / "a.tif", signed, photometric="cielab")
    photograph = read_photograph(tmp_path / "a.tif")
    assert photograph.conversion == "converted from CIE Lab to sRGB"
    assert np.abs(photograph.image - (64 + ramp() // 2) / 255).max() < 4 / 255, "to the rounding of 8-bit Lab"
    five = noise(20, 30, 5)
    tifffile.imwrite(tmp_path / "b.tif", five, photometric="rgb", extrasamples=["unassalpha", "unspecified"])
    alpha = five[..., 3:4] / np.float32(255)
    np.testing.assert_allclose(
        read_image(tmp_path / "b.tif"), five[..., :3] / np.float32(255) * alpha + 1 - alpha, atol=1e-6
    )


def test_a_slide_of_more_pixels_than_can_be_read_gives_a_level(tmp_path: Path) -> None:
    small = noise(118, 158, 3)
    tiles = (30208 // 1024 + 1) * (40448 // 1024 + 1)

    with tifffile.TiffWriter(tmp_path / "a.tif", bigtiff=True) as file:
        shape = (30208, 40448, 3)
        file.write(
            iter([b""] * tiles),
            shape=shape,
            dtype=np.uint8,
            photometric="rgb",
            subifds=1,
            tile=(1024, 1024),
            compression="zlib",
        )
        file.write(small, photometric="rgb", subfiletype=1, tile=(64, 64))
    photograph = read_photograph(tmp_path / "a.tif")
    np.testing.assert_array_equal(photograph.image, small / np.float32(255))
    assert photograph.conversion == "level 158 x 118 of 40448 x 30208"
    assert image_size(tmp_path / "a.tif") == (118, 158)


def test_a_folder_says_what_it_leaves_out(tmp_path: Path) -> None:
    saved(tmp_path / "a.png", noise(5, 6, 3)).rename(tmp_path / "saved-by-a-browser.jfif")
    (tmp_path / "x.jpg_large").write_bytes(saved(tmp_path / "a.jpg", noise(5, 6, 3)).read_bytes())
    (tmp_path / "p3.JXL").write_bytes((FILES / "p3.jxl").read_bytes())
    (tmp_path / "._a.jpg").write_bytes(b"\0\5\26\7")
    (tmp_path / ".thumbnails").mkdir()
    saved(tmp_path / ".thumbnails" / "b.png", noise(5, 6, 3))
    for name in ("film.mp4", "film2.mov", "notes.txt", "raw.raw"):
        (tmp_path / name).write_bytes(b"none of ours at all")
    np.savez(tmp_path / "features.npz", features=np.zeros((5, 6, 8)))
    found = look_into(tmp_path, recursive=True)
    assert [path.name for path in found.files] == ["a.jpg", "p3.JXL", "saved-by-a-browser.jfif", "x.jpg_large"]
    assert found.sentence == "4 pictures, 5 files left out: 1 feature file, 2 videos, 1 text, 1 other file."


def test_pillow_reads_the_same_from_memory(tmp_path: Path) -> None:
    """PNG of every kind that Pillow writes: as before, whatever was taken out of the file."""
    array = noise(15, 9, 3)
    for mode in ("1", "L", "P", "RGB"):
        buffer = io.BytesIO()
        Image.fromarray(array).convert(mode).save(buffer, "PNG", dpi=(72, 72))
        (tmp_path / "a.png").write_bytes(buffer.getvalue())
        expected = np.asarray(Image.open(buffer).convert("RGB")) / np.float32(255)
        np.testing.assert_array_equal(read_image(tmp_path / "a.png"), expected)


@pytest.mark.parametrize(("name", "said"), [("a.tif", "from 1 to 2, got 3"), ("a.png", "1 of a PNG, which is one")])
def test_a_page_that_is_not_there(tmp_path: Path, name: str, said: str) -> None:
    if name == "a.tif":
        tifffile.imwrite(tmp_path / name, noise(2, 12, 16), photometric="minisblack")
    else:
        saved(tmp_path / name, noise(12, 16, 3))
    for read in (read_photograph, lambda path, params: read_reduced(path, 8, params)):
        with pytest.raises(ImageError, match=rf"{name}: page \(Page\) must be {said}"):
            read(tmp_path / name, ReadParams(page=3))
