"""Work on tiles in a few threads, each running its torch operations alone.

A tile's work is a hundred short operations. Split over threads one operation at a time, as torch does it, every one of
them ends in a barrier, which costs little on an idle machine and a time slice on a busy one (measured: 30 times slower
with two busy neighbours). Whole tiles in threads meet no barrier, and each tile stays in the cache of one core.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

import torch

from sss_model.errors import Cancelled
from sss_model.progress import Progress, silent

Item = TypeVar("Item")
Result = TypeVar("Result")

_POLL_SECONDS = 0.02
_WORTH_A_BARRIER = 1 << 23  # values that an operation touches


class SharedProgress:
    """Counts steps done in any thread; reports them, and learns of cancelling, in the thread that made it.

    Parameters
    ----------
    progress : where to report
    steps : how many calls of `tick` make the whole
    stage : the stage's name; without one that of `progress`
    """

    def __init__(self, progress: Progress | None, steps: int, stage: str = "") -> None:
        self._progress, self._steps, self._stage = silent(progress), max(steps, 1), stage
        self._owner = threading.get_ident()
        self._lock = threading.Lock()
        self._done = 0
        self._stopped = False

    def tick(self) -> None:
        """One step is done. Raises `Cancelled` once the work was cancelled."""
        with self._lock:
            self._done += 1
        if threading.get_ident() == self._owner:
            self.report()
        elif self._stopped:
            raise Cancelled

    def report(self) -> None:
        """Report the steps done so far; in the owner's thread only."""
        try:
            self._progress.report(self._done / self._steps, self._stage)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Let every later `tick` in the other threads raise `Cancelled`."""
        self._stopped = True


@contextlib.contextmanager
def alone(values: int = 0) -> Iterator[None]:
    """Let this thread's torch operations, on so many `values` each, run without help where they are short.

    Splitting an operation of a millisecond saves half of that at best; the barrier at its end waits for whichever
    thread the system lets run last. Measured on two busy cores: 1.1 ms for the eigenvectors of 128 x 128 alone, 13 ms
    in two threads.
    """
    before = torch.get_num_threads()
    if values < _WORTH_A_BARRIER:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextlib.contextmanager
def whole_tasks() -> Iterator[Callable[[], None]]:
    """While each of a few threads has a task of its own: gives what a thread calls first, to compute without help."""
    import cv2

    before = torch.get_num_threads(), cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield lambda: torch.set_num_threads(1)
    finally:
        torch.set_num_threads(before[0])
        cv2.setNumThreads(before[1])


def in_threads(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    progress: Progress | SharedProgress | None = None,
    stage: str = "",
    *,
    threads: int | None = None,
) -> Iterator[Result]:
    """`work` of every item, in order, computed in `threads` threads (None: as many as torch uses here).

    Only a few results wait to be taken. Cancelling or closing stops the threads, and none is left when this ends.

    Parameters
    ----------
    progress : told after every item, and while waiting; a `SharedProgress` is one that `work` itself ticks
    """
    if isinstance(progress, SharedProgress):
        shared, ticked = progress, work
    else:
        shared = SharedProgress(progress, len(items), stage)

        def ticked(item: Item) -> Result:
            result = work(item)
            shared.tick()
            return result

    count = torch.get_num_threads() if threads is None else threads
    if count <= 1:
        yield from map(ticked, items)
        return
    with ThreadPoolExecutor(count, "tiles", initializer=torch.set_num_threads, initargs=(1,)) as pool:
        pending: deque[Future[Result]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(ticked, item))
                if len(pending) > count:
                    yield _result(pending.popleft(), shared)
            while pending:
                yield _result(pending.popleft(), shared)
        finally:
            shared.stop()
            for future in pending:
                future.cancel()
            # each thread's setting is its own, but threads made later take over the last one set anywhere
            torch.set_num_threads(torch.get_num_threads())


def _result(future: Future[Result], shared: SharedProgress) -> Result:
    while wait([future], timeout=_POLL_SECONDS).not_done:
        shared.report()
    result = future.result()
    shared.report()
    return result
