"""What pairs of things are to training: the same, different, or not compared, by a set's kind and `contrast`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sets import SIZE, coco_json, cocostuff_set, open_set, save_map, scene, small_params

from sss_model.datasets.dataset import Dataset
from sss_model.datasets.pair_sampling import VOID
from sss_model.training.data_loading import Batch, BatchDataset


def _marked(root: Path, kind: str) -> Dataset:
    """Six pictures: two squares, numbered 1 and 2 as things or 1 and 1 as a class, on 0."""
    for k in range(6):
        labels = np.zeros(SIZE, np.uint8)
        labels[4:24, 4:24] = 1
        labels[20:44, 36:60] = 1 if kind == "class" else 2
        save_map(root / "images" / f"p{k}a.png", scene(k)[0])
        save_map(root / "labels" / f"p{k}a.png", labels)
    return open_set(root, kind, void=(0,) if kind == "class" else None)


def _batches(data: Dataset, contrast: str) -> list[Batch]:
    sampling = {"contrast": contrast, "min_area": 20, "border_windows": 6, "border_radius": 14, "border_pixels": 24}
    params = small_params(sampling=sampling, augment={"crop": 0, "scale_low": 1.0, "scale_high": 1.0, "mirror": 0.0})
    return [BatchDataset([data], params)[k] for k in range(8)]


def _relations(labels: np.ndarray, parts: np.ndarray, owner: np.ndarray) -> set[tuple[int, int, str]]:
    """What the loss makes of the pixels of two things: owners (least first) and same, different or nothing."""
    told = set()
    for row in range(len(labels)):
        for p in np.unique(owner[row]):
            for q in np.unique(owner[row]):
                one, two = np.flatnonzero(owner[row] == p)[0], np.flatnonzero(owner[row] == q)[-1]
                if labels[row, one] != labels[row, two]:
                    told.add((min(p, q), max(p, q), "different"))
                elif labels[row, one] != VOID and parts[row, one] == parts[row, two]:
                    told.add((min(p, q), max(p, q), "same"))
                else:
                    told.add((min(p, q), max(p, q), "nothing"))
    return told


def _owners(points: np.ndarray) -> np.ndarray:
    x, y = points[..., 0], points[..., 1]
    first, second = (x < 24) & (x >= 4) & (y >= 4) & (y < 24), (x >= 36) & (x < 60) & (y >= 20) & (y < 44)
    return np.where(first, 1, np.where(second, 2, 0))


@pytest.mark.parametrize(
    ("kind", "contrast", "between"),
    [
        ("inst", "instance", "different"),
        ("inst", "class", "nothing"),
        ("inst", "unnamed", "different"),
        ("class", "class", "nothing"),
        ("class", "instance", "nothing"),
    ],
)
def test_two_things_of_one_picture(kind: str, contrast: str, between: str, tmp_path: Path) -> None:
    told = set()
    for batch in _batches(_marked(tmp_path / "set", kind), contrast):
        told |= _relations(batch.labels, batch.parts, _owners(batch.points))
        told |= _relations(batch.windows.labels, batch.windows.parts, _owners(batch.windows.points))
    same, rest = {(1, 1, "same"), (2, 2, "same")}, {(0, 1, "different"), (0, 2, "different"), (0, 0, "nothing")}
    assert told == {*same, *rest, (1, 2, between)}


@pytest.mark.parametrize(("contrast", "between"), [("class", "same"), ("unnamed", "same"), ("instance", "different")])
def test_two_things_of_a_known_class(contrast: str, between: str, tmp_path: Path) -> None:
    labels = np.full(SIZE, 255, np.uint8)
    labels[4:24, 4:24], labels[20:44, 36:60] = 17, 17
    root = cocostuff_set(tmp_path, {"000000000009": labels, "000000000025": labels})
    outlines = [[4, 4, 24, 4, 24, 24, 4, 24], [36, 20, 60, 20, 60, 44, 36, 44]]
    notes = [
        {"image_id": image, "category_id": 18, "segmentation": [outline]} for image in (9, 25) for outline in outlines
    ]
    coco_json(root / "annotations" / "instances_train2017.json", ["000000000009", "000000000025"], notes)
    data = open_set(root)
    assert data.knows_instances
    assert len(data.objects(data.read(0))) == 2
    told = set()
    for batch in _batches(data, contrast):
        told |= _relations(batch.labels, batch.parts, _owners(batch.points))
    assert (1, 2, between) in told
    assert not {(1, 2, other) for other in ("same", "different", "nothing") if other != between} & told


def test_pasted_things_are_things_of_their_own(tmp_path: Path) -> None:
    data = _marked(tmp_path / "set", "inst")
    params = small_params(augment={"paste": 1.0, "crop": 0}, sampling={"contrast": "instance", "instances": 9})
    batches = BatchDataset([data], params)
    assert max(len(np.unique(batches[k].labels)) for k in range(8)) > 3, "two things, the rest, and what was pasted"
