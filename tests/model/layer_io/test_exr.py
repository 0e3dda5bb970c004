"""Named layers in EXR, read by the OpenEXR package."""

from __future__ import annotations

import json
import re

import numpy as np
import OpenEXR
import pytest
from layer_files import NAMES, made_layers

from sss_model.image_io import read_image
from sss_model.layer_io import write_layers
from sss_model.layer_io.exr import linear_light, save


def planes(path):
    with OpenEXR.File(str(path), separate_channels=True) as file:
        assert len(file.parts) == 1
        return {name: channel.pixels for name, channel in file.channels().items()}, dict(file.header())


def test_linear_light_is_that_of_the_standard():
    image = np.linspace(0, 1, 1001, dtype=np.float32)
    exact = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in image.astype(float)]
    np.testing.assert_allclose(linear_light(image), exact, atol=2e-7)


@pytest.mark.parametrize("own_colours", [False, True])
def test_openexr_finds_the_layers_in_linear_light(tmp_path, own_colours):
    layers = made_layers(own_colours=own_colours)
    channels, header = planes(*write_layers(tmp_path / "photo", layers, format="exr"))
    words = json.loads(header["sss_layers"])
    assert list(words.values()) == list(NAMES)
    assert set(channels) == {*"RGBA", *(f"{word}.{letter}" for word in words for letter in "RGBA")}
    assert {channel.dtype for channel in channels.values()} == {np.dtype(np.float16)}
    for k, word in enumerate(words):
        assert re.fullmatch(r"[A-Za-z]\w{,28}", word, re.ASCII)
        np.testing.assert_allclose(channels[f"{word}.A"], layers.alphas[..., k], atol=3e-4)
        colour = np.dstack([channels[f"{word}.{letter}"] for letter in "RGB"])
        expected = linear_light(layers.colour(k)) * layers.alphas[..., k, None]  # premultiplied
        np.testing.assert_allclose(colour, expected, atol=3e-4)
    assert (channels["A"] == 1).all()


def test_layers_add_up_to_the_picture(tmp_path):
    layers = made_layers()
    channels, header = planes(*write_layers(tmp_path / "photo", layers, format="exr"))
    for letter in "RGBA":
        total = sum(channels[f"{word}.{letter}"].astype(np.float32) for word in json.loads(header["sss_layers"]))
        np.testing.assert_allclose(total, channels[letter], atol=1e-3)


def test_the_picture_reads_back_as_the_photograph_it_was(tmp_path):
    layers = made_layers()
    [path] = write_layers(tmp_path / "photo", layers, format="exr")
    np.testing.assert_allclose(read_image(path), layers.image, atol=1e-3)


def test_the_callers_arrays_are_left_alone(tmp_path):
    channels = {"R": np.arange(6, dtype=np.float32).reshape(2, 3)}
    before = channels["R"]
    save(tmp_path / "a.exr", channels, {})
    assert channels["R"] is before
