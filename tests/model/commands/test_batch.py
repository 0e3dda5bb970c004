"""What a batch says: of folders, of failures, of files that are there, and at the end of --help."""

from __future__ import annotations

import _thread
import importlib
import signal
import threading
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import save_file

from sss_model import budget
from sss_model.analysis.layer_files import write_layer_files
from sss_model.commands import batch
from sss_model.commands.backbone_options import print_backbones
from sss_model.commands.batch import Steps, Write, find_inputs, threads_for, write_all
from sss_model.commands.extract import main as extract
from sss_model.errors import ImageError, ParameterError
from sss_model.files.export import export_names
from sss_model.image_io import decoding_bytes
from sss_model.layer_io import Layers
from sss_model.params import ExportParams, ExtractParams
from sss_model.params.layers import LayerExportParams
from sss_model.progress import Progress


def picture(path: Path, height: int = 20, width: int = 30) -> Path:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)).save(path)
    return path


def test_a_folder_says_what_it_leaves_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(
        ParameterError, match=r"No photograph is in the folder .*: 0 pictures, 1 file left out: 1 video\."
    ):
        find_inputs([str(tmp_path)])
    picture(tmp_path / "a.png")
    (tmp_path / "._a.png").write_bytes(b"x")
    assert find_inputs([str(tmp_path)]) == [tmp_path / "a.png"]
    assert capsys.readouterr().err == f"{tmp_path}: 1 picture, 1 file left out: 1 video.\n"


def test_a_path_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.png"

    def fails(_path: Path, _stem: str, _progress: Progress) -> Steps:
        raise ImageError(f"{path} is no picture.")

    assert write_all([path], fails, tmp_path, quiet=True) == 1
    assert capsys.readouterr().err.count(str(path)) == 1


def reads_computes_and_writes(folder: Path, did: list[tuple[str, str, bool]]) -> Write:
    """Writes NAME.txt of a picture in three steps, and notes each with the thread it ran in."""

    def write(path: Path, stem: str, progress: Progress) -> Steps:
        for step in ("reads", "computes", "writes"):
            if step != "reads":
                yield
            did.append((step, stem, threading.current_thread() is threading.main_thread()))
            if f"{step}-no" in stem:
                raise ImageError(f"{stem} is broken.")
            if f"{step}-stop" in stem:
                raise KeyboardInterrupt
        for _ in range(1000 if "slow" in stem else 1):
            progress.report(1.0, "Writing")
            time.sleep(0.01)
        (folder / f"{stem}.txt").write_text(stem)
        return [folder / f"{stem}.txt"], (f"note of {stem}",)

    return write


def test_reading_and_writing_overlap_with_computing_and_the_order_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a", "reads-no", "b", "computes-no", "c", "writes-no", "d"]
    paths = [picture(tmp_path / f"{name}.png") for name in names]
    did: list[tuple[str, str, bool]] = []
    assert write_all(paths, reads_computes_and_writes(tmp_path, did), tmp_path, quiet=True) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == [f"{name}.png: note of {name}" for name in "abcd"]
    assert [line.partition(".png: ")[2] for line in told[4:]] == [f"{n} is broken." for n in names if "no" in n]
    assert sorted(path.stem for path in tmp_path.glob("*.txt")) == list("abcd")
    for step in ("reads", "computes", "writes"):
        order = [stem for found, stem, _ in did if found == step]
        assert order == [name for name in names if name in order]  # each step takes the pictures in their order
    assert all(in_main == (step == "computes") for step, stem, in_main in did if stem != "a")


def test_pictures_are_computed_side_by_side_each_in_one_thread(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ["a", "b", "reads-no", "c", "writes-no", "d"]
    paths = [picture(tmp_path / f"{name}.png") for name in names]
    met, seen, before = threading.Barrier(2), [], (torch.get_num_threads(), cv2.getNumThreads())

    def write(path: Path, stem: str, progress: Progress) -> Steps:
        if stem in "ab":
            met.wait(10)  # which neither passes alone
        seen.append((torch.get_num_threads(), cv2.getNumThreads(), threading.current_thread().name[:8]))
        return (yield from reads_computes_and_writes(tmp_path, [])(path, stem, progress))

    assert write_all(paths, write, tmp_path, quiet=True, threads=2) == 1
    told = capsys.readouterr().err.splitlines()
    assert told[:4] == [f"{name}.png: note of {name}" for name in "abcd"]
    assert [line.partition(".png: ")[2] for line in told[4:]] == [f"{n} is broken." for n in names if "no" in n]
    assert seen == [(1, 1, "pictures")] * 6
    assert (torch.get_num_threads(), cv2.getNumThreads()) == before


def test_the_bars_tell_of_the_oldest_picture_since_it_was_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []

    class Bars:
        def begin(self, name: str, since: float = 0.0) -> None:
            told.append((name, 0 < since <= time.time()))

        def within(self, fraction: float, stage: str) -> None:
            told.append((fraction, stage))

        def end(self) -> None:
            told.append(("end",))

    monkeypatch.setattr(batch, "bars", lambda *_, **__: nullcontext(Bars()))
    paths = [picture(tmp_path / f"{name}.png") for name in ("slow-a", "b")]

    def write(path: Path, stem: str, progress: Progress) -> Steps:
        progress.report(0.25, stem)
        time.sleep(0.5 if stem == "slow-a" else 0.0)
        return [path], ()
        yield

    assert write_all(paths, write, tmp_path, quiet=True, threads=2) == 0
    assert told[0][0] == "slow-a.png"
    assert (0.25, "slow-a") in told
    assert (0.25, "b") not in told[: told.index(("end",))]
    assert [entry for entry in told if isinstance(entry[0], str)][-3:] == [("end",), ("b.png", True), ("end",)]


@pytest.mark.parametrize("threads", [1, 2])
def test_large_pictures_have_the_memory_for_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("sss_model.budget.current", replace(budget.current, overlapped_share=0.0))
    did: list[tuple[str, str, bool]] = []
    paths = [picture(tmp_path / f"{name}.png") for name in "ab"]
    assert write_all(paths, reads_computes_and_writes(tmp_path, did), tmp_path, quiet=True, threads=threads) == 0
    assert did == [(step, stem, True) for stem in "ab" for step in ("reads", "computes", "writes")]


@pytest.mark.parametrize(("threads", "alone"), [(2, False), (3, True)])
def test_the_more_pictures_go_on_at_once_the_smaller_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, alone: bool
) -> None:
    paths = [picture(tmp_path / f"{name}.png") for name in "abc"]
    enough = 2.5 * decoding_bytes(paths[0]) / budget.current.overlapped_share
    monkeypatch.setattr("sss_model.budget.free_memory", lambda: int(enough))
    did: list[tuple[str, str, bool]] = []
    assert write_all(paths, reads_computes_and_writes(tmp_path, did), tmp_path, quiet=True, threads=threads) == 0
    assert [in_main for *_, in_main in did] == [alone] * 9


def test_a_stop_ends_what_is_written_beside(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{name}.png") for name in ("slow", "computes-stop", "c")]
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        write_all(paths, reads_computes_and_writes(tmp_path, []), tmp_path, quiet=True)
    assert time.monotonic() - begun < 5  # the first would take ten seconds
    assert not list(tmp_path.glob("*.txt"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith(("reads", "writes"))]


def test_ctrl_c_ends_pictures_that_are_computed_side_by_side(tmp_path: Path) -> None:
    paths = [picture(tmp_path / f"{name}.png") for name in ("slow-a", "slow-b", "c")]

    def write(path: Path, stem: str, progress: Progress) -> Steps:
        if stem == "slow-b":
            time.sleep(0.3)  # until the main thread waits
            _thread.interrupt_main()
        return (yield from reads_computes_and_writes(tmp_path, [])(path, stem, progress))

    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what it runs behind it
    begun = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            write_all(paths, write, tmp_path, quiet=True, threads=2)
    finally:
        signal.signal(signal.SIGINT, handler)
    assert time.monotonic() - begun < 5
    assert not list(tmp_path.glob("*.txt"))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pictures")]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_batch_that_overlaps_writes_the_bytes_of_one_that_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("sss_model.commands.extract.threads_for", lambda *_: threads)
    paths = [str(picture(tmp_path / f"{name}.png", 20 + 3 * n)) for n, name in enumerate("abc")]
    assert extract([*paths, "-o", str(tmp_path / "together"), "--quiet", "--strip"]) == 0
    monkeypatch.setattr("sss_model.budget.current", replace(budget.current, overlapped_share=0.0))
    assert extract([*paths, "-o", str(tmp_path / "apart"), "--quiet", "--strip"]) == 0
    written = sorted(path.name for path in (tmp_path / "together").iterdir())
    assert len(written) == 3 * 7
    for name in written:
        assert (tmp_path / "together" / name).read_bytes() == (tmp_path / "apart" / name).read_bytes()


def test_a_picture_has_all_threads_where_the_model_does_not_say_how_wide_its_features_are(tmp_path: Path) -> None:
    params = ExtractParams(device="cpu")
    known = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert threads_for(params, None) == 2
        assert threads_for(params, None, cell=2**40) == 1
        save_file({"a": np.zeros(1)}, tmp_path / "other.safetensors", {"sss": '{"params": [128]}'})
        assert threads_for(params, tmp_path / "other.safetensors") == 1
    finally:
        torch.set_num_threads(known)


def test_files_that_are_kept_are_said_before_computing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = picture(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / export_names("a", ExportParams())[0]).touch()
    monkeypatch.setattr("sss_model.commands.extract.read_input", lambda *_: pytest.fail("was read"))
    assert extract([str(path), "-o", str(tmp_path / "out"), "--keep-existing", "--quiet"]) == 1
    assert "already in" in capsys.readouterr().err


def test_a_format_that_cannot_hold_the_picture_stops_no_other(tmp_path: Path) -> None:
    image = np.zeros((1, 30_001, 3), np.float32)
    layers = Layers(image, np.ones((1, 30_001, 1), np.float32), ("a",))
    params = LayerExportParams(formats=("psd", "npz"), overlay=False)
    written = write_layer_files(tmp_path / "a", layers, params, {}, Progress())
    assert [path.suffix for path in written] == [".npz", ".json"]
    with pytest.raises(ParameterError, match="A PSD has at most 30000 pixels a side; the picture is 30001 x 1"):
        write_layer_files(tmp_path / "b", layers, LayerExportParams(formats=("psd",), overlay=False), {}, Progress())


def test_backbones_by_a_part_of_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    print_backbones("dinov2")
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all("dinov2" in line for line in lines)


@pytest.mark.parametrize("name", ["extract", "segment", "train", "evaluate", "convert"])
def test_help_ends_with_examples_and_names_no_empty_default(name: str) -> None:
    text = importlib.import_module(f"sss_model.commands.{name}").build_parser().format_help()
    lines = text.splitlines()
    start = lines.index("Examples:")
    assert all(line.startswith("  sss-") for line in lines[start + 2 :] if line)
    plain = " ".join(text.split())
    assert "; default -" not in plain
    assert "; default;" not in plain
