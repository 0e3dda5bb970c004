"""The window's journey without a display, in this process and on a fake engine."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from sss_gui import headless as headless_module
from sss_gui.app import parse
from sss_gui.headless import SCREENSHOT, run_headless
from sss_gui.program import Program
from sss_model.image_io import write_picture


@pytest.fixture
def headless(qapp, monkeypatch, engine):
    """`run_headless` on a fake engine, leaving the looks of the other tests alone."""
    monkeypatch.setattr(headless_module, "Program", partial(Program, engine=lambda: engine))
    monkeypatch.setattr(headless_module, "Theme", lambda *_: None)
    return partial(run_headless, size=(800, 600), say=lambda _words: None)


def test_a_folder_is_every_picture_in_it(headless, tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("p10.png", "p2.png"):
        write_picture(pictures / name, np.zeros((6, 8, 3), np.uint8))
    (pictures / "notes.txt").write_text("no picture")
    assert headless([pictures], tmp_path / "out") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"p2-input.png", "p10-input.png", SCREENSHOT}


def test_a_folder_without_pictures_is_said(headless, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert headless([tmp_path / "empty"], tmp_path / "out") == 1
    assert "There is no picture in" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", ["100", "100xtall", "0x10", "1x2x3"])
def test_a_size_that_is_none_is_explained(size, capsys):
    with pytest.raises(SystemExit):
        parse(["--size", size])
    assert "argument --size: expected WxH, such as 1600x1000" in capsys.readouterr().err


def test_a_size_is_width_by_height():
    assert parse(["--size", "800X600"]).size == (800, 600)


def test_qt_does_not_chatter(headless, tmp_path, capsys):
    write_picture(tmp_path / "p.png", np.zeros((6, 8, 3), np.uint8))
    assert headless([tmp_path / "p.png"], tmp_path / "out") == 0
    assert "propagateSizeHints" not in capsys.readouterr().err
    headless_module.print_but_chatter(None, None, "This plugin does not support propagateSizeHints()")
    headless_module.print_but_chatter(None, None, "QPainter::begin: failed")
    assert capsys.readouterr().err == "QPainter::begin: failed\n"


def test_help_ends_with_examples(capsys):
    with pytest.raises(SystemExit):
        parse(["--help"])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("  sss-gui") for line in lines[lines.index("Examples:") + 2 :])
