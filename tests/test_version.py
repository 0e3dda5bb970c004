"""The version stands in one place, `sss_model.__version__`; everything else takes it from there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import sss_model
from sss_gui.app import parse
from sss_model.commands import convert, evaluate, extract, train

ROOT = Path(__file__).parent.parent


def test_the_project_takes_its_version_from_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    source = project["tool"]["hatch"]["version"]["path"]
    assert (ROOT / source).resolve() == Path(sss_model.__file__).resolve()
    assert re.fullmatch(r"\d+\.\d+\.\d+", sss_model.__version__)


def test_the_newest_version_of_the_changelog_is_this_one() -> None:
    text = (ROOT / "packaging" / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d", heading) for heading in headings[1:]]
    assert all(versions)
    assert versions[0][1] == sss_model.__version__


@pytest.mark.parametrize(
    "parse_words", [parse, *(c.build_parser().parse_args for c in (extract, train, evaluate, convert))]
)
def test_every_command_says_it(parse_words, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_words(["--version"])
    assert sss_model.__version__ in capsys.readouterr().out
