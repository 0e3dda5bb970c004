"""All open pictures exported: failures named, stopped, one piece of work to the status line."""

from __future__ import annotations

from controls import button
from journeys import idle_shown

from sss_gui.requests.panes import ExportRequest
from sss_model.params import ExportParams, FilterParams


def test_a_batch_goes_on_after_a_failure_and_names_it(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle_shown(qtbot, program)
    program.session.set_filter(FilterParams(radius=3))
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    report = finished.args[0]
    assert report.written == 3
    assert [(source.name, words) for source, words in report.failed] == [("broken.png", "broken.png is no picture.")]
    assert report.sentence == f"3 of 4 pictures written into {tmp_path}, 1 failed (broken.png)."
    asked = [request for request in engine.asked if isinstance(request, ExportRequest)]
    assert {request.panes.filter.radius for request in asked} == {3}
    assert [(request.begun, request.done) for request in asked] == [(0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)]
    assert program.window.panel.banner.isVisible()
    program.session.set_filter(FilterParams(radius=4))
    idle_shown(qtbot, program)
    assert program.window.panel.banner.isVisible(), "it is not about the picture, and stays until it was read"
    button(program.window.panel.banner, "Dismiss").click()
    assert not program.window.panel.banner.isVisible()


def test_a_batch_that_cannot_start_says_why(qtbot, program, engine, tmp_path, photos):
    said = []
    program.session.noted.connect(said.append)
    program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    assert said == ["Nothing is open to be exported."]
    assert program.window.status.text() == said[-1]
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    engine.gate.clear()
    program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    assert "already" in said[-1]
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        engine.gate.set()
    assert finished.args[0].written == 1


def test_a_batch_can_be_stopped(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle_shown(qtbot, program)
    engine.gate.clear()
    program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    qtbot.waitUntil(lambda: any(isinstance(request, ExportRequest) for request in engine.asked))
    with qtbot.waitSignal(program.batch_export.finished) as finished:
        program.actions["cancel"].trigger()
    assert (finished.args[0].written, finished.args[0].left) == (0, 4)
    assert not program.batch_export.active


def test_a_batch_is_one_work_to_the_status_line(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle_shown(qtbot, program)
    said = []
    program.worker.activity.busy_changed.connect(lambda busy: said.append((busy, program.session.busy)))
    with qtbot.waitSignal(program.batch_export.finished):
        program.export_files.export_pictures(program.pictures.sources, tmp_path, ExportParams())
    idle_shown(qtbot, program)
    assert all(busy == really for busy, really in said)
    assert said.count((False, False)) == 1, "not ready between two pictures"
