"""sss-convert: TensorFlow's files read without TensorFlow, every name accounted for, nothing half done."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from google_crc32c import value as crc32c
from released_values import SIZES, made_image, made_weight

from sss_model.commands.convert import main
from sss_model.errors import CheckpointError
from sss_model.network.build import build_network
from sss_model.params import NetworkParams
from sss_model.weights.authors.convert import _their_shape, convert_released, find_bundle, released_names
from sss_model.weights.authors.tf_bundle import TensorBundle, _masked
from sss_model.weights.checkpoint import load_network

HERE = Path(__file__).parents[1]
TINY = HERE / "released" / "tiny"


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """A table block with shared key prefixes, as LevelDB writes it, and its trailer."""
    body, last = b"", b""
    for key, value in pairs:
        shared = next((i for i, (a, b) in enumerate(zip(key, last, strict=False)) if a != b), min(len(key), len(last)))
        body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    body += struct.pack("<II", 0, 1) + b"\0"
    return body + struct.pack("<I", _masked(crc32c(body)))


def entry(shape: tuple[int, ...], offset: int, data: bytes, dtype: int = 1) -> bytes:
    dims = b"".join(b"\x12" + varint(len(d)) + d for d in (b"\x08" + varint(n) for n in shape))
    message = b"\x08" + varint(dtype) + b"\x12" + varint(len(dims)) + dims
    message += b"\x20" + varint(offset) + b"\x28" + varint(len(data))
    return message + b"\x35" + struct.pack("<I", _masked(crc32c(data)))


def write_bundle(prefix: Path, tensors: dict[str, np.ndarray], a_block: int = 100) -> None:
    """A checkpoint as TensorFlow writes it; its index in blocks of `a_block` entries."""
    pairs, data = [(b"", b"\x08\x01\x1a\x02\x08\x01")], b""
    for name in sorted(tensors):
        raw = tensors[name].tobytes()
        pairs.append((name.encode(), entry(tensors[name].shape, len(data), raw)))
        data += raw
    table, handles = b"", []
    for start in range(0, len(pairs), a_block):
        part = block(pairs[start : start + a_block])
        handles.append((pairs[min(start + a_block, len(pairs)) - 1][0], varint(len(table)) + varint(len(part) - 5)))
        table += part
    top = block(handles)
    footer = varint(0) + varint(0) + varint(len(table)) + varint(len(top) - 5)
    table += top + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    prefix.with_name(prefix.name + ".index").write_bytes(table)
    prefix.with_name(prefix.name + ".data-00000-of-00001").write_bytes(data)


@pytest.fixture(scope="module")
def expected_shapes() -> dict[str, tuple[int, ...]]:
    own = build_network(NetworkParams(variant="released")).state_dict()
    return {theirs: _their_shape(tuple(own[ours].shape), theirs) for theirs, ours in released_names().items()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for file in TINY.parent.glob("tiny.*"):
        shutil.copy(file, tmp_path)
    return tmp_path / "tiny"


def test_checksum_is_castagnolis() -> None:
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4


def test_reads_what_tensorflow_wrote() -> None:
    expected = np.load(TINY.parent / "tiny_values.npz")
    bundle = TensorBundle(TINY)
    assert set(bundle.entries) == {*expected.files, "text"}
    for name in expected.files:
        values = bundle.read(name)
        assert values.dtype == expected[name].dtype
        np.testing.assert_array_equal(values, expected[name])
    with pytest.raises(CheckpointError, match="text is not a tensor of plain numbers"):
        bundle.read("text")
    with pytest.raises(CheckpointError, match="has no tensor called nothing"):
        bundle.read("nothing")


def test_index_of_many_blocks(tmp_path: Path) -> None:
    tensors = {f"layer{i // 10}/w{i}": np.full((2, i), i, np.float32) for i in range(40)}
    write_bundle(tmp_path / "many", tensors, a_block=7)
    bundle = TensorBundle(tmp_path / "many")
    assert sorted(bundle.entries) == sorted(tensors)
    for name, values in tensors.items():
        np.testing.assert_array_equal(bundle.read(name), values)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda index, data: index.write_bytes(b"<html>Not Found</html>" * 9), "not the index of a TensorFlow V2"),
        (lambda index, data: index.write_bytes(index.read_bytes()[:40]), "not the index of a TensorFlow V2"),
        (lambda index, data: index.write_bytes(b"\xff" + index.read_bytes()[1:]), "checksum of a block does not match"),
        (lambda index, data: data.write_bytes(b"\xff" + data.read_bytes()[1:]), "damaged: the checksum of a/weights"),
        (lambda index, data: data.write_bytes(data.read_bytes()[:20]), "cut short at a/weights: expected 96 bytes"),
        (lambda index, data: data.unlink(), "data file tiny.data-00000-of-00001 cannot be read"),
        (lambda index, data: index.unlink(), "index tiny.index cannot be read"),
    ],
)  # fmt: skip
def test_damage_is_named(copy: Path, damage, sentence: str) -> None:
    damage(copy.with_name("tiny.index"), copy.with_name("tiny.data-00000-of-00001"))
    with pytest.raises(CheckpointError, match=sentence):
        TensorBundle(copy).read("a/weights")


def test_every_misfit_is_listed_and_nothing_written(tmp_path: Path, expected_shapes) -> None:
    # a broadcast zero takes no memory: the check comes before any data is read
    tensors = {
        name: np.zeros((0,), np.float32) for name in ("conv1/weights/Momentum", "Variable_3", "surprise/weights")
    }
    write_bundle(tmp_path / "model.ckpt-9", {**tensors, "fc1_voc12_c2/biases": np.zeros(3, np.float32),
                                             "bn_conv1/gamma": np.zeros(63, np.float32)})  # fmt: skip
    with pytest.raises(CheckpointError) as caught:
        convert_released(tmp_path, tmp_path / "out.safetensors")
    text = str(caught.value)
    assert f"{len(expected_shapes) + 1} variables do not fit" in text
    assert "left over surprise/weights [0]" in text
    assert "wrong shape bn_conv1/gamma: expected [64], got [63]" in text
    assert all(f"missing {name}" in text for name in expected_shapes if name != "bn_conv1/gamma")
    assert "Momentum" not in text
    assert "Variable" not in text
    assert "voc12" not in text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.ckpt-9.data-00000-of-00001", "model.ckpt-9.index"]


def test_names_are_the_program_s(expected_shapes) -> None:
    assert len(expected_shapes) == 538
    assert expected_shapes["conv1/weights"] == (7, 7, 3, 64)
    assert expected_shapes["res4b22_branch2b/weights"] == (3, 3, 256, 256)
    assert expected_shapes["res5a_branch1/weights"] == (1, 1, 1024, 2048)
    assert "res5b_branch1/weights" not in expected_shapes
    assert expected_shapes["bn3b3_branch2c/moving_variance"] == (512,)
    assert expected_shapes["hypercolumn_layers/hc_cv_5/weights"] == (3, 3, 2048, 512)
    assert "hypercolumn_layers/hc_cv_2/weights" not in expected_shapes
    assert expected_shapes["fc1_matting/linear/fc_weights1"] == (1024, 256)
    assert expected_shapes["fc3_matting/linear/fc_weights1"] == (1024, 128)


@pytest.mark.parametrize("given", ["tiny", "tiny.index", "tiny.data-00000-of-00001", "."])
def test_prefix_file_or_folder(copy: Path, given: str) -> None:
    with find_bundle(copy.parent / given) as prefix:
        assert prefix == copy


def test_zip(copy: Path, tmp_path: Path) -> None:
    archive = tmp_path / "model.zip"
    with zipfile.ZipFile(archive, "w") as content:
        for file in copy.parent.glob("tiny.*"):
            content.write(file, f"model/{file.name}")
        content.writestr("../outside.index", "no")
        content.writestr("__MACOSX/model/._tiny.index", "no")
        content.writestr("model/checkpoint", 'model_checkpoint_path: "C:\\\\somewhere\\\\else\\\\tiny"\n')
    with find_bundle(archive) as prefix:
        np.testing.assert_array_equal(TensorBundle(prefix).read("c/scalar"), np.float32(2.5))
    assert not prefix.parent.exists()
    assert not (tmp_path.parent / "outside.index").exists()


def test_several_checkpoints_need_the_pointer(copy: Path) -> None:
    for file in list(copy.parent.glob("tiny.*")):
        shutil.copy(file, file.with_name(file.name.replace("tiny", "later")))
    with (
        pytest.raises(CheckpointError, match=r"holds 2 checkpoints: later, tiny; expected one"),
        find_bundle(copy.parent),
    ):
        pass
    (copy.parent / "checkpoint").write_text('model_checkpoint_path: "/home/author/model/later"\n')
    with find_bundle(copy.parent) as prefix:
        assert prefix.name == "later"


@pytest.mark.parametrize(("what", "code"), [("nothing-here", 2), ("picture.png", 1)])
def test_no_checkpoint(tmp_path: Path, what: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "picture.png").write_bytes(b"not a checkpoint")
    assert main([str(tmp_path / what), "-o", str(tmp_path / "out.safetensors")]) == code
    assert "There is no TensorFlow checkpoint" in capsys.readouterr().err


@pytest.mark.slow
def test_conversion_is_bit_for_bit(tmp_path: Path, expected_shapes, capsys: pytest.CaptureFixture[str]) -> None:
    tensors = {name: made_weight(name, shape) for name, shape in expected_shapes.items()}
    extra = {"res2a_branch1/weights/Momentum": np.zeros(2, np.float32), "Variable": np.zeros(1, np.float32)}
    write_bundle(tmp_path / "HyperColumn_Deeplabv2-1", {**tensors, **extra})
    out = tmp_path / "out.safetensors"
    assert main([str(tmp_path), "-o", str(out), "--norm-statistics", "image", "-v"]) == 0
    printed = capsys.readouterr().out
    assert "538 variables taken, none missing, none left over" in printed
    assert "skipped res2a_branch1/weights/Momentum (momentum of the optimiser)" in printed
    network, checkpoint = load_network(out)
    assert checkpoint.params == NetworkParams(variant="released", norm_statistics="image")
    assert checkpoint.metadata["source"]["checkpoint"] == "HyperColumn_Deeplabv2-1"
    state = network.state_dict()
    kernel = tensors["res4b7_branch2b/weights"]
    np.testing.assert_array_equal(state["backbone.res4.b7.branch2b.conv.weight"], kernel.transpose(3, 2, 0, 1))
    matrix = tensors["fc2_matting/linear/fc_weights2"]
    np.testing.assert_array_equal(state["fc2.second.weight"][..., 0, 0], matrix.T)
    variance = tensors["bn5c_branch2c/moving_variance"]
    np.testing.assert_array_equal(state["backbone.res5.c.branch2c.norm.running_var"], variance)


@pytest.mark.slow
def test_a_checkpoint_written_by_tensorflow(tmp_path: Path) -> None:
    """The whole way: TensorFlow's graph and files, our converter, network and features, at every pixel.

    Needs TensorFlow, here or in the Python that SSS_TF_PYTHON names.
    """
    python = os.environ.get("SSS_TF_PYTHON", sys.executable)
    there = subprocess.run([python, "-c", "import tensorflow"], capture_output=True, check=False).returncode == 0
    if not there:
        pytest.skip("TensorFlow is not installed")
    script = HERE / "released_tf_graph.py"
    subprocess.run([python, str(script), str(tmp_path)], check=True, capture_output=True)
    expected = np.load(tmp_path / "features.npz")
    for kind in ("stored", "image"):
        convert_released(tmp_path, tmp_path / "out.safetensors", norm_statistics=kind)
        network, _ = load_network(tmp_path / "out.safetensors")
        for size in SIZES:
            image = torch.from_numpy(made_image(size).astype(np.float32) / 255).permute(2, 0, 1)[None]
            with torch.inference_mode():
                features = network(image)[0].permute(1, 2, 0).numpy()
            theirs = expected[f"{size[0]}x{size[1]}-{kind}"]
            error = np.linalg.norm(features - theirs, axis=-1) / np.linalg.norm(theirs, axis=-1)
            assert error.max() < 1e-3


def write_one(prefix: Path, message: bytes, data: bytes) -> None:
    """A bundle of the tensor w, whose entry is `message`; all its sums are right."""
    body = block([(b"", b"\x08\x01\x1a\x02\x08\x01"), (b"w", message)])
    index = block([(b"w", varint(0) + varint(len(body) - 5))])
    places = varint(0) * 2 + varint(len(body)) + varint(len(index) - 5)
    footer = places.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)
    prefix.with_name(f"{prefix.name}.index").write_bytes(body + index + footer)
    prefix.with_name(f"{prefix.name}.data-00000-of-00001").write_bytes(data)


@pytest.mark.parametrize("shape", [(0, 2**62), (1,) * 70, (2**63, 2)])
def test_a_shape_that_no_array_has_is_said(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Sums are right, the shape is not: numpy would refuse it with an error of its own."""
    write_one(tmp_path / "a", entry(shape, 0, b""), b"")
    with pytest.raises(CheckpointError, match=r"a\.index is damaged"):
        TensorBundle(tmp_path / "a").read("w")


@pytest.mark.parametrize(("offset", "size"), [(2**63, 4), (0, 2**63), (2**62, 2**62)])
def test_a_place_beyond_the_file_is_said(tmp_path: Path, offset: int, size: int) -> None:
    message = entry((1,), offset, b"abcd").replace(varint(4) + b"\x35", varint(size) + b"\x35")
    write_one(tmp_path / "a", message, b"abcd")
    with pytest.raises(CheckpointError, match="is cut short at w"):
        TensorBundle(tmp_path / "a").read("w")
