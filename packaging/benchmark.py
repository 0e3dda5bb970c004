"""How fast and how large: python3 packaging/benchmark.py [--rows 1,2] [--quick] [--json FILE] [--plot FILE.png]

Measures this program beside the ways it replaces, on this machine, and prints a table. Every comparison alternates the
two, so that a busy machine slows both, and takes the best time of each. Rows:

    1  features with the paper's ResNet-101     6  similarity map of a pixel
    2  memory above model, image and features   7  start
    3  guided filter + PCA, exact               8  a picture of 100 megapixels (ten minutes)
    4  a slider's tick                          9  on a GPU
    5  the exact picture after it rests        10  training step;  11  the shipped model beside ResNet-101
                                               12  soft segments (minutes)
    13  photographs of 12 and 48 megapixels in the window: time, memory, sliders

`--plot` measures time and memory against the picture's size, 0.1 to 24 megapixels, the literal way beside ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

ALL = "1,2,3,4,5,6,7,9,10,11,13"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed and memory, and print them as a table.")
    parser.add_argument("--rows", default="", help=f"comma-separated; default {ALL} (8 and 12 take minutes)")
    parser.add_argument("--quick", action="store_true", help="small pictures, once: to see that it works")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor cores; default 2")
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--plot", type=Path, help="write a plot of time and memory against size there")
    options = parser.parse_args(argv)
    chosen = options.rows or ("" if options.plot else ALL)
    options.chosen = [int(number) for number in chosen.split(",") if number]
    return options


def run(options: argparse.Namespace) -> int:
    """Measure in the project's own environment."""
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    import benchmark_network as network
    import benchmark_plot
    import benchmark_segments as segments
    import benchmark_table
    import benchmark_window as window
    import torch

    measures = {
        1: network.features_row,
        2: network.memory_row,
        3: window.reduce_row,
        4: window.tick_row,
        5: window.rest_row,
        6: window.similarity_row,
        7: window.start_row,
        8: network.huge_row,
        9: network.gpu_row,
        10: network.training_row,
        11: network.shipped_row,
        12: segments.segments_row,
        13: window.photograph_row,
    }
    torch.set_num_threads(options.threads)
    machine = benchmark_table.machine(options.threads)
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    rows: list[dict[str, object]] = []
    failed = False
    for number in options.chosen:
        measure = measures.get(number)
        if measure is None:
            print(f"There is no row {number}; there are {', '.join(map(str, measures))}.", file=sys.stderr)
            return 2
        print(f"row {number} ...", file=sys.stderr, flush=True)
        try:
            found = measure(options.quick)
        except Exception as error:  # the other rows still tell something
            print(f"row {number} failed: {error}", file=sys.stderr, flush=True)
            failed = True
            continue
        rows += [{"row": number, **dataclasses.asdict(row)} for row in found]
    if rows:
        print(benchmark_table.table(rows))
    curves = benchmark_plot.measure(options.quick) if options.plot else []
    if options.plot:
        benchmark_plot.draw(curves, machine, options.plot)
        print(f"Plot: {options.plot}")
    if options.json:
        text = json.dumps({"machine": machine, "rows": rows, "curves": curves}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 1 if failed else 0


def main() -> int:
    options = parse(sys.argv[1:])
    try:
        import torch  # noqa: F401
    except ImportError:
        import environment

        python = environment.ensure("test")
        return subprocess.run([str(python), __file__, *sys.argv[1:]]).returncode
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
