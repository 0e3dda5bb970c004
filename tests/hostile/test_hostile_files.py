"""Damaged and odd pictures and feature files: a result that keeps the contract, or a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from feature_files import some
from picture_files import check_contract, exr, noise, saved

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of

from sss_model.feature_io import FORMATS, holds_features, read_features, write_features
from sss_model.image_io import decoding_bytes, image_size, read_image, read_reduced, read_thumbnail

PICTURES = ("png", "jpg", "tif", "gif", "webp", "bmp", "ppm", "tga", "float.tif", "lzw.tif", "exr")


def make_picture(path: Path, kind: str) -> None:
    if kind == "exr":
        exr(path, {"RGB": noise(18, 22, 3) / np.float32(255)})
    elif kind == "float.tif":
        tifffile.imwrite(path, noise(18, 22, 3) / np.float32(255), photometric="rgb", compression="zlib")
    else:
        saved(path, noise(18, 22, 3), **({"compression": "tiff_lzw"} if kind == "lzw.tif" else {}))


def try_picture(kind: str, rng: np.random.Generator, folder: Path) -> None:
    path = folder / f"a.{kind}"
    make_picture(path, kind)
    path.write_bytes(damaged(path.read_bytes(), rng))
    size = image_size(path)
    if decoding_bytes(path) > 2**27:  # a claim of gigabytes is another test's
        return
    image = read_image(path)
    check_contract(image, *size)
    assert read_thumbnail(path, 7).dtype == np.uint8
    assert max(read_reduced(path, 7).image.shape[:2]) == min(7, max(size))


def try_features(form: str, rng: np.random.Generator, folder: Path) -> None:
    path = folder / f"map{FORMATS[form].suffix}"  # with no picture beside it
    write_features(path, some(9, 11, 6), format=form, metadata={"source": "a.jpg"})
    path.write_bytes(damaged(path.read_bytes(), rng))
    holds_features(path)
    features = read_features(path).features
    assert features.ndim == 3
    assert np.isfinite(features).all()


def try_metadata(rng: np.random.Generator, folder: Path) -> None:
    text = json_of(dict.fromkeys(("layout", "files", "program", "source", "metadata", "features"), "HWD"), rng)
    text = text.encode("utf-8", "replace").decode()
    np.savez(folder / "m.npz", features=some(9, 11, 6), metadata=np.array(text))
    (folder / "m.json").write_text(text)
    assert read_features(folder / "m.npz").features.shape == (9, 11, 6)


KINDS = [
    *(Kind(f"picture {kind}", lambda rng, folder, kind=kind: try_picture(kind, rng, folder)) for kind in PICTURES),
    *(Kind(f"features {form}", lambda rng, folder, form=form: try_features(form, rng, folder)) for form in FORMATS),
    Kind("metadata", try_metadata),
]


@pytest.mark.filterwarnings("ignore")
def test_about_two_hundred_trials(tmp_path: Path) -> None:
    rows = check_kinds(KINDS, tmp_path, 12, seed=0)
    assert sum(row.worked for row in rows) > 0
    assert sum(row.refused for row in rows) > 0


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 300, seed=1, apart=True)
