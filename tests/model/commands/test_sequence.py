"""`sss-segment --sequence` with the shipped model on small frames: mattes, layers, a stopped run, what is refused."""

from __future__ import annotations

import json
import re
import shutil

import cv2
import numpy as np
import pytest
from made_frames import iou

from sss_model.commands.segment import main
from sss_model.filtering.resize import resize
from sss_model.image_io import read_image, to_picture, write_picture
from sss_model.matting import MatteEditor
from sss_model.sequence import SequenceMatte
from sss_model.storage.shipped_files import SAMPLE, resource

COUNT, STEP = 4, 4


def panned(number):
    """The frame of a camera that goes along a photograph: (96, 128, 3) float32."""
    still = resize(read_image(resource(SAMPLE)), (96, 128 + STEP * COUNT))
    return np.ascontiguousarray(np.clip(still[:, STEP * number : STEP * number + 128], 0, 1))


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """Frames 11 to 14, and a recipe made of the second of them."""
    folder = tmp_path_factory.mktemp("shot")
    (folder / "frames").mkdir()
    for number in range(COUNT):
        write_picture(folder / "frames" / f"shot.{11 + number}.png", to_picture(panned(number)))
    editor = MatteEditor(read_image(folder / "frames" / "shot.12.png"))
    editor.stroke([(55, 60), (70, 75)], radius=6)
    (folder / "matte.json").write_text(json.dumps(editor.recipe()))
    return folder


def run(shot, out, *more):
    return main([str(shot / "frames"), "-o", str(out), "--sequence", *more])


def alpha(out, number):
    return cv2.imread(str(out / f"shot.{number}-matte-alpha.png"), -1) / 65535


def matte(shot):
    return "--matte", str(shot / "matte.json"), "--formats", "alpha,cryptomatte"


@pytest.fixture(scope="module")
def carried(shot, tmp_path_factory):
    """The recipe's matte in all frames."""
    folder = tmp_path_factory.mktemp("carried")
    assert run(shot, folder, *matte(shot)) == 0
    return folder


def test_a_matte_is_carried_both_ways_from_its_frame(shot, carried, tmp_path, capsys):
    shutil.copytree(carried, tmp_path, dirs_exist_ok=True)
    key = alpha(tmp_path, 12) > 0.5
    assert 0.05 < key.mean() < 0.9
    for number in (0, 2, 3):
        moved = np.roll(key, -STEP * (number - 1), axis=1)[:, 16:-16]
        assert iou(alpha(tmp_path, 11 + number)[:, 16:-16], moved) > 0.8, number
    said = [json.loads((tmp_path / f"shot.{11 + k}-matte.json").read_text()) for k in range(COUNT)]
    assert [entry["sequence"] for entry in said] == [{"name": "shot", "frame": 11 + k} for k in range(COUNT)]
    assert said[3]["source"] == "shot.14.png"
    assert said[0]["checkpoint"]["name"] == "sss_lite2.safetensors"
    whole = {number: (tmp_path / f"shot.{number}-matte-alpha.png").read_bytes() for number in range(11, 15)}
    capsys.readouterr()
    for lost in (14, 13):  # the run was stopped before these
        (tmp_path / f"shot.{lost}-matte.json").unlink()
    assert run(shot, tmp_path, *matte(shot), "--skip-existing") == 0
    assert "2 of 4 pictures written" in capsys.readouterr().out
    assert {n: (tmp_path / f"shot.{n}-matte-alpha.png").read_bytes() for n in whole} == whole


def test_a_stopped_run_makes_no_frame_twice(shot, carried, tmp_path, monkeypatch):
    call = (*matte(shot), "--quiet")
    made = []
    make = SequenceMatte._make

    def stop(self, index, before, progress):
        if len(made) == 2:
            raise KeyboardInterrupt
        made.append(index)
        return make(self, index, before, progress)

    monkeypatch.setattr(SequenceMatte, "_make", stop)
    assert run(shot, tmp_path / "out", *call) == 130
    assert made == [1, 2]

    def count(self, index, before, progress):
        made.append(index)
        return make(self, index, before, progress)

    monkeypatch.setattr(SequenceMatte, "_make", count)
    assert run(shot, tmp_path / "out", *call, "--skip-existing") == 0
    assert made[2:4] == [3, 1]  # the key frame again, for the way back
    for number in range(11, 15):
        name = f"shot.{number}-matte-alpha.png"
        assert (tmp_path / "out" / name).read_bytes() == (carried / name).read_bytes()


@pytest.mark.slow
def test_layers_keep_their_names_and_their_ids(shot, tmp_path):
    call = ("--layers", "3", "--size", "64", "--formats", "alpha,cryptomatte", "--names", "all around", "--quiet")
    assert run(shot, tmp_path, *call) == 0
    said = [json.loads((tmp_path / f"shot.{11 + k}-layers.json").read_text()) for k in range(COUNT)]
    names = [layer["name"] for layer in said[0]["layers"]]
    assert names[0] == "all around"
    assert all([layer["name"] for layer in entry["layers"]] == names for entry in said)
    shares = np.array([[layer["share"] for layer in entry["layers"]] for entry in said])
    assert np.abs(np.diff(shares, axis=0)).max() < 0.15  # what is called so is the same thing
    first = cv2.imread(str(tmp_path / "shot.11-all around-alpha.png"), -1) / 65535
    last = cv2.imread(str(tmp_path / "shot.14-all around-alpha.png"), -1) / 65535
    assert np.abs(np.roll(first, -3 * STEP, axis=1) - last)[:, 16:-16].mean() < 0.15


def test_a_video_and_a_broken_frame(shot, tmp_path, capsys):
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (128, 96))
    for number in range(3):
        writer.write(np.ascontiguousarray(to_picture(panned(number))[..., ::-1]))
    writer.release()
    out = tmp_path / "out"
    recipe = str(shot / "matte.json")
    call = [str(tmp_path / "clip.avi"), "-o", str(out), "--sequence", "--matte", recipe, "--formats", "alpha"]
    assert main(call) == 0  # found by its features: no frame of the video is the recipe's picture
    assert sorted(path.name for path in out.iterdir()) == sorted(
        [
            "clip-sequence.npz",
            *(f"clip.{k:04d}-matte{end}" for k in (1, 2, 3) for end in (".png", "-alpha.png", ".json")),
        ]
    )
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in (0, 1, 3):
        write_picture(frames / f"shot.{11 + number}.png", to_picture(panned(number)))
    (frames / "shot.12.png").write_bytes(b"no picture")
    capsys.readouterr()
    assert main([str(frames), "-o", str(out), "--sequence", "--layers", "2", "--size", "48", "--formats", "index"]) == 1
    said = capsys.readouterr().err
    assert re.search(r"failed: .*shot\.12\.png is not a picture", said)
    assert (out / "shot.14-index.png").is_file()
    assert "between 12 and 14" in said


def test_what_does_not_go_with_a_sequence(shot, tmp_path, capsys):
    for more, said in (
        (("--compare",), "--sequence and --compare do not go together"),
        (("--method", "spectral-matting"), "--sequence and --method do not go together"),
    ):
        with pytest.raises(SystemExit):
            run(shot, tmp_path, *more)
        assert said in capsys.readouterr().err
    recipe = json.loads((shot / "matte.json").read_text())
    for change, said in (
        ({"model": "ab" * 32}, "was made with the model abababab, got sss_lite2.safetensors ("),
        ({"version": 9}, "version 1, got 9"),
    ):
        (tmp_path / "matte.json").write_text(json.dumps({**recipe, **change}))
        assert run(shot, tmp_path, "--matte", str(tmp_path / "matte.json")) == 2
        assert said in capsys.readouterr().err
    whole = {"kind": "sss-features sequence", "version": 1, "frame": 12, "matte": recipe, "corrections": []}
    for change, said in (
        ({"frame": 3}, "of the frame 3, which the sequence does not have"),
        ({"corrections": [{"frame": 99, "steps": [], "backwards": False}]}, "corrects the frame 99"),
    ):
        (tmp_path / "matte.json").write_text(json.dumps({**whole, **change}))
        assert run(shot, tmp_path, "--matte", str(tmp_path / "matte.json")) == 2
        assert said in capsys.readouterr().err
    assert not list(tmp_path.glob("*-alpha.png"))
