"""Set up what is missing, then check everything: python3 packaging/test.py [pytest options]

Lint, types, and the tests (slow ones too with -m ""; GPU ones where there is one).
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment

ROOT = environment.ROOT


def main() -> int:
    python = environment.ensure("test")
    environment.ensure_qt_libraries(window=False)
    checks = {
        "ruff check": ["-m", "ruff", "check", "."],
        "ruff format": ["-m", "ruff", "format", "--check", "."],
        "mypy": ["-m", "mypy"],
        "pytest": ["-m", "pytest", *(sys.argv[1:] or ["-m", "not slow"])],
    }
    env = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}
    failed = []
    for name, arguments in checks.items():
        print(f"== {name}", flush=True)
        if subprocess.run([str(python), *arguments], cwd=ROOT, env=env).returncode != 0:
            failed.append(name)
    if failed:
        print("Failed: " + ", ".join(failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
