"""One worker, newest wins, cancelled is no error, clean shutdown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from fakes import FakeEngine

from sss_gui.messages.panes import (
    BasisRequest,
    BasisResult,
    ExportRequest,
    PreviewRequest,
    ProbeRequest,
    ShowRequest,
    ShowResult,
    Source,
)
from sss_gui.messages.queues import Queue
from sss_gui.worker.worker import Worker
from sss_model.params import ExportParams, ProjectionParams

A, B = Source.from_path(Path("a.png")), Source.from_path(Path("b.png"))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def worker(qtbot, engine):
    worker = Worker(lambda: engine)
    worker.results, worker.ends, worker.stages = [], [], []
    worker.delivered.connect(worker.results.append)
    worker.ended.connect(worker.ends.append)
    worker.progressed.connect(lambda *step: worker.stages.append(step))
    worker.start()
    yield worker
    engine.gate.set()
    assert worker.close(), "the worker's thread must end"


def outcomes(worker):
    return {end.ticket: end.outcome for end in worker.ends}


def test_answers_come_on_the_windows_thread_and_work_is_done_elsewhere(qtbot, worker, engine):
    seen = []
    worker.delivered.connect(lambda result: seen.append(threading.get_ident()))
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "done"})
    assert set(seen) == {threading.get_ident()}
    assert threading.get_ident() not in engine.threads
    assert len(engine.threads) == 1


def test_a_new_request_cancels_the_running_one_of_its_queue(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    worker.submit(ShowRequest(2, B))
    qtbot.waitUntil(lambda: len(engine.asked) == 2)
    engine.gate.set()
    qtbot.waitUntil(lambda: len(worker.ends) == 2)
    assert outcomes(worker) == {1: "cancelled", 2: "done"}
    assert {r.ticket for r in worker.results if r.complete} == {2}


def test_a_waiting_request_is_replaced_and_never_run(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(ExportRequest(1, ShowRequest(1, A), Path("nowhere"), None))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    for ticket in range(2, 12):
        worker.submit(ShowRequest(ticket, A))
    worker.cancel(Queue.EXPORT)
    engine.gate.set()
    qtbot.waitUntil(lambda: len(worker.ends) == 11)
    assert outcomes(worker) == {1: "cancelled", **dict.fromkeys(range(2, 11), "replaced"), 11: "done"}
    assert [r.ticket for r in engine.asked] == [1, 11]


def test_a_live_picture_is_finished_although_a_newer_one_waits(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(PreviewRequest(1, ShowRequest(1, A)))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    worker.submit(PreviewRequest(2, ShowRequest(2, A)))
    engine.gate.set()
    qtbot.waitUntil(lambda: len(worker.ends) == 2)
    assert outcomes(worker) == {1: "done", 2: "done"}


def test_panes_come_before_exports(qtbot, worker, engine, tmp_path):
    engine.gate.clear()
    worker.submit(ProbeRequest(1, A, (0, 0)))
    worker.submit(ShowRequest(2, A))
    qtbot.waitUntil(lambda: any(r.ticket == 2 for r in engine.asked))
    worker.submit(ExportRequest(3, ShowRequest(3, A), tmp_path, None))
    worker.submit(ProbeRequest(4, A, (1, 1)))
    engine.gate.set()
    qtbot.waitUntil(lambda: len(worker.ends) == 4)
    order = [r.ticket for r in engine.asked]
    assert order.index(4) < order.index(3)


def test_cancel_stops_what_runs_and_drops_what_waits(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    worker.submit(ProbeRequest(2, A, (0, 0)))
    worker.cancel()
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "cancelled", 2: "cancelled"})
    assert not worker.busy


def test_a_failure_is_told_in_words_and_the_worker_lives_on(qtbot, worker):
    worker.submit(ShowRequest(1, Source.from_path(Path("broken.png"))))
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "failed"})
    error = worker.ends[0].error
    assert (error.sentence, error.hint) == ("broken.png is no picture.", "Choose another file.")
    assert "Traceback" in error.details
    worker.submit(ShowRequest(2, A))
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "failed", 2: "done"})


def test_an_engine_that_cannot_be_built_fails_each_request_with_the_reason(qtbot):
    def build():
        raise ImportError("No module named 'torch'")

    worker = Worker(build)
    ends = []
    worker.ended.connect(ends.append)
    worker.start()
    for ticket in (1, 2):
        worker.submit(ShowRequest(ticket, A))
        qtbot.waitUntil(lambda ticket=ticket: len(ends) == ticket)
    assert [end.outcome for end in ends] == ["failed", "failed"]
    assert "torch" in ends[1].error.sentence
    assert worker.close()


def test_progress_comes_at_most_twenty_times_a_second(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(worker.stages) > 0)
    qtbot.wait(500)
    count = len(worker.stages)
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "done"})
    assert 3 <= count <= 13
    assert worker.stages[-1] == (1, 1.0, "Network")


def test_closing_amid_work_ends_the_thread_and_the_engine(qtbot, engine):
    worker = Worker(lambda: engine)
    worker.start()
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    assert worker.close(timeout=5)
    assert engine.closed
    assert not any(thread.name == "sss-worker" for thread in threading.enumerate())


def test_partial_answers_come_first(qtbot, worker):
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(worker.ends) == 1)
    assert [type(result) for result in worker.results] == [ShowResult, ShowResult]
    assert [result.complete for result in worker.results] == [False, True]
    assert set(worker.results[0].pictures) == {"input"}


def test_every_export_is_done(qtbot, worker, engine, tmp_path):
    engine.gate.clear()
    for ticket, name in enumerate(("a.png", "b.png", "c.png"), 1):
        source = Source.from_path(Path(name))
        worker.submit(ExportRequest(ticket, ShowRequest(0, source), tmp_path, ExportParams()))
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "done", 2: "done", 3: "done"})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-input.png", "b-input.png", "c-input.png"]


def test_a_change_that_needs_the_same_features_lets_them_be_finished(qtbot, worker, engine):
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    worker.submit(ShowRequest(2, A, projection=ProjectionParams(seed=5)))
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker) == {1: "done", 2: "done"})
    engine.gate.clear()
    worker.submit(ShowRequest(3, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 3)
    worker.submit(ShowRequest(4, A, fresh=True))
    qtbot.waitUntil(lambda: outcomes(worker).get(3) == "cancelled")
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker).get(4) == "done")


def test_once_the_features_are_there_the_newer_request_comes_first(qtbot, worker, engine):
    engine.features_known.set()
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: len(engine.asked) == 1)
    worker.submit(ShowRequest(2, A, projection=ProjectionParams(seed=5)))
    qtbot.waitUntil(lambda: outcomes(worker).get(1) == "cancelled")
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker).get(2) == "done")


def test_work_whose_features_were_there_long_ago_gives_way_at_once(qtbot, worker, engine):
    """As when a slider is taken again while the exact picture is under way: it delivers nothing before its end."""
    engine.features_known.set()
    engine.gate.clear()
    worker.submit(ShowRequest(1, A))
    qtbot.waitUntil(lambda: any(result.features for result in worker.results))
    engine.features_known.clear()
    worker.submit(PreviewRequest(2, ShowRequest(2, A)))
    qtbot.waitUntil(lambda: outcomes(worker).get(1) == "cancelled")
    engine.gate.set()
    qtbot.waitUntil(lambda: outcomes(worker).get(2) == "done")


class Parts(FakeEngine):
    """Fits a basis in three parts, each of which waits for its turn."""

    def __init__(self):
        super().__init__()
        self.turns = threading.Semaphore(0)
        self.log = []

    def save_basis(self, message, progress, deliver):
        for part in range(3):
            self.turns.acquire(timeout=10)
            progress.report(part / 3, "Part")
            self.log.append(part)
            self.give_way()
        return BasisResult(message.ticket, message.path)

    def show(self, message, progress, deliver):
        self.log.append(message.source.name)
        return super().show(message, progress, deliver)


class TestGivingWay:
    @pytest.fixture
    def engine(self):
        return Parts()

    @pytest.fixture
    def begun(self, qtbot, worker, engine):
        worker.submit(BasisRequest(1, ShowRequest(1, A), Path("basis.json")))
        qtbot.waitUntil(lambda: len(engine.asked) == 1)
        yield worker
        engine.turns.release(9)

    def test_what_is_more_urgent_comes_between_two_parts(self, qtbot, begun, engine):
        begun.submit(ShowRequest(2, B))
        begun.submit(ExportRequest(3, ShowRequest(3, A), Path("/nowhere"), ExportParams()))
        engine.turns.release()
        qtbot.waitUntil(lambda: outcomes(begun) == {2: "done"})
        engine.turns.release(2)
        qtbot.waitUntil(lambda: len(begun.ends) == 3)
        assert engine.log == [0, "b.png", 1, 2]
        assert [end.ticket for end in begun.ends] == [2, 1, 3], "what is less urgent waits for the end"

    def test_a_newer_one_cancels_what_came_between_and_not_the_job(self, qtbot, begun, engine):
        engine.gate.clear()
        begun.submit(ShowRequest(2, B))
        engine.turns.release()
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        begun.submit(ShowRequest(3, A))
        qtbot.waitUntil(lambda: outcomes(begun) == {2: "cancelled"})
        engine.gate.set()
        engine.turns.release(2)
        qtbot.waitUntil(lambda: outcomes(begun) == {1: "done", 2: "cancelled", 3: "done"})

    def test_the_job_alone_can_be_stopped_meanwhile(self, qtbot, begun, engine):
        engine.gate.clear()
        begun.submit(ShowRequest(2, B))
        engine.turns.release()
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        begun.cancel(Queue.BASIS)
        engine.gate.set()
        engine.turns.release(2)
        qtbot.waitUntil(lambda: outcomes(begun) == {1: "cancelled", 2: "done"})

    def test_closing_ends_both(self, qtbot, begun, engine):
        engine.gate.clear()
        begun.submit(ShowRequest(2, B))
        engine.turns.release(9)
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        assert begun.close()
        assert engine.log == [0, "b.png"]
