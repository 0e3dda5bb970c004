"""Trials of hostile input, a row a kind, and their table: tried, worked, refused with a sentence, bad.

A row is a `Kind`: a name, a seeded generator of trials, and what one trial does. To add one, append it to the list of
a module `test_hostile_<subject>.py` beside this file. Bad is whatever is neither a result that is right nor an
`SSSError` with whole sentences, and a temporary file that stays. `test_campaign.py` holds the campaign to noticing it.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
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


def new_seed() -> int:
    """A seed that no run had before; the table says it, so that each trial can be had again."""
    return secrets.randbelow(2**31)


def run_kind(kind: Kind, folder: Path, trials: int, *, seed: int = 0, start: int = 0) -> Row:
    """Run the trials `start` to `trials` of `kind`; trial i is made by the generator of the seed (seed, i), so that
    each can be run alone."""
    row = Row(kind.name)
    for trial in range(start, trials):
        try:
            kind.attempt(np.random.default_rng((seed, trial)), folder)
            said, fault = "", ""
        except SSSError as error:
            said, fault = str(error), _fault(str(error))
        except Exception as error:  # the point of a trial
            said, fault = "", f"{type(error).__name__}: {error}"
        fault = fault or leftovers(folder)
        if fault:
            row.bad.append(f"({seed}, {trial}): {fault}")
        elif said:
            row.refused += 1
        else:
            row.worked += 1
    return row


def _fault(said: str) -> str:
    """What is wrong with an error's text: it is to be whole sentences, and no library's."""
    whole = said.endswith((".", "!")) and not any(word in said for word in LIBRARY_WORDS)
    return "" if whole else f"no sentence: {said}"


def leftovers(folder: Path) -> str:
    """What of temporary files, of any suffix, is left in `folder`, which goes with the question."""
    left = sorted(path for path in folder.rglob("*") if path.name.startswith(".") or ".part" in path.name)
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
        path.unlink(missing_ok=True)
    return f"left behind: {', '.join(path.name for path in left)}" if left else ""


def run_kind_apart(kind: Kind, folder: Path, trials: int, *, seed: int = 0, limit: float = 120.0) -> Row:
    """As `run_kind`, in forked processes, without what libraries print.

    A trial in which a process crashes, or that does not end in `limit` seconds, is bad, and the next ones go on.
    """
    context, whole, start = multiprocessing.get_context("fork"), Row(kind.name), 0
    while start < trials:
        ours, theirs = context.Pipe(duplex=False)

        def work(start: int, theirs: Connection) -> None:
            for number in (1, 2):
                os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            torch.set_num_threads(1)  # its other threads are not in the fork: an operation split among them never ends
            for trial in range(start, trials):
                theirs.send(trial)
                theirs.send(run_kind(kind, folder, trial + 1, seed=seed, start=trial))

        child = context.Process(target=work, args=(start, theirs))
        child.start()
        theirs.close()
        start = _followed(child, ours, whole, start, trials, seed, limit)
    return whole


def _followed(
    child: BaseProcess, ours: Connection, whole: Row, start: int, trials: int, seed: int, limit: float
) -> int:
    """Add what the child sends to `whole`, until it ends or is late; the number of the next trial."""
    under_way = start
    try:
        while under_way < trials:
            if not ours.poll(limit):
                whole.bad.append(f"({seed}, {under_way}): no end within {limit:g} s")
                child.kill()
                break
            came = ours.recv()
            if isinstance(came, Row):
                whole.worked, whole.refused = whole.worked + came.worked, whole.refused + came.refused
                whole.bad += came.bad
                under_way += 1
        child.join(limit)
    except EOFError:
        child.join()
        whole.bad.append(f"({seed}, {under_way}): the process ended with {child.exitcode}")
    finally:
        ours.close()
        if child.is_alive():
            child.kill()
    return min(under_way + 1, trials) if under_way < trials else trials


def check_kinds(
    kinds: Sequence[Kind], folder: Path, trials: int, *, seed: int, apart: bool = False, limit: float = 120.0
) -> list[Row]:
    """Run all `kinds`, print their table, and fail the test that calls this where a trial was bad."""
    if apart:
        rows = [run_kind_apart(kind, folder, trials, seed=seed, limit=limit) for kind in kinds]
    else:
        rows = [run_kind(kind, folder, trials, seed=seed) for kind in kinds]
    text = f"seed {seed}\n{table(rows)}"
    print(f"\n{text}")
    assert not any(row.bad for row in rows), text
    assert all(row.tried == trials for row in rows)
    return rows


def table(rows: list[Row]) -> str:
    """The rows as text, the bad ones listed below."""
    lines = [f"{'':24}{'tried':>8}{'worked':>8}{'refused':>9}{'bad':>6}"]
    lines += [f"{r.name:24}{r.tried:8}{r.worked:8}{r.refused:9}{len(r.bad):6}" for r in rows]
    return "\n".join([*lines, *(f"{r.name} {line}" for r in rows for line in r.bad)])
