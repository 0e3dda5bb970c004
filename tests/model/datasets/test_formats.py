"""Which format a folder has, which pictures and label maps it pairs, and what it says of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_sets import SIZE, coco_json, cocostuff_set, folder_set, open_set, save_jpeg, save_map
from PIL import Image

from sss_model.datasets.dataset import describe, open_dataset
from sss_model.datasets.formats import detect
from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import DatasetError
from sss_model.params import DataSource


def test_cocostuff_with_instances(tmp_path: Path) -> None:
    labels = np.full(SIZE, 255, np.uint8)
    labels[10:30, 5:25] = 17
    labels[10:30, 40:60] = 17
    labels[35:, :] = 123
    root = cocostuff_set(tmp_path, {"000000000009": labels})
    boxes = [[5, 10, 25, 10, 25, 30, 5, 30], [40, 8, 62, 8, 62, 32, 40, 32]]
    coco_json(
        root / "annotations" / "instances_train2017.json", ["000000000009"],
        [{"image_id": 9, "category_id": 18, "segmentation": [box]} for box in boxes],
    )  # fmt: skip
    data = open_set(root)
    assert data.kind == "cocostuff"
    example = data.read(0)
    np.testing.assert_array_equal(example.labels, np.where(labels == 255, VOID, labels.astype(np.int32)))
    left, right, stuff = (example.regions[20, 10], example.regions[20, 50], example.regions[40, 3])
    assert len({int(left), int(right), int(stuff)}) == 3
    assert (example.regions[labels == 17][:20] == left).all()
    assert example.labels[9, 50] == VOID, "an outline does not label what the map leaves void"


def test_cocostuff_train_ids(tmp_path: Path) -> None:
    data = open_set(cocostuff_set(tmp_path, {"7_labelTrainIds": np.full(SIZE, 170, np.uint8)}))
    assert data.items[0].stem == "7"
    assert (data.read(0).labels == 170).all()


def test_full_labels_are_preferred_to_train_ids(tmp_path: Path) -> None:
    maps = {"7": np.full(SIZE, 181, np.uint8), "7_labelTrainIds": np.full(SIZE, 170, np.uint8)}
    assert (open_set(cocostuff_set(tmp_path, maps)).read(0).labels == 181).all()


def test_the_training_split_is_the_default(tmp_path: Path) -> None:
    cocostuff_set(tmp_path, {"1": np.zeros(SIZE, np.uint8)})
    cocostuff_set(tmp_path, {"2": np.zeros(SIZE, np.uint8)}, "val2017")
    assert [i.stem for i in open_set(tmp_path).items] == ["1"]
    assert [i.stem for i in open_set(tmp_path, splits=("val2017",)).items] == ["2"]
    with pytest.raises(DatasetError, match="has no split test2017; it has train2017, val2017"):
        open_set(tmp_path, splits=("test2017",))


@pytest.mark.parametrize(("make", "match"), [(True, "format .* is not known"), (False, "no data set at")])
def test_what_is_no_data_set(tmp_path: Path, make: bool, match: str) -> None:
    root = tmp_path / "x"
    if make:
        root.mkdir()
    with pytest.raises(DatasetError, match=match):
        detect(root)


def test_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No picture with labels"):
        open_set(folder_set(tmp_path, 0))
    with pytest.raises(DatasetError, match="No kind of data set is called 'film'"):
        open_set(tmp_path, "film")


@pytest.mark.parametrize("described", [False, True])
def test_stuff_maps_unpacked_into_annotations(tmp_path: Path, described: bool) -> None:
    for split, stem in (("train2017", "1"), ("val2017", "2")):
        save_jpeg(tmp_path / "images" / split / f"{stem}.jpg")
        save_map(tmp_path / "annotations" / split / f"{stem}.png", np.full(SIZE, 17, np.uint8))
    box = [5, 10, 25, 10, 25, 30, 5, 30]
    if described:
        coco_json(
            tmp_path / "annotations" / "instances_train2017.json", ["1"],
            [{"image_id": 1, "category_id": 18, "segmentation": [box]}],
        )  # fmt: skip
    data = open_set(tmp_path)
    assert (data.kind, [i.stem for i in data.items]) == ("cocostuff", ["1"])
    example = data.read(0)
    assert (example.labels == 17).all()
    assert len(np.unique(example.regions)) == 1 + described
    assert [i.stem for i in open_set(tmp_path, splits=("val2017",)).items] == ["2"]


@pytest.mark.parametrize("maps", ["annotations/train2017", "stuffthingmaps_trainval2017/train2017", "annotations"])
def test_one_coding_of_two_is_read(tmp_path: Path, maps: str) -> None:
    pictures = tmp_path / "images" / ("train2017" if "train" in maps else "")
    for stem in "123":
        save_jpeg(pictures / f"{stem}.jpg")
        save_map(tmp_path / maps / f"{stem}.png", np.full(SIZE, 181, np.uint8))
        for suffix in ("labelTrainIds", "instanceTrainIds"):
            save_map(tmp_path / maps / f"{stem}_{suffix}.png", np.full(SIZE, 170, np.uint8))
    data = open_set(tmp_path)
    assert ([i.stem for i in data.items], data.problems) == (["1", "2", "3"], [])
    assert (data.read(0).labels == 181).all()
    assert "plain maps, not labelTrainIds" in describe([data])[0]
    for stem in "123":
        (tmp_path / maps / f"{stem}.png").unlink()
    data = open_set(tmp_path)
    assert ([i.stem for i in data.items], data.problems) == (["1", "2", "3"], [])
    assert (data.read(0).labels == 170).all()
    assert ", labelTrainIds)" in describe([data])[0]


def test_codings_are_not_mixed(tmp_path: Path) -> None:
    maps = {"7": np.full(SIZE, 181, np.uint8), "8_labelTrainIds": np.full(SIZE, 170, np.uint8)}
    data = open_dataset(DataSource(str(cocostuff_set(tmp_path, maps))), on_bad="skip")
    assert [i.stem for i in data.items] == ["7"]
    assert [(path.name, why) for path, why in data.problems] == [("8.jpg", "has no label map")]


@pytest.mark.parametrize("kind", ["auto", "cocostuff"])
def test_packed_maps_must_be_unpacked(tmp_path: Path, kind: str) -> None:
    save_jpeg(tmp_path / "images" / "train2017" / "1.jpg")
    coco_json(tmp_path / "annotations" / "instances_train2017.json", ["1"], [])
    (tmp_path / "stuffthingmaps_trainval2017.zip").write_bytes(b"PK")
    with pytest.raises(DatasetError, match=r"stuffthingmaps_trainval2017\.zip must be unpacked"):
        open_set(tmp_path, kind)


@pytest.mark.parametrize("kind", ["cocostuff", "bsds", "folder"])
def test_a_named_kind_needs_its_maps(tmp_path: Path, kind: str) -> None:
    with pytest.raises(DatasetError, match=r"has no folder of .*label maps: expected"):
        open_set(tmp_path, kind)


def _boxed(root: Path, objects: dict[int, int], **others: Any) -> None:
    """An instances JSON of picture 7: of each category a box 10 pixels wide with this left edge."""
    entries = [
        {"image_id": 7, "category_id": category, "segmentation": [[x, 5, x + 10, 5, x + 10, 25, x, 25]]}
        for category, x in objects.items()
    ]
    coco_json(root / "annotations" / "instances_train2017.json", ["7"], entries, **others)


@pytest.mark.parametrize("listed", [True, False])
def test_train_ids_find_their_instances(tmp_path: Path, listed: bool) -> None:
    objects = {1: 2, 18: 20, 90: 40}
    labels = np.full(SIZE, 100, np.uint8)
    for rank, x in enumerate(objects.values()):
        labels[5:25, x : x + 10] = rank
    root = cocostuff_set(tmp_path, {"7_labelTrainIds": labels})
    _boxed(root, objects, categories=tuple(objects) if listed else ())
    example = open_set(root).read(0)
    np.testing.assert_array_equal(example.labels, labels)
    assert len(np.unique(example.regions)) == 4
    assert (example.regions[labels < 3] >= 1 << 16).all()


@pytest.mark.parametrize("stuff", [True, False])
def test_a_json_of_pictures_of_another_size(tmp_path: Path, stuff: bool) -> None:
    save_jpeg(tmp_path / "images" / "train2017" / "7.jpg")
    if stuff:
        cocostuff_set(tmp_path, {"7": np.zeros(SIZE, np.uint8)})
    _boxed(tmp_path, {1: 2}, size=(96, 128))
    with pytest.raises(DatasetError, match=r"7\.jpg is 64 x 48, but its annotation file says 128 x 96"):
        open_set(tmp_path)


def test_a_turned_photograph_fits_upright_outlines(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "images" / "train2017" / "7.jpg"
    path.parent.mkdir(parents=True)
    Image.new("RGB", SIZE).save(path, exif=exif)
    _boxed(tmp_path, {1: 2})
    example = open_set(tmp_path).read(0)
    assert example.picture.size == SIZE[::-1]
    assert (example.labels[5:25, 2:12] == 0).all()


def test_a_json_that_tells_no_size(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "images" / "train2017" / "7.jpg")
    _boxed(tmp_path, {3: 2}, size=(0, 0))
    assert (open_set(tmp_path).read(0).labels[5:25, 2:12] == 2).all()


def test_what_a_panoptic_json_describes_in_vain(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "images" / "train2017" / "5.jpg")
    save_map(tmp_path / "panoptic_train2017" / "5.png", np.full((*SIZE, 3), (7, 0, 0), np.uint8))
    entries = [{"file_name": f"{k}.png", "segments_info": [{"id": 7, "category_id": 1}]} for k in (5, 6)]
    (tmp_path / "annotations").mkdir()
    path = tmp_path / "annotations" / "panoptic_train2017.json"
    path.write_text(json.dumps({"annotations": entries}), encoding="utf-8")
    data = open_dataset(DataSource(str(tmp_path)), on_bad="skip")
    assert [i.stem for i in data.items] == ["5"]
    assert data.problems == [(path, "describes 6, which has neither picture nor label map")]


def test_what_an_image_list_names_in_vain(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "images" / "a.jpg")
    save_map(tmp_path / "annotations" / "a.png", np.ones(SIZE, np.uint8))
    (tmp_path / "imageLists").mkdir()
    path = tmp_path / "imageLists" / "train.txt"
    path.write_text("a\n\nc\n", encoding="utf-8")
    data = open_dataset(DataSource(str(tmp_path)), on_bad="skip")
    assert [i.stem for i in data.items] == ["a"]
    assert data.problems == [(path, "names c, which has neither picture nor label map")]


def test_pictures_without_any_object_are_left_out_and_counted(tmp_path: Path) -> None:
    for stem in ("7", "8"):
        save_jpeg(tmp_path / "images" / "train2017" / f"{stem}.jpg")
    box = [[2, 5, 12, 5, 12, 25, 2, 25]]
    entries = [{"image_id": 7, "category_id": 1, "segmentation": box}]
    coco_json(tmp_path / "annotations" / "instances_train2017.json", ["7", "8"], entries)
    data = open_set(tmp_path)
    assert [item.stem for item in data.items] == ["7"]
    assert "1 picture, weight 1, 1 without annotations left out" in describe([data])[0]


def test_folders_beside_the_label_maps_are_passed_over(tmp_path: Path) -> None:
    root = folder_set(tmp_path / "set", 3)
    (root / "labels" / ".ipynb_checkpoints").mkdir()
    (root / "labels" / "notes").mkdir()
    assert len(open_set(root)) == 3


def test_two_pictures_of_one_stem_are_named(tmp_path: Path) -> None:
    root = folder_set(tmp_path / "set", 3)
    save_jpeg(root / "images" / "view1x.jpg")
    with pytest.raises(DatasetError, match=r"view1x\.jpg has the stem of view1x\.png, which was taken"):
        open_set(root)
    assert len(open_dataset(DataSource(str(root)), on_bad="skip")) == 3
