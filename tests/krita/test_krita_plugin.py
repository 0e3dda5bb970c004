"""Krita's plug-in: it calls the command as it is, and in Krita layers come, errors are sentences, Cancel ends it."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sss_model.commands.segment import build_parser
from sss_model.params.layers import LayerExportParams

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "resources" / "krita"


@pytest.fixture(scope="module")
def command():
    spec = importlib.util.spec_from_file_location("sss_layers_command", PLUGIN / "sss_layers" / "command.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_the_plug_in_asks_is_a_call_of_the_command(command, tmp_path):
    options = build_parser().parse_args(command.arguments(str(tmp_path), 3, True))
    assert (options.layers, options.host, options.decontaminate) == (3, "krita", True)
    assert (options.images, options.output) == ([str(tmp_path / "picture.png")], tmp_path / "layers")
    assert "--decontaminate" not in command.arguments(str(tmp_path), 3, False)


def test_the_document_and_its_layers_are_found_by_the_record(command, tmp_path):
    with pytest.raises(ValueError, match="ended without layers"):
        command.result(str(tmp_path))
    (tmp_path / "layers").mkdir()
    form = LayerExportParams.for_host("krita").formats[0]
    record = {"files": [f"picture-layers.{form}"], "layers": [{"name": "sky"}, {"name": "sea"}]}
    (tmp_path / "layers" / "picture-layers.json").write_text(json.dumps(record))
    assert command.result(str(tmp_path)) == (str(tmp_path / "layers" / f"picture-layers.{form}"), ["sky", "sea"])


def test_the_reason_is_the_commands_sentence_about_the_picture(command):
    assert command.reason("\nsss-segment: There is not enough memory.\n") == "sss-segment: There is not enough memory."
    said = "a.py:3: Warning\nfailed: /tmp/x/picture.png: It is no picture.\n0 of 1 picture written into /tmp/x.\n"
    assert command.reason(said) == "It is no picture."
    assert command.reason("") == "sss-segment ended without a word."


def test_the_command_is_the_one_chosen_or_on_the_path(command, tmp_path, monkeypatch):
    program = tmp_path / "sss-segment"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    assert command.find_command(str(program)) == str(program)
    assert command.find_command(str(tmp_path / "gone")) == ""


def test_krita_finds_the_package_that_the_desktop_file_names():
    words = ConfigParser(strict=False)
    words.optionxform = str
    words.read(PLUGIN / "sss_layers.desktop")
    entry = words["Desktop Entry"]
    assert (entry["ServiceTypes"], entry["X-KDE-Library"]) == ("Krita/PythonPlugin", "sss_layers")
    assert (PLUGIN / "sss_layers" / entry["X-Krita-Manual"]).is_file()


SCRIPT = """
import json
from krita import Krita
from PyQt5.QtCore import QEventLoop, QTimer
from sss_layers.extension import Run

def go(args):
    picture, program, stop_after, result = args
    application = Krita.instance()
    application.setBatchmode(True)
    document = application.openDocument(picture)
    loop, said = QEventLoop(), []
    run = Run(document, lambda sentence: (said.append(sentence), loop.quit()))
    QTimer.singleShot(0, lambda: run.start(program, 2, False))
    if int(stop_after):
        QTimer.singleShot(int(stop_after), run.stop)
    loop.exec()
    document.waitForDone()
    top = document.topLevelNodes()
    layers = [(node.name(), node.type()) for node in top[-1].childNodes()]
    alphas = [list(bytes(node.pixelData(0, 0, document.width(), document.height()))[3::4])
              for node in top[-1].childNodes()]
    with open(result, "w") as file:
        json.dump({"said": said, "top": [node.name() for node in top], "layers": layers, "alphas": alphas}, file)
    document.setBatchmode(True)
    document.close()
"""


@pytest.fixture
def krita(tmp_path):
    """Runs the plug-in in Krita with a program in place of sss-segment; what came of it."""
    if shutil.which("kritarunner") is None:
        pytest.skip("kritarunner is not installed")
    y, x = np.mgrid[:64, :96]
    picture = np.dstack([np.where(x < 50, 220, 30), np.where(x < 50, 90, 160), 2 * y])
    picture = picture + np.random.default_rng(0).integers(0, 20, picture.shape)
    Image.fromarray(picture.astype(np.uint8)).save(tmp_path / "photo.png")
    (tmp_path / "home").mkdir()
    (tmp_path / "look.py").write_text(SCRIPT)
    without = {key: value for key, value in os.environ.items() if not key.startswith(("QT_", "PYTHON"))}
    paths = os.pathsep.join([str(tmp_path), str(PLUGIN)])

    def run(lines: str, stop_after: int = 0):
        program, result = tmp_path / "program", tmp_path / "result.json"
        program.write_text(f"#!/bin/sh\n{lines}\n")
        program.chmod(0o755)
        call = ["kritarunner", "-s", "look", "-f", "go", str(tmp_path / "photo.png"), str(program), str(stop_after)]
        done = subprocess.run(
            [*call, str(result)],
            env={**without, "HOME": str(tmp_path / "home"), "PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen"},
            capture_output=True, text=True, timeout=280, check=False,
        )  # fmt: skip
        assert result.is_file(), done.stdout + done.stderr
        return json.loads(result.read_text())

    return run


@pytest.mark.slow
def test_krita_gets_named_paint_layers_with_soft_alphas(krita):
    call = f'unset QT_QPA_PLATFORM; PYTHONPATH={ROOT} exec {sys.executable} -m sss_model.commands.segment "$@"'
    found = krita(call)
    assert found["said"] == [""]
    assert found["top"][-1] == "Soft layers"
    assert found["layers"] == [["layer-2", "paintlayer"], ["layer-1", "paintlayer"]], "the largest on top"
    sums = np.sum(np.array(found["alphas"], int), axis=0)
    np.testing.assert_allclose(sums, 255, atol=1)
    assert (np.array(found["alphas"][1]) > 127).sum() >= (np.array(found["alphas"][0]) > 127).sum()


@pytest.mark.slow
def test_in_krita_an_error_is_a_sentence_and_cancel_leaves_the_document(krita):
    failed = krita("echo 'sss-segment: The disk is full.' >&2; exit 1")
    assert failed["said"] == ["The picture could not be cut into layers.\n\nsss-segment: The disk is full."]
    stopped = krita("exec sleep 60", stop_after=700)
    assert stopped["said"] == [""]
    assert failed["top"] == stopped["top"]
    assert "Soft layers" not in stopped["top"]
