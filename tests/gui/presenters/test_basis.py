"""Bases locked, shared, saved and loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from sss_gui.messages.panes import BasisRequest, ShowRequest


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
    assert asked(engine, ShowRequest)[-1].basis == locked
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
