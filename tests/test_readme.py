"""What the pages name is there: commands are understood as they stand, files exist."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from sss_gui.app import parse as gui
from sss_model.commands.convert import build_parser as convert
from sss_model.commands.evaluate import build_parser as evaluate
from sss_model.commands.extract import build_parser as extract
from sss_model.commands.segment import build_parser as segment
from sss_model.commands.train import build_parser as train

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / name for name in ("README.md", "packaging/CONTRIBUTING.md", "sss_model/README.md", "sss_gui/README.md")]
PARSERS = {"sss-gui": gui, **{f"sss-{name}": build().parse_args for name, build in (
    ("extract", extract), ("segment", segment), ("train", train), ("eval", evaluate),
    ("convert", convert))}}  # fmt: skip
TEXTS = {page.relative_to(ROOT).as_posix(): page.read_text(encoding="utf-8") for page in PAGES}
LINES = sorted({line.strip().split("#")[0] for text in TEXTS.values() for line in text.splitlines()
                if re.match(r"    (sss-|python3 |\.venv/)", line)})  # fmt: skip
ENDINGS = ("py", "md", "toml", "txt", "jpg", "png", "safetensors", "yaml")


def named_files(text: str) -> set[str]:
    """Paths in backquotes, links, and commands: what ends like a file of this repository, or in a slash."""
    quoted = re.findall(r"`(\w[\w./-]*|\.[\w./-]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    quoted = [word for word in quoted if word.endswith("/") or ("." in word and word.rpartition(".")[2] in ENDINGS)]
    links = [link for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    return {*quoted, *links}


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_the_pages(line: str) -> None:
    command, *words = shlex.split(line)
    if command in PARSERS:
        PARSERS[command](words)
        return
    files = [word for word in words if word.endswith(".py")]
    assert files
    assert all((ROOT / file).is_file() for file in files)


def test_every_command_is_named() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {*scripts["scripts"], *scripts["gui-scripts"]} == set(PARSERS)
    assert all(name in TEXTS["README.md"] for name in PARSERS)


@pytest.mark.parametrize("page", TEXTS)
def test_every_file_that_is_named_is_there(page: str) -> None:
    files = named_files(TEXTS[page])
    assert len(files) > 5
    folders = (ROOT, (ROOT / page).parent)
    missing = {file for file in files if not any((folder / file).exists() for folder in folders)}
    assert not missing


@pytest.mark.parametrize("package", ["sss_model", "sss_gui"])
def test_every_folder_is_in_its_packages_listing(package: str) -> None:
    listing = TEXTS[f"{package}/README.md"].partition("## The listing")[2]
    parts = {entry.name + "/" for entry in (ROOT / package).iterdir() if (entry / "__init__.py").is_file()}
    parts |= {entry.name for entry in (ROOT / package).glob("*.py") if entry.name != "__init__.py"}
    assert parts <= set(re.findall(r"`([\w./]+)`", listing))
