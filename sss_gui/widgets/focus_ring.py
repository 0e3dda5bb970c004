"""A ring round whatever has the keyboard: Fusion shows none on flat buttons, and little on others."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QFocusFrame, QProxyStyle, QStyle, QStyleHintReturn, QStyleOption, QWidget


class _AboveWidgets(QProxyStyle):
    """Has the frame lie over its widget's neighbours, which would else cut it off."""

    def styleHint(
        self,
        hint: QStyle.StyleHint,
        option: QStyleOption | None = None,
        widget: QWidget | None = None,
        returnData: QStyleHintReturn | None = None,
    ) -> int:
        above = hint == QStyle.StyleHint.SH_FocusFrame_AboveWidget
        return 1 if above else super().styleHint(hint, option, widget, returnData)


class FocusRing(QFocusFrame):
    """Follows the keyboard through `window`; where a click or the window's opening brought it there is no ring."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window, self._above = window, _AboveWidgets("fusion")
        self.setStyle(self._above)
        self.hide()
        self._last: QWidget | None = None  # had the keyboard last, and whether it had a ring
        self._ringed = False
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.focusChanged.connect(self._follow)

    def _follow(self, before: QWidget | None, now: QWidget | None) -> None:
        if now is None or now.window() is not self._window:
            return
        if before is not None or now is not self._last:  # else another window had it in between
            self._ringed = self._last is not None and not QGuiApplication.mouseButtons()
        self._last = now
        self.setWidget(now if self._ringed else None)  # type: ignore[arg-type]  # None takes it away

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self.palette().highlight())
        painter.end()
