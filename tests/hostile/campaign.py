"""Trials of hostile input, a row a kind, and their table: tried, worked, refused with a sentence, bad.

A row is a `Kind`: a name, a seeded generator of trials, and what one trial does. To add one, append it to the list of
a module `test_hostile_<subject>.py` beside this file. Bad is whatever is neither a result nor an `SSSError` with whole
sentences.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from sss_model.errors import SSSError

LIBRARY_WORDS = ("Traceback", " object at 0x", "<class ", "[Errno ", "cannot identify", "PytorchStreamReader")


@dataclass(frozen=True)
class Kind:
    """One row: `attempt(rng, folder)` makes a hostile input from `rng` in `folder`, uses it, and may raise."""

    name: str
    attempt: Callable[[np.random.Generator, Path], object]


@dataclass
class Row:
    """What came of the trials of one kind; `bad` has a line for each: seed and error."""

    name: str
    worked: int = 0
    refused: int = 0
    bad: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        return self.worked + self.refused + len(self.bad)


def run_kind(kind: Kind, folder: Path, trials: int, *, seed: int = 0) -> Row:
    """Run `trials` of `kind`; trial i is made by the generator of the seed (seed, i), so that each can be run alone."""
    row = Row(kind.name)
    for trial in range(trials):
        try:
            kind.attempt(np.random.default_rng((seed, trial)), folder)
            row.worked += 1
        except SSSError as error:
            said = str(error)
            if said.endswith((".", "!")) and not any(word in said for word in LIBRARY_WORDS):
                row.refused += 1
            else:
                row.bad.append(f"({seed}, {trial}): no sentence: {said}")
        except Exception as error:  # the point of a trial
            row.bad.append(f"({seed}, {trial}): {type(error).__name__}: {error}")
    return row


def run_kind_apart(kind: Kind, folder: Path, trials: int, *, seed: int = 0) -> Row:
    """As `run_kind`, in a forked process, whose crash in a library counts as bad instead of ending the campaign."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def work() -> None:
        torch.set_num_threads(1)  # its other threads are not in the fork: an operation split among them never ends
        theirs.send(run_kind(kind, folder, trials, seed=seed))

    child = context.Process(target=work)
    child.start()
    theirs.close()
    try:
        row: Row = ours.recv()
    except EOFError:
        row = Row(kind.name)
    child.join()
    if child.exitcode:
        row.bad.append(f"({seed}, ...): the process ended with {child.exitcode}")
    return row


def check_kinds(kinds: Sequence[Kind], folder: Path, trials: int, *, seed: int, apart: bool = False) -> list[Row]:
    """Run all `kinds`, print their table, and fail the test that calls this where a trial was bad."""
    rows = [(run_kind_apart if apart else run_kind)(kind, folder, trials, seed=seed) for kind in kinds]
    text = table(rows)
    print(f"\n{text}")
    assert not any(row.bad for row in rows), text
    assert all(row.tried == trials for row in rows)
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text, the bad ones listed below."""
    lines = [f"{'':24}{'tried':>8}{'worked':>8}{'refused':>9}{'bad':>6}"]
    lines += [f"{r.name:24}{r.tried:8}{r.worked:8}{r.refused:9}{len(r.bad):6}" for r in rows]
    return "\n".join([*lines, *(f"{r.name} {line}" for r in rows for line in r.bad)])
