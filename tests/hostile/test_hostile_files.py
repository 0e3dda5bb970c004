"""Damaged and odd pictures and feature files: a result that keeps the contract, or a sentence."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
import tifffile
from feature_files import some
from picture_files import check_contract, exr, noise, saved

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of

from sss_model.datasets.dataset import DataSource, open_dataset
from sss_model.datasets.label_maps import count_annotators, mat_size, read_label_map
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


def try_training_picture(rng: np.random.Generator, folder: Path) -> None:
    """A data set of one pair; its picture or its label map is damaged."""
    pictures, maps = folder / "set" / "images", folder / "set" / "labels"
    for made in (pictures, maps):
        made.mkdir(parents=True, exist_ok=True)
        for old in made.iterdir():
            old.unlink()
    picture = pictures / ("a.png", "a.jpg", "a.tif", "a.bmp")[int(rng.integers(0, 4))]
    saved(picture, noise(18, 22, 3))
    saved(maps / "a.png", noise(18, 22, 1)[..., 0])
    victim = (picture, maps / "a.png")[int(rng.integers(0, 2))]
    if rng.random() < 0.5:
        victim.write_bytes(damaged(victim.read_bytes(), rng))
        dataset = open_dataset(DataSource(str(folder / "set"), "folder"))
    else:  # damaged after the check of all headers
        dataset = open_dataset(DataSource(str(folder / "set"), "folder"))
        victim.write_bytes(damaged(victim.read_bytes(), rng))
    example = dataset.read(0)
    assert example.labels.shape == (example.picture.height, example.picture.width)


def try_matlab_labels(rng: np.random.Generator, folder: Path) -> None:
    path = folder / "a.mat"
    labels = noise(18, 22, 1)[..., 0]
    truth = np.empty((1, 1), object)
    truth[0, 0] = {"Segmentation": labels}
    content = {"S": labels} if rng.random() < 0.5 else {"groundTruth": truth}
    if rng.random() < 0.3:
        content = {
            next(iter(content)): (labels[..., None] + np.zeros(3), "text", truth, np.array([{}]), 3.5)[
                int(rng.integers(0, 5))
            ]
        }
    scipy.io.savemat(path, content, do_compression=bool(rng.random() < 0.5))
    if rng.random() < 0.7:
        path.write_bytes(damaged(path.read_bytes(), rng))
    if "S" not in content:
        assert count_annotators(path) > 0
    mat_size(path)
    assert read_label_map(path, 1).ndim == 2


KINDS = [
    *(Kind(f"picture {kind}", lambda rng, folder, kind=kind: try_picture(kind, rng, folder)) for kind in PICTURES),
    *(Kind(f"features {form}", lambda rng, folder, form=form: try_features(form, rng, folder)) for form in FORMATS),
    Kind("metadata", try_metadata),
    Kind("data set of one pair", try_training_picture),
    Kind("label map MATLAB", try_matlab_labels),
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
