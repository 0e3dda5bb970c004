"""What `test.py` checks, in which order, and what of it belongs to the files that changed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import environment
from changed_files import changed_files, find_all_tests, find_tests

ROOT = environment.ROOT
NO_TESTS = 5  # pytest's exit code where nothing was selected
CONTRACTS = ["-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"]
PYTEST = ["-m", "pytest", "-m", "not slow"]
AT_ONCE = ["-n", "auto", "--maxprocesses", "4", "--dist", "loadfile"]  # a process to a core, each of one thread


def full_checks(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Every check as arguments of Python, in the order to run them; `arguments` go to pytest, after its own."""
    return {
        "ruff check": ["-m", "ruff", "check", "."],
        "ruff format": ["-m", "ruff", "format", "--check", "."],
        "lint-imports": CONTRACTS,
        "vulture": ["-m", "vulture"],
        "mypy": ["-m", "mypy"],
        "pytest": [*PYTEST, *AT_ONCE, *arguments],
    }


def quick_checks(files: Sequence[str], arguments: Sequence[str]) -> dict[str, list[str]]:
    """The checks of `files` alone; says which of them have no test."""
    sources = [file for file in files if file.endswith(".py")]
    checks = {}
    if sources:
        checks["ruff check"] = ["-m", "ruff", "check", *sources]
        checks["ruff format"] = ["-m", "ruff", "format", "--check", *sources]
        checks["lint-imports"] = CONTRACTS
    if tests := find_all_tests(ROOT, files):
        checks["pytest"] = [*PYTEST, *arguments, *tests]
    without = [file for file in sources if not find_tests(ROOT, file)]
    if without:
        print(f"Without tests of their own: {', '.join(without)}", flush=True)
    return checks


def split_arguments(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The commit that --quick compares with (None without it), and what is left for pytest."""
    quick = [word for word in arguments if word == "--quick" or word.startswith("--quick=")]
    base = (quick[-1].partition("=")[2] or "HEAD") if quick else None
    return base, [word for word in arguments if word not in quick]


def run_checks(python: Path, checks: dict[str, list[str]], *, nothing_is_fine: bool = False) -> list[str]:
    """Run all of them, two at a time and the tests last; returns the names of those that failed.

    `nothing_is_fine` accepts a run without any test.
    """
    env = {**os.environ, "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen")}

    def run(name: str, output: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
        call = [str(python), *checks[name]]
        return subprocess.run(call, cwd=ROOT, env=env, stdout=output, stderr=output and subprocess.STDOUT, text=True)

    still, failed = [name for name in checks if name != "pytest"], []
    with ThreadPoolExecutor(2) as pool:
        for name, done in zip(still, pool.map(run, still), strict=True):
            print(f"== {name}\n{done.stdout}", end="", flush=True)
            if done.returncode != 0:
                failed.append(name)
    if "pytest" in checks:
        print("== pytest", flush=True)
        code = run("pytest", None).returncode
        if code != 0 and not (nothing_is_fine and code == NO_TESTS):
            failed.append("pytest")
    return failed


def main(words: Sequence[str]) -> int:
    """Set up what is missing and run what `words` ask for; returns the exit code."""
    base, arguments = split_arguments(words)
    environment.ensure_qt_libraries(window=False)  # before 3 GB are downloaded
    python = environment.ensure("test")
    if base is None:
        checks = full_checks(arguments)
    else:
        try:
            checks = quick_checks(changed_files(ROOT, base), arguments)
        except RuntimeError as error:
            sys.exit(f"--quick cannot tell what changed: {error}")
        if not checks:
            print(f"Nothing to check: no source, test or page differs from {base}.")
    failed = run_checks(python, checks, nothing_is_fine=base is not None)
    if failed:
        print("Failed: " + ", ".join(failed))
    return 1 if failed else 0
