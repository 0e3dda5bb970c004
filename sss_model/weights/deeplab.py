"""The paper's starting point: ResNet-101 as a DeepLab trained on MS-COCO has it, from torchvision.

torchvision's DeepLabV3 carries the same atrous ResNet-101, output stride 8, that the supplement's network is built on.
Its backbone's weights are taken; its classifiers have no place here, and the branches and 1x1 layers stay as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor

from sss_model.errors import CheckpointError

_HEADS = ("fc.", "classifier.", "aux_classifier.")


def torchvision_names(state: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Weights of torchvision's ResNet-101, alone or inside its DeepLabV3, under `ResNetBackbone`'s names.

    Returns
    -------
    renamed : every weight but the classifiers'; a name with no place keeps itself, for the loader to refuse
    skipped : the classifiers' names
    """
    renamed, skipped = {}, []
    for name, tensor in state.items():
        plain = name.removeprefix("backbone.")
        if plain.startswith(_HEADS):
            skipped.append(name)
        else:
            renamed[re.sub(r"^(conv1|bn1)\.", lambda match: f"stem.{int(match[1] == 'bn1')}.", plain)] = tensor
    return renamed, skipped


def deeplab_weights(*, consent: bool) -> Path:
    """torchvision's COCO weights of DeepLabV3-ResNet-101: from torch's cache, or downloaded into it if `consent`.

    Raises
    ------
    CheckpointError : not in the cache and no consent to download, or the download failed
    """
    from torchvision.models.segmentation import DeepLabV3_ResNet101_Weights

    weights = DeepLabV3_ResNet101_Weights.COCO_WITH_VOC_LABELS_V1
    file: Path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rsplit("/", 1)[-1]
    if file.is_file():
        return file
    if not consent:
        raise CheckpointError(
            f"The DeepLab weights are not on this machine, and nothing is downloaded unasked: expected {file}.",
            hint="Allow the download of 230 MB (--allow-download), or name a local file: deeplab-coco:FILE.",
        )
    try:
        weights.get_state_dict(progress=True, check_hash=True, weights_only=True)
    except Exception as error:
        raise CheckpointError(
            f"The DeepLab weights could not be downloaded: {type(error).__name__}.",
            hint="Check the connection, or name a local file: deeplab-coco:FILE.",
        ) from error
    return file
