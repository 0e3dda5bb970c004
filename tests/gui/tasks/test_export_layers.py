"""Layers and mattes as files, on the clipboard, as a command line; in the window and by the real engine."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from controls import button
from journeys import answered
from layers import click, cut, settled
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QRadioButton

from sss_gui.requests.segments import ExportLayersRequest
from sss_model.matting.steps import Stroke
from sss_model.params import ExtractParams
from sss_model.params.layers import LayerExportParams


@pytest.fixture
def layered(qtbot, program, tmp_path):
    cut(qtbot, program)
    program.settings.export_folder = str(tmp_path)
    return program


def clipboard():
    return QGuiApplication.clipboard()


def exported(engine):
    return [message for message in engine.asked if isinstance(message, ExportLayersRequest)][-1]


def test_the_dialog_of_the_features_is_the_layers_while_these_show(qtbot, layered, engine, tmp_path):
    def choose(dialog):
        button(dialog, "PNG, 16 bit, one a layer, premultiplied alpha").setChecked(True)
        assert not dialog.findChildren(QRadioButton)[1].isEnabled(), "nothing is picked"
        dialog.accept()

    answered(choose)
    with qtbot.waitSignal(layered.session.exported):
        layered.actions["export"].trigger()
    asked = exported(engine)
    assert asked.params.formats == ("png", "png-premultiplied")
    assert asked.names == ("layer-1", "layer-2", "layer-4", "layer-3"), "as the planes are numbered"
    assert (asked.order, asked.matte, asked.folder) == ((), None, tmp_path)
    assert layered.export_layers.params().formats == asked.params.formats, "remembered"


def test_the_matte_alone_and_an_order_of_ones_own(qtbot, layered, engine):
    click(qtbot, layered, 0)
    answered(lambda dialog: (dialog.findChildren(QRadioButton)[1].click(), dialog.accept()))
    with qtbot.waitSignal(layered.session.exported):
        layered.actions["export_layers"].trigger()
    assert exported(engine).names == ("matte",)
    assert exported(engine).matte.matte.picked == (0,)
    layered.segments.arrange([3, 1, 2, 4])
    with qtbot.waitSignal(layered.session.exported):
        layered.export_layers.export(layered.export_layers.folder(), LayerExportParams())
    assert exported(engine).order == (2, 0, 1, 3)


def test_the_cut_out_is_copied_with_its_alpha(qtbot, layered):
    click(qtbot, layered, 0)
    layered.window.segments_panel.pane("matte").canvas.setFocus()
    layered.actions["copy_pane"].trigger()
    settled(qtbot, layered)
    image = clipboard().image()
    assert image.hasAlphaChannel()
    assert image.pixelColor(4, 12).alpha() == 255
    assert image.pixelColor(28, 12).alpha() == 0
    layered.window.segments_panel.pane("layers").canvas.setFocus()
    layered.actions["copy_pane"].trigger()
    assert not clipboard().image().hasAlphaChannel()


def test_the_command_line_is_there_for_layers_that_it_makes_too(qtbot, layered):
    said = []
    layered.export_layers.noted.connect(said.append)
    layered.segments.set_count(3)
    layered.segments.rename(1, "cat")
    settled(qtbot, layered)
    layered.actions["copy_command"].trigger()
    words = shlex.split(clipboard().text())
    assert words[:4] == [sys.executable, "-m", "sss_model.commands.segment", "a.png"]
    assert words[words.index("--layers") + 1] == "3"
    assert words[words.index("--names") + 1].split(",")[:2] == ["layer-2", "cat"]
    layered.segments.pick(frozenset([1, 3]))
    layered.segments.merge()
    settled(qtbot, layered)
    layered.segments.arrange([2, 1])
    layered.actions["copy_command"].trigger()
    assert said[-1].startswith("Layers merged, split or ordered by hand")
    layered.session.set_extract(replace(layered.session.state.extract, size="320"))
    settled(qtbot, layered)
    layered.segments.set_count(3)
    settled(qtbot, layered)
    assert layered.segments.edits.arranged


def test_nothing_to_copy_is_said(qtbot, layered):
    said = []
    layered.export_layers.noted.connect(said.append)
    layered.actions["copy_matte"].trigger()
    layered.actions["segments_view"].trigger()
    layered.pictures.close_all()
    layered.actions["segments_view"].trigger()
    layered.actions["export"].trigger()
    layered.actions["copy_command"].trigger()
    assert [words.split()[0] for words in said] == ["There", "There", "Only"]


@contextlib.contextmanager
def real_program(qtbot, tmp_path):
    """The program with its real engine, at the layers of a small photograph."""
    from sss_gui.program import Program
    from sss_gui.state.session import State
    from sss_gui.window.settings import Settings
    from sss_model.image_io import read_thumbnail, write_picture
    from sss_model.storage.shipped_files import SAMPLE, resource

    photo = tmp_path / "a photo.png"
    write_picture(photo, read_thumbnail(resource(SAMPLE), 120))
    state = State(extract=ExtractParams(device="cpu"))
    program = Program(Settings(tmp_path / "settings.ini"), state=state, data=tmp_path / "data")
    qtbot.addWidget(program.window)
    program.window.show()
    program.start([photo])
    try:
        qtbot.waitUntil(lambda: program.session.shown is not None and program.session.at_rest, timeout=120_000)
        program.actions["segments_view"].trigger()
        qtbot.waitUntil(lambda: program.segments.status == "exact", timeout=120_000)
        yield program
    finally:
        assert program.close()
        program.window.close()


def run_copied(tmp_path):
    """Run the call on the clipboard, with a folder of its own."""
    words = shlex.split(clipboard().text())
    words[words.index("-o") + 1] = str(tmp_path / "command")
    assert subprocess.run([*words, "--quiet"], timeout=240).returncode == 0


@pytest.mark.slow
def test_window_and_command_write_the_same_bytes(qtbot, tmp_path):
    with real_program(qtbot, tmp_path) as program:
        program.segments.set_count(4)
        program.segments.rename(1, "first")
        qtbot.waitUntil(lambda: program.segments.status == "exact", timeout=120_000)
        params = LayerExportParams(formats=("png", "npz", "exr"), overlay=True, decontaminate=True)
        with qtbot.waitSignal(program.session.exported, timeout=120_000) as done:
            program.export_layers.export(tmp_path / "window", params)
        program.actions["copy_command"].trigger()
    run_copied(tmp_path)
    for path in done.args[0].paths:
        if not path.name.endswith("-overlay.png"):  # it has the dock's colours
            assert path.read_bytes() == (tmp_path / "command" / path.name).read_bytes(), path.name


@pytest.mark.slow
@pytest.mark.parametrize("picked", [frozenset(), frozenset([2])])
def test_window_and_command_make_the_same_matte(qtbot, tmp_path, picked):
    with real_program(qtbot, tmp_path) as program:
        program.segments.pick(picked)
        program.segments.add_step(Stroke(((0.4, 0.6),), True, 0.01, True))
        program.segments.add_step(Stroke(((0.8, 0.2), (0.85, 0.3)), False, 0.02))
        params = LayerExportParams(formats=("png", "npz"))
        with qtbot.waitSignal(program.session.exported, timeout=120_000) as done:
            program.export_layers.export(tmp_path / "window", params, matte=True)
        with qtbot.waitSignal(program.export_layers.noted, timeout=120_000):
            program.actions["copy_command"].trigger()
    run_copied(tmp_path)
    names = {path.name for path in done.args[0].paths}
    assert names == {path.name for path in (tmp_path / "command").iterdir()}
    grey = "a photo-matte.png"
    assert (tmp_path / "window" / grey).read_bytes() == (tmp_path / "command" / grey).read_bytes()
    alphas = [np.load(tmp_path / side / "a photo-matte.npz")["alphas"] for side in ("window", "command")]
    assert (alphas[0] == alphas[1]).all()
    assert alphas[0].max() > 0


def test_the_real_engine_writes_what_is_asked_for(tmp_path):
    from sss_gui.requests.panes import ComputeFeatures, Source
    from sss_gui.requests.segments import LayersRequest, Matte, MatteRequest, SegmentsRequest
    from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
    from sss_gui.worker.layers.layer_export import export_layers
    from sss_gui.worker.layers.segment_engine import SegmentEngine
    from sss_model.files.export import ExportError
    from sss_model.image_io import read_image, write_picture
    from sss_model.params.layers import SegmentParams
    from sss_model.progress import Progress
    from sss_model.projection.feature_views import FeatureViews

    picture = np.full((24, 32, 3), 30, np.uint8)
    picture[:, 15:] = 220
    picture[::2] += np.uint8(6)
    write_picture(tmp_path / "halves.png", picture)
    image, source = read_image(tmp_path / "halves.png"), Source.from_path(tmp_path / "halves.png")
    document = CachedFeatures(source, FeatureViews(image, image))
    documents = FeatureCache(1 << 30)
    documents.put("halves", document)
    engine = SegmentEngine(lambda *_: document, documents, print)
    features = ComputeFeatures(source, extract=ExtractParams(device="cpu"))
    request = SegmentsRequest(features, SegmentParams(layers=2))
    groups = engine.segments(request, Progress(), print).groupings[1]
    layers = LayersRequest(request, groups)

    def export(names, existing="overwrite", **more):
        params = LayerExportParams(formats=("npz",), existing=existing)
        asked = ExportLayersRequest(layers, names, tmp_path / "out", params, **more)
        return [path.name for path in export_layers(engine, asked, Progress(), print).paths]

    assert export(("dark", "light"), order=(1, 0)) == ["halves-layers.npz", "halves-layers.json"]
    with np.load(tmp_path / "out" / "halves-layers.npz") as file:
        assert file["names"].tolist() == ["light", "dark"]
        assert file["alphas"][..., 1].mean() == pytest.approx(0.5, abs=0.1)
    assert export(("dark", "light"), "skip") == []
    with pytest.raises(ExportError, match="already"):
        export(("dark", "light"), "refuse")
    params = LayerExportParams(formats=(), overlay=True, existing="overwrite")
    asked = ExportLayersRequest(
        layers, ("dark", "light"), tmp_path / "out", params, order=(1, 0), colours=((255, 0, 0), (0, 0, 255))
    )
    (overlay, _) = export_layers(engine, asked, Progress(), print).paths
    over, first = read_image(overlay), engine.layers(layers, Progress(), print).alphas[..., 0]
    assert (over[first > 240, 0] > over[first > 240, 2] + 0.3).all(), "in the first layer's colour, as in the dock"
    assert (over[first < 15, 2] > over[first < 15, 0] + 0.3).all()
    matte = MatteRequest(layers, Matte((0, 1)))
    assert export(("matte",), matte=matte) == ["halves-matte.png", "halves-matte.npz", "halves-matte.json"]
    with np.load(tmp_path / "out" / "halves-matte.npz") as file:
        assert file["alphas"].shape == (24, 32, 1)
        assert file["alphas"].min() > 0.99


def test_a_networks_layers_are_those_of_the_copied_call(tmp_path, monkeypatch):
    from sss_gui.requests.panes import ComputeFeatures, Source
    from sss_gui.requests.segments import LayersRequest, SegmentsRequest
    from sss_gui.state.segments import Method
    from sss_gui.state.session import State
    from sss_gui.tasks.command_line import segment_command_line
    from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
    from sss_gui.worker.layers import segment_engine
    from sss_gui.worker.layers.layer_export import export_layers
    from sss_model.commands.segment import main
    from sss_model.image_io import read_image, write_picture
    from sss_model.params.layers import SegmentParams
    from sss_model.progress import Progress
    from sss_model.projection.feature_views import FeatureViews
    from sss_model.segmentation import comparisons, recipe

    def sees_halves(image, _weights, *, device, progress):
        return comparisons.hard_segmentation(image[..., 0] > 0.5, {0: "wall", 1: "sea"})

    picture = np.full((24, 32, 3), 30, np.uint8)
    picture[:, 15:] = 220
    write_picture(tmp_path / "halves.png", picture)
    (tmp_path / "my net.pth").write_bytes(b"weights")
    monkeypatch.setitem(recipe.NETWORKS, "mask-rcnn", sees_halves)
    image, source = read_image(tmp_path / "halves.png"), Source.from_path(tmp_path / "halves.png")
    document, documents = CachedFeatures(source, FeatureViews(image, image)), FeatureCache(1 << 30)
    documents.put("halves", document)
    state, method = State(source, extract=ExtractParams(device="cpu")), Method("mask-rcnn", tmp_path / "my net.pth")
    cut = SegmentsRequest(ComputeFeatures(source, extract=state.extract), SegmentParams(method.name), method.file)
    params, colours = LayerExportParams(formats=("png", "npz"), overlay=True), ((200, 0, 0), (0, 0, 200))
    layers, to = LayersRequest(cut, (0, 1)), tmp_path / "window"
    asked = ExportLayersRequest(layers, ("sea", "wall"), to, params, colours=colours)
    engine = segment_engine.SegmentEngine(lambda *_: document, documents, print)
    written = export_layers(engine, asked, Progress(), print).paths
    call = shlex.split(segment_command_line(state, method, 2, (), colours, tmp_path / "command", params))
    assert call[call.index("--mask-rcnn-weights") + 1] == str(method.file)
    assert "--allow-download" not in call
    assert main([*call[3:], "--quiet"]) == 0
    for path in written:
        assert path.read_bytes() == (tmp_path / "command" / path.name).read_bytes(), path.name
    download = segment_command_line(state, Method("deeplab", consent=True), 2, (), (), tmp_path, params)
    assert "--allow-download" in download
    assert "--layers" not in download


def test_a_matte_of_strokes_has_a_command_line_with_its_recipe(qtbot, layered, tmp_path):
    layered.settings.export_folder = str(tmp_path)
    layered.actions["tool_keep"].trigger()
    click(qtbot, layered, 2)
    settled(qtbot, layered)
    with qtbot.waitSignal(layered.export_layers.noted):
        layered.actions["copy_command"].trigger()
    words = QGuiApplication.clipboard().text()
    assert f"--matte {tmp_path}/a-matte-recipe.json" in words
    assert (tmp_path / "a-matte-recipe.json").is_file()


def test_a_matte_is_exported_before_there_are_layers(qtbot, program, engine, tmp_path):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None)
    program.segments.add_step(Stroke(((0.6, 0.5),), True, 0.01, True))
    qtbot.waitUntil(lambda: program.segments.matte is not None)
    assert program.segments.cut is None
    program.export_layers.export(tmp_path, LayerExportParams(), matte=True)
    qtbot.waitUntil(lambda: (tmp_path / "a-matte.png").is_file())


def test_the_dialog_begins_with_keeping_what_is_there(layered, tmp_path):
    """Also after an export that replaced files: that was chosen for that time."""
    layered.export_layers.remember(tmp_path, LayerExportParams(existing="overwrite"))
    seen = []
    answered(lambda dialog: (seen.append(dialog.params().existing), dialog.reject()))
    layered.actions["export_layers"].trigger()
    assert seen == ["refuse"]
