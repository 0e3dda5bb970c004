"""The `?` sheet: every key, grouped, over the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

_PAD, _GAP, _COLUMN_GAP = 28, 10, 40


class ShortcutsSheet(QWidget):
    """An overlay over its parent; any key, a click or Esc closes it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._before: QWidget | None = None  # had the keyboard when the sheet opened
        self._groups: dict[str, list[tuple[str, str]]] = {}
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Keyboard shortcuts")
        self.hide()

    def set_shortcuts(self, table: Sequence[tuple[str, str, str]]) -> None:
        """(group, keys, words) a row, in the order to show; keys such as 'Ctrl+O' or '1-4'."""
        self._groups = {}
        for group, keys, words in table:
            self._groups.setdefault(group, []).append((keys, words))
        self.setAccessibleDescription("; ".join(f"{keys}: {words}" for _, keys, words in table))
        self.update()

    def toggle(self) -> None:
        """Show over the parent, or close."""
        if self.isVisible():
            self._close()
        else:
            self._before = self.window().focusWidget()
            self.setGeometry(self._over.rect())
            self._over.installEventFilter(self)
            self.show()
            self.raise_()
            self.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._over:
            self.setGeometry(self._over.rect())
        return False

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # the key closes the sheet and must not act as the window's shortcut too
            return True
        return super().event(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        return False  # Tab is a key like any other here

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not event.isAutoRepeat() and event.key() not in (
            Qt.Key.Key_Shift,
            Qt.Key.Key_Control,
            Qt.Key.Key_Alt,
            Qt.Key.Key_Meta,
        ):
            self._close()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._close()

    def _close(self) -> None:
        """Hide, and give the keyboard back: a hidden widget that keeps it swallows every key."""
        before, self._before = self._before, None
        self.hide()
        self._over.removeEventFilter(self)
        if before is not None and before is not self and before.isVisible():
            before.setFocus()
        else:
            self._over.setFocus()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 130))
        columns, row = self._columns(), self.fontMetrics().height() + _GAP
        widths = [self._width(column) for column in columns]
        tall = max((self._height(column, row) for column in columns), default=row)
        wide = sum(widths) + _COLUMN_GAP * (len(columns) - 1) + 2 * _PAD
        card = QRectF(0, 0, wide, tall + 2 * _PAD)
        if scale := min(self.width() * 0.96 / card.width(), self.height() * 0.96 / card.height(), 1.0):
            painter.translate(self.rect().toRectF().center())
            painter.scale(scale, scale)
            painter.translate(-card.center())
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.setBrush(self.palette().window())
        painter.drawRoundedRect(card, 10, 10)
        x = float(_PAD)
        for column, width in zip(columns, widths, strict=True):
            self._paint_column(painter, x, width, column, row)
            x += width + _COLUMN_GAP
        painter.end()

    def _columns(self) -> list[list[str]]:
        """Groups dealt into two or three columns of about equal height."""
        count = 3 if self.width() >= 1200 else 2
        total = sum(len(rows) + 2 for rows in self._groups.values())
        columns: list[list[str]] = [[]]
        filled = 0
        for name, rows in self._groups.items():
            if columns[-1] and len(columns) < count and filled + (len(rows) + 2) / 2 > total / count * len(columns):
                columns.append([])
            columns[-1].append(name)
            filled += len(rows) + 2
        return columns

    def _bold(self) -> QFont:
        font = QFont(self.font())
        font.setBold(True)
        return font

    def _key_width(self, column: list[str]) -> int:
        metrics = self.fontMetrics()
        return max(metrics.horizontalAdvance(keys) for name in column for keys, _ in self._groups[name]) + 14

    def _width(self, column: list[str]) -> int:
        metrics, heads = self.fontMetrics(), QFontMetrics(self._bold())
        words = max(metrics.horizontalAdvance(words) for name in column for _, words in self._groups[name])
        return max(self._key_width(column) + 14 + words, *(heads.horizontalAdvance(name) for name in column))

    def _height(self, column: list[str], row: int) -> int:
        return sum(len(self._groups[name]) + 1 for name in column) * row + (len(column) - 1) * row // 2

    def _paint_column(self, painter: QPainter, x: float, width: int, column: list[str], row: int) -> None:
        palette, y, keys_wide = self.palette(), float(_PAD), self._key_width(column)
        middle = Qt.AlignmentFlag.AlignVCenter
        for name in column:
            painter.setFont(self._bold())
            painter.setPen(palette.windowText().color())
            painter.drawText(QRectF(x, y, width, row), middle, name)
            painter.setFont(self.font())
            y += row
            for keys, words in self._groups[name]:
                cap = QRectF(x, y + 3, painter.fontMetrics().horizontalAdvance(keys) + 14, row - 6)
                painter.setPen(QPen(palette.mid().color(), 1))
                painter.setBrush(palette.base())
                painter.drawRoundedRect(cap, 4, 4)
                painter.setPen(palette.windowText().color())
                painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, keys)
                painter.drawText(QRectF(x + keys_wide + 14, y, width, row), middle, words)
                y += row
            y += row / 2
