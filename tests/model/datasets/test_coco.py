"""COCO's outlines: polygons, plain and compressed run lengths."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sets import SIZE, coco_json

from sss_model.datasets.coco import decode_runs, decompress_runs, instance_mask, read_instances, read_panoptic
from sss_model.errors import DatasetError


def _runs(mask: np.ndarray) -> list[int]:
    """Column-wise run lengths, beginning outside: the slow way."""
    runs, last, count = [], False, 0
    for value in mask.T.ravel().tolist():
        if value != last:
            runs.append(count)
            last, count = value, 0
        count += 1
    return [*runs, count]


def _compress(runs: list[int]) -> str:
    """COCO's compression, from its description: signed differences, five bits a character, low ones first."""
    text = ""
    for k, run in enumerate(runs):
        value = run - runs[k - 2] if k > 2 else run
        more = True
        while more:
            digit = value & 0x1F
            value >>= 5
            more = not (value == 0 and not digit & 0x10) and not (value == -1 and digit & 0x10)
            text += chr(48 + (digit | (0x20 if more else 0)))
    return text


@pytest.mark.parametrize("seed", range(6))
def test_run_lengths_come_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.random((7, 5)) < 0.5, np.ones((seed * 9 + 1, 3))).astype(bool)
    size = (mask.shape[0], mask.shape[1])
    runs = _runs(mask)
    np.testing.assert_array_equal(decode_runs(runs, size, size), mask)
    assert decompress_runs(_compress(runs)) == runs
    for counts in (runs, _compress(runs), _compress(runs).encode()):
        np.testing.assert_array_equal(instance_mask({"counts": counts, "size": list(size)}, size), mask)


def test_polygons_fill_the_pixels_whose_centres_they_hold() -> None:
    square = [[2.0, 1.0, 6.0, 1.0, 6.0, 4.0, 2.0, 4.0]]
    expected = np.zeros((6, 9), bool)
    expected[1:4, 2:6] = True
    np.testing.assert_array_equal(instance_mask(square, (6, 9)), expected)
    shifted = [[v + 0.4 for v in square[0]]]  # by less than half a pixel: the same centres
    np.testing.assert_array_equal(instance_mask(shifted, (6, 9)), expected)


def test_several_polygons_make_one_mask() -> None:
    parts = [[0.0, 0.0, 2.0, 0.0, 2.0, 2.0, 0.0, 2.0], [6.0, 3.0, 9.0, 3.0, 9.0, 6.0, 6.0, 6.0]]
    found = instance_mask(parts, (6, 9))
    assert found[0, 0]
    assert found[5, 8]
    assert not found[5, 0]


@pytest.mark.parametrize(
    ("outline", "match"),
    [
        ("text", "polygons or run lengths, got str"),
        ({"counts": [3, 3], "size": [2, 2]}, "cover 6 pixels"),
        ({"counts": [16], "size": [4, 4]}, r"expected 4 of \(2, 2\)"),
        ({"counts": "o", "size": [2, 2]}, "end in the middle"),
    ],
)
def test_broken_outlines_are_refused(outline: object, match: str) -> None:
    with pytest.raises(DatasetError, match=match):
        instance_mask(outline, (2, 2))


@pytest.mark.parametrize("reader", [read_instances, read_panoptic])
@pytest.mark.parametrize("text", ["{", "[]", '{"annotations": [{"x": 1}]}'])
def test_other_json_is_refused(reader: object, text: str, tmp_path: Path) -> None:
    path = tmp_path / "instances_x.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DatasetError, match=r"cannot be read|must hold|is missing"):
        reader(path)  # type: ignore[operator]


def test_an_object_bears_the_number_of_the_label_maps(tmp_path: Path) -> None:
    missing = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    path = tmp_path / "instances_x.json"
    coco_json(
        path, ["5"], [{"image_id": 5, "category_id": 90, "segmentation": []}],
        categories=tuple(k for k in range(1, 91) if k not in missing),
    )  # fmt: skip
    for train_ids, label in ((False, 89), (True, 79)):
        described = read_instances(path, train_ids=train_ids)["5"]
        assert ([i.label for i in described.instances], described.size) == ([label], SIZE)
