"""`sss-train` as a user runs it: configuration, dry runs, signals, resuming, several ranks."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from made_sets import SMALL, folder_set, small_params

from sss_model.commands.train import command_of, main
from sss_model.training.run_folder.checkpoints import LAST_STATE, read_state
from sss_model.training.run_folder.log import LOG
from sss_model.training.trainer import BEST_MODEL
from sss_model.weights.checkpoint import read_checkpoint

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of the small recipe on a small data set."""
    params = small_params().to_dict()
    params["data"] = [str(folder_set(tmp_path / "set", 12))]
    path = tmp_path / "small.yaml"
    path.write_text(yaml.safe_dump(params), encoding="utf-8")
    return path


def test_print_config(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--config", str(config), "--print-config", "--seed", "4"]) == 0
    printed = yaml.safe_load(capsys.readouterr().out)
    assert printed["run"]["seed"] == 4
    assert printed["optimiser"]["rate"] == SMALL["optimiser"]["rate"]


def test_dry_run_writes_nothing(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(tmp_path.rglob("*"))
    assert main(["--config", str(config), "--dry-run", "--output", str(tmp_path / "out"), "--threads", "1"]) == 0
    out, err = capsys.readouterr()
    assert re.search(r"set: \d+ of \d+ pictures read, 0 of them with fewer than two labels", out)
    assert re.search(r"one update takes [\d.]+ s", out)
    assert "8 of them take about 0.0 h" in out
    assert "train     set (folder)" in err
    assert "starts from random weights" in err
    assert set(tmp_path.rglob("*")) == before


def test_trains_resumes_and_refuses_a_full_folder(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["--config", str(config), "--output", str(out), "--threads", "1", "--validate-every", "0"]
    assert main([*words, "--iterations", "2", "--resume", "auto"]) == 0
    assert read_state(out / LAST_STATE)["update"] == 2
    assert (out / "config.yaml").is_file()
    assert "--iterations 2" in read_checkpoint(out / "last.safetensors").metadata["command"]
    capsys.readouterr()
    assert main(words) == 2
    assert "is not empty. Choose a new one, or go on with --resume auto." in capsys.readouterr().err
    assert main(["--resume", str(out), "--iterations", "3"]) == 0
    assert read_state(out / LAST_STATE)["update"] == 3
    assert read_state(out / LAST_STATE)["params"]["optimiser"]["rate"] == SMALL["optimiser"]["rate"]


@pytest.mark.parametrize("resume", [["--resume", "auto"], []])
def test_a_run_that_ended_before_it_saved_starts_again(resume: list[str], config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name in ("config.yaml", LOG, "events.out.tfevents.1.host.2.0", ".0123456789ab.part.pt"):
        (out / name).write_bytes(b"")
    words = ["--config", str(config), "--output", str(out), "--threads", "1", "--validate-every", "0"]
    assert main([*words, "--iterations", "1", *resume]) == 0
    assert read_state(out / LAST_STATE)["update"] == 1


def test_a_folder_of_other_things_is_refused(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("mine", encoding="utf-8")
    assert main(["--config", str(config), "--output", str(tmp_path / "out"), "--resume", "auto"]) == 2
    assert "is not empty. Choose a new one; there is no last.state.pt in it" in capsys.readouterr().err


def test_two_sets_of_one_folder_name_are_scored_apart(config: Path, tmp_path: Path) -> None:
    other = folder_set(tmp_path / "more" / "set", 12)
    words = ["--config", str(config), "--output", str(tmp_path / "out"), "--iterations", "1", "--threads", "1"]
    assert main([*words, "--data", str(tmp_path / "set"), "--data", str(other)]) == 0
    state = read_state(tmp_path / "out" / LAST_STATE)
    assert state["scores"].keys() == state["pictures"].keys()
    assert len(state["pictures"]) == 2


def test_what_a_resumed_state_overrules_is_said(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--config", str(config), "--output", str(tmp_path / "out"), "--threads", "1", "--validate-every", "0"]
    assert main([*words, "--iterations", "1"]) == 0
    capsys.readouterr()
    again = ["--iterations", "2", "--resume", "auto"]
    assert main([*words, *again, "--preset", "lite2", "--init-weights", "lite2"]) == 0
    assert "holds the recipe and the weights: --preset and --init-weights." in capsys.readouterr().err
    assert main([*words, *again]) == 0
    assert "Not used" not in capsys.readouterr().err


def test_the_best_model_goes_along_into_another_folder(config: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    words = ["--config", str(config), "--threads", "1"]
    assert main([*words, "--output", str(one), "--iterations", "4"]) == 0
    torch.save({**read_state(one / LAST_STATE), "best": 2.0}, one / LAST_STATE)
    assert main([*words, "--output", str(two), "--iterations", "5", "--resume", str(one)]) == 0
    assert (two / BEST_MODEL).read_bytes() == (one / BEST_MODEL).read_bytes()


def test_a_model_file_does_not_tell_where_folders_were() -> None:
    words = ["--data", "auto:/home/ann/sets/bsds500@train=2", "--output=/tmp/run 1/", "--rate", "1e-3"]
    assert command_of(words) == "sss-train --data auto:bsds500@train=2 '--output=run 1' --rate 1e-3"


def test_deterministic_refuses_what_does_not_repeat(config: Path, tmp_path: Path) -> None:
    try:
        words = ["--config", str(config), "--validate-every", "0", "--iterations", "1", "--deterministic"]
        assert main([*words, "--output", str(tmp_path / "out")]) == 0
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


def test_starts_from_a_model(config: Path, tmp_path: Path) -> None:
    words = [
        "--config",
        str(config),
        "--threads",
        "1",
        "--validate-every",
        "0",
        "--iterations",
        "1",
        "--ema",
        "0",
        "--output",
    ]
    assert main([*words, str(tmp_path / "a")]) == 0
    model = tmp_path / "a" / "last.safetensors"
    still = ["--rate", "0", "--base-rate", "0", "--init-weights", str(model)]
    assert main([*words, str(tmp_path / "b"), *still]) == 0
    one, two = read_checkpoint(model).state, read_checkpoint(tmp_path / "b" / "last.safetensors").state
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.parametrize(
    ("words", "match"),
    [
        (["--output", "out"], "No data set was named"),
        (["--data", "/nowhere"], "no data set at"),
        (["--iterations", "0"], "iterations .* must be from 1"),
        (["--resume", "auto"], "needs --output"),
        (["--resume", "nowhere.pt"], "no training state"),
        (["--preset", "best"], "No preset is called"),
    ],
)
def test_what_was_asked_wrongly_is_said_and_leaves_with_2(
    words: list[str], match: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert re.search(match, capsys.readouterr().err)


def _start(config: Path, output: Path, *words: str, **environment: str) -> subprocess.Popen[str]:
    call = [sys.executable, "-m", "sss_model.commands.train", "--config", str(config), "--output", str(output)]
    env = {**os.environ, **environment}
    return subprocess.Popen([*call, "--threads", "1", *words], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to catch")
@pytest.mark.parametrize(
    ("kind", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow), (signal.SIGTERM, 143)]
)
def test_signals_save_and_leave_with_their_code(kind: signal.Signals, code: int, config: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = _start(config, out, "--iterations", "100000", "--validate-every", "0", "--workers", "1")
    deadline = time.monotonic() + 120
    while not (out / LOG).exists() or '"update": 3,' not in (out / LOG).read_text(encoding="utf-8"):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(kind)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code
    assert "Stopped after update" in said
    assert "Traceback" not in said
    update = read_state(out / LAST_STATE)["update"]
    assert update >= 3
    assert json.loads((out / LOG).read_text(encoding="utf-8").splitlines()[-1]) | {"time": 0, "best": None} == {
        "event": "stopped", "update": update, "time": 0, "best": None, "skipped": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["--dry-run"], "sss_model.training.dry_run.dry_run"),
        (["--output", "out"], "sss_model.commands.train_run.open_datasets"),
    ],
)
def test_ctrl_c_before_training_leaves_with_130(
    words: list[str], place: str, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(place, interrupted)
    assert main(["--config", str(config), *words]) == 130
    assert not (tmp_path / "out").exists()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo ranks are tested on Linux and macOS")
def test_two_ranks_equal_accumulating_on_one(config: Path, tmp_path: Path) -> None:
    """DDP over gloo: the same draws, the same update, dropout included; only the order of summing differs."""
    words = ["--iterations", "5", "--validate-every", "0", "--freeze-updates", "2", "--optimiser", "sgd", "--ema", "0"]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(_free_port())}
    processes = [_start(config, tmp_path / "two", *words, RANK=k, LOCAL_RANK=k, **shared) for k in "01"]
    assert main(["--config", str(config), "--output", str(tmp_path / "one"), "--threads", "1", *words]) == 0
    for process in processes:
        _, said = process.communicate(timeout=200)
        assert process.returncode == 0, said
    one, two = (read_state(tmp_path / name / LAST_STATE) for name in ("one", "two"))
    for name, value in one["network"].items():
        torch.testing.assert_close(two["network"][name], value, rtol=1e-4, atol=1e-6, msg=name)
    losses = []
    for name in ("one", "two"):
        lines = [json.loads(line) for line in (tmp_path / name / LOG).read_text(encoding="utf-8").splitlines()]
        losses.append([line["loss"] for line in lines if line["event"] == "update"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_tensorboard_gets_curves_and_pictures(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    out = tmp_path / "out"
    words = ["--config", str(config), "--output", str(out), "--threads", "1", "--iterations", "1", "--tensorboard"]
    assert main(words) == 0
    events = next(out.glob("events.out.tfevents.*")).read_bytes()
    for name in (b"train/loss", b"auc/set", b"auc_taps/set", b"pca/set"):
        assert name in events


def test_a_bad_map_met_on_the_way_loses_no_update(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Headers are read before; that the pixels are void or cut off shows when the picture's turn comes."""
    out = tmp_path / "out"
    words = ["--config", str(config), "--output", str(out), "--threads", "1", "--workers", "0", "--validate-every", "0"]
    assert main([*words, "--iterations", "3"]) == 0
    for path in (tmp_path / "set" / "labels").glob("*.png"):
        path.write_bytes(path.read_bytes()[:-40])
    assert main(["--resume", str(out), "--iterations", "9"]) == 1
    said = capsys.readouterr().err
    assert "--on-bad skip leaves such pictures out." in said
    assert "Saved update 3; --resume goes on from there." in said
    assert read_state(out / LAST_STATE)["update"] == 3


def test_a_refused_resume_leaves_the_new_folder_empty(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    words = ["--threads", "1"]
    assert main([*words, "--config", str(config), "--output", str(one), "--iterations", "2"]) == 0
    assert (one / BEST_MODEL).exists()
    assert main([*words, "--resume", str(one), "--output", str(two), "--feature-channels", "9"]) == 2
    assert list(two.iterdir()) == []
    assert main([*words, "--resume", str(one), "--output", str(two), "--iterations", "3"]) == 0


def test_yaml_reads_a_bare_off_as_no(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text(encoding="utf-8").replace("amp: 'off'", "amp: off"), encoding="utf-8")
    assert "amp: off\n" in config.read_text(encoding="utf-8")
    assert main(["--config", str(config), "--print-config"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["run"]["amp"] == "off"
