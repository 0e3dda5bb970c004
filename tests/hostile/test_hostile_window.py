"""The window under random actions with pictures that are damaged, change and go: no fault of the program, no end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from fakes import FakeEngine
from hostile_values import damaged
from picture_files import noise, saved
from PySide6.QtCore import QMimeData, QUrl
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from test_monkey import Monkey

from sss_gui.program import Program
from sss_gui.requests.error_text import ErrorText
from sss_gui.widgets.carried import carried
from sss_gui.window.settings import Settings

ACTIONS = 60
FAULT = "Something went wrong in the program"  # the title of what is no `SSSError`


def wait_until(true: Callable[[], bool], timeout: int = 20_000) -> None:
    end = time.monotonic() + timeout / 1000
    while not true():
        assert time.monotonic() < end, "no end of what is under way"
        QTest.qWait(2)


BOT = SimpleNamespace(mouseMove=QTest.mouseMove, mouseClick=QTest.mouseClick, keyClick=QTest.keyClick,
                      wait=QTest.qWait, waitUntil=wait_until)  # fmt: skip


class Vandal(Monkey):
    """A monkey that damages, removes and replaces files too, and drops things."""

    def __init__(self, program: Program, folder: Path, rng: np.random.Generator) -> None:
        super().__init__(BOT, program, folder, int(rng.integers(0, 2**31)))
        self.rng = rng

    def act(self) -> None:
        self.random.choice([super().act, super().act, super().act, self.spoil, self.drop])()

    def spoil(self) -> None:
        path = self.random.choice(self.files)
        match self.random.randrange(4):
            case 0:
                path.unlink(missing_ok=True)
            case 1 if path.exists():
                path.write_bytes(damaged(path.read_bytes(), self.rng))
            case 2:
                path.unlink(missing_ok=True)
                path.symlink_to(self.folder / "other.png")
            case _:
                path.unlink(missing_ok=True)
                saved(path, noise(self.random.randint(1, 40), self.random.randint(1, 40), 3))

    def drop(self) -> None:
        data = QMimeData()
        match self.random.randrange(4):
            case 0:
                data.setData("image/png", bytes(self.rng.integers(0, 256, 200, np.uint8)))
            case 1:
                data.setData("image/png", damaged((self.folder / "other.png").read_bytes(), self.rng))
            case 2:
                data.setUrls([QUrl(f"data:image/png;base64,{self.random.randrange(10**9)}")])
            case _:
                data.setUrls([QUrl("file:///nowhere/a%FFb.png"), QUrl("https://example.org/")])
        self.program.open_files.drop(carried(data))


def try_window(rng: np.random.Generator, folder: Path) -> None:
    application = QApplication.instance() or QApplication([])
    faults: list[str] = []
    before, sys.excepthook = sys.excepthook, lambda kind, error, _: faults.append(f"{kind.__name__}: {error}")

    def note(error: ErrorText) -> None:
        if error.title == FAULT:
            faults.append(error.sentence)

    program = Program(Settings(folder / "s.ini"), FakeEngine, data=folder / "data")
    program.worker.failed.connect(note)
    program.file_worker.failed.connect(note)
    (folder / "pictures" / "out").mkdir(parents=True, exist_ok=True)
    saved(folder / "pictures" / "other.png", noise(30, 20, 3))
    try:
        program.window.show()
        program.start(restore=bool(rng.random() < 0.5))
        vandal = Vandal(program, folder / "pictures", rng)
        for number in range(ACTIONS):
            vandal.act()
            if number % 5 == 0:
                QTest.qWait(1)
        program.session.cancel()
        wait_until(lambda: not (program.session.busy or program.worker.busy or program.file_worker.busy))
    finally:
        ended = program.close()
        program.window.close()
        program.window.deleteLater()
        application.processEvents()
        sys.excepthook = before
    assert ended, "a thread that does not end"
    assert not faults, faults


KINDS: list[Any] = [Kind("the window", try_window)]
SLOW = True  # seconds a trial: fewer of them


@pytest.mark.filterwarnings("ignore")
def test_some_windows(tmp_path: Path, qapp: QApplication) -> None:
    check_kinds(KINDS, tmp_path, 2, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_many_windows(tmp_path: Path, qapp: QApplication) -> None:
    check_kinds(KINDS, tmp_path, 40, seed=1)
