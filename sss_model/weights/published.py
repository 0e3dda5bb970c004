"""Which published weights torchvision's networks take, and whether they are on this machine; torch is not loaded."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PublishedWeights:
    """One file of weights, as torch's cache has it, and its size in MB."""

    name: str
    megabytes: int

    @property
    def here(self) -> bool:
        """Whether it is in torch's cache: nothing is to be downloaded."""
        return (_cache() / self.name).is_file()


SEGMENTATION_WEIGHTS = {
    "mask-rcnn": PublishedWeights("maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", 177),
    "deeplab": PublishedWeights("deeplabv3_resnet101_coco-586e9e4e.pth", 233),
}
"""By method; PSPNet has none that a package carries."""


def _cache() -> Path:
    """torch's folder of downloaded weights, from the variables that torch documents."""
    caches = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(caches, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints"
