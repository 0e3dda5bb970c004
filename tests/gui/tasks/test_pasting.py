"""Pasted pictures are files like others: kept, in the strip, in sessions, exported with the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from journeys import heard, idle, idle_shown, names
from PySide6.QtGui import QGuiApplication

from sss_gui.requests.files import PasteRequest
from sss_gui.requests.panes import BatchExportRequest
from sss_gui.saved.session_file import read_session
from sss_gui.tasks.user_folders import is_programs_own, pictures_folder
from sss_gui.widgets.picture import qimage
from sss_gui.worker import file_engine
from sss_gui.worker.file_engine import FileEngine
from sss_model.image_io import read_image, to_picture
from sss_model.params import ExportParams
from sss_model.progress import Progress
from sss_model.storage.shipped_files import SAMPLE, resource


def copy(shade):
    QGuiApplication.clipboard().setImage(qimage.to_qimage(np.full((4, 6, 3), shade, np.uint8)).copy())


@pytest.fixture
def pasted(qtbot, program):
    """Three pictures pasted one after the other, faster than they are written."""
    for shade in (10, 20, 30):
        copy(shade)
        program.actions["paste"].trigger()
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    idle_shown(qtbot, program)
    return program


def test_each_is_a_file_of_its_own_and_none_is_lost(pasted, tmp_path):
    assert names(pasted.pictures.sources) == ["pasted-1.png", "pasted-2.png", "pasted-3.png"]
    shades = [to_picture(read_image(source.path))[0, 0, 0] for source in pasted.pictures.sources]
    assert shades == [10, 20, 30]
    assert pasted.session.shown.name == "pasted-3.png"


def test_they_have_thumbnails_and_no_mark_of_failure(qtbot, pasted, monkeypatch):
    seen = heard(monkeypatch)
    pasted.film_strip.request_thumbnails([0, 1, 2])
    qtbot.waitUntil(lambda: len(seen) >= 3)
    assert all(result.picture is not None for result in seen)
    assert "failed" not in {pasted.window.film_strip.state(n) for n in range(3)}


def test_they_survive_in_the_session(pasted, tmp_path):
    pasted.session_store.save(tmp_path / "s.sss.json")
    saved = read_session(tmp_path / "s.sss.json")
    assert names(saved.sources) == ["pasted-1.png", "pasted-2.png", "pasted-3.png"]
    assert saved.state.source == pasted.session.state.source


def test_they_are_exported_with_the_others(qtbot, pasted, engine, tmp_path):
    with qtbot.waitSignal(pasted.batch_export.finished) as finished:
        pasted.batch_export.start(pasted.pictures.sources, tmp_path, ExportParams())
    assert finished.args[0].written == 3
    assert sum(isinstance(request, BatchExportRequest) for request in engine.asked) == 3


def test_only_so_many_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(file_engine, "PASTED", 3)
    engine, picture = FileEngine(), np.zeros((2, 2, 3), np.uint8)
    for _ in range(11):
        engine.paste(PasteRequest(picture, tmp_path), Progress(), lambda _result: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pasted-10.png", "pasted-11.png", "pasted-9.png"]


def test_dialogs_start_among_the_users_own_files(qtbot, program, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "sss_gui.tasks.open_files.QFileDialog.getOpenFileNames",
        lambda _window, _title, start, _kinds: (asked.append(start), ([], ""))[1],
    )
    program.open_files.open_paths([resource(SAMPLE)])
    idle(qtbot, program)
    program.actions["open"].trigger()
    assert asked == [str(pictures_folder())]
    program.open_files.open_paths([tmp_path / "a.png"])
    idle(qtbot, program)
    program.actions["open"].trigger()
    assert asked[1:] == [str(tmp_path)]


@pytest.mark.parametrize(("path", "own"), [(resource(SAMPLE), True), (Path("/d/pasted/pasted-1.png"), True),
                                           (Path("/photos/a.png"), False)])  # fmt: skip
def test_what_is_the_programs_own(path, own):
    assert is_programs_own(path, Path("/d")) == own
