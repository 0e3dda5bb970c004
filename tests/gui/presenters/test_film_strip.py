"""Folders and many files: listed and made small on a thread of their own, shown one at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QListView

from sss_gui.messages.files import ListResult
from sss_gui.messages.panes import Source
from sss_gui.tasks.open_files import LAYOUT_WORDS
from sss_gui.worker.engine import read_source
from sss_gui.worker.file_engine import list_sources
from sss_model.errors import CheckpointError, FeatureFileError, ParameterError
from sss_model.files.inputs import INPUT_LAYOUTS
from sss_model.image_io import write_picture
from sss_model.params import ExportParams


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("p10.png", "p2.png", "P1.png"):
        write_picture(folder / name, np.full((6, 8, 3), 90, np.uint8))
    (folder / "notes.txt").write_text("no picture")
    write_picture(folder / "p2-filtered-pca.png", np.zeros((6, 8, 3), np.uint8))
    (folder / "p2.json").write_text('{"program": "sss-features", "files": ["p2-filtered-pca.png"]}')
    return folder


def names(sources):
    return [source.name for source in sources]


def idle(qtbot, program):
    qtbot.waitUntil(lambda: program.session.at_rest)


def test_a_folder_lists_its_photographs_in_natural_order(folder):
    assert names(list_sources([folder])) == ["P1.png", "p2.png", "p10.png"]


def test_files_stay_as_given_and_come_once(folder):
    assert names(list_sources([folder / "p2.png", folder / "p2.png", folder / "x.jpg"])) == ["p2.png", "x.jpg"]


def test_features_given_with_a_photograph_are_opened_with_it(tmp_path):
    paths = [tmp_path / "other.jpg", tmp_path / "a.npz"]
    assert list_sources(paths) == [Source.from_path(tmp_path / "a.npz", tmp_path / "other.jpg")]


def test_a_folder_with_feature_tiffs_lists_its_photographs(folder):
    tifffile = pytest.importorskip("tifffile")
    tifffile.imwrite(folder / "p2-features.tif", np.zeros((6, 8, 9), np.float32), planarconfig="contig")
    assert names(list_sources([folder])) == ["P1.png", "p2.png", "p10.png"]
    both = [folder / "p2.png", folder / "p2-features.tif"]
    assert list_sources(both) == [Source.from_path(both[1], both[0])]


def test_strips_are_opened_as_such(qtbot, program, engine, folder):
    program.open_files.open_as([folder / "p2.png", folder / "p10.png"], "strip")
    source = program.session.state.source
    assert (source.path, source.layout) == (folder / "p2.png", "strip")
    assert program.window.film_strip.count() == 2
    thumbnail = []
    program.file_worker.delivered.connect(thumbnail.append)
    program.film_strip.request_thumbnails([0])
    qtbot.waitUntil(lambda: any(getattr(result, "source", None) == source for result in thumbnail))
    assert thumbnail[0].picture.shape == (6, 4, 3), "the photograph alone"
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


def test_the_engine_reads_both_halves_of_a_strip(tmp_path):
    both = np.random.default_rng(1).integers(0, 255, (6, 16, 3), dtype=np.uint8)
    write_picture(tmp_path / "strip.png", both)
    opened = read_source(Source.from_path(tmp_path / "strip.png", layout="strip"))
    np.testing.assert_allclose(opened.image * 255, both[:, :8], atol=1e-3)
    np.testing.assert_allclose(opened.features * 255, both[:, 8:], atol=1e-3)


def test_opening_a_folder_shows_its_first_picture_and_the_strip(qtbot, program, folder):
    strip = program.window.film_strip
    assert not strip.isVisible()
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.session.state.source is not None)
    assert program.session.state.source.name == "P1.png"
    assert strip.isVisible()
    assert strip.count() == 3
    idle(qtbot, program)


def test_stepping_stops_at_the_ends(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    shown = []
    for action in ("next_picture", "next_picture", "next_picture", "previous_picture"):
        program.actions[action].trigger()
        shown.append(program.session.state.source.name)
    assert shown == ["p2.png", "p10.png", "p10.png", "p2.png"]
    assert program.window.film_strip.current == 1
    idle(qtbot, program)


@pytest.fixture
def torn(qtbot, program, folder):
    """A folder whose middle picture is broken, at its first picture."""
    for old, new in (("p2.png", "broken5.png"), ("P1.png", "a1.png"), ("p10.png", "c10.png")):
        (folder / old).rename(folder / new)
    (folder / "p2-filtered-pca.png").unlink()
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    return folder


def failing(qtbot, program, act):
    """Do `act` and wait until what it asked for has failed."""
    with qtbot.waitSignal(program.session.failed):
        act()
    idle(qtbot, program)


def test_steps_go_past_a_broken_picture_both_ways(qtbot, program, torn):
    forward, back = program.actions["next_picture"], program.actions["previous_picture"]
    failing(qtbot, program, forward.trigger)
    assert (program.session.state.source.name, program.window.film_strip.current) == ("a1.png", 0)
    forward.trigger()
    assert program.session.state.source.name == "c10.png"
    idle(qtbot, program)
    failing(qtbot, program, back.trigger)
    assert program.session.state.source.name == "c10.png"
    program.parameters.step_radius(1)
    idle(qtbot, program)
    back.trigger()
    assert program.session.state.source.name == "a1.png"
    idle(qtbot, program)


def test_the_arrows_in_the_strip_go_past_a_broken_picture(qtbot, program, torn):
    strip = program.window.film_strip.findChild(QListView)
    failing(qtbot, program, lambda: qtbot.keyClick(strip, Qt.Key.Key_Right))
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert program.session.state.source.name == "c10.png"
    idle(qtbot, program)


def test_the_picture_that_failed_is_marked_with_the_reason(qtbot, program, torn):
    strip = program.window.film_strip
    failing(qtbot, program, program.actions["next_picture"].trigger)
    assert [strip.state(index) for index in range(3)] == ["done", "failed", "none"]
    assert strip.findChild(QListView).model().item(1).toolTip() == "broken5.png is no picture."


def test_steps_follow_a_picture_shown_by_other_means(qtbot, program, torn):
    failing(qtbot, program, program.actions["next_picture"].trigger)
    program.pictures.open(program.pictures.sources[2])
    idle(qtbot, program)
    program.pictures.open(program.pictures.sources[0])
    idle(qtbot, program)
    failing(qtbot, program, program.actions["next_picture"].trigger)
    assert program.window.film_strip.state(1) == "failed"


def test_a_model_that_fails_marks_no_picture(qtbot, program, engine, torn):
    engine.fail["a1.png"] = CheckpointError("The model is none.")
    failing(qtbot, program, lambda: program.session.set_model(torn / "net.pt"))
    assert program.window.film_strip.state(0) == "done"


def test_the_list_comes_back_when_a_file_opened_alone_fails(qtbot, program, torn):
    before = names(program.pictures.sources)
    for name in ("broken.png", "broken too.png"):
        failing(qtbot, program, lambda name=name: program.open_files.open_paths([Path(name)]))
        assert names(program.pictures.sources) == before
        assert (program.pictures.index, program.window.film_strip.current) == (0, 0)
        assert program.window.film_strip.isVisible()


def test_a_new_folder_stays_though_its_first_picture_is_broken(qtbot, program, torn):
    program.open_files.open_paths([torn / "c10.png"])
    idle(qtbot, program)
    (torn / "a1.png").unlink()
    (torn / "c10.png").rename(torn / "d.png")
    failing(qtbot, program, lambda: program.open_files.open_paths([torn]))
    assert names(program.pictures.sources) == ["broken5.png", "d.png"]
    assert program.window.film_strip.state(0) == "failed"
    program.actions["next_picture"].trigger()
    assert program.session.state.source.name == "d.png"
    idle(qtbot, program)


def test_removing_a_broken_picture_skips_none(qtbot, program, torn):
    failing(qtbot, program, program.actions["next_picture"].trigger)
    program.pictures.remove(1)
    program.actions["next_picture"].trigger()
    assert program.session.state.source.name == "c10.png"
    idle(qtbot, program)


def test_thumbnails_are_made_and_bad_files_are_marked(qtbot, program, folder):
    (folder / "p3.png").write_text("not a picture")
    seen = {}
    program.file_worker.delivered.connect(lambda r: seen.update({r.source.name: r}) if hasattr(r, "problem") else None)
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.film_strip.request_thumbnails([0, 1, 2, 3])
    qtbot.waitUntil(lambda: len(seen) == 4)
    assert seen["P1.png"].picture.shape == (6, 8, 3)
    assert seen["p3.png"].picture is None
    assert "p3.png" in seen["p3.png"].problem
    idle(qtbot, program)


def test_removing_the_shown_picture_shows_the_next(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.window.film_strip.remove_requested.emit(0)
    assert names(program.pictures.sources) == ["p2.png", "p10.png"]
    assert program.session.state.source.name == "p2.png"
    idle(qtbot, program)


def test_an_empty_folder_is_said_and_changes_nothing(qtbot, program, tmp_path):
    (tmp_path / "empty").mkdir()
    with qtbot.waitSignal(program.open_files.noted) as noted:
        program.open_files.open_paths([tmp_path / "empty"])
    assert noted.args == ["There is no picture in empty."]
    assert program.session.state.source is None


def test_one_file_alone_has_no_strip(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.open_files.open_paths([Path("a.png")])
    assert not program.window.film_strip.isVisible()
    idle(qtbot, program)


def test_a_folder_that_is_still_listed_does_not_replace_the_file_opened_after_it(qtbot, program, folder):
    program.open_files.open_paths([folder])
    program.open_files.open_paths([Path("a.png")])
    program.file_worker.delivered.emit(ListResult(1, (Source.from_path(folder / "p2.png"),)))
    assert names(program.pictures.sources) == ["a.png"]
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    idle(qtbot, program)
    assert program.session.state.source.name == "a.png"


def test_undo_takes_back_a_whole_drag(qtbot, program, folder):
    program.open_files.open_paths([folder / "p2.png"])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)
    for radius in (6, 7, 8):
        program.window.params.changing.emit("radius", radius)
    program.window.params.rested.emit("radius", 8)
    program.window.params.rested.emit("eps", 0.5)
    undo, redo = program.actions["undo"], program.actions["redo"]
    undo.trigger()
    assert program.session.state.filter.eps == 0.01
    undo.trigger()
    assert program.session.state.filter.radius == 5
    assert not undo.isEnabled()
    redo.trigger()
    assert program.session.state.filter.radius == 8
    program.window.params.rested.emit("radius", 3)
    assert not redo.isEnabled()
    qtbot.keyClick(program.window.panel.pane("input").canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert program.session.state.filter.radius == 8
    idle(qtbot, program)


def test_undo_takes_back_similarity_and_clusters_too(qtbot, program, folder):
    program.open_files.open_paths([folder / "p2.png"])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)
    params, undo, redo = program.window.params, program.actions["undo"], program.actions["redo"]
    for value in (0.7, 0.6, 0.5):
        params.changing.emit("threshold", value)
    params.rested.emit("threshold", 0.5)
    params.rested.emit("clusters", 12)
    undo.trigger()
    assert (program.overlay_choices.clusters.clusters, program.overlay_choices.similarity.threshold) == (8, 0.5)
    undo.trigger()
    assert program.overlay_choices.similarity.threshold == 0.8
    assert params.control("threshold").value == pytest.approx(0.8)
    assert not undo.isEnabled()
    redo.trigger()
    redo.trigger()
    assert (program.overlay_choices.clusters.clusters, program.overlay_choices.similarity.threshold) == (12, 0.5)
    idle(qtbot, program)


def test_undo_goes_past_a_basis_that_cannot_be_used(qtbot, program, engine, folder):
    program.open_files.open_paths([folder / "p2.png"])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)
    program.window.params.rested.emit("radius", 8)
    idle(qtbot, program)
    engine.fail["p2.png"] = ParameterError("This basis is for other features.")
    failing(qtbot, program, lambda: program.session.set_basis(folder / "bad.json"))
    engine.fail.clear()
    undo, redo = program.actions["undo"], program.actions["redo"]
    assert not redo.isEnabled()
    undo.trigger()
    idle(qtbot, program)
    assert (program.session.state.filter.radius, program.session.state.basis) == (5, None)
    assert not undo.isEnabled()
    redo.trigger()
    idle(qtbot, program)
    assert program.session.state.filter.radius == 8


def test_stopping_an_open_brings_the_list_before_back(qtbot, program, engine, torn):
    before = names(program.pictures.sources)
    engine.gate.clear()
    program.session.export(torn, ExportParams())
    qtbot.waitUntil(lambda: program.session.busy)
    program.open_files.open_paths([torn / "c10.png"])
    assert names(program.pictures.sources) == ["c10.png"]
    program.actions["cancel"].trigger()
    qtbot.waitUntil(lambda: not program.session.busy)
    engine.gate.set()
    assert names(program.pictures.sources) == before
    assert (program.session.state.source.name, program.window.windowTitle().split()[0]) == ("a1.png", "a1.png")


def test_a_picture_that_changed_gets_a_new_thumbnail(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    shown = program.session.state.source
    write_picture(shown.path, np.full((12, 16, 3), 255, np.uint8))
    new = lambda result: result.source == shown and result.picture.min() == 255  # noqa: E731
    with qtbot.waitSignal(program.file_worker.delivered, check_params_cb=new):
        program.film_strip.renew(shown)
    qtbot.waitUntil(lambda: not program.file_worker.busy)


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
