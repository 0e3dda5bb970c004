"""Ctrl-C and SIGTERM end the window and the journey without it, with shells' exit codes and no traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from fakes import FakeEngine

from sss_gui.program import Program
from sss_gui.requests.panes import Source
from sss_gui.window.settings import Settings
from sss_gui.window.stop_signals import SIGNALS, StopSignals
from sss_model.image_io import write_picture

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process there is not sent signals")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_comes_through_qts_loop_once_and_all_is_put_back(qtbot, number, code):
    before = [signal.getsignal(each) for each in SIGNALS]
    signals = StopSignals()
    try:
        with qtbot.waitSignal(signals.asked):
            os.kill(os.getpid(), number)
        assert signals.exit_code == code
        assert signal.getsignal(number) == signal.SIG_DFL, "another one ends the process"
    finally:
        signals.close()
    assert [signal.getsignal(each) for each in SIGNALS] == before


def started(tmp_path, *options):
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONUNBUFFERED": "1",
           "XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}  # fmt: skip
    write_picture(tmp_path / "a.png", np.zeros((16, 16, 3), np.uint8))
    call = [sys.executable, "-m", "sss_gui.app", "--debug", *options, str(tmp_path / "a.png")]
    process = subprocess.Popen(call, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    for line in process.stdout:
        said.append(line)
        if "ComputeFeatures" in line:
            return process, said
    raise AssertionError("".join(said))


@pytest.mark.parametrize(("number", "code", "headless"), [(signal.SIGINT, 130, False), (signal.SIGTERM, 143, True)])
def test_the_program_ends_cleanly(tmp_path, number, code, headless):
    options = ["--headless", str(tmp_path / "out")] if headless else []
    process, said = started(tmp_path, *options)
    process.send_signal(number)
    rest, _ = process.communicate(timeout=60)
    words = "".join(said) + rest
    assert process.returncode == code, words
    assert "Traceback" not in words
    assert ("Stopped." in rest) == headless
    assert not list((tmp_path / "data").rglob("running-*")), "it ended well: nothing is offered at the next start"


class Deaf(FakeEngine):
    """Computes without a look round, until it is let go."""

    def __init__(self):
        super().__init__()
        self.let_go = threading.Event()
        self.began = threading.Event()

    def compute_features(self, message, progress, deliver):
        self.began.set()
        self.let_go.wait(30)
        return super().compute_features(message, progress, deliver)


def test_closing_does_not_wait_for_what_cannot_be_stopped(qtbot, tmp_path):
    engine = Deaf()
    program = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path)
    qtbot.addWidget(program.window)
    program.start()
    program.pictures.set([Source.from_path(tmp_path / "a.png")])
    assert engine.began.wait(10)
    assert not program.close(0.05), "the thread is still at it, and the caller ends the process"
    assert not engine.let_go.is_set()
    engine.let_go.set()
    assert program.close(), "without a hurry it is waited for"
