"""Code in a process of its own that meets a full disk: files end at so many bytes, with the system's own refusal."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LIMIT = """
import resource, signal, sys, os
sys.path[:0] = [os.path.join("tests", "model")]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def limit_files(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
"""


def run_with_limits(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code`, where `limit_files(bytes)` sets how long a file may grow; its output must not have a traceback."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    call = [sys.executable, "-c", _LIMIT + code, *arguments]
    return subprocess.run(call, cwd=ROOT, env=env, capture_output=True, text=True)
