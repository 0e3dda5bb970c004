"""Two sets of radius and eps, and undo through a flip."""

from __future__ import annotations

from journeys import idle_shown
from PySide6.QtCore import Qt

from sss_model.params import FilterParams


def test_a_and_b(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    flip = program.actions["a_or_b"]
    program.session.set_filter(FilterParams(radius=2))
    flip.trigger()
    program.session.set_filter(FilterParams(radius=20))
    qtbot.keyClick(program.window.panel.pane("input").canvas, Qt.Key.Key_B)
    assert program.session.state.filter.radius == 2
    flip.trigger()
    assert program.session.state.filter.radius == 20
    idle_shown(qtbot, program)


def test_undo_after_a_flip_brings_the_letter_back_and_keeps_both_sets(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
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
    idle_shown(qtbot, program)


def test_a_flip_in_the_middle_of_a_drag_is_a_step_of_its_own(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
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
    idle_shown(qtbot, program)
