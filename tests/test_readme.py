"""The commands that the README shows are understood as they stand there."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sss_model.commands.evaluate import build_parser as evaluate
from sss_model.commands.extract import build_parser as extract
from sss_model.commands.train import build_parser as train

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
PARSERS = {"sss-extract": extract, "sss-train": train, "sss-eval": evaluate}
LINES = [line.strip().split("#")[0] for line in README.splitlines() if line.startswith("    sss-")]


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_readme(line: str) -> None:
    command, *words = shlex.split(line)
    PARSERS[command]().parse_args(words)


def test_every_command_is_shown() -> None:
    assert {line.split()[0] for line in LINES} == set(PARSERS)


def test_every_file_that_is_named_is_there() -> None:
    root = Path(__file__).parent.parent
    for name in (
        "resources/screenshot.jpg",
        "resources/sss_lite2.md",
        "sss_model/network/supplement.py",
        "sss_gui/worker/engine.py",
    ):
        assert Path(name).name in README
        assert (root / name).is_file()
