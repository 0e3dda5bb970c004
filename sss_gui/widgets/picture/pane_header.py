"""The strip above a picture: the pane's name, its state, what lies over it; and a handle to drag the picture out by."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent, QPalette, QResizeEvent
from PySide6.QtWidgets import QApplication, QSizePolicy, QWidget

from sss_gui.widgets.picture.overlay_legend import Legend, OverlayLegend

_PAD, _WIDE = 8, 360


class PaneHeader(QWidget):
    """Paints a name with a detail, a badge and a right-hand note; dragging it asks to take the picture out."""

    drag_out_requested = Signal()
    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = self.detail = self.state = self.note = ""
        self.busy = self.current = False
        self._press: QPointF | None = None
        self.legend = OverlayLegend(self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, self.fontMetrics().height() + 10)

    def minimumSizeHint(self) -> QSize:
        return QSize(40, self.sizeHint().height())

    def set_texts(
        self,
        *,
        title: str | None = None,
        detail: str | None = None,
        state: str | None = None,
        note: str | None = None,
        busy: bool | None = None,
        current: bool | None = None,
    ) -> None:
        """Change what is given; None leaves a part as it is."""
        new = {"title": title, "detail": detail, "state": state, "note": note, "busy": busy, "current": current}
        for name, value in new.items():
            if value is not None:
                setattr(self, name, value)
        self._place_legend()
        self.update()

    def set_legend(self, legend: Legend | None) -> None:
        """Name what lies over the picture; None for nothing."""
        self.legend.set_legend(legend)
        self._place_legend()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._place_legend()

    def _place_legend(self) -> None:
        """At the right end, as wide as it likes to be where there is room beside the name and the badge."""
        taken = self.fontMetrics().horizontalAdvance(self.title) + self._badge_width() + 3 * _PAD
        right = self._right()
        width = min(self.legend.sizeHint().width(), right - taken)
        self.legend.setGeometry(right - width, 0, max(width, 0), self.height())

    def _right(self) -> int:
        """Where the note begins, or the header ends: a legend takes the note's place where that is narrow."""
        end = self.width() - _PAD
        if not self.note or (not self.legend.isHidden() and self.width() < _WIDE):
            return end
        before = end - self.fontMetrics().horizontalAdvance(self.note) - _PAD
        name = 2 * _PAD + self.fontMetrics().horizontalAdvance(self.title) + self._badge_width()
        return before if before >= name else end  # the name is worth more than the note

    def _badge_width(self) -> int:
        return self.fontMetrics().horizontalAdvance(self.state) + 14 + _PAD if self.state else 0

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, height = self.fontMetrics(), self.height()
        middle = Qt.AlignmentFlag.AlignVCenter
        dim = self.palette().color(QPalette.ColorRole.PlaceholderText)
        right = self._right()
        if self.note and right < self.width() - _PAD:
            painter.setPen(dim)
            painter.drawText(right + _PAD, 0, self.width() - right, height, middle, self.note)
        if not self.legend.isHidden():
            right = self.legend.x() - _PAD
        badge = self._badge_width()
        room = right - _PAD - badge
        if room < 24:  # a narrow pane keeps its name
            room, badge = right - _PAD, 0
        shown = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, room)
        painter.setPen(self.palette().windowText().color() if self.current else dim)
        painter.drawText(_PAD, 0, room, height, middle, shown)
        x = _PAD + metrics.horizontalAdvance(shown) + _PAD
        if badge:
            self._paint_badge(painter, x, badge - _PAD, metrics)
            x += badge
        if self.detail and x + metrics.horizontalAdvance(self.detail) <= right:
            painter.setPen(dim)
            painter.drawText(x, 0, right - x, height, middle, self.detail)
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
