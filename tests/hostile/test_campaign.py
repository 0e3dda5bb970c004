"""The campaign notices what it is there for: seven faults planted in the program, a crash, a hang; and it goes on."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

import test_hostile_files as files
import test_hostile_layers as layers
import test_hostile_models as models
from campaign import Kind, run_kind, run_kind_apart

from sss_model.errors import ImageError

TRIALS = 40


def bad(kinds: list[Kind], name: str, folder: Path, trials: int = TRIALS) -> list[str]:
    (kind,) = (kind for kind in kinds if kind.name == name)
    return run_kind(kind, folder, trials, seed=3).bad


def planted(module: Any, name: str, fault: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `fault(real, *arguments)` stand for the function `name` that the trials of `module` call."""
    real = getattr(module, name)
    monkeypatch.setattr(module, name, lambda *given, **named: fault(real, *given, **named))


@pytest.fixture(autouse=True)
def quiet() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield patch


def test_a_key_error_let_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(real: Any, path: Path) -> Any:
        try:
            return real(path)
        except ImageError as error:
            raise KeyError(str(error)) from error

    assert bad(files.KINDS, "picture bmp", tmp_path) == []
    for name in ("image_size", "decoding_bytes", "read_image"):
        planted(files, name, fault, monkeypatch)
    assert any("KeyError" in line for line in bad(files.KINDS, "picture bmp", tmp_path))


def test_nan_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(real: Any, path: Path, **named: Any) -> Any:
        file = real(path, **named)
        spoiled = np.array(file.features, np.float32)
        spoiled[-1, -1, -1] = np.nan
        return replace(file, features=spoiled)

    assert bad(files.KINDS, "features npy", tmp_path) == []
    planted(files, "read_features", fault, monkeypatch)
    assert bad(files.KINDS, "features npy", tmp_path)


@pytest.mark.parametrize("kind", sorted(files.PICTURES))
def test_mirrored_and_shifted_pictures(tmp_path: Path, kind: str) -> None:
    """Four of the first six trials are of sound files."""
    assert bad(files.KINDS, f"picture {kind}", tmp_path, 6) == []
    for change in (lambda image: np.ascontiguousarray(image[:, ::-1]), lambda image: np.roll(image, 1, axis=1)):
        with pytest.MonkeyPatch.context() as patch:
            planted(files, "read_image", lambda real, path, change=change: change(real(path)), patch)
            assert any("other pixels" in line for line in bad(files.KINDS, f"picture {kind}", tmp_path, 6))


def test_a_sentence_without_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(real: Any, path: Path) -> Any:
        try:
            return real(path)
        except ImageError as error:
            raise ImageError(str(error).rstrip(".")) from error

    planted(files, "image_size", fault, monkeypatch)
    assert any("no sentence" in line for line in bad(files.KINDS, "picture png", tmp_path))


def test_a_refused_state_that_changes_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fault(real: Any, content: Any, state: Any, *rest: Any) -> Any:
        try:
            return real(content, state, *rest)
        except Exception:
            next(state.network.parameters()).data.add_(1)
            raise

    planted(models, "restore_state", fault, monkeypatch)
    assert any("half" in line for line in bad(models.KINDS, "training state", tmp_path, 25))


@pytest.mark.parametrize("name", [".3fa9c1-1-8b2f09ad.part.npz", "a.part", ".a.tmp"])
def test_a_temporary_file_that_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def fault(real: Any, path: Path, *given: Any, **named: Any) -> Any:
        path.with_name(name).touch()
        return real(path, *given, **named)

    assert bad(layers.KINDS, "layers npz", tmp_path, 5) == []
    planted(layers, "write_layers", fault, monkeypatch)
    assert all("left behind" in line for line in bad(layers.KINDS, "layers npz", tmp_path, 5))
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("form", ["npz16", "npy", "mat", "exr", "tiff"])
def test_a_reader_of_other_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    def fault(real: Any, path: Path, **named: Any) -> Any:
        file = real(path, **named)
        return replace(file, features=np.ascontiguousarray(file.features[..., ::-1]))

    planted(files, "read_features", fault, monkeypatch)
    assert any("other values" in line for line in bad(files.KINDS, f"features {form}", tmp_path))


def test_a_crash_names_its_trial_and_the_row_goes_on(tmp_path: Path) -> None:
    def attempt(rng: np.random.Generator, folder: Path) -> None:
        if not (folder / "crashed").exists() and rng.random() < 0.3:
            (folder / "crashed").touch()
            os.kill(os.getpid(), signal.SIGSEGV)

    row = run_kind_apart(Kind("crash", attempt), tmp_path, 20, seed=5)
    assert (row.worked, len(row.bad)) == (19, 1)
    assert row.bad[0].startswith("(5, ")
    assert row.bad[0].endswith("the process ended with -11")


def test_a_hang_ends_in_time_and_the_row_goes_on(tmp_path: Path) -> None:
    def attempt(rng: np.random.Generator, folder: Path) -> None:
        if not (folder / "hung").exists():
            (folder / "hung").touch()
            time.sleep(600)

    row = run_kind_apart(Kind("hang", attempt), tmp_path, 4, seed=5, limit=3.0)
    assert (row.worked, row.bad) == (3, ["(5, 0): no end within 3 s"])


def test_libraries_do_not_chatter_among_the_rows(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    row = run_kind_apart(Kind("chatter", lambda rng, folder: os.write(2, b"library\n")), tmp_path, 3)
    assert row.worked == 3
    assert "library" not in capfd.readouterr().err
