"""Intents in, signals out: live and exact, busy after every ending, falling back after a failure."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeEngine

from sss_gui.requests.panes import (
    ComputeFeatures,
    ExportRequest,
    OpenPicture,
    PanesResult,
    Preview,
    RenderPanes,
    Source,
)
from sss_gui.requests.worker import Worker
from sss_gui.state.session import Session, State
from sss_model.errors import CheckpointError
from sss_model.params import ExportParams, FilterParams, ProjectionParams

A, B = (Source.from_path(Path(name)) for name in ("a.png", "b.png"))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def worker(qtbot, engine):
    worker = Worker(lambda: engine)
    worker.start()
    yield worker
    assert worker.close()


@pytest.fixture
def session(worker, engine):
    session = Session(worker)
    session.results, session.errors, session.busies = [], [], []
    for arrived in (session.picture_opened, session.features_computed, session.panes_rendered, session.previewed):
        arrived.connect(session.results.append)
    session.failed.connect(session.errors.append)
    worker.activity.busy_changed.connect(session.busies.append)
    yield session
    engine.gate.set()
    session.cancel()


def idle(qtbot, session):
    qtbot.waitUntil(lambda: session.at_rest, timeout=5000)


def asked(engine, kind=RenderPanes):
    return [request for request in engine.asked if isinstance(request, kind)]


def kinds(session):
    return [type(result).__name__ for result in session.results]


def test_opening_fills_the_panes_and_tells_when_it_is_done(qtbot, session):
    with qtbot.waitSignal(session.opened) as opened:
        session.set_source(A)
    assert opened.args[0].name == "a.png"
    idle(qtbot, session)
    assert session.busies == [True, False]
    assert kinds(session) == ["OpenedPicture", "FeaturesResult", "PanesResult", "PanesResult"]
    assert [sorted(result.pictures) for result in session.results[2:]] == [["pca", "random"], ["filtered"]]


def test_only_the_newest_picture_is_shown(qtbot, session, engine):
    engine.gate.clear()
    session.set_source(A)
    qtbot.waitUntil(lambda: len(asked(engine, ComputeFeatures)) == 1)
    session.set_source(B)
    engine.gate.set()
    idle(qtbot, session)
    complete = [result.source.name for result in session.results if isinstance(result, PanesResult)]
    assert set(complete) == {"b.png"}
    assert not session.errors, "being replaced is no error"
    assert session.busies == [True, False]


def test_going_back_before_the_next_picture_came_shows_the_first_one_only(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    session.results.clear()
    engine.gate.clear()
    session.set_source(B)
    session.set_source(A)
    engine.gate.set()
    idle(qtbot, session)
    assert {result.source.name for result in session.results} == {"a.png"}
    assert session.displayed == session.shown == A


def test_another_radius_asks_for_the_panes_alone(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    session.set_filter(FilterParams(radius=9))
    idle(qtbot, session)
    assert (len(asked(engine, OpenPicture)), len(asked(engine, ComputeFeatures)), len(asked(engine))) == (1, 1, 2)


def test_another_model_reads_no_picture_anew(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    session.set_model(Path("other.safetensors"))
    idle(qtbot, session)
    assert (len(asked(engine, OpenPicture)), len(asked(engine, ComputeFeatures)), len(asked(engine))) == (1, 2, 2)


def test_dragging_shows_previews_and_rest_brings_the_exact_result(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    for radius in (6, 7, 8):
        session.set_filter(FilterParams(radius=radius), moving=True)
    qtbot.waitUntil(lambda: "tuple" in kinds(session))
    with qtbot.waitSignal(session.panes_rendered, timeout=3000, check_params_cb=lambda result: result.complete):
        pass  # nothing but rest is needed
    assert session.results[-1].complete
    assert asked(engine)[-1].filter.radius == 8


def test_letting_go_brings_the_exact_result_at_once(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    session.set_filter(FilterParams(radius=9), moving=True)
    session.set_filter(FilterParams(radius=9), moving=False)
    assert not session.motion.moving
    idle(qtbot, session)
    assert isinstance(engine.asked[-1], RenderPanes)
    assert session.results[-1].complete


def test_a_radius_turned_before_the_features_are_there_asks_for_all_not_for_a_preview(qtbot, session, engine):
    engine.gate.clear()
    session.set_source(A)
    session.set_filter(FilterParams(radius=9), moving=True)
    engine.gate.set()
    idle(qtbot, session)
    assert not asked(engine, Preview)
    assert session.results[-1].complete
    assert len(asked(engine, ComputeFeatures)) == 1, "the network's run is not begun anew"
    assert [request.filter.radius for request in asked(engine)] == [9]


def test_a_failure_clears_busy_and_the_next_change_concerns_the_picture_that_is_still_shown(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    session.set_source(Source.from_path(Path("broken.png")))
    idle(qtbot, session)
    assert [error.sentence for error in session.errors] == ["broken.png is no picture."]
    assert session.state.source.name == "a.png"
    session.set_filter(FilterParams(radius=9))
    idle(qtbot, session)
    assert len(session.errors) == 1
    assert session.results[-1].source.name == "a.png"


def test_a_picture_left_half_done_for_a_broken_one_is_finished(qtbot, session, engine):
    engine.gate.clear()
    session.set_source(A)
    qtbot.waitUntil(lambda: session.displayed == A)
    session.set_source(Source.from_path(Path("broken.png")))
    engine.gate.set()
    idle(qtbot, session)
    assert [error.sentence for error in session.errors] == ["broken.png is no picture."]
    assert session.state.source == A
    assert session.status == "exact"
    assert session.results[-1].complete


def test_a_model_that_fails_is_not_kept(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    engine.fail["a.png"] = CheckpointError("bad.safetensors is not a model.")
    session.set_model(Path("bad.safetensors"))
    idle(qtbot, session)
    assert session.state.model is None
    engine.fail.clear()
    session.set_filter(FilterParams(radius=9))
    idle(qtbot, session)
    assert len(session.errors) == 1


def test_stopping_amid_a_change_of_model_keeps_the_old_one(qtbot, session, engine):
    session.set_source(A)
    idle(qtbot, session)
    engine.gate.clear()
    session.set_model(Path("slow.safetensors"))
    qtbot.waitUntil(lambda: len(asked(engine, ComputeFeatures)) == 2)
    session.cancel()
    idle(qtbot, session)
    assert session.state.model is None
    assert session.shown == session.state.source, "its features are there: pixels can be asked for"
    engine.gate.set()


def test_the_same_file_can_be_tried_again_after_a_failure(qtbot, session, engine):
    engine.fail["a.png"] = CheckpointError("no")
    session.set_source(A)
    idle(qtbot, session)
    engine.fail.clear()
    session.set_source(A)
    idle(qtbot, session)
    assert session.results[-1].complete


def test_cancel_is_no_error_and_clears_busy(qtbot, session, engine):
    notes = []
    session.noted.connect(notes.append)
    engine.gate.clear()
    session.set_source(A)
    qtbot.waitUntil(lambda: len(asked(engine, ComputeFeatures)) == 1)
    session.cancel()
    idle(qtbot, session)
    assert session.busies == [True, False]
    assert not session.errors
    assert notes == ["Stopped."]
    engine.gate.set()
    session.run_again()
    idle(qtbot, session)
    assert session.results[-1].complete
    assert asked(engine, ComputeFeatures)[-1].fresh


def test_an_exact_run_that_a_drag_replaces_is_no_news(qtbot, session, engine):
    notes = []
    session.noted.connect(notes.append)
    session.set_source(A)
    idle(qtbot, session)
    engine.gate.clear()
    session.set_filter(FilterParams(radius=9))
    qtbot.waitUntil(lambda: len(asked(engine)) == 2)
    session.set_filter(FilterParams(radius=12), moving=True)
    engine.gate.set()
    idle(qtbot, session)
    assert notes == []
    assert session.results[-1].complete


def test_a_radius_change_keeps_the_source_model_and_seed(qtbot, session, engine):
    session.set_source(A)
    session.set_projection(ProjectionParams(seed=3))
    session.set_filter(FilterParams(radius=2))
    idle(qtbot, session)
    last = asked(engine)[-1]
    assert (last.source.name, last.projection.seed, last.filter.radius) == ("a.png", 3, 2)


def test_exports_say_what_they_wrote(qtbot, session, engine, tmp_path):
    session.export(tmp_path, ExportParams())
    assert not engine.asked, "nothing is open"
    session.set_source(A)
    idle(qtbot, session)
    with qtbot.waitSignal(session.exported) as exported:
        session.export(tmp_path, ExportParams())
    assert [path.name for path in exported.args[0].paths] == ["a-input.png"]
    idle(qtbot, session)
    request = next(request for request in engine.asked if isinstance(request, ExportRequest))
    assert request.panes.filter == session.state.filter


def test_one_state_at_once_as_undo_has_it(qtbot, session, engine):
    session.set_source(A)
    state = session.state
    session.set_filter(FilterParams(radius=2))
    session.set_state(State(source=state.source))
    idle(qtbot, session)
    assert asked(engine)[-1].filter == FilterParams()


def test_stopping_before_anything_of_a_picture_came_leaves_the_one_that_is_shown(qtbot, session, engine, tmp_path):
    """The worker is busy with an export: the next picture waits behind it, and both are stopped."""
    session.set_source(A)
    idle(qtbot, session)
    engine.gate.clear()
    session.export(tmp_path, ExportParams())
    qtbot.waitUntil(lambda: any(isinstance(request, ExportRequest) for request in engine.asked))
    session.set_source(B)
    session.cancel()
    idle(qtbot, session)
    assert session.state.source.name == "a.png"
    assert session.shown == session.state.source
    engine.gate.set()
