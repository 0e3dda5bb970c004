"""What the panes say while the picture in them is not the one that is wanted."""

from __future__ import annotations

from pathlib import Path

from sss_gui.pane_names import PANES
from sss_gui.requests.panes import Source


def badges(program):
    return [program.window.panel.pane(name).header.state for name in PANES]


def test_panes_say_that_the_chosen_picture_waits(qtbot, program, engine):
    sources = [Source.from_path(Path(name)) for name in ("a.png", "b.png")]
    program.pictures.set(sources)
    qtbot.waitUntil(lambda: program.session.shown == sources[0] and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]
    engine.gate.clear()
    program.pictures.choose(1)
    assert badges(program) == ["waiting"] * 4
    program.pictures.choose(0)
    assert badges(program) == ["", "", "", "exact"]
    program.pictures.choose(1)
    engine.gate.set()
    qtbot.waitUntil(lambda: program.session.shown == sources[1] and program.session.at_rest)
    assert badges(program) == ["", "", "", "exact"]
