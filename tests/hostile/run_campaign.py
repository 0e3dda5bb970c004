"""The whole campaign and its table: python tests/hostile/run_campaign.py [--trials N] [--seed S] [NAME ...]

NAME is a part of a row's name. Rows whose trials take seconds get a thirtieth of N. The seed is a new one each time,
and is printed. Exit code 1 where a trial was bad.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "model"), str(HERE.parent / "gui")]
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from campaign import new_seed, run_kind_apart, table  # noqa: E402

MODULES = sorted(path.stem for path in HERE.glob("test_hostile_*.py"))


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="run_campaign", description="Run the campaign of hostile input, and print its table."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows with this in their name; default: all")
    parser.add_argument("--trials", type=int, default=300, metavar="N", help="of each row; default 300")
    parser.add_argument("--seed", type=int, metavar="S", help="default: a new one; the same seed, the same trials")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    # a shell's background job ignores SIGINT, and so would the commands that are to be stopped by it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    seed = new_seed() if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    rows = []
    for module in map(importlib.import_module, MODULES):
        slow = getattr(module, "SLOW", False)
        trials = max(1, options.trials // 30) if slow else options.trials
        for kind in module.KINDS:
            if options.names and not any(name in kind.name for name in options.names):
                continue
            with TemporaryDirectory(prefix="hostile-") as folder:
                rows.append(run_kind_apart(kind, Path(folder), trials, seed=seed, limit=900 if slow else 120))
            print(table(rows[-1:]).splitlines()[1], flush=True)
    print(f"\nseed {seed}\n{table(rows)}")
    return 1 if any(row.bad for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
