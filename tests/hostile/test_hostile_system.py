"""Commands that are killed, and that run out of disk or memory: a sentence, whole files, nothing left behind.

Each trial is a process of its own. Full disks are a small tmpfs where root may mount one, else files may not grow
beyond a limit; memory ends at a limit of addresses.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import numpy as np
import pytest
import torch
from made_sets import folder_set, small_params
from psd_tools import PSDImage

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds

from sss_model.errors import SSSError
from sss_model.feature_io import read_features
from sss_model.files.folder_lock import LOCK
from sss_model.image_io import read_image, write_picture
from sss_model.training.config import write_config
from sss_model.training.run_folder.file_names import LAST_STATE, LOG
from sss_model.weights.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[2]
MIB = 2**20
START = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
files, addresses, fail_at, module = (*map(int, sys.argv[1:4]), sys.argv[4])
if files:
    resource.setrlimit(resource.RLIMIT_FSIZE, (files, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
if addresses:
    resource.setrlimit(resource.RLIMIT_AS, (addresses, resource.getrlimit(resource.RLIMIT_AS)[1]))
sys.argv = ["sss-" + module, *sys.argv[5:]]
from sss_model.commands import entry
if fail_at:
    def count(frame, event, argument, calls=[0]):
        code = frame.f_code
        if event == "call" and "sss_model" in code.co_filename and code.co_name not in ("main", "<lambda>") \\
                and not code.co_filename.endswith(("ending.py", "entry.py")):
            calls[0] += 1
            if calls[0] == fail_at:
                raise MemoryError
    sys.setprofile(count)
code = entry.main()
sys.setprofile(None)
sys.exit(code)
"""


@cache
def inputs() -> Path:
    """A folder with a picture and its features, a data set and a recipe; made once."""
    folder = Path(mkdtemp(prefix="hostile-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    random = np.random.default_rng(0)
    write_picture(folder / "a.png", random.integers(0, 255, (40, 48, 3), dtype=np.uint8))
    np.savez(folder / "a.npz", features=random.standard_normal((40, 48, 16)).astype(np.float32))
    folder_set(folder / "set", 4)
    params = small_params(run={"iterations": 4, "save_every": 1, "workers": 1, "log_every": 1})
    (folder / "a.yaml").write_text(write_config(params), encoding="utf-8")
    return folder


def call(
    words: Sequence[str], *, files: int = 0, addresses: int = 0, fail_at: int = 0, temp: Path
) -> subprocess.Popen[str]:
    """The command `words` in a process with limits, its scratch in `temp`."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TMPDIR": str(temp)}
    command = [sys.executable, "-c", START, str(files), str(addresses), str(fail_at), *words]
    return subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def words_for(command: str, out: Path) -> list[str]:
    data = inputs()
    if command == "train":
        return ["train", "--config", str(data / "a.yaml"), "--data", str(data / "set"), "--output", str(out),
                "--threads", "1", "--validate-every", "0", "--resume", "auto"]  # fmt: skip
    if command == "convert":
        return ["convert", "--backbone", "test_efficientnet", "--weights", str(data / "none.pth"), "-o", f"{out}/a.st"]
    if command == "segment":
        return ["segment", str(data / "a.npz"), "-o", str(out), "--layers", "2", "--formats",
                "png,npz,psd,ora,exr,cryptomatte", "--overlay", "--names", "overlay,a\x07b", "--quiet"]  # fmt: skip
    return ["extract", str(data / "a.npz"), "-o", str(out), "--raw", "--filtered", "--strip", "--save-basis",
            "--formats", "npz32,npy,mat,exr,tiff", "--quiet"]  # fmt: skip


# a generator that is closed counts as called: Python says so and goes on
IGNORED = re.compile(r"Exception ignored in: <generator.*\nTraceback.*\n(?:  .*\n)*MemoryError.*\n?")


def judge(process: subprocess.Popen[str], out: Path, codes: Sequence[int]) -> None:
    """Raise `SSSError` with what the command said where it refused; AssertionError where it failed badly."""
    _, said = process.communicate(timeout=300)
    code = process.returncode
    assert "Traceback" not in IGNORED.sub("", said), said[-2000:]
    assert code in codes, f"exit code {code}: {said[-500:]}"
    check_whole(out)
    if code:
        lines = [line for line in said.splitlines() if re.match(r"sss-|failed: |Stopped", line)]
        assert lines, f"no sentence: {said[-500:]}"
        raise SSSError(lines[-1].rstrip())


def check_whole(out: Path) -> None:
    """Every file under its final name is whole; there are no others."""
    for path in out.iterdir() if out.exists() else ():
        assert not path.name.startswith("."), f"left behind: {path.name}"
        if path.name == LOG:
            for line in path.read_text(encoding="utf-8").splitlines():
                json.loads(line)
        elif path.name == LAST_STATE:
            torch.load(path, weights_only=True)
        elif path.suffix == ".safetensors":
            read_checkpoint(path)
        elif path.suffix == ".png":
            read_image(path)
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".psd":
            PSDImage.open(path)
        elif path.suffix == ".ora":
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
        elif "features" in path.name:
            read_features(path, axis_order="HWD")
        else:
            assert path.suffix in (".yaml", ".npz", ".npy", ".mat", ".exr", ".tif", ".psd", ".ora"), (
                f"left behind: {path.name}"
            )


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path | None]:
    """A disk of `size` bytes; None where this user may mount none."""
    disk = folder / "disk"
    disk.mkdir(exist_ok=True)
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)]
    if mount is None or subprocess.run([mount, *options], capture_output=True).returncode != 0:
        yield None
        return
    try:
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def try_full_disk(command: str, rng: np.random.Generator, folder: Path) -> None:
    size = int(rng.integers(4, 6000)) * 1024
    with small_disk(folder, size) as disk, TemporaryDirectory(dir=folder) as temp:
        out = (disk or folder) / "out"
        shutil.rmtree(out, ignore_errors=True)
        limit = 0 if disk is not None else max(size // 4, 4096)
        judge(call(words_for(command, out), files=limit, temp=Path(temp)), out, (0, 1))


def try_no_memory(command: str, rng: np.random.Generator, folder: Path) -> None:
    """MemoryError at one call of this package's functions, the first or one a long way on."""
    with TemporaryDirectory(dir=folder) as temp:
        out = Path(temp) / "out"
        process = call(words_for(command, out), fail_at=int(np.exp(rng.uniform(0, 8.5))), temp=Path(temp))
        judge(process, out, (0, 1))


def try_little_memory(command: str, rng: np.random.Generator, folder: Path) -> None:
    """From what hardly loads numpy to what suffices. OpenBLAS ends the process, or asks without end, where its buffers
    find no room, as the system's loader does: then no Python runs any more, and nothing but whole files is asked for.
    """
    with TemporaryDirectory(dir=folder) as temp:
        out = Path(temp) / "out"
        size = int(rng.integers(150, 6000)) * MIB
        process = call(words_for(command, out), addresses=size, temp=Path(temp))
        try:
            _, said = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            _, said = process.communicate()
        native = process.returncode < 0 or any(word in said for word in ("terminate called", "OpenBLAS", ": ABORT"))
        if native:  # a library that ends the process itself: no Python runs any more, that would remove the lock
            (out / LOCK).unlink(missing_ok=True)
        check_whole(out)
        if native:
            raise SSSError("The system ended the process.")
        assert "Traceback" not in said, said[-1500:]
        assert process.returncode in (0, 1), f"{process.returncode}: {said[-500:]}"
        if process.returncode:
            raise SSSError(said.splitlines()[-1])


def try_signal(command: str, kind: signal.Signals, rng: np.random.Generator, folder: Path) -> None:
    """A signal at any time: nothing left but whole files; after SIGKILL the next run removes what was left."""
    with TemporaryDirectory(dir=folder) as temp:
        out = Path(temp) / "out"
        process = call([*words_for(command, out), *(["--iterations", "4000"] * (command == "train"))], temp=Path(temp))
        try:
            process.communicate(timeout=float(rng.uniform(0.2, 6)))
        except subprocess.TimeoutExpired:
            process.send_signal(kind)
        _, said = process.communicate(timeout=120)
        if kind == signal.SIGKILL:
            judge(call(words_for(command, out), temp=Path(temp)), out, (0,))
        else:
            assert "Traceback" not in said or "KeyboardInterrupt" not in said, said[-1000:]
            # before the command's own code ran, or after it: while Python itself starts or ends
            apart = process.returncode in (-int(kind), 1) and (not out.exists() or any(out.glob("a*.json")))
            assert apart or process.returncode in (0, 128 + int(kind)), f"{process.returncode}: {said[-500:]}"
            check_whole(out)
        left = [path.name for path in Path(temp).iterdir() if path.name.startswith("sss-")]
        assert not left, left


COMMANDS = ("extract", "segment", "train")
KINDS = [
    *(Kind(f"full disk, {c}", lambda rng, folder, c=c: try_full_disk(c, rng, folder)) for c in COMMANDS),
    *(Kind(f"no memory, {c}", lambda rng, folder, c=c: try_no_memory(c, rng, folder)) for c in COMMANDS),
    *(Kind(f"little memory, {c}", lambda rng, folder, c=c: try_little_memory(c, rng, folder)) for c in COMMANDS),
    *(
        Kind(f"{kind.name}, {c}", lambda rng, folder, c=c, kind=kind: try_signal(c, kind, rng, folder))
        for c in COMMANDS
        for kind in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL)
    ),
]
SLOW = True  # seconds a trial: fewer of them


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_some_of_each(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 6, seed=0)
