"""Many pictures in one call: what their names mean, what their files are called, and one that fails alone.

A picture is written in steps, by a generator that pauses between them. While this thread computes, another reads the
next picture and a third writes the last one; what they do is what one thread would do, in the same order of pictures.
Where pictures are many and small, each thread takes one from its reading to its files: torch's operations, split over
threads, would wait for each other at the end of every one.
"""

from __future__ import annotations

import glob
import math
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sss_model import budget
from sss_model.commands.ending import DONE, exit_code, explain
from sss_model.counted import counted
from sss_model.errors import ParameterError, SSSError
from sss_model.files.inputs import FolderContents, look_into
from sss_model.files.names import stems_for
from sss_model.image_io import decoding_bytes
from sss_model.params import AUTOMATIC_SIDE, ExtractParams, grid_side
from sss_model.progress import Progress
from sss_model.storage.atomic_write import reason
from sss_model.storage.shipped_files import MODEL, resource
from sss_model.weights.header import channels_of

_SOON, _FIRST = 2.0, 0.05  # seconds and share of a picture before which no time left is told
_POLL_S = 0.1  # between two looks whether somebody wants to stop
Steps = Generator[None, None, tuple[list[Path], tuple[str, ...]]]
Write = Callable[[Path, str, Progress], Steps]


def find_inputs(names: Iterable[str], *, recursive: bool = False) -> list[Path]:
    """The files that `names` mean, each once: files as they are, folders as the photographs in them, patterns.

    Raises
    ------
    ParameterError : a name or pattern that matches nothing, or a folder that cannot be read
    """
    found: list[Path] = []
    for name in names:
        path = Path(name)
        said = ""
        if path.is_dir():
            contents = _in_folder(path, recursive)
            inside, said = contents.files, contents.sentence if contents.left_out else ""
        elif path.exists() or not glob.has_magic(name):
            inside = [path]  # one that is missing fails by itself, later
        else:
            inside = [Path(match) for match in sorted(glob.glob(name, recursive=True)) if Path(match).is_file()]
        if not inside:
            what = "No photograph is in the folder" if path.is_dir() else "Nothing matches"
            raise ParameterError(f"{what} {name}{': ' + said if said else '.'}")
        if said:
            print(f"{name}: {said}", file=sys.stderr)
        found += inside
    return list(dict.fromkeys(found))


def _in_folder(folder: Path, recursive: bool) -> FolderContents:
    try:
        return look_into(folder, recursive=recursive)
    except OSError as error:
        why, hint = reason(error)
        raise ParameterError(f"The folder {folder} cannot be read: {why}.", hint=hint) from error


@dataclass(frozen=True)
class Outcome:
    """What came of one picture.

    Attributes
    ----------
    written : whether files were; where not and it did not fail, all were there already and may stay
    notes : for the user
    failure : the sentence of what went wrong, or nothing
    code : the exit code that it makes
    """

    path: Path
    written: bool = False
    notes: tuple[str, ...] = ()
    failure: str = ""
    code: int = DONE


Engine = Callable[[Sequence[tuple[Path, str]], Any], Iterator[Outcome]]


def attempt(write: Write, path: Path, stem: str, progress: Progress) -> Outcome:
    """Let `write` write the files of one picture; whatever goes wrong, the others are not to suffer from it."""
    return _ended(_attempted(write, path, stem, progress))


Work = Generator[None, None, Outcome]


def _attempted(write: Write, path: Path, stem: str, progress: Progress) -> Work:
    try:
        files, notes = yield from write(path, stem, progress)
    except Exception as error:
        return Outcome(path, failure=explain(error) or f"{type(error).__name__}: {error}", code=exit_code(error))
    return Outcome(path, bool(files), notes)


def _advanced(work: Work) -> Outcome | None:
    """Take one step: the outcome, or None where more are left."""
    try:
        next(work)
    except StopIteration as end:
        outcome: Outcome = end.value
        return outcome
    return None


def _ended(work: Work) -> Outcome:
    while (outcome := _advanced(work)) is None:
        pass
    return outcome


def write_all(
    paths: Sequence[Path],
    write: Write,
    folder: Path,
    *,
    quiet: bool,
    shard: tuple[int, int] = (1, 1),
    engine: Engine | None = None,
    threads: int = 1,
) -> int:
    """Let `write` write the files of every picture at `paths`, and say what came of them.

    Parameters
    ----------
    write : takes a picture, the stem of its files and a `Progress`; returns the files written (none where all were
        there already and may stay) and notes for the user. A generator: it pauses once it has read the picture, and
        where only writing is left, for which torch is not needed
    folder : where they go, for the words
    quiet : no bars and no summary, failures only
    shard : (k, n) takes every n-th picture from the k-th on; files are called as in a run over all
    engine : who does it and yields the outcomes as they come; None does it here, in the order of `paths`
    threads : how many pictures may be computed here at once, each in one thread

    Returns
    -------
    the exit code: 0, or 1 where a picture failed, 2 where they were only missing; the others are written all the same
    """
    pairs = list(zip(paths, stems_for(paths), strict=True))[shard[0] - 1 :: shard[1]]
    if engine is None:
        many = min(threads, len(pairs))
        engine = partial(_side_by_side, write=write, threads=many) if many > 1 else partial(_overlapped, write=write)
    failed: list[Outcome] = []
    written = skipped = 0
    with bars(len(pairs), quiet=quiet) as shown:
        for outcome in engine(pairs, shown):
            if outcome.failure:
                failed.append(outcome)
            else:
                written += outcome.written
                skipped += not outcome.written
            for note in outcome.notes:
                print(f"{outcome.path.name}: {note}", file=sys.stderr)
            shown.end()
    if not quiet:
        there = f", {skipped} {'was' if skipped == 1 else 'were'} there already" if skipped else ""
        print(f"{written} of {counted(len(pairs), 'picture')} written into {folder}{there}.")
    for outcome in failed:
        said = outcome.failure if str(outcome.path) in outcome.failure else f"{outcome.path}: {outcome.failure}"
        print(f"failed: {said}", file=sys.stderr)
    return min((outcome.code for outcome in failed), default=DONE)


def threads_for(params: ExtractParams, model: Path | None, *, cell: int = 0) -> int:
    """How many pictures may be computed at once, each in one thread: as many as there is memory for.

    Where a GPU computes, every pixel is seen, or the model does not say how many its features are, one picture has it
    all.

    Parameters
    ----------
    model : a checkpoint; None for the shipped one
    cell : bytes that a cell of the working grid takes beside its features
    """
    import torch

    from sss_model.extractor import pick_device

    channels = channels_of(model or resource(MODEL))
    if channels is None or params.size == "native" or pick_device(params.device).type != "cpu":
        return 1
    side = grid_side(params.size, AUTOMATIC_SIDE)
    # of the features at the largest scale, on the grid and their sum
    each = (3 * 4 * channels * max(params.network_scales) ** 2 + cell) * side**2
    return max(1, min(torch.get_num_threads(), int(budget.free_memory() * budget.current.features_share / each)))


def _overlapped(pairs: Sequence[tuple[Path, str]], shown: Any, *, write: Write) -> Iterator[Outcome]:
    """The outcomes in order, each picture computed in this thread."""
    stopped, here = threading.Event(), threading.get_ident()

    def tell(fraction: float, stage: str) -> None:
        if threading.get_ident() == here:
            shown.within(fraction, stage)

    works = [_attempted(write, path, stem, Progress(tell, stopped.is_set)) for path, stem in pairs]
    last: Future[Outcome] | None = None
    ahead: Future[Outcome | None] | None = None
    with ThreadPoolExecutor(1, "reads") as reader, ThreadPoolExecutor(1, "writes") as writer:
        try:
            for number, (path, _) in enumerate(pairs):
                shown.begin(path.name)
                shown.within(0.0, "Reading")
                if ahead is None and last is not None:  # a large one has the memory for itself
                    yield _taken(last)
                    last = None
                outcome = _advanced(works[number]) if ahead is None else _taken(ahead)
                small = _is_small(path)
                more = small and number + 1 < len(pairs) and _is_small(pairs[number + 1][0])
                ahead = reader.submit(_advanced, works[number + 1]) if more else None
                outcome = outcome or _advanced(works[number])
                if last is not None:
                    yield _taken(last)
                    last = None
                if outcome is None and small:
                    last = writer.submit(_ended, works[number])
                else:
                    yield outcome or _ended(works[number])
            if last is not None:
                shown.within(1.0, "Writing")
                yield _taken(last)
        finally:
            stopped.set()


@dataclass
class _UnderWay:
    """A picture, how far it is in [0, 1], and what is done."""

    path: Path
    stem: str
    begun: float = 0.0
    state: tuple[float, str] = (0.0, "Waiting")


def _side_by_side(pairs: Sequence[tuple[Path, str]], shown: Any, *, write: Write, threads: int) -> Iterator[Outcome]:
    """The outcomes in order, of pictures each computed in one of `threads`; large ones alone, in this thread."""
    from sss_model.filtering.parallel import whole_tasks  # here, so that --help needs no torch
    from sss_model.inference.memory import freed_memory_kept

    stopped = threading.Event()

    def make(one: _UnderWay) -> Outcome:
        def tell(fraction: float, stage: str) -> None:
            one.state = fraction, stage

        one.begun = time.time()
        return attempt(write, one.path, one.stem, Progress(tell, stopped.is_set))

    def taken() -> Outcome:
        one, future = waiting.popleft()
        shown.begin(one.path.name, one.begun)
        outcome: Outcome = _taken(future, lambda: shown.within(*one.state))
        return outcome

    waiting: deque[tuple[_UnderWay, Future[Outcome]]] = deque()
    with (
        freed_memory_kept(),
        whole_tasks() as alone,
        ThreadPoolExecutor(threads, "pictures", initializer=alone) as pool,
    ):
        try:
            for one in (_UnderWay(path, stem) for path, stem in pairs):
                small = _is_small(one.path, threads)
                while len(waiting) > (threads if small else 0):
                    yield taken()
                if small:
                    waiting.append((one, pool.submit(make, one)))
                else:
                    shown.begin(one.path.name)
                    yield attempt(write, one.path, one.stem, Progress(shown.within))
            while waiting:
                yield taken()
        finally:
            stopped.set()
            pool.shutdown(cancel_futures=True)


def _is_small(path: Path, others: int = 2) -> bool:
    """Whether there is memory for the picture at `path` beside so many others."""
    try:
        return decoding_bytes(path) * others < budget.current.overlapped_share * budget.free_memory()
    except SSSError:  # features, or no picture at all
        return False


def _taken(future: Future[Any], meanwhile: Callable[[], object] = lambda: None) -> Any:
    """The result of `future`; waiting for it can be interrupted on every system. `meanwhile` is called now and then."""
    while wait([future], timeout=_POLL_S).not_done:
        meanwhile()
    return future.result()


class _Bars:
    """Two bars on a terminal: over the pictures, and within the one under way with its time, told and left."""

    def __init__(self, total: int) -> None:
        from tqdm import tqdm

        shape = "{desc:<28.28} {bar} {n:3.0f} %  {elapsed}{postfix}"
        self._over = tqdm(total=total, unit="picture", disable=None, position=0)
        self._in = tqdm(total=100, leave=False, disable=None, position=1, bar_format=shape)
        self._left = math.inf  # seconds, of the picture under way

    def begin(self, name: str, since: float = 0.0) -> None:
        self._over.set_description(name)
        self._left = math.inf
        self._in.reset()
        if since:
            self._in.start_t = since

    def within(self, fraction: float, stage: str) -> None:
        self._in.set_description(stage, refresh=False)
        elapsed = self._in.format_dict["elapsed"]
        if elapsed > _SOON and fraction > _FIRST:
            self._left = min(self._left, elapsed * (1 - fraction) / fraction)  # an estimate that only falls
            self._in.set_postfix_str(f"about {counted(math.ceil(self._left), 'second')} left", refresh=False)
        self._in.update(100 * fraction - self._in.n)
        self._over.refresh()

    def end(self) -> None:
        self._over.update()

    def __enter__(self) -> _Bars:
        return self

    def __exit__(self, *_error: object) -> None:
        self._in.close()
        self._over.close()


class _Silence:
    def begin(self, name: str, since: float = 0.0) -> None: ...
    def within(self, fraction: float, stage: str) -> None: ...
    def end(self) -> None: ...


def bars(total: int, *, quiet: bool) -> AbstractContextManager[Any]:
    """What shows a batch on a terminal; nothing where it is to be quiet."""
    return nullcontext(_Silence()) if quiet else _Bars(total)
