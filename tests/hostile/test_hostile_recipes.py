"""Recipes of mattes, files of taught classes, and sequences that say something else than they should."""

from __future__ import annotations

import io
import json
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of

from sss_model.classes import FeatureSource, TaughtClasses, class_file, load_classes, save_classes
from sss_model.matting import MatteEditor
from sss_model.params.layers import MatteParams
from sss_model.sequence import Carried, LayerTracks, SequenceError, load_state, open_frames, save_state
from sss_model.storage.json_file import parse_json

H, W = 40, 56


@cache
def scene() -> np.ndarray:
    """A warm rectangle before a cold ground, with noise; its colours are its features."""
    image = np.full((H, W, 3), (0.2, 0.3, 0.5), np.float32)
    image[12:28, 16:36] = (0.8, 0.5, 0.2)
    return np.clip(image + np.random.default_rng(0).normal(0, 0.02, image.shape), 0, 1).astype(np.float32)


@cache
def recipe_text() -> str:
    editor = MatteEditor(scene(), scene())
    editor.params = MatteParams(feather=1.0)
    editor.click(25, 20)
    editor.stroke([(2, 2), (50, 3)], keep=False, radius=2)
    editor.box(10, 8, 40, 32)
    return json.dumps(editor.recipe())


def try_recipe(rng: np.random.Generator, folder: Path) -> None:
    """A recipe, sound or mutated; what is taken makes a matte, and a recipe that is taken again."""
    sound = rng.random() < 0.2
    text = recipe_text() if sound else json_of(json.loads(recipe_text()), rng)
    values = parse_json(text, MatteError, noun="The recipe")
    image = scene() if rng.random() < 0.7 else np.ascontiguousarray(scene()[:, ::-1])
    editor = MatteEditor.from_recipe(image, values, image)
    alpha = editor.alpha
    assert alpha.shape == (H, W)
    assert np.isfinite(alpha).all()
    assert 0 <= alpha.min() <= alpha.max() <= 1
    if sound:
        inside = alpha[14:26, 18:34] if image is scene() else alpha[14:26, W - 34 : W - 18]
        assert inside.mean() > 0.9, "another matte than was made"
    again = MatteEditor.from_recipe(image, json.loads(json.dumps(editor.recipe())), image)
    assert np.abs(again.alpha - alpha).max() < 0.02, "another matte the second time"


class MatteError(class_file.ClassFileError):
    """A recipe that is no JSON."""


@cache
def taught() -> TaughtClasses:
    classes = TaughtClasses(FeatureSource(3, "m", "0" * 64, "b", "640", (1.0,)), ("thing", "ground"))
    for name, points in {"thing": [(20, 16), (30, 24)], "ground": [(3, 3), (50, 4)]}.items():
        classes = classes.with_stroke(name, points, radius=2, features=scene(), size=(H, W), picture="a.png")
    return classes


def try_classes(rng: np.random.Generator, folder: Path) -> None:
    """A file of classes, whose check sum may fit whatever it holds."""
    path = folder / "a.json"
    save_classes(path, taught())
    sound = rng.random() < 0.2
    if not sound:
        path.write_bytes(json_of(json.loads(path.read_text()), rng).encode("utf-8", "surrogatepass"))
    lying = mock.patch.object(class_file, "_checksum", return_value=Same())
    with lying if rng.random() < 0.8 else mock.patch.object(class_file, "VERSION", class_file.VERSION):
        classes = load_classes(path)
    assert len(set(classes.names)) == len(classes.names)
    if classes.source.channels == 3:
        shares = classes.classifier.probabilities(scene())
        assert np.isfinite(shares).all()
        if sound:
            assert (shares[14:26, 18:34].argmax(axis=-1) == 0).all(), "another class than was taught"
    save_classes(folder / "b.json", classes)
    assert load_classes(folder / "b.json").names == classes.names


class Same(str):
    """A check sum that equals every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = str.__hash__


def try_state(rng: np.random.Generator, folder: Path) -> None:
    """What a stopped sequence goes on from: whole, or none, never a half."""
    path, image = folder / "state.npz", scene()
    states: list[Any] = [
        Carried(image, image[..., :1], image[..., 0], None),
        LayerTracks(image, np.full((H, W, 2), 0.5, np.float32), image),
    ]
    state = states[int(rng.integers(0, 2))]
    save_state(path, "so", 7, state)
    sound = rng.random() < 0.2
    if not sound:
        path.write_bytes(damaged(path.read_bytes(), rng, reach=2000))
    found = load_state(path, "so")
    assert found is not None or not sound
    if found is not None:
        assert isinstance(found[1], Carried | LayerTracks)
        assert found[0] == 7 or not sound
        assert not sound or np.array_equal(found[1].guide, image)
    assert load_state(path, "otherwise") is None


@cache
def video_bytes() -> bytes:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        file = cv2.VideoWriter(f"{folder}/a.avi", cv2.VideoWriter.fourcc(*"MJPG"), 25, (W, H))
        for _ in range(4):
            file.write((scene()[..., ::-1] * 255).astype(np.uint8))
        file.release()
        return Path(folder, "a.avi").read_bytes()


def try_frames(rng: np.random.Generator, folder: Path) -> None:
    """Frames of which some are damaged or of another size, and videos."""
    for old in folder.iterdir():
        old.unlink()
    if rng.random() < 0.4:
        path = folder / "a.avi"
        path.write_bytes(video_bytes() if rng.random() < 0.2 else damaged(video_bytes(), rng, reach=4000))
        paths = [path]
    else:
        paths = [folder / f"shot.{number}.png" for number in rng.choice(2000, int(rng.integers(1, 5)), replace=False)]
        for path in paths:
            picture = scene() if rng.random() < 0.8 else scene()[:-1]
            data = io.BytesIO(cv2.imencode(".png", (picture * 255).astype(np.uint8))[1].tobytes()).getvalue()
            path.write_bytes(data if rng.random() < 0.7 else damaged(data, rng))
    frames = open_frames(paths)
    assert frames.numbers == sorted(set(frames.numbers))
    for index in range(min(len(frames.numbers), 6)):
        try:
            image = frames.read(index)
        except SequenceError:
            continue
        assert image.ndim == 3
        assert np.isfinite(image).all()


KINDS = [
    Kind("matte recipe", try_recipe),
    Kind("taught classes", try_classes),
    Kind("sequence state", try_state),
    Kind("frames and videos", try_frames),
]


@pytest.mark.filterwarnings("ignore")
def test_some_trials_of_each(tmp_path: Path) -> None:
    rows = check_kinds(KINDS, tmp_path, 10, seed=0)
    assert all(row.worked for row in rows)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_hundreds_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 200, seed=1, apart=True)
