"""Weights of other programs' networks under a backbone's own names: whole, or an error that lists why not.

A file may hold more than a backbone needs: the classifier, stages beyond the deepest tap. What is left out is reported;
a name that belongs to no part of the network is an error, as is one that is missing or of another shape.
"""

from __future__ import annotations

import argparse
import os
import pickle
import re
import sys
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sss_model.errors import CheckpointError
from sss_model.network.backbone import BlockTaps, ResNetBackbone, TimmBackbone
from sss_model.storage.atomic_write import reason
from sss_model.weights.checkpoint import check_finite, load_state

State = dict[str, Tensor]
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "teacher", "network", "net", "encoder")
_PREFIXES = ("module.", "_orig_mod.", "teacher.", "_forward_module.", "model.", "network.", "net.", "encoder.")
_PARTS = ("backbone.", "encoder.", "encoder_q.")
_TORCHVISION_HEADS = ("fc.", "classifier.", "aux_classifier.")
_LUKEMELAS_HEADS = ("_fc.", "_conv_head.", "_bn1.")


@dataclass(frozen=True)
class LoadReport:
    """Which of a file's names went into the backbone, and which were left out."""

    taken: tuple[str, ...]
    skipped: tuple[str, ...]


def read_content(path: str | os.PathLike[str]) -> Any:
    """Whatever plain content a .pth or .safetensors file has, without executing anything in it.

    Raises
    ------
    CheckpointError : no such file, damaged, or more in it than tensors, numbers and texts
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"There is no weights file at {file}.", missing=True)
    try:
        if file.suffix == ".safetensors":
            import safetensors.torch

            return safetensors.torch.load_file(file)
        with torch.serialization.safe_globals(_plain_types()):
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{file.name} holds more than tensors, or is no PyTorch file; nothing in it was run or loaded.",
            hint="Save its state dictionary alone, best as .safetensors.",
        ) from error
    except MemoryError:
        raise
    except OSError as error:
        raise CheckpointError(f"The weights file {file.name} cannot be read: {reason(error)[0]}.") from error
    except Exception as error:  # on damaged bytes the readers raise anything
        raise CheckpointError(f"{file.name} holds no plain weights, or is damaged.") from error


def _plain_types() -> list[Any]:
    """What training scripts store beside weights and what runs nothing when it is made: options and NumPy's numbers."""
    kinds = [type(np.dtype(kind)) for kind in "?bhilqBHILQefdSU"]
    scalar, array = np.float64(0).__reduce__()[0], np.zeros(1).__reduce__()[0]
    names = [(scalar, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]
    names += [(array, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    paths = [(PurePosixPath, "pathlib.PosixPath"), (PureWindowsPath, "pathlib.WindowsPath")]
    return [argparse.Namespace, defaultdict, np.dtype, np.ndarray, *kinds, *names, *paths]


def _unwrapped(state: State) -> State:
    """`state` without what wrappers put before all names; of a teacher and a student, the teacher's."""
    teachers = {name: tensor for name, tensor in state.items() if name.startswith("teacher.")}
    state = teachers or state
    while prefix := next((p for p in _PREFIXES if state and all(name.startswith(p) for name in state)), None):
        state = {name.removeprefix(prefix): tensor for name, tensor in state.items()}
    return state


def _backbone_of(state: State, own: State) -> State:
    """The part of `state` that is called backbone or encoder, where the network itself has no such part."""
    for part in _PARTS:
        inside = {name[len(part) :]: tensor for name, tensor in state.items() if name.startswith(part)}
        if inside and not any(name.startswith(part) for name in own):
            return _unwrapped(inside)
    return state


def read_weights(path: str | os.PathLike[str]) -> State:
    """The tensors of a .pth or .safetensors file, without executing anything in it.

    Raises
    ------
    CheckpointError : no such file, or no plain dictionary of tensors in it
    """
    file, state = Path(path), read_content(path)
    while isinstance(state, dict) and (
        inner := next((state[name] for name in _WRAPPERS if isinstance(state.get(name), dict)), None)
    ):
        state = inner
    if not isinstance(state, dict) or not state or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(f"{file.name} must hold a dictionary of tensors, got {type(state).__name__}.")
    if not all(isinstance(name, str) for name in state):
        raise CheckpointError(f"{file.name} holds tensors without names.")
    state = _unwrapped(state)
    check_finite(state, file.name)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}


def load_backbone_weights(backbone: nn.Module, path: str | os.PathLike[str]) -> LoadReport:
    """Load a network's weights, under torchvision's, timm's or efficientnet-pytorch's names, into `backbone`.

    Raises
    ------
    CheckpointError : lists every name that is missing, left over or of another shape; the backbone is as it was
    """
    state, file = read_weights(path), Path(path)
    if isinstance(backbone, ResNetBackbone):
        renamed, skipped = torchvision_names(state)
        load_state(backbone, {**norm_counters(backbone.state_dict()), **renamed}, file.name)
        return LoadReport(tuple(renamed), tuple(skipped))
    if not isinstance(backbone, TimmBackbone):
        raise CheckpointError(f"{file.name} holds weights of a backbone, and this network's takes none from a file.")
    net = backbone.net.model if isinstance(backbone.net, BlockTaps) else backbone.net
    if not isinstance(net, nn.Module):
        raise TypeError(type(net))
    own = net.state_dict()
    state = _backbone_of(state, own)
    if any(key.startswith("_blocks.") for key in state):
        renamed, skipped = lukemelas_to_timm(state, own), [key for key in state if key.startswith(_LUKEMELAS_HEADS)]
    else:
        renamed, skipped = _timm_names(state, own, backbone.name)
    load_state(net, {**norm_counters(own), **renamed}, file.name)
    return LoadReport(tuple(renamed), tuple(skipped))


def torchvision_names(state: State) -> tuple[State, list[str]]:
    """Weights of torchvision's ResNet-101, alone or inside its DeepLabV3, under `ResNetBackbone`'s names.

    Returns
    -------
    renamed : every weight but the classifiers'; a name with no place keeps itself, for the loader to refuse
    skipped : the classifiers' names
    """
    renamed, skipped = {}, []
    for name, tensor in state.items():
        plain = name.removeprefix("backbone.")
        if plain.startswith(_TORCHVISION_HEADS):
            skipped.append(name)
        else:
            renamed[re.sub(r"^(conv1|bn1)\.", lambda match: f"stem.{int(match[1] == 'bn1')}.", plain)] = tensor
    return renamed, skipped


def lukemelas_to_timm(state: State, own: State) -> State:
    """EfficientNet weights under the names of the package efficientnet-pytorch, renamed to timm's.

    Parameters
    ----------
    state : names such as `_conv_stem.weight`, `_blocks.7._depthwise_conv.weight`
    own : the timm network's state, whose stages tell how many blocks each has
    """
    sizes: dict[int, set[int]] = {}
    for name in own:
        if match := re.match(r"blocks\.(\d+)\.(\d+)\.", name):
            sizes.setdefault(int(match[1]), set()).add(int(match[2]))
    places = [(stage, block) for stage in sorted(sizes) for block in sorted(sizes[stage])]
    renamed = {}
    for name, tensor in state.items():
        if match := re.match(r"_blocks\.(\d+)\._(.+)$", name):
            index = int(match[1])
            if index >= len(places):
                continue  # a stage beyond the deepest tap
            stage, block = places[index]
            plain = f"blocks.{stage}.{block}.conv_pwl.weight" not in own  # the first stage has no expansion
            renamed[f"blocks.{stage}.{block}.{_block_part(match[2], plain)}"] = tensor
        elif name.startswith("_conv_stem."):
            renamed["conv_stem." + name.split(".", 1)[1]] = tensor
        elif name.startswith("_bn0."):
            renamed["bn1." + name.split(".", 1)[1]] = tensor
        elif not name.startswith(_LUKEMELAS_HEADS):
            raise CheckpointError(f"The weight {name} has no place in the backbone.")
    return renamed


def _block_part(name: str, plain: bool) -> str:
    layer, rest = name.split(".", 1)
    table = {
        **{"depthwise_conv": "conv_dw", "expand_conv": "conv_pw", "project_conv": "conv_pw" if plain else "conv_pwl"},
        **{"bn0": "bn1", "bn1": "bn1" if plain else "bn2", "bn2": "bn2" if plain else "bn3"},
    }
    if layer not in table:
        raise CheckpointError(f"The block weight {name} has no place in the backbone.")
    return f"{table[layer]}.{rest}"


def _timm_names(state: State, own: State, name: str) -> tuple[State, list[str]]:
    """`state` under the names that timm's stages have, and the names that only the whole classifier needs.

    timm's own filter first brings other programs' names and position grids to timm's, as when it loads by itself.
    """
    whole = _whole(name)
    state = _filtered(state, whole, name)
    renamed, used = {}, set()
    for key in own:
        for candidate in (key, *_unflattened(key)):
            if candidate in state:
                renamed[key] = state[candidate]
                used.add(candidate)
                break
    known = whole.state_dict()
    skipped = [key for key in state if key not in used and key in known]
    left = {key: state[key] for key in state if key not in used and key not in known}
    return renamed | left, skipped


def _unflattened(key: str) -> list[str]:
    """`stages_0.x` is `stages.0.x` in the whole network: timm joins the first two parts when it cuts stages out."""
    first, _, rest = key.partition(".")
    return [f"{first[: m.start()]}.{first[m.end() :]}.{rest}" for m in re.finditer("_", first)]


def _whole(name: str) -> nn.Module:
    """The classification network called `name`, its weights nowhere where that is possible."""
    import timm

    try:
        with torch.device("meta"):
            return timm.create_model(name, pretrained=False)
    except (RuntimeError, NotImplementedError):
        return timm.create_model(name, pretrained=False)


def _filtered(state: State, whole: nn.Module, name: str) -> State:
    import timm

    module = sys.modules[timm.model_entrypoint(name.split(".")[0]).__module__]
    function: Callable[..., State] | None = getattr(module, "checkpoint_filter_fn", None)
    if function is None:
        return state
    try:
        return dict(function(dict(state), whole))
    except (KeyError, RuntimeError, AttributeError, TypeError, ValueError, IndexError):
        return state  # names of no format that timm knows: the check that follows lists them


def norm_counters(own: State) -> State:
    """Batch norm's counters of batches, which some files lack and nothing here uses."""
    return {name: tensor for name, tensor in own.items() if name.endswith("num_batches_tracked")}
