"""Bases locked, shared, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from sss_gui.requests.panes import BasisRequest, RenderPanes


@pytest.fixture
def shown(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)
    return program


def asked(engine, kind):
    return [request for request in engine.asked if isinstance(request, kind)]


def test_locking_sharing_saving_and_loading_a_basis(qtbot, shown, engine, tmp_path):
    shown.window.params.basis_mode_requested.emit("locked")
    qtbot.waitUntil(lambda: shown.session.state.basis is not None)
    locked = shown.session.state.basis
    assert locked.parent == tmp_path / "data" / "bases"
    qtbot.waitUntil(lambda: not shown.session.busy)
    assert asked(engine, RenderPanes)[-1].basis == locked
    shown.window.params.basis_mode_requested.emit("image")
    assert shown.session.state.basis is None
    shown.actions["undo"].trigger()
    assert shown.session.state.basis == locked
    shown.basis.save(tmp_path / "mine.json")
    qtbot.waitUntil(lambda: (tmp_path / "mine.json").exists() and not shown.session.busy)
    assert shown.session.state.basis == locked, "saving changes nothing"
    shown.basis.load(tmp_path / "mine.json")
    assert shown.session.state.basis == tmp_path / "mine.json"
    shown.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: bool(asked(engine, BasisRequest)) and bool(asked(engine, BasisRequest)[-1].sources))
    qtbot.waitUntil(lambda: not shown.session.busy)


def test_a_shared_basis_says_what_it_was_fitted_to(qtbot, shown, photos):
    shown.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: shown.session.state.basis is not None and not shown.session.busy)
    note = shown.window.params.basis_note
    assert note.text() == "One basis and range for all open pictures"
    shown.open_files.open_paths([photos[0]])
    qtbot.waitUntil(lambda: shown.session.shown is not None and not shown.session.busy)
    assert note.text() == "One basis and range, fitted to 1 of the 2 open pictures"
    shown.pictures.remove(0)
    assert note.text() == "One basis and range, fitted to pictures that are closed now"


def test_a_basis_cannot_be_locked_before_there_are_features(qtbot, shown, engine, photos):
    said = []
    shown.basis.noted.connect(said.append)
    engine.gate.clear()
    shown.open_files.open_paths([photos[0]])
    shown.window.params.basis_mode_requested.emit("locked")
    assert said == ["Wait until the picture's features are there."]
    assert not asked(engine, BasisRequest)
    engine.gate.set()
    qtbot.waitUntil(lambda: not shown.session.busy)
