"""The paper's starting point: ResNet-101 as a DeepLab trained on MS-COCO has it, from torchvision.

torchvision's DeepLabV3 carries the same atrous ResNet-101, output stride 8, that the supplement's network is built on.
Its backbone's weights are taken; its classifiers have no place here, and the branches and 1x1 layers stay as they are.
"""

from __future__ import annotations

import re

from torch import Tensor

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
