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
    14  mattes: hovering, a click, its edges, beside OpenCV's GrabCut
    15  sss-extract on eight photographs of 12 megapixels: seconds each, memory

`--plot` measures time and memory against the picture's size, 0.1 to 24 megapixels, the literal way beside ours.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import json
import os
import platform
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmark_rows import Line

ALL = "1,2,3,4,5,6,7,9,10,11,13,14,15"


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed and memory, and print them as a table.")
    parser.add_argument("--rows", help=f"comma-separated; default {ALL} (8 and 12 take minutes)")
    parser.add_argument("--quick", action="store_true", help="small pictures, once: to see that it works")
    parser.add_argument("--threads", type=int, default=min(2, os.cpu_count() or 1), help="processor cores; default 2")
    parser.add_argument("--json", type=Path, help="write the results there")
    parser.add_argument("--plot", type=Path, help="write a plot of time and memory against size there")
    options = parser.parse_args(argv)
    options.rows = [int(n) for n in (options.rows or ("" if options.plot else ALL)).split(",") if n]
    return options


def run(options: argparse.Namespace) -> int:
    import torch
    from benchmark_rows import ROWS, size_curves

    torch.set_num_threads(options.threads)
    if unknown := [number for number in options.rows if number not in ROWS]:
        print(f"There is no row {unknown[0]}; there are {', '.join(map(str, ROWS))}.", file=sys.stderr)
        return 2
    machine = describe_machine(options.threads)
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    lines: list[tuple[int, Line]] = []
    failed = False
    for number in options.rows:
        print(f"row {number} ...", file=sys.stderr, flush=True)
        try:
            lines += [(number, line) for line in ROWS[number](options.quick)]
        except Exception as error:  # the other rows still tell something
            print(f"row {number} failed: {error}", file=sys.stderr, flush=True)
            failed = True
    print(table(lines))
    points = size_curves(options.quick) if options.plot else []
    if options.plot:
        draw(points, machine, options.plot)
    if options.json:
        rows = [{"row": number, **dataclasses.asdict(line)} for number, line in lines]
        text = json.dumps({"machine": machine, "rows": rows, "curves": points}, indent=1)
        options.json.write_text(text + "\n", encoding="utf-8")
    return 1 if failed else 0


def describe_machine(threads: int) -> dict[str, str]:
    """What is measured on."""
    import numpy as np
    import torch

    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").is_file() else ""
    names = [line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name")]
    return {
        "date": date.today().isoformat(),
        "processor": names[0] if names else platform.processor() or platform.machine(),
        "cores": f"{threads} of {os.cpu_count()}",
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def table(lines: list[tuple[int, Line]]) -> str:
    cells = [("#", "what", "ours", "against", "theirs", "ratio", "reach", "")]
    cells += [(str(number), *line.cells()) for number, line in lines]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells
    )


def draw(points: list[dict[str, Any]], machine: dict[str, str], path: Path) -> None:
    """Two panels, time and memory against megapixels, on logarithmic axes."""
    import matplotlib
    import psutil

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    far = f"literal forward, as far as {psutil.virtual_memory().total / 1e9:.0f} GB go"
    for axis, name, unit, scale in ((axes[0], "seconds", "s", 1.0), (axes[1], "bytes", "GB", 1e-9)):
        for way, style, label in (("literal", "o--", far), ("ours", "o-", "this program")):
            curve = [(point["megapixels"], point[name] * scale) for point in points if point["way"] == way]
            axis.plot(*zip(*curve, strict=True), style, label=label)
        axis.set(xscale="log", yscale="log", xlabel="megapixels", ylabel=unit)
        for scale_axis in (axis.xaxis, axis.yaxis):
            scale_axis.set_major_formatter("{x:g}")
        axis.grid(alpha=0.3, which="both")
        axis.legend()
    axes[0].set_title("time of one extraction, shipped model")
    axes[1].set_title("memory above model, picture and features")
    where = "{processor}, {cores} cores, torch {torch}, {date}".format(**machine)
    figure.suptitle(where, fontsize=9)
    figure.savefig(path, dpi=120)


def main() -> int:
    options = parse(sys.argv[1:])
    if importlib.util.find_spec("torch") is None:
        import environment

        return subprocess.run([str(environment.ensure("test")), __file__, *sys.argv[1:]]).returncode
    root = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(root), str(root / "tests/model")]  # the literal segmentation is the tests'
    os.environ.setdefault("OMP_NUM_THREADS", str(options.threads))
    return run(options)


if __name__ == "__main__":
    sys.exit(main())
