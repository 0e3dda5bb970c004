"""Files and folders opened as they are, or as the user says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from journeys import heard, idle, names
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog

from sss_gui.requests.files import ThumbnailResult
from sss_gui.requests.panes import Source
from sss_gui.tasks.open_files import LAYOUT_WORDS
from sss_gui.worker.sources import read_source
from sss_model.errors import FeatureFileError
from sss_model.files.inputs import INPUT_LAYOUTS
from sss_model.image_io import write_picture


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
    assert said == ["Added 3 pictures."]
    shift = Qt.KeyboardModifier.ShiftModifier
    monkeypatch.setattr("sss_gui.tasks.open_files.QGuiApplication.queryKeyboardModifiers", lambda: shift)
    program.window.paths_dropped.emit([Path("b.png")])
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
    monkeypatch.setattr(QInputDialog, "getItem", lambda *_: (LAYOUT_WORDS["Dhw"], True))
    program.actions["open_as"].trigger()
    source = program.session.state.source
    assert source == Source.from_path(tmp_path / "cube.npy", tmp_path / "view.png", "Dhw")
    assert read_source(source).features.shape[2] == 8
    idle(qtbot, program)
    chosen[:] = chosen[:1]
    program.actions["open_as"].trigger()
    assert program.session.state.source == source, "a photograph alone has no layout"
