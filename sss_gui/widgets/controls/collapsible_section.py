"""A titled part of a panel that folds away."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QPen
from PySide6.QtWidgets import QFrame, QSizePolicy, QStyle, QStyleOptionToolButton, QToolButton, QVBoxLayout, QWidget


class _Header(QToolButton):
    """The title with an arrow, looking the same folded and unfolded but for the arrow."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setAutoRaise(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        font = self.font()
        font.setBold(True)
        self.setFont(font)

    def initStyleOption(self, option: QStyleOptionToolButton) -> None:
        super().initStyleOption(option)
        if not self.isDown():  # an unfolded section is no pressed button
            option.state = (option.state & ~QStyle.StateFlag.State_On) | QStyle.StateFlag.State_Raised

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.hasFocus():  # Fusion shows no focus on a flat button
            painter = QPainter(self)
            painter.setPen(QPen(self.palette().highlight().color(), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
            painter.end()


class CollapsibleSection(QWidget):
    """A header button with an arrow over a body; `add` fills the body from top to bottom."""

    def __init__(self, title: str, opened: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.header = _Header(title, self)
        self._body = QWidget(self)
        self._column = QVBoxLayout(self._body)
        self._column.setContentsMargins(12, 2, 12, 14)
        self._column.setSpacing(10)
        line = QFrame(self)
        line.setFrameStyle(QFrame.Shape.HLine | QFrame.Shadow.Plain)
        line.setForegroundRole(QPalette.ColorRole.Mid)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        for part in (line, self.header, self._body):
            outer.addWidget(part)
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
