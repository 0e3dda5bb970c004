"""The environment of a bare machine: what counts as installed, and what is made again."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGING = Path(__file__).resolve().parent.parent / "packaging"


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(PACKAGING))
    import environment

    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    return environment


def test_the_stamp_outlives_another_build_of_the_same_python(environment, monkeypatch):
    before = environment.fingerprint()
    monkeypatch.setattr(sys, "version", "3.11.2 (main, another day)")
    assert environment.fingerprint() == before


def test_a_half_made_environment_is_not_usable(environment):
    make_venv(environment.VENV, "3.12.1")
    python = environment.python()
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert not environment.usable()


def make_venv(folder: Path, version: str) -> None:
    folder.mkdir()
    (folder / "pyvenv.cfg").write_text(f"home = /usr/bin\nversion = {version}\n")


def test_the_version_of_the_environment_is_its_own(environment, monkeypatch):
    """Whichever Python starts it: an environment of another supported version is used as it is."""
    assert environment.venv_version() == (0, 0)
    make_venv(environment.VENV, "3.12.1")
    assert environment.venv_version() == (3, 12)
    before = environment.fingerprint()
    monkeypatch.setattr(sys, "version_info", (3, 13, 0))
    assert environment.fingerprint() == before
    python = environment.python()
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    (environment.VENV / ".installed").write_text(before)
    monkeypatch.setattr(environment.subprocess, "run", None)
    assert environment.ensure() == python


@pytest.mark.parametrize("version", ["3.10.9", "3.14.0", "2.7.18"])
def test_an_environment_of_a_python_that_is_not_supported_is_made_again(environment, version):
    make_venv(environment.VENV, version)
    python = environment.python()
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    assert not environment.usable()


def test_a_read_only_checkout_gets_its_hint(environment, monkeypatch):
    monkeypatch.setattr(environment.os, "access", lambda *_: False)
    with pytest.raises(SystemExit, match=r"Nothing can be written into .* Copy the checkout to a folder of your own"):
        environment.ensure()


def test_a_disk_without_room_is_told_before_the_download(environment, monkeypatch):
    make_venv(environment.VENV, "3.12.1")
    monkeypatch.setattr(environment, "usable", lambda: True)
    monkeypatch.setattr(environment.shutil, "disk_usage", lambda _: type("usage", (), {"free": 10**9}))
    with pytest.raises(SystemExit, match=r"needs about 6 GB in .*, and 1\.0 GB are free\."):
        environment.ensure()


def test_torch_and_torchvision_of_two_builds_are_told(environment, monkeypatch):
    make_venv(environment.VENV, "3.12.1")
    python = environment.python()
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\necho 'RuntimeError: operator torchvision::nms does not exist' >&2\n"
                      "case \"$2\" in *torchvision*) exit 1;; esac\n")  # fmt: skip
    python.chmod(0o755)
    monkeypatch.setattr(environment, "NEEDED", 0)
    with pytest.raises(SystemExit, match="torch and torchvision are of two builds that do not go together"):
        environment.ensure()
    assert not (environment.VENV / ".installed").exists()


def test_qt_is_looked_for_before_the_download(monkeypatch, environment):
    import checks

    asked: list[str] = []
    monkeypatch.setattr(checks.environment, "ensure_qt_libraries", lambda **_: asked.append("qt"))
    monkeypatch.setattr(checks.environment, "ensure", lambda _: asked.append("install") or Path("python"))
    monkeypatch.setattr(checks, "full_checks", lambda _: {})
    assert checks.main([]) == 0
    assert asked == ["qt", "install"]


OLD = ("run.py", "test.py", "python_version.py")


@pytest.mark.parametrize("name", OLD)
def test_what_starts_is_in_words_that_old_pythons_read(name):
    """Nothing that Python 2.7 cannot parse, and the check of the version before all that it could not."""
    tree = ast.parse((PACKAGING / name).read_text(), feature_version=(3, 4))
    later = (ast.JoinedStr, ast.AnnAssign, ast.NamedExpr, ast.AsyncFunctionDef, ast.Nonlocal)
    for node in ast.walk(tree):
        assert not isinstance(node, later)
        if isinstance(node, (ast.List, ast.Tuple)):
            assert not any(isinstance(item, ast.Starred) for item in node.elts)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
            assert not node.args.kwonlyargs
            assert not any(argument.annotation for argument in node.args.args)
    if name != "python_version.py":
        words = [ast.unparse(node) for node in tree.body]
        check = words.index("python_version.check()")
        safe = {"import os", "import subprocess", "import sys", "import python_version"}
        assert all(word in safe for word in words[:check] if "import" in word and not word.startswith("'"))


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.10"])
@pytest.mark.parametrize("name", ["run.py", "test.py"])
def test_an_old_python_gets_a_sentence(name, version):
    old = shutil.which(f"python{version}")
    found = old and subprocess.run([old, "--version"], capture_output=True).returncode == 0
    if not found:
        pytest.skip(f"there is no python{version}")
    done = subprocess.run([old, "-B", str(PACKAGING / name)], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Python 3.11 to 3.13 is needed; this is {version}.")
