"""Undo and redo: a drag is a step, failures are none."""

from __future__ import annotations

import pytest
from journeys import failing, idle
from PySide6.QtCore import Qt

from sss_model.errors import ParameterError
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
