"""What is asked about models and backbones, and the answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sss_gui.requests.channel import Request


@dataclass(frozen=True)
class ModelWords:
    """A model in words; `key` is its path, empty for the shipped one; `card` is Markdown."""

    key: str
    title: str
    summary: str
    card: str


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
class BackboneWords:
    """A backbone: its name, who published it, what `init_weights` takes for it ('' for nothing), whether it is here."""

    name: str
    program: str
    weights: str
    here: bool


@dataclass(frozen=True)
class GoodBackbone(BackboneWords):
    """One to begin with: what it is good for, the download's size in MB, and the licence of its weights."""

    words: str
    megabytes: int
    licence: str


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
