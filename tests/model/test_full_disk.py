"""Disks that run full: the reason and the space needed, the old file intact, nothing half."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
from collections import namedtuple
from pathlib import Path

import pytest
from small_disk import run_with_limits

from sss_model.errors import CheckpointError, SSSError
from sss_model.files.export import prepare_folder
from sss_model.storage.atomic_write import reason, replacing, set_of_files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")

TRAIN = """
import json
from pathlib import Path
from made_sets import folder_set, small_params
from sss_model.commands import train
from sss_model.training.config import write_config
folder, what = Path(sys.argv[1]), sys.argv[2]
data, out = folder_set(folder / "set", 4), folder / "out"
(folder / "a.yaml").write_text(write_config(small_params(run={"iterations": 2, "save_every": 1, "workers": 0})))
words = ["--config", str(folder / "a.yaml"), "--data", str(data), "--output", str(out), "--threads", "1"]
words += ["--validate-every", "0", "--resume", "auto"]
assert train.main(words) == 0
whole = {path.name: path.read_bytes() for path in out.iterdir()}
limit_files(len(whole["log.jsonl"]) + 100 if what == "log" else 10_000)
code = train.main([*words, "--iterations", "4"])
for path in out.iterdir():
    assert not path.name.startswith("."), path
    if path.name == "log.jsonl":
        assert [json.loads(line) for line in path.read_text().splitlines()]
    elif code and path.name != "config.yaml":
        assert path.read_bytes() == whole[path.name], path
sys.exit(code)
"""


def test_a_run_that_cannot_be_saved_says_why_and_keeps_the_state_before(tmp_path: Path) -> None:
    done = run_with_limits(TRAIN, str(tmp_path), "state")
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"sss-train: {tmp_path}/out/last.state.pt could not be written: the disk does not take")
    assert "Traceback" not in done.stderr


MODEL = """
import torch
from small_models import small_checkpoint
from sss_model.errors import CheckpointError
from sss_model.weights.checkpoint import write_checkpoint
path, network = sys.argv[1], small_checkpoint()[0]
write_checkpoint(path, network)
before = open(path, "rb").read()
limit_files(len(before) // 2)
try:
    write_checkpoint(path, network)
except CheckpointError as error:
    print(error)
assert open(path, "rb").read() == before
assert os.listdir(os.path.dirname(path)) == [os.path.basename(path)]
limit_files(2**30)
"""


LOG = """
import json
from pathlib import Path
from sss_model.training.run_folder.log import TrainLog
folder = Path(sys.argv[1])
with TrainLog(folder, 9, 0) as log:
    log.event("start", text="x" * 50)
    limit_files(200)
    log.event("update", text="y" * 300)
    log.event("update", text="y" * 300)
    limit_files(10_000)
    log.event("end", text="z")
print([json.loads(line)["event"] for line in (folder / "log.jsonl").read_text().splitlines()])
"""


def test_a_log_that_cannot_be_written_does_not_end_training(tmp_path: Path) -> None:
    done = run_with_limits(LOG, str(tmp_path))
    assert done.stdout == "['start', 'end']\n"
    assert done.stderr == "log.jsonl is not whole: the disk does not take files this large. Training goes on.\n"


def test_the_space_needed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30, 3 * 2**20))
    (tmp_path / "a").write_text("old")
    with pytest.raises(CheckpointError, match=r"the disk is full\. 250\.0 MB are needed and 3\.0 MB are free\.$"), \
            replacing(tmp_path / "a", CheckpointError, needs=250 * 2**20):  # fmt: skip
        pass
    assert (tmp_path / "a").read_text() == "old"


def test_numbers_of_libraries_in_rust_are_understood() -> None:
    assert reason(RuntimeError("I/O error: whatever (os error 28)"))[0] == "the disk is full"


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_files_have_the_permissions_that_the_user_set(mask: int, tmp_path: Path) -> None:
    """safetensors makes files of its own permissions; one that is replaced keeps its own."""
    before = os.umask(mask)
    try:
        for name in ("new", "old"):
            if name == "old":
                (tmp_path / name).write_text("")
                (tmp_path / name).chmod(0o640)
            with replacing(tmp_path / name, SSSError) as temporary:
                os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~mask
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o640


def test_a_file_is_on_the_disk_before_it_takes_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda number: (steps.append("fsync"), fsync(number))[1])
    monkeypatch.setattr(os, "replace", lambda *names: (steps.append("replace"), replace(*names))[1])
    with replacing(tmp_path / "a", SSSError) as temporary:
        temporary.write_text("a")
    assert steps == ["fsync", "replace"]

    def refuse(_number: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(SSSError, match="the disk reports an error"), replacing(tmp_path / "a", SSSError) as temporary:
        temporary.write_text("b")
    assert (tmp_path / "a").read_text() == "a"


SET = """
import json
import numpy as np
from pathlib import Path
from sss_model.analysis.layer_files import layers_record, write_layer_files
from sss_model.errors import SSSError
from sss_model.layer_io import Layers
from sss_model.params.layers import LayerExportParams, SegmentParams
from sss_model.progress import Progress
folder = Path(sys.argv[2])
random = np.random.default_rng(0)
alphas = np.ones((40, 40, 3), np.float32) / 3
export = LayerExportParams(formats=("png", "psd"), overlay=True)
def write(image):
    layers = Layers(image.astype(np.float32), alphas, ("a", "b", "c"))
    record = layers_record("photo.jpg", "", layers, SegmentParams(), export, {})
    return write_layer_files(folder / "photo", layers, export, record, Progress())
write(np.full((40, 40, 3), 0.5))
before = {path.name: path.read_bytes() for path in folder.iterdir()}
limit_files(13_000)
try:
    write(np.where(np.arange(40)[:, None, None] < 20, 0.25, random.random((40, 40, 3))))
except SSSError as error:
    print(error)
assert {path.name: path.read_bytes() for path in folder.iterdir()} == before, sorted(os.listdir(folder))
"""


def test_a_model_and_a_set_of_layers_are_the_old_ones_or_the_new_ones(tmp_path: Path) -> None:
    """In one process. The layers' own PNGs fit, the document behind them does not: none takes an old one's place."""
    for name in ("model", "layers"):
        (tmp_path / name).mkdir()
    done = run_with_limits(MODEL + SET, str(tmp_path / "model" / "a.safetensors"), str(tmp_path / "layers"))
    assert done.returncode == 0, done.stderr
    model, layers = done.stdout.splitlines()
    assert model == f"{tmp_path}/model/a.safetensors could not be written: the disk does not take files this large."
    assert layers.startswith(f"{tmp_path}/layers/photo-layers.psd could not be written: the disk does not take")


def test_a_killed_set_leaves_nothing_that_looks_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Moved in part, as by a process that was killed: without the record, which tells that all are there."""
    for name in ("a.png", "b.png", "r.json"):
        (tmp_path / name).write_text("old")
    moved = []

    def die(source: object, target: Path) -> None:
        if moved:
            raise KeyboardInterrupt
        moved.append(target.name)
        replace(source, target)

    replace = os.replace
    monkeypatch.setattr(os, "replace", die)
    whole = set_of_files(tmp_path, "r.json", SSSError)
    folder = whole.__enter__()
    for name in ("a.png", "b.png", "r.json"):
        (folder / name).write_text("new")
    with pytest.raises(KeyboardInterrupt):
        whole.__exit__(None, None, None)
    assert moved == ["a.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_what_a_killed_process_left_of_a_set_goes_with_the_next_run(tmp_path: Path) -> None:
    code = "from pathlib import Path; from sss_model.errors import SSSError\n" \
           "from sss_model.storage.atomic_write import set_of_files\n" \
           "with set_of_files(Path(sys.argv[1]), 'r.json', SSSError): os.kill(os.getpid(), 9)"  # fmt: skip
    assert run_with_limits(code, str(tmp_path)).returncode == -9
    assert len(list(tmp_path.iterdir())) == 1
    prepare_folder(tmp_path)
    assert list(tmp_path.iterdir()) == []
