"""What decoding takes, told from the header, and decoding at a smaller size, against the mean over areas."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from picture_files import area_means, check_contract, exr, noise, png, saved

from sss_model import budget
from sss_model.errors import ImageError, ParameterError
from sss_model.image_io import decoding_bytes, read_image, read_reduced, read_to_fit
from sss_model.image_io.reduce import area_average as averaged


def smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    planes = [np.sin(x / 23) * np.cos(y / 31), np.sin(y / 17 + x / 40), np.cos(x / 29)]
    return ((np.stack(planes, axis=-1) + 1) * 127.5).astype(np.uint8)


@pytest.mark.parametrize("kind", ["rgb.png", "grey.png", "alpha.png", "deep.tif", "float.exr", "rgb.tif"])
def test_mean_over_areas(tmp_path: Path, kind: str) -> None:
    path = tmp_path / kind
    if kind == "deep.tif":
        tifffile.imwrite(path, noise(60, 90, 3, dtype=np.uint16), photometric="rgb")
    elif kind == "float.exr":
        exr(path, {"RGB": noise(60, 90, 3) / np.float32(255)})
    else:
        saved(path, noise(60, 90, 4) if "alpha" in kind else noise(60, 90) if "grey" in kind else noise(60, 90, 3))
    image = read_reduced(path, 45).image
    check_contract(image, 30, 45)
    np.testing.assert_allclose(image, area_means(read_image(path), 30, 45), atol=2e-6)


def test_never_enlarged_and_odd_sizes(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", noise(7, 31, 3))
    np.testing.assert_array_equal(read_reduced(path, 31).image, read_image(path))
    np.testing.assert_array_equal(read_reduced(path, 5000).image, read_image(path))
    for side in (1, 2, 3, 30):
        assert max(read_reduced(path, side).image.shape[:2]) == side
    with pytest.raises(ParameterError, match="long_side must be at least 1 pixel, got 0"):
        read_reduced(path, 0)


@pytest.mark.parametrize("orientation", [1, 6])
def test_jpeg_decodes_a_part_and_looks_the_same(
    tmp_path: Path, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.jpg", smooth(640, 960), quality=95, exif=exif)
    expected = area_means(read_image(path), *((100, 150) if orientation == 1 else (150, 100)))
    decoded = []
    monkeypatch.setattr(
        "sss_model.image_io.read.area_average",
        lambda samples, *rest, **names: decoded.append(samples.shape) or averaged(samples, *rest, **names),
    )
    image = read_reduced(path, 150).image
    assert max(decoded[0]) == 240, "a quarter"
    assert np.abs(image - expected).mean() < 1 / 255
    assert np.abs(image - expected).max() < 5 / 255


def test_a_tiff_gives_a_level_of_its_pyramid(tmp_path: Path) -> None:
    levels = [noise(256 >> i, 384 >> i, 3) for i in range(4)]
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        file.write(levels[0], photometric="rgb", subifds=3, tile=(64, 64))
        for level in levels[1:]:
            file.write(level, photometric="rgb", subfiletype=1, tile=(64, 64))
    for side, level in ((48, 3), (96, 2), (192, 1), (384, 0)):
        np.testing.assert_array_equal(read_reduced(tmp_path / "a.tif", side).image, levels[level] / np.float32(255))
    image = read_reduced(tmp_path / "a.tif", 60).image
    np.testing.assert_allclose(image, area_means(levels[2] / np.float32(255), 40, 60), atol=2e-6)


def test_a_jpeg_that_is_too_large_for_memory_is_read_at_a_part_of_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path / "a.jpg", noise(480, 640, 3))
    photograph, said = read_to_fit(path)
    assert (photograph.image.shape, said) == ((480, 640, 3), "")
    whole = decoding_bytes(path)
    shares = {1.0: (240, 320, 3), 0.3: (120, 160, 3), 0.08: (60, 80, 3)}
    for share, shape in shares.items():
        monkeypatch.setattr("sss_model.budget.free_memory", lambda share=share: int(share * whole))
        photograph, said = read_to_fit(path)
        assert photograph.image.shape == shape
        assert "has 640 x 480 pixels" in said
        assert said.endswith(f"It is read at {shape[1]} x {shape[0]}.")
        np.testing.assert_allclose(photograph.image, read_reduced(path, shape[1]).image, atol=1e-6)
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: whole // 10_000)
    with pytest.raises(ImageError, match="640 x 480 pixels") as caught:
        read_to_fit(path)
    assert "Scale it down" in caught.value.hint


def test_too_large_for_memory_says_the_number_and_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.png").write_bytes(png(20_000, 20_000, 8, 2, b""))
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: 4 * budget.GIB)
    sentence = r"has 20000 x 20000 pixels, which take \d+\.\d GB of memory to read; 4\.0 GB are free"
    with pytest.raises(ImageError, match=sentence) as caught:
        read_image(tmp_path / "a.png")
    assert "Scale it down" in caught.value.hint
    assert decoding_bytes(tmp_path / "a.png") > 6 * budget.GIB
    path = saved(tmp_path / "b.png", noise(300, 300, 3))
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: decoding_bytes(path))
    with pytest.raises(ImageError, match="300 x 300 pixels"):
        read_image(path)
    assert read_reduced(path, 30).image.shape == (30, 30, 3), "which makes no float copy of the whole"
    monkeypatch.setattr("sss_model.budget.current", replace(budget.current, decoding_share=1.0))
    assert read_image(path).shape == (300, 300, 3)


MEASURE = """
import sys
from pathlib import Path
from sss_model.image_io import decoding_bytes, read_image
from sss_model.inference.memory import peak_bytes, reset_peak, resident_bytes
small, large = sys.argv[1:]
read_image(small)
before = resident_bytes()
reset_peak()
read_image(large)
print(peak_bytes() - before, decoding_bytes(large))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="measures as Linux counts")
@pytest.mark.parametrize("kind", ["rgb.png", "alpha.png", "deep.tif", "float.exr"])
def test_the_forecast_holds(tmp_path: Path, kind: str) -> None:
    """At 4 megapixels: never less than what reading takes, and at most twice and a half as much."""
    for name, side in (("small", 20), ("large", 2000)):
        path, array = tmp_path / f"{name}-{kind}", smooth(side, side)
        if kind == "deep.tif":
            tifffile.imwrite(path, array.astype(np.uint16) * 257, photometric="rgb")
        elif kind in ("float.tif", "float.exr"):
            unit = array / np.float32(255)
            tifffile.imwrite(path, unit, photometric="rgb") if "tif" in kind else exr(path, {"RGB": unit})
        else:
            alpha = np.full((side, side, 1), 100, np.uint8)
            saved(path, array[..., 0] if "grey" in kind else np.dstack([array, alpha]) if "alpha" in kind else array)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / f"small-{kind}"), str(tmp_path / f"large-{kind}")]
    took, forecast = map(int, subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    assert took <= forecast * 1.05 <= 2.5 * took
