"""The authors' TensorFlow checkpoint, converted to a model file of this program: all of it, or nothing.

The worst complaint about the published weights is a checkpoint that silently did not load. Here every variable that
the network needs must be there in its shape, and every variable that is there must be needed or known to be of no
use; otherwise the conversion is refused with the list of what is wrong.
"""

from __future__ import annotations

import hashlib
import os
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sss_model.errors import CheckpointError
from sss_model.network.authors_release import STAGES
from sss_model.network.build import build_network
from sss_model.params import NetworkParams
from sss_model.storage.atomic_write import reason
from sss_model.storage.scratch import scratch_folder
from sss_model.weights.authors.tf_bundle import TensorBundle
from sss_model.weights.checkpoint import load_state, write_checkpoint

# what the file may hold besides the network, and why it is left out
SKIPPED = {
    "momentum of the optimiser": re.compile(r".*/Momentum(_\d+)?$"),
    "accumulated gradients and counters": re.compile(r"Variable(_\d+)?$"),
    "classifier that the features do not use": re.compile(r"fc1_voc12_c[0-3]/"),
}
_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


@dataclass(frozen=True)
class ConvertReport:
    """What a conversion did.

    Attributes
    ----------
    taken : how many variables of the checkpoint the network took, which is all it has
    skipped : names left out, by reason
    source : the checkpoint's name
    path : the model file written
    """

    taken: int
    skipped: dict[str, list[str]]
    source: str
    path: Path

    def __str__(self) -> str:
        lines = [f"{self.source}: {self.taken} variables taken, none missing, none left over."]
        lines += [f"  skipped {len(names)}: {reason}" for reason, names in self.skipped.items() if names]
        return "\n".join([*lines, f"Written to {self.path}."])


def convert_released(
    source: str | os.PathLike[str], target: str | os.PathLike[str], *, norm_statistics: str = "stored"
) -> ConvertReport:
    """Write the authors' checkpoint `source` as the model file `target`, in float32: bit for bit the same weights.

    Parameters
    ----------
    source : the checkpoint's path prefix, any of its files, its folder, or a zip of it
    norm_statistics : `stored` or `image`; goes into the model file's parameters

    Raises
    ------
    CheckpointError : no checkpoint is there, it is damaged, or its variables are not the network's; lists them
    """
    params = NetworkParams(variant="released", norm_statistics=norm_statistics)
    network = build_network(params)
    with find_bundle(source) as prefix:
        bundle = TensorBundle(prefix)
        names = released_names()
        skipped = _check_names(bundle, names, network.state_dict())
        state: dict[str, Tensor] = {}
        digest = hashlib.sha256()
        for theirs, ours in names.items():
            values = bundle.read(theirs)
            digest.update(values.tobytes())
            state[ours] = _to_torch(values, theirs)
        load_state(network, state, prefix.name)
    origin = {"checkpoint": prefix.name, "weights_sha256": digest.hexdigest(), "format": "TensorFlow V2"}
    metadata: dict[str, Any] = {"source": origin, "title": "Semantic Soft Segmentation, released weights"}
    write_checkpoint(target, network, metadata, half=False)
    return ConvertReport(len(names), skipped, prefix.name, Path(target))


def released_names() -> dict[str, str]:
    """The authors' name of every variable of the network -> its name in `AuthorsReleaseNet`."""
    names = _conv_norm("conv1", "bn_conv1", "backbone.conv1")
    for number, blocks, *_ in STAGES:
        for block in blocks:
            for branch in ("1", "2a", "2b", "2c") if block == "a" else ("2a", "2b", "2c"):
                theirs = f"{number}{block}_branch{branch}"
                names |= _conv_norm(f"res{theirs}", f"bn{theirs}", f"backbone.res{number}.{block}.branch{branch}")
    for place, layer in enumerate((0, 1, 3, 4, 5)):
        names[f"hypercolumn_layers/hc_cv_{layer}/weights"] = f"branch.{place}.weight"
        names[f"hypercolumn_layers/hc_cv_{layer}/biases"] = f"branch.{place}.bias"
    for layer in (1, 2):
        names[f"fc{layer}_matting/linear/fc_weights1"] = f"fc{layer}.first.weight"
        names[f"fc{layer}_matting/linear/fc_weights2"] = f"fc{layer}.second.weight"
        names[f"fc{layer}_matting/linear/biases"] = f"fc{layer}.second.bias"
    return names | {"fc3_matting/linear/fc_weights1": "fc3.weight", "fc3_matting/linear/fc_biases": "fc3.bias"}


def _conv_norm(conv: str, norm: str, ours: str) -> dict[str, str]:
    return {f"{conv}/weights": f"{ours}.conv.weight"} | {f"{norm}/{k}": f"{ours}.norm.{v}" for k, v in _NORM.items()}


def _to_torch(values: np.ndarray[Any, np.dtype[np.generic]], name: str) -> Tensor:
    """A variable as torch has it: HWIO convolutions to OIHW, matrices (in, out) to 1x1 convolutions."""
    if not np.isfinite(values).all():
        raise CheckpointError(f"The variable {name} holds values that are not finite.")
    tensor = torch.from_numpy(values.astype(np.float32))
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.t()[..., None, None].contiguous() if tensor.ndim == 2 else tensor


def _their_shape(shape: tuple[int, ...], name: str) -> tuple[int, ...]:
    if len(shape) != 4:
        return shape
    outer, inner, height, width = shape
    return (inner, outer) if "/fc_weights" in name else (height, width, inner, outer)


def _check_names(bundle: TensorBundle, names: dict[str, str], own: dict[str, Tensor]) -> dict[str, list[str]]:
    """The skipped names by reason; raises unless the rest are exactly the network's variables, in their shapes."""
    skipped: dict[str, list[str]] = {reason: [] for reason in SKIPPED}
    problems = []
    for name, entry in bundle.entries.items():
        if name in names:
            expected = _their_shape(tuple(own[names[name]].shape), name)
            if entry.shape != expected:
                problems.append(f"wrong shape {name}: expected {list(expected)}, got {list(entry.shape)}")
            elif entry.dtype is None or entry.dtype.kind != "f":
                problems.append(f"wrong type {name}: expected floating point, got {entry.dtype or 'no numbers'}")
            continue
        reason = next((reason for reason, pattern in SKIPPED.items() if pattern.match(name)), None)
        if reason is None:
            problems.append(f"left over {name} {list(entry.shape)}")
        else:
            skipped[reason].append(name)
    problems += [f"missing {name}" for name in names if name not in bundle.entries]
    if problems:
        raise CheckpointError(
            f"{bundle.prefix.name} is not the authors' network; {len(problems)} variables do not fit:\n  "
            + "\n  ".join(problems),
            hint="Nothing was written. Use the checkpoint HyperColumn_Deeplabv2-<step> as published.",
        )
    return skipped


@contextmanager
def find_bundle(source: str | os.PathLike[str]) -> Iterator[Path]:
    """The path prefix of the checkpoint that `source` (prefix, file, folder or zip) means; a zip is unpacked meanwhile.

    Raises
    ------
    CheckpointError : there is none, or more than one and no `checkpoint` file that names the one
    """
    path = Path(source)
    if path.is_dir():
        yield _in_folder(path)
    elif path.is_file() and zipfile.is_zipfile(path):
        with scratch_folder("convert") as folder:
            _unpack(path, folder)
            yield _in_folder(folder, path.name)
    else:
        prefix = path.with_name(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name))
        if not prefix.with_name(prefix.name + ".index").is_file():
            raise CheckpointError(
                f"There is no TensorFlow checkpoint at {path}: expected {prefix.name}.index beside its data files.",
                hint="Give the path prefix, the folder or a zip of a V2 checkpoint (.index and .data-00000-of-00001).",
                missing=not path.exists(),
            )
        yield prefix


def _in_folder(folder: Path, shown: str = "") -> Path:
    """The one checkpoint under `folder`: what its `checkpoint` file names, else the only index there."""
    shown = shown or str(folder)
    for pointer in sorted(folder.rglob("checkpoint")):
        text = pointer.read_text(encoding="utf-8", errors="replace") if pointer.is_file() else ""
        if match := re.search(r'^model_checkpoint_path:\s*"(.+)"', text, re.MULTILINE):
            # the path is that of the machine it was written on; only its last part means anything here
            named = pointer.parent / re.split(r"[/\\]", match[1])[-1]
            if named.with_name(named.name + ".index").is_file():
                return named
    found = sorted(folder.rglob("*.index"))
    if len(found) == 1:
        return found[0].with_suffix("")
    names = ", ".join(file.stem for file in found[:6])
    raise CheckpointError(
        f"{shown} holds {len(found) or 'no'} checkpoints{': ' + names if names else ''}; expected one.",
        hint="Give the path prefix of the one that is meant." if found else "Expected a .index file in it.",
    )


def _unpack(archive: Path, folder: Path) -> None:
    """The checkpoint's files out of `archive`; zipfile itself keeps names from leaving `folder`."""
    wanted = re.compile(r"(^|/)checkpoint$|\.index$|\.data-\d{5}-of-\d{5}$")
    try:
        with zipfile.ZipFile(archive) as content:
            for member in content.infolist():
                if wanted.search(member.filename) and "__MACOSX" not in member.filename:
                    content.extract(member, folder)
    except OSError as error:
        why, _ = reason(error)
        hint = "It is unpacked into the temporary folder: set TMPDIR to another, or unpack it yourself."
        raise CheckpointError(f"The archive {archive.name} cannot be unpacked: {why}.", hint=hint) from error
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise CheckpointError(
            f"The archive {archive.name} cannot be unpacked: it is damaged, encrypted or of an unknown kind."
        ) from error
