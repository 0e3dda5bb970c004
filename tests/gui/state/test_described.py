"""Layers that nobody named are called by place and colour: each another one, and for as long as they are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from journeys import idle_shown

from sss_gui.requests.segments import ExportLayersRequest
from sss_gui.state.layer_edits import Components, Layer, described, is_numbered
from sss_model.params.layers import LayerExportParams

SHARES = Components((0.4, 0.3, 0.2, 0.1))


def layer(number: int, *components: int, name: str = "") -> Layer:
    return Layer(number, frozenset(components), name or f"layer-{number}", (0, 0, 0))


def names(known):
    return {number: name for number, (_, name) in known.items()}


def test_names_that_somebody_gave_stay_and_are_not_given_twice():
    layers = [layer(1, 0), layer(2, 1, name="left, red"), layer(3, 2, 3)]
    known = described(layers, {1: "left, red", 2: "top, blue", 3: "left, red"}, {}, SHARES)
    assert names(known) == {1: "left, red 2", 3: "left, red 3"}


def test_a_layer_keeps_its_words_while_it_is_more_or_less_the_same():
    before = described([layer(1, 0, 1), layer(2, 2, 3)], {1: "left, red", 2: "right, blue"}, {}, SHARES)
    smaller = described(
        [layer(1, 0), layer(3, 1), layer(2, 2, 3)], {1: "top, red", 2: "x", 3: "left, red"}, before, SHARES
    )
    assert names(smaller) == {1: "left, red", 2: "right, blue", 3: "left, red 2"}
    other = described([layer(1, 1), layer(2, 0, 2, 3)], {1: "top, red", 2: "all over, grey"}, before, SHARES)
    assert names(other) == {1: "top, red", 2: "all over, grey"}, "less than half of what it was"


def test_numbers_are_no_names():
    assert is_numbered("layer-12")
    assert not is_numbered("layer-12-2")
    assert not is_numbered("my layer-1")


@pytest.fixture
def worded(qtbot, program, photos, engine, monkeypatch):
    """The Segments view, whose layers the engine describes."""
    plain = type(engine).layers

    def layers(self, message, progress, deliver):
        result = plain(self, message, progress, deliver)
        places = ("left", "middle", "right", "top")
        return replace(result, words=tuple(f"{places[k]}, red" for k in range(max(message.groups) + 1)))

    monkeypatch.setattr(type(engine), "layers", layers)
    program.open_files.open_paths([photos[0]])
    idle_shown(qtbot, program)
    program.segments.show(True)
    qtbot.waitUntil(lambda: program.segments.status == "exact")
    return program


def test_the_dock_and_the_files_have_them(qtbot, worded, engine, tmp_path):
    rows = worded.window.layers.list.rows
    assert {row.name for row in rows} == {"left, red", "middle, red", "right, red", "top, red"}
    with qtbot.waitSignal(worded.session.exported):
        worded.export_layers.export(tmp_path, LayerExportParams())
    (request,) = [asked for asked in engine.asked if isinstance(asked, ExportLayersRequest)]
    assert set(request.names) == {"left red", "middle red", "right red", "top red"}


def test_a_name_that_is_given_counts_and_undo_knows_nothing_of_the_others(qtbot, worded):
    segments = worded.segments
    assert not worded.undo.has_steps
    number = segments.edits.layers[0].number
    segments.rename(number, "sky")
    assert segments.title(segments.edits.layer(number)) == "sky"
    worded.undo.undo()
    assert segments.title(segments.edits.layer(number)).endswith(", red")


def test_merging_keeps_the_words_of_the_larger(qtbot, worded):
    segments = worded.segments
    first, second = segments.edits.layers[:2]
    kept = segments.title(first)
    segments.pick(frozenset({first.number, second.number}))
    segments.merge()
    qtbot.waitUntil(lambda: segments.status == "exact")
    assert segments.title(segments.edits.layer(first.number)) == kept
