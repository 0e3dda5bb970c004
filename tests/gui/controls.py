"""Finds a window's controls as a user does: by their words."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtWidgets import QAbstractButton, QTreeView, QWidget

Control = TypeVar("Control", bound=QWidget)


def button(parent: QWidget, words: str) -> QAbstractButton:
    """The button or box below `parent` whose text begins with `words`; & is no letter."""
    buttons = parent.findChildren(QAbstractButton)
    return next(b for b in buttons if b.text().replace("&", "").startswith(words))


def named(parent: QWidget, kind: type[Control], name: str) -> Control:
    """The control of `kind` below `parent` with the accessible name `name`."""
    return next(control for control in parent.findChildren(kind) if control.accessibleName() == name)


def choose_row(tree: QTreeView, words: str) -> None:
    """Make the row whose first cell reads `words` the current one."""
    model = tree.model()
    row = next(row for row in range(model.rowCount()) if model.index(row, 0).data() == words)
    tree.setCurrentIndex(model.index(row, 0))
