"""The strip above a picture: the pane's name, its state, and a handle to drag the picture out by."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

_PAD = 8


class PaneHeader(QWidget):
    """Paints a name, a badge and a right-hand note; dragging it asks to take the picture out."""

    drag_out_requested = Signal()
    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = self.state = self.note = ""
        self.busy = self.current = False
        self._press: QPointF | None = None
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 10)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def set_texts(
        self,
        *,
        title: str | None = None,
        state: str | None = None,
        note: str | None = None,
        busy: bool | None = None,
        current: bool | None = None,
    ) -> None:
        """Change what is given; None leaves a part as it is."""
        new = {"title": title, "state": state, "note": note, "busy": busy, "current": current}
        for name, value in new.items():
            if value is not None:
                setattr(self, name, value)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, height = self.fontMetrics(), self.height()
        middle = Qt.AlignmentFlag.AlignVCenter
        dim = self.palette().color(QPalette.ColorRole.PlaceholderText)
        right = self.width() - _PAD
        if self.note:
            width = metrics.horizontalAdvance(self.note)
            painter.setPen(dim)
            painter.drawText(right - width, 0, width + 1, height, middle, self.note)
            right -= width + _PAD
        badge = metrics.horizontalAdvance(self.state) + 14 if self.state else 0
        room = right - _PAD - (badge + _PAD if badge else 0)
        if room < 24:  # a narrow pane keeps its name
            room, badge = right - _PAD, 0
        shown = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(self.palette().windowText().color() if self.current else dim)
        painter.drawText(_PAD, 0, room, height, middle, shown)
        if badge:
            self._paint_badge(painter, _PAD + metrics.horizontalAdvance(shown) + _PAD, badge, metrics)
        painter.end()

    def _paint_badge(self, painter: QPainter, x: int, width: int, metrics: QFontMetrics) -> None:
        palette = self.palette()
        fill = QColor(palette.highlight().color() if self.busy else palette.mid().color())
        tall = metrics.height() + 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        y = (self.height() - tall) / 2
        painter.drawRoundedRect(x, round(y), width, tall, tall / 2, tall / 2)
        painter.setPen(palette.highlightedText().color() if self.busy else palette.windowText().color())
        painter.drawText(x, round(y), width, tall, Qt.AlignmentFlag.AlignCenter, self.state)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press = event.position()
        self.clicked.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        far = QApplication.startDragDistance()
        if self._press is not None and (event.position() - self._press).manhattanLength() >= far:
            self._press = None
            self.drag_out_requested.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._press = None
