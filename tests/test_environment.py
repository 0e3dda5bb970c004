"""The environment of a bare machine: what counts as installed, and what is made again."""

from __future__ import annotations

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
