"""The models one has: which there are, what each is, and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QWidget


@dataclass(frozen=True)
class ModelEntry:
    """A checkpoint as the dialog lists it.

    key : path, or '' for the shipped model; title, summary : one line each; card : its card in Markdown.
    """

    key: str
    title: str
    summary: str = ""
    card: str = ""


class ModelManager(QDialog):
    """A list of models with the chosen one's card beside it; a pure view."""

    use_requested = Signal(str)
    """Key of the model to load."""
    browse_requested = Signal()
    """The user wants to open another checkpoint."""
    forget_requested = Signal(str)
    """Key of the model to take off the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)

    def set_models(self, models: Sequence[ModelEntry], current: str = "") -> None:
        """Fill the list; the model `current` is marked as the one in use."""
