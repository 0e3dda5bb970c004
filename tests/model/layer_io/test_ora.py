"""OpenRaster, read by zip, XML and Pillow."""

from __future__ import annotations

import io
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from layer_files import NAMES, made_layers
from PIL import Image

from sss_model.layer_io import Layers, write_layers
from sss_model.layer_io.layers import whole_alphas, whole_numbers


def pixels(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    with Image.open(io.BytesIO(archive.read(name))) as file:
        assert file.format == "PNG"
        return np.asarray(file)


@pytest.mark.parametrize("own_colours", [False, True])
def test_the_stack_lists_the_layers_from_the_top(tmp_path, own_colours):
    layers = made_layers(own_colours=own_colours)
    [path] = write_layers(tmp_path / "photo", layers, format="ora")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        root = ElementTree.fromstring(archive.read("stack.xml"))
        assert (root.tag, root.attrib["w"], root.attrib["h"]) == ("image", "31", "24")
        stacked = root.findall("stack/layer")
        assert [layer.attrib["name"] for layer in stacked] == [*NAMES, "picture"]
        for k, layer in enumerate(stacked[:-1]):
            read = pixels(archive, layer.attrib["src"])
            np.testing.assert_array_equal(read[..., 3], whole_alphas(layers.alphas, 255)[..., k])
            np.testing.assert_array_equal(read[..., :3], whole_numbers(layers.colour(k), 255))  # under alpha 0 as well
        np.testing.assert_array_equal(pixels(archive, stacked[-1].attrib["src"]), whole_numbers(layers.image, 255))


def test_the_type_stands_uncompressed_at_its_place(tmp_path):
    [path] = write_layers(tmp_path / "photo", made_layers(), format="ora")
    data = path.read_bytes()
    assert data[:4] == b"PK\x03\x04"
    assert data[30:54] == b"mimetypeimage/openraster"


def test_what_viewers_show_is_the_picture_and_a_small_one(tmp_path):
    image = np.random.default_rng(0).random((700, 20, 3)).astype(np.float32)
    layers = Layers(image, np.ones((700, 20, 1), np.float32), ("all",))
    [path] = write_layers(tmp_path / "photo", layers, format="ora")
    with zipfile.ZipFile(path) as archive:
        np.testing.assert_array_equal(pixels(archive, "mergedimage.png"), whole_numbers(image, 255))
        assert max(pixels(archive, "Thumbnails/thumbnail.png").shape[:2]) == 256
