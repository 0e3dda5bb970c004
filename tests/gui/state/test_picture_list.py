"""The list of open pictures: steps, broken pictures, and what stays."""

from __future__ import annotations

from pathlib import Path

from journeys import failing, idle, names

from sss_model.params import ExportParams


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


def test_steps_follow_a_picture_shown_by_other_means(qtbot, program, torn):
    failing(qtbot, program, program.actions["next_picture"].trigger)
    program.pictures.choose(2)
    idle(qtbot, program)
    program.pictures.choose(0)
    idle(qtbot, program)
    failing(qtbot, program, program.actions["next_picture"].trigger)
    assert program.window.film_strip.state(1) == "failed"


def test_broken_files_stay_in_the_list_and_say_that_they_failed(qtbot, program, torn):
    before = names(program.pictures.sources)
    for count, name in enumerate(("broken.png", "broken too.png"), start=3):
        failing(qtbot, program, lambda name=name: program.open_files.open_paths([Path(name)]))
        assert names(program.pictures.sources)[:3] == before
        assert program.window.film_strip.state(count) == "failed"
        assert (program.pictures.index, program.window.film_strip.current) == (0, 0)


def test_what_is_shown_stays_where_what_replaces_it_is_broken(qtbot, program, torn):
    failing(qtbot, program, lambda: program.open_files.open_paths([Path("broken.png")], instead=True))
    assert names(program.pictures.sources) == ["a1.png", "broken.png"]
    assert (program.pictures.index, program.window.film_strip.current) == (0, 0)
    assert program.window.film_strip.state(1) == "failed"


def test_removing_a_broken_picture_skips_none(qtbot, program, torn):
    failing(qtbot, program, program.actions["next_picture"].trigger)
    program.pictures.remove(1)
    program.actions["next_picture"].trigger()
    assert program.session.state.source.name == "c10.png"
    idle(qtbot, program)


def test_removing_the_shown_picture_shows_the_next(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.window.film_strip.remove_requested.emit(0)
    assert names(program.pictures.sources) == ["p2.png", "p10.png"]
    assert program.session.state.source.name == "p2.png"
    idle(qtbot, program)


def test_stopping_an_open_keeps_what_is_shown_in_the_list(qtbot, program, engine, torn):
    engine.gate.clear()
    program.session.export(torn, ExportParams())
    qtbot.waitUntil(lambda: program.session.busy)
    program.open_files.open_paths([torn / "c10.png"], instead=True)
    assert names(program.pictures.sources) == ["c10.png"]
    program.session.cancel()  # all, before anything of the picture came
    qtbot.waitUntil(lambda: not program.session.busy)
    engine.gate.set()
    assert names(program.pictures.sources) == ["a1.png", "c10.png"]
    assert (program.session.state.source.name, program.window.windowTitle().split()[0]) == ("a1.png", "a1.png")
