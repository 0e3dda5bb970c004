"""The record of layers: what it refuses, how alphas become integers, what names become in files."""

from __future__ import annotations

import dataclasses
import zipfile
from xml.etree import ElementTree

import numpy as np
import pytest
from layer_files import made_layers, soft_alphas
from psd_tools import PSDImage

from sss_model.errors import ParameterError
from sss_model.files.names import WORDS
from sss_model.layer_io import FORMATS, Layers, layer_file_names, numbered_names, write_layers
from sss_model.layer_io.layers import whole_alphas
from sss_model.params.layers import LAYER_FORMATS


def test_the_largest_layer_comes_first_with_its_name_and_colours():
    layers = made_layers(own_colours=True)
    sorted_ = layers.by_share()
    assert (np.diff(sorted_.shares) <= 0).all()
    for k, name in enumerate(sorted_.names):
        was = layers.names.index(name)
        np.testing.assert_array_equal(sorted_.alphas[..., k], layers.alphas[..., was])
        np.testing.assert_array_equal(sorted_.colour(k), layers.colour(was))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alphas": np.zeros((3, 4, 2), np.float32)}, r"alphas must be \(24, 31, N\)"),
        ({"alphas": np.full((24, 31, 3), 1.1, np.float32)}, r"in \[0, 1\], got 1.1"),
        ({"alphas": np.full((24, 31, 3), np.nan, np.float32)}, r"in \[0, 1\], got nan"),
        ({"names": ("a", "b")}, "3 names"),
        ({"names": ("a", "b", "")}, "3 names"),
        ({"image": np.zeros((24, 31), np.float32)}, r"image must be \(H, W, 3\)"),
        ({"colours": [np.zeros((24, 31, 3), np.float32)]}, "colours must be 3 arrays"),
    ],
)
def test_what_does_not_fit_is_refused(change, said):
    with pytest.raises(ParameterError, match=said):
        dataclasses.replace(made_layers(), **change)


@pytest.mark.parametrize("largest", [255, 65535])
@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_whole_alphas_sum_to_the_largest_and_stay_within_a_step(largest, count):
    alphas = soft_alphas(30, 40, count)
    whole = whole_alphas(alphas, largest)
    assert (whole.sum(axis=2, dtype=np.int64) == largest).all()
    assert np.abs(whole / largest - alphas).max() <= 1.01 / largest
    assert (whole[alphas == 0] == 0).all()
    assert (whole[alphas == 1] == largest).all()


HOSTILE = (
    "overlay", "X-premultiplied", "X", "compare", "pca", "input", "matte", "a\x01b", "a b", "\ud800", "\udfff",
    "😀" * 80,
    "😀" * 80 + "x", "..", "a/b", "A\\B", "picture", "rgba", "line\nbreak", "layers", "e\u0301", "é",
    "\ufffe", "\u202e",
)  # fmt: skip


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_takes_every_name_and_replaces_nothing(tmp_path, format):
    """Files of other choices stay, the names come back unlike each other, and no name stops a format."""
    others = [f"photo-{word}.png" for word in sorted(WORDS) if word != format]  # the index is called so itself
    others += ["photo-X-premultiplied.png" if format == "png" else "photo-X.png"]
    for name in others:
        (tmp_path / name).write_bytes(b"another's")
    alphas = np.full((3, 4, len(HOSTILE)), 1 / len(HOSTILE), np.float32)
    layers = Layers(np.zeros((3, 4, 3), np.float32), alphas, HOSTILE)
    written = write_layers(tmp_path / "photo", layers, format=format)
    assert not {path.name for path in written} & set(others)
    assert all((tmp_path / name).read_bytes() == b"another's" for name in others)
    assert len(list(tmp_path.iterdir())) == len(others) + len(written)
    if format == "ora":
        with zipfile.ZipFile(*written) as archive:
            named = [layer.get("name") for layer in ElementTree.fromstring(archive.read("stack.xml")).iter("layer")]
        assert tuple(named[:-1]) == layers.names
        assert len({name.casefold() for name in named}) == len(HOSTILE) + 1
    if format == "psd":
        named = [layer.name for layer in PSDImage.open(*written)]
        assert tuple(reversed(named[1:])) == layers.names


def test_a_matte_has_names_of_its_own(tmp_path):
    image = np.zeros((3, 4, 3), np.float32)
    layers, matte = (Layers(image, np.ones((3, 4, 1), np.float32), (name,)) for name in ("sky", "sky"))
    names = {what: {path.name for form in FORMATS
                    for path in write_layers(tmp_path / "photo", made, format=form, what=what)}
             for what, made in (("layers", layers), ("matte", matte))}  # fmt: skip
    assert not names["layers"] & names["matte"]
    assert {"photo-matte.psd", "photo-matte.png", "photo-matte-cryptomatte.exr"} <= names["matte"]
    assert len(list(tmp_path.iterdir())) == 2 * len(FORMATS)


def test_an_unknown_format_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ParameterError, match=r"png, png-premultiplied, .*, index, coco, pfm; got 'tga'"):
        write_layers(tmp_path / "photo", made_layers(), format="tga")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (9, 1), (24, 31)])
def test_every_format_names_what_it_writes(tmp_path, format, size):
    layers = made_layers(*size)
    written = write_layers(tmp_path / "photo", layers, format=format)
    assert [path.name for path in written] == layer_file_names("photo", layers.names, format=format)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(path.name for path in written)


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_layers_give_the_same_bytes(tmp_path, format):
    one, other = (write_layers(tmp_path / stem, made_layers(), format=format) for stem in ("a", "b"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path, format, monkeypatch):
    import os

    before = {path: path.read_bytes() for path in write_layers(tmp_path / "photo", made_layers(), format=format)}

    def refuse(*_names):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(ValueError, match="could not be written: the disk is full"):
        write_layers(tmp_path / "photo", made_layers(own_colours=True), format=format)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_writing_leaves_the_layers_alone(tmp_path):
    layers = made_layers(own_colours=True)
    before = layers.image.copy(), layers.alphas.copy()
    for format in FORMATS:
        write_layers(tmp_path / "photo", layers, format=format)
    np.testing.assert_array_equal(layers.image, before[0])
    np.testing.assert_array_equal(layers.alphas, before[1])


def test_the_records_formats_are_those_that_can_be_written():
    assert tuple(FORMATS) == LAYER_FORMATS
    assert Layers(np.zeros((1, 1, 3), np.float32), np.ones((1, 1, 1), np.float32), numbered_names(1)).names == (
        "layer-1",
    )
