"""Embedded profiles, against littleCMS itself on whole pictures and against the colour spaces' published formulas."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile
from colour_profiles import (
    ADOBE,
    ADOBE_ICC,
    D50,
    P3,
    P3_ICC,
    SRGB,
    SRGB_PARA,
    by_formula,
    encoded,
    fixed,
    gamma,
    icc,
    para,
    xyz,
)  # fmt: skip
from picture_files import check_contract, noise, png, saved
from PIL import Image, ImageCms

from sss_model.files.inputs import read_input
from sss_model.image_io import read_image, read_photograph, read_thumbnail, to_picture


@pytest.mark.parametrize(("profile", "name"), [(ADOBE_ICC, ADOBE[0]), (P3_ICC, P3[0])])
@pytest.mark.parametrize("suffix", ["png", "tif", "webp"])
def test_eight_bits_equal_littlecms(tmp_path: Path, profile: bytes, name: str, suffix: str) -> None:
    array = noise(30, 41, 3)
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", array, icc_profile=profile, **options)
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    expected = np.asarray(ImageCms.profileToProfile(Image.fromarray(array), embedded, ImageCms.createProfile("sRGB")))
    image, conversion, _ = read_photograph(path)
    check_contract(image, 30, 41)
    np.testing.assert_array_equal(to_picture(image), expected)
    assert np.abs(expected / 255 - by_formula(array / 255, profile)).max() < 1.6 / 255, "the oracle itself"
    assert conversion == f"converted from {name} to sRGB"
    np.testing.assert_array_equal(read_thumbnail(path, 100), expected)


def test_jpeg_keeps_its_turn_and_says_so_in_the_record(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", np.full((16, 24, 3), (0, 255, 0), np.uint8), exif=exif, icc_profile=P3_ICC)
    opened = read_input(path)
    assert opened.image.shape == (24, 16, 3)
    assert opened.metadata == {"colours": "converted from Display P3 to sRGB"}
    plain = saved(tmp_path / "b.jpg", noise(16, 24, 3))
    assert read_input(plain).metadata == {}


def check_close(image: np.ndarray, expected: np.ndarray) -> None:
    """To far less than a level of 8 bits on average; the primaries' rounding shows where the curve is steep."""
    difference = np.abs(image - expected)
    assert difference.max() < 0.5 / 255
    assert difference.mean() < 0.02 / 255


@pytest.mark.parametrize("profile", [ADOBE_ICC, P3_ICC])
@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_deep_colours_keep_their_depth(tmp_path: Path, profile: bytes, dtype: str) -> None:
    array = noise(19, 23, 3, dtype=np.uint16)
    stored = array if dtype == "uint16" else (array / 65535).astype(dtype)
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="rgb", iccprofile=profile)
    expected = by_formula(array / 65535, profile)
    check_close(read_image(tmp_path / "a.tif"), expected)


def test_sixteen_bit_png_with_alpha(tmp_path: Path) -> None:
    import zlib

    array = noise(5, 7, 4, dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    chunk = b"name\0\0" + zlib.compress(ADOBE_ICC)
    (tmp_path / "a.png").write_bytes(png(7, 5, 16, 6, rows, (b"iCCP", chunk)))
    unit = array / 65535
    expected = by_formula(unit[..., :3], ADOBE_ICC) * unit[..., 3:] + 1 - unit[..., 3:]
    check_close(read_image(tmp_path / "a.png"), expected)


def test_grey_profile(tmp_path: Path) -> None:
    linear = icc("Linear grey", None, gamma(1.0))
    ramp = np.arange(256, dtype=np.uint8)[None]
    image, conversion, _ = read_photograph(saved(tmp_path / "a.png", ramp, icc_profile=linear))
    np.testing.assert_allclose(image[0, :, 1], encoded(ramp[0] / 255), atol=0.6 / 255)
    assert conversion == "converted from Linear grey to sRGB"
    tifffile.imwrite(tmp_path / "a.tif", ramp.astype(np.uint16) * 257, iccprofile=linear)
    np.testing.assert_allclose(read_image(tmp_path / "a.tif")[0, :, 2], encoded(ramp[0] / 255), atol=1e-4)


@pytest.mark.parametrize("profile", [icc(*SRGB, para(*SRGB_PARA)), ImageCms.ImageCmsProfile(
    ImageCms.createProfile("sRGB")).tobytes()])  # fmt: skip
def test_srgb_itself_changes_no_value(tmp_path: Path, profile: bytes) -> None:
    array = noise(30, 41, 3)
    image, conversion, _ = read_photograph(saved(tmp_path / "a.png", array, icc_profile=profile))
    np.testing.assert_array_equal(image, array / np.float32(255))
    assert conversion == ""


@pytest.mark.parametrize("profile", [b"", b"no profile" * 30, ADOBE_ICC[:200], icc("Grey", None, gamma(1.0))])
def test_a_profile_that_is_broken_or_of_another_kind_is_passed_over(tmp_path: Path, profile: bytes) -> None:
    array = noise(30, 41, 3)
    image, conversion, _ = read_photograph(saved(tmp_path / "a.tif", array, icc_profile=profile))
    np.testing.assert_array_equal(image, array / np.float32(255))
    assert conversion == ""


def cmyk_profile() -> bytes:
    """Inks to Lab by a table of two points an ink (ICC.1, `mft1`): paper white, and as dark as the darkest ink."""
    corners = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    lab = np.stack([np.round(255 * (1 - corners.max(axis=1))), np.full(16, 128), np.full(16, 128)], axis=1)
    identity = np.arange(256, dtype=np.uint8).tobytes()
    matrix = fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix + identity * 4
    table += lab.astype(np.uint8).tobytes() + identity * 3
    text = b"Some inks"
    tags = {
        b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 4 + 4 + 2 + 1 + 67),
        b"wtpt": xyz(*D50),
        b"A2B0": table,
    }
    directory, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, content in tags.items():
        directory += struct.pack(">4sII", signature, start + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    body = struct.pack(">I", len(tags)) + directory + data
    head = struct.pack(">I4sI4s4s4s12s4s4s", 128 + len(body), bytes(4), 0x02400000, b"prtr", b"CMYK", b"Lab ",
                       bytes(12), b"acsp", bytes(4))  # fmt: skip
    return (head + bytes(68 - len(head)) + fixed(*D50)).ljust(128, b"\0") + body


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_inks_by_their_profile(tmp_path: Path, suffix: str) -> None:
    """All of one ink is black in this profile, and red or blue without it."""
    profile = cmyk_profile()
    inks = Image.fromarray(np.full((16, 16, 3), (200, 20, 30), np.uint8)).convert("CMYK")
    inks.save(tmp_path / f"a.{suffix}", icc_profile=profile, **({"quality": 100} if suffix == "jpg" else {}))
    stored = Image.open(tmp_path / f"a.{suffix}")
    embedded = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    expected = np.asarray(ImageCms.profileToProfile(stored, embedded, srgb, outputMode="RGB"))
    image, conversion, _ = read_photograph(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(to_picture(image), expected)
    assert np.ptp(image[8, 8]) < 0.02, "grey"
    assert conversion == "converted from Some inks to sRGB"
