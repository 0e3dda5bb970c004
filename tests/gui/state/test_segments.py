"""The state of the Segments view: when it computes, what is stale, what undo brings back, what other pictures keep."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from journeys import asked, failing, idle
from layers import click, components, cut, settled

from sss_gui.requests.segments import LayersRequest, SegmentsRequest
from sss_gui.state.segments import Method
from sss_model.errors import ParameterError
from sss_model.matting.steps import Stroke


@pytest.fixture
def layered(qtbot, program):
    cut(qtbot, program)
    return program


def names(program):
    return [layer.name for layer in program.segments.edits.layers]


def test_nothing_is_cut_until_the_view_shows(qtbot, program, engine):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None)
    idle(qtbot, program)
    assert not asked(engine, SegmentsRequest)
    program.actions["segments_view"].trigger()
    settled(qtbot, program)
    program.actions["segments_view"].trigger()
    program.actions["segments_view"].trigger()
    idle(qtbot, program)
    assert len(asked(engine, SegmentsRequest)) == 1, "it is remembered"
    assert names(program) == ["layer-1", "layer-2", "layer-3", "layer-4"]


def test_esc_stops_and_compute_goes_on(qtbot, program, engine):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None)
    idle(qtbot, program)
    engine.gate.clear()
    program.actions["segments_view"].trigger()
    assert program.segments.status == "computing"
    qtbot.waitUntil(lambda: not engine.idle)
    program.actions["cancel"].trigger()
    qtbot.waitUntil(lambda: program.segments.status == "stopped")
    engine.gate.set()
    program.actions["segments_view"].trigger()
    program.actions["segments_view"].trigger()
    assert program.segments.status == "stopped", "what was stopped is not begun again unasked"
    program.window.layers.compute_requested.emit()
    settled(qtbot, program)


def test_other_features_make_the_layers_stale_until_they_are_cut_anew(qtbot, layered, engine):
    engine.gate.clear()
    engine.number = 7
    layered.session.run_again()
    engine.gate.set()
    qtbot.waitUntil(lambda: layered.session.at_rest and layered.segments.status == "exact")
    assert layered.segments.cut.features == 7
    seen = []
    layered.segments.status_changed.connect(seen.append)
    engine.number = 8
    layered.session.run_again()
    settled(qtbot, layered)
    assert seen == ["stale", "preview", "exact"]


def test_a_filter_moves_no_layer(qtbot, layered, engine):
    engine.asked.clear()
    layered.session.set_filter(replace(layered.session.state.filter, radius=9))
    idle(qtbot, layered)
    assert not asked(engine, SegmentsRequest)
    assert layered.segments.status == "exact"


def test_another_picture_gives_up_the_cut_and_each_keeps_its_edits(qtbot, layered, engine):
    layered.segments.rename(1, "cat")
    layered.segments.pick(frozenset([1]))
    engine.gate.clear()
    cutting = len(asked(engine, SegmentsRequest))
    layered.open_files.open_paths([Path("b.png")])
    engine.gate.set()
    settled(qtbot, layered)
    assert "cat" not in names(layered)
    layered.pictures.step(-1)
    qtbot.waitUntil(lambda: layered.session.shown is not None and layered.session.shown.name == "a.png")
    settled(qtbot, layered)
    assert names(layered)[0] == "cat"
    assert layered.segments.edits.picked == {1}
    assert len(asked(engine, SegmentsRequest)) <= cutting + 2


def test_leaving_while_it_computes_cancels_it(qtbot, layered, engine):
    layered.segments.set_method(Method("spectral-matting"))
    settled(qtbot, layered)
    engine.gate.clear()
    layered.segments.set_method(Method("sss"))
    qtbot.waitUntil(lambda: not engine.idle)
    assert layered.segments.status == "stale"
    layered.segments.set_method(Method("spectral-matting"))
    assert layered.segments.status == "exact", "back to what is there"
    engine.gate.set()
    settled(qtbot, layered)
    assert layered.segments.cut is not None


def test_a_failure_is_told_once_and_not_tried_again(qtbot, layered, engine):
    def fails(*_):
        raise ParameterError("The masks are of another size.")

    engine.segments = fails
    failing(qtbot, layered, lambda: layered.segments.set_method(Method("masks", Path("m.png"))))
    assert layered.window.segments_panel.banner.text()[1].startswith("The masks are of another size")
    engine.asked.clear()
    layered.session.refresh()
    idle(qtbot, layered)
    assert not asked(engine, SegmentsRequest)


def test_a_drag_of_the_count_is_one_step_and_moves_no_name(qtbot, layered, engine):
    segments, panel = layered.segments, layered.window.layers
    looks = {layer.number: (layer.name, layer.colour) for layer in segments.edits.layers}
    for count in (3, 2, 3):
        panel.count_changing.emit(count)
    panel.count_rested.emit(2)
    settled(qtbot, layered)
    assert len(segments.edits.layers) == 2
    assert {layer.number: (layer.name, layer.colour) for layer in segments.edits.layers}.items() <= looks.items()
    layered.actions["undo"].trigger()
    settled(qtbot, layered)
    assert len(segments.edits.layers) == 4
    assert {layer.number: (layer.name, layer.colour) for layer in segments.edits.layers} == looks
    layered.actions["redo"].trigger()
    settled(qtbot, layered)
    assert len(segments.edits.layers) == 2


def test_merge_split_slivers_names_colours_order_and_eyes_are_undone(qtbot, layered):
    segments, undo = layered.segments, layered.actions["undo"]
    first = segments.edits
    segments.pick(frozenset([1, 3]))
    for change in (
        segments.merge,
        segments.split,
        lambda: segments.rename(2, "sky"),
        lambda: segments.set_colour(2, (1, 2, 3)),
        lambda: segments.toggle_layer(2),
        lambda: segments.arrange([layer.number for layer in reversed(segments.edits.layers)]),
        lambda: segments.add_step(Stroke(((0.1, 0.1),), False, 0.01)),
        lambda: segments.set_edges(False),
        lambda: segments.set_params(replace(segments.edits.params, grow=2.0)),
    ):
        before = segments.edits
        change()
        assert segments.edits != before
        settled(qtbot, layered)
        after = segments.edits
        undo.trigger()
        assert segments.edits == before
        layered.actions["redo"].trigger()
        assert segments.edits == after
        settled(qtbot, layered)
    while undo.isEnabled():
        undo.trigger()
    settled(qtbot, layered)
    assert segments.edits == first


def test_undo_of_another_pictures_layers_changes_nothing_here(qtbot, layered):
    layered.segments.rename(1, "cat")
    cut(qtbot, layered, "b.png")
    before = layered.segments.edits
    layered.actions["undo"].trigger()
    assert layered.segments.edits == before


def test_what_cannot_be_done_is_said(qtbot, layered):
    said = []
    layered.segments.noted.connect(said.append)
    segments = layered.segments
    segments.merge()
    segments.split()
    segments.pick(frozenset([1]))
    segments.split()
    assert [words.split()[0] for words in said] == ["Pick", "Pick", "This"]


def test_slivers_go_to_the_likest(qtbot, layered):
    layered.segments.share = lambda layer: 0.01 if layer.components == {1} else 0.3
    layered.segments.merge_slivers()
    settled(qtbot, layered)
    assert {frozenset(layer.components) for layer in layered.segments.edits.layers} == {
        frozenset([0, 1]), frozenset([2]), frozenset([3])
    }  # fmt: skip


def test_groups_are_the_trees_own_and_planes_follow_the_answer(qtbot, layered, engine):
    layered.segments.set_count(3)
    settled(qtbot, layered)
    assert asked(engine, LayersRequest)[-1].groups == (0, 2, 1, 1)
    planes = {layer.number: layered.segments.plane(layer) for layer in layered.segments.edits.layers}
    assert planes == {1: 0, 2: 1, 3: 2}
    layered.segments.pick(frozenset([1, 3]))
    layered.segments.merge()
    settled(qtbot, layered)
    assert asked(engine, LayersRequest)[-1].groups == (0, 0, 1, 1)


def test_masks_are_called_as_their_file_has_them(qtbot, layered):
    layered.segments.set_method(Method("masks", Path("masks.npz")))
    settled(qtbot, layered)
    assert sorted(names(layered)) == ["car", "road", "sky", "tree"]
    assert layered.segments.most_layers == 1
    layered.segments.set_method(Method())
    settled(qtbot, layered)
    assert names(layered)[0] == "layer-1"


def test_a_pick_that_a_smaller_count_takes_in_stays_with_its_layer(qtbot, layered):
    click(qtbot, layered, 0)
    assert components(layered) == {0}
    layered.segments.set_count(1)
    settled(qtbot, layered)
    assert components(layered) == {0, 1, 2, 3}
