"""Named layers in EXR, read by the OpenEXR package."""

from __future__ import annotations

import json
import re

import numpy as np
import OpenEXR
import pytest
from layer_files import NAMES, made_layers

from sss_model.image_io import Plate, read_image, read_photograph
from sss_model.image_io.light import View
from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.exr import linear_colours, linear_light, save
from sss_model.params import ReadParams


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


@pytest.mark.parametrize("form", ["exr", "cryptomatte"])
@pytest.mark.parametrize(("data", "display"), [((10, 6, 39, 25), (0, 0, 63, 47)), ((-10, -6, 53, 41), (0, 0, 31, 23))])
def test_layers_lie_on_their_plate_and_keep_its_light(tmp_path, form, data, display):
    size = data[3] - data[1] + 1, data[2] - data[0] + 1
    light = np.random.default_rng(0).uniform(0, 4, (*size, 3)).astype(np.float16)
    header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    for name, window in (("dataWindow", data), ("displayWindow", display)):
        header[name] = (np.array(window[:2], np.int32), np.array(window[2:], np.int32))
    with OpenEXR.File(header, {"RGB": light}) as file:
        file.write(str(tmp_path / "plate.exr"))
    opened = read_photograph(tmp_path / "plate.exr")
    half = np.full((*opened.image.shape[:2], 2), 0.5, np.float32)
    layers = Layers(opened.image, half, ("a", "b"), plate=opened.plate).by_share()
    (written,) = write_layers(tmp_path / "plate", layers, format=form)
    with OpenEXR.File(str(written), separate_channels=True) as file:
        for name, window in (("dataWindow", data), ("displayWindow", display)):
            assert np.concatenate(file.header()[name]).tolist() == list(window)
        planes = file.channels()
        written_light = np.stack([planes[letter].pixels for letter in "RGB"], axis=-1)
        np.testing.assert_array_equal(written_light, light)
        if form == "exr":
            layer = np.stack([planes[f"a.{letter}"].pixels for letter in "RGB"], axis=-1)
            np.testing.assert_array_equal(layer, (light * 0.5).astype(np.float16))


def test_own_colours_of_a_layer_are_the_plates_where_they_are_the_pictures():
    light = np.array([[[0.2, 0.9, 3.0], [0.5, 2.0, 8.0]]], np.float32)
    view = View.of(light, ReadParams())
    image = view.encoded(light)
    np.testing.assert_allclose(view.light(image)[..., :2], light[..., :2], rtol=2e-3)
    other = image.copy()
    other[0, 1] = 0.5
    plate = Plate((0, 0, 1, 0), (0, 0, 1, 0), light, view)
    layers = Layers(image, np.ones((1, 2, 1), np.float32), ("a",), [other], plate)
    found = linear_colours(layers, 0)
    np.testing.assert_array_equal(found[0, 0], light[0, 0])
    np.testing.assert_allclose(found[0, 1], linear_light(np.float32([0.5] * 3)) / view.gain, rtol=1e-4)
