"""The measures, against slow or obvious computations; and `sss-eval` on a small data set."""

from __future__ import annotations

import json
from itertools import combinations, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from made_sets import folder_set, save_map, scene, small_params
from PIL import Image

from sss_model.analysis.contact_sheet import ContactSheet, paint_labels
from sss_model.analysis.evaluate import Maps, PictureScores
from sss_model.analysis.metrics import best_match_iou, boundary_counts
from sss_model.commands.evaluate import main
from sss_model.datasets.border_sampling import choose_edge_pairs, label_boundaries
from sss_model.datasets.dataset import Example
from sss_model.datasets.pair_sampling import VOID, choose_probe
from sss_model.network.build import build_network
from sss_model.segmentation.clustering import kmeans
from sss_model.training.validation import drift, edge_auc, pair_auc
from sss_model.weights.checkpoint import write_checkpoint


def _slow_auc(features: np.ndarray, labels: np.ndarray) -> float:
    """Every pair of one label against every pair of two."""
    near, far = [], []
    for p, q in combinations(range(len(labels)), 2):
        (near if labels[p] == labels[q] else far).append(float(np.linalg.norm(features[p] - features[q])))
    won = sum((a < b) + 0.5 * (a == b) for a in near for b in far)
    return won / (len(near) * len(far))


@pytest.mark.parametrize("kind", ["random", "ties"])
def test_pair_auc_is_what_its_definition_says(kind: str) -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 25)
    features = rng.standard_normal((25, 4)) if kind == "random" else rng.integers(0, 2, (25, 2)).astype(float)
    expected = _slow_auc(features, labels)
    assert pair_auc(torch.from_numpy(features), torch.from_numpy(labels)) == pytest.approx(expected, abs=1e-12)


def test_pair_auc_at_its_ends() -> None:
    labels = torch.tensor([0, 0, 1, 1])
    assert pair_auc(torch.tensor([[0.0], [1.0], [10.0], [11.0]]), labels) == 1.0
    assert pair_auc(torch.zeros(4, 3), labels) == 0.5


def test_probe_leaves_void_and_small_labels_out() -> None:
    labels = np.full((30, 40), VOID, np.int32)
    labels[:10], labels[10:20], labels[20, :5] = 3, 4, 5
    probe = choose_probe(labels, np.random.default_rng(0), regions=8, pixels=80)
    assert probe is not None
    assert sorted(np.unique(probe.labels)) == [3, 4]
    assert np.bincount(probe.labels)[3:].tolist() == [80, 80]
    assert (labels[probe.points[:, 1], probe.points[:, 0]] == probe.labels).all()
    assert len(np.unique(probe.points, axis=0)) == 160
    labels[:10] = VOID
    assert choose_probe(labels, np.random.default_rng(0)) is None


def _quarters(height: int, width: int) -> np.ndarray:
    labels = np.zeros((height, width), np.int32)
    labels[: height // 2, width // 2 :] = 1
    labels[height // 2 :, : width // 2] = 2
    labels[height // 2 :, width // 2 :] = 3
    return labels


def test_edge_auc_is_what_its_definition_says() -> None:
    first, second = np.random.default_rng(0).integers(0, 3, (2, 40, 2)).astype(np.float32)
    same = np.arange(40) % 2 == 0
    distances = np.linalg.norm(first - second, axis=1)
    won = [(a < b) + 0.5 * (a == b) for a in distances[same] for b in distances[~same]]
    found = edge_auc(torch.from_numpy(first), torch.from_numpy(second), same)
    assert found == pytest.approx(np.mean(won))


def test_edge_auc_at_its_ends() -> None:
    labels = _quarters(320, 480)
    pairs = choose_edge_pairs(labels, np.random.default_rng(0))
    assert pairs is not None

    def score(values: np.ndarray) -> float:
        first, second = (torch.from_numpy(values[p[:, 1], p[:, 0]]) for p in (pairs.first, pairs.second))
        return edge_auc(first, second, pairs.same)

    assert score(np.eye(4)[labels]) == 1.0
    assert score(np.zeros((*labels.shape, 2))) == 0.5
    assert abs(score(np.random.default_rng(0).standard_normal((*labels.shape, 3))) - 0.5) < 0.05


def test_drift_is_the_spread_of_a_region_over_the_way_to_those_that_touch_it() -> None:
    labels = np.array([[0, 1, 2, VOID, 3]], np.int32).repeat(20, 0).repeat(10, 1)
    values = np.zeros((20, 50, 2), np.float32)
    values[:, 10:20, 0], values[:, 20:30, 0], values[:, 30:40], values[:, 40:, 0] = 4, 10, 1000, 99
    values[:10, :10, 1], values[10:, :10, 1] = 2, -2  # 2 from its mean, which is 4 from label 1
    values[:10, 20:30, 1], values[10:, 20:30, 1] = 3, -3  # 3 from its mean, which is 6 from label 1
    found = drift(values, labels)
    assert found == pytest.approx((2 / 4 + 0 / 5 + 3 / 6) / 3), "label 3 touches void only"
    assert drift(values, labels, min_share=0.3) is None
    assert drift(7 * values + 3, labels) == pytest.approx(found)
    assert drift(np.zeros_like(values), labels) is None, "no way to the neighbours"


def test_kmeans_finds_clumps_and_repeats() -> None:
    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(5), 60)
    values = (10 * np.eye(5)[kinds] + rng.standard_normal((300, 5))).astype(np.float32)
    centres, found = kmeans(values, 5, np.random.default_rng(0), starts=3)
    assert best_match_iou(found, kinds) == 1.0
    np.testing.assert_allclose(centres[found[::60]], 10 * np.eye(5), atol=1)
    np.testing.assert_array_equal(found, kmeans(values, 5, np.random.default_rng(0), starts=3)[1])
    assert len(kmeans(np.zeros((9, 2), np.float32), 3, np.random.default_rng(0))[0]) == 1


def test_more_starts_never_end_farther_from_their_centres() -> None:
    values = np.random.default_rng(3).standard_normal((200, 2)).astype(np.float32)

    def spread(starts: int) -> float:
        centres, found = kmeans(values, 12, np.random.default_rng(4), starts=starts)
        return float(np.square(values - centres[found]).sum())

    assert spread(6) < spread(1)


def test_best_match_is_the_best_over_all_assignments() -> None:
    rng = np.random.default_rng(1)
    labels, clusters = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    best = 0.0
    for order in permutations(range(4)):
        ious = [
            np.sum((labels == k) & (clusters == c)) / np.sum((labels == k) | (clusters == c))
            for k, c in enumerate(order)
        ]
        best = max(best, float(np.mean(ious)))
    assert best_match_iou(clusters, labels) == pytest.approx(best)


def test_boundaries_of_the_labels_themselves_score_full() -> None:
    labels = scene(0)[1].astype(np.int32)
    labels[labels == 255] = 0
    painted = np.eye(3, dtype=np.float32)[labels]
    assert boundary_counts(painted, labels).best_f() > 0.99
    shifted = np.roll(painted, 9, 1)
    assert boundary_counts(shifted, labels).best_f() < 0.75
    assert boundary_counts(np.zeros_like(painted), labels).best_f() == 0.0


def test_boundary_counts_agree_with_matching_pixel_by_pixel() -> None:
    rng = np.random.default_rng(0)
    labels = scene(1)[1].astype(np.int32)
    labels[labels == 255] = VOID
    values = rng.random((*labels.shape, 3)).astype(np.float32)
    from sss_model.analysis.metrics import THRESHOLDS, _ridges

    counts = boundary_counts(values, labels, tolerance=0.03)
    reach = 0.03 * np.hypot(*labels.shape)
    edge, void = label_boundaries(labels)
    yy, xx = np.mgrid[: labels.shape[0], : labels.shape[1]]

    def near(mask: np.ndarray) -> np.ndarray:
        if not mask.any():
            return np.zeros(mask.shape, bool)
        points = np.argwhere(mask)
        squared = (yy[..., None] - points[:, 0]) ** 2 + (xx[..., None] - points[:, 1]) ** 2
        return squared.min(2) <= reach**2

    clear = ~near(void)
    edge &= clear
    for k in (0, 30, 45):
        predicted = (_ridges(values) >= THRESHOLDS[k]) & clear
        assert counts.predicted[k] == predicted.sum()
        assert counts.hits[k] == (predicted & near(edge)).sum()
        assert counts.found[k] == (edge & near(predicted)).sum()
    assert counts.labelled == edge.sum()


def test_painted_labels_differ_and_void_is_black() -> None:
    labels = np.array([[VOID, 0, 1, 2, 90]], np.int32)
    painted = paint_labels(labels)[0]
    assert painted[0].tolist() == [0, 0, 0]
    assert len({tuple(c) for c in painted.tolist()}) == 5


@pytest.fixture
def model(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, build_network(small_params().network))
    return path


def test_the_command_reports_and_repeats(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = folder_set(tmp_path / "set", 6)
    words = [
        str(model),
        "--data",
        str(root),
        "--part",
        "all",
        "--limit",
        "3",
        "--radius",
        "2",
        "--device",
        "cpu",
        "--size",
        "native",
        "--json",
    ]
    assert main([*words, str(tmp_path / "a.json"), "--contact-sheet", str(tmp_path / "sheet.png")]) == 0
    text = capsys.readouterr().out
    assert main([*words, str(tmp_path / "b.json")]) == 0
    assert capsys.readouterr().out == text
    assert [line[8:22].strip() for line in text.splitlines()[1:]] == [
        "pair AUC",
        "edge AUC",
        "drift",
        "k-means mIoU",
        "boundary F",
    ]
    one, two = (json.loads((tmp_path / f"{k}.json").read_text(encoding="utf-8")) for k in "ab")
    assert one == two
    found = one["sets"][0]
    assert found["pictures"] == 3
    assert set(found["auc"]) == {"features", "pca", "filtered", "rgb", "taps"}
    assert found["auc"]["rgb"] > 0.95, "the regions are flat colours"
    assert found["edge_auc"]["rgb"] > 0.95
    assert set(found["edge_auc"]) == set(found["auc"])
    assert found["drift"]["rgb"] < 0.5
    assert found["clusters"]["rgb"] > 0.8
    assert set(found["boundary_f"]) == {"pca", "filtered", "rgb"}
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 900


def test_pictures_that_cannot_be_measured_are_named(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder_set(tmp_path / "set", 3)
    save_map(root / "labels" / "view1x.png", np.full((48, 64), 255, np.uint8))
    words = [str(model), "--data", str(root), "--part", "all", "--radius", "2", "--device", "cpu", "--size=native"]
    assert main(words) == 1
    assert "view1x.png is empty" in capsys.readouterr().err
    assert main([*words, "--on-bad", "skip"]) == 0
    out, err = capsys.readouterr()
    assert "left out" in err
    assert out.splitlines()[1].split()[-1] == "2"


def test_size_and_scales_reach_the_network_and_the_record(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = folder_set(tmp_path / "set", 2)
    words = [str(model), "--data", str(root), "--part=all", "--radius=2", "--device=cpu", "--json"]
    tables = []
    for k, more in enumerate((["--size=native"], ["--size=48"], ["--size=48", "--scales=1,2"])):
        assert main([*words, str(tmp_path / f"{k}.json"), *more]) == 0
        tables.append(capsys.readouterr().out)
    assert len(set(tables)) == 3
    record = json.loads((tmp_path / "2.json").read_text(encoding="utf-8"))
    assert record["grid"] == {"size": "48", "scales": [1, 2]}
    assert record["filter"]["radius"] == 2
    first = [json.loads((tmp_path / f"{k}.json").read_text(encoding="utf-8"))["sets"][0]["auc"]["rgb"] for k in (0, 2)]
    assert first[0] == first[1], "colours are compared at the picture's own pixels at any size"
    assert main([*words, str(tmp_path / "a.json"), "--size=huge"]) == 2
    assert "auto, native, or a whole number" in capsys.readouterr().err


def test_two_sets_of_one_folder_name_are_told_apart(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roots = [folder_set(tmp_path / name / "set", 2) for name in ("one", "two")]
    words = [
        str(model),
        *(f"--data={root}" for root in roots),
        "--part",
        "all",
        "--radius",
        "2",
        "--device",
        "cpu",
        "--size=native",
    ]
    assert main([*words, "--json", str(tmp_path / "a.json")]) == 0
    said = capsys.readouterr().err  # progress shows when piped too
    assert all(f"{name}/set: 100%" in said for name in ("one", "two"))
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    assert list(found["pictures"]) == [s["name"] for s in found["sets"]] == ["one/set", "two/set"]


def test_every_measure_says_how_many_pictures_it_is_of(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A picture of one label says nothing; one with a label too small for pair AUC has clusters and a boundary."""
    root = folder_set(tmp_path / "set", 4)
    labels = np.zeros((48, 64), np.uint8)
    save_map(root / "labels" / "view1x.png", labels)
    labels[:5, :5] = 1
    save_map(root / "labels" / "view2x.png", labels)
    words = [str(model), "--data", str(root), "--part", "all", "--radius", "2", "--device", "cpu", "--size=native"]
    assert main([*words, "--json", str(tmp_path / "a.json")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:]] == ["2", "3", "3", "3", "3"]
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["sets"][0]
    assert found["pictures"] == 4
    assert found["counted"] == {"auc": 2, "edge_auc": 3, "drift": 3, "clusters": 3, "clicks": 0, "boundary_f": 3}


def test_clicks_are_measured_where_a_set_knows_things(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, mattes = folder_set(tmp_path / "set", 3), tmp_path / "mattes"
    for k in range(2):
        picture, labels = scene(k)
        mattes.mkdir(exist_ok=True)
        Image.fromarray(picture).save(mattes / f"m{k}.jpg")
        save_map(mattes / f"m{k}.mask.png", np.where(labels == 2, 255, 0).astype(np.uint8))
    words = [str(model), "--data", str(root), "--data", f"inst:{root}", "--data", str(mattes), "--holdout", "0.9"]
    words += ["--radius", "2", "--device", "cpu", "--size=native", "--click-side", "64", "--json"]
    assert main([*words, str(tmp_path / "a.json")]) == 0
    text = capsys.readouterr().out
    plain, things, masks = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["sets"]
    assert plain["clicks"] == {}
    assert plain["counted"]["clicks"] == 0
    assert set(things["clicks"]) == set(things["click"]) == {"features", "pca", "filtered", "rgb", "taps"}
    assert things["clicks"]["rgb"] > 0.8, "the things are flat colours"
    assert masks["pictures"] == masks["counted"]["clicks"] == 2
    assert "5 clicks IoU" in text
    assert main([*words, str(tmp_path / "b.json"), "--things", "0"]) == 0
    assert "click" not in capsys.readouterr().out


def test_the_models_own_backbone_is_not_called_untouched(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        str(model),
        "--data",
        str(folder_set(tmp_path / "set", 2)),
        "--part",
        "all",
        "--device",
        "cpu",
        "--size=native",
    ]
    heads = []
    for more in ([], ["--taps", str(model)]):
        assert main([*words, *more]) == 0
        heads.append(" ".join(capsys.readouterr().out.splitlines()[0].split()))
    assert [head.removesuffix(" pictures").split(" rgb ")[1] for head in heads] == ["own taps", "taps"]


def test_what_was_asked_wrongly_leaves_with_2(model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(model), "--data", str(tmp_path / "none")]) == 2
    assert "no data set at" in capsys.readouterr().err
    assert (
        main([str(tmp_path / "none.safetensors"), "--data", str(folder_set(tmp_path / "set", 2)), "--part", "all"]) == 2
    )
    assert "no model file" in capsys.readouterr().err


def test_a_sheet_of_many_rows_is_read_down_its_first_column(tmp_path: Path) -> None:
    sheet = ContactSheet(limit=13)
    for k in range(14):
        picture = Image.new("RGB", (60, 40), (10 * k, 0, 0))
        example = Example(f"set/{k}", picture, np.zeros((40, 60), np.int32), np.zeros((40, 60), np.int32))
        plain = np.zeros((40, 60, 3), np.float32)
        sheet.add(Maps(example, plain, plain, plain), PictureScores(example.name))
    sheet.write(tmp_path / "sheet.png")
    page = np.asarray(Image.open(tmp_path / "sheet.png"))
    height, width = page.shape[0] // 7, page.shape[1] // 2
    reds = [[int(page[row * height + 40, column * width + 20, 0]) for column in (0, 1)] for row in range(7)]
    assert reds == [[10 * k, 10 * (k + 7) if k < 6 else 255] for k in range(7)]


def test_outputs_that_cannot_be_written_are_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for option in ("--json", "--contact-sheet"):
        assert main(["--data", str(tmp_path / "gone"), option, str(tmp_path / "none" / "a")]) == 1
        assert "a cannot be written: its folder does not exist. Make the folder first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
