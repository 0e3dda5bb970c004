"""One batch on many machines: a part of it for each of many runs, or workers that Ray starts.

Every machine sees the pictures and the folder written into at the same paths. A worker has one network, on a GPU or on
a few cores, and writes its pictures' files itself, as one process would.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from sss_model.commands.backbone_options import add_backbone_options, backbone_model
from sss_model.commands.batch import Engine, Outcome, Steps, attempt, find_inputs, write_all
from sss_model.commands.ending import FAILED
from sss_model.commands.options import add_existing_options
from sss_model.errors import ParameterError, SSSError
from sss_model.files.export import prepare_folder
from sss_model.files.folder_lock import lock_folder
from sss_model.progress import Progress

_CORES = 2  # of a worker without a GPU
_TRIES = 3  # of a picture whose worker dies
_LOOK_S = 0.5  # between two looks at how far the workers are


class _Worker(Protocol):
    """What a command makes once, and writes every picture with."""

    def write(self, path: Path, stem: str, progress: Progress) -> Steps: ...


def add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Give `parser` what names the pictures of a batch, their model, where files go, and who does it."""
    add = parser.add_argument
    add("images", nargs="+", metavar="IMAGE", help="photograph, feature file, folder or pattern")
    add("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write into; made if missing")
    add("--model", type=Path, metavar="FILE", help="checkpoint for features; without it the shipped model")
    add("--recursive", action="store_true", help="folders with all folders below them")
    add("--quiet", action="store_true", help="no progress bars; errors only")
    add_backbone_options(parser)
    add_existing_options(parser)
    group = parser.add_argument_group("Many machines")
    group.add_argument(
        "--shard", metavar="K/N", type=_shard, default=(1, 1),
        help="of all pictures every N-th from the K-th on: one of N runs that may go on at once, into one folder",
    )  # fmt: skip
    group.add_argument(
        "--ray", metavar="ADDRESS",
        help="let workers of a Ray cluster do it: auto for the one that this machine belongs to, ray://HOST:10001 for "
        "another, local for one on this machine alone; needs pip install sss-features[ray]",
    )  # fmt: skip
    group.add_argument(
        "--ray-workers", metavar="N", type=int, default=0,
        help=f"at most so many; default 0: one a GPU, or where there is none one for every {_CORES} cores",
    )  # fmt: skip


def _shard(text: str) -> tuple[int, int]:
    """(K, N) of `K/N`."""
    first, _, last = text.partition("/")
    if not (first.isdecimal() and last.isdecimal()) or not 1 <= int(first) <= int(last):
        raise argparse.ArgumentTypeError(f"expected K/N with K from 1 to N, such as 3/16, got {text!r}")
    return int(first), int(last)


_shard.__name__ = "K/N"


def batch_paths(options: argparse.Namespace) -> list[Path]:
    """The pictures of the batch; `ParameterError` for names that mean none, and for two models."""
    if options.model and options.backbone:
        raise ParameterError("--model and --backbone are two models; name one.")
    return find_inputs(options.images, recursive=options.recursive)


@contextmanager
def open_batch(options: argparse.Namespace, program: str) -> Iterator[Path | None]:
    """The model's file, while the folder is made and kept to this run; runs over different shards may share it."""
    apart = "" if options.shard == (1, 1) else "-{}-of-{}".format(*options.shard)
    with lock_folder(prepare_folder(options.output), program, apart), backbone_model(options) as model:
        yield model or options.model


def run_batch(
    options: argparse.Namespace,
    paths: Sequence[Path],
    worker: _Worker,
    make: Callable[[], _Worker],
    *,
    threads: int = 1,
) -> int:
    """Let `worker` write the files of all pictures, so many at once, or Ray's workers, each of which `make` makes.

    Returns the exit code.
    """
    batch: dict[str, Any] = {"quiet": options.quiet, "shard": options.shard, "threads": threads}
    return write_all(paths, worker.write, options.output, engine=engine_of(options, make, options.output), **batch)


def check_alone(options: argparse.Namespace, option: str) -> None:
    """Raise `ParameterError` where several runs are to share what `option` sums up over all pictures in one."""
    if options.ray is not None or options.shard != (1, 1):
        raise ParameterError(f"{option} sums up over all pictures, which --shard and --ray divide; leave them out.")


def engine_of(options: argparse.Namespace, make: Callable[[], _Worker], folder: Path) -> Engine | None:
    """Who writes the pictures: Ray's workers, each with what `make` makes, where the options say so.

    Parameters
    ----------
    make : can be sent to another machine, and makes there what writes the files of a picture
    folder : what is written into

    Raises
    ------
    ParameterError : Ray is not installed, or options that do not go together
    """
    if options.ray is None:
        if options.ray_workers:
            raise ParameterError("--ray-workers belongs to --ray, which is missing.")
        return None
    if options.ray_workers < 0:
        raise ParameterError(f"--ray-workers must be 0 or more, got {options.ray_workers}.")
    if options.backbone:
        hint = "Make a model file with sss-convert, and name it with --model."
        raise ParameterError("--backbone makes a model that this machine alone has, not --ray's workers.", hint=hint)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray  # noqa: F401  # before any work
    except ImportError as error:
        hint = "pip install 'sss-features[ray]'"
        raise ParameterError("--ray needs the package ray, which is not installed.", hint=hint) from error
    return partial(_on_ray, make=make, folder=folder, address=options.ray, most=options.ray_workers)


class RayWorker:
    """What Ray starts in a process of its own: one network, and how far it is with its picture."""

    def __init__(self, make: Callable[[], _Worker], home: str, folder: Path) -> None:
        self._make, self._home, self._folder = make, home, folder
        self._worker: _Worker | None = None
        self._state = (0.0, "Starting")

    def write(self, path: Path, stem: str) -> Outcome:
        """Write the files of the picture at `path`."""
        return attempt(self._write, path, stem, Progress(self._keep))

    def state(self) -> tuple[float, str]:
        """How far the picture under way is, in [0, 1], and what is done."""
        return self._state

    def _write(self, path: Path, stem: str, progress: Progress) -> Steps:
        if self._worker is None:
            try:
                os.chdir(self._home)  # so that relative names mean what they mean where the command was called
            except OSError as error:
                raise SSSError(f"The machine {socket.gethostname()} has no folder {self._home}.") from error
            prepare_folder(self._folder)  # what workers left here that were killed goes
            self._worker = self._make()
        return (yield from self._worker.write(path, stem, progress))

    def _keep(self, fraction: float, stage: str) -> None:
        self._state = fraction, stage


@dataclass
class _Task:
    """A picture that waits or is under way."""

    path: Path
    stem: str
    tries: int = 0


def _on_ray(
    pairs: Sequence[tuple[Path, str]], shown: Any, *, make: Callable[[], _Worker], folder: Path, address: str, most: int
) -> Iterator[Outcome]:
    """The outcomes of all pictures as they come. A worker that dies costs its picture another try, with a new one."""
    import ray
    from ray.exceptions import RayActorError, RayError

    _connect(address)
    try:
        new = partial(_new_worker, make, folder)
        waiting = deque(_Task(path, stem) for path, stem in pairs)
        busy: dict[Any, tuple[Any, _Task]] = {}
        idle = [new() for _ in range(min(_room(most), len(pairs)))]
        while waiting or busy:
            while waiting and idle:
                worker, task = idle.pop(), waiting.popleft()
                task.tries += 1
                shown.begin(task.path.name)
                busy[worker.write.remote(task.path, task.stem)] = worker, task
            for done in ray.wait(list(busy), timeout=_LOOK_S)[0]:
                worker, task = busy.pop(done)
                try:
                    outcome: Outcome = ray.get(done)
                except RayActorError:
                    ray.kill(worker)
                    idle.append(new())
                    if task.tries < _TRIES:
                        waiting.append(task)
                    else:
                        said = f"The process that worked on it died {_TRIES} times, for want of memory perhaps."
                        yield Outcome(task.path, failure=said, code=FAILED)
                except RayError as error:
                    idle.append(worker)
                    yield Outcome(task.path, failure=f"Ray could not do it: {error}".splitlines()[0], code=FAILED)
                else:
                    idle.append(worker)
                    yield outcome
            _show(shown, [worker for worker, _ in busy.values()])
    finally:
        ray.shutdown()


def _connect(address: str) -> None:
    import ray

    own: dict[str, Any] = {"include_dashboard": False} if address == "local" else {}
    ours = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, **own)
    except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
        hint = "Start one with `ray start --head`, or take --ray local."
        raise ParameterError(f"There is no Ray cluster at {address}.", hint=hint) from error
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, ours)  # Ray's own would end the process as by an error


def _resources() -> dict[str, float]:
    """What the cluster has in all: CPU, GPU."""
    import ray

    found: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    return found


def _room(most: int) -> int:
    """How many workers the cluster has room for, at most `most` unless that is 0."""
    has = _resources()
    room = int(has.get("GPU", 0)) or max(1, int(has.get("CPU", 1)) // _CORES)
    return min(room, most) if most else room


def _new_worker(make: Callable[[], _Worker], folder: Path) -> Any:
    import ray

    has = _resources()
    needs = {"num_gpus": 1} if has.get("GPU") else {"num_cpus": min(_CORES, max(1, int(has.get("CPU", 1))))}
    actor: Any = ray.remote(RayWorker)
    both = actor.options(max_concurrency=2, **needs)  # the second thread tells how far the first is
    return both.remote(make, os.getcwd(), folder)


def _show(shown: Any, workers: Sequence[Any]) -> None:
    """The mean of how far the pictures under way are; a worker that does not answer says nothing."""
    import ray

    asked = [worker.state.remote() for worker in workers]
    answered = ray.wait(asked, num_returns=len(asked), timeout=_LOOK_S)[0] if asked else []
    states = []
    for answer in answered:
        try:
            states.append(ray.get(answer))
        except ray.exceptions.RayError:
            continue
    if states:
        shown.within(sum(fraction for fraction, _ in states) / len(states), states[0][1])
