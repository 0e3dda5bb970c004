"""A titled part of a panel that folds away."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QStyle, QStyleOption, QVBoxLayout, QWidget


class _Header(QAbstractButton):
    """The title with an arrow over a hair line."""

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setText(title)
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        font = self.font()
        font.setBold(True)
        self.setFont(font)

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.horizontalAdvance(self.text()) + 40, metrics.height() + 14)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, palette = QPainter(self), self.palette()
        if self.underMouse():
            veil = QColor(palette.windowText().color())
            veil.setAlpha(14)
            painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(palette.mid().color(), 1))
        painter.drawLine(0, 0, self.width(), 0)
        arrow = QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QRect(10, (self.height() - 9) // 2, 9, 9)
        element = QStyle.PrimitiveElement
        shape = element.PE_IndicatorArrowDown if self.isChecked() else element.PE_IndicatorArrowRight
        self.style().drawPrimitive(shape, arrow, painter, self)
        painter.setPen(palette.windowText().color())
        painter.drawText(self.rect().adjusted(26, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, self.text())
        if self.hasFocus():
            painter.setPen(QPen(palette.highlight().color(), 2))
            painter.drawRect(self.rect().adjusted(1, 1, -1, -1))
        painter.end()


class Section(QWidget):
    """A header button with an arrow over a body; `add` fills the body from top to bottom."""

    toggled = Signal(bool)

    def __init__(self, title: str, opened: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._button = _Header(title, self)
        self.body = QWidget(self)
        self._column = QVBoxLayout(self.body)
        self._column.setContentsMargins(12, 2, 12, 14)
        self._column.setSpacing(10)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(0)
        outer.addWidget(self._button)
        outer.addWidget(self.body)
        self._button.setChecked(opened)
        self._button.toggled.connect(self._show)
        self._show(opened)

    @property
    def opened(self) -> bool:
        """Whether the body shows."""
        return self._button.isChecked()

    @property
    def header(self) -> QAbstractButton:
        """The button that folds and unfolds."""
        return self._button

    def set_open(self, opened: bool) -> None:
        """Unfold or fold."""
        self._button.setChecked(opened)

    def add(self, widget: QWidget) -> None:
        """Put a widget below the others."""
        self._column.addWidget(widget)

    def _show(self, opened: bool) -> None:
        self.body.setVisible(opened)
        self._button.setAccessibleName(f"{self._button.text()}, {'unfolded' if opened else 'folded'}")
        self.toggled.emit(opened)
