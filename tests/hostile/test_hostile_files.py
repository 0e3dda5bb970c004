"""Damaged and odd pictures and feature files: a result that keeps the contract, or a sentence."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
from feature_files import some
from picture_files import check_contract, exr, noise, saved

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, run_kind, run_kind_apart, table

from sss_model.feature_io import FORMATS, holds_features, read_features, write_features
from sss_model.image_io import decoding_bytes, image_size, read_image, read_reduced, read_thumbnail

PICTURES = ("png", "jpg", "tif", "gif", "webp", "bmp", "ppm", "tga", "float.tif", "lzw.tif", "exr")


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """`data` with bits flipped, a piece cut out, doubled or zeroed, or its end cut off; headers are hit more often."""
    broken = bytearray(data)
    reach = len(broken) if rng.random() < 0.3 else min(len(broken), 300)
    for _ in range(int(rng.integers(1, 4))):
        place, size = int(rng.integers(0, max(1, reach))), int(rng.integers(1, 40))
        match int(rng.integers(0, 5)):
            case 0:
                broken[place : place + 1] = bytes([int(rng.integers(0, 256))])
            case 1:
                broken[place : place + size] = bytes(size)
            case 2:
                del broken[place : place + size]
            case 3:
                broken[place:place] = broken[place : place + size]
            case _:
                broken[place : place + 4] = b"\xff\xff\xff\x7f"
    return bytes(broken[: int(rng.integers(1, len(broken) + 1))] if rng.random() < 0.2 else broken)


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


def odd_value(rng: np.random.Generator, depth: int = 0) -> object:
    choices = [None, True, -1, 10**30, 1e308, "", "HWD", "\u0000", [], {}, "x" * 5000]
    if depth < 3 and rng.random() < 0.5:
        return [odd_value(rng, depth + 1) for _ in range(int(rng.integers(0, 4)))]
    return choices[int(rng.integers(0, len(choices)))]


def try_metadata(rng: np.random.Generator, folder: Path) -> None:
    names = ("layout", "files", "program", "source", "metadata", "features")
    text = json.dumps({name: odd_value(rng) for name in names} if rng.random() < 0.8 else odd_value(rng))
    if rng.random() < 0.1:
        text = "[" * 50_000
    np.savez(folder / "m.npz", features=some(9, 11, 6), metadata=np.array(text))
    (folder / "m.json").write_text(text)
    assert read_features(folder / "m.npz").features.shape == (9, 11, 6)


KINDS = [
    *(Kind(f"picture {kind}", lambda rng, folder, kind=kind: try_picture(kind, rng, folder)) for kind in PICTURES),
    *(Kind(f"features {form}", lambda rng, folder, form=form: try_features(form, rng, folder)) for form in FORMATS),
    Kind("metadata", try_metadata),
]


def run(folder: Path, trials: int, seed: int, runner=run_kind) -> None:  # type: ignore[no-untyped-def]
    rows = [runner(kind, folder, trials, seed=seed) for kind in KINDS]
    print(f"\n{table(rows)}")
    assert not any(row.bad for row in rows), table(rows)
    assert all(row.tried == trials for row in rows)
    assert sum(row.worked for row in rows) > 0
    assert sum(row.refused for row in rows) > 0


@pytest.mark.filterwarnings("ignore")
def test_about_two_hundred_trials(tmp_path: Path) -> None:
    run(tmp_path, 12, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    run(tmp_path, 300, seed=1, runner=run_kind_apart)
