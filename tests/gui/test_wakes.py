"""How many receivers a preview wakes: while a slider is dragged this happens thirty times a second."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
from journeys import idle_shown

TRACE = Path(__file__).resolve().parents[2] / "packaging" / "trace.py"


def recorder():
    spec = importlib.util.spec_from_file_location("packaging_trace", TRACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Recorder()


def test_a_preview_wakes_four_receivers_at_most(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    idle_shown(qtbot, program)
    counted = recorder()
    patch = np.full((8, 9, 3), 200, np.uint8), (0, 0, 9, 8)
    profile = sys.getprofile()
    sys.setprofile(counted)
    try:
        with counted.recording():
            program.session.previewed.emit(patch)
    finally:
        sys.setprofile(profile)
    names = [receiver.co_qualname for _, receiver in counted.receivers]
    assert "PanesPresenter._preview" in names
    assert len(names) <= 4, names
