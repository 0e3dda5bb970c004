"""The environment of a bare machine: what counts as installed, and what is made again."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest


@pytest.fixture
def environment(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parent.parent / "packaging"))
    import environment

    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    return environment


def test_the_stamp_outlives_another_build_of_the_same_python(environment, monkeypatch):
    before = environment.fingerprint()
    monkeypatch.setattr(sys, "version", "3.11.2 (main, another day)")
    assert environment.fingerprint() == before


def test_a_half_made_environment_is_notusable(environment):
    python = environment.python()
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")
    python.chmod(0o755)
    assert not environment.usable()


def test_run_says_which_python_it_needs_in_words_that_old_ones_parse():
    """Nothing that Python 2.7 cannot parse: annotations, stars in lists, f-strings, later __future__ names."""
    source = (Path(__file__).resolve().parent.parent / "packaging" / "run.py").read_text()
    tree = ast.parse(source)
    for node in ast.walk(tree):
        assert not isinstance(node, (ast.JoinedStr, ast.AnnAssign, ast.ImportFrom, ast.NamedExpr)) or (
            isinstance(node, ast.ImportFrom) and node.module == "sss_gui.display"
        )
        if isinstance(node, ast.List):
            assert not any(isinstance(item, ast.Starred) for item in node.elts)
        if isinstance(node, ast.FunctionDef):
            assert node.returns is None
    check = next(n for n, node in enumerate(tree.body) if isinstance(node, ast.If))
    late = [
        n for n, node in enumerate(tree.body) if "environment" in ast.unparse(node) or "sss_gui" in ast.unparse(node)
    ]
    assert check < min(n for n in late if n > 0)
