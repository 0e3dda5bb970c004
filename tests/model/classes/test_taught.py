"""Classes taught, changed, saved and read: what stays the same, and what is refused."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from made_scenes import disc_scene

from sss_model.classes import (
    ClassFileError,
    FeatureSource,
    TaughtClasses,
    class_alphas,
    confidence,
    load_classes,
    save_classes,
)
from sss_model.classes.class_file import _checksum
from sss_model.errors import ParameterError
from sss_model.filtering.resize import resize

SOURCE = FeatureSource(8, "made.safetensors", "ab" * 32, "resnet", "auto", (0.5, 1.25))
WORDS = {"disc": [(27, 30)], "band": [(70, 10), (70, 50)], "wall": [(5, 5), (60, 4)]}


def scene(seed=0):
    """The picture, features (60, 80, 8) of random directions a thing with noise, and the labels."""
    image, _, masks = disc_scene(seed=seed)
    directions = np.random.default_rng(9).standard_normal((3, 8))
    labels = np.argmax(np.stack(masks), axis=0)
    noise = 0.3 * np.random.default_rng(seed).standard_normal((60, 80, 8))
    return image, (directions[labels] + noise).astype(np.float32), labels


def taught_on(*seeds):
    classes = TaughtClasses(SOURCE, tuple(WORDS))
    for seed in seeds:
        _, features, _ = scene(seed)
        for name, points in WORDS.items():
            classes = classes.with_stroke(
                name, points, radius=2, features=features, size=(60, 80), picture=f"{seed}.png"
            )
    return classes


def test_a_class_is_found_in_another_picture():
    classes = taught_on(0)
    _, features, labels = scene(5)
    probabilities = classes.probabilities(features)
    assert (probabilities.argmax(2) == labels).mean() > 0.97
    assert confidence(probabilities) == pytest.approx(probabilities.max(2).mean(), abs=1e-6)
    assert confidence(probabilities) > 0.8
    assert confidence(np.full((4, 5, 3), 1 / 3, np.float32)) == pytest.approx(1 / 3)


def test_alphas_follow_the_edges_of_the_picture():
    image, features, labels = scene(5)
    large = resize(image, (240, 320))
    truth = np.argmax(np.stack(disc_scene(240, 320)[2]), axis=0)
    sharp = disc_scene(240, 320)[0]
    alphas = class_alphas(taught_on(0).probabilities(features), image, sharp)
    assert alphas.shape == (240, 320, 3)
    assert alphas.min() >= 0
    np.testing.assert_allclose(alphas.sum(2), 1, atol=1e-5)
    rows, columns = np.arange(240) // 4, np.arange(320) // 4
    blocks = labels[rows[:, None], columns]
    assert (alphas.argmax(2) == truth).mean() > max(0.985, (blocks == truth).mean())
    eight = class_alphas(taught_on(0).probabilities(features), image, (large * 255).astype(np.uint8))
    assert eight.shape == alphas.shape


def test_what_is_undone_is_as_before():
    one = taught_on(0)
    _, features, _ = scene(1)
    more = one.with_stroke("disc", [(70, 30)], radius=3, features=features, size=(60, 80))  # a mistake
    assert not np.allclose(more.classifier.weights, one.classifier.weights)
    for back in (more.without_stroke(-1), more.without_stroke(3)):
        np.testing.assert_array_equal(back.classifier.weights, one.classifier.weights)
    renamed = one.renamed("wall", "sky")
    assert renamed.names == ("disc", "band", "sky")
    np.testing.assert_array_equal(renamed.classifier.weights, one.classifier.weights)
    fewer = one.without_class("band")
    assert (fewer.names, len(fewer.strokes)) == (("disc", "wall"), 2)
    assert fewer.classifier.weights.shape == (8, 2)


def test_what_was_saved_classifies_and_goes_on(tmp_path):
    classes = taught_on(0, 1).with_class("new")
    with pytest.raises(ParameterError, match="there is none of new"):
        save_classes(tmp_path / "classes.json", classes)
    assert list(tmp_path.iterdir()) == []
    classes = classes.without_class("new").renamed("wall", "стена \udcff")
    save_classes(tmp_path / "classes.json", classes)
    read = load_classes(tmp_path / "classes.json")
    assert (read.source, read.names, read.pixels) == (classes.source, classes.names, classes.pixels)
    _, features, _ = scene(7)
    np.testing.assert_array_equal(read.probabilities(features), classes.probabilities(features))
    for one, other in zip(read.strokes, classes.strokes, strict=True):
        assert (one.name, one.picture, one.radius, one.pixels) == (
            other.name, other.picture, other.radius, other.pixels,
        )  # fmt: skip
        np.testing.assert_array_equal(one.points, other.points)
        np.testing.assert_array_equal(one.vectors, other.vectors)
    on = [c.with_stroke("disc", [(27, 30)], radius=2, features=features, size=(60, 80)) for c in (read, classes)]
    np.testing.assert_array_equal(on[0].classifier.weights, on[1].classifier.weights)


def test_the_file_says_what_it_holds(tmp_path):
    save_classes(tmp_path / "classes.json", taught_on(0))
    entry = json.loads((tmp_path / "classes.json").read_text())
    assert entry["model"] == {
        "name": "made.safetensors", "sha256": "ab" * 32, "backbone": "resnet", "channels": 8, "size": "auto",
        "scales": [0.5, 1.25],
    }  # fmt: skip
    assert [(c["name"], c["pixels"]) for c in entry["classes"]] == list(taught_on(0).pixels.items())
    weights = np.frombuffer(base64.b64decode(entry["weights"]["base64"]), "<f4").reshape(8, 3)
    np.testing.assert_array_equal(weights, taught_on(0).classifier.weights)
    assert entry["strokes"][1]["points"] == [[70.5 / 80, 10.5 / 60], [70.5 / 80, 50.5 / 60]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e.update(kind="sss-features matte"), "expected the kind 'sss-features classes'"),
        (lambda e: e.update(version=2), "of version 1, got 2"),
        (lambda e: e["classes"][0].update(name="circle"), "checksum does not fit"),
        (lambda e: e.pop("checksum"), "checksum does not fit"),
    ],
)
def test_a_file_that_was_edited_is_refused(tmp_path, change, said):
    save_classes(tmp_path / "classes.json", taught_on(0))
    entry = json.loads((tmp_path / "classes.json").read_text())
    change(entry)
    (tmp_path / "classes.json").write_text(json.dumps(entry))
    with pytest.raises(ClassFileError, match=said):
        load_classes(tmp_path / "classes.json")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda e: e.pop("model"), "missing or of another kind"),
        (lambda e: e.update(model=[1]), "missing or of another kind"),
        (lambda e: e["model"].update(channels=7), "a multiple of 7"),
        (lambda e: e["model"].update(channels="8"), "and channels"),
        (lambda e: e["model"].update(channels=0), "a multiple of 0"),
        (lambda e: e["classes"].pop(), "weights are of 3 classes, there are 2"),
        (lambda e: e["classes"][0].update(name="Band"), "must differ"),
        (lambda e: e["classes"][0].update(bias=None), "fit"),
        (lambda e: e["weights"].update(base64="ab"), "cut off or damaged"),
        (lambda e: e["strokes"][0].update({"class": "circle"}), "no class 'circle'"),
        (lambda e: e["strokes"][0].update(points=[[2, 0]]), "from 0 to 1"),
        (lambda e: e["strokes"][0].update(points=[]), "pairs of x and y"),
        (lambda e: e["strokes"][0].update(radius=-1), "from 0 to 1"),
        (lambda e: e["strokes"][0].update(pixels=1), "1 to 64 vectors, got"),
        (lambda e: e.update(strokes=3), "missing or of another kind"),
    ],
)
def test_a_file_that_does_not_fit_together_is_refused(tmp_path, change, said):
    save_classes(tmp_path / "classes.json", taught_on(0))
    entry = json.loads((tmp_path / "classes.json").read_text())
    del entry["checksum"]
    change(entry)
    (tmp_path / "classes.json").write_text(json.dumps({**entry, "checksum": _checksum(entry)}))
    with pytest.raises(ClassFileError, match=said) as raised:
        load_classes(tmp_path / "classes.json")
    assert str(raised.value).startswith("The classes in classes.json")


def test_what_is_no_file_of_classes(tmp_path):
    with pytest.raises(ClassFileError, match="it does not exist") as raised:
        load_classes(tmp_path / "none.json")
    assert raised.value.missing
    (tmp_path / "a.json").write_text("[1, 2")
    with pytest.raises(ClassFileError, match="it is not JSON"):
        load_classes(tmp_path / "a.json")
    (tmp_path / "a.json").write_text("[1, 2]")
    with pytest.raises(ClassFileError, match="got a list"):
        load_classes(tmp_path / "a.json")


def test_features_of_another_model_are_refused():
    classes = taught_on(0)
    features = scene(1)[1]
    record = {"checkpoint": {"name": "made.safetensors", "sha256": "ab" * 32, "network": {}}, "extract": {}}
    classes.check_source(record, features)
    classes.check_source({"metadata": {}}, features)  # a file that does not say whose they are
    other = {"checkpoint": {**record["checkpoint"], "name": "other", "sha256": "cd" * 32}, "extract": {}}
    for said in (other, {"metadata": other}):
        with pytest.raises(ParameterError, match=r"of made.safetensors \(abababab\), these are of other \(cdcdcdcd\)"):
            classes.check_source(said, features)
    for call in (classes.probabilities, lambda f: classes.check_source({}, f)):
        with pytest.raises(ParameterError, match="8 features a pixel; got \\(60, 80, 5\\)"):
            call(features[..., :5])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: c.with_class("Disc"), "must differ"),
        (lambda c: c.with_class(" "), "must have a name"),
        (lambda c: c.renamed("disc", "BAND"), "must differ"),
        (lambda c: c.renamed("cloud", "sky"), "no class 'cloud'; there are disc, band, wall"),
        (lambda c: c.without_class("cloud"), "no class 'cloud'"),
        (lambda c: TaughtClasses(SOURCE, tuple(map(str, range(256)))), "room for 255"),
        (lambda c: c.without_class("band").without_class("disc").classifier, "Two classes or more"),
    ],
)
def test_a_change_that_cannot_be(call, said):
    with pytest.raises(ParameterError, match=said):
        call(taught_on(0))
