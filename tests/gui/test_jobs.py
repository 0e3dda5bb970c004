"""While a long job runs: what is named is what is shown, Esc stops the job alone, and how far it is."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from journeys import idle, idle_shown
from PySide6.QtGui import QGuiApplication

from sss_gui.pane_names import PANES
from sss_gui.requests.panes import BasisRequest, BasisStep, ExportRequest
from sss_gui.requests.worker import LOADING, Activity
from sss_gui.tasks.command_line import command_line
from sss_model.params import ExportParams


@pytest.fixture
def shown(qtbot, program, photos):
    """The pictures a, b and c are open, and a is shown."""
    program.open_files.open_paths([photos[0], photos[1], photos[3]])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    idle_shown(qtbot, program)
    return program


JOBS = {
    "export": (ExportRequest, lambda program, folder: program.session.export(folder, ExportParams())),
    "batch": (ExportRequest,
              lambda program, to: program.export_files.export_pictures(program.pictures.sources, to, ExportParams())),
    "shared": (BasisRequest, lambda program, _folder: program.basis.set_mode("shared")),
}  # fmt: skip


@pytest.fixture(params=JOBS)
def job(request, qtbot, shown, engine, tmp_path):
    """A job that runs until the gate is opened."""
    kind, begin = JOBS[request.param]
    engine.gate.clear()
    begin(shown, tmp_path)
    qtbot.waitUntil(lambda: any(isinstance(message, kind) for message in engine.asked))
    return request.param


def test_a_picture_chosen_meanwhile_is_said_to_wait(qtbot, shown, engine, job, monkeypatch):
    shown.pictures.choose(1)
    assert shown.window.windowTitle().startswith("b.png (waiting)")
    assert {shown.window.panel.pane(name).canvas.accessibleDescription() for name in PANES} == {"waiting"}
    shown.actions["copy_command"].trigger()
    text = QGuiApplication.clipboard().text()
    assert "a.png" in text, "the picture that is in the panes"
    assert "b.png" not in text
    dragged = []
    monkeypatch.setattr(
        type(shown.window.panel.pane("pca")), "start_drag_out", lambda _pane, path: dragged.append(path)
    )
    shown.window.panel.drag_out_requested.emit("pca")
    assert Path(dragged[0]).name == "a-pca.png"
    engine.gate.set()
    idle_shown(qtbot, shown)
    qtbot.waitUntil(lambda: not shown.batch_export.active)
    assert shown.window.windowTitle().startswith("b.png -")


def test_escape_stops_the_job_and_keeps_the_choice(qtbot, shown, engine, job):
    shown.pictures.choose(1)
    shown.actions["cancel"].trigger()
    engine.gate.set()
    idle_shown(qtbot, shown)
    qtbot.waitUntil(lambda: not shown.batch_export.active)
    assert shown.session.shown.name == "b.png"
    assert shown.pictures.index == 1
    assert shown.session.state.basis is None


def test_escape_without_a_job_goes_back_to_what_is_shown(qtbot, shown, engine):
    engine.gate.clear()
    shown.pictures.choose(1)
    qtbot.waitUntil(lambda: not engine.idle)
    shown.actions["cancel"].trigger()
    idle(qtbot, shown)
    engine.gate.set()
    assert shown.session.state.source == shown.session.displayed


def test_a_batch_says_how_far_it_is_and_ticks_the_strip(qtbot, shown, engine, tmp_path):
    engine.gate.clear()
    shown.export_files.export_pictures(shown.pictures.sources, tmp_path, ExportParams())
    qtbot.waitUntil(lambda: shown.window.status.text() == "Exporting 1 of 3, a.png: Writing")
    assert shown.window.film_strip.state(0) == "running"
    engine.gate.set()
    qtbot.waitUntil(lambda: not shown.batch_export.active)
    assert [shown.window.film_strip.state(n) for n in range(3)] == ["done"] * 3


def test_stopping_a_batch_leaves_the_tick_of_the_picture_it_was_at(qtbot, shown, engine, tmp_path):
    assert shown.window.film_strip.state(0) == "done"
    engine.gate.clear()
    shown.export_files.export_pictures(shown.pictures.sources, tmp_path, ExportParams())
    qtbot.waitUntil(lambda: shown.window.film_strip.state(0) == "running")
    shown.actions["cancel"].trigger()
    qtbot.waitUntil(lambda: not shown.batch_export.active)
    assert shown.window.film_strip.state(0) == "done"
    engine.gate.set()


def test_a_shared_basis_says_how_far_it_is_and_ticks_the_strip(qtbot, shown, engine):
    engine.gate.clear()
    shown.basis.set_mode("shared")
    qtbot.waitUntil(lambda: any(isinstance(message, BasisRequest) for message in engine.asked))
    strip, status = shown.window.film_strip, shown.window.status
    assert status.text().startswith("Fitting the basis: 1 of 3, a.png")
    engine.deliver(BasisStep(shown.pictures.sources[0]))
    engine.deliver(BasisStep(shown.pictures.sources[1], "It has 3 dimensions, not 8."))
    qtbot.waitUntil(lambda: status.text().startswith("Fitting the basis: 3 of 3, c.png"))
    assert [strip.state(n) for n in range(3)] == ["done", "failed", "running"]
    shown.actions["cancel"].trigger()
    idle_shown(qtbot, shown)
    assert [strip.state(n) for n in range(3)] == ["done", "failed", "none"], "as it was before it ran"
    assert status.text() == "Stopped."
    engine.gate.set()


def test_a_picture_chosen_while_a_basis_is_fitted_comes_between_two_pictures(qtbot, shown, engine):
    happened = []
    shown.session.opened.connect(lambda source: happened.append(source.name))
    shown.session.basis_changed.connect(lambda _basis: happened.append("basis"))
    engine.gate.clear()
    shown.basis.set_mode("shared")
    qtbot.waitUntil(lambda: any(isinstance(message, BasisRequest) for message in engine.asked))
    shown.pictures.choose(2)
    engine.gate.set()
    qtbot.waitUntil(lambda: "basis" in happened)
    assert happened[0] == "c.png"
    idle_shown(qtbot, shown)
    assert shown.session.shown.name == "c.png"
    assert shown.session.state.basis is not None


def test_the_copied_line_begins_with_what_any_shell_finds(shown, tmp_path):
    line = command_line(shown.session.state, tmp_path, ExportParams())
    words = line.split(" sss_model.commands.extract ")[0]
    env = {"PATH": "", "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")}
    said = subprocess.run(
        f"{words} sss_model.commands.extract --version",
        shell=True,
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("sss-features ")


def test_loading_the_model_is_not_the_pace_of_the_rest(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("sss_gui.requests.worker.time.monotonic", lambda: clock[0])
    activity = Activity()
    left = []
    activity.progress_changed.connect(lambda _fraction, _stage, seconds: left.append(seconds))
    for now, fraction, stage in ((0.1, 0.0, "Reading"), (60.0, 0.05, LOADING), (62.0, 0.24, "Network")):
        clock[0] = now
        activity.advance("job", fraction, stage)
    assert left == pytest.approx([-1, -1, 8.0])


def test_the_time_left_is_told_by_a_jobs_own_pace(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("sss_gui.requests.worker.time.monotonic", lambda: clock[0])
    activity = Activity()
    left = []
    activity.progress_changed.connect(lambda _fraction, _stage, seconds: left.append(seconds))
    for now, job, fraction in (
        *((0.0, "basis", 0.0), (10.0, "basis", 0.1)),
        *((10.0, "picture", 0.0), (40.0, "picture", 0.7)),  # is let in between
        *((41.0, "basis", 0.1), (51.0, "basis", 0.2)),
    ):
        clock[0] = now
        activity.advance(job, fraction, "Network")
    assert left[1] == pytest.approx(90.0)
    assert left[3] == pytest.approx(30 * 0.3 / 0.7)
    assert left[4:] == pytest.approx([90.0, 80.0]), "the seconds of the picture are not the basis's"
