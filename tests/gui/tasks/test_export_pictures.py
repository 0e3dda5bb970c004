"""Layers and mattes of all open pictures, or of some: each as it was left, the same thing where it has none."""

from __future__ import annotations

import json

import numpy as np
import pytest
from controls import button, named
from journeys import answered, idle
from layers import settled
from made_scenes import disc_scene
from PySide6.QtWidgets import QComboBox, QLineEdit

from sss_gui.requests.classes import JoinCocoRequest
from sss_gui.requests.panes import ComputeFeatures, Source
from sss_gui.requests.segments import ExportLayersRequest, LayersRequest, Matte, MatteRequest, SegmentsRequest
from sss_gui.window.export_dialog import places_of
from sss_model.errors import ParameterError
from sss_model.matting.steps import stroke_at
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams


def show(qtbot, program, name):
    program.pictures.choose([source.name for source in program.pictures.sources].index(name))
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == name)
    settled(qtbot, program)


@pytest.fixture
def left(qtbot, program, photos, tmp_path):
    """Three pictures; a has merged layers and no matte, b has a matte, c was never looked at. b shows."""
    program.open_files.open_paths([photos[0], photos[1], photos[3]])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    program.actions["segments_view"].trigger()
    show(qtbot, program, "a.png")
    segments = program.segments
    segments.set_count(3)
    segments.rename(segments.edits.layers[0].number, "cat")
    show(qtbot, program, "b.png")
    segments.add_step(stroke_at([(10, 10)], True, 2, program.session.size, click=True))
    settled(qtbot, program)
    program.settings.export_folder = str(tmp_path / "out")
    (tmp_path / "out").mkdir()
    return program


def asked_of(engine):
    asked = [request for request in engine.asked if isinstance(request, ExportLayersRequest)]
    return {request.layers.cut.features.source.name: request for request in asked}


def test_places_are_named_as_people_do():
    assert places_of("1-3, 7", 9) == (0, 1, 2, 6)
    assert places_of(" 4 ,2\u20133,2", 4) == (1, 2, 3)
    for words in ("", "0-2", "3-2", "2-5", "one", "1,,2"):
        with pytest.raises(ParameterError, match="places from 1 to 4"):
            places_of(words, 4)


def test_every_picture_is_written_as_it_was_left(qtbot, left, engine):
    def accept(dialog):
        assert named(dialog, QComboBox, "Pictures").currentText() == "All 3 open pictures"
        button(dialog, "All layers").click()
        assert not button(dialog, "The same thing").isVisible(), "layers are there for every picture"
        button(dialog, "Export").click()

    answered(accept)
    with qtbot.waitSignal(left.batch_export.finished) as finished:
        left.actions["export_all"].trigger()
    assert finished.args[0].written == 3
    asked = asked_of(engine)
    assert (sorted(asked["a.png"].names), len(set(asked["a.png"].layers.groups))) == (["cat", "layer-2", "layer-4"], 3)
    assert len(asked["b.png"].layers.groups) == 4
    assert (asked["c.png"].layers.groups, asked["c.png"].layers.cut.params.layers) == ((), 4), "as many as b has"
    assert {request.params.existing for request in asked.values()} == {"skip"}, "nothing is replaced unasked"
    assert [request.done for request in asked.values()] == pytest.approx([1 / 3, 2 / 3, 1])


def test_a_picture_without_a_matte_gets_the_same_thing_or_is_left_out(qtbot, left, engine):
    engine.sure = {"c.png": 0.4}
    answered(lambda dialog: button(dialog, "Export").click())  # it begins with the matte, all pictures, and the same
    with qtbot.waitSignal(left.batch_export.finished) as finished:
        left.actions["export_all"].trigger()
    report = finished.args[0]
    assert "3 of 3 pictures written" in report.sentence
    assert report.sentence.endswith("1 doubtful: look at them (c.png).")
    asked, strip = asked_of(engine), left.window.film_strip
    assert asked["b.png"].matte.matte.steps
    assert asked["b.png"].like is None
    assert asked["a.png"].like == asked["c.png"].like == asked["b.png"].matte
    assert [strip.doubt(k) for k in range(3)] == ["", "", "sure to 0.4"]
    engine.asked.clear()

    def not_the_same(dialog):
        button(dialog, "The same thing").setChecked(False)
        button(dialog, "Export").click()

    answered(not_the_same)
    said = []
    left.export_layers.noted.connect(said.append)
    with qtbot.waitSignal(left.batch_export.finished):
        left.actions["export_all"].trigger()
    assert list(asked_of(engine)) == ["b.png"]
    assert said == ["2 pictures without a matte left out."]


def test_a_range_of_the_strip(qtbot, left, engine):
    def choose(dialog):
        named(dialog, QComboBox, "Pictures").setCurrentIndex(2)
        field = named(dialog, QLineEdit, "Places in the film strip")
        field.setText("5")
        assert not button(dialog, "Export").isEnabled()
        field.setText("2-3")
        button(dialog, "All layers").click()
        button(dialog, "Export").click()

    answered(choose)
    with qtbot.waitSignal(left.batch_export.finished):
        left.actions["export"].trigger()
    assert list(asked_of(engine)) == ["b.png", "c.png"]
    assert asked_of(engine)["b.png"].params.existing == "refuse"


def test_features_of_a_range_too(qtbot, left, engine):
    left.actions["segments_view"].trigger()

    def choose(dialog):
        named(dialog, QComboBox, "Pictures").setCurrentIndex(2)
        named(dialog, QLineEdit, "Places in the film strip").setText("1,3")
        button(dialog, "Export").click()

    answered(choose)
    with qtbot.waitSignal(left.batch_export.finished) as finished:
        left.actions["export"].trigger()
    assert finished.args[0].written == 2


def test_classes_are_those_of_all_pictures(qtbot, left, engine):
    for name, x in (("sky", 4), ("rest", 20)):
        left.classes.add(name)
        left.actions["tool_teach"].trigger()
        left.classes.paint([(x, 3)], 1)
    settled(qtbot, left)
    with qtbot.waitSignal(left.batch_export.finished):
        left.export_layers.export_pictures(
            left.pictures.sources, left.export_layers.folder(), LayerExportParams(), matte=False
        )
    asked = asked_of(engine)
    assert {request.names for request in asked.values()} == {("sky", "rest")}
    assert {request.layers.cut.classes for request in asked.values()} == {left.classes.taught}
    assert not [message for message in engine.asked if isinstance(message, JoinCocoRequest)], "no COCO was asked for"
    out = left.export_layers.folder()
    with qtbot.waitSignal(left.batch_export.finished):
        left.export_layers.export_pictures(
            left.pictures.sources, out, LayerExportParams(formats=("coco",)), matte=False
        )
    idle(qtbot, left)
    [joined] = [message for message in engine.asked if isinstance(message, JoinCocoRequest)]
    assert (joined.folder, joined.stems) == (out, ("a", "b", "c")), "once, when all are written"


@pytest.fixture
def features(tmp_path):
    """Two pictures with features of their own, the same things in other places."""
    from sss_model.image_io import to_picture, write_picture

    sources = []
    for seed in (1, 2):
        image, features, _ = disc_scene(seed=seed)
        write_picture(tmp_path / f"p{seed}.png", to_picture(image))
        np.savez(tmp_path / f"p{seed}.npz", features=(features + 0.2).astype(np.float32))
        sources.append(
            ComputeFeatures(Source.from_path(tmp_path / f"p{seed}.npz"), extract=ExtractParams(device="cpu"))
        )
    return sources


def test_the_real_engine_finds_the_thing_again_as_the_command_does(features, tmp_path):
    from sss_gui.requests.segments import RecipeRequest
    from sss_gui.worker.engine import FeatureEngine
    from sss_model.commands.segment import main
    from sss_model.progress import Progress

    engine, (first, second) = FeatureEngine(), features
    step = stroke_at([(27, 30)], True, 2, (60, 80), click=True)
    like = MatteRequest(LayersRequest(SegmentsRequest(first), ()), Matte((), (step,)))
    params = LayerExportParams(formats=("npz", "png"))
    layers = LayersRequest(SegmentsRequest(second), ())
    asked = ExportLayersRequest(layers, ("matte",), tmp_path / "window", params, like=like)
    result = engine.answer(asked, Progress(), print)
    assert engine.documents.last_of(first.source) is not None
    assert engine.documents.last_of(second.source) is None, "nobody looks at it"
    recipe = tmp_path / "recipe.json"
    engine.answer(RecipeRequest(like, recipe), Progress(), print)
    call = [str(second.source.path), "--matte", str(recipe), "-o", str(tmp_path / "command"), "--formats", "npz,png"]
    assert main([*call, "--quiet"]) == 0
    assert {path.name for path in result.paths} == {path.name for path in (tmp_path / "command").iterdir()}
    for name in ("p2-matte.png", "p2-cutout.png"):
        assert (tmp_path / "window" / name).read_bytes() == (tmp_path / "command" / name).read_bytes(), name
    said = [json.loads((tmp_path / side / "p2-matte.json").read_text()) for side in ("window", "command")]
    assert said[0]["confidence"] == said[1]["confidence"]
    assert said[0]["recipe"] == said[1]["recipe"]
    engine.close()


def test_the_real_engine_cuts_a_picture_that_nobody_grouped(features, tmp_path):
    from sss_gui.worker.engine import FeatureEngine
    from sss_model.files.export import ExportError
    from sss_model.params.layers import SegmentParams
    from sss_model.progress import Progress

    engine, (first, _) = FeatureEngine(), features
    cut = SegmentsRequest(first, SegmentParams(layers=3))
    params = LayerExportParams(formats=("npz",))
    asked = ExportLayersRequest(LayersRequest(cut, ()), (), tmp_path / "out", params, stem="other")
    files = engine.answer(asked, Progress(), print).paths
    assert [path.name for path in files] == ["other-layers.npz", "other-layers.json"]
    with np.load(files[0]) as file:
        assert file["names"].tolist() == ["layer-1", "layer-2", "layer-3"]
        assert (np.diff(file["alphas"].mean((0, 1))) < 0).all(), "the largest first"
    of_others = ExportLayersRequest(LayersRequest(cut, (0, 1)), ("a", "b"), tmp_path / "out", params)
    with pytest.raises(ExportError, match="made of other features"):
        engine.answer(of_others, Progress(), print)
    engine.close()
