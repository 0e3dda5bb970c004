"""Work in threads: order, errors, cancelling, nothing left behind."""

from __future__ import annotations

import threading
import time

import pytest
import torch

from sss_model.errors import Cancelled
from sss_model.filtering.parallel import SharedProgress, alone, in_threads
from sss_model.progress import Progress


def quiet(steps=1):
    return SharedProgress(None, steps, "test")


def worker_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("tiles")]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_results_come_in_order(threads):
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(in_threads(work, range(20), quiet(), threads=threads)) == [n * n for n in range(20)]
    assert not worker_threads()


def test_workers_run_torch_alone_and_others_keep_their_threads():
    before = torch.get_num_threads()
    assert set(in_threads(lambda _: torch.get_num_threads(), range(6), quiet(), threads=2)) == {1}
    assert torch.get_num_threads() == before
    later = []
    thread = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert later == [before]


def test_an_error_comes_out_and_stops_the_rest():
    done = []

    def work(number):
        if number == 3:
            raise ZeroDivisionError
        done.append(number)

    with pytest.raises(ZeroDivisionError):
        list(in_threads(work, range(1000), quiet(), threads=2))
    assert len(done) < 20
    assert not worker_threads()


def test_cancelling_is_heard_while_a_tile_is_worked_on():
    started = time.perf_counter()
    shared = SharedProgress(Progress(cancelled=lambda: time.perf_counter() - started > 0.05), 1000, "test")

    def work(_):
        for _step in range(1000):
            time.sleep(0.002)
            shared.tick()

    with pytest.raises(Cancelled):
        list(in_threads(work, range(4), shared, threads=2))
    assert time.perf_counter() - started < 1.5
    assert not worker_threads()


def test_leaving_early_stops_the_rest():
    results = in_threads(lambda n: n, range(1000), quiet(), threads=2)
    assert next(results) == 0
    results.close()
    assert not worker_threads()


def test_progress_is_told_in_the_callers_thread_only():
    told = []
    shared = SharedProgress(
        Progress(lambda fraction, _stage: told.append((fraction, threading.get_ident()))), 30, "test"
    )

    def work(_):
        for _step in range(3):
            time.sleep(0.003)
            shared.tick()

    list(in_threads(work, range(10), shared, threads=2))
    fractions = [fraction for fraction, _ in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1
    assert {ident for _, ident in told} == {threading.get_ident()}


def test_short_operations_run_alone_and_long_ones_do_not():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with alone():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
        with alone(1 << 30):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
