"""A dock whose title bar's buttons can be seen in the dark, and which takes no keys while it is not seen."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QAbstractButton, QDockWidget, QWidget

from sss_gui.widgets.icons import line_icon

_ICONS = {"qt_dockwidget_closebutton": "cancel", "qt_dockwidget_floatbutton": "float"}


class ToolDock(QDockWidget):
    """`QDockWidget` with line icons: Fusion's own are dark whatever the palette.

    Qt moves a dock behind the tab of another one out of sight, where Tab would find its contents: they are hidden.
    """

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(title, parent)
        self.topLevelChanged.connect(self._dress)  # Qt puts its own back whenever the dock floats or is docked
        self.visibilityChanged.connect(lambda seen: self.widget().setVisible(seen))
        self._dress()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.PaletteChange):
            self._dress()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._dress()

    def _dress(self) -> None:
        for name, drawing in _ICONS.items():
            button, icon = self.findChild(QAbstractButton, name), line_icon(drawing)
            if button is not None and not icon.isNull():
                button.setIcon(icon)
