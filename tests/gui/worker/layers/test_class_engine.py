"""Classes by strokes in the real engine: layers at once and exactly, their parts, and the same files as the command."""

from __future__ import annotations

import json
import shlex
import weakref
from dataclasses import replace

import numpy as np
import pytest
from made_scenes import disc_scene

from sss_gui.requests.classes import (
    ConfidenceRequest,
    JoinCocoRequest,
    OpenClassesRequest,
    SaveClassesRequest,
    StrokeRequest,
)
from sss_gui.requests.panes import ComputeFeatures, Source
from sss_gui.requests.segments import (
    ExportLayersRequest,
    LayersRequest,
    Look,
    Matte,
    MatteRequest,
    SegmentsLiftRequest,
    SegmentsRequest,
)
from sss_gui.state.session import State
from sss_gui.tasks.command_line import classes_command_line
from sss_gui.worker.engine import FeatureEngine
from sss_model.classes import FeatureSource, TaughtClasses, class_alphas, classes_sha256, confidence, load_classes
from sss_model.errors import ParameterError
from sss_model.files.inputs import file_sha256
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams, MatteParams
from sss_model.progress import Progress

CPU = ExtractParams(device="cpu")
POINTS = {"disc": (27, 30), "band": (70, 30), "rest": (5, 5)}


@pytest.fixture
def features(tmp_path):
    """A picture of 60 x 80 pixels with features of a file, which need no network."""
    image, features, _ = disc_scene(seed=1)
    noise = 0.02 * np.random.default_rng(1).standard_normal(features.shape)
    write_picture(tmp_path / "p.png", to_picture(image))
    np.savez(tmp_path / "p.npz", features=(features + 0.2 + noise).astype(np.float32))
    return ComputeFeatures(Source.from_path(tmp_path / "p.npz"), extract=CPU)


@pytest.fixture
def engine():
    engine = FeatureEngine()
    yield engine
    engine.close()


def taught(engine, features):
    """Classes taught by a stroke each, as the window does it."""
    strokes, source = [], None
    for number, (name, point) in enumerate(POINTS.items(), start=1):
        asked = StrokeRequest(features, number, name, (point,), 4, source)
        result = engine.answer(asked, Progress(), print)
        assert result.number == number
        strokes.append(result.stroke)
        source = result.features
    return TaughtClasses(source, tuple(POINTS), tuple(strokes), ((9, 8, 7), (1, 2, 3), (4, 5, 6)))


def test_layers_come_at_once_and_then_exactly(engine, features):
    classes, results = taught(engine, features), []
    exact = engine.answer(SegmentsRequest(features, classes=classes), Progress(), results.append)
    (quick,) = results
    numbers = np.load(features.source.path)["features"]
    probabilities, image = classes.probabilities(numbers), read_image(features.source.path.with_suffix(".png"))
    alphas = class_alphas(probabilities, image, image)
    assert np.abs(exact.layers.alphas / 255 - alphas).max() < 0.01
    assert (exact.layers.alphas.sum(axis=2) == 255).all()
    assert (quick.layers.exact, exact.layers.exact) == (False, True)
    assert (quick.layers.alphas.argmax(2) == exact.layers.alphas.argmax(2)).mean() > 0.97
    assert (exact.names, exact.groupings) == (tuple(POINTS), ((0, 1, 2),))
    assert exact.confidence == pytest.approx(confidence(probabilities))
    assert quick.confidence is None
    results.clear()
    engine.answer(SegmentsRequest(features, classes=classes), Progress(), results.append)
    assert results == [], "what is known is exact at once"


def test_many_classes_come_at_once_too(engine, features):
    """OpenCV enlarges more than four channels as well."""
    few, results = taught(engine, features), []
    names = tuple(f"c{k}" for k in range(9))
    classes = TaughtClasses(
        few.source, names, tuple(replace(few.strokes[k % 3], name=name) for k, name in enumerate(names))
    )
    engine.answer(SegmentsRequest(features, classes=classes), Progress(), results.append)
    assert results[0].layers.alphas.shape == (60, 80, 9)
    assert (results[0].layers.alphas.sum(axis=2, dtype=int) == 255).all()


def test_mattes_and_parts_are_those_of_the_classes(engine, features):
    classes = taught(engine, features)
    cut = SegmentsRequest(features, classes=classes)
    layers = LayersRequest(cut, (0, 1, 2))
    exact = engine.answer(cut, Progress(), print).layers.alphas
    np.testing.assert_array_equal(engine.answer(layers, Progress(), print).alphas, exact)
    matte = MatteRequest(layers, Matte((0, 2), params=MatteParams(invert=True)))
    answer = engine.answer(matte, Progress(), print).matte
    assert np.abs(answer.astype(int) - exact[..., 1]).max() <= 1
    segmenter = engine.segmenter
    _, held = segmenter.cut(cut, Progress(), print)
    whole, part = held.at_full_size((0, 1, 2), Progress()), held.part((0, 1, 2), (10, 20, 50, 60), 1)
    assert np.abs(part - whole[20:60, 10:50]).max() < 0.02
    look = Look(((1, 2, 3),) * 3, (0, 1, 2))
    assert engine.answer(SegmentsLiftRequest(matte, look, ((0, 0, 80, 60), 1.0)), Progress(), print) is None


def test_a_stroke_more_lets_the_former_classes_go(engine, features):
    classes = taught(engine, features)
    cut = SegmentsRequest(features, classes=classes)
    engine.answer(cut, Progress(), print)
    _, former = engine.segmenter.cut(cut, Progress(), print)
    assert former.image.shape == (60, 80, 3)
    gone = weakref.ref(former)
    del former
    other = SegmentsRequest(features, classes=classes.without_stroke(0).without_class("disc"))
    assert len(engine.answer(other, Progress(), print).names) == 2
    assert gone() is None
    assert engine.segmenter.cut(other, Progress(), print)[1].image.shape == (60, 80, 3)


def test_other_features_are_one_sentence(engine, features):
    classes = TaughtClasses(FeatureSource(5, "other", "ab" * 32), ("a", "b"))
    with pytest.raises(ParameterError, match=r"taught with 5 features a pixel; got \(60, 80, 3\)"):
        engine.answer(SegmentsRequest(features, classes=classes), Progress(), print)
    with pytest.raises(ParameterError, match="taught with 5 features"):
        engine.answer(StrokeRequest(features, 1, "a", ((3, 3),), 2, classes.source), Progress(), print)


def test_how_sure_they_are_of_a_picture_that_nobody_looks_at(engine, features):
    classes = taught(engine, features)
    other = ComputeFeatures(Source.from_path(features.source.path, layout="HWD"), extract=CPU)
    assert engine.answer(ConfidenceRequest(other, classes), Progress(), print) is None
    sure = engine.answer(ConfidenceRequest(other, classes, compute=True), Progress(), print)
    assert sure == engine.answer(ConfidenceRequest(features, classes), Progress(), print)
    assert len(engine.documents) == 1, "its features push no others out"


def test_window_and_command_write_the_same_files(engine, features, tmp_path):
    from sss_model.commands.segment import main

    classes, out = taught(engine, features), tmp_path / "window"
    cut = SegmentsRequest(features, classes=classes)
    params = LayerExportParams(formats=("png", "alpha", "npz", "psd", "index", "coco"), overlay=True)
    asked = ExportLayersRequest(
        LayersRequest(cut, (0, 1, 2)), tuple(POINTS), out, params, order=(0, 1, 2), colours=classes.colours
    )
    written = engine.answer(asked, Progress(), print).paths
    saved = engine.answer(SaveClassesRequest(out / "classes.json", classes, by_content=True), Progress(), print)
    assert saved.name == f"classes-{classes_sha256(classes)[:8]}.json"
    assert file_sha256(saved) == classes_sha256(classes)
    assert engine.answer(OpenClassesRequest(saved), Progress(), print).names == tuple(POINTS)
    np.testing.assert_array_equal(load_classes(saved).classifier.weights, classes.classifier.weights)
    call = shlex.split(classes_command_line(State(features.source, extract=CPU), saved, tmp_path / "command", params))
    assert main([*call[3:], "--quiet"]) == 0
    names = {path.name for path in written}
    assert {"p-classes-index.png", "p-classes-coco.json", "p-classes-disc-alpha.png", "p-classes-layers.psd"} <= names
    joined = engine.answer(JoinCocoRequest(out, ("p", "of no picture")), Progress(), print).paths
    assert joined == (out / "classes-coco.json",)
    written = (*written, *joined)
    assert {path.name for path in written} == {path.name for path in (tmp_path / "command").iterdir()}
    assert engine.answer(JoinCocoRequest(tmp_path, ("p",)), Progress(), print).paths == (), "there are none"
    for path in written:
        other = tmp_path / "command" / path.name
        if path.suffix == ".npz":
            with np.load(path) as one, np.load(other) as two:
                np.testing.assert_array_equal(one["alphas"], two["alphas"])
        elif path.name == "p-classes-layers.json":
            one, two = json.loads(path.read_text()), json.loads(other.read_text())
            for key in ("segment", "export", "layers", "files", "confidence", "source_sha256"):
                assert one[key] == two[key], key
        else:
            assert path.read_bytes() == other.read_bytes(), path.name
