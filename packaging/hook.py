"""Run a tool of the project's own environment, for the hooks before a commit: hook.py TOOL [ARGUMENT ...]"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environment


def main() -> int:
    tool, *arguments = sys.argv[1:]
    if not environment.python().exists():
        sys.exit("The project's environment is missing; python3 packaging/test.py makes it.")
    return subprocess.run([str(environment.python().with_name(tool)), *arguments], cwd=environment.ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
