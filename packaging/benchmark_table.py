"""A benchmark's line, the table of them, the machine, and measurements in processes of their own."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch

CHILD = Path(__file__).resolve().parent / "benchmark_child.py"


@dataclass(frozen=True)
class Row:
    """A line of the table; `values` holds the same as numbers, for the JSON."""

    what: str
    ours: str
    peer: str = ""
    theirs: str = ""
    ratio: str = ""
    reach: str = ""
    met: str = ""
    values: dict[str, float] = field(default_factory=dict)


def machine(threads: int) -> dict[str, str]:
    """What was measured on."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        name = next(
            (line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), name
        )
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {
        "date": date.today().isoformat(),
        "processor": name,
        "cores": f"{threads} of {os.cpu_count()}",
        "gpu": gpu,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }


def verdict(met: bool) -> str:
    return "reached" if met else "missed"


def child(kind: str, *arguments: object, **environment: str) -> dict[str, Any]:
    """A measurement in a process of its own."""
    return run_script(CHILD, kind, *arguments, **environment)


def run_script(script: Path, *arguments: object, **environment: str) -> dict[str, Any]:
    """What a script of this folder prints as the JSON of its last line."""
    env = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads()), **environment}
    command = [sys.executable, str(script), *map(str, arguments)]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{script.name} {' '.join(command[2:])} failed ({done.returncode}):\n{done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def table(rows: list[dict[str, object]]) -> str:
    """The rows as lines of text."""
    head = ("#", "what", "ours", "against", "theirs", "ratio", "reach", "")
    cells = [
        head,
        *(
            tuple(str(row[key]) for key in ("row", "what", "ours", "peer", "theirs", "ratio", "reach", "met"))
            for row in rows
        ),
    ]
    widths = [max(len(line[k]) for line in cells) for k in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * sum(widths, 2 * len(widths)), *lines[1:]])
