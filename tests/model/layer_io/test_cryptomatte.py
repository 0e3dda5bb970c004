"""Cryptomatte, read by cryptomatte-api and, channel by channel, by the OpenEXR package."""

from __future__ import annotations

import json
import struct

import cryptomatte_api
import numpy as np
import OpenEXR
import pytest
from layer_files import NAMES, made_layers, soft_alphas

from sss_model.errors import ParameterError
from sss_model.layer_io import Layers, cryptomatte, numbered_names, write_layers
from sss_model.layer_io.cryptomatte import layer_id, murmur3


@pytest.mark.parametrize(("name", "number"), [("torus", 4053562365), ("равнина", 2518896926)])
def test_hashes_are_those_of_the_specification(name, number):
    assert murmur3(name.encode()) == number


def test_hashes_of_every_length_are_those_of_scikit_learn():
    from sklearn.utils import murmurhash3_32

    data = bytes(range(200, 256)) + b"soft segments"
    for length in range(len(data)):
        assert murmur3(data[:length]) == murmurhash3_32(data[:length], positive=True)


@pytest.mark.parametrize("number", [0x00000000, 0x007FFFFF, 0x80000001, 0x7F800000, 0xFFFFFFFF, 0x7F812345])
def test_ids_that_are_no_ordinary_floats_lose_or_gain_a_bit(monkeypatch, number):
    monkeypatch.setattr(cryptomatte, "murmur3", lambda _data: number)
    value = struct.unpack("<f", struct.pack("<I", layer_id("any")))[0]
    assert np.isfinite(value)
    assert abs(value) >= np.finfo(np.float32).tiny
    assert layer_id("any") ^ number == 1 << 23


@pytest.mark.parametrize("count", [1, 2, 5, 6, 9])
def test_cryptomatte_api_gives_every_alpha_back(tmp_path, count):
    random = np.random.default_rng(2)
    alphas = soft_alphas(23, 37, count)
    layers = Layers(random.random((23, 37, 3)).astype(np.float32), alphas, numbered_names(count))
    [path] = write_layers(tmp_path / "photo", layers, format="cryptomatte")
    [read] = cryptomatte_api.Cryptomatte.load(path)
    masks = read.masks()
    assert sorted(masks) == sorted(layers.names)
    for k, name in enumerate(layers.names):
        np.testing.assert_array_equal(masks[name], alphas[..., k])


def test_names_of_any_script_are_in_the_manifest(tmp_path):
    [path] = write_layers(tmp_path / "photo", made_layers(), format="cryptomatte")
    [read] = cryptomatte_api.Cryptomatte.load(path)
    assert sorted(read.masks()) == sorted(NAMES)
    with OpenEXR.File(str(path), header_only=True) as file:
        header = file.header()
        key = f"cryptomatte/{murmur3(b'SoftSegments'):08x}"[:19]
        assert header[f"{key}/name"] == "SoftSegments"
        assert header[f"{key}/hash"] == "MurmurHash3_32"
        assert header[f"{key}/conversion"] == "uint32_to_float32"
        assert json.loads(header[f"{key}/manifest"]) == {name: f"{layer_id(name):08x}" for name in NAMES}


def test_levels_fall_in_coverage_in_whole_lossless_floats(tmp_path):
    layers = made_layers()
    [path] = write_layers(tmp_path / "photo", layers, format="cryptomatte")
    with OpenEXR.File(str(path), separate_channels=True) as file:
        channels = {name: channel.pixels for name, channel in file.channels().items()}
        header = dict(file.header())
    names = [f"SoftSegments{k:02d}.{letter}" for k in range(2) for letter in "RGBA"]
    assert set(channels) == {*"RGB", *names}
    assert {channels[name].dtype for name in names} == {np.dtype(np.float32)}
    assert header["compression"] == OpenEXR.ZIP_COMPRESSION
    assert header["dataWindow"][1].tolist() == [30, 23]
    ids, coverages = (np.stack([channels[name] for name in names[start::2]]) for start in (0, 1))
    assert (np.diff(coverages, axis=0) <= 0).all()
    assert ((ids == 0) == (coverages == 0)).all()
    np.testing.assert_allclose(coverages.sum(axis=0), 1, atol=1e-6)


def test_two_names_of_one_hash_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cryptomatte, "murmur3", lambda _data: 7)
    with pytest.raises(ParameterError, match="have one hash"):
        write_layers(tmp_path / "photo", made_layers(), format="cryptomatte")
    assert list(tmp_path.iterdir()) == []
