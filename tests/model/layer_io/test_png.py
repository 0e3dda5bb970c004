"""16-bit PNG, read by OpenCV and Pillow; npz, read by numpy."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from layer_files import made_layers
from PIL import Image

from sss_model.errors import ParameterError
from sss_model.layer_io import write_layers
from sss_model.layer_io.layers import whole_alphas
from sss_model.layer_io.png import write_samples


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (13, 1), (40, 53)])
def test_opencv_reads_every_bit(tmp_path, channels, size):
    samples = np.random.default_rng(3).integers(0, 65536, (*size, channels), dtype=np.uint16)
    write_samples(tmp_path / "a.png", samples)
    read = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED).reshape(samples.shape)
    np.testing.assert_array_equal(read[..., [2, 1, 0, 3][:channels]] if channels > 1 else read, samples)


def test_rows_cross_from_block_to_block(tmp_path, monkeypatch):
    monkeypatch.setattr("sss_model.image_io.write._BLOCK", 5000)
    samples = np.random.default_rng(3).integers(0, 65536, (50, 90, 4), dtype=np.uint16)
    write_samples(tmp_path / "a.png", samples)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"), -1)[..., [2, 1, 0, 3]], samples)


def test_a_layer_keeps_colours_where_it_is_transparent(tmp_path):
    layers = made_layers(own_colours=True)
    paths = write_layers(tmp_path / "photo", layers, format="png")
    read = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths]
    np.testing.assert_array_equal(np.dstack([r[..., 3] for r in read]), whole_alphas(layers.alphas, 65535))
    for k, samples in enumerate(read):
        np.testing.assert_allclose(samples[..., 2::-1] / 65535, layers.colour(k), atol=0.51 / 65535)
    assert (read[0][..., 3] == 0).any()


def test_premultiplied_colours_are_times_alpha_and_said_to_be(tmp_path):
    layers = made_layers(own_colours=True)
    paths = write_layers(tmp_path / "photo", layers, format="png-premultiplied")
    assert all(path.name.endswith("-premultiplied.png") for path in paths)
    for k, path in enumerate(paths):
        samples = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        np.testing.assert_allclose(
            samples[..., 2::-1] / 65535, layers.colour(k) * (samples[..., 3:] / 65535), atol=0.51 / 65535
        )
        with Image.open(path) as file:
            file.load()
            assert file.info["Comment"] == "premultiplied alpha"


def test_pillow_finds_the_size_the_name_and_the_colour_space(tmp_path):
    layers = made_layers()
    with Image.open(write_layers(tmp_path / "photo", layers, format="png")[1]) as file:
        assert file.size == (31, 24)
        assert file.mode == "RGBA"
        file.load()  # the text may stand behind the pixels
        assert file.info["Title"] == "равнина"
        assert file.info["srgb"] == 0


@pytest.mark.parametrize(
    "samples", [np.zeros((3, 3, 2), np.uint16), np.zeros((3, 3, 3)), np.zeros((0, 3, 3), np.uint16)]
)
def test_samples_of_another_kind_are_refused(tmp_path, samples):
    with pytest.raises(ParameterError, match="samples must be"):
        write_samples(tmp_path / "a.png", samples)


def test_npz_holds_the_alphas_to_the_last_bit_and_nothing_that_runs(tmp_path):
    layers = made_layers()
    [path] = write_layers(tmp_path / "photo", layers, format="npz", metadata={"seed": 3})
    with np.load(path, allow_pickle=False) as content:
        np.testing.assert_array_equal(content["alphas"], layers.alphas)
        assert content["names"].tolist() == list(layers.names)
        assert json.loads(str(content["metadata"])) == {"seed": 3}
