"""Two runs into one folder: the second is told, and a killed run locks nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sss_model.files.export import ExportError
from sss_model.files.folder_lock import LOCK, lock_folder

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys
from sss_model.files.folder_lock import lock_folder
with lock_folder(sys.argv[1], "sss-extract"):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path` until its input ends."""
    call = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(call, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == "locked\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_told_who_writes(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    with pytest.raises(ExportError, match=rf"sss-extract \(process {owner.pid}\) is writing into"), \
            lock_folder(tmp_path, "sss-extract"):  # fmt: skip
        pass
    owner.communicate("")
    assert not (tmp_path / LOCK).exists()
    with lock_folder(tmp_path, "sss-extract"):
        assert (tmp_path / LOCK).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_locks_nothing(tmp_path: Path, owner: subprocess.Popen[str]) -> None:
    owner.kill()
    owner.wait()
    assert (tmp_path / LOCK).exists()
    with lock_folder(tmp_path, "sss-train"):
        pass
    assert not (tmp_path / LOCK).exists()


def test_every_command_that_writes_a_folder_looks(
    tmp_path: Path, owner: subprocess.Popen[str], capsys: pytest.CaptureFixture[str]
) -> None:
    from made_sets import folder_set, small_params

    from sss_model.commands import extract, segment, train
    from sss_model.training.config import write_config

    data = folder_set(tmp_path.parent / f"{tmp_path.name}-set", 4)
    config = data.with_suffix(".yaml")
    config.write_text(write_config(small_params()), encoding="utf-8")
    picture, out = str(next((data / "images").iterdir())), str(tmp_path)
    assert extract.main([picture, "-o", out]) == 1
    assert segment.main([picture, "-o", out]) == 1
    assert train.main(["--config", str(config), "--data", str(data), "--output", out, "--threads", "1"]) != 0
    assert capsys.readouterr().err.count(f"(process {owner.pid}) is writing into {out}.") == 3
    assert [path.name for path in tmp_path.iterdir()] == [LOCK]
