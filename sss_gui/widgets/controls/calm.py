"""Controls that are not changed by accident: the wheel scrolls what they lie in, and Space is left to the window."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QWidget

Control = TypeVar("Control", bound=QWidget)


class _Filter(QObject):
    """Leaves to the parents what is not meant for the control."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QWheelEvent) and isinstance(watched, QWidget):
            meant = watched.hasFocus() and bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        elif isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            meant = event.key() != Qt.Key.Key_Space or not isinstance(watched, QAbstractSpinBox)
        else:
            return False
        if not meant:
            event.ignore()
        return not meant


def calm(control: Control) -> Control:
    """Let the wheel turn `control` only with Ctrl while it has the keyboard, and let no Space into a number."""
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(_Filter(control))
    return control


def combo_box(name: str) -> QComboBox:
    """A calm combo box with the accessible name `name`, no wider than it must be."""
    box = calm(QComboBox())
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)
    box.setAccessibleName(name)
    return box
