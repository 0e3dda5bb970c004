"""Which files changed, and which tests belong to them: what `test.py --quick` looks at. Standard library only."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

TEST_FOLDERS = {"sss_model": "tests/model", "sss_gui": "tests/gui"}


def changed_files(root: Path, base: str = "HEAD") -> list[str]:
    """Files below `root` that differ from the commit `base` and are still there, untracked ones too, relative to it.

    Raises
    ------
    RuntimeError : there is no git, no repository or no such commit; the message is git's own
    """
    changed = _git(root, "diff", "--name-only", "--diff-filter=d", "--relative", base, "--")
    untracked = _git(root, "ls-files", "--others", "--exclude-standard")
    return sorted({*changed, *untracked})


def find_tests(root: Path, file: str) -> list[str]:
    """The test files of `file`, both relative to `root`; none where it has none of its own.

    >>> find_tests(root, "sss_model/filtering/box_sums.py")
    ['tests/model/filtering/test_box_sums.py']

    A module without a test file takes those of its folder; one at the top of its package takes none, which would be
    the whole package's. A test is its own test, and a page belongs to the test that reads the pages.
    """
    path = PurePosixPath(file)
    if path.parts[0] == "tests":
        return [file] if path.name.startswith("test_") and path.suffix == ".py" else []
    if path.suffix == ".md":
        return _those_there(root, ["tests/test_readme.py"])
    if file == "pyproject.toml":
        return _those_there(root, ["tests/test_boundaries.py", "tests/test_version.py"])
    if path.suffix != ".py":
        return []
    if path.parts[0] == "packaging":
        return _those_there(root, [f"tests/test_{path.stem}.py"])
    if path.parts[0] not in TEST_FOLDERS:
        return []
    inner = path.parts[1:-1]
    folder = "/".join([TEST_FOLDERS[path.parts[0]], *inner])
    own = _those_there(root, [f"{folder}/test_{path.stem}.py"])
    if own or not inner:
        return own
    return sorted(test.relative_to(root).as_posix() for test in (root / folder).glob("test_*.py"))


def find_all_tests(root: Path, files: Iterable[str]) -> list[str]:
    """The test files of all `files`, each once."""
    return sorted({test for file in files for test in find_tests(root, file)})


def _those_there(root: Path, files: Iterable[str]) -> list[str]:
    return [file for file in files if (root / file).is_file()]


def _git(root: Path, *arguments: str) -> list[str]:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"git cannot be run: {error}") from error
    if done.returncode != 0:
        raise RuntimeError(done.stderr.strip())
    return done.stdout.splitlines()
