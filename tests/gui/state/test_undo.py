"""Undo and redo: a drag is a step, failures are none."""

from __future__ import annotations

import pytest
from journeys import failing, idle, idle_shown
from PySide6.QtCore import Qt

from sss_model.errors import ParameterError
from sss_model.matting.steps import stroke_at
from sss_model.params import FilterParams


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
    assert program.session.state.filter.eps == FilterParams().eps
    undo.trigger()
    assert program.session.state.filter.radius == FilterParams().radius
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
    assert (program.session.state.filter.radius, program.session.state.basis) == (FilterParams().radius, None)
    assert not undo.isEnabled()
    redo.trigger()
    idle(qtbot, program)
    assert program.session.state.filter.radius == 8


def test_undo_keeps_quick_keys_of_two_fields_apart(qtbot, program, folder):
    program.open_files.open_paths([folder / "p2.png"])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)
    program.window.params.changing.emit("radius", 6)
    program.window.params.changing.emit("radius", 7)
    program.window.params.changing.emit("eps", 0.5)
    program.actions["undo"].trigger()
    assert (program.session.state.filter.radius, program.session.state.filter.eps) == (7, FilterParams().eps)
    program.actions["undo"].trigger()
    assert program.session.state.filter.radius == FilterParams().radius
    idle(qtbot, program)


def undone(program):
    """What the menu offers to take back, and to do again."""
    return program.actions["undo"].text(), program.actions["redo"].text()


@pytest.fixture
def two(qtbot, program, folder):
    program.open_files.open_paths([folder / "p2.png", folder / "p10.png"])
    idle_shown(qtbot, program)
    return program


def go_to(qtbot, program, index):
    program.pictures.choose(index)
    idle_shown(qtbot, program)


def test_each_picture_has_its_pins_undone_and_the_menu_says_what(qtbot, two):
    undo, redo = two.actions["undo"], two.actions["redo"]
    assert undone(two) == ("&Undo", "&Redo")
    two.window.panel.pixel_clicked.emit(3, 4)
    two.window.panel.pixel_clicked.emit(5, 6)
    assert undone(two) == ("&Undo drop pin", "&Redo")
    go_to(qtbot, two, 1)
    assert undone(two) == ("&Undo", "&Redo"), "the other picture has no steps"
    assert not undo.isEnabled()
    two.window.panel.pixel_clicked.emit(7, 8)
    two.window.panel.nudge_requested.emit(1, 0)
    two.window.panel.nudge_requested.emit(1, 0)
    assert undone(two)[0] == "&Undo move pin"
    undo.trigger()
    assert two.pins.points == [(7, 8)], "arrows in a row are one step"
    go_to(qtbot, two, 0)
    two.pins.remove(0)
    two.actions["clear_pins"].trigger()
    assert undone(two) == ("&Undo clear pins", "&Redo")
    for name, points in (("remove pin", [(5, 6)]), ("drop pin", [(3, 4), (5, 6)]), ("drop pin", [(3, 4)])):
        undo.trigger()
        assert (undone(two)[0], two.pins.points) == (f"&Undo {name}", points)
    undo.trigger()
    assert two.pins.points == []
    assert undone(two) == ("&Undo", "&Redo drop pin")
    redo.trigger()
    assert two.pins.points == [(3, 4)]
    assert two.pins.by_picture[two.pictures.sources[1]] == ((7, 8),)
    idle(qtbot, two)


def test_what_all_pictures_share_can_be_undone_from_each(qtbot, two):
    two.window.params.rested.emit("radius", 9)
    two.window.panel.pixel_clicked.emit(3, 4)
    go_to(qtbot, two, 1)
    assert undone(two)[0] == "&Undo radius"
    two.actions["undo"].trigger()
    assert two.session.state.filter == FilterParams()
    go_to(qtbot, two, 0)
    assert undone(two) == ("&Undo drop pin", "&Redo radius")
    two.actions["redo"].trigger()
    assert two.session.state.filter.radius == 9
    idle(qtbot, two)


def test_a_shared_basis_can_be_undone(qtbot, two):
    two.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: two.session.state.basis is not None and not two.session.busy)
    assert undone(two)[0] == "&Undo shared basis"
    two.actions["undo"].trigger()
    assert two.session.state.basis is None
    assert undone(two)[1] == "&Redo shared basis"
    idle(qtbot, two)


def test_what_is_made_of_layers_has_names_and_is_undone_where_it_is(qtbot, two):
    two.actions["segments_view"].trigger()
    qtbot.waitUntil(lambda: two.segments.status == "exact" and not two.session.busy)
    segments, undo = two.segments, two.actions["undo"]
    first = segments.edits
    segments.rename(1, "sky")
    segments.pick(frozenset((1, 2)))
    segments.add_step(stroke_at([(2, 2), (4, 4)], True, 2, two.session.size))
    assert undone(two)[0] == "&Undo brush stroke"
    go_to(qtbot, two, 1)
    qtbot.waitUntil(lambda: two.segments.status == "exact" and not two.session.busy)
    assert not undo.isEnabled(), "no press that does nothing"
    go_to(qtbot, two, 0)
    qtbot.waitUntil(lambda: two.segments.status == "exact" and not two.session.busy)
    for name in ("brush stroke", "pick", "rename layer"):
        assert undone(two)[0] == f"&Undo {name}"
        two.session_store.keep()
        undo.trigger()
        assert two.session_store.pending, "what undo takes back is written too"
    assert segments.edits == first
    assert undone(two) == ("&Undo", "&Redo rename layer")
    idle(qtbot, two)


def test_layers_made_anew_of_the_same_features_are_those_that_undo_knows(qtbot, two, engine):
    two.actions["segments_view"].trigger()
    qtbot.waitUntil(lambda: two.segments.status == "exact" and not two.session.busy)
    two.segments.rename(1, "sky")
    engine.number += 1
    two.session.run_again()
    qtbot.waitUntil(lambda: two.segments.edits.cut[1] == engine.number and two.segments.status == "exact")
    assert two.segments.edits.layer(1).name == "sky"
    assert undone(two)[0] == "&Undo rename layer"
    two.actions["undo"].trigger()
    assert two.segments.edits.layer(1).name != "sky"
    idle(qtbot, two)


def test_a_closed_picture_comes_back_with_its_pins(qtbot, two):
    two.window.panel.pixel_clicked.emit(3, 4)
    sources = two.pictures.sources
    two.actions["close_picture"].trigger()
    idle_shown(qtbot, two)
    assert two.pictures.sources == sources[1:]
    assert undone(two)[0] == "&Undo close p2.png"
    two.actions["undo"].trigger()
    idle_shown(qtbot, two)
    assert (two.pictures.sources, two.pictures.index, two.pins.points) == (sources, 0, [(3, 4)])
    two.actions["redo"].trigger()
    idle_shown(qtbot, two)
    assert two.pictures.sources == sources[1:]
    two.actions["close_all"].trigger()
    assert undone(two)[0] == "&Undo close p10.png"
    two.actions["undo"].trigger()
    two.actions["undo"].trigger()
    idle_shown(qtbot, two)
    assert two.pictures.sources == sources
