"""Reading data sets in the formats that people have; naming what is damaged; parting them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from colour_profiles import P3_ICC
from made_sets import SIZE, bsds_truth, coco_json, folder_set, open_set, save_jpeg, save_map, scene
from PIL import Image, ImageOps

from sss_model.datasets.dataset import (
    Dataset,
    describe,
    is_held_out,
    open_dataset,
    open_datasets,
    parse_source,
    unique_names,
)
from sss_model.datasets.pair_sampling import VOID
from sss_model.errors import DatasetError
from sss_model.image_io import read_image, to_picture
from sss_model.params import DataSource


def test_folder_of_index_maps(tmp_path: Path) -> None:
    data = open_set(folder_set(tmp_path))
    assert (data.kind, len(data)) == ("folder", 8)
    example = data.read(0)
    assert example.picture.size == (SIZE[1], SIZE[0])
    expected = scene(0)[1].astype(np.int32)
    np.testing.assert_array_equal(example.labels, np.where(expected == 255, VOID, expected))
    np.testing.assert_array_equal(example.labels, example.regions)


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
    data = open_set(tmp_path)
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
    data = open_set(tmp_path)
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
    example = open_set(tmp_path).read(0)
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
    data = open_set(tmp_path)
    assert (data.kind, data.annotators(0)) == ("bsds", 3)
    assert [int(data.read(0, k).labels[0, 0]) for k in range(3)] == [1, 2, 3]


def test_a_mixed_label_counts_as_void(tmp_path: Path) -> None:
    data = open_set(folder_set(tmp_path / "pets"))
    assert data.void == (255, 0)
    assert not (data.read(0).labels == 0).any()
    assert (open_set(tmp_path / "pets", void=(1,)).read(0).labels == 0).any()


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
        open_set(root).read(0)


def test_a_truncated_picture_is_named_when_read(tmp_path: Path) -> None:
    root = folder_set(tmp_path)
    path = root / "images" / "view0x.png"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DatasetError, match=r"picture .*view0x.png cannot be read"):
        open_set(root).read(0)


def test_a_turned_photograph_fits_an_upright_map(tmp_path: Path) -> None:
    root = folder_set(tmp_path, 1)
    (root / "images" / "view0x.png").unlink()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(scene(0)[0]).copy()).save(root / "images" / "view0x.jpg", exif=exif)
    example = open_set(root).read(0)
    assert example.picture.size == (SIZE[1], SIZE[0])


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


@pytest.mark.parametrize(("part", "share", "hint"), [("holdout", 0.01, "--holdout 0"), ("train", 1.0, "smaller")])
def test_an_empty_part_says_what_helps(tmp_path: Path, part: str, share: float, hint: str) -> None:
    with pytest.raises(DatasetError, match=f"The {part} part of .* has no pictures; all of it has 4") as error:
        open_dataset(DataSource(str(folder_set(tmp_path, 4))), part=part, holdout=share)
    assert hint in error.value.hint


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
    assert [data.name for data in unique_names([open_set(root) for root in roots])] == ["a/tiny", "b/tiny"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("lie", ["upright", "stored"])
@pytest.mark.parametrize("square", [False, True])
def test_pictures_turned_by_exif_and_their_maps(tmp_path: Path, orientation: int, lie: str, square: bool) -> None:
    """The picture is read as an extraction reads it; its map is turned with it where it lies as stored."""
    stored = np.zeros((40, 40 if square else 60), np.uint8)
    stored[:10, :25] = 1  # neither symmetric nor square
    exif = Image.Exif()
    exif[0x0112] = orientation
    for name in ("images", "labels"):
        (tmp_path / "set" / name).mkdir(parents=True)
    Image.fromarray(np.repeat(stored[..., None] * 200, 3, axis=2)).save(
        tmp_path / "set" / "images" / "a.png", exif=exif
    )
    upright = np.asarray(ImageOps.exif_transpose(Image.open(tmp_path / "set" / "images" / "a.png")))[..., 0] // 200
    Image.fromarray(upright if lie == "upright" else stored).save(tmp_path / "set" / "labels" / "a.png")
    told = not square and orientation >= 5
    warned: list[str] = []
    source = DataSource(str(tmp_path / "set"), label_maps="upright" if told else lie)
    (data,) = open_datasets([source], part="all", holdout=0.1, on_bad="refuse", warn=warned.append)
    example = data.read(0)
    np.testing.assert_array_equal(np.asarray(example.picture)[..., 0] // 200, upright)
    np.testing.assert_array_equal(example.labels == 1, upright == 1)
    assert len(warned) == (orientation > 1 and not told)
    assert not warned or "EXIF turns 1 pictures whose label maps fit either way" in warned[0]


def test_pictures_with_profiles_and_alpha_are_read_as_extractions_read_them(tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / "set" / name).mkdir(parents=True)
    picture = tmp_path / "set" / "images" / "a.png"
    array = np.random.default_rng(0).integers(0, 256, (20, 30, 4), np.uint8)
    Image.fromarray(array).save(picture, icc_profile=P3_ICC)
    Image.fromarray((np.arange(600) % 2).astype(np.uint8).reshape(20, 30)).save(tmp_path / "set" / "labels" / "a.png")
    example = open_dataset(DataSource(str(tmp_path / "set"))).read(0)
    np.testing.assert_array_equal(np.asarray(example.picture), to_picture(read_image(picture)))
