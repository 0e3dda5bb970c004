"""Which backbones there are on this machine, and which of them have weights here: for the window and the commands."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from sss_model.weights.published import SEGMENTATION_WEIGHTS, cached_file
from sss_model.weights.source_names import DEEPLAB, LITE2, LITE2_BACKBONE, TIMM
from sss_model.weights.sources import cached_weights, lite2_is_here


@dataclass(frozen=True)
class ShortListed:
    """A backbone that is good to begin with: its name, what it is good for, and the download's size in MB."""

    name: str
    words: str
    megabytes: int


SHORT_LIST = (
    ShortListed("vit_small_patch14_reg4_dinov2.lvd142m", "DINOv2 small with registers: what things are, smoothly", 88),
    ShortListed(
        "vit_small_plus_patch16_dinov3.lvd1689m", "DINOv3 small plus: finer, and steadier on large pictures", 115
    ),
    ShortListed("convnext_tiny.fb_in22k", "ConvNeXt tiny, ImageNet-22k: edges and textures, at four strides", 179),
)
"""Beside the shipped model, which needs none of them."""


@dataclass(frozen=True)
class BackboneEntry:
    """One backbone that can be built here.

    Attributes
    ----------
    name : for `NetworkParams.backbone`
    program : torchvision or timm
    weights : what `init_weights` takes for it: deeplab-coco, lite2, timm, or nothing where nobody published any
    here : the weights are on this machine; otherwise they need a download
    """

    name: str
    program: str
    weights: str
    here: bool


def list_backbones(pattern: str = "*", *, here_only: bool = False) -> list[BackboneEntry]:
    """The backbones whose names match `pattern` (* and ?), those with weights on this machine first.

    timm's names are those of the installed version; whether one gives its stages is known when it is built. Nothing
    is downloaded.

    Examples
    --------
    >>> entry = next(entry for entry in list_backbones("resnet101") if entry.program == "torchvision")
    >>> entry.name, entry.weights
    ('resnet101', 'deeplab-coco')
    """
    import timm

    entries = [BackboneEntry("resnet101", "torchvision", DEEPLAB, SEGMENTATION_WEIGHTS["deeplab"].here)]
    cached = _Cached()
    for name in timm.list_models():
        if name == "resnet101":
            continue
        if name == LITE2_BACKBONE and lite2_is_here():
            entries.append(BackboneEntry(name, "timm", LITE2, True))
            continue
        config = timm.get_pretrained_cfg(name)
        published = config is not None and bool(config.hf_hub_id or config.url)
        entries.append(BackboneEntry(name, "timm", TIMM if published else "", published and cached.has(config)))
    wanted = [entry for entry in entries if fnmatch(entry.name, pattern) and (entry.here or not here_only)]
    return sorted(wanted, key=lambda entry: not entry.here)


def licence_of(name: str) -> str:
    """The licence of timm's weights of the network `name`, as timm states it; '' where it does not.

    Examples
    --------
    >>> licence_of("convnext_tiny.fb_in22k")
    'apache-2.0'
    """
    import timm

    config = timm.get_pretrained_cfg(name)
    return str(config.license or "") if config is not None else ""


def short_list() -> list[tuple[ShortListed, BackboneEntry, str]]:
    """The backbones that are good to begin with, whether their weights are here, and their licences."""
    return [
        (
            listed,
            BackboneEntry(listed.name, "timm", TIMM, cached_weights(listed.name) is not None),
            licence_of(listed.name),
        )
        for listed in SHORT_LIST
    ]


class _Cached:
    """The caches' contents, read once: a thousand names would otherwise be a thousand searches."""

    def __init__(self) -> None:
        from huggingface_hub.constants import HF_HUB_CACHE

        self._hub = Path(HF_HUB_CACHE)
        self._repositories = {path.name for path in self._hub.glob("models--*")} if self._hub.is_dir() else set()
        folder = cached_file("").parent
        self._files = {path.name for path in folder.iterdir()} if folder.is_dir() else set()

    def has(self, config: Any) -> bool:
        if config.hf_hub_id:
            folder = "models--" + config.hf_hub_id.partition("@")[0].replace("/", "--")
            if folder in self._repositories and any((self._hub / folder).glob("snapshots/*/*")):
                return True
        return bool(config.url) and str(config.url).rsplit("/", 1)[-1] in self._files
