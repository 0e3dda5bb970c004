"""What is written for a program: formats, alpha and colour as independent readers find them, and names of frames."""

from __future__ import annotations

import json

import cv2
import numpy as np
import OpenEXR
import pytest
from layer_files import NAMES, made_layers
from psd_tools import PSDImage

from sss_model.analysis.layer_files import layers_record, write_layer_files
from sss_model.commands.options import words
from sss_model.commands.segment import build_parser, main
from sss_model.layer_io import FORMATS, layer_file_names, write_layers
from sss_model.params.hosts import HOSTS
from sss_model.params.layers import LayerExportParams, SegmentParams
from sss_model.progress import Progress


@pytest.mark.parametrize(
    ("name", "formats", "alpha", "colour", "number_last"),
    [
        ("krita", {"psd"}, "straight", "sRGB", False),
        ("gimp", {"psd"}, "straight", "sRGB", False),
        ("blender", {"exr", "cryptomatte"}, "premultiplied", "linear", True),
        ("nuke", {"exr", "cryptomatte"}, "premultiplied", "linear", True),
        ("resolve", {"png", "cryptomatte"}, "straight", "sRGB", True),
        ("darktable", {"pfm"}, "matte", "linear", False),
        ("after-effects", {"psd", "cryptomatte"}, "straight", "sRGB", True),
    ],
)
def test_each_program_gets_what_it_reads(name, formats, alpha, colour, number_last):
    host = HOSTS[name]
    assert (set(host.formats), host.alpha, host.colour, host.number_last) == (formats, alpha, colour, number_last)
    coloured = {FORMATS[form].alpha for form in host.formats} - {"matte"}
    assert coloured in ({alpha}, set()), "one kind of alpha a program"
    assert (not coloured) == (alpha == "matte")


def test_there_is_a_case_for_every_program():
    assert set(HOSTS) == {"krita", "gimp", "blender", "nuke", "resolve", "darktable", "after-effects"}


def written(folder, name, layers, stem="photo"):
    """The files that --for `name` writes, by their suffixes, and the record."""
    export = LayerExportParams.for_host(name)
    record = layers_record(f"{stem}.png", "", layers, SegmentParams(), export, {})
    files = write_layer_files(folder / stem, layers, export, record, Progress())
    return files[:-1], json.loads(files[-1].read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", HOSTS)
def test_the_files_hold_alphas_and_colours_as_the_table_says(tmp_path, name):
    """Read back by OpenCV, OpenEXR and psd-tools: colours times alpha where premultiplied, whole where straight."""
    layers = made_layers()
    files, record = written(tmp_path, name, layers)
    host, alphas = HOSTS[name], layers.alphas
    assert record["export"]["host"] == name
    colours = layers.image if host.colour == "sRGB" else linear(layers.image)
    found = [layer for path in files if "cryptomatte" not in path.name for layer in read(path)]  # that has no colours
    assert len(found) == len(NAMES)
    for k, (colour, alpha) in enumerate(found):
        np.testing.assert_allclose(alpha, alphas[..., k], atol=1 / 255)
        if host.alpha != "matte":
            expected = colours * (alphas[..., k, None] if host.alpha == "premultiplied" else 1)
            np.testing.assert_allclose(colour, expected, atol=1 / 255)


def linear(image):
    return np.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055) ** 2.4)


def read(path):
    """(colour, alpha) of each layer in the file, in [0, 1]."""
    if path.suffix == ".psd":
        found = {layer.name: layer for layer in PSDImage.open(path)}
        for name in NAMES:
            layer = found[name]
            yield np.asarray(layer.topil().convert("RGB")) / 255, np.asarray(layer.mask.topil()) / 255
    elif path.suffix == ".exr":
        with OpenEXR.File(str(path), separate_channels=True) as file:
            channels = {key: np.asarray(channel.pixels, float) for key, channel in file.channels().items()}
            names = json.loads(file.header()["sss_layers"])
        words = {full: word for word, full in names.items()}
        for name in NAMES:
            colour = np.dstack([channels[f"{words[name]}.{letter}"] for letter in "RGB"])
            yield colour, channels[f"{words[name]}.A"]
    else:
        pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if path.suffix == ".pfm":
            assert pixels.dtype == np.float32
            yield None, pixels
        else:
            assert pixels.dtype == np.uint16
            yield pixels[..., 2::-1] / 65535, pixels[..., 3] / 65535


def test_a_float_map_has_the_first_row_last_and_is_bytes_of_this_machine(tmp_path):
    """As PFM is defined, and darktable reads it: the lowest row first, a negative scale for the small end first."""
    layers = made_layers()
    path = write_layers(tmp_path / "photo", layers, format="pfm")[0]
    kind, size, scale, data = path.read_bytes().split(b"\n", 3)
    assert (kind, size) == (b"Pf", b"31 24")
    assert float(scale) < 0
    rows = np.frombuffer(data, "<f4").reshape(24, 31)
    np.testing.assert_array_equal(rows[::-1], layers.alphas[..., 0])


def test_frames_end_in_their_number_for_programs_that_look_for_it_there(tmp_path):
    files, _ = written(tmp_path, "nuke", made_layers(), stem="shot_010.0007")
    assert [path.name for path in files] == ["shot_010-layers.0007.exr", "shot_010-cryptomatte.0007.exr"]
    assert (tmp_path / "shot_010.0007-layers.json").is_file(), "the record stays with the picture's name"
    files, _ = written(tmp_path, "gimp", made_layers(), stem="shot_010.0007")
    assert [path.name for path in files] == ["shot_010.0007-layers.psd"]


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("0007", "sky.0007.png"),
        ("a7", "a-sky.7.png"),
        ("a_07", "a-sky.07.png"),
        ("a", "a-sky.png"),
        ("7a", "7a-sky.png"),
    ],
)
def test_where_a_number_goes(stem, expected):
    assert layer_file_names(stem, ["sky"], format="png", host="resolve") == [expected]


def test_numbers_that_would_make_two_files_one_stay_where_they_are():
    stems = ["a.1", "a_1", "a.2", "b-2", "b"]
    names = [layer_file_names(s, ["sky", "2-sky"], format="png", host="resolve", others=stems) for s in stems]
    flat = [name.casefold() for row in names for name in row]
    assert len(set(flat)) == len(flat)
    assert names[2][0] == "a-sky.2.png"
    assert names[0][0] == "a.1-sky.png"


def test_what_is_said_beside_the_program_wins(tmp_path):
    from sss_model.commands.segment import _job

    def export(*said):
        return _job(build_parser().parse_args(["photo.jpg", "-o", str(tmp_path), *said])).export

    assert export("--for", "resolve") == LayerExportParams.for_host("resolve")
    assert export("--for", "resolve").decontaminate
    assert export("--for", "resolve", "--sequence").decontaminate is False
    said = export("--for", "resolve", "--formats", "exr", "--no-decontaminate", "--overlay")
    assert (said.host, said.formats, said.decontaminate, said.overlay) == ("resolve", ("exr",), False, True)
    copied = LayerExportParams.for_host("after-effects")  # what the window copies as a command line
    assert export(*words(copied)) == copied
    assert export("--formats", "ora") == LayerExportParams(formats=("ora",))


def test_an_unknown_program_is_refused_with_those_there_are(tmp_path, capsys):
    with pytest.raises(SystemExit) as left:
        main(["photo.jpg", "-o", str(tmp_path), "--for", "paint"])
    assert left.value.code == 2
    assert "'paint'" in (said := capsys.readouterr().err)
    assert all(name in said for name in HOSTS)
