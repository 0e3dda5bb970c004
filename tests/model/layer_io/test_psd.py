"""PSD, read by psd-tools and Pillow."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from layer_files import NAMES, made_layers
from PIL import Image
from psd_tools import PSDImage

from sss_model.errors import ParameterError
from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.layers import whole_alphas, whole_numbers


def eight_bit(layers):
    """`layers` of a picture that a file of 8 bits holds."""
    return replace(layers, image=whole_numbers(layers.image, 255) / np.float32(255))


@pytest.mark.parametrize("own_colours", [False, True])
def test_psd_tools_finds_names_colours_and_masks(tmp_path, own_colours):
    layers = eight_bit(made_layers(own_colours=own_colours))
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
    layers = eight_bit(made_layers())
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


def of_bits(bits, *, count):
    """Layers of a noisy picture of so many bits."""
    random, largest = np.random.default_rng(3), 2**bits - 1
    image = (random.integers(0, largest + 1, (9, 14, 3)) / largest).astype(np.float32)
    alphas = random.random((9, 14, count)).astype(np.float32)
    alphas /= 1 if count == 1 else alphas.sum(axis=2, keepdims=True)
    return Layers(image, alphas, tuple("abc"[:count]))


@pytest.mark.parametrize("bits", [8, 16])
def test_a_picture_keeps_its_bits(tmp_path, bits):
    layers = of_bits(bits, count=3)
    document = PSDImage.open(*write_layers(tmp_path / "photo", layers, format="psd"))
    assert (document.depth, document.channels) == (bits, 3)
    assert [layer.name for layer in document] == ["picture", "c", "b", "a"]
    alphas = whole_alphas(layers.alphas, 2**bits - 1) / (2**bits - 1)
    for k, layer in enumerate(reversed(list(document)[1:])):
        np.testing.assert_allclose(layer.numpy("color"), layers.image, atol=1e-7)
        np.testing.assert_allclose(layer.numpy("mask")[..., 0], alphas[..., k], atol=1e-6)
    np.testing.assert_allclose(document.numpy("color"), layers.image, atol=1e-7)
    own = Layers(layers.image, layers.alphas, layers.names, [layers.image[::-1]] * 3)
    document = PSDImage.open(*write_layers(tmp_path / "own", own, format="psd"))
    np.testing.assert_allclose(next(iter(document)).numpy("color"), layers.image, atol=1e-7)
    if bits == 16:
        np.testing.assert_allclose(list(document)[2].numpy("color"), layers.image[::-1], atol=1e-7)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_cut_out_opens_as_that(tmp_path, bits):
    layers = of_bits(bits, count=1)
    [path] = write_layers(tmp_path / "photo", layers, format="psd", what="matte")
    document = PSDImage.open(path)
    assert [(layer.name, layer.is_visible()) for layer in document] == [("picture", False), ("a", True)]
    assert document.channels == 4
    merged, alpha = document.numpy(), layers.alphas  # psd-tools takes the white off
    np.testing.assert_allclose(merged[..., :3] * alpha, layers.image * alpha, atol=2.0 ** (1 - bits))
    np.testing.assert_allclose(merged[..., 3:], alpha, atol=2.0**-bits)
    shown = np.asarray(document.composite(force=True), float) / 255
    np.testing.assert_allclose(shown[..., 3:], alpha, atol=0.01)
    if bits == 8:
        with Image.open(path) as file:
            assert file.mode == "RGBA"
            np.testing.assert_array_equal(np.asarray(file)[..., 3], whole_numbers(alpha[..., 0], 255))
