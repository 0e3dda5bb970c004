"""Reading data sets in the layouts that people have; naming what is damaged; parting them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_sets import SIZE, bsds_truth, coco_json, folder_set, save_jpeg, save_map, scene
from PIL import Image

from sss_model.dataset import Dataset, describe, is_held_out, open_dataset, parse_source, unique_names
from sss_model.errors import DatasetError
from sss_model.layouts import detect
from sss_model.sampler import VOID
from sss_model.train.params import DataSource


def _open(root: Path, kind: str = "auto", **changes: object) -> Dataset:
    return open_dataset(DataSource(str(root), kind, **changes))  # type: ignore[arg-type]


def _cocostuff(root: Path, maps: dict[str, np.ndarray], split: str = "train2017") -> Path:
    for stem, labels in maps.items():
        save_jpeg(root / "images" / split / f"{stem.split('_')[0]}.jpg")
        save_map(root / "stuffthingmaps_trainval2017" / split / f"{stem}.png", labels)
    return root


def test_folder_of_index_maps(tmp_path: Path) -> None:
    data = _open(folder_set(tmp_path))
    assert (data.kind, len(data)) == ("folder", 8)
    example = data.read(0)
    assert example.picture.size == (SIZE[1], SIZE[0])
    expected = scene(0)[1].astype(np.int32)
    np.testing.assert_array_equal(example.labels, np.where(expected == 255, VOID, expected))
    np.testing.assert_array_equal(example.labels, example.regions)


def test_cocostuff_with_instances(tmp_path: Path) -> None:
    labels = np.full(SIZE, 255, np.uint8)
    labels[10:30, 5:25] = 17
    labels[10:30, 40:60] = 17
    labels[35:, :] = 123
    root = _cocostuff(tmp_path, {"000000000009": labels})
    boxes = [[5, 10, 25, 10, 25, 30, 5, 30], [40, 8, 62, 8, 62, 32, 40, 32]]
    coco_json(
        root / "annotations" / "instances_train2017.json", ["000000000009"],
        [{"image_id": 9, "category_id": 18, "segmentation": [box]} for box in boxes],
    )  # fmt: skip
    data = _open(root)
    assert data.kind == "cocostuff"
    example = data.read(0)
    np.testing.assert_array_equal(example.labels, np.where(labels == 255, VOID, labels.astype(np.int32)))
    left, right, stuff = (example.regions[20, 10], example.regions[20, 50], example.regions[40, 3])
    assert len({int(left), int(right), int(stuff)}) == 3
    assert (example.regions[labels == 17][:20] == left).all()
    assert example.labels[9, 50] == VOID, "an outline does not label what the map leaves void"


def test_cocostuff_train_ids(tmp_path: Path) -> None:
    data = _open(_cocostuff(tmp_path, {"7_labelTrainIds": np.full(SIZE, 170, np.uint8)}))
    assert data.items[0].stem == "7"
    assert (data.read(0).labels == 170).all()


def test_full_labels_are_preferred_to_train_ids(tmp_path: Path) -> None:
    maps = {"7": np.full(SIZE, 181, np.uint8), "7_labelTrainIds": np.full(SIZE, 170, np.uint8)}
    assert (_open(_cocostuff(tmp_path, maps)).read(0).labels == 181).all()


def test_the_training_split_is_the_default(tmp_path: Path) -> None:
    _cocostuff(tmp_path, {"1": np.zeros(SIZE, np.uint8)})
    _cocostuff(tmp_path, {"2": np.zeros(SIZE, np.uint8)}, "val2017")
    assert [i.stem for i in _open(tmp_path).items] == ["1"]
    assert [i.stem for i in _open(tmp_path, splits=("val2017",)).items] == ["2"]
    with pytest.raises(DatasetError, match="has no split test2017; it has train2017, val2017"):
        _open(tmp_path, splits=("test2017",))


@pytest.mark.parametrize("suffix", ["png", "mat"])
def test_cocostuff_10k(tmp_path: Path, suffix: str) -> None:
    labels = np.full(SIZE, 171, np.uint8)
    labels[:5] = 0
    save_jpeg(tmp_path / "images" / "a.jpg")
    save_jpeg(tmp_path / "images" / "b.jpg")
    (tmp_path / "imageLists").mkdir()
    (tmp_path / "imageLists" / "train.txt").write_text("a\n", encoding="utf-8")
    (tmp_path / "annotations").mkdir()
    for stem in "ab":
        if suffix == "png":
            save_map(tmp_path / "annotations" / f"{stem}.png", labels)
        else:
            from scipy.io import savemat

            savemat(tmp_path / "annotations" / f"{stem}.mat", {"S": labels.astype(np.uint16)})
    data = _open(tmp_path)
    assert (data.kind, [i.stem for i in data.items]) == ("cocostuff10k", ["a"])
    example = data.read(0)
    assert (example.labels[:5] == VOID).all()
    assert (example.labels[5:] == 170).all()


def test_panoptic(tmp_path: Path) -> None:
    ids = np.zeros(SIZE, np.int64)
    ids[10:20] = 70000
    ids[20:30] = 300
    ids[30:40] = 301
    colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], 2).astype(np.uint8)
    save_jpeg(tmp_path / "images" / "train2017" / "5.jpg")
    save_map(tmp_path / "panoptic_train2017" / "5.png", colours)
    segments = [{"id": 70000, "category_id": 200}, {"id": 300, "category_id": 1}, {"id": 301, "category_id": 1}]
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "panoptic_train2017.json").write_text(
        json.dumps({"annotations": [{"file_name": "5.png", "image_id": 5, "segments_info": segments}]}),
        encoding="utf-8",
    )
    data = _open(tmp_path)
    assert data.kind == "panoptic"
    example = data.read(0)
    assert example.labels[[0, 15, 25, 35], 0].tolist() == [VOID, 200, 1, 1]
    assert example.regions[25, 0] != example.regions[35, 0]


def test_instances_alone(tmp_path: Path) -> None:
    save_jpeg(tmp_path / "images" / "train2017" / "3.jpg")
    runs = [SIZE[0] * 10, SIZE[0] * 5, SIZE[0] * (SIZE[1] - 15)]
    coco_json(
        tmp_path / "annotations" / "instances_train2017.json", ["3"],
        [{"image_id": 3, "category_id": 44, "iscrowd": 1, "segmentation": {"counts": runs, "size": list(SIZE)}}],
    )  # fmt: skip
    example = _open(tmp_path).read(0)
    assert (example.labels[:, 10:15] == 43).all()
    assert (example.labels == 43).sum() == 5 * SIZE[0]
    assert example.labels[0, 0] == VOID


@pytest.mark.parametrize("suffix", ["png", "mat"])
def test_bsds_has_several_annotators(tmp_path: Path, suffix: str) -> None:
    maps = [np.full(SIZE, k, np.uint16) for k in (1, 2, 3)]
    save_jpeg(tmp_path / "images" / "val" / "12003.jpg")
    if suffix == "png":
        for k, labels in enumerate(maps):
            save_map(tmp_path / "regions" / "val" / f"12003_{k}.png", labels.astype(np.uint8))
    else:
        from scipy.io import savemat

        (tmp_path / "groundTruth" / "val").mkdir(parents=True)
        savemat(tmp_path / "groundTruth" / "val" / "12003.mat", bsds_truth(maps))
    data = _open(tmp_path)
    assert (data.kind, data.annotators(0)) == ("bsds", 3)
    assert [int(data.read(0, k).labels[0, 0]) for k in range(3)] == [1, 2, 3]


def test_a_mixed_label_counts_as_void(tmp_path: Path) -> None:
    data = _open(folder_set(tmp_path / "pets"))
    assert data.void == (255, 0)
    assert not (data.read(0).labels == 0).any()
    assert (_open(tmp_path / "pets", void=(1,)).read(0).labels == 0).any()


def test_problems_are_named_and_counted(tmp_path: Path) -> None:
    root = folder_set(tmp_path)
    (root / "labels" / "view0x.png").unlink()
    (root / "images" / "view1x.png").unlink()
    Image.fromarray(np.zeros((5, 6), np.uint8)).save(root / "labels" / "view2x.png")
    (root / "labels" / "view3x.png").write_bytes(b"no picture")
    source = DataSource(str(root))
    with pytest.raises(
        DatasetError, match=r"4 of 8 pairs in .* cannot be used; the first: .*view0x.png has no label map"
    ):
        open_dataset(source)
    data = open_dataset(source, on_bad="skip")
    assert [i.stem for i in data.items] == ["view4x", "view5x", "view6x", "view7x"]
    reasons = {path.name: reason for path, reason in data.problems}
    assert reasons["view0x.png"] == "has no label map"
    assert reasons["view1x.png"] == "has no picture"
    assert reasons["view2x.png"] == "is 64 x 48, but its label map is 6 x 5"
    assert "cannot be read" in reasons["view3x.png"]
    assert "4 left out" in describe([data])[0]


def test_an_empty_map_is_named_when_read(tmp_path: Path) -> None:
    root = folder_set(tmp_path)
    save_map(root / "labels" / "view0x.png", np.full(SIZE, 255, np.uint8))
    with pytest.raises(DatasetError, match=r"label map of view0x\.png is empty"):
        _open(root).read(0)


def test_a_truncated_picture_is_named_when_read(tmp_path: Path) -> None:
    root = folder_set(tmp_path)
    path = root / "images" / "view0x.png"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DatasetError, match=r"picture .*view0x.png cannot be read"):
        _open(root).read(0)


def test_a_turned_photograph_fits_an_upright_map(tmp_path: Path) -> None:
    root = folder_set(tmp_path, 1)
    (root / "images" / "view0x.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(scene(0)[0]).copy()).save(root / "images" / "view0x.jpg", exif=exif)
    example = _open(root).read(0)
    assert example.picture.size == (SIZE[1], SIZE[0])


@pytest.mark.parametrize(("make", "match"), [(True, "layout .* is not known"), (False, "no data set at")])
def test_what_is_no_data_set(tmp_path: Path, make: bool, match: str) -> None:
    root = tmp_path / "x"
    if make:
        root.mkdir()
    with pytest.raises(DatasetError, match=match):
        detect(root)


def test_nothing_in_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No picture with labels"):
        _open(folder_set(tmp_path, 0))
    with pytest.raises(DatasetError, match="No kind of data set is called 'film'"):
        _open(tmp_path, "film")


def test_parts_do_not_overlap_and_make_the_whole(tmp_path: Path) -> None:
    source = DataSource(str(folder_set(tmp_path, 30)))
    parts = {
        part: {i.stem for i in open_dataset(source, part=part, holdout=0.4).items}
        for part in ("train", "holdout", "all")
    }
    assert not parts["train"] & parts["holdout"]
    assert parts["train"] | parts["holdout"] == parts["all"]
    assert parts["train"]
    assert parts["holdout"]


def test_the_held_out_part_is_a_property_of_the_name() -> None:
    stems = [f"{k:05d}0" for k in range(4000)]
    held = [is_held_out(stem, 0.1) for stem in stems]
    assert 0.08 < np.mean(held) < 0.12
    assert all(is_held_out(stem, 0.2) for stem, out in zip(stems, held, strict=True) if out)
    assert sum(is_held_out(f"img{k}", 0.0) for k in range(100)) == 0
    # fixed for good: a model's card would be wrong if this moved
    assert [k for k in range(40) if is_held_out(f"{k:03d}0", 0.1)] == HELD_OUT


HELD_OUT = [10, 23]


def test_neighbouring_frames_stay_together() -> None:
    for stems in ([f"nyu_012{k}" for k in range(10)], [f"train_100_{k:06d}" for k in (17814, 206998, 3)]):
        assert len({is_held_out(stem, 0.5) for stem in stems}) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/a/b", DataSource("/a/b")),
        ("/a/b=2.5", DataSource("/a/b", weight=2.5)),
        ("bsds:/a/b=0", DataSource("/a/b", "bsds", 0.0)),
        ("/a/b@train2017+val2017", DataSource("/a/b", splits=("train2017", "val2017"))),
        ("/a=b/c", DataSource("/a=b/c")),
        ("C:\\data=3", DataSource("C:\\data", weight=3.0)),
    ],
)
def test_sources_as_text(text: str, expected: DataSource) -> None:
    assert parse_source(text) == expected


@pytest.mark.parametrize("text", ["/a=x", "/a=-1"])
def test_a_weight_must_be_a_number(text: str) -> None:
    with pytest.raises(DatasetError, match="weight of a data set must be a number"):
        parse_source(text)


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (["/a/x", "/b/y"], ["x", "y"]),
        (["/a/x", "/b/x", "/b/y"], ["a/x", "b/x", "y"]),
        (["/a/x@t", "/a/x@v+w"], ["x@t", "x@v+w"]),
        (["/a/x", "/a/x@v", "/b/x"], ["a/x", "a/x@v", "b/x"]),
        (["/a/x", "/a/x", "/c/a/x"], ["x", "x#2", "x#3"]),
    ],
)
def test_sets_of_one_name_are_told_apart(sources: list[str], expected: list[str]) -> None:
    parsed = [parse_source(text) for text in sources]
    sets = [
        Dataset("x" if "x" in s.path else "y", "folder", [], (), root=Path(s.path), splits=s.splits) for s in parsed
    ]
    assert [data.name for data in unique_names(sets)] == expected


def test_an_opened_set_knows_its_folder(tmp_path: Path) -> None:
    roots = [folder_set(tmp_path / parent / "tiny") for parent in "ab"]
    assert [data.name for data in unique_names([_open(root) for root in roots])] == ["a/tiny", "b/tiny"]


SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared data sets are not here")
def test_the_shared_sets_are_read_in_place() -> None:
    folders = [SHARED / "cocostuff-mini", SHARED / "bsds500", *sorted((SHARED / "scenes").iterdir())]
    for folder in folders:
        data = _open(folder)
        assert not data.problems
        for index in range(0, len(data), max(1, len(data) // 5)):
            assert data.read(index).labels.max() >= 0
