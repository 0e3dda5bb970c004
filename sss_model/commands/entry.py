"""Where the installed commands start. Loading torch takes seconds: until then Ctrl-C ends without a traceback.

Each command is the module of `sss_model.commands` that its name says: `sss-train` is `train.main`.
"""

from __future__ import annotations

import importlib
import signal
import sys
from pathlib import Path

from sss_model.commands.ending import leaving_at_once
from sss_model.errors import is_out_of_memory

MODULES = {
    "sss-extract": "extract",
    "sss-segment": "segment",
    "sss-train": "train",
    "sss-eval": "evaluate",
    "sss-convert": "convert",
}


def main() -> int:
    """Run the command that the process was called by; returns its exit code."""
    name = Path(sys.argv[0]).stem
    if name not in MODULES:
        print(f"{name} is no command of this program; there are {', '.join(MODULES)}.", file=sys.stderr)
        return 2
    try:
        with leaving_at_once():
            command = importlib.import_module(f"sss_model.commands.{MODULES[name]}")
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        print(f"{name}: There is not enough memory to load the program. Close other programs.", file=sys.stderr)
        return 1
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    return int(command.main())
