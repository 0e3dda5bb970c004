"""A batch that several runs or Ray's workers share: the same files as one process writes, whatever dies."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from small_models import small_checkpoint

from sss_model.commands import extract, many_machines, segment
from sss_model.commands.many_machines import _shard, check_alone, engine_of
from sss_model.errors import ParameterError
from sss_model.files.export import ExportError
from sss_model.files.folder_lock import lock_folder
from sss_model.image_io import write_picture
from sss_model.weights.checkpoint import write_checkpoint


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Seven small pictures, two of them of one stem, and one that is none."""
    folder, random = tmp_path / "photos", np.random.default_rng(0)
    for name in ("a.png", "b.png", "c.png", "d.png", "e.png", "sub/a.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_picture(folder / name, random.integers(0, 255, (33, 40, 3), dtype=np.uint8))
    (folder / "f.png").write_text("no picture")
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "-1/3", "1/0", "1/2/3", ""])
def test_a_shard_that_is_none_is_said(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="expected K/N"):
        _shard(text)
    with pytest.raises(SystemExit):
        extract.main(["a.png", "-o", "out", f"--shard={text}"])
    assert "--shard" in capsys.readouterr().err


def test_shards_write_together_what_one_run_writes(tmp_path: Path, photos: Path) -> None:
    labels = np.zeros((33, 40), np.uint8)
    labels[:, 20:] = 1
    np.savez(tmp_path / "m.npz", labels=labels)
    call = [str(photos), "--recursive", "--method", "masks", "--masks", str(tmp_path / "m.npz"), "--quiet", "--overlay"]
    assert segment.main([*call, "-o", str(tmp_path / "whole")]) == 1, "f.png is none"
    for k in (3, 1, 2):
        assert segment.main([*call, "-o", str(tmp_path / "parts"), "--shard", f"{k}/3"]) == (k == 3)
    assert contents(tmp_path / "parts") == contents(tmp_path / "whole")
    assert len(contents(tmp_path / "whole")) == 6 * 4


def test_runs_over_other_shards_may_write_at_once(tmp_path: Path) -> None:
    with lock_folder(tmp_path, "sss-extract", "-1-of-2"), lock_folder(tmp_path, "sss-extract", "-2-of-2"):
        assert len(list(tmp_path.iterdir())) == 2
    assert list(tmp_path.iterdir()) == []


def test_options_that_do_not_go_together_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def options(**given: object) -> argparse.Namespace:
        return argparse.Namespace(**{"ray": "local", "ray_workers": 0, "backbone": "", **given})

    for given, said in (
        ({"ray": None, "ray_workers": 2}, "belongs to --ray"),
        ({"ray_workers": -1}, "0 or more"),
        ({"backbone": "resnet50"}, "this machine alone has"),
    ):
        with pytest.raises(ParameterError, match=said):
            engine_of(options(**given), dict, tmp_path)
    with pytest.raises(ParameterError, match="--classes sums up over all pictures"):
        check_alone(options(shard=(1, 2), ray=None), "--classes")
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ParameterError, match="not installed"):
        engine_of(options(), dict, tmp_path)
    assert engine_of(options(ray=None), dict, tmp_path) is None


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.filterwarnings("ignore")
def test_two_workers_of_which_one_is_killed_write_what_one_process_writes(
    tmp_path: Path, photos: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(many_machines, "_CORES", 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    write_checkpoint(tmp_path / "small.safetensors", small_checkpoint()[0])
    call = [str(photos), "--recursive", "--model", str(tmp_path / "small.safetensors"), "--device", "cpu"]
    one = [sys.executable, "-m", "sss_model.commands.extract", *call, "-o", str(tmp_path / "one"), "--quiet"]
    assert subprocess.run(one).returncode == 1, "f.png is none"  # in a process: with as many threads as a worker has
    killed: list[int] = []
    watcher = threading.Thread(target=kill_a_worker, args=(tmp_path / "two", killed), daemon=True)
    watcher.start()
    assert extract.main([*call, "-o", str(tmp_path / "two"), "--ray", "local", "--ray-workers", "2"]) == 1
    watcher.join(1)
    assert len(killed) == 1
    assert contents(tmp_path / "two") == contents(tmp_path / "one")
    said = capsys.readouterr()
    assert "6 of 7 pictures written" in said.out
    assert said.err.count("failed: ") == 1, said.err
    again = [*call, "-o", str(tmp_path / "two"), "--ray", "local", "--skip-existing"]
    (tmp_path / "two" / "c-pca.png").unlink()
    assert extract.main(again) == 1
    assert "1 of 7 pictures written" in capsys.readouterr().out
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert one.pop("c.json") != two.pop("c.json"), "which says how it was called"
    assert one == two


def kill_a_worker(folder: Path, killed: list[int]) -> None:
    """End the first of Ray's workers that writes into `folder`, once."""
    while not killed:
        time.sleep(0.02)
        if not any(path.name.endswith(".part") for path in folder.glob(".*")):
            continue
        for child in psutil.Process().children(recursive=True):
            if child.name().startswith("ray::RayWorker"):
                child.kill()
                killed.append(child.pid)
                return


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_is_not_there_is_said(tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    assert extract.main([str(photos), "-o", str(tmp_path / "out"), "--ray", "auto", "--quiet"]) == 2
    assert "There is no Ray cluster at auto" in capsys.readouterr().err


def test_two_runs_of_one_shard_do_not_write_at_once(tmp_path: Path) -> None:
    code = f"from sss_model.files import folder_lock as f\nwith f.lock_folder({str(tmp_path)!r}, 'x', '-1-of-2'): pass"
    with lock_folder(tmp_path, "sss-extract", "-1-of-2"):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ExportError.__name__ in done.stderr
