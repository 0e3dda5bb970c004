"""Sessions saved and restored, batches, A and B, files that change, models, and dragging a pane out."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import FakeEngine
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox

from sss_gui.app import initial_state, parse
from sss_gui.messages.panes import BatchExportRequest, ShowRequest, Source
from sss_gui.program import Program
from sss_gui.saved.session_file import SavedSession, SessionFileError, read_session, write_session
from sss_gui.state.session import State
from sss_gui.tasks.export_files import is_read_by
from sss_gui.window.settings import Settings
from sss_gui.worker.model_files import describe_model
from sss_model.image_io import write_picture
from sss_model.params import ClusterParams, ExportParams, FilterParams, ProjectionParams, SimilarityParams


@pytest.fixture
def photos(tmp_path):
    paths = [tmp_path / f"{name}.png" for name in ("a", "b", "broken", "c")]
    for path in paths:
        write_picture(path, np.zeros((4, 4, 3), np.uint8))
    return paths


def idle(qtbot, program):
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)


def shows(engine):
    return [request for request in engine.asked if isinstance(request, ShowRequest)]


def saved(photos):
    sources = (*(Source.from_path(path) for path in photos), Source.from_path(photos[0], layout="strip"))
    state = State(sources[1], filter=FilterParams(radius=9, eps=1 / 3), projection=ProjectionParams(seed=7))
    origin = sources[0], ((7, 8),)
    return SavedSession(state, sources, ((1, 2), (3, 4)), (5.5, 6.25), 3.5, 2, origin, "clusters",
                        SimilarityParams("distance", 0.3), ClusterParams(5, 9),
                        ((sources[0], ((7, 8),)), (sources[3], ((2, 2), (0, 1)))))  # fmt: skip


def test_a_session_file_gives_back_everything(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    assert read_session(tmp_path / "s.sss.json") == saved(photos)


def test_pins_of_a_picture_that_is_gone_are_left_out(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    photos[0].unlink()
    found = read_session(tmp_path / "s.sss.json")
    assert found.origin is None
    assert [source.name for source, _ in found.kept] == ["c.png"]


def test_a_file_without_pins_of_the_other_pictures_still_opens(tmp_path, photos):
    path = tmp_path / "s.sss.json"
    write_session(path, saved(photos))
    values = json.loads(path.read_text(encoding="utf-8"))
    del values["kept"]
    path.write_text(json.dumps(values), encoding="utf-8")
    assert read_session(path) == replace(saved(photos), kept=())


def test_session_and_pictures_can_move_together(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    moved = tmp_path.parent / f"{tmp_path.name}-moved"
    tmp_path.rename(moved)
    try:
        assert read_session(moved / "s.sss.json").state.source.path == moved / "b.png"
    finally:
        moved.rename(tmp_path)


def test_a_session_of_many_pictures_looks_each_folder_up_once(tmp_path, monkeypatch):
    looked_up = []
    resolve = Path.resolve
    monkeypatch.setattr(Path, "resolve", lambda path, *args: looked_up.append(path) or resolve(path, *args))
    sources = tuple(Source.from_path(tmp_path / f"p{n % 3}" / f"{n}.png") for n in range(900))
    write_session(tmp_path / "s.sss.json", SavedSession(State(sources[0]), sources))
    assert len(looked_up) == 4, "three folders and the session's own"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege there")
def test_files_are_named_from_the_session_through_links_too(tmp_path):
    for name in ("real/below", "elsewhere"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real", target_is_directory=True)
    paths = tmp_path / "link" / "a.png", tmp_path / "link" / "below" / "b.png", tmp_path / "elsewhere" / "c.png"
    path = tmp_path / "real" / "s.sss.json"
    write_session(path, SavedSession(State(), tuple(Source.from_path(path) for path in paths)))
    entries = json.loads(path.read_text(encoding="utf-8"))["sources"]
    elsewhere = str((tmp_path / "elsewhere").resolve() / "c.png")
    assert [entry["path"] for entry in entries] == ["a.png", "below/b.png", elsewhere]


def test_pictures_that_are_gone_are_left_out_and_named(tmp_path, photos):
    write_session(tmp_path / "s.sss.json", saved(photos))
    photos[1].unlink()
    found = read_session(tmp_path / "s.sss.json")
    assert [source.name for source in found.sources] == ["a.png", "broken.png", "c.png", "a.png"]
    assert found.state.source.name == "a.png"
    assert found.missing == (str(photos[1]),)
    assert (found.pins, found.centre, found.origin) == (((7, 8),), None, None), "what was of the picture that is gone"
    assert [source.name for source, _ in found.kept] == ["c.png"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no json", "is not JSON"),
        ("[]", "not a session of this program"),
        ('{"program": "sss-features session", "format": 99}', "newer program"),
        ('{"program": "sss-features session", "format": 1}', "damaged"),
        ('{"program": "sss-features session", "format": "1"}', "damaged"),
        ('{"program": "sss-features session"}', "damaged"),
    ],
)
def test_files_that_are_no_session_are_said(tmp_path, text, words):
    (tmp_path / "x.sss.json").write_text(text)
    with pytest.raises(SessionFileError, match=words):
        read_session(tmp_path / "x.sss.json")


def test_saving_and_opening_brings_the_window_back(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    program.pictures.step(1)
    program.session.set_filter(FilterParams(radius=9))
    idle(qtbot, program)
    program.pins.add((3, 4))
    program.window.panel.controller.set_view(10, 11, 8.0)
    program.window.params.rested.emit("threshold", 0.3)
    program.window.params.rested.emit("clusters", 5)
    program.overlay_choices.show("similarity")
    program.session_store.save(tmp_path / "s.sss.json")
    program.open_files.open_paths([photos[3]])
    program.overlay_choices.show("")
    program.overlay_choices.set_similarity(SimilarityParams())
    program.overlay_choices.set_clusters(ClusterParams())
    program.session.set_filter(FilterParams())
    idle(qtbot, program)
    program.open_files.open_paths([tmp_path / "s.sss.json"])
    idle(qtbot, program)
    assert [source.name for source in program.pictures.sources] == [path.name for path in photos]
    assert program.session.state.source.name == "b.png"
    assert program.session.state.filter.radius == 9
    assert program.pins.points == [(3, 4)]
    assert program.window.panel.controller.scale == 8.0
    assert (program.overlay_choices.shown, program.overlay_choices.similarity.threshold) == ("similarity", 0.3)
    assert (program.window.params.value("threshold"), program.window.params.value("clusters")) == (0.3, 5)
    (tmp_path / "s.sss.json").write_text("broken")
    program.open_files.open_paths([tmp_path / "s.sss.json"])
    assert program.window.panel.banner.isVisible()
    assert program.session.state.source.name == "b.png"


def test_a_session_brings_back_the_pins_of_every_picture_and_the_whole_view(qtbot, program, tmp_path, photos):
    view = program.window.panel.controller

    def open_all():
        program.open_files.open_paths([photos[0], photos[1], photos[3]])
        qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
        idle(qtbot, program)

    open_all()
    program.pins.add((1, 2))
    program.pictures.choose(1)
    idle(qtbot, program)
    program.pins.add((3, 4))
    view.fit()
    fitted = view.scale
    program.session_store.save(tmp_path / "s.sss.json")
    program.pins.clear()
    program.pictures.choose(0)
    idle(qtbot, program)
    program.pins.set([(9, 9)])
    view.set_view(4, 4, 16.0)
    program.session_store.open(tmp_path / "s.sss.json")
    idle(qtbot, program)
    assert program.session.state.source.path == photos[1]
    assert program.pins.points == [(3, 4)]
    assert (view.fitting, view.scale) == (True, fitted)
    program.pictures.choose(2)
    idle(qtbot, program)
    assert program.pins.points == []
    program.pictures.choose(0)
    idle(qtbot, program)
    assert program.pins.points == [(1, 2)]


def test_a_session_whose_shown_picture_is_gone_leaves_the_next_one_as_it_is(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos[:2])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 2)
    idle(qtbot, program)
    program.pictures.choose(1)
    idle(qtbot, program)
    program.pins.add((3, 4))
    program.window.panel.controller.set_view(10, 11, 8.0)
    program.session_store.save(tmp_path / "s.sss.json")
    photos[1].unlink()
    program.session_store.open(tmp_path / "s.sss.json")
    idle(qtbot, program)
    assert program.session.state.source.path == photos[0]
    assert program.pins.points == []
    assert program.window.panel.controller.fitting


def test_zoom_and_a_pane_alone_are_written_soon_too(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    timer, panel = program.session_store._timer, program.window.panel
    for change in (lambda: panel.controller.set_view(4, 4, 9.0), lambda: panel.solo(2)):
        timer.stop()
        change()
        assert timer.isActive()
    program.session_store.keep()
    kept = read_session(program.session_store._own)
    assert (kept.scale, kept.solo) == (9.0, 2)
    program.session_store.end()
    panel.solo(0)
    assert not timer.isActive(), "a program that ended leaves nothing"


def test_after_a_crash_the_session_is_there_again_and_after_a_good_end_it_is_not(qtbot, tmp_path, photos):
    engine = FakeEngine()
    first = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(first.window)
    first.start([photos[1]])
    idle(qtbot, first)
    first.session.set_filter(FilterParams(radius=11))
    idle(qtbot, first)
    first.session_store.keep()
    own = next((tmp_path / "data" / "sessions").glob("running-*"))
    dead = own.with_name("running-999999999.sss.json")
    os.link(own, dead)
    assert first.close()
    assert not own.exists()

    asked = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(asked.window)
    asked.start([photos[3]], restore=False)
    idle(qtbot, asked)
    assert asked.session.state.source.path == photos[3], "pictures on the command line come first"
    assert asked.close()
    assert dead.exists()

    second = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(second.window)
    second.start([photos[0]])
    idle(qtbot, second)
    assert second.session.state.source.path == photos[1]
    assert second.session.state.filter.radius == 11
    assert not dead.exists(), "it is offered once"
    assert second.close()


def save_as(path, save_dialog, *, overwrite=False):
    """Type `path` into the dialog that `save_dialog` opens and press Save; returns what it asked then."""
    asked = []

    def type_it():
        dialog = QApplication.activeModalWidget()
        dialog.findChild(QLineEdit, "fileNameEdit").setText(str(path))
        save(dialog)

    def save(dialog):
        QTimer.singleShot(0, answer)
        dialog.accept()

    def answer():
        box = QApplication.activeModalWidget()
        if isinstance(box, QFileDialog):  # it is shown again with the whole name
            save(box)
        elif isinstance(box, QMessageBox):
            asked.append(box.text())
            if not overwrite:
                QTimer.singleShot(0, lambda: QApplication.activeModalWidget().reject())
            box.button(QMessageBox.StandardButton.Yes if overwrite else QMessageBox.StandardButton.No).click()

    QTimer.singleShot(0, type_it)
    save_dialog()
    QApplication.processEvents()
    return asked


@pytest.mark.parametrize(("typed", "real"), [("mask", "mask.png"), ("my.v2", "my.v2.png"), ("mask.png", "mask.png")])
def test_a_mask_is_not_written_over_a_file_unasked(qtbot, program, tmp_path, photos, typed, real):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    written = []

    def save_dialog():
        program.export_files.save_png("mask", written.append)

    assert save_as(tmp_path / typed, save_dialog) == []
    assert written == [tmp_path / real]
    (tmp_path / real).touch()
    (asked,) = save_as(tmp_path / typed, save_dialog)
    assert real in asked
    assert len(written) == 1
    save_as(tmp_path / typed, save_dialog, overwrite=True)
    assert written == [tmp_path / real] * 2


@pytest.mark.parametrize("typed", ["a", "a.png", "photo.png"])
def test_a_mask_is_never_written_over_what_is_open(qtbot, program, tmp_path, photos, typed):
    os.link(photos[0], tmp_path / "photo.png")
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    written, said = [], []
    program.export_files.noted.connect(said.append)
    save_as(tmp_path / typed, lambda: program.export_files.save_png("mask", written.append), overwrite=True)
    assert not written
    assert "is a picture that is open" in said[-1]


def test_a_mask_is_not_written_over_another_open_picture_either(qtbot, program, photos):
    program.open_files.open_paths([photos[0], photos[1]])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 2)
    idle(qtbot, program)
    written = []
    save_as(photos[1], lambda: program.export_files.save_png("mask", written.append), overwrite=True)
    assert not written


def test_what_a_picture_is_read_from(tmp_path, photos):
    features = tmp_path / "a-features.npz"
    features.touch()
    assert is_read_by(Source.from_path(features), photos[0]), "found beside it"
    assert is_read_by(Source.from_path(features, photos[1]), photos[1])
    assert not is_read_by(Source.from_path(features, photos[1]), photos[0])
    assert not is_read_by(Source.from_path(photos[0]), tmp_path / "new.png")


def test_a_session_is_not_written_over_a_file_unasked(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.v2.sss.json"
    assert save_as(tmp_path / "my.v2", program.session_store.save_dialog) == []
    assert read_session(path).sources == ()
    path.write_text("mine")
    (asked,) = save_as(tmp_path / "my.v2", program.session_store.save_dialog)
    assert path.name in asked
    assert path.read_text() == "mine"


def test_a_batch_goes_on_after_a_failure_and_names_it(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    program.session.set_filter(FilterParams(radius=3))
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    report = finished.args[0]
    assert report.written == 3
    assert [(source.name, words) for source, words in report.failed] == [("broken.png", "broken.png is no picture.")]
    assert report.sentence == f"3 of 4 pictures written into {tmp_path}, 1 failed (broken.png)."
    asked = [request for request in engine.asked if isinstance(request, BatchExportRequest)]
    assert {request.show.filter.radius for request in asked} == {3}
    assert [(request.begun, request.done) for request in asked] == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]
    assert program.window.panel.banner.isVisible()
    program.session.set_filter(FilterParams(radius=4))
    idle(qtbot, program)
    assert program.window.panel.banner.isVisible(), "it is not about the picture, and stays until it was read"
    program.window.panel.banner._close.click()
    assert not program.window.panel.banner.isVisible()


def test_a_batch_that_cannot_start_says_why(qtbot, program, engine, tmp_path, photos):
    said = []
    program.session.noted.connect(said.append)
    program.pictures.open(Source.from_pixels(np.zeros((4, 4, 3), np.uint8)))
    idle(qtbot, program)
    program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    assert said == ["Only pasted pictures are open: export them one at a time."]
    assert program.window.status.text() == said[-1]
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    engine.gate.clear()
    program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    assert "already" in said[-1]
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        engine.gate.set()
    assert finished.args[0].written == 1


def test_a_batch_can_be_stopped(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    engine.gate.clear()
    program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    qtbot.waitUntil(lambda: any(isinstance(request, BatchExportRequest) for request in engine.asked))
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        program.actions["cancel"].trigger()
    assert (finished.args[0].written, finished.args[0].left) == (0, 4)
    assert not program.batch_export.active


def test_a_and_b(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    flip = program.actions["a_or_b"]
    program.session.set_filter(FilterParams(radius=2))
    flip.trigger()
    program.session.set_filter(FilterParams(radius=20))
    qtbot.keyClick(program.window.panel.pane("input").canvas, Qt.Key.Key_B)
    assert program.session.state.filter.radius == 2
    flip.trigger()
    assert program.session.state.filter.radius == 20
    idle(qtbot, program)


def test_undo_after_a_flip_brings_the_letter_back_and_keeps_both_sets(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    flip, undo, redo = (program.actions[name] for name in ("a_or_b", "undo", "redo"))

    def shown():
        return program.ab_settings.letter, program.session.state.filter.radius

    program.session.set_filter(FilterParams(radius=2))
    flip.trigger()
    program.session.set_filter(FilterParams(radius=20))
    flip.trigger()
    undo.trigger()
    assert shown() == ("B", 20)
    flip.trigger()
    assert shown() == ("A", 2)
    undo.trigger()
    undo.trigger()
    assert shown() == ("A", 2)
    redo.trigger()
    assert shown() == ("B", 20)
    flip.trigger()
    assert shown() == ("A", 2)
    idle(qtbot, program)


def test_a_flip_in_the_middle_of_a_drag_is_a_step_of_its_own(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    flip = program.actions["a_or_b"]
    flip.trigger()
    program.session.set_filter(FilterParams(radius=20))
    flip.trigger()
    program.window.params.changing.emit("radius", 9)
    flip.trigger()
    program.actions["undo"].trigger()
    assert (program.ab_settings.letter, program.session.state.filter.radius) == ("A", 9)
    flip.trigger()
    assert program.session.state.filter.radius == 20
    idle(qtbot, program)


def test_a_picture_that_changes_on_disk_is_shown_anew(qtbot, program, engine, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    count = len(shows(engine))
    write_picture(photos[0], np.full((5, 5, 3), 9, np.uint8))
    qtbot.waitUntil(lambda: len(shows(engine)) == count + 1, timeout=5000)
    write_picture(photos[0], np.full((6, 6, 3), 9, np.uint8))
    qtbot.waitUntil(lambda: len(shows(engine)) == count + 2, timeout=5000)
    idle(qtbot, program)


def test_models_are_told_apart(tmp_path):
    shipped = describe_model(None)
    assert shipped.key == ""
    assert "128 features" in shipped.summary
    (tmp_path / "x.safetensors").write_text("no model")
    assert describe_model(tmp_path / "x.safetensors").summary == "Not a model of this program."
    assert describe_model(tmp_path / "gone.safetensors").summary == "The file is gone."


def test_the_model_manager_lists_and_loads(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    program.session.set_model(tmp_path / "net.safetensors")
    idle(qtbot, program)
    assert [Path(name).name for name in program.settings.recent_models] == ["net.safetensors"]
    program.actions["models"].trigger()
    dialog = program.models._dialog
    qtbot.waitUntil(lambda: dialog._list.count() == 2)
    dialog.use_requested.emit("")
    assert program.session.state.model is None
    idle(qtbot, program)
    dialog.close()


def test_a_pane_is_dragged_out_as_a_png(qtbot, program, monkeypatch, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    taken = []
    monkeypatch.setattr(
        type(program.window.panel.pane("pca")), "start_drag_out", lambda _pane, path: taken.append(path)
    )
    program.window.panel.drag_out_requested.emit("pca")
    assert Path(taken[0]).name == "a-pca.png"
    assert Path(taken[0]).stat().st_size > 0


def test_a_batch_is_one_work_to_the_status_line(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    said = []
    program.session.requests.busy_changed.connect(lambda busy: said.append((busy, program.session.busy)))
    with qtbot.waitSignal(program.batch_export.finished):
        program.batch_export.start(program.pictures.sources, tmp_path, ExportParams())
    idle(qtbot, program)
    assert all(busy == really for busy, really in said)
    assert said.count((False, False)) == 1, "not ready between two pictures"


def test_a_session_saved_before_its_picture_is_there_keeps_pins_and_view(qtbot, program, engine, tmp_path, photos):
    path, again = tmp_path / "s.sss.json", tmp_path / "again.sss.json"
    write_session(path, saved(photos))
    engine.gate.clear()
    program.session_store.open(path)
    program.session_store.save(again)
    assert read_session(again) == read_session(path)
    program.session.cancel()
    engine.gate.set()
    qtbot.waitUntil(lambda: not program.session.busy)


def test_a_locked_basis_goes_with_the_session(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle(qtbot, program)
    program.basis.set_mode("locked")
    qtbot.waitUntil(lambda: program.session.state.basis is not None)
    idle(qtbot, program)
    own = program.session.state.basis
    program.session_store.save(tmp_path / "mine.sss.json")
    content = own.read_bytes()
    own.unlink()
    copy = read_session(tmp_path / "mine.sss.json").state.basis
    assert copy == tmp_path / "mine-basis.json"
    assert copy.read_bytes() == content


def test_what_a_crash_left_is_set_aside_rather_than_lost(qtbot, tmp_path, program, photos):
    program.session_store._folder.mkdir(parents=True)
    left = program.session_store._folder / "running-999999999.sss.json"
    write_session(left, saved(photos))
    assert program.session_store.restore_left(left)
    assert not left.exists()
    assert read_session(program.session_store._folder / "crashed.sss.json") == saved(photos)
    idle(qtbot, program)


def test_a_photograph_found_beside_its_features_is_watched(qtbot, program, photos, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((4, 4, 8), np.float32))
    program.open_files.open_paths([tmp_path / "a.npy"])
    idle(qtbot, program)
    with qtbot.waitSignal(program.file_watcher.reloaded) as reloaded:
        write_picture(photos[0], np.full((4, 4, 3), 9, np.uint8))
    assert reloaded.args[0].path == tmp_path / "a.npy"
    idle(qtbot, program)


def test_files_named_on_the_command_line_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert initial_state(parse(["a.png", "--model", "net.safetensors"]), None).model == tmp_path / "net.safetensors"
