"""What is asked about models and backbones, and the answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar


@dataclass(frozen=True)
class ModelsRequest:
    """What the shipped model and those at `paths` are."""

    queue: ClassVar[str] = "list"
    patient: ClassVar[bool] = True
    ticket: int
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class ModelWords:
    """A model in words; `key` is its path, empty for the shipped one; `card` is Markdown."""

    key: str
    title: str
    summary: str
    card: str


@dataclass(frozen=True)
class ModelsResult:
    """The shipped model first."""

    ticket: int
    models: tuple[ModelWords, ...]


@dataclass(frozen=True)
class BackbonesRequest:
    """Which backbones are installed."""

    queue: ClassVar[str] = "list"
    patient: ClassVar[bool] = True
    ticket: int


@dataclass(frozen=True)
class BackboneWords:
    """A backbone: its name, who published it, what `init_weights` takes for it ('' for nothing), whether it is here."""

    name: str
    program: str
    weights: str
    here: bool


@dataclass(frozen=True)
class BackbonesResult:
    """Those with weights on this machine first."""

    ticket: int
    backbones: tuple[BackboneWords, ...]


@dataclass(frozen=True)
class BackboneModelRequest:
    """Write a model of the backbone `name` alone into `folder`.

    `weights` is what `init_weights` takes, None for random ones; `consent` allows a download; `blocks` as `--blocks`.
    """

    queue: ClassVar[str] = "export"
    patient: ClassVar[bool] = True
    ticket: int
    name: str
    weights: str | None
    folder: Path
    blocks: str = ""
    consent: bool = False


@dataclass(frozen=True)
class BackboneModelResult:
    """The model file that was written."""

    ticket: int
    path: Path
