"""Weights that torchvision's networks take: whether they are in torch's cache, and the way there."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sss_model.progress import Progress
from sss_model.weights.download import allowed_download, download_file

_SERVER = "https://download.pytorch.org/models"


@dataclass(frozen=True)
class PublishedWeights:
    """One file of weights of the network `title`, as torch's cache has it, and its size in MB."""

    title: str
    name: str
    megabytes: int

    @property
    def here(self) -> bool:
        """Whether it is in torch's cache: nothing is to be downloaded."""
        return cached_file(self.name).is_file()

    def fetch(self, *, consent: bool, local: str = "a local file", progress: Progress | None = None) -> Path:
        """The file, from torch's cache, or downloaded into it if `consent`.

        Parameters
        ----------
        local : how the user may name a file instead, for the hint
        progress : of the download; may raise `Cancelled`

        Raises
        ------
        CheckpointError : not in the cache and no consent to download, or the download failed
        """
        file = cached_file(self.name)
        if self.here:
            return file
        with allowed_download(self.title, consent=consent, size=f" of {self.megabytes} MB to {file}", local=local):
            download_file(f"{_SERVER}/{self.name}", file, f"the weights of {self.title}", progress)
        return file


SEGMENTATION_WEIGHTS = {
    "mask-rcnn": PublishedWeights("Mask R-CNN", "maskrcnn_resnet50_fpn_v2_coco-73cbd019.pth", 177),
    "deeplab": PublishedWeights("DeepLab", "deeplabv3_resnet101_coco-586e9e4e.pth", 233),
}
"""By method; PSPNet has none that a package carries."""


def cached_file(name: str) -> Path:
    """Where torch keeps a download of that name or address, from the variables that torch documents."""
    caches = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("TORCH_HOME", os.path.join(caches, "torch"))
    return Path(home).expanduser() / "hub" / "checkpoints" / name.rsplit("/", 1)[-1]
