"""Regions laid over other pictures: the label map says exactly what is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from made_sets import folder_set, small_params
from PIL import Image

from sss_model.datasets.dataset import Example, open_dataset
from sss_model.datasets.pair_sampling import VOID
from sss_model.params import DataSource
from sss_model.training.copy_paste import MOST_AREA, paste_regions
from sss_model.training.data_loading import BatchDataset

COLOURS = {0: (20, 30, 200), 1: (220, 40, 20), 5: (30, 220, 60), 7: (240, 240, 10)}


def flat(labels: list[list[int]], scale: int = 8, name: str = "set/a") -> Example:
    """A picture with one colour a label, each number `scale` pixels square; void is black."""
    values = np.kron(np.array(labels, np.int32), np.ones((scale, scale), np.int32))
    picture = np.zeros((*values.shape, 3), np.uint8)
    for label, colour in COLOURS.items():
        picture[values == label] = colour
    return Example(name, Image.fromarray(picture), values, values.copy())


PLAIN = flat([[0] * 12] * 10)
DONOR = flat([[VOID, 5, 5, VOID], [VOID, 5, 5, 7]])


def test_labels_follow_the_pixels() -> None:
    for seed in range(20):
        pasted = paste_regions(PLAIN, DONOR, np.random.default_rng(seed))
        found = np.asarray(pasted.picture)
        assert set(np.unique(pasted.labels)) <= {0, 5, 7}
        assert len(np.unique(pasted.labels)) > 1
        for label in np.unique(pasted.labels):
            inner = pasted.labels == label
            for axis in (0, 1):  # two pixels of the seam are mixed
                for step in (-2, -1, 1, 2):
                    inner &= np.roll(pasted.labels, step, axis) == label
            assert inner.any()
            assert np.abs(found[inner].astype(int) - COLOURS[int(label)]).max() <= 60
            assert np.abs(np.median(found[inner], 0) - COLOURS[int(label)]).max() <= 2


def test_what_was_given_stays_as_it_was() -> None:
    before = np.asarray(PLAIN.picture).copy(), PLAIN.labels.copy(), PLAIN.regions.copy()
    pasted = paste_regions(PLAIN, DONOR, np.random.default_rng(1))
    after = np.asarray(PLAIN.picture), PLAIN.labels, PLAIN.regions
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert pasted.name == PLAIN.name
    assert pasted.labels.shape == pasted.regions.shape == PLAIN.labels.shape
    assert pasted.picture.size == PLAIN.picture.size


def test_labels_of_another_picture_become_new_ones() -> None:
    example = flat([[0, 0, 1, 1]] * 4)
    donor = flat([[1, VOID, VOID, VOID]] * 2)
    same = paste_regions(example, donor, np.random.default_rng(0))
    other = paste_regions(example, donor, np.random.default_rng(0), same_labels=False)
    assert set(np.unique(same.labels)) == {0, 1}
    assert set(np.unique(other.labels)) == {0, 1, 2}
    assert np.array_equal(same.picture, other.picture)
    assert len(np.unique(same.regions)) == 3  # a region of its own even where the label was there


def test_a_region_larger_than_the_picture_covers_what_it_can() -> None:
    long = flat([[5] * 30], scale=6)
    pasted = paste_regions(replace(PLAIN), long, np.random.default_rng(3))
    rows, columns = np.nonzero(pasted.labels == 5)
    assert len(np.unique(columns)) == PLAIN.labels.shape[1]
    assert len(np.unique(rows)) == 6


def test_regions_that_do_not_fit_are_left_out() -> None:
    assert MOST_AREA < 0.5
    wide, small, void = flat([[5] * 12] * 6), flat([[5]], scale=4), flat([[VOID] * 3] * 3)
    for donor in (wide, small, void):
        assert paste_regions(PLAIN, donor, np.random.default_rng(0)) is PLAIN


def test_training_pastes_where_labels_allow_it(tmp_path: Path) -> None:
    data = open_dataset(DataSource(str(folder_set(tmp_path / "set", 6))))
    plain, pasted = (BatchDataset([data], small_params(augment={"paste": chance})) for chance in (0.0, 1.0))
    again = BatchDataset([data], small_params(augment={"paste": 1.0}))
    changed = [not np.array_equal(plain[k].image, pasted[k].image) for k in range(12)]
    assert sum(changed) >= 4
    assert all(np.array_equal(pasted[k].image, again[k].image) for k in range(6))
    rest = replace(data, void=(0, 255))
    assert rest.one_against_rest
    unchanged = BatchDataset([rest], small_params(augment={"paste": 1.0}))
    without = BatchDataset([rest], small_params())
    assert all(np.array_equal(unchanged[k].image, without[k].image) for k in range(6))
    alone = replace(data, items=data.items[:1])  # there is no other picture to take regions from
    unchanged, without = (BatchDataset([alone], small_params(augment={"paste": chance})) for chance in (1.0, 0.0))
    assert all(np.array_equal(unchanged[k].image, without[k].image) for k in range(12))
