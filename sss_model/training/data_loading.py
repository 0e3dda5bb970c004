"""The endless sequence of training images: a pure function of seed and place.

Draw number k is the same whatever came before, on any number of workers and processes: a resumed run goes on where it
stopped, and two processes with one image each see what one process sees that accumulates two.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from sss_model.datasets.border_sampling import draw_windows
from sss_model.datasets.dataset import Dataset, Example
from sss_model.datasets.pair_sampling import VOID, Regions, Samples, draw, find_regions
from sss_model.errors import DatasetError, DeviceError, SSSError
from sss_model.params import SamplingParams
from sss_model.training.augment import augment, to_array
from sss_model.training.copy_paste import paste_regions
from sss_model.training.params import TrainParams

_BLOCK = 4096
_PR_SET_PDEATHSIG = 1  # of prctl: the signal that a process gets when its parent ends
_TRIES = 20


@dataclass(frozen=True)
class Batch:
    """One image with its sampled pixels: the supplement's mini-batch.

    Attributes
    ----------
    number : of the draw
    name : of the data set and the picture
    image : (3, H, W) float32 RGB in [0, 1]
    points : (S, P, 2) int64, x then y, of S samplings of P pixels
    labels : (S, P) int64, -1 (`VOID`) without one
    parts : (S, P) int64; pixels of one label but of two parts are not compared
    windows : further samplings, each around one point of a border, of as many pixels as all others of them
    skipped : what was passed over on the way, with reasons
    """

    number: int
    name: str
    image: NDArray[np.float32]
    points: NDArray[np.int64]
    labels: NDArray[np.int64]
    parts: NDArray[np.int64]
    windows: Samples
    skipped: tuple[str, ...] = ()


class ImageOrder:
    """Which image comes when: data sets at random by weight, each one's images all once before any comes again."""

    def __init__(self, counts: Sequence[int], weights: Sequence[float], seed: int) -> None:
        total = sum(weights)
        if total <= 0:
            raise DatasetError("All data sets have weight 0; expected at least one above.")
        self._counts, self._seed = counts, seed
        self._shares = np.array(weights) / total
        self._blocks: list[NDArray[np.int64]] = []
        self._drawn = np.zeros(len(counts), np.int64)
        self._rounds: dict[tuple[int, int], NDArray[np.int64]] = {}

    def __getitem__(self, number: int) -> tuple[int, int]:
        """(data set, image) of draw `number`."""
        while number >= len(self._blocks) * _BLOCK:
            self._blocks.append(self._next_block())
        source, rank = self._blocks[number // _BLOCK][number % _BLOCK]
        turn, place = divmod(int(rank), self._counts[source])
        key = (int(source), turn)
        if key not in self._rounds:
            self._rounds = {k: v for k, v in self._rounds.items() if k[0] != key[0] or k[1] >= turn - 1}
            rng = np.random.default_rng([self._seed, 1, *key])
            self._rounds[key] = rng.permutation(self._counts[source])
        return int(source), int(self._rounds[key][place])

    def _next_block(self) -> NDArray[np.int64]:
        rng = np.random.default_rng([self._seed, 0, len(self._blocks)])
        sources = rng.choice(len(self._counts), _BLOCK, p=self._shares)
        places = np.empty(_BLOCK, np.int64)
        for k in range(len(self._counts)):
            mine = np.flatnonzero(sources == k)
            places[mine] = self._drawn[k] + np.arange(len(mine))
            self._drawn[k] += len(mine)
        return np.stack([sources, places], 1)


def compared(example: Example, data: Dataset, contrast: str) -> tuple[Example, bool]:
    """`example` with the labels that training compares, and whether its regions part them.

    Two regions of one label are the same, as eq. (1) has it, unless they part it: then they are not compared. Things
    that are to be different, by `contrast` of `SamplingParams`, get a label each.
    """
    if data.kind == "class":
        return example, True
    if not data.knows_instances:
        return example, False
    known = example.labels != VOID
    if contrast == "instance" or (contrast == "unnamed" and data.marks_things):
        return replace(example, labels=np.where(known, example.regions, VOID)), False
    if data.marks_things:  # of a class that is not known
        return replace(example, labels=np.where(known, 1, VOID).astype(np.int32)), True
    return example, False


def regions_of(example: Example, data: Dataset, params: SamplingParams) -> Regions:
    """The regions of `example` that samplings draw from, the rest among them where `data` marks things."""
    void = "always" if data.marks_things and params.void == "needed" else params.void
    return find_regions(example.labels, example.regions, min_area=params.min_area, void=void)


class BatchDataset(TorchDataset[Batch]):
    """Item k is the batch of draw number k."""

    def __init__(self, datasets: Sequence[Dataset], params: TrainParams) -> None:
        self._datasets, self._params = datasets, params
        self._order = ImageOrder([len(d) for d in datasets], [d.weight for d in datasets], params.run.seed)

    def __getitem__(self, number: int) -> Batch:
        """The batch of draw `number`. A crop without two labels is drawn again, an image without them passed over."""
        source, index = self._order[number]
        data = self._datasets[source]
        rng = np.random.default_rng([self._params.run.seed, 2, number])
        skipped: list[str] = []
        for _ in range(_TRIES):
            batch = self._sample(data, index, number, rng, skipped)
            if batch is not None:
                return batch
            index = (index + 1) % len(data)
        raise DatasetError(f"{_TRIES} pictures of {data.name} on end cannot be trained on; the last: {skipped[-1]}")

    def _sample(
        self, data: Dataset, index: int, number: int, rng: np.random.Generator, skipped: list[str]
    ) -> Batch | None:
        params = self._params
        try:
            example = data.read(index, int(rng.integers(data.annotators(index))))
        except DatasetError as error:
            if params.run.on_bad == "refuse":
                raise DatasetError(str(error), hint="--on-bad skip leaves such pictures out.") from error
            skipped.append(f"{data.items[index].picture}: {error}")
            return None
        for _ in range(4):
            crop = self._paste(augment(example, params.augment, rng), data, index, rng)
            crop, parted = compared(crop, data, params.sampling.contrast)
            regions = regions_of(crop, data, params.sampling)
            if regions.distinct >= 2:
                samples = draw(regions, params.sampling, rng)
                windows = draw_windows(crop.labels, crop.regions, params.sampling, rng, void=VOID in regions.labels)
                if not parted:
                    samples, windows = (replace(drawn, parts=drawn.labels) for drawn in (samples, windows))
                image = to_array(crop.picture)
                return Batch(
                    number, example.name, image, samples.points, samples.labels, samples.parts, windows, tuple(skipped)
                )
        skipped.append(f"{data.items[index].picture}: has fewer than two labels to compare")
        return None

    def _paste(self, crop: Example, data: Dataset, own: int, rng: np.random.Generator) -> Example:
        """`crop` of picture `own`, perhaps with regions of another of its data set; an unreadable one gives none."""
        params = self._params
        if data.one_against_rest or params.augment.paste == 0 or rng.random() >= params.augment.paste:
            return crop
        index = int(rng.integers(len(data)))
        if index == own:
            return crop
        try:
            donor = augment(data.read(index, int(rng.integers(data.annotators(index)))), params.augment, rng)
        except DatasetError:
            return crop
        return paste_regions(
            crop, donor, rng, min_area=params.sampling.min_area, same_labels=not data.labels_per_picture
        )


class ErrorsAsValues(TorchDataset[Batch | SSSError]):
    """Batches, or the error that prevents one as a value: raised in a worker, it would bring two tracebacks."""

    def __init__(self, batches: BatchDataset) -> None:
        self._batches = batches

    def __getitem__(self, number: int) -> Batch | SSSError:
        try:
            return self._batches[number]
        except SSSError as error:
            return error.with_traceback(None)


@contextlib.contextmanager
def load_batches(batches: BatchDataset, sampler: ProcessSampler, workers: int) -> Iterator[Iterator[Batch]]:
    """The batches of the draws in `sampler`, read ahead by `workers` processes, which end with the block.

    Raises
    ------
    DatasetError : where it is the turn of a batch that cannot be made
    DeviceError : the system ended a worker
    """
    loader = iter(
        DataLoader(
            ErrorsAsValues(batches), batch_size=None, sampler=sampler, num_workers=workers, collate_fn=_as_is,  # type: ignore[arg-type]
            worker_init_fn=partial(_begin_worker, os.getpid()), prefetch_factor=4 if workers else None,
        )
    )  # fmt: skip
    try:
        yield map(_batch_or_raise, loader)
    except RuntimeError as error:
        if not str(error).startswith("DataLoader worker"):
            raise
        raise DeviceError(
            "The system ended a process that reads pictures, most likely because memory or /dev/shm ran out.",
            hint="Take fewer of them (--workers), or give them more memory.",
        ) from error
    finally:
        if workers:
            # else they live as long as the traceback of an error
            loader._shutdown_workers()  # type: ignore[attr-defined]  # noqa: SLF001


def _batch_or_raise(item: Batch | SSSError) -> Batch:
    if isinstance(item, SSSError):
        raise item
    return item


def _as_is(item: Batch | SSSError) -> Batch | SSSError:
    return item


class ProcessSampler(Sampler[int]):
    """Draw numbers of one process: `first` + `rank`, then every `world_size`-th, up to `last`."""

    def __init__(self, first: int, last: int, rank: int = 0, world_size: int = 1) -> None:
        self._range = range(first + rank, last, world_size)

    def __iter__(self) -> Iterator[int]:
        return iter(self._range)

    def __len__(self) -> int:
        return len(self._range)


def _begin_worker(parent: int, number: int) -> None:
    """Leave Ctrl-C to the main process, which saves and lets its workers go; end when it does, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    torch.set_num_threads(1)
    _end_with(parent)


def _end_with(parent: int) -> None:
    """Let this process end with its `parent`, which may be killed while this one waits for it to read a batch."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before
            os._exit(1)
    elif sys.platform != "win32":  # there the loader itself waits for its parent's handle
        threading.Thread(target=_wait_for_end, args=(parent,), daemon=True).start()


def _wait_for_end(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
