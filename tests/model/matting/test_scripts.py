"""The scripts of `packaging` that measure mattes and teach their judge, on a made picture."""

from __future__ import annotations

from dataclasses import replace

import evaluate_mattes as evaluate
import numpy as np
import pytest
import train_matting as train
from PIL import Image

from sss_model.matting.judge import read_judge
from sss_model.matting.parts import cut_parts
from sss_model.matting.steps import stroke_at


@pytest.fixture
def image() -> np.ndarray:
    image = np.full((96, 128, 3), 0.3, np.float32)
    image[30:70, 40:90] = (0.9, 0.4, 0.1)
    return image + np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)


@pytest.fixture
def inside() -> np.ndarray:
    mask = np.zeros((96, 128), bool)
    mask[30:70, 40:90] = True
    return mask


@pytest.fixture
def truth(image, inside) -> evaluate.Truth:
    return evaluate.Truth("objects", "made", image, inside.astype(np.float32), np.ones_like(inside), None, ())


def test_the_truth_has_no_error_and_its_inverse_the_most(truth, inside) -> None:
    right = evaluate.scores(inside.astype(np.float32), truth, 0.0)
    assert (right.sad, right.mse, right.grad, right.conn, right.iou, right.border) == (0, 0, 0, 0, 1, 1)
    wrong = evaluate.scores(1 - inside.astype(np.float32), truth, 0.0)
    assert wrong.sad == pytest.approx(1000)
    assert wrong.iou == 0


def test_the_gradients_filters_are_of_unit_length(truth) -> None:
    none, dot = np.zeros((96, 128), np.float32), np.zeros((96, 128), np.float32)
    dot[50, 60] = 1
    empty = replace(truth, alpha=none)
    assert evaluate.scores(dot, empty, 0.0).grad == pytest.approx(2 / (96 * 128 / 1000))


def test_what_hangs_apart_is_disconnected_however_much_of_it_is_right(truth, inside) -> None:
    alpha = inside.astype(np.float32)
    both = alpha.copy()
    both[5:15, 100:110] = 1  # another part, which the truth has too
    half = alpha.copy()
    half[5:15, 100:110] = 0.5
    score = evaluate.scores(half, replace(truth, alpha=both), 0.0)
    assert score.conn == pytest.approx(0.5 * 100 / (96 * 128 / 1000))
    assert evaluate.scores(both, replace(truth, alpha=both), 0.0).conn == 0


def test_the_user_clicks_where_most_is_wrong(truth, inside) -> None:
    assert evaluate.first_click(truth)[2]
    alpha = inside.astype(np.float32)
    assert evaluate.next_click(alpha, truth) is None
    alpha[5:15, 100:110] = 1
    x, y, keep = evaluate.next_click(alpha, truth)
    assert (100 <= x < 110, 5 <= y < 15, keep) == (True, True, False)
    alpha[32:60, 45:80] = 0
    assert evaluate.next_click(alpha, truth)[2]


def test_strokes_of_people_are_drawn_again_as_they_were() -> None:
    scribbles = np.zeros((80, 90), np.uint8)
    for points, keep in (([(10, 10), (40, 30), (20, 60)], True), ([(60, 10), (80, 70)], False)):
        scribbles[stroke_at(points, keep, 3, (80, 90)).mask((80, 90))] = 255 if keep else 128
    again = np.zeros_like(scribbles)
    for points, keep, radius in evaluate.human_strokes(scribbles):
        again[stroke_at(points, keep, radius, (80, 90)).mask((80, 90))] = 255 if keep else 128
    assert (again == scribbles)[scribbles > 0].mean() > 0.9
    assert (again == scribbles)[again > 0].mean() > 0.75
    assert not (again[scribbles == 128] == 255).any()


def test_a_table_of_a_folder(tmp_path, image, inside, capsys, monkeypatch) -> None:
    folder = tmp_path / "mattes" / "objects"
    folder.mkdir(parents=True)
    Image.fromarray((image.clip(0, 1) * 255).astype(np.uint8)).save(folder / "a.jpg", quality=95)
    Image.fromarray(inside.astype(np.uint8) * 255).save(folder / "a.mask.png")
    scribbles = np.zeros(inside.shape, np.uint8)
    scribbles[48:52, 50:80], scribbles[10:13, 5:120] = 255, 128
    Image.fromarray(scribbles).save(folder / "a.scribbles1.png")
    kept = tmp_path / "features"
    kept.mkdir()
    np.save(kept / "objects-a.npy", image.astype(np.float16))
    results = tmp_path / "results.jsonl"
    call = ["x", str(folder.parent), "--features", str(kept), "--results", str(results)]
    monkeypatch.setattr("sys.argv", [*call, "--tools", "ours"])
    assert evaluate.main() == 0
    monkeypatch.setattr("sys.argv", call)
    assert evaluate.main() == 0
    assert len(results.read_text(encoding="utf-8").splitlines()) == 2
    table = capsys.readouterr().out
    rows = {line[:26].strip(): line.split() for line in table.splitlines()}
    assert float(rows["ours, clicks"][-9]) > 0.95
    assert {"ours, box + clicks", "ours, strokes 1", "GrabCut, clicks", "k-means, best of 5"} <= set(rows)


def test_a_judge_is_taught_and_written(tmp_path, image, inside, monkeypatch) -> None:
    monkeypatch.setattr(train, "BATCH", 64)
    for name in ("images", "labels"):
        (tmp_path / "set" / name).mkdir(parents=True)
    Image.fromarray((image.clip(0, 1) * 255).astype(np.uint8)).save(tmp_path / "set" / "images" / "a.jpg", quality=95)
    Image.fromarray(inside.astype(np.uint8)).save(tmp_path / "set" / "labels" / "a.png")
    kept = tmp_path / "features"
    kept.mkdir()
    np.save(kept / "set-a.npy", image.astype(np.float16))
    out = tmp_path / "judge.safetensors"
    call = [str(tmp_path / "set"), "--rounds", "2", "--epochs", "2", "--features", str(kept), "--out", str(out)]
    monkeypatch.setattr("sys.argv", ["x", *call])
    assert train.main() == 0
    judge = read_judge(out)
    assert [weights.shape[1] for weights, _ in judge.layers] == [72, 72, 1]


def test_a_joined_judge_answers_with_the_mean() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(300, 4)).astype(np.float32)
    samples = [train.Sample(values, (values[:, 0] > 0).astype(float), np.ones(300))]
    judges = [train.taught(samples, 4, seed) for seed in (0, 1)]
    expected = np.mean([judge.odds(values) for judge in judges], axis=0)
    np.testing.assert_allclose(train.joined(judges).odds(values), expected, atol=1e-4)


def test_a_part_of_a_picture_is_what_cutting_it_would_give(image, inside) -> None:
    image, inside = (plane.repeat(3, axis=0).repeat(3, axis=1) for plane in (image, inside))
    parts = cut_parts(image, image)
    whole = train.target(parts, inside, np.ones_like(inside))
    cuts = (train.part_of(whole, np.random.default_rng(seed)) for seed in range(20))
    part = next(cut for cut in cuts if cut is not None)
    h, w = part.parts.size
    assert part.inside.shape == (h // 2, w // 2)
    assert part.parts.shares.sum() == pytest.approx(1)
    assert part.parts.shares @ (part.parts.scaled**2).mean(1) == pytest.approx(1)
    assert part.labels.max() < part.parts.count
