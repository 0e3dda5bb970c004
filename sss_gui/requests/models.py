"""What is asked about models and backbones, and the answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sss_gui.model_words import BackboneWords, GoodBackbone, ModelWords
from sss_gui.requests.channel import Request


@dataclass(frozen=True)
class ModelsRequest(Request[tuple[ModelWords, ...]]):
    """What the shipped model, which comes first, and those at `paths` are."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class BackbonesResult:
    """Those with weights on this machine first; `good` are those to begin with."""

    backbones: tuple[BackboneWords, ...]
    good: tuple[GoodBackbone, ...] = ()


@dataclass(frozen=True)
class BackbonesRequest(Request[BackbonesResult]):
    """Which backbones are installed."""


@dataclass(frozen=True)
class BackboneModelRequest(Request[Path]):
    """Write a model of the backbone `name` alone into `folder`, and say where.

    `weights` is what `init_weights` takes, None for random ones; `consent` allows a download; `blocks` as `--blocks`.
    """

    name: str
    weights: str | None
    folder: Path
    blocks: str = ""
    consent: bool = False
