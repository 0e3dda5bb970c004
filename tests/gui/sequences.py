"""Steps of the tests of sequences: frames on disk, opened, clicked, carried."""

from __future__ import annotations

import numpy as np
from journeys import idle

from sss_model.image_io import write_picture
from sss_model.matting.steps import stroke_at

COUNT = 8


def write_frames(folder, count=COUNT, first=11):
    """Numbered pictures of the fake engine's size."""
    folder.mkdir(parents=True, exist_ok=True)
    for k in range(count):
        write_picture(folder / f"shot.{first + k:04d}.png", np.full((24, 32, 3), 20 + 10 * k, np.uint8))
    return folder


def open_frames(qtbot, program, folder):
    """Open the frames as a sequence, and wait until the first is shown."""
    program.open_files.open_sequence([folder])
    qtbot.waitUntil(lambda: program.sequence.frames is not None)
    shown(qtbot, program, 0)


def shown(qtbot, program, index):
    """Wait until that frame is shown and nothing is under way."""
    frames = program.sequence.frames
    qtbot.waitUntil(lambda: program.session.shown == frames.sources[index] == program.session.displayed)
    idle(qtbot, program)


def go(qtbot, program, index):
    """Show a frame."""
    program.sequence.go(index)
    shown(qtbot, program, index)


def click(program, x=6.0, keep=True):
    """Click in the frame that is shown."""
    program.segments.add_step(stroke_at([(x, 12.0)], keep, 1.0, (24, 32), click=True))


def carried(qtbot, program):
    """Carry the matte, and wait until it is in all frames."""
    program.sequence.set_carrying(True)
    settled(qtbot, program)
    qtbot.waitUntil(lambda: len(program.sequence.files) == len(program.sequence.frames.numbers))


def settled(qtbot, program):
    """Wait until what was changed last has been asked for."""
    qtbot.waitUntil(lambda: not program.sequence.waiting)
    idle(qtbot, program)
