"""The log is silent unless asked for, and names what was done."""

from __future__ import annotations

import argparse
import logging
import timeit
from collections.abc import Iterator
from pathlib import Path

import pytest

from sss_model.commands import convert, evaluate, extract, train
from sss_model.debug_log import add_debug_option, log_file, start_log, stop_log

log = logging.getLogger("sss_model.anywhere")


@pytest.fixture(autouse=True)
def silent_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("SSS_DEBUG", raising=False)
    yield
    stop_log()


def test_nothing_is_said_unless_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    start_log(False, tmp_path / "log")
    log.debug("words")
    assert capsys.readouterr().err == ""
    assert not (tmp_path / "log").exists()
    assert log_file() is None


@pytest.mark.parametrize(("debug", "variable", "said"), [(True, None, True), (False, "1", True), (False, "0", False)])
def test_the_option_or_the_variable_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], debug: bool, variable: str | None, said: bool
) -> None:
    if variable is not None:
        monkeypatch.setenv("SSS_DEBUG", variable)
    start_log(debug)
    log.debug("words")
    assert capsys.readouterr().err.endswith("sss_model.anywhere  words\n") == said


def test_asked_twice_it_says_once(capsys: pytest.CaptureFixture[str]) -> None:
    start_log(True)
    start_log(True)
    log.debug("words")
    assert capsys.readouterr().err.count("words") == 1


def test_the_file_has_it_too_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "new" / "sss.log"
    start_log(True, path)
    log.debug("ein Wörtchen")
    assert log_file() == path
    stop_log()
    assert path.read_text(encoding="utf-8").endswith("ein Wörtchen\n")
    assert log_file() is None


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    start_log(True, tmp_path / "file" / "log")
    assert log_file() is None
    assert "no log file" in capsys.readouterr().err


def test_a_silent_call_costs_under_two_microseconds() -> None:
    start_log(False)
    runs = 10_000
    assert min(timeit.repeat(lambda: log.debug("%d", 1), number=runs, repeat=3)) / runs < 2e-6


@pytest.mark.parametrize("command", [extract, train, evaluate, convert])
def test_every_command_has_the_option(command) -> None:
    assert "--debug" in command.build_parser().format_help()


def test_the_option_is_off_by_default() -> None:
    parser = argparse.ArgumentParser()
    add_debug_option(parser)
    assert parser.parse_args([]).debug is False
