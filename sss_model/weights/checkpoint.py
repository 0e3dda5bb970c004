"""Model files: weights in safetensors, with the parameters that rebuild their network in the header.

Reading executes nothing: safetensors holds plain numbers, and the header is JSON. The header's `sss` entry holds
`format`, `params` (`NetworkParams`), `version` of this program, `weights_sha256` over names and numbers, which is
verified, and what the writer adds (data, command, scores).
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

import sss_model
from sss_model.atomic_write import replacing
from sss_model.errors import CheckpointError, ParameterError
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.shipped_files import MODEL, resource
from sss_model.weights.header import read_header

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A model file as read: `params` rebuild the network, `state` are its weights, `sha256` identifies the file."""

    path: Path
    params: NetworkParams
    state: dict[str, Tensor]
    metadata: dict[str, Any]
    sha256: str

    @property
    def card(self) -> str:
        """The text of the card beside the file (same stem, .md), or an empty string."""
        card = self.path.with_suffix(".md")
        return card.read_text(encoding="utf-8") if card.is_file() else ""


def read_checkpoint(path: str | os.PathLike[str] | None = None) -> Checkpoint:
    """The model file at `path`; None reads the one that is shipped.

    Raises
    ------
    CheckpointError : the file is missing, is not a model of this program, or is damaged

    Examples
    --------
    >>> checkpoint = read_checkpoint()
    >>> checkpoint.path.name, checkpoint.params.feature_channels
    ('sss_lite2.safetensors', 128)
    """
    file = Path(path) if path is not None else resource(MODEL)
    if not file.is_file():
        found = "a folder" if file.is_dir() else "nothing"
        raise CheckpointError(
            f"There is no model file at {file}: found {found}.", hint="Choose a .safetensors file.", missing=True
        )
    header = read_header(file)
    if "sss" not in header:
        raise CheckpointError(
            f"{file.name} is a safetensors file, but not a model of this program: its header has no 'sss' entry.",
            hint="Train one with sss-train, or convert the authors' checkpoint with sss-convert.",
        )
    try:
        entry = json.loads(header["sss"])
        if entry["format"] > FORMAT:
            raise CheckpointError(
                f"{file.name} has format {entry['format']}; this program reads up to {FORMAT}.",
                hint="Update the program.",
            )
        params = NetworkParams.from_dict(entry["params"])
    except (ParameterError, KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"The header of {file.name} does not describe a network: {error}") from error
    stored = safetensors.torch.load_file(file)
    if entry.get("weights_sha256", "") not in ("", weights_digest(stored)):
        raise CheckpointError(
            f"{file.name} is damaged: its weights are not those that were written.", hint="Copy or download it again."
        )
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    metadata = {key: value for key, value in entry.items() if key not in ("params", "format")}
    return Checkpoint(file, params, state, metadata, digest)


def weights_digest(state: dict[str, Tensor]) -> str:
    """SHA-256 over the names, types, shapes and numbers of `state`, whatever its order."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def load_network(path: str | os.PathLike[str] | Checkpoint | None = None) -> tuple[FeatureNet, Checkpoint]:
    """The network of a model file with its weights, in evaluation mode, on the CPU; None takes the shipped one.

    Raises
    ------
    CheckpointError : as `read_checkpoint`, or names or shapes of the weights do not fit the network

    Examples
    --------
    >>> network, checkpoint = load_network()
    >>> network.feature_channels, checkpoint.params.backbone
    (128, 'tf_efficientnet_lite2')
    """
    checkpoint = path if isinstance(path, Checkpoint) else read_checkpoint(path)
    try:
        network = build_network(checkpoint.params)
    except ParameterError as error:
        raise CheckpointError(
            f"The network of {checkpoint.path.name} cannot be built here: {error}", hint=error.hint
        ) from error
    load_state(network, checkpoint.state, checkpoint.path.name)
    return network.eval(), checkpoint


def load_state(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load `state` into `network`, whole or not at all.

    Raises
    ------
    CheckpointError : lists every name that is missing, left over, or of another shape
    """
    own = network.state_dict()
    problems = [f"missing {name} {list(own[name].shape)}" for name in own if name not in state]
    problems += [f"left over {name} {list(state[name].shape)}" for name in state if name not in own]
    problems += [
        f"shape of {name}: expected {list(own[name].shape)}, got {list(state[name].shape)}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    if problems:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        raise CheckpointError(f"The weights in {source} do not fit the network: {shown}.")
    network.load_state_dict(state)


def write_checkpoint(
    path: str | os.PathLike[str], network: FeatureNet, metadata: dict[str, Any] | None = None, *, half: bool = True
) -> None:
    """Write `network` whole or not at all; `half` stores floating weights as float16.

    Raises
    ------
    CheckpointError : the file cannot be written, or float16 cannot hold a weight
    """
    file = Path(path)
    state = {}
    for name, tensor in network.state_dict().items():
        value = tensor.detach().cpu()
        if half and value.is_floating_point():
            value = value.half()
        if value.is_floating_point() and not torch.isfinite(value).all():
            raise CheckpointError(
                f"The weight {name} is not finite{' in float16' if half else ''}; {file.name} was not written."
            )
        state[name] = value.contiguous()
    entry = {
        **(metadata or {}),
        "format": FORMAT,
        "version": sss_model.__version__,
        "weights_sha256": weights_digest(state),
        "params": network.params.to_dict(),
    }
    with replacing(file, CheckpointError) as temporary:
        safetensors.torch.save_file(state, temporary, {"sss": json.dumps(entry)})
