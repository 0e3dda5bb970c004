"""Each field of the state has one owner and one signal: who listens to one field is not woken by another."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import SIGNAL

from sss_gui.requests.panes import Source
from sss_model.params import FilterParams, ProjectionParams

FIELDS = ("source", "model", "extract", "filter", "projection", "basis")


@pytest.fixture
def shown(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.at_rest)
    return program


@pytest.fixture
def heard(shown):
    """Names of the fields whose signals came, in order."""
    names = []
    for name in FIELDS:
        getattr(shown.session, f"{name}_changed").connect(lambda _value, name=name: names.append(name))
    return names


def test_a_radius_tick_wakes_at_most_four_receivers_and_no_other_field(qtbot, shown, heard):
    session = shown.session
    assert session.receivers(SIGNAL("filter_changed(PyObject)")) - 1 <= 4, "besides this test's own"
    session.set_filter(FilterParams(radius=7), moving=True)
    assert heard == ["filter"]
    qtbot.waitUntil(lambda: session.at_rest)


def test_a_radius_tick_writes_no_setting_and_sets_no_title(qtbot, shown, monkeypatch):
    touched = []
    monkeypatch.setattr(shown.settings, "set_value", lambda *words: touched.append(words))
    monkeypatch.setattr(shown.window, "set_name", touched.append)
    shown.session.set_filter(FilterParams(radius=7), moving=True)
    qtbot.waitUntil(lambda: shown.session.at_rest)
    assert not touched


def test_all_at_once_tells_of_what_differs_only(qtbot, shown, heard):
    from dataclasses import replace

    state = replace(shown.session.state, filter=FilterParams(radius=2), projection=ProjectionParams(seed=4))
    shown.session.set_state(state)
    assert heard == ["filter", "projection"]
    qtbot.waitUntil(lambda: shown.session.at_rest)


def test_title_and_strip_follow_the_picture_that_is_wanted(qtbot, shown, tmp_path):
    shown.pictures.set([Source.from_path(tmp_path / name) for name in ("a.png", "b.png")])
    shown.pictures.step(1)
    assert shown.window.windowTitle().startswith("b.png")
    assert shown.window.film_strip.current == 1
    qtbot.waitUntil(lambda: shown.session.at_rest and shown.session.displayed.name == "b.png")


def test_a_map_that_was_asked_for_before_the_overlay_went_is_not_laid(qtbot, shown, engine):
    engine.gate.clear()
    shown.session.run_again()
    qtbot.waitUntil(lambda: not engine.idle)
    shown.overlay_choices.show("clusters")
    shown.overlay_choices.show("")
    engine.gate.set()
    qtbot.waitUntil(lambda: not shown.worker.busy and shown.session.at_rest)
    assert shown.overlays.overlay is None


def test_moves_rest_once_however_many_there_were(qtbot, shown):
    rests = []
    shown.session.motion.rested.connect(lambda: rests.append(1))
    for radius in (6, 7, 8):
        shown.session.set_filter(FilterParams(radius=radius), moving=True)
    qtbot.waitUntil(lambda: shown.session.at_rest)
    assert rests == [1]
