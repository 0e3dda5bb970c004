"""Layers in sessions: view, count, names, looks and picks come back; damage is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from layers import cut, settled

from sss_gui.requests.panes import Source
from sss_gui.saved.segments_entry import SavedSegments
from sss_gui.saved.session_file import SavedSession, SessionFileError, read_session, write_session
from sss_gui.state.layer_edits import Edits, Layer
from sss_gui.state.segments import AlphaView, Method
from sss_gui.state.session import State
from sss_model.matting.steps import Box, Stroke
from sss_model.params.layers import MatteParams

STEPS = (
    Stroke(((0.1, 0.2), (0.3, 0.4)), False, 0.02),
    Stroke(((0.5, 0.5),), True, 0.01, True),
    Box(0.1, 0.2, 0.5, 0.9),
)


@pytest.fixture
def saved(photos):
    layers = (Layer(2, frozenset([1, 2]), "sky", (1, 2, 3), False), Layer(1, frozenset([0, 3]), "cat", (9, 8, 7)))
    edits = Edits(None, layers, frozenset([1]), True, STEPS, False, MatteParams(feather=2.5, invert=True))
    method, view = Method("masks", photos[3]), AlphaView("picture", (4, 5, 6), photos[0], True)
    source = Source.from_path(photos[1])
    return SavedSession(State(source), (source,), segments=SavedSegments(True, method, view, edits))


def test_a_session_file_gives_layers_back(tmp_path, saved):
    write_session(tmp_path / "s.sss.json", saved)
    assert read_session(tmp_path / "s.sss.json") == saved


@pytest.mark.parametrize(
    ("method", "back"),
    [("own", "own"), (Method("deeplab"), Method("deeplab")), (Method("deeplab", consent=True), Method("deeplab"))],
)
def test_a_session_keeps_a_networks_weights_but_no_consent(tmp_path, saved, photos, method, back):
    own = Method("mask-rcnn", photos[3])
    given, wanted = (own if value == "own" else value for value in (method, back))
    write_session(tmp_path / "s.sss.json", replace(saved, segments=replace(saved.segments, method=given)))
    assert read_session(tmp_path / "s.sss.json").segments.method == wanted


def test_files_that_are_gone_are_left_out(tmp_path, saved, photos):
    write_session(tmp_path / "s.sss.json", saved)
    photos[0].unlink()
    photos[3].unlink()
    found = read_session(tmp_path / "s.sss.json").segments
    assert found.method == Method()
    assert (found.view.name, found.view.backdrop) == ("grey", None)


@pytest.mark.parametrize("field", ["method", "alpha_view", "layers"])
def test_damage_is_told(tmp_path, saved, field):
    path = tmp_path / "s.sss.json"
    write_session(path, saved)
    values = json.loads(path.read_text(encoding="utf-8"))
    values["segments"][field] = "nonsense"
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(SessionFileError, match="damaged"):
        read_session(path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda entry, _: entry["layers"][0].update(components=[]), "The layer 2 has no components"),
        (lambda entry, _: entry["layers"][0].update(components=[1, 3]), "The component 3 is in two layers"),
        (lambda _, values: values.update(pins=[[1, 1]] * 100_000), "pins must be at most 1000 points, got 100000"),
        (lambda entry, _: entry.update(steps=entry["steps"][:1] * 5000), "steps must be at most 1000, got 5000"),
        (lambda entry, _: entry.update(layers=entry["layers"] * 2500), "layers must be at most 100, got 5000"),
    ],
)
def test_what_no_window_can_show_is_told(tmp_path, saved, damage, said):
    path = tmp_path / "s.sss.json"
    write_session(path, saved)
    values = json.loads(path.read_text(encoding="utf-8"))
    damage(values["segments"], values)
    path.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(SessionFileError, match=said):
        read_session(path)


def test_sessions_bring_view_layers_names_and_picks_back(qtbot, program, tmp_path, photos):
    program.open_files.open_paths([photos[0]])
    qtbot.waitUntil(lambda: program.session.shown is not None)
    program.actions["segments_view"].trigger()
    settled(qtbot, program)
    program.segments.set_count(3)
    program.segments.rename(1, "cat")
    program.segments.pick(frozenset([1]))
    program.segments.set_view(replace(program.segments.view, name="white"))
    settled(qtbot, program)
    edits = program.segments.edits
    program.session_store.save(tmp_path / "s.sss.json")
    program.segments.set_count(1)
    program.segments.set_view(AlphaView())
    program.actions["segments_view"].trigger()
    cut(qtbot, program, "elsewhere.png")
    program.actions["segments_view"].trigger()
    program.session_store.open(tmp_path / "s.sss.json")
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == "a.png")
    settled(qtbot, program)
    assert program.segments.shown
    assert program.window.shown_panel is program.window.segments_panel
    assert program.segments.edits == replace(edits, cut=program.segments.edits.cut)
    assert program.segments.view.name == "white"
    assert not program.actions["undo"].isEnabled() or program.segments.edits.layers


def test_a_session_of_what_is_open_already_brings_its_layers_back_too(qtbot, program, tmp_path, photos):
    program.open_files.open_paths([photos[0]])
    qtbot.waitUntil(lambda: program.session.shown is not None)
    program.actions["segments_view"].trigger()
    settled(qtbot, program)
    program.segments.rename(1, "cat")
    program.session_store.save(tmp_path / "s.sss.json")
    program.segments.rename(1, "dog")
    program.session_store.open(tmp_path / "s.sss.json")
    settled(qtbot, program)
    assert program.segments.edits.layer(1).name == "cat"
