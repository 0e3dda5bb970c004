"""`--classes` of sss-segment and sss-extract: files, names, a stopped run, doubtful pictures, other models."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from made_scenes import disc_scene
from PIL import Image
from pycocotools.coco import COCO

from sss_model.classes import FeatureSource, TaughtClasses, class_alphas, save_classes
from sss_model.commands import extract, segment
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.layer_io.labels import strongest
from sss_model.layer_io.layers import whole_alphas
from sss_model.params import AUTOMATIC_SCALES


@pytest.fixture
def folder(tmp_path):
    """Three pictures with a feature file each, the third's between two classes; classes taught on the first."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(3):
        image, features, _ = disc_scene(seed=number)
        random = np.random.default_rng(number)
        features = features + np.float32(0.2) + 0.02 * random.standard_normal(features.shape).astype(np.float32)
        if number == 2:
            features[:] = (0.77, 0.37, 0.37)
        write_picture(photos / f"p{number}.png", to_picture(image))
        np.savez(photos / f"p{number}.npz", features=features)
    first = np.load(photos / "p0.npz")["features"]
    taught = TaughtClasses(FeatureSource(3), ("disc", "band", "index"))
    for name, point in (("disc", (27, 30)), ("band", (70, 30)), ("index", (5, 5))):
        taught = taught.with_stroke(name, [point], radius=4, features=first, size=(60, 80), picture="p0.png")
    save_classes(tmp_path / "classes.json", taught)
    return tmp_path


def files(folder):
    return [str(folder / "photos" / f"p{number}.npz") for number in range(3)]


def call(folder, *more):
    return [*files(folder), "-o", str(folder / "out"), "--classes", str(folder / "classes.json"), *more]


def test_classes_are_layers_in_every_format(folder, capsys):
    formats = "png,alpha,npz,psd,ora,exr,cryptomatte,index,coco"
    assert segment.main(call(folder, "--formats", formats, "--overlay")) == 0
    out = folder / "out"
    for number in range(3):
        said = json.loads((out / f"p{number}-classes-layers.json").read_text())
        assert all((out / name).is_file() for name in said["files"])
        assert [layer["name"] for layer in said["layers"]] == ["disc", "band", "index"]
        assert all(name.startswith(f"p{number}-classes-") for name in said["files"])
    image = read_image(folder / "photos" / "p1.png")
    features = np.load(folder / "photos" / "p1.npz")["features"]
    from sss_model.classes import load_classes

    alphas = class_alphas(load_classes(folder / "classes.json").probabilities(features), image, image)
    read = [cv2.imread(str(out / f"p1-classes-{name}-alpha.png"), -1) for name in ("disc", "band")]
    np.testing.assert_array_equal(np.dstack(read), whole_alphas(alphas, 65535)[..., :2])
    index = np.asarray(Image.open(out / "p1-classes-index.png"))
    assert (np.isin(index, (1, 2, 3))).all()
    np.testing.assert_array_equal(index, strongest(alphas))
    disc, band, _ = disc_scene(seed=1)[2]
    assert ((index == 1) == disc).mean() > 0.98
    assert ((index == 2) == band).mean() > 0.98
    words = capsys.readouterr().out
    assert "Doubtful, the least sure first: p2.npz (" in words
    assert "p1" not in words


def test_where_none_is_doubtful_the_least_sure_are_named(folder, capsys, monkeypatch):
    monkeypatch.setattr("sss_model.classes.DOUBTFUL", 0.0)
    monkeypatch.setattr("sss_model.commands.classify._LEAST_SURE", 2)
    assert segment.main(call(folder, "--formats", "index")) == 0
    words = capsys.readouterr().out
    records = [json.loads(path.read_text()) for path in (folder / "out").glob("*-classes-layers.json")]
    sure = sorted((record["confidence"], record["source"]) for record in records)
    assert len(sure) == 3
    assert "The least sure: " + ", ".join(f"{name} ({value:.2f})" for value, name in sure[:2]) + ". Look" in words
    assert "Doubtful" not in words


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # inside pycocotools
def test_one_coco_file_holds_the_whole_folder(folder, capsys):
    assert segment.main(call(folder, "--formats", "coco,index", "--quiet")) == 0
    coco = COCO(str(folder / "out" / "classes-coco.json"))
    assert [image["file_name"] for image in coco.loadImgs(coco.getImgIds())] == ["p0.npz", "p1.npz", "p2.npz"]
    for image in coco.getImgIds():
        index = np.asarray(Image.open(folder / "out" / f"p{image - 1}-classes-index.png"))
        for entry in coco.loadAnns(coco.getAnnIds(imgIds=[image])):
            np.testing.assert_array_equal(coco.annToMask(entry), index == entry["category_id"])


def test_a_stopped_run_goes_on_and_still_names_the_doubtful(folder, capsys):
    assert segment.main(call(folder, "--formats", "index")) == 0
    out = folder / "out"
    (out / "p1-classes-layers.json").unlink()
    stamps = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    capsys.readouterr()
    assert segment.main(call(folder, "--formats", "index", "--skip-existing")) == 0
    words = capsys.readouterr().out
    assert "1 of 3 pictures written" in words
    assert "p2.npz (" in words
    changed = {path.name for path in out.iterdir() if stamps.get(path.name) != path.stat().st_mtime_ns}
    assert changed == {"p1-classes-index.png", "p1-classes-layers.json"}
    taught = json.loads((folder / "classes.json").read_text())
    (folder / "classes.json").write_text(json.dumps(taught))  # the same classes in another file
    assert segment.main(call(folder, "--formats", "index", "--skip-existing", "--quiet")) == 0
    assert (out / "p0-classes-index.png").stat().st_mtime_ns > stamps["p0-classes-index.png"]


def test_extraction_writes_classes_beside_features(folder, capsys):
    assert extract.main(call(folder, "--no-pictures", "--class-formats", "alpha")) == 0
    names = {path.name for path in (folder / "out").iterdir()}
    assert {"p0-features-f16.npz", "p0.json", "p0-classes-disc-alpha.png", "p0-classes-layers.json"} <= names
    assert "p2.npz (" in capsys.readouterr().out
    assert extract.main(call(folder, "--no-pictures", "--class-formats", "alpha", "--skip-existing")) == 0
    assert "0 of 3 pictures written" in capsys.readouterr().out
    (folder / "out" / "p1-classes-disc-alpha.png").unlink()
    assert extract.main(call(folder, "--no-pictures", "--class-formats", "alpha", "--skip-existing")) == 0
    assert "1 of 3 pictures written" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        extract.main(call(folder, "--class-formats", "tga"))
    assert "formats must be of png" in capsys.readouterr().err


def test_the_networks_features_are_those_that_taught_or_refused(folder, capsys):
    photo = str(folder / "photos" / "p0.png")
    assert segment.main([photo, *call(folder, "--quiet")[3:]]) == 2
    assert "taught with 3 features a pixel; got (120, 160, 128)" in capsys.readouterr().err
    from sss_model.extractor import FeatureExtractor
    from sss_model.working_grid import extract_grid

    image = read_image(photo)
    found = extract_grid(FeatureExtractor(device="cpu"), image)
    source = FeatureSource.of(found.record, 128)
    assert source.sha256
    assert (source.size, source.scales) == ("auto", AUTOMATIC_SCALES)
    for changed, code in ((False, 0), (True, 2)):
        origin = FeatureSource(128, "other", "ab" * 32) if changed else source
        taught = TaughtClasses(origin, ("disc", "rest"))
        for name, point in (("disc", (27, 30)), ("rest", (5, 5))):
            taught = taught.with_stroke(name, [point], radius=3, features=found.features, size=(60, 80))
        save_classes(folder / "classes.json", taught)
        assert segment.main([photo, *call(folder, "--quiet", "--formats", "index")[3:]]) == code
    assert "taught with features of other (abababab), these are of sss_lite2.safetensors (" in capsys.readouterr().err
    index = np.asarray(Image.open(folder / "out" / "p0-classes-index.png"))
    assert index[30, 27] == 1
    assert index[5, 5] == 2


@pytest.mark.parametrize("more", [("--names", "a"), ("--compare",), ("--method", "spectral-matting")])
def test_options_that_say_something_else(folder, capsys, more):
    with pytest.raises(SystemExit):
        segment.main(call(folder, *more))
    assert f"--classes and {more[0]} do not go together" in capsys.readouterr().err


def test_a_file_of_classes_that_is_none(folder, capsys):
    (folder / "classes.json").write_text("{}")
    assert segment.main(call(folder)) == 1
    assert "holds no taught classes" in capsys.readouterr().err
    (folder / "classes.json").unlink()
    assert segment.main(call(folder)) == 2
    assert "it does not exist" in capsys.readouterr().err
