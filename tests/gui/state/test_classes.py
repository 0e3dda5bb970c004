"""Classes by strokes: named, painted on several pictures, undone by name, redone, saved and opened; doubtful ones."""

from __future__ import annotations

import json

import numpy as np
import pytest
from controls import named
from layers import settled
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel, QLineEdit

from sss_gui.requests.classes import ConfidenceRequest
from sss_gui.requests.segments import SegmentsRequest
from sss_model.classes import load_classes
from sss_model.errors import Cancelled


def idle(qtbot, program):
    """Wait until nothing is asked any more."""
    qtbot.waitUntil(lambda: not any(channel.pending for channel in program.worker.channels))


def show(qtbot, program, name):
    sources = [source.name for source in program.pictures.sources]
    program.pictures.choose(sources.index(name))
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == name)
    idle(qtbot, program)


@pytest.fixture
def teaching(qtbot, program, photos):
    """Three pictures open, the first shown, and the brush for classes in the hand."""
    program.open_files.open_paths([photos[0], photos[1], photos[3]])
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == "a.png")
    program.actions["segments_view"].trigger()
    settled(qtbot, program)
    program.actions["tool_teach"].trigger()
    idle(qtbot, program)
    return program


def name_class(qtbot, program, name):
    field = named(program.window.layers, QLineEdit, "Name of a new class")
    qtbot.keyClicks(field, name)
    qtbot.keyClick(field, Qt.Key.Key_Return)


def paint(qtbot, program, x, pane="coloured"):
    """A stroke down the picture at `x`, a part of its width."""
    canvas, (height, width) = program.window.segments_panel.pane(pane).canvas, program.session.size
    top, bottom = (canvas.placement().to_screen(x * width, y * height) for y in (0.3, 0.7))
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(*map(round, top)))
    qtbot.mouseMove(canvas, QPoint(*map(round, bottom)))
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(*map(round, bottom)))
    idle(qtbot, program)


def teach(qtbot, program, *names):
    for place, name in enumerate(names):
        name_class(qtbot, program, name)
        paint(qtbot, program, (place + 0.5) / len(names))


def rows(program):
    return [(row.name, round(row.share, 1)) for row in program.window.layers.list.rows]


def words(program):
    return named(program.window.layers, QLabel, "State of the classes").text()


def asked_of(engine, kind):
    return [request for request in engine.asked if isinstance(request, kind)]


def test_strokes_make_classes_that_are_layers(qtbot, teaching):
    assert teaching.segments.by_classes
    assert rows(teaching) == [], "the layers of another method do not stay"
    assert "left over" in words(teaching)
    paint(qtbot, teaching, 0.2)
    assert teaching.classes.strokes == {}, "there is no class yet"
    teach(qtbot, teaching, "sky")
    assert (rows(teaching), teaching.segments.cut) == ([("sky", 0.0)], None)
    assert words(teaching) == "Name what is left over too, and paint some of it."
    name_class(qtbot, teaching, "Sky")
    assert words(teaching) == "Paint some of Sky-2 on the picture."
    paint(qtbot, teaching, 0.7)
    assert rows(teaching) == [("sky", 0.5), ("Sky-2", 0.5)]
    assert words(teaching) == "Sure of this picture to 90%."
    assert teaching.segments.status == "exact"
    picked = teaching.segments.edits.picked
    assert {teaching.segments.edits.layer(n).name for n in picked} == {"Sky-2"}, "the class that is painted"
    matte = teaching.window.segments_panel.pane("matte").picture
    assert (matte[0, 2].tolist(), matte[0, -2].tolist()) == ([0, 0, 0], [255, 255, 255])
    marks = teaching.window.segments_panel.pane("layers").canvas.strokes
    assert [mark.colour for mark in marks] == [entry.colour for entry in teaching.classes.entries]


def test_every_step_is_taken_back_by_its_name(qtbot, teaching):
    teach(qtbot, teaching, "sky", "rest")
    undo, redo = teaching.actions["undo"], teaching.actions["redo"]
    assert undo.text() == "&Undo stroke of rest"
    undo.trigger()
    settled(qtbot, teaching) if teaching.segments.cut else idle(qtbot, teaching)
    assert teaching.classes.taught is None
    assert teaching.segments.cut is None
    assert undo.text() == "&Undo class rest"
    redo.trigger()
    settled(qtbot, teaching)
    assert rows(teaching) == [("sky", 0.5), ("rest", 0.5)]
    teaching.actions["remove_class"].trigger()
    assert rows(teaching) == [("sky", 0.0)]
    assert undo.text() == "&Undo remove rest"
    undo.trigger()
    settled(qtbot, teaching)
    assert rows(teaching) == [("sky", 0.5), ("rest", 0.5)], "with what its strokes taught"
    teaching.window.layers.list.renamed.emit(teaching.classes.entries[0].number, "air")
    teaching.window.layers.list.coloured.emit(teaching.classes.entries[0].number, (1, 2, 3))
    settled(qtbot, teaching)
    assert (rows(teaching)[0][0], teaching.segments.edits.layers[0].colour) == ("air", (1, 2, 3))
    teaching.window.layers.list.arranged.emit([entry.number for entry in reversed(teaching.classes.entries)])
    settled(qtbot, teaching)
    assert [name for name, _ in rows(teaching)] == ["rest", "air"]
    for name in ("order of classes", "class's colour", "rename class"):
        assert undo.text() == f"&Undo {name}"
        undo.trigger()
    assert [name for name, _ in rows(teaching)] == ["sky", "rest"]


def test_another_picture_shows_the_classes_and_corrects_them(qtbot, teaching, engine):
    teach(qtbot, teaching, "sky", "rest")
    before = teaching.classes.taught
    show(qtbot, teaching, "b.png")
    settled(qtbot, teaching)
    assert rows(teaching) == [("sky", 0.5), ("rest", 0.5)]
    assert teaching.window.segments_panel.pane("coloured").canvas.strokes == [], "nothing was painted here"
    paint(qtbot, teaching, 0.1)
    settled(qtbot, teaching)
    assert teaching.classes.taught is not before
    assert len(teaching.classes.taught.strokes) == 3
    assert {stroke.picture for stroke in teaching.classes.taught.strokes} == {"a.png", "b.png"}
    rated = asked_of(engine, ConfidenceRequest)
    assert [(r.features.source.name, r.compute) for r in rated] == [("a.png", False)], "redone where it is remembered"
    show(qtbot, teaching, "a.png")
    settled(qtbot, teaching)
    assert asked_of(engine, SegmentsRequest)[-1].classes is teaching.classes.taught
    assert teaching.actions["undo"].text() == "&Undo stroke of rest", "that of this picture"


def test_doubtful_pictures_come_first_and_carry_a_mark(qtbot, teaching, engine):
    engine.sure = {"c.png": 0.4, "b.png": 0.8, "a.png": 0.95}
    teaching.actions["doubtful_first"].trigger()
    assert asked_of(engine, ConfidenceRequest) == [], "nothing is taught"
    teach(qtbot, teaching, "sky", "rest")
    with qtbot.waitSignal(teaching.doubtful_first.noted) as noted:
        teaching.actions["doubtful_first"].trigger()
    assert noted.args == ["1 of 3 pictures doubtful: c.png (0.40)."]
    assert [source.name for source in teaching.pictures.sources] == ["c.png", "b.png", "a.png"]
    strip = teaching.window.film_strip
    assert [strip.doubt(k) for k in range(3)] == ["Sure to 40% only", "", ""]
    assert strip.current == 2
    assert teaching.session.shown.name == "a.png"
    paint(qtbot, teaching, 0.3)  # what was known is of former classes; it is asked for anew
    engine.sure["c.png"] = 0.99
    paint(qtbot, teaching, 0.35)
    qtbot.waitUntil(lambda: len(teaching.classes.confidence) == 3)
    assert [strip.doubt(k) for k in range(3)] == ["", "", ""]


def test_what_was_stopped_is_redone_once_there_is_time(qtbot, teaching, engine, monkeypatch, tmp_path):
    teach(qtbot, teaching, "sky", "rest")
    with qtbot.waitSignal(teaching.doubtful_first.noted):
        teaching.actions["doubtful_first"].trigger()
    answer = engine.confidence

    def stopped(*_):
        monkeypatch.setattr(engine, "confidence", answer)
        raise Cancelled

    monkeypatch.setattr(engine, "confidence", stopped)
    paint(qtbot, teaching, 0.3)
    assert [source.name for source in teaching.classes.confidence] == ["a.png"]
    teaching.classes.save(tmp_path / "classes.json")
    qtbot.waitUntil(lambda: len(teaching.classes.confidence) == 3)
    idle(qtbot, teaching)


def test_classes_go_into_a_file_and_come_back(qtbot, teaching, tmp_path):
    teach(qtbot, teaching, "sky", "rest")
    name_class(qtbot, teaching, "bare")
    teaching.classes.set_colour(teaching.classes.entries[0].number, (9, 8, 7))
    with qtbot.waitSignal(teaching.classes.noted) as noted:
        teaching.classes.save(tmp_path / "classes.json")
    assert noted.args == ["Saved 2 classes as classes.json; without a stroke, and left out: bare."]
    saved = load_classes(tmp_path / "classes.json")
    assert (saved.names, saved.colours[0]) == (("sky", "rest"), (9, 8, 7))
    teaching.classes.add("another")
    with qtbot.waitSignal(teaching.classes.noted):
        teaching.classes.open(tmp_path / "classes.json")
    settled(qtbot, teaching)
    assert rows(teaching) == [("sky", 0.5), ("rest", 0.5)]
    assert teaching.classes.entries[0].colour == (9, 8, 7)
    opened = teaching.classes.taught
    np.testing.assert_array_equal(opened.classifier.weights, saved.classifier.weights)
    assert teaching.actions["undo"].text() == "&Undo open classes.json"
    teaching.actions["undo"].trigger()
    assert [name for name, _ in rows(teaching)] == ["sky", "rest", "bare", "another"]


@pytest.mark.parametrize("damage", ["another model", "by hand", "version"])
def test_a_file_that_does_not_fit_is_one_sentence_and_nothing_is_lost(qtbot, teaching, engine, tmp_path, damage):
    teach(qtbot, teaching, "sky", "rest")
    teaching.classes.save(tmp_path / "classes.json")
    idle(qtbot, teaching)
    before, strokes = teaching.classes.entries, teaching.classes.strokes
    content = json.loads((tmp_path / "classes.json").read_text())
    content["version" if damage == "version" else "classes"] = 7
    if damage != "another model":
        (tmp_path / "classes.json").write_text(json.dumps(content))
        with qtbot.waitSignal(teaching.worker.failed) as failed:
            teaching.classes.open(tmp_path / "classes.json")
        expected = "version 1, got 7" if damage == "version" else "not as they were written"
        assert expected in failed.args[0].sentence
    else:
        engine.model = "cd" * 32
        with qtbot.waitSignal(teaching.worker.failed) as failed:
            paint(qtbot, teaching, 0.1)
        assert "taught with features of fake model (abababab)" in failed.args[0].sentence
    assert (teaching.classes.entries, teaching.classes.strokes) == (before, strokes)
    assert rows(teaching) == [("sky", 0.5), ("rest", 0.5)]


def test_what_is_done_to_layers_is_not_done_to_classes(qtbot, teaching):
    teach(qtbot, teaching, "sky", "rest")
    for command in ("merge_layers", "split_layer", "merge_slivers", "more_layers"):
        with qtbot.waitSignal(teaching.segments.noted) as noted:
            teaching.actions[command].trigger()
        assert noted.args[0].startswith("Classes are made by painting: ")
    teaching.window.layers.list.eye_clicked.emit(teaching.classes.entries[0].number, False)
    assert not teaching.segments.edits.layers[0].shown
    paint(qtbot, teaching, 0.4)
    settled(qtbot, teaching)
    assert not teaching.segments.edits.layers[0].shown, "a stroke more leaves it hidden"
    teaching.actions["tool_keep"].trigger()
    assert teaching.segments.by_classes, "a matte can begin with a class"
    teaching.actions["semantic_layers"].trigger()
    settled(qtbot, teaching)
    assert [name for name, _ in rows(teaching)][:1] == ["layer-1"]
    assert teaching.segments.tool == "keep"
    teaching.actions["class_layers"].trigger()
    settled(qtbot, teaching)
    assert [name for name, _ in rows(teaching)] == ["sky", "rest"]
    assert teaching.segments.tool == "teach"
