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
from safetensors import SafetensorError
from torch import Tensor, nn

import sss_model
from sss_model.errors import CheckpointError, ParameterError
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.params.fields import shown
from sss_model.storage.atomic_write import replacing
from sss_model.storage.json_file import parse_json
from sss_model.storage.shipped_files import MODEL, resource
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
    entry = parse_json(header["sss"], CheckpointError, noun=f"The header of {file.name}")
    params = _described(entry, file.name)
    try:
        stored = safetensors.torch.load_file(file)
    except SafetensorError as error:
        raise CheckpointError(f"{file.name} is damaged: its weights cannot be read.") from error
    if entry.get("weights_sha256", "") not in ("", weights_digest(stored)):
        raise CheckpointError(
            f"{file.name} is damaged: its weights are not those that were written.", hint="Copy or download it again."
        )
    state = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in stored.items()}
    with file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    check_finite(state, file.name)
    metadata = {key: value for key, value in entry.items() if key not in ("params", "format")}
    return Checkpoint(file, params, state, metadata, digest)


def _described(entry: Any, name: str) -> NetworkParams:
    """The network that the header's `entry` of the model file `name` describes."""
    if not isinstance(entry, dict) or not isinstance(entry.get("format"), int) or "params" not in entry:
        raise CheckpointError(f"The header of {name} does not describe a network: expected its format and params.")
    if entry["format"] > FORMAT:
        raise CheckpointError(
            f"{name} has format {shown(entry['format'])}; this program reads up to {FORMAT}.",
            hint="Update the program.",
        )
    try:
        return NetworkParams.from_dict(entry["params"])
    except ParameterError as error:
        raise CheckpointError(f"The header of {name} does not describe a network: {error}") from error


def check_finite(state: dict[str, Tensor], source: str) -> None:
    """Raise `CheckpointError` for the first weight of `state` that holds NaN or infinity: all features would be so."""
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"The weights in {source} are not finite: {name} holds NaN or infinity.",
                hint="Take a model that was saved before.",
            )


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
    name = checkpoint.path.name
    try:
        network = build_network(checkpoint.params)
    except ParameterError as error:
        raise CheckpointError(f"The network of {name} cannot be built here: {error}", hint=error.hint) from error
    except (ValueError, TypeError, RuntimeError, ArithmeticError, LookupError) as error:  # parameters that do not go
        raise CheckpointError(
            f"The network of {name} cannot be built here: its parameters do not go together."
        ) from error
    load_state(network, checkpoint.state, name)
    return network.eval(), checkpoint


def load_state(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Load `state` into `network`, whole or not at all.

    Raises
    ------
    CheckpointError : lists every name that is missing, left over, or of another shape
    """
    check_fit(network, state, source)
    network.load_state_dict(state)


def check_fit(network: nn.Module, state: dict[str, Tensor], source: str) -> None:
    """Raise `CheckpointError`, which lists all that differ, unless `state` has the names and shapes of the network."""
    own = network.state_dict()
    if not isinstance(state, dict):
        raise CheckpointError(f"{source} holds no weights: expected tensors by name.")
    odd = [name for name, value in state.items() if not isinstance(value, Tensor)]
    problems = [f"no tensor {name}" for name in odd]
    problems += [f"missing {name} {list(own[name].shape)}" for name in own if name not in state]
    given = {name: value for name, value in state.items() if name not in odd}
    problems += [f"left over {name} {list(given[name].shape)}" for name in given if name not in own]
    problems += [
        f"shape of {name}: expected {list(own[name].shape)}, got {list(given[name].shape)}"
        for name in own
        if name in given and own[name].shape != given[name].shape
    ]
    if problems:
        listed = "; ".join(problems[:40]) + (f"; and {len(problems) - 40} more" if len(problems) > 40 else "")
        raise CheckpointError(f"The weights in {source} do not fit the network: {listed}.")


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
    with replacing(file, CheckpointError, needs=sum(tensor.nbytes for tensor in state.values())) as temporary:
        try:
            safetensors.torch.save_file(state, temporary, {"sss": json.dumps(entry)})
        except SafetensorError as error:
            raise RuntimeError(str(error)) from error  # which has the system's number in it
