"""The sss-extract call that writes the files which the window's export writes."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from sss_gui.state.session import State
from sss_model.commands.options import words
from sss_model.params import ExportParams


def command_line(state: State, folder: Path, params: ExportParams) -> str:
    """The call, quoted for this system's shell, that runs in any: it names the Python that has the program."""
    source = state.source
    if source is None:
        return ""
    parts = [sys.executable, "-m", "sss_model.commands.extract", str(source.path)]
    if source.image is not None:
        parts += ["--image", str(source.image)]
    if source.layout is not None:
        parts += ["--layout", source.layout]
    parts += ["-o", str(folder)]
    if state.model is not None:
        parts += ["--model", str(state.model)]
    if state.basis is not None:
        parts += ["--basis", str(state.basis)]
    for record in (state.filter, state.projection, state.extract, params):
        parts += words(record)
    return subprocess.list2cmdline(parts) if sys.platform == "win32" else shlex.join(parts)
