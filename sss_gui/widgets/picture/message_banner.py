"""A message laid over the last good picture: what is wrong, what to do, details to copy."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication, QHideEvent, QKeyEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from sss_gui.widgets.layout import button, column, label, row
from sss_gui.widgets.picture.annotations import ALERT

_MAX_WIDTH, _MARGIN = 560, 12


class MessageBanner(QFrame):
    """Sits at the foot of its parent and moves with it; hidden until `show_message`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._details = ""
        self._title, self._hint = label(wrap=True), label(wrap=True)
        for words in (self._title, self._hint):
            words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._copy = button("Copy details", "", self._copy_details)
        self._accept = button("", "", self._take_offer)
        self._act: Callable[[], object] | None = None
        self._close = button("Dismiss", "", self.hide)
        self._arrange()
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.hide()

    def show_offer(self, title: str, hint: str, words: str, act: Callable[[], object]) -> None:
        """Offer something: a button of those `words` does it, and the offer goes."""
        self.show_message(title, hint)
        self._act = act
        self._accept.setText(words)
        self._accept.show()
        self._place()
        self.update()

    def end_offer(self) -> None:
        """Take an offer away; a message stays."""
        if self._act is not None:
            self.hide()

    def show_message(self, title: str, hint: str = "", details: str = "") -> None:
        """Show a sentence, what to do about it, and (where there are details) a button that copies them."""
        self._act = None
        self._accept.hide()
        self._title.setText(title)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self._details = details
        self._copy.setVisible(bool(details))
        self._copy.setText("Copy details")
        self.setAccessibleName(f"{title} {hint}".strip())
        self.show()
        self._row.activate()  # what the layout remembers is of the time when its labels were hidden
        self._place()
        self.raise_()

    def text(self) -> tuple[str, str]:
        """Title and hint as shown; ('', '') while hidden."""
        return (self._title.text(), self._hint.text()) if not self.isHidden() else ("", "")

    def _arrange(self) -> None:
        words = column(self._title, self._hint, None, spacing=3)
        buttons = column(self._accept, self._close, self._copy, None, spacing=6)
        self._row = row((words, 1), buttons, margins=(18, 12, 12, 12), spacing=16)
        self.setLayout(self._row)

    def _take_offer(self) -> None:
        self.hide()
        if self._act is not None:
            self._act()

    def _copy_details(self) -> None:
        QGuiApplication.clipboard().setText(f"{self._title.text()}\n{self._hint.text()}\n\n{self._details}")
        self._copy.setText("Copied")

    def _place(self) -> None:
        parent, layout = self._over, self._row
        width = max(min(_MAX_WIDTH, parent.width() - 2 * _MARGIN), 120)
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else -1
        height = min(max(height, self.sizeHint().height() if height < 0 else height), parent.height() - 2)
        self.setGeometry((parent.width() - width) // 2, parent.height() - height - _MARGIN, width, height)

    def showEvent(self, event: QShowEvent) -> None:
        self._over.installEventFilter(self)

    def hideEvent(self, event: QHideEvent) -> None:
        self._over.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and watched is self._over:
            self._place()
        return False

    def event(self, event: QEvent) -> bool:
        asked = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if asked and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # else the window's shortcut would stop what runs instead
            return True
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest and not self.isHidden():
            self._place()
        return done

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = self.rect().toRectF().adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(self.palette().mid().color(), 1))
        painter.setBrush(self.palette().alternateBase())
        painter.drawRoundedRect(box, 6, 6)
        painter.setClipRect(0, 0, 5, self.height())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ALERT if self._act is None else self.palette().highlight())
        painter.drawRoundedRect(box, 6, 6)
        painter.end()
