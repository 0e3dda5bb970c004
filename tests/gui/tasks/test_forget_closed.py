"""Closing a picture lets the worker forget it, once it has left the panes."""

from __future__ import annotations

from pathlib import Path

from journeys import idle

from sss_gui.requests.panes import ForgetRequest, Source

A, B = Source.from_path(Path("a.png")), Source.from_path(Path("b.png"))


def forgotten(engine):
    return [set(request.kept) for request in engine.asked if isinstance(request, ForgetRequest)]


def test_what_is_closed_is_forgotten(qtbot, program, engine):
    program.pictures.set([A, B])
    idle(qtbot, program)
    assert forgotten(engine) == []
    program.pictures.remove(0)
    qtbot.waitUntil(lambda: forgotten(engine)[-1:] == [{B}])
    program.pictures.close_all()
    qtbot.waitUntil(lambda: forgotten(engine)[-1] == set())
    idle(qtbot, program)


def test_what_is_still_in_the_panes_stays(qtbot, program, engine):
    broken = Source.from_path(Path("broken.png"))
    program.pictures.set([A])
    idle(qtbot, program)
    program.pictures.set([broken])
    idle(qtbot, program)
    assert program.session.shown == A, "what was to replace it cannot be read"
    assert all(A in kept for kept in forgotten(engine))
