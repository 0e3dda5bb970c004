"""PSD, read by psd-tools and Pillow."""

from __future__ import annotations

import numpy as np
import pytest
from layer_files import NAMES, made_layers
from PIL import Image
from psd_tools import PSDImage

from sss_model.errors import ParameterError
from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.layers import whole_alphas, whole_numbers


@pytest.mark.parametrize("own_colours", [False, True])
def test_psd_tools_finds_names_colours_and_masks(tmp_path, own_colours):
    layers = made_layers(own_colours=own_colours)
    document = PSDImage.open(*write_layers(tmp_path / "photo", layers, format="psd"))
    assert document.size == (31, 24)
    assert [layer.name for layer in document] == ["picture", *reversed(NAMES)]  # psd-tools counts from the bottom up
    alphas = whole_alphas(layers.alphas, 255)
    for k, layer in enumerate(reversed(list(document)[1:])):
        assert layer.kind == "pixel"
        assert layer.is_visible()
        np.testing.assert_array_equal(np.asarray(layer.mask.topil()), alphas[..., k])
        # whole under a mask of zeros as well, or painting on the mask could bring nothing back
        np.testing.assert_array_equal(np.asarray(layer.topil().convert("RGB")), whole_numbers(layers.colour(k), 255))


def test_what_viewers_show_is_the_picture(tmp_path):
    layers = made_layers()
    [path] = write_layers(tmp_path / "photo", layers, format="psd")
    with Image.open(path) as file:
        np.testing.assert_array_equal(np.asarray(file), whole_numbers(layers.image, 255))
    merged = PSDImage.open(path).composite(force=True).convert("RGB")
    difference = np.asarray(merged, int) - whole_numbers(layers.image, 255)
    assert np.abs(difference).max() <= 1


def test_long_names_are_cut_and_others_kept(tmp_path):
    layers = made_layers()
    named = Layers(layers.image, layers.alphas, ("x" * 300, "пе" * 20, "c"))
    document = PSDImage.open(*write_layers(tmp_path / "photo", named, format="psd"))
    assert [layer.name for layer in document] == ["picture", "c", "пе" * 20, "x" * 200]


def test_a_picture_larger_than_the_format_is_refused(tmp_path):
    image, alphas = np.zeros((1, 30_001, 3), np.float32), np.ones((1, 30_001, 1), np.float32)
    with pytest.raises(ParameterError, match="at most 30000 pixels a side; the picture is 30001 x 1"):
        write_layers(tmp_path / "photo", Layers(image, alphas, ("a",)), format="psd")
    assert list(tmp_path.iterdir()) == []
