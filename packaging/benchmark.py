"""Measure every speed that README quotes, each against a named alternative in the same run:

    python3 packaging/benchmark.py [--rows 1,3,5] [--json FILE] [--plot FILE.png] [--quick]

Sets up what is missing first. Ours and the alternative run in turn, several times, and the best of each counts, so
that what else the machine does weighs on both. Nothing here is part of the tests.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed and memory against named alternatives.")
    parser.add_argument("--rows", help="which rows, such as 1,3,5; without, all but 8 (100 Mpx, 13 GB of disk)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw time and memory against picture size there")
    parser.add_argument("--quick", action="store_true", help="small pictures and few repeats: does it run?")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 leaves it to torch")
    return parser.parse_args(argv)


def measure(options: argparse.Namespace) -> int:
    """Run the rows asked for, in the project's environment; prints the table as it grows."""
    import benchmark_rows as rows

    if options.threads:
        import torch

        torch.set_num_threads(options.threads)
    wanted = [int(part) for part in options.rows.split(",")] if options.rows else [n for n in rows.ROWS if n != 8]
    unknown = sorted(set(wanted) - set(rows.ROWS))
    if unknown:
        sys.exit(f"There is no row {unknown[0]}; there are {', '.join(map(str, rows.ROWS))}.")
    machine = rows.machine()
    print("  ".join(f"{key}: {value}" for key, value in machine.items()), flush=True)
    print("\n| # | what | ours | against | ratio | to reach |\n|---|---|---|---|---|---|", flush=True)
    results = []
    for number in wanted:
        try:
            found = rows.ROWS[number](options.quick)
        except ImportError as error:
            found = [rows.Row(number, f"not measured: {error}")]
        for row in found:
            print(row.line(), flush=True)
            results.append(row.to_dict())
    curve = rows.curve(options.quick) if options.plot else None
    if options.plot and curve is not None:
        rows.draw(curve, options.plot)
    if options.json:
        options.json.write_text(json.dumps({"machine": machine, "rows": results, "curve": curve}, indent=1))
    return 0


def main() -> int:
    options = parse(sys.argv[1:])
    if Path(sys.prefix).resolve() == environment.VENV.resolve():
        return measure(options)
    python = environment.ensure("benchmark")
    environment.ensure_qt_libraries(window=False)
    return subprocess.run([str(python), __file__, *sys.argv[1:]], env=dict(os.environ)).returncode


if __name__ == "__main__":
    sys.exit(main())
