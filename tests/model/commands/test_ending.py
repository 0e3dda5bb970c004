"""How commands end: exit codes, sentences in place of tracebacks, nothing left behind."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sss_model.commands import convert, entry, evaluate, extract, segment, train
from sss_model.commands.batch import find_inputs
from sss_model.commands.ending import Terminated, explain, run_command
from sss_model.commands.entry import MODULES
from sss_model.errors import CheckpointError, ParameterError
from sss_model.image_io import write_picture

ROOT = Path(__file__).resolve().parents[3]
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (ParameterError("Radius is 0.", hint="Take 1."), 2, "sss-x: Radius is 0. Take 1.\n"),
        (CheckpointError("a.st is damaged."), 1, "sss-x: a.st is damaged.\n"),
        (CheckpointError("There is no a.st.", missing=True), 2, "sss-x: There is no a.st.\n"),
        (MemoryError(), 1, "sss-x: There is not enough memory. Close other programs,"),
        (
            RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried"),
            1,
            "not enough memory",
        ),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), 1, "not enough memory"),
        (ImportError("cannot import name 'A' from 'torch'"), 1, "could not be loaded: cannot import name 'A'"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b.npy"), 1, "sss-x: /a/b.npy: the disk is full. Free"),
        (RuntimeError("operator torchvision::nms does not exist"), 1, "torch and torchvision are of two builds"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ""),
    ],
)
def test_each_ending_has_its_code_and_a_sentence(
    error: BaseException, code: int, sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(sys.stdout, "fileno", lambda: 1, raising=False)

    def work() -> int:
        raise error

    assert run_command("sss-x", work, stopped="Stopped.") == code
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Terminated])
def test_a_stop_while_a_class_is_made_is_a_stop(stop: type[BaseException], capsys: pytest.CaptureFixture[str]) -> None:
    """Python 3.11 has it as the cause of a RuntimeError; it came while torch was imported."""

    class Attribute:
        def __set_name__(self, owner: type, name: str) -> None:
            raise stop

    def work() -> int:
        class Made:
            attribute = Attribute()

        return 0

    assert run_command("sss-x", work, stopped="Stopped.") == {KeyboardInterrupt: 130, Terminated: 143}[stop]
    assert capsys.readouterr().err == "Stopped.\n"


def test_an_error_that_nobody_foresaw_keeps_its_traceback() -> None:
    def work() -> int:
        raise KeyError("a")

    assert explain(KeyError("a")) is None
    with pytest.raises(KeyError):
        run_command("sss-x", work)


@ON_POSIX
def test_sigterm_ends_a_command_and_leaves_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from sss_model.storage.atomic_write import replacing
    from sss_model.storage.scratch import scratch_folder

    before = signal.getsignal(signal.SIGTERM)

    def work() -> int:
        with scratch_folder("backbone") as folder, replacing(tmp_path / "a.txt", CheckpointError) as temporary:
            seen.append(folder)
            temporary.write_text("half")
            signal.raise_signal(signal.SIGTERM)
        return 0

    seen: list[Path] = []
    assert run_command("sss-x", work, stopped="Stopped.") == 143
    assert capsys.readouterr().err == "Stopped.\n"
    assert list(tmp_path.iterdir()) == []
    assert not seen[0].exists()
    assert signal.getsignal(signal.SIGTERM) is before


@ON_POSIX
@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [("sss-extract", signal.SIGINT, 130), *((name, signal.SIGTERM, 143) for name in MODULES)],
)
def test_a_signal_while_the_command_loads_shows_no_traceback(name: str, kind: signal.Signals, code: int) -> None:
    """The import is held up where a signal would hit it, in a module that every command loads."""
    start = f"""
import os, sys, signal
sys.argv = [{name!r}, "--help"]
class Held:
    def find_spec(self, name, path=None, target=None):
        if name == "sss_model.debug_log":
            os.kill(os.getpid(), {int(kind)})
sys.meta_path.insert(0, Held())
from sss_model.commands.entry import main
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (code, "", "")


@ON_POSIX
def test_sigterm_stops_a_batch_in_the_middle_of_a_file(tmp_path: Path) -> None:
    """A child whose writer waits for ever: SIGTERM finds it inside `replacing`."""
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    np.savez(tmp_path / "a.npz", features=np.random.default_rng(0).random((8, 8, 4), np.float32))
    code = """
import sys, time
from sss_model.commands import extract
from sss_model.files import export
def wait(path, values, **_):
    with export.replacing(path, export.ExportError) as temporary:
        temporary.write_bytes(b"half")
        print("writing", flush=True)
        time.sleep(60)
export.write_features = wait
sys.exit(extract.main(sys.argv[1:]))
"""
    out = tmp_path / "out"
    call = [sys.executable, "-c", code, str(tmp_path / "a.npz"), "-o", str(out), "--raw", "--formats", "npy", "--quiet"]
    process = subprocess.Popen(call, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    assert list(out.rglob("*.part.npy"))
    process.terminate()
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (143, "Stopped. Run again with --skip-existing to go on.\n")
    assert not list(out.rglob("*")), "a picture's files come whole or not at all"


def test_a_missing_path_is_a_wrong_call_of_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gone, out = str(tmp_path / "gone"), str(tmp_path / "out")
    assert extract.main([f"{gone}.png", "-o", out, "--quiet"]) == 2
    assert segment.main([f"{gone}.png", "-o", out, "--quiet"]) == 2
    assert train.main(["--data", gone, "--output", out]) == 2
    assert train.main(["--resume", gone]) == 2
    assert evaluate.main(["--data", gone]) == 2
    assert convert.main([gone, "-o", f"{out}.safetensors"]) == 2
    assert capsys.readouterr().err.count("gone") >= 6


def test_what_the_system_refuses_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str],
                                         monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    write_picture(tmp_path / "a.png", np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "file").write_bytes(b"")
    assert extract.main([str(tmp_path / "a.png"), "-o", str(tmp_path / "file"), "--quiet"]) == 1
    assert "is a file, not a folder" in capsys.readouterr().err

    def refuse(self: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(ParameterError, match=r"cannot be read: access to it is not permitted\.$"):
        find_inputs([str(tmp_path)])


@pytest.mark.parametrize("error", [MemoryError(), SystemError("error return without exception set")])
def test_too_little_memory_to_load_a_command_is_said(monkeypatch, capsys, error):
    def load(_name):
        raise error

    monkeypatch.setattr(sys, "argv", ["sss-extract"])
    monkeypatch.setattr(entry.importlib, "import_module", load)
    monkeypatch.setattr(entry.signal, "signal", lambda *_: None)
    assert entry.main() == 1
    assert "sss-extract: There is not enough memory to load the program." in capsys.readouterr().err


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_libraries_load_ends_the_process_at_once(kind: signal.Signals) -> None:
    code = (
        "import os, signal; from sss_model.commands.ending import leaving_at_once\n"
        f"with leaving_at_once():\n    try: os.kill(os.getpid(), {int(kind)})\n    except BaseException: pass\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 128 + kind
