"""The Layers dock and the state, both ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from controls import button, named
from journeys import failing
from layers import click, cut, settled
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLabel, QLineEdit

from sss_gui.state.segments import Method
from sss_model.errors import CheckpointError
from sss_model.weights.published import SEGMENTATION_WEIGHTS


@pytest.fixture
def layered(qtbot, program):
    cut(qtbot, program)
    return program


def test_rows_have_names_colours_shares_and_thumbnails(qtbot, layered):
    rows = layered.window.layers.list.rows
    assert [row.name for row in rows] == ["layer-1", "layer-2", "layer-3", "layer-4"]
    assert [round(row.share, 1) for row in rows] == [0.4, 0.3, 0.2, 0.1]
    assert all(row.thumbnail is not None for row in rows)
    assert len({row.colour for row in rows}) == 4


def test_the_list_picks_renames_hides_and_orders(qtbot, layered):
    segments, rows = layered.segments, layered.window.layers.list
    rows.picked.emit(frozenset([1, 3]))
    assert segments.edits.picked == {1, 3}
    rows.renamed.emit(1, "layer-2")
    assert segments.edits.layer(1).name == "layer-2-2", "two layers are never called alike"
    rows.eye_clicked.emit(1, False)
    assert not segments.edits.layer(1).shown
    rows.eye_clicked.emit(1, True)
    assert segments.solo == 1
    order = [layer.number for layer in segments.edits.layers][::-1]
    rows.arranged.emit(order)
    assert [row.number for row in rows.rows] == order
    rows.hovered.emit(3)
    assert segments.lit == 3


def test_a_pick_on_the_picture_is_selected_in_the_list(qtbot, layered):
    click(qtbot, layered, 1)
    rows = layered.window.layers.list
    selected = [rows.rows[index.row()].number for index in rows.selectedIndexes()]
    assert selected == list(layered.segments.edits.picked)
    assert button(layered.window.layers, "Copy cut-out").isEnabled()


def test_buttons_are_commands(qtbot, layered):
    segments, dock = layered.segments, layered.window.layers
    layered.segments.pick(frozenset([1, 3]))
    button(dock, "Merge").click()
    settled(qtbot, layered)
    assert len(segments.edits.layers) == 3
    button(dock, "Split").click()
    settled(qtbot, layered)
    assert len(segments.edits.layers) == 4


def test_a_file_of_masks_is_asked_for(qtbot, layered, monkeypatch):
    dock = layered.window.layers
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    dock.method_chosen.emit("masks")
    assert layered.segments.method == Method()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/somewhere/m.npz", ""))
    dock.method_chosen.emit("masks")
    settled(qtbot, layered)
    assert layered.segments.method.file.name == "m.npz"
    assert layered.actions["mask_layers"].isChecked()
    assert "m.npz" in named(dock, QComboBox, "Method").currentText()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """torch's folder of weights, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def choose(program, method, answer):
    """Choose a method in the dock and answer by a button; returns what the question said."""
    said = []

    def click_it():
        question = QApplication.activeModalWidget()
        said.append(question.informativeText())
        button(question, answer).click()

    if answer:
        QTimer.singleShot(0, click_it)
    program.window.layers.method_chosen.emit(method)
    return said


def test_a_network_asks_for_its_weights_and_cancel_keeps_the_former_method(qtbot, layered, cache):
    segments, box = layered.segments, named(layered.window.layers, QComboBox, "Method")
    former = segments.method
    box.setCurrentIndex(box.findData("mask-rcnn"))
    assert "177 MB" in choose(layered, "mask-rcnn", "Cancel")[0]
    assert (segments.method, box.currentData()) == (former, "sss")
    assert layered.actions["semantic_layers"].isChecked()
    choose(layered, "mask-rcnn", "Download the weights (177 MB)")
    settled(qtbot, layered)
    assert segments.method == Method("mask-rcnn", consent=True)
    assert box.currentText() == "Mask R-CNN (objects)"
    assert layered.actions["mask_rcnn_layers"].isChecked()


def test_weights_are_asked_for_once_and_again_when_the_method_is_chosen_again(qtbot, layered, cache, monkeypatch):
    segments, dock = layered.segments, layered.window.layers
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/somewhere/my net.pth", ""))
    choose(layered, "deeplab", "Choose a file…")
    settled(qtbot, layered)
    assert segments.method == Method("deeplab", Path("/somewhere/my net.pth"))
    assert named(dock, QComboBox, "Method").currentText() == "DeepLab, my net.pth"
    choose(layered, "sss", None)
    settled(qtbot, layered)
    choose(layered, "deeplab", None)
    settled(qtbot, layered)
    assert segments.method.file == Path("/somewhere/my net.pth"), "asked for once"
    (cache / SEGMENTATION_WEIGHTS["deeplab"].name).touch()
    assert "on this machine" in choose(layered, "deeplab", "Use the published weights")[0]
    settled(qtbot, layered)
    assert segments.method == Method("deeplab"), "nothing to download, so no consent to it"


def test_pspnet_has_weights_of_a_file_only(qtbot, layered, monkeypatch):
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    layered.actions["pspnet_layers"].trigger()
    assert layered.segments.method == Method()
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/somewhere/psp.pth", ""))
    layered.actions["pspnet_layers"].trigger()
    settled(qtbot, layered)
    assert layered.segments.method == Method("pspnet", Path("/somewhere/psp.pth"))


def test_a_download_that_failed_is_told_and_tried_again(qtbot, layered, engine, cache, monkeypatch):
    whole, tried = engine.segments, []

    def fails(message, *_):
        tried.append(message.consent)
        raise CheckpointError("The weights of Mask R-CNN could not be downloaded: URLError.")

    engine.segments = fails
    failing(qtbot, layered, lambda: choose(layered, "mask-rcnn", "Download the weights (177 MB)"))
    assert "could not be downloaded" in layered.window.segments_panel.banner.text()[1]
    assert layered.segments.cut is not None, "the last layers stay"
    engine.segments = whole
    choose(layered, "mask-rcnn", "Download the weights (177 MB)")
    settled(qtbot, layered)
    assert tried == [True]


def test_a_view_over_a_picture_asks_for_one(qtbot, layered, monkeypatch):
    dock = layered.window.layers
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    dock.view_chosen.emit("picture")
    assert layered.segments.view.name == "grey"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/somewhere/beach.png", ""))
    dock.view_chosen.emit("picture")
    assert (layered.segments.view.name, layered.segments.view.backdrop.name) == ("picture", "beach.png")
    dock.colour_chosen.emit((1, 2, 3))
    assert layered.segments.view.colour == (1, 2, 3)
    settled(qtbot, layered)


def test_sliders_of_the_matte_move_and_rest(qtbot, layered):
    dock, segments = layered.window.layers, layered.segments
    click(qtbot, layered, 0)
    dock.matte_changing.emit("feather", 3.0)
    assert segments.motion.moving
    dock.matte_rested.emit("feather", 4.0)
    settled(qtbot, layered)
    assert segments.edits.params.feather == 4.0
    layered.actions["undo"].trigger()
    assert segments.edits.params.feather == 0.0
    settled(qtbot, layered)


@pytest.mark.parametrize(
    ("status", "computing", "words"),
    [
        ("stopped", False, "Stopped."),
        ("stale", False, "These layers are of former features."),
        ("stale", True, "Computing layers…"),
        ("exact", False, ""),
    ],
)
def test_the_dock_says_what_there_is_to_do(qtbot, layered, status, computing, words):
    dock = layered.window.layers
    dock.set_status(status, computing=computing)
    assert named(dock, QLabel, "State of the layers").text() == words
    assert button(dock, "Compute").isVisibleTo(dock) is (status != "exact" and not computing)


def test_another_method_keeps_the_strokes(qtbot, layered):
    dock, segments = layered.window.layers, layered.segments
    layered.actions["tool_keep"].trigger()
    click(qtbot, layered, 2)
    dock.matte_rested.emit("feather", 4.0)
    settled(qtbot, layered)
    segments.set_method(Method("spectral-matting"))
    settled(qtbot, layered)
    assert len(layered.window.segments_panel.pane("layers").canvas.strokes) == 1
    assert dock.control("feather").value == 4.0
    button(dock, "Start over").click()
    settled(qtbot, layered)
    assert layered.window.segments_panel.pane("layers").canvas.strokes == []
    assert not button(dock, "Copy cut-out").isEnabled()


def test_the_first_class_is_named_by_typing_at_once(qtbot, layered):
    layered.window.activateWindow()
    layered.actions["tool_teach"].trigger()
    field = named(layered.window.layers, QLineEdit, "Name of a new class")
    qtbot.waitUntil(field.hasFocus)
    qtbot.keyClicks(field, "sky\r")
    assert [entry.name for entry in layered.classes.entries] == ["sky"]
    detail = layered.window.segments_panel.pane("layers").header.detail
    assert detail == "", "what was cut before is not said of the classes"
    layered.window.segments_panel.pane("coloured").setFocus()
    layered.segments.set_tool("keep")
    layered.segments.set_tool("teach")
    qtbot.wait(20)
    assert layered.window.segments_panel.isAncestorOf(QApplication.focusWidget())
