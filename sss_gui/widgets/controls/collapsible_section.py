"""A titled part of a panel that folds away; what is folded is hidden, so that the keyboard passes it by."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QWidget

from sss_gui.widgets.layout import boxed, column


class CollapsibleSection(QWidget):
    """A header button with an arrow over a body; `add` fills the body from top to bottom."""

    def __init__(self, title: str, opened: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = QToolButton()
        self.header.setText(title)
        self.header.setCheckable(True)
        self.header.setProperty("section", True)  # which the theme's style sheet knows
        self.header.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._column = column(margins=(12, 2, 12, 14), spacing=10)
        self._body = boxed(self._column)
        line = QFrame(self)
        line.setFrameStyle(QFrame.Shape.HLine | QFrame.Shadow.Plain)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        self.setLayout(column(line, self.header, self._body, spacing=0))
        self.header.setChecked(opened)
        self.header.toggled.connect(self._show)
        self._show(opened)

    @property
    def opened(self) -> bool:
        """Whether the body shows."""
        return self.header.isChecked()

    def set_open(self, opened: bool) -> None:
        """Unfold or fold."""
        self.header.setChecked(opened)

    def add(self, widget: QWidget) -> None:
        """Put a widget below the others."""
        self._column.addWidget(widget)

    def _show(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self.header.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.header.setAccessibleName(f"{self.header.text()}, {'unfolded' if opened else 'folded'}")
