"""EXRs read by stripes of rows: the same numbers, little memory, damage that is seen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from picture_files import area_means, check_contract, exr, noise

from sss_model.errors import ImageError
from sss_model.image_io import decoding_bytes, read_image, read_photograph, read_reduced, read_thumbnail, read_to_fit

FLAT = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
FORTY_ROWS = "sss_model.image_io.exr._STRIPE_PIXELS", 40 * 90  # which are rounded to 32


def unit(*shape: int) -> np.ndarray:
    return noise(*shape) / np.float32(255)


def written(path: Path, header: dict[str, object], channels: dict[str, np.ndarray]) -> Path:
    with OpenEXR.File({**FLAT, **header}, channels) as file:
        file.write(str(path))
    return path


@pytest.mark.parametrize("names", ["RGB", "RGBA", "Y"])
@pytest.mark.parametrize("side", [45, 31, 1])
def test_reduced_is_the_mean_over_areas_of_the_whole(
    tmp_path: Path, names: str, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*FORTY_ROWS)
    pixels = unit(101, 90, len(names))
    pixels[..., :-1] *= pixels[..., -1:] if names == "RGBA" else 1
    path = exr(tmp_path / "a.exr", {names: pixels if len(names) > 1 else pixels[..., 0]})
    image = read_reduced(path, side).image
    check_contract(image, side, max(1, round(side * 90 / 101)))
    np.testing.assert_allclose(image, area_means(read_image(path), *image.shape[:2]), atol=2e-6)


def test_tiles_windows_and_integers_are_those_of_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*FORTY_ROWS)
    colours = [np.ascontiguousarray(plane) for plane in np.moveaxis(unit(101, 90, 3), 2, 0)]
    plain = read_image(exr(tmp_path / "a.exr", dict(zip("RGB", colours, strict=True))))
    further = {"Z": colours[0], "left.R": colours[1]}
    tiles = OpenEXR.TileDescription()
    tiles.xSize = tiles.ySize = 24
    window = (np.array([-3, 5], np.int32), np.array([86, 105], np.int32))
    corners = {"dataWindow": window, "displayWindow": window}
    for header in ({"type": OpenEXR.tiledimage, "tiles": tiles}, corners, {"compression": OpenEXR.PIZ_COMPRESSION}):
        path = written(tmp_path / "b.exr", header, dict(zip("RGB", colours, strict=True)) | further)
        np.testing.assert_array_equal(read_image(path), plain)
    whole = {"R": (colours[0] > 0.5).astype(np.uint32), "G": colours[1], "B": colours[2].astype(np.float16)}
    image = read_image(written(tmp_path / "c.exr", {}, dict(whole)))
    np.testing.assert_allclose(image[..., 0], whole["R"], atol=1e-6)
    np.testing.assert_array_equal(image[..., 1], plain[..., 1])
    np.testing.assert_allclose(image[..., 2], plain[..., 2], atol=1e-3)


def test_a_picture_in_a_later_part_is_read_whole(tmp_path: Path) -> None:
    colours = unit(60, 90, 3)
    parts = [OpenEXR.Part(dict(FLAT), {"Z": colours[..., 0].copy()}, name="depth")]
    parts.append(OpenEXR.Part(dict(FLAT), {"RGB": colours}, name="beauty"))
    with OpenEXR.File(parts) as file:
        file.write(str(tmp_path / "parts.exr"))
    image = read_image(exr(tmp_path / "a.exr", {"RGB": colours}))
    np.testing.assert_array_equal(read_image(tmp_path / "parts.exr"), image)
    np.testing.assert_allclose(read_reduced(tmp_path / "parts.exr", 45).image, area_means(image, 30, 45), atol=2e-6)


def test_values_are_judged_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is bright or broken in one stripe alone is shown as in the whole."""
    monkeypatch.setattr(*FORTY_ROWS)
    for rows in (5, 40):
        bright = unit(101, 90, 3)
        bright[:rows] = 9
        path = exr(tmp_path / "bright.exr", {"RGB": bright})
        whole, small = read_photograph(path), read_reduced(path, 45)
        np.testing.assert_allclose(small.image, area_means(whole.image, *small.image.shape[:2]), atol=2e-6)
        assert small.conversion == whole.conversion
        assert ("exposure" in whole.conversion) == (rows == 40)
        assert "rolled off" in whole.conversion
        assert whole.plate is not None
        np.testing.assert_allclose(whole.plate.linear, bright, atol=1e-6)
    broken = unit(101, 90, 3)
    broken[70, 8] = np.nan
    path = exr(tmp_path / "broken.exr", {"RGB": broken})
    whole, small = read_photograph(path), read_reduced(path, 45)
    np.testing.assert_allclose(small.image, area_means(whole.image, *small.image.shape[:2]), atol=2e-6)
    around = np.delete(broken[69:72, 7:10].reshape(9, 3), 4, axis=0).mean(axis=0)
    np.testing.assert_allclose(whole.image[70, 8], 1.055 * around ** (1 / 2.4) - 0.055, atol=1e-5)
    assert small.conversion == whole.conversion
    broken[:40] = np.nan
    path = exr(tmp_path / "broken.exr", {"RGB": broken})
    for read in (read_image, lambda path: read_reduced(path, 45)):
        with pytest.raises(ImageError, match="holds NaN or infinity in 3601 pixels, first in row 0, column 0"):
            read(path)


@pytest.mark.parametrize("damage", ["cut", "overwritten"])
def test_damage_is_an_error(tmp_path: Path, damage: str) -> None:
    path = exr(tmp_path / "a.exr", {"RGB": unit(101, 90, 3)})
    data = path.read_bytes()
    half = len(data) // 2
    path.write_bytes(data[:half] if damage == "cut" else data[:half] + b"\xff" * 2000 + data[half + 2000 :])
    for read in (read_image, lambda path: read_reduced(path, 45), lambda path: read_thumbnail(path, 20)):
        with pytest.raises(ImageError, match="damaged") as caught:
            read(path)
        assert "Copy or download it again" in caught.value.hint


def test_one_that_is_too_large_for_memory_is_read_at_a_part_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*FORTY_ROWS)
    path = exr(tmp_path / "a.exr", {"RGB": unit(480, 640, 3)})
    needed = decoding_bytes(path)
    assert read_to_fit(path)[1] == ""
    for share, size in ((1.0, (240, 320)), (0.3, (120, 160))):
        monkeypatch.setattr("sss_model.budget.free_memory", lambda share=share: int(share * needed))
        photograph, said = read_to_fit(path)
        assert photograph.image.shape[:2] == size
        assert said.endswith(f"It is read at {size[1]} x {size[0]}.")
        assert photograph.conversion == "linear light encoded as sRGB"


MEASURE = """
import sys
from sss_model.image_io import read_reduced
from sss_model.inference.memory import peak_bytes, reset_peak, resident_bytes
small, large = sys.argv[1:]
read_reduced(small, 64)
before = resident_bytes()
reset_peak()
read_reduced(large, 500)
print(peak_bytes() - before)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures as Linux counts")
def test_reduced_it_is_never_held_whole(tmp_path: Path) -> None:
    """8 megapixels of colours alone take 96 MB, and the further channels as much again."""
    rows = np.repeat(unit(1, 2000, 1)[..., 0], 4000, axis=0)
    small = exr(tmp_path / "small.exr", dict.fromkeys("RGB", rows[:100, :100]))
    large = exr(tmp_path / "large.exr", dict.fromkeys(("R", "G", "B", "N.x", "N.y", "N.z"), rows))
    command = [sys.executable, "-c", MEASURE, str(small), str(large)]
    took = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert took < 80 * 2**20


def test_a_deep_picture_is_its_samples_over_each_other(tmp_path: Path) -> None:
    """Two samples of premultiplied 0.25 with alpha 0.5: 0.375 with 0.75, over black."""
    samples = np.empty((6, 7), object)
    for place in np.ndindex(samples.shape):
        samples[place] = np.array([0.5, 0.5], np.float32)
    colours = samples * np.float32(0.5)
    channels = dict.fromkeys("RGB", colours) | {"A": samples, "Z": samples}
    header = {"type": OpenEXR.deepscanline, "compression": OpenEXR.ZIPS_COMPRESSION}
    image = read_image(written(tmp_path / "deep.exr", header, channels))
    check_contract(image, 6, 7)
    np.testing.assert_allclose(image, 1.055 * 0.375 ** (1 / 2.4) - 0.055, atol=1e-4)
