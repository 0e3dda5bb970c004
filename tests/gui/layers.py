"""Steps of the tests of the Segments view: open a picture there, point at its layers, click them."""

from __future__ import annotations

from pathlib import Path

from journeys import idle
from PySide6.QtCore import QPoint, Qt

NOTHING_HELD = Qt.KeyboardModifier.NoModifier

# where the fake engine's four components lie, as parts of the width
MIDDLES = (0.2, 0.45, 0.65, 0.9)


def cut(qtbot, program, name="a.png"):
    """Open a picture, show its layers, and wait until they are there."""
    program.open_files.open_paths([Path(name)])
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == name)
    if not program.segments.shown:
        program.actions["segments_view"].trigger()
    program.segments.set_tool("pick")
    settled(qtbot, program)


def settled(qtbot, program):
    """Wait until the layers are those that are wanted, and nothing is under way."""
    channels = program.worker.channels
    qtbot.waitUntil(lambda: program.segments.status == "exact" and not any(each.pending for each in channels))
    idle(qtbot, program)


def place(program, component, pane="coloured"):
    """The point of a pane's canvas over the middle of a component."""
    canvas, (height, width) = program.window.segments_panel.pane(pane).canvas, program.session.size
    x, y = canvas.placement().to_screen(MIDDLES[component] * width, height / 2)
    return canvas, QPoint(round(x), round(y))


def hover(qtbot, program, component, pane="coloured"):
    """Point at a component."""
    qtbot.mouseMove(*place(program, component, pane))


def click(qtbot, program, component, held=NOTHING_HELD, pane="coloured"):
    """Click a component."""
    canvas, point = place(program, component, pane)
    qtbot.mouseClick(canvas, Qt.MouseButton.LeftButton, held, point)


def components(program, numbers=None):
    """The components of the layers of these numbers, or of those that are picked."""
    edits = program.segments.edits
    wanted = edits.picked if numbers is None else numbers
    return {k for layer in edits.layers if layer.number in wanted for k in layer.components}
