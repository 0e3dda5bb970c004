"""Files and folders opened as they are, or as the user says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from journeys import heard, idle, names
from picture_files import exr
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QFileDialog, QSpinBox

from sss_gui.requests.files import ThumbnailResult
from sss_gui.requests.panes import Source
from sss_gui.saved.session_file import read_session
from sss_gui.tasks.open_files import LAYOUT_WORDS
from sss_gui.widgets.carried import Carried
from sss_gui.window.read_dialog import ReadDialog
from sss_gui.worker.sources import read_source
from sss_model.errors import FeatureFileError
from sss_model.files.inputs import INPUT_LAYOUTS
from sss_model.image_io import write_picture
from sss_model.params import ReadParams


def test_strips_are_opened_as_such(qtbot, program, engine, folder, monkeypatch):
    program.open_files.open_as([folder / "p2.png", folder / "p10.png"], "strip")
    source = program.session.state.source
    assert (source.path, source.layout) == (folder / "p2.png", "strip")
    assert program.window.film_strip.count() == 2
    taken = heard(monkeypatch)
    thumbnails = lambda: [each for each in taken if isinstance(each, ThumbnailResult)]  # noqa: E731
    program.film_strip.request_thumbnails([0])
    qtbot.waitUntil(lambda: any(result.source == source for result in thumbnails()))
    assert thumbnails()[0].picture.shape == (6, 4, 3), "the photograph alone"
    idle(qtbot, program)
    program.actions["copy_command"].trigger()
    assert "--layout strip" in QGuiApplication.clipboard().text()
    idle(qtbot, program)
    program.open_files.open_paths([folder / "P1.png"])
    idle(qtbot, program)
    program.open_files.open_recent(folder / "p2.png")
    assert program.session.state.source.layout == "strip", "as it was opened before"
    idle(qtbot, program)
    program.open_files.open_recent(folder / "P1.png")
    assert program.session.state.source.layout is None
    idle(qtbot, program)


def asked(qtbot, program) -> ReadDialog:
    """The dialog that asks how a file is to be read, once the file was looked into."""
    qtbot.waitUntil(lambda: program.window.findChild(ReadDialog) is not None)
    return program.window.findChild(ReadDialog)


def box(dialog: ReadDialog, name: str) -> QComboBox:
    return next(each for each in dialog.findChildren(QComboBox) if each.accessibleName() == name)


def test_a_page_is_chosen_in_open_as_and_kept_in_sessions_recent_files_and_commands(
    qtbot, program, engine, tmp_path, monkeypatch
):
    stack = np.random.default_rng(0).random((4, 12, 16), np.float32)
    tifffile.imwrite(tmp_path / "stack.tif", stack, photometric="minisblack")
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(tmp_path / "stack.tif")], ""))
    program.actions["open_as"].trigger()
    dialog = asked(qtbot, program)
    page = dialog.findChild(QSpinBox)
    assert (page.isEnabled(), page.maximum(), box(dialog, "Layer").isEnabled()) == (True, 4, False)
    page.setValue(3)
    dialog.accept()
    source = program.session.state.source
    assert (source.reading, source.name) == (ReadParams(page=3), "stack.tif (page 3)")
    np.testing.assert_allclose(read_source(source).image[..., 0], stack[2])
    idle(qtbot, program)
    program.actions["copy_command"].trigger()
    assert "stack.tif --page 3" in QGuiApplication.clipboard().text()
    program.session_store.save(tmp_path / "s.sss.json")
    assert read_session(tmp_path / "s.sss.json").state.source == source
    program.pictures.close_all()
    program.open_files.open_recent(tmp_path / "stack.tif")
    assert program.session.state.source == source
    idle(qtbot, program)


def test_the_shown_picture_is_read_as_another_layer_in_its_place(qtbot, program, engine, tmp_path):
    layers = {"beauty": np.full((12, 16, 3), 0.2, np.float32), "light": np.full((12, 16, 3), 0.6, np.float32)}
    exr(tmp_path / "a.exr", {f"{name}.{c}": v[..., k] for name, v in layers.items() for k, c in enumerate("RGB")})
    program.open_files.open_paths([tmp_path / "a.exr", tmp_path / "b.png"])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 2)
    program.pictures.choose(0)
    idle(qtbot, program)
    program.actions["read_as"].trigger()
    dialog = asked(qtbot, program)
    layer = box(dialog, "Layer")
    assert [layer.itemData(k) for k in range(layer.count())] == ["", "beauty", "light"]
    layer.setCurrentText("light")
    dialog.accept()
    assert names(program.pictures.sources) == ["a.exr (light)", "b.png"]
    assert program.session.state.source.reading == ReadParams(layer="light")
    assert read_source(program.session.state.source).image.mean() == pytest.approx(0.797, abs=0.01)
    idle(qtbot, program)


def test_what_a_folder_leaves_out_is_said(qtbot, program, folder):
    for name in ("a.mp4", "b.mp4", "notes.txt", ".hidden.png"):
        (folder / name).write_bytes(b"x")
    said = []
    program.open_files.noted.connect(said.append)
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: len(said) > 0)
    left_out = "2 videos, 1 text, 1 export of this program, 1 other file"
    assert said[-1] == f"{folder.name}: 3 pictures, 5 files left out: {left_out}."
    idle(qtbot, program)


def test_an_empty_folder_is_said_and_changes_nothing(qtbot, program, tmp_path):
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(program.open_files.noted) as noted:
        program.open_files.open_paths([tmp_path / "empty"])
    assert noted.args == ["There is no picture in empty."]
    assert program.session.state.source is None


def test_a_folder_that_is_still_listed_does_not_replace_the_file_opened_after_it(qtbot, program, folder):
    program.open_files.open_paths([folder])
    program.open_files.open_paths([Path("a.png")])
    assert names(program.pictures.sources) == ["a.png"]
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    idle(qtbot, program)
    assert program.session.state.source.name == "a.png"


def test_what_is_opened_joins_the_strip_and_replaces_it_where_asked(qtbot, program, folder, monkeypatch):
    said = []
    program.open_files.noted.connect(said.append)
    program.open_files.stand_in = Source.from_path(Path("sample.png"))
    program.open_files.open_paths([Path("sample.png")])
    program.open_files.open_paths([Path("a.png")])
    assert names(program.pictures.sources) == ["a.png"], "the sample that opened by itself makes room"
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 4)
    assert names(program.pictures.sources) == ["a.png", "P1.png", "p2.png", "p10.png"]
    assert program.session.state.source.name == "P1.png"
    program.open_files.open_paths([Path("a.png")])
    assert (program.pictures.index, len(program.pictures.sources)) == (0, 4), "it is chosen, not opened twice"
    left_out = "3 files left out: 1 text, 1 export of this program, 1 other file"
    assert said == ["Added 3 pictures.", f"{folder.name}: 3 pictures, {left_out}."]
    shift = Qt.KeyboardModifier.ShiftModifier
    monkeypatch.setattr("sss_gui.tasks.open_files.QGuiApplication.queryKeyboardModifiers", lambda: shift)
    program.window.dropped.emit(Carried([Path("b.png")]))
    assert names(program.pictures.sources) == ["b.png"]
    program.actions["close_picture"].trigger()
    assert (program.pictures.sources, program.session.state.source, program.session.displayed) == ([], None, None)
    idle(qtbot, program)


def test_features_whose_axes_cannot_be_told_are_opened_as_the_user_says(qtbot, program, tmp_path, monkeypatch):
    write_picture(tmp_path / "view.png", np.zeros((32, 32, 3), np.uint8))
    np.save(tmp_path / "cube.npy", np.zeros((8, 8, 8), np.float32))
    with pytest.raises(FeatureFileError, match="can be hwD or Dhw"):
        read_source(Source.from_path(tmp_path / "cube.npy", tmp_path / "view.png"))
    assert set(LAYOUT_WORDS) == set(INPUT_LAYOUTS)
    chosen = [str(tmp_path / "view.png"), str(tmp_path / "cube.npy")]
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: (chosen, ""))
    program.actions["open_as"].trigger()
    dialog = asked(qtbot, program)
    assert dialog.layout_name == "HWD", "the file holds features"
    box(dialog, "What the file holds").setCurrentText(LAYOUT_WORDS["Dhw"])
    dialog.accept()
    source = program.session.state.source
    assert source == Source.from_path(tmp_path / "cube.npy", tmp_path / "view.png", "Dhw")
    assert read_source(source).features.shape[2] == 8
    idle(qtbot, program)
    chosen[:] = chosen[:1]
    program.open_files.open_as([tmp_path / "view.png"], "Dhw")
    assert program.session.state.source == source, "a photograph alone has no layout"
