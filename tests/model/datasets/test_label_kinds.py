"""What a number stands for: things, kinds of things, one object; and maps that say otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_sets import folder_set, open_set, save_jpeg, save_map

from sss_model.datasets.border_sampling import draw_windows
from sss_model.datasets.dataset import open_dataset, open_datasets, parse_source
from sss_model.datasets.pair_sampling import UNKNOWN, VOID, find_regions
from sss_model.errors import DatasetError
from sss_model.params import DataSource, SamplingParams


def marked_set(root: Path, maps: list[np.ndarray]) -> Path:
    """images/ID.png with labels/ID.png, each number of a map a square of 16 pixels."""
    for k, numbers in enumerate(maps):
        labels = np.kron(numbers, np.ones((16, 16))).astype(np.uint8)
        save_map(root / "labels" / f"p{k}a.png", labels)
        save_map(root / "images" / f"p{k}a.png", np.dstack([labels] * 3))
    return root


THINGS = np.array([[1, 1, 0, 255], [1, 1, 2, 0], [0, 0, 0, 0]])
KINDS = np.array([[5, 0, 5, 255], [0, 9, 0, 0], [5, 5, 0, 9]])


def test_things_keep_their_numbers_and_leave_a_rest(tmp_path: Path) -> None:
    data = open_set(marked_set(tmp_path, [THINGS]), "inst")
    example = data.read(0)
    assert data.labels_per_picture
    assert data.objects(example) == [1, 2]
    assert set(np.unique(example.labels)) == {VOID, 1, 2}
    assert (example.regions[:16, 48:] == UNKNOWN).all()
    assert (example.regions[40:] == VOID).all()
    found = find_regions(example.labels, example.regions, void="always")
    assert found.numbers.tolist() == [1, 2, VOID]
    assert len(found.pixels[2]) == 6 * 256, "what is unknown is not drawn as the rest"


def test_a_class_is_parted_where_it_is_not_connected(tmp_path: Path) -> None:
    data = open_set(marked_set(tmp_path, [KINDS]), "class", void=(0,))
    example = data.read(0)
    parts = {int(label): len(np.unique(example.regions[example.labels == label])) for label in (5, 9)}
    assert parts == {5: 3, 9: 2}
    assert len(data.objects(example)) == 5
    assert len(open_set(tmp_path, "class").objects(data.read(0))) == 5


def test_an_object_is_one_thing(tmp_path: Path) -> None:
    data = open_set(marked_set(tmp_path / "any", [THINGS % 2]), "obj")
    example = data.read(0)
    assert data.objects(example) == [1]
    assert (example.labels == 1).sum() == 5 * 256, "255 is odd, and read as 1 here"


def test_windows_leave_out_what_is_unknown() -> None:
    labels = np.full((40, 60), VOID, np.int32)
    labels[:, 20:40] = 3
    regions = labels.copy()
    regions[:, 40:] = UNKNOWN
    windows = draw_windows(labels, regions, SamplingParams(border_windows=40), np.random.default_rng(0), void=True)
    assert len(windows.labels)
    assert windows.points[..., 0].max() < 40
    assert (windows.parts == windows.labels).all()


def test_mattes_are_for_measuring(tmp_path: Path) -> None:
    for k in range(3):
        save_jpeg(tmp_path / f"m{k}.jpg", k)
        mask = np.zeros((48, 64), np.uint8)
        mask[10:30, 10:30], mask[30:32, 10:30] = 255, 128
        save_map(tmp_path / f"m{k}.mask.png", mask)
        save_map(tmp_path / f"m{k}.scribbles1.png", mask)
    held_out = open_dataset(DataSource(str(tmp_path)), part="holdout", holdout=0.1)
    assert (held_out.kind, len(held_out)) == ("mattes", 3)
    example = held_out.read(0)
    assert held_out.objects(example) == [1]
    assert [int((example.regions == number).sum()) for number in (1, UNKNOWN)] == [400, 40]
    with pytest.raises(DatasetError, match="no pictures") as error:
        open_dataset(DataSource(str(tmp_path)), part="train")
    assert "measuring" in error.value.hint


@pytest.mark.parametrize(
    ("kind", "maps", "match"),
    [
        ("inst", [np.array([[7, 0], [0, 12]])] * 3, "from 1 to n; p0a.png has 2 of them with numbers up to 12"),
        ("inst", [np.tile([[1, 2, 0], [0, 0, 0]], (2, 2))] * 2, r"in 4.0 separate parts on average \(2 maps"),
        ("obj", [THINGS % 200], "1 .one object., 0 .the rest. and 255 .unknown.; p0a.png also holds 2, 55"),
        ("class", [np.array([[1, 1, 1], [2, 2, 3]])] * 4, r"from 1 to n by falling area, as things are \(4 of 4"),
    ],
)
def test_maps_that_contradict_the_kind_are_refused(
    kind: str, maps: list[np.ndarray], match: str, tmp_path: Path
) -> None:
    root = marked_set(tmp_path / "set", maps)
    with pytest.raises(DatasetError, match=match) as error:
        open_set(root, kind)
    assert str(root) in error.value.hint


def test_a_kind_is_one_word_before_the_folder() -> None:
    assert parse_source("inst:/data/cats=2") == DataSource("/data/cats", "inst", 2.0)
    assert parse_source("class:more/clothes").kind == "class"
    assert parse_source("obj:more/horses").kind == "obj"


def test_a_set_without_a_part_does_not_stop_the_others(tmp_path: Path) -> None:
    large, small = folder_set(tmp_path / "large", 12), folder_set(tmp_path / "small", 1)
    sources = [DataSource(str(small)), DataSource(str(large))]
    said: list[str] = []
    found = open_datasets(sources, part="holdout", holdout=0.3, on_bad="refuse", warn=said.append)
    assert [data.name for data in found] == ["large"]
    assert said == ["small has no pictures in its holdout part, and is left out of it"]
    with pytest.raises(DatasetError, match=r"The holdout part of .*small has no pictures; all of it has 1"):
        open_datasets(sources[:1], part="holdout", holdout=0.3, on_bad="refuse", warn=said.append)
    with pytest.raises(DatasetError, match="No data set has pictures in its holdout part"):
        open_datasets(sources, part="holdout", holdout=0.0, on_bad="refuse", warn=said.append)
