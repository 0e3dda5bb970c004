"""Model files: what is written comes back, what is no model is refused by a sentence, and nothing in a file is run."""

from __future__ import annotations

import json
import os
import pickle
import struct
from pathlib import Path

import pytest
import safetensors.torch
import torch

import sss_model
from sss_model.errors import CheckpointError
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.weights.backbone_weights import read_weights
from sss_model.weights.checkpoint import load_network, load_state, read_checkpoint, weights_digest, write_checkpoint

PARAMS = NetworkParams(
    backbone="test_efficientnet",
    output_stride=32,
    branch_channels=(3, 4, 4, 4, 4),
    hidden_channels=8,
    feature_channels=5,
)


@pytest.fixture(scope="module")
def network() -> FeatureNet:
    torch.manual_seed(0)
    return build_network(PARAMS)


@pytest.fixture
def file(network: FeatureNet, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_checkpoint(path, network, {"data": {"name": "two pictures", "version": "3"}}, half=False)
    return path


def rewrite(path: Path, entry: object, state: dict[str, torch.Tensor] | None = None) -> None:
    safetensors.torch.save_file(state or {"x": torch.zeros(1)}, path, {"sss": json.dumps(entry)})


def header(path: Path) -> dict:
    with safetensors.safe_open(path, framework="pt") as content:
        return json.loads(content.metadata()["sss"])


def test_round_trip(network: FeatureNet, file: Path) -> None:
    loaded, checkpoint = load_network(file)
    assert checkpoint.params == PARAMS
    assert checkpoint.path == file
    assert checkpoint.metadata["data"] == {"name": "two pictures", "version": "3"}
    assert checkpoint.metadata["version"] == sss_model.__version__
    assert not loaded.training
    images = torch.rand(1, 3, 20, 30)
    with torch.no_grad():
        assert torch.equal(loaded(images), network(images))
    assert [p.name for p in file.parent.iterdir()] == [file.name]  # no temporary file stays


def test_half_stores_float16_and_computes_in_float32(network: FeatureNet, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "half.safetensors", network)
    stored = safetensors.torch.load_file(tmp_path / "half.safetensors")
    assert stored["hidden.weight"].dtype == torch.float16
    loaded, _ = load_network(tmp_path / "half.safetensors")
    assert loaded.hidden.weight.dtype == torch.float32
    torch.testing.assert_close(loaded.hidden.weight, network.hidden.weight, atol=1e-3, rtol=1e-3)


def test_the_hash_is_the_files(file: Path) -> None:
    import hashlib

    assert read_checkpoint(file).sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_changed_weight_is_noticed(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[-3] ^= 1
    file.write_bytes(raw)
    with pytest.raises(CheckpointError, match=r"model.safetensors is damaged: its weights are not those"):
        read_checkpoint(file)


def test_the_digest_sees_names_shapes_and_numbers() -> None:
    state = {"a": torch.arange(6.0), "b": torch.tensor(1)}
    assert weights_digest(state) == weights_digest(dict(reversed(state.items())))
    for other in ({**state, "b": torch.tensor(2)}, {"c": state["a"], "b": state["b"]},
                  {**state, "a": state["a"].reshape(2, 3)}, {**state, "b": torch.tensor(1.0)}):  # fmt: skip
        assert weights_digest(other) != weights_digest(state)


def test_card_beside_the_file(file: Path) -> None:
    assert read_checkpoint(file).card == ""
    file.with_suffix(".md").write_text("# A model\n")
    assert read_checkpoint(file).card == "# A model\n"


@pytest.mark.parametrize(
    ("content", "sentence", "hint"),
    [
        (b"", "is not a model file: expected safetensors", "Choose a .safetensors"),
        (b"\x89PNG\r\n\x1a\n" + bytes(64), "is not a model file: expected safetensors", "Choose a .safetensors"),
        (struct.pack("<Q", 1 << 40) + b"{}", "is not a model file: expected safetensors", "Choose a .safetensors"),
    ],
)
def test_not_safetensors(tmp_path: Path, content: bytes, sentence: str, hint: str) -> None:
    path = tmp_path / "other.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=sentence) as caught:
        read_checkpoint(path)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("name", "hint"),
    [("model.pth", "can carry code"), ("model.ckpt-7.index", "sss-convert"), ("m.data-00000-of-00001", "sss-convert")],
)
def test_a_known_kind_of_other_file_gets_its_own_advice(tmp_path: Path, name: str, hint: str) -> None:
    (tmp_path / name).write_bytes(b"something else entirely")
    with pytest.raises(CheckpointError, match=f"{name} is not a model file") as caught:
        read_checkpoint(tmp_path / name)
    assert hint in caught.value.hint


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no model file at .*nowhere.safetensors: found nothing"):
        read_checkpoint(tmp_path / "nowhere.safetensors")
    with pytest.raises(CheckpointError, match="found a folder"):
        read_checkpoint(tmp_path)


def test_someone_elses_safetensors(tmp_path: Path) -> None:
    safetensors.torch.save_file({"x": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="is a safetensors file, but not a model of this program"):
        read_checkpoint(tmp_path / "other.safetensors")


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({"format": 99, "params": {}}, "has format 99; this program reads up to 1"),
        ({"format": 1}, "does not describe a network"),
        ([], "does not describe a network"),
        ({"format": 1, "params": []}, "does not describe a network"),
        ({"format": 1, "params": {"colour": 3}}, "does not describe a network: Unknown parameter colour"),
        (
            {"format": 1, "params": {"variant": "best"}},
            "variant .* must be one of supplement, released, taps; got 'best'",
        ),
    ],
)
def test_a_header_that_describes_no_network(tmp_path: Path, entry: object, sentence: str) -> None:
    rewrite(tmp_path / "odd.safetensors", entry)
    with pytest.raises(CheckpointError, match=sentence):
        read_checkpoint(tmp_path / "odd.safetensors")


def test_a_backbone_that_is_not_here(file: Path) -> None:
    entry = header(file)
    entry["params"]["backbone"] = "resnet_of_tomorrow"
    rewrite(file, {**entry, "weights_sha256": ""})
    with pytest.raises(CheckpointError, match=r"The network of model.safetensors cannot be built here: No backbone"):
        load_network(file)


def test_weights_that_do_not_fit_are_listed_and_nothing_is_loaded(network: FeatureNet) -> None:
    state = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    state["extra"] = state.pop("hidden.bias")
    state["project.bias"] = torch.zeros(6)
    before = network.hidden.weight.clone()
    sentence = r"missing hidden.bias \[8\]; left over extra \[8\]; shape of project.bias: expected \[5\], got \[6\]"
    with pytest.raises(CheckpointError, match=sentence):
        load_state(network, state, "file")
    assert torch.equal(network.hidden.weight, before)


def test_infinite_in_float16_is_refused_and_leaves_the_old_file(network: FeatureNet, file: Path) -> None:
    before = file.read_bytes()
    saved = network.hidden.bias.detach().clone()
    network.hidden.bias.data[0] = 1e6
    try:
        with pytest.raises(
            CheckpointError, match=r"hidden.bias is not finite in float16; model.safetensors was not written"
        ):
            write_checkpoint(file, network)
    finally:
        network.hidden.bias.data.copy_(saved)
    assert file.read_bytes() == before


def test_a_folder_that_is_not_there(network: FeatureNet, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="could not be written: its folder does not exist"):
        write_checkpoint(tmp_path / "no" / "model.safetensors", network)


class Bomb:
    """Pickled, it creates a file when a careless reader loads it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".bin", ".safetensors"])
@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_code_in_a_file_is_never_run(tmp_path: Path, suffix: str, writer: str) -> None:
    trap, path = tmp_path / "trap", tmp_path / f"weights{suffix}"
    payload = {"conv1.weight": torch.zeros(2), "bomb": Bomb(trap)}
    if writer == "torch":
        torch.save(payload, path)
    else:
        path.write_bytes(pickle.dumps(payload))
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    with pytest.raises(CheckpointError):
        read_weights(path)
    assert not trap.exists()
    path = path.rename(path.with_suffix(".trap"))  # torch goes by the suffix
    torch.load(path, weights_only=False) if writer == "torch" else pickle.loads(path.read_bytes())
    assert trap.exists()  # the trap itself works
