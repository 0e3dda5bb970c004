"""One worker, newest wins, cancelled is no error, clean shutdown."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from fakes import FakeEngine
from PySide6.QtWidgets import QApplication

from sss_gui.requests.channel import Channel, Rank
from sss_gui.requests.panes import (
    BasisRequest,
    BasisResult,
    ComputeFeatures,
    ExportRequest,
    PanesResult,
    Preview,
    ProbeRequest,
    RenderPanes,
    Source,
)
from sss_gui.requests.worker import Worker
from sss_model.params import ExportParams

A, B = Source.from_path(Path("a.png")), Source.from_path(Path("b.png"))


@pytest.fixture
def engine():
    return FakeEngine()


@pytest.fixture
def worker(qtbot, engine):
    worker = Worker(lambda: engine)
    worker.errors, worker.stopped = [], []
    worker.failed.connect(worker.errors.append)
    worker.cancelled.connect(worker.stopped.append)
    worker.start()
    yield worker
    engine.gate.set()
    assert worker.close(), "the worker's thread must end"


class Asker:
    """Asks by a channel of its own, and keeps what it hears: (number, result), (number, outcome)."""

    def __init__(self, worker, rank, **options):
        self.channel = Channel(worker, rank, **options)
        self.results, self.ends, self.count = [], [], 0

    def ask(self, request):
        self.count += 1
        number = self.count
        self.channel.ask(
            request,
            lambda result: self.results.append((number, result)),
            lambda ended: self.ends.append((number, ended.outcome)),
        )


def panes_of(worker, **options):
    return Asker(worker, Rank.PANES, stops_running=True, busy=True, **options)


def exports_of(worker):
    return Asker(worker, Rank.EXPORT, keeps_all=True, busy=True)


def show(source):
    return RenderPanes(ComputeFeatures(source))


def export(source, folder=Path("nowhere")):
    return ExportRequest(show(source), folder, ExportParams())


def begun(qtbot, engine, count=1):
    qtbot.waitUntil(lambda: len(engine.asked) == count)


def test_results_come_on_the_windows_thread_and_work_is_done_elsewhere(qtbot, worker, engine):
    seen, panes = [], Channel(worker, Rank.PANES)
    panes.ask(show(A), lambda _result: seen.append(threading.get_ident()))
    qtbot.waitUntil(lambda: not panes.pending)
    assert set(seen) == {threading.get_ident()}
    assert threading.get_ident() not in engine.threads
    assert len(engine.threads) == 1


def test_a_newer_request_stops_the_one_that_runs_and_nothing_more_is_heard_of_it(qtbot, worker, engine):
    panes = panes_of(worker)
    engine.gate.clear()
    panes.ask(show(A))
    begun(qtbot, engine)
    panes.ask(show(B))
    begun(qtbot, engine, 2)
    engine.gate.set()
    qtbot.waitUntil(lambda: not worker.busy and not panes.channel.pending)
    assert panes.ends == [(2, "done")]
    assert {number for number, _ in panes.results} == {2}


def test_a_result_that_is_on_its_way_when_a_newer_request_comes_is_dropped(qtbot, worker, engine):
    panes = panes_of(worker)
    panes.ask(show(A))
    while worker.busy:  # the window's thread takes nothing meanwhile
        time.sleep(0.001)
    panes.ask(show(B))
    qtbot.waitUntil(lambda: panes.ends == [(2, "done")])
    assert {result.source for _, result in panes.results} == {B}


def test_nothing_is_heard_of_what_was_dropped(qtbot, worker, engine):
    panes = panes_of(worker)
    panes.ask(show(A))
    while worker.busy:
        time.sleep(0.001)
    panes.channel.drop()
    assert not worker.activity.busy
    QApplication.processEvents()
    assert (panes.results, panes.ends) == ([], [])


def test_a_waiting_request_is_replaced_and_never_run(qtbot, worker, engine):
    exports, panes = exports_of(worker), panes_of(worker)
    engine.gate.clear()
    exports.ask(export(A))
    begun(qtbot, engine)
    for source in (A, B) * 5:
        panes.ask(show(source))
    exports.channel.cancel()
    engine.gate.set()
    qtbot.waitUntil(lambda: not panes.channel.pending)
    assert (exports.ends, panes.ends) == ([(1, "cancelled")], [(10, "done")])
    assert len(engine.asked) == 2
    assert worker.stopped == [Rank.EXPORT]


def test_what_may_finish_counts_although_a_newer_one_waits(qtbot, worker, engine):
    previews = Asker(worker, Rank.PREVIEW)
    engine.gate.clear()
    previews.ask(Preview(show(A)))
    begun(qtbot, engine)
    for _ in range(3):
        previews.ask(Preview(show(A)))
    engine.gate.set()
    qtbot.waitUntil(lambda: not previews.channel.pending)
    assert previews.ends == [(1, "done"), (4, "done")]
    assert [number for number, _ in previews.results] == [1, 4]


def test_ranks_are_served_in_their_order(qtbot, worker, engine, tmp_path):
    panes, probes, exports = panes_of(worker), Asker(worker, Rank.PROBE), exports_of(worker)
    engine.gate.clear()
    panes.ask(show(A))
    begun(qtbot, engine)
    exports.ask(export(A, tmp_path))
    probes.ask(ProbeRequest(A, (1, 1)))
    engine.gate.set()
    qtbot.waitUntil(lambda: exports.ends == [(1, "done")])
    assert [type(request) for request in engine.asked] == [RenderPanes, ProbeRequest, ExportRequest]


def test_cancel_stops_what_runs_and_what_waits_and_both_are_heard_of(qtbot, worker, engine):
    panes, exports = panes_of(worker), exports_of(worker)
    engine.gate.clear()
    exports.ask(export(A))
    begun(qtbot, engine)
    exports.ask(export(B))
    panes.ask(show(B))
    for asker in (exports, panes):
        asker.channel.cancel()
    qtbot.waitUntil(lambda: not worker.busy and not exports.channel.pending)
    assert exports.ends == [(2, "cancelled"), (1, "cancelled")]
    assert panes.ends == [(1, "cancelled")]
    assert not worker.activity.busy


def test_what_is_done_ahead_stops_for_whatever_else_is_asked(qtbot, worker, engine):
    ahead, probes = Asker(worker, Rank.PREFETCH), Asker(worker, Rank.PROBE)
    engine.gate.clear()
    ahead.ask(show(A))
    begun(qtbot, engine)
    probes.ask(ProbeRequest(A, (0, 0)))
    qtbot.waitUntil(lambda: ahead.ends == [(1, "cancelled")])
    engine.gate.set()
    qtbot.waitUntil(lambda: probes.ends == [(1, "done")])


def test_a_failure_is_told_in_words_and_the_worker_lives_on(qtbot, worker):
    panes, quiet = panes_of(worker), panes_of(worker, quiet=True)
    broken = show(Source.from_path(Path("broken.png")))
    panes.ask(broken)
    qtbot.waitUntil(lambda: panes.ends == [(1, "failed")])
    (error,) = worker.errors
    assert (error.sentence, error.hint) == ("broken.png is no picture.", "Choose another file.")
    assert "Traceback" in error.details
    quiet.ask(broken)
    panes.ask(show(A))
    qtbot.waitUntil(lambda: panes.ends[1:] == [(2, "done")])
    assert quiet.ends == [(1, "failed")]
    assert len(worker.errors) == 1, "who asked tells of it"


def test_an_engine_that_cannot_be_built_fails_each_request_with_the_reason(qtbot):
    def build():
        raise ImportError("No module named 'torch'")

    worker, errors = Worker(build), []
    worker.failed.connect(errors.append)
    worker.start()
    panes = panes_of(worker)
    for count in (1, 2):
        panes.ask(show(A))
        qtbot.waitUntil(lambda count=count: len(errors) == count)
    assert "torch" in errors[1].sentence
    assert worker.close()


def test_progress_comes_at_most_twenty_times_a_second(qtbot, worker, engine):
    stages, panes = [], panes_of(worker)
    worker.activity.progress_changed.connect(lambda fraction, stage, _left: stages.append((fraction, stage)))
    engine.gate.clear()
    panes.ask(show(A))
    qtbot.waitUntil(lambda: len(stages) > 0)
    qtbot.wait(500)
    count = len(stages)
    engine.gate.set()
    qtbot.waitUntil(lambda: panes.ends == [(1, "done")])
    assert 3 <= count <= 13
    assert stages[-1] == (1.0, "Guided filter")


def test_what_nobody_waits_for_tells_no_progress(qtbot, worker, engine):
    stages, ahead = [], Asker(worker, Rank.PREFETCH)
    worker.activity.progress_changed.connect(lambda *step: stages.append(step))
    ahead.ask(show(A))
    assert not worker.activity.busy
    qtbot.waitUntil(lambda: ahead.ends == [(1, "done")])
    assert not stages


def test_busy_is_told_once_for_all_that_is_asked_before_it_ends(qtbot, worker, engine, tmp_path):
    told, panes, exports = [], panes_of(worker), exports_of(worker)
    worker.activity.busy_changed.connect(told.append)
    exports.channel.ask(export(A, tmp_path), None, lambda _ended: panes.ask(show(A)))
    qtbot.waitUntil(lambda: panes.ends == [(1, "done")])
    assert told == [True, False]


def test_closing_amid_work_ends_the_thread_and_the_engine_and_nothing_is_heard(qtbot, engine):
    worker = Worker(lambda: engine)
    worker.start()
    panes = panes_of(worker)
    engine.gate.clear()
    panes.ask(show(A))
    begun(qtbot, engine)
    assert worker.close(timeout=5)
    panes.ask(show(B))
    qtbot.wait(20)
    assert (panes.results, panes.ends) == ([], [])
    assert engine.closed
    assert not any(thread.name == "sss-worker" for thread in threading.enumerate())


def test_partial_results_come_first(qtbot, worker):
    panes = panes_of(worker)
    panes.ask(show(A))
    qtbot.waitUntil(lambda: panes.ends == [(1, "done")])
    assert [type(result) for _, result in panes.results] == [PanesResult, PanesResult]
    assert [result.complete for _, result in panes.results] == [False, True]


def test_every_export_is_done(qtbot, worker, engine, tmp_path):
    exports = exports_of(worker)
    engine.gate.clear()
    for name in ("a.png", "b.png", "c.png"):
        exports.ask(export(Source.from_path(Path(name)), tmp_path))
    engine.gate.set()
    qtbot.waitUntil(lambda: exports.ends == [(1, "done"), (2, "done"), (3, "done")])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-input.png", "b-input.png", "c-input.png"]


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
        return BasisResult(message.path)

    def render_panes(self, message, progress, deliver):
        self.log.append(message.source.name)
        return super().render_panes(message, progress, deliver)


class TestGivingWay:
    @pytest.fixture
    def engine(self):
        return Parts()

    @pytest.fixture
    def panes(self, worker):
        return panes_of(worker)

    @pytest.fixture
    def basis(self, qtbot, worker, engine):
        basis = Asker(worker, Rank.BASIS, stops_running=True, busy=True)
        basis.ask(BasisRequest(show(A), Path("basis.json")))
        begun(qtbot, engine)
        yield basis
        engine.turns.release(9)

    def test_what_is_more_urgent_comes_between_two_parts(self, qtbot, worker, basis, panes, engine):
        exports = exports_of(worker)
        panes.ask(show(B))
        exports.ask(export(A, Path("/nowhere")))
        engine.turns.release()
        qtbot.waitUntil(lambda: panes.ends == [(1, "done")])
        engine.turns.release(2)
        qtbot.waitUntil(lambda: not worker.busy and bool(exports.ends))
        assert engine.log == [0, "b.png", 1, 2]
        assert type(engine.asked[-1]) is ExportRequest, "what is less urgent waits for the end"

    def test_a_newer_one_stops_what_came_between_and_not_the_job(self, qtbot, basis, panes, engine):
        engine.gate.clear()
        panes.ask(show(B))
        engine.turns.release()
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        panes.ask(show(A))
        qtbot.waitUntil(lambda: engine.log == [0, "b.png", "a.png"])
        engine.gate.set()
        engine.turns.release(2)
        qtbot.waitUntil(lambda: basis.ends == [(1, "done")])
        assert panes.ends == [(2, "done")]

    def test_the_job_alone_can_be_stopped_meanwhile(self, qtbot, basis, panes, engine):
        engine.gate.clear()
        panes.ask(show(B))
        engine.turns.release()
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        basis.channel.cancel()
        engine.gate.set()
        engine.turns.release(2)
        qtbot.waitUntil(lambda: basis.ends == [(1, "cancelled")])
        assert panes.ends == [(1, "done")]

    def test_closing_ends_both(self, qtbot, worker, basis, panes, engine):
        engine.gate.clear()
        panes.ask(show(B))
        engine.turns.release(9)
        qtbot.waitUntil(lambda: engine.log == [0, "b.png"])
        assert worker.close()
        assert engine.log == [0, "b.png"]
