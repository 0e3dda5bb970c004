"""Temporary files of killed runs go, and nobody else's."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sss_model.errors import SSSError
from sss_model.files.export import prepare_folder
from sss_model.storage.atomic_write import replacing
from sss_model.storage.scratch import own_name, remove_stale, scratch_file, scratch_folder

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def dead_name() -> str:
    """What a process that is no more called its own."""
    code = "from sss_model.storage.scratch import own_name; print(own_name())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_only_what_dead_processes_left_is_removed(tmp_path: Path, dead_name: str) -> None:
    stale = [f".{dead_name}.part.png", f".{dead_name}.part", f"sss-features-{dead_name}.raw"]
    elsewhere = dead_name.replace(dead_name[:6], "000000" if dead_name[:6] != "000000" else "111111", 1)
    kept = [
        f".{own_name()}.part.png",  # at work
        f".{elsewhere}.part.png",  # of another machine, where that number may be at work
        f"{dead_name}.part.png",
        f"my-{dead_name}.raw",
        f".{dead_name}.png",
        "photo.part.png",
        ".0123456789ab.part.pt",
    ]
    for name in (*stale, *kept):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / f"sss-backbone-{dead_name}").mkdir()
    (tmp_path / f"sss-backbone-{dead_name}" / "model.safetensors").write_bytes(b"")
    prepare_folder(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*kept}
    remove_stale(tmp_path / "missing")


def test_scratch_is_of_the_temporary_folder_and_clears_it(
    tmp_path: Path, dead_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stale = tmp_path / f"sss-features-{dead_name}.raw"
    stale.write_bytes(b"")
    with scratch_folder("convert") as folder:
        assert not stale.exists()
        (folder / "a").write_bytes(b"")
        stale.write_bytes(b"")
        descriptor, path = scratch_file("features", ".raw")
        with open(descriptor, "r+b") as file:
            file.write(b"abc")
        assert not stale.exists()
        assert path.read_bytes() == b"abc"
        path.unlink()
    assert list(tmp_path.iterdir()) == []


def test_a_half_written_file_says_whose_it_is(tmp_path: Path) -> None:
    with replacing(tmp_path / "a.txt", SSSError) as temporary:
        temporary.write_text("whole")
        remove_stale(tmp_path)
        assert temporary.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
