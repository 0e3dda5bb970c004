"""Hard labels: the index PNG read by Pillow, COCO's JSON by pycocotools."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from layer_files import NAMES, made_layers, soft_alphas
from PIL import Image
from pycocotools import mask as coco_mask

from sss_model.datasets.coco import instance_mask, read_instances
from sss_model.errors import ParameterError
from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.labels import compressed_runs, joined_coco, run_lengths, strongest
from sss_model.layer_io.layers import whole_alphas


def one_by_one(alphas):
    """The labels as the sentence says it, pixel by pixel."""
    labels = np.zeros(alphas.shape[:2], int)
    for y, x in np.ndindex(labels.shape):
        best = max(range(alphas.shape[2]), key=lambda k: alphas[y, x, k])
        labels[y, x] = 0 if 1 - alphas[y, x].sum() > alphas[y, x, best] else best + 1
    return labels


def test_the_strongest_layer_or_none():
    alphas = soft_alphas(30, 41, 4)[..., :3]  # what the fourth covers is nobody's
    expected = one_by_one(alphas)
    assert set(np.unique(expected)) == {0, 1, 2, 3}
    np.testing.assert_array_equal(strongest(alphas), expected)
    with pytest.raises(ParameterError, match="255 layers, got 256"):
        strongest(np.zeros((2, 2, 256), np.float32))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (13, 1), (37, 53)])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_run_lengths_are_pycocotools_own(size, share):
    mask = np.random.default_rng(5).random(size) < share
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compressed_runs(run_lengths(mask)) == theirs["counts"].decode()


def test_long_runs_take_several_digits():
    mask = np.zeros((700, 900), bool)
    mask[:, 300:310] = mask[5:600, 700] = True
    theirs = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert compressed_runs(run_lengths(mask)) == theirs["counts"].decode()


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # inside pycocotools
def test_the_index_png_and_the_json_agree(tmp_path):
    layers = made_layers()
    (index,) = write_layers(tmp_path / "photo", layers, format="index")
    (file,) = write_layers(tmp_path / "photo", layers, format="coco", metadata={"source": "photo.jpg"})
    labels = np.asarray(Image.open(index))
    np.testing.assert_array_equal(labels, one_by_one(layers.alphas))
    content = json.loads(file.read_text(encoding="utf-8"))
    assert content["images"] == [{"id": 1, "file_name": "photo.jpg", "width": 31, "height": 24}]
    assert [entry["name"] for entry in content["categories"]] == list(NAMES)
    for entry in content["annotations"]:
        mask = coco_mask.decode(entry["segmentation"]).astype(bool)
        np.testing.assert_array_equal(mask, labels == entry["category_id"])
        np.testing.assert_array_equal(mask, instance_mask(entry["segmentation"], labels.shape))
        assert entry["area"] == mask.sum()
        assert entry["bbox"] == coco_mask.toBbox(entry["segmentation"]).tolist()
    (read,) = read_instances(file).values()
    assert read.size == labels.shape
    assert sorted(i.label + 1 for i in read.instances) == [1, 2, 3]


def test_a_layer_without_pixels_has_no_annotation(tmp_path):
    alphas = np.zeros((4, 5, 2), np.float32)
    alphas[..., 1] = 1
    layers = Layers(np.zeros((4, 5, 3), np.float32), alphas, ("none", "all"))
    (file,) = write_layers(tmp_path / "photo", layers, format="coco")
    (entry,) = json.loads(file.read_text())["annotations"]
    assert (entry["id"], entry["category_id"], entry["area"]) == (1, 2, 20)


def test_pictures_are_joined_by_the_names_of_their_classes(tmp_path):
    contents = []
    for stem, names in (("a", NAMES), ("b", (NAMES[2], "new", NAMES[0]))):
        layers = Layers(np.zeros((24, 31, 3), np.float32), soft_alphas(24, 31), names)
        (file,) = write_layers(tmp_path / stem, layers, format="coco", metadata={"source": f"{stem}.jpg"})
        contents.append(json.loads(file.read_text(encoding="utf-8")))
    joined = joined_coco(contents)
    assert [entry["name"] for entry in joined["categories"]] == [*NAMES, "new"]
    assert [image["file_name"] for image in joined["images"]] == ["a.jpg", "b.jpg"]
    assert [entry["id"] for entry in joined["annotations"]] == [1, 2, 3, 4, 5, 6]
    assert [entry["category_id"] for entry in joined["annotations"]] == [1, 2, 3, 3, 4, 1]
    assert [entry["image_id"] for entry in joined["annotations"]] == [1, 1, 1, 2, 2, 2]


def test_an_alpha_is_a_grey_png_of_16_bits(tmp_path):
    layers = made_layers()
    paths = write_layers(tmp_path / "photo", layers, format="alpha")
    read = np.dstack([cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths])
    np.testing.assert_array_equal(read, whole_alphas(layers.alphas, 65535))
