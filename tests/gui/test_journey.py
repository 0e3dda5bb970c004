"""The whole journey on the real window with the shipped model: open, drag, read, export, again by command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import threading

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication

from sss_gui.pane_names import PANES
from sss_gui.program import Program
from sss_gui.state.session import State
from sss_gui.window.settings import Settings
from sss_model.commands.extract import main as extract
from sss_model.image_io import read_thumbnail, write_picture
from sss_model.params import ExportParams, ExtractParams
from sss_model.storage.shipped_files import SAMPLE, resource

PATIENCE = 120_000


@pytest.fixture
def photo(tmp_path):
    write_picture(tmp_path / "a photo.png", read_thumbnail(resource(SAMPLE), 96))
    return tmp_path / "a photo.png"


@pytest.fixture
def real(qtbot, tmp_path):
    before = threading.active_count()
    state = State(extract=ExtractParams(device="cpu"))
    program = Program(Settings(tmp_path / "settings.ini"), state=state, data=tmp_path / "data")
    qtbot.addWidget(program.window)
    program.window.resize(1000, 700)
    program.window.show()
    qtbot.waitExposed(program.window)
    program.start()
    yield program
    assert program.close()
    program.window.close()
    assert threading.active_count() <= before


def test_open_drag_read_export_and_the_same_by_command_line(qtbot, real, photo, tmp_path):
    session, panel = real.session, real.window.panel
    real.open_files.open_paths([photo])
    qtbot.waitUntil(
        lambda: real.window.panel.pane("filtered").picture is not None and not session.busy, timeout=PATIENCE
    )
    assert all(panel.pane(name).picture is not None for name in PANES)
    badge = panel.pane("filtered").canvas.accessibleDescription
    assert badge() == "exact"

    seen = []
    session.previewed.connect(lambda _result: seen.append(False))
    session.panes_rendered.connect(lambda result: seen.append(True))
    for radius in (7, 8, 11):
        real.window.params.changing.emit("radius", radius)
        qtbot.waitUntil(lambda: False in seen, timeout=PATIENCE)
    real.window.params.rested.emit("radius", 11)
    qtbot.waitUntil(lambda: badge() == "exact" and not session.busy, timeout=PATIENCE)

    pane = panel.pane("pca").canvas
    qtbot.mouseMove(pane, QPoint(pane.width() // 2, pane.height() // 2))
    qtbot.mouseClick(pane, Qt.MouseButton.LeftButton, pos=QPoint(pane.width() // 2, pane.height() // 2))
    qtbot.waitUntil(lambda: len(real.pixel_inspector.vectors) == 1, timeout=PATIENCE)
    (vector,) = real.pixel_inspector.vectors.values()
    assert vector.shape == (128,)

    params = ExportParams(filtered=True, map3=True, strip=True, save_basis=True, formats=("npz16", "npy", "mat"))
    with qtbot.waitSignal(session.exported, timeout=PATIENCE) as exported:
        real.export_files.export(tmp_path / "window", params)
    real.actions["copy_command"].trigger()
    words = shlex.split(QGuiApplication.clipboard().text())
    assert words[:3] == [sys.executable, "-m", "sss_model.commands.extract"]
    words[words.index("-o") + 1] = str(tmp_path / "command")
    assert extract([*words[3:], "--quiet"]) == 0
    for path in exported.args[0].paths:
        other = tmp_path / "command" / path.name
        assert path.read_bytes() == other.read_bytes(), f"{path.name} differs between window and command"


def test_without_a_display_the_same_is_done_headless(photo, tmp_path):
    env = {
        key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    call = [sys.executable, "-m", "sss_gui.app", "--headless", str(tmp_path / "out"), "--size", "1000x700", str(photo)]
    result = subprocess.run(call, capture_output=True, text=True, env=env, timeout=240)
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"a photo-filtered-pca.png", "a photo-features-f16.npz", "a photo.json", "window.png"} <= names
    from sss_model.image_io import read_image

    shot = read_image(tmp_path / "out" / "window.png")
    assert shot.shape == (700, 1000, 3)
    assert np.unique((shot * 255).astype(np.uint8).reshape(-1, 3), axis=0).shape[0] > 500, "pictures are in it"


def test_headless_says_what_failed(tmp_path):
    (tmp_path / "text.png").write_text("no picture")
    call = [sys.executable, "-m", "sss_gui.app", "--headless", str(tmp_path / "out"), str(tmp_path / "text.png")]
    result = subprocess.run(call, capture_output=True, text=True, timeout=240)
    assert result.returncode == 1
    assert "text.png" in result.stderr
    assert "Traceback" not in result.stderr
