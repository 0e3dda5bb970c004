"""Models and backbones in words: how a worker describes them, and dialogs list them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ModelWords:
    """A model in words; `key` is its path, empty for the shipped one; `card` is Markdown."""

    key: str
    title: str
    summary: str
    card: str


@dataclass(frozen=True)
class BackboneWords:
    """A backbone: its name, who published it, what `init_weights` takes for it ('' for nothing), whether it is here."""

    name: str
    program: str
    weights: str
    here: bool


@dataclass(frozen=True)
class GoodBackbone(BackboneWords):
    """One to begin with: what it is good for, the download's size in MB, and its weights' licence.

    Without a name it is the shipped model.
    """

    words: str
    megabytes: int
    licence: str
