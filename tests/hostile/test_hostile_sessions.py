"""Windows that crash, one or several, with whatever lies in their folder: no session is lost, none is offered twice."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from PySide6.QtWidgets import QApplication, QWidget

from sss_gui.requests.panes import Source
from sss_gui.saved.session_file import SavedSession, write_session
from sss_gui.saved.session_store import SessionStore
from sss_gui.state.session import State

DEAD = 999_999_900  # no process has so high a number


def try_windows(rng: np.random.Generator, folder: Path) -> None:
    """One to four dead windows, damaged sessions, markers without a session, and a window that lives."""
    for old in folder.iterdir():
        old.unlink()
    kept = SimpleNamespace(application=QApplication.instance() or QApplication([]), restored=[])
    window = QWidget()
    store = SessionStore(folder, folder, SavedSession, kept.restored.append, window)
    whole: set[str] = set()
    for number in range(int(rng.integers(1, 5))):
        picture, path = folder / f"{number}.png", folder / f"running-{DEAD + number}.sss.json"
        picture.touch()
        source = Source.from_path(picture)
        write_session(path, SavedSession(State(source), (source,)))
        draw = rng.random()
        if draw < 0.2:
            path.write_bytes(path.read_bytes()[: int(rng.integers(0, 200))])
        elif draw < 0.4:
            (folder / f"opening-{DEAD + number}").write_bytes(os.fsencode(picture))
        else:
            whole.add(picture.name)
        os.utime(path, (number, int(rng.integers(0, 9))))
    (folder / f"opening-{DEAD + 50}").write_bytes(b"\xff\0")
    living = folder / f"running-{os.getppid()}.sss.json"
    living.write_text("a window that lives")
    for _ in range(9):
        left = store.left_behind()
        if left is None:
            break
        store.restore_left(left)
    assert {saved.state.source.path.name for saved in kept.restored} == whole, "lost"
    assert len(kept.restored) == len(whole), "offered twice"
    assert living.read_text() == "a window that lives"
    assert not list(folder.glob("opening-*")), "a marker that stays"
    window.deleteLater()


KINDS = [Kind("windows that crash", try_windows)]


def test_some_crashes(tmp_path: Path, qapp: QApplication) -> None:
    check_kinds(KINDS, tmp_path, 30, seed=0)


@pytest.mark.slow
def test_hundreds_of_crashes(tmp_path: Path, qapp: QApplication) -> None:
    check_kinds(KINDS, tmp_path, 500, seed=1)
