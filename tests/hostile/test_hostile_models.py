"""Model files, weights, training states and TensorFlow bundles that are damaged or lie: a network, or a sentence."""

from __future__ import annotations

import contextlib
import copy
import json
import struct
import sys
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import safetensors.torch
import torch
from small_models import small_checkpoint

sys.path.insert(0, str(Path(__file__).parent))

from campaign import Kind, check_kinds
from hostile_values import damaged, json_of, mutated, odd_value

from sss_model.network.build import build_network
from sss_model.params import NetworkParams
from sss_model.segmentation.comparisons.pspnet import class_names, load_pspnet
from sss_model.training.optimiser import ExponentialMovingAverage, build_optimiser
from sss_model.training.params import TrainParams
from sss_model.training.run_folder.checkpoints import TrainState, read_state, restore_state, save_state
from sss_model.weights.authors import tf_bundle
from sss_model.weights.authors.tf_bundle import TensorBundle
from sss_model.weights.backbone_weights import load_backbone_weights
from sss_model.weights.checkpoint import load_network, write_checkpoint
from sss_model.weights.header import model_entry

TINY = Path(__file__).resolve().parents[1] / "model" / "released" / "tiny"


@cache
def model_bytes() -> bytes:
    """A small model file."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.safetensors"
        write_checkpoint(path, small_checkpoint()[0])
        return path.read_bytes()


def model_parts(folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The weights and the header's entry of the small model."""
    path = folder / "whole.safetensors"
    path.write_bytes(model_bytes())
    return safetensors.torch.load_file(path), model_entry(path)


def check_model(path: Path) -> None:
    model_entry(path)
    network, checkpoint = load_network(path)
    assert all(bool(value.isfinite().all()) for value in checkpoint.state.values())
    assert network.feature_channels > 0


def try_model_bytes(rng: np.random.Generator, folder: Path) -> None:
    path = folder / "a.safetensors"
    path.write_bytes(damaged(model_bytes(), rng, reach=20_000))
    check_model(path)


def try_model_header(rng: np.random.Generator, folder: Path) -> None:
    """The header's entry says something else; the weights are whole."""
    state, entry = model_parts(folder)
    path = folder / "a.safetensors"
    text = json_of(entry, rng).encode("utf-8", "replace").decode()
    safetensors.torch.save_file(state, path, {"sss": text})
    check_model(path)


def try_safetensors_header(rng: np.random.Generator, folder: Path) -> None:
    """safetensors' own header lies about types, shapes and places."""
    data = model_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json_of(json.loads(data[8 : 8 + length]), rng).encode("utf-8", "replace")
    path = folder / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + length :])
    check_model(path)


def odd_tensors(state: dict[str, torch.Tensor], rng: np.random.Generator) -> dict[str, torch.Tensor]:
    """`state` with one or two tensors of other numbers, types or shapes, missing or renamed."""
    state = {name: value.clone() for name, value in state.items()}
    for _ in range(int(rng.integers(1, 3))):
        name = sorted(state)[int(rng.integers(0, len(state)))]
        value = state[name]
        match int(rng.integers(0, 9)):
            case 0 | 1 | 2 if value.is_floating_point() and value.numel():
                value.view(-1)[int(rng.integers(0, value.numel()))] = (np.nan, np.inf, -np.inf)[int(rng.integers(0, 3))]
            case 3:
                kinds = (torch.int8, torch.bool, torch.float64, torch.bfloat16, torch.int64, torch.uint8)
                state[name] = value.to(kinds[int(rng.integers(0, len(kinds)))])
            case 4:
                state[name] = value.reshape(-1)
            case 5:
                state[name] = torch.zeros(0)
            case 6:
                del state[name]
            case 7:
                state[f"{name}.x"] = state.pop(name)
            case _:
                state[name] = value[..., None].clone()
    return state


def try_model_weights(rng: np.random.Generator, folder: Path) -> None:
    """Weights that are not finite, of another type or shape; the digest is left out, so that they are looked at."""
    state, entry = model_parts(folder)
    entry = {key: value for key, value in entry.items() if key != "weights_sha256"}
    path = folder / "a.safetensors"
    safetensors.torch.save_file(odd_tensors(state, rng), path, {"sss": json.dumps(entry)})
    check_model(path)


def try_backbone_weights(rng: np.random.Generator, folder: Path) -> None:
    """A .pth or .safetensors of a backbone: damaged, wrapped, or holding odd things."""
    network = copy.deepcopy(small_checkpoint()[0])
    state = {name: value.clone() for name, value in network.backbone.net.state_dict().items()}
    draw = rng.random()
    path = folder / ("a.safetensors" if draw < 0.3 else "a.pth")
    content: Any = odd_tensors(state, rng) if rng.random() < 0.6 else state
    if path.suffix == ".safetensors":
        safetensors.torch.save_file(content, path)
    else:
        if rng.random() < 0.3:
            content = {("state_dict", "model", "x")[int(rng.integers(0, 3))]: content, "epoch": odd_value(rng)}
        if rng.random() < 0.2:
            content = {**content, str(odd_value(rng)): odd_value(rng)}
        if rng.random() < 0.1:
            content = odd_value(rng)
        torch.save(content, path)
    if rng.random() < 0.3:
        path.write_bytes(damaged(path.read_bytes(), rng, reach=20_000))
    load_backbone_weights(network.backbone, path)
    assert all(bool(value.isfinite().all()) for value in network.state_dict().values())


def train_state(params: TrainParams) -> TrainState:
    network = build_network(params.network)
    optimiser = build_optimiser(network, params.optimiser)
    network.features_at(
        network.branches(torch.rand(1, 3, 32, 32)), torch.zeros(1, 4, 2, dtype=torch.long)
    ).sum().backward()
    optimiser.step()
    mean = ExponentialMovingAverage(network, 0.9)
    return TrainState(network, optimiser, torch.amp.GradScaler("cpu", enabled=False), mean)


@cache
def small_recipe() -> TrainParams:
    network = NetworkParams(backbone="test_efficientnet", output_stride=32, dropout=0.0, feature_channels=4,
                            branch_channels=(2, 3, 3, 4, 4), hidden_channels=6)  # fmt: skip
    return TrainParams(network=network)


@cache
def state_bytes() -> bytes:
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.state.pt"
        save_state(path, train_state(small_recipe()), small_recipe(), {"set": 9})
        return path.read_bytes()


def try_training_state(rng: np.random.Generator, folder: Path) -> None:
    """Damaged or lying; what is refused leaves network and optimiser as they were."""
    path = folder / "last.state.pt"
    path.write_bytes(state_bytes())
    if rng.random() < 0.3:
        path.write_bytes(damaged(path.read_bytes(), rng, reach=20_000))
    else:
        content = torch.load(path, weights_only=True)
        if rng.random() < 0.3:
            content["network"] = odd_tensors(content["network"], rng)
        elif rng.random() < 0.3:
            content["mean"]["values"] = odd_tensors(content["mean"]["values"], rng)
        else:
            content = mutated(content, rng)
        torch.save(content, path)
    state = train_state(small_recipe())
    before = {name: value.clone() for name, value in state.network.state_dict().items()}
    groups = copy.deepcopy(state.optimiser.state_dict())
    try:
        content = read_state(path)
        params = TrainParams.from_dict(content["params"])
        restore_state(content, state, params.optimiser, path.name)
    except Exception:
        assert all(torch.equal(value, before[name]) for name, value in state.network.state_dict().items()), "half"
        assert state.optimiser.state_dict()["param_groups"] == groups["param_groups"], "half"
        raise
    assert all(bool(value.isfinite().all()) for value in state.network.state_dict().values())
    assert isinstance(state.update, int)
    assert isinstance(state.best, float)


def try_bundle(rng: np.random.Generator, folder: Path) -> None:
    index, data = (Path(f"{TINY}{suffix}").read_bytes() for suffix in (".index", ".data-00000-of-00001"))
    prefix = folder / "tiny"
    draw = rng.random()
    (folder / "tiny.index").write_bytes(damaged(index, rng, reach=len(index)) if draw < 0.8 else index)
    (folder / "tiny.data-00000-of-00001").write_bytes(damaged(data, rng) if draw > 0.7 else data)
    lying = rng.random() < 0.7  # a file may lie with correct sums
    with mock.patch.object(tf_bundle, "_masked", AnyNumber) if lying else contextlib.nullcontext():
        bundle = TensorBundle(prefix)
        for name in bundle.entries:
            assert bundle.read(name).nbytes < 2**30


class AnyNumber(int):
    """A checksum that equals every other."""

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = int.__hash__


def try_pspnet(rng: np.random.Generator, folder: Path) -> None:
    """A published checkpoint in the old or the new container: its class names, and often its weights."""
    few = {"backbone.stem.0.weight": torch.ones(4, 3, 3, 3), "backbone.stem.6.weight": torch.ones(8, 4, 3, 3),
           "decode_head.conv_seg.bias": torch.ones(2)}  # fmt: skip
    content: Any = {"meta": {"CLASSES": ["road", "sky"], "dataset_meta": {"classes": ["road"]}}, "state_dict": few}
    if rng.random() < 0.1:  # a whole network is built for it, which takes a second
        few["decode_head.conv_seg.weight"] = torch.ones(2, 512, 1, 1)
    if rng.random() < 0.3:
        content["state_dict"] = odd_tensors(few, rng)
    elif rng.random() < 0.7:
        content = mutated(content, rng)
    path = folder / "a.pth"
    torch.save(content, path, _use_new_zipfile_serialization=bool(rng.random() < 0.5))
    if rng.random() < 0.4:
        path.write_bytes(damaged(path.read_bytes(), rng))
    assert all(isinstance(name, str) for name in class_names(path))
    if rng.random() < 0.5:
        load_pspnet(path)


KINDS = [
    Kind("model file, bytes", try_model_bytes),
    Kind("model file, entry", try_model_header),
    Kind("model file, header", try_safetensors_header),
    Kind("model file, weights", try_model_weights),
    Kind("backbone weights", try_backbone_weights),
    Kind("training state", try_training_state),
    Kind("TensorFlow bundle", try_bundle),
    Kind("PSPNet checkpoint", try_pspnet),
]


@pytest.mark.filterwarnings("ignore")
def test_fifty_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 8, seed=0)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
def test_thousands_of_trials(tmp_path: Path) -> None:
    check_kinds(KINDS, tmp_path, 300, seed=1, apart=True)
