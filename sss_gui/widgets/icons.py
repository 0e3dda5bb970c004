"""Line icons in the palette's own colour, sharp at every scale; drawings lie under Qt's search path `icons:`."""

from __future__ import annotations

import functools

from PySide6.QtCore import QByteArray, QFile, QIODevice, QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QIconEngine, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer


class _LineEngine(QIconEngine):
    """Paints an SVG whose strokes are `currentColor` in the button text's colour of the moment."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        group = QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
        role = QPalette.ColorRole.HighlightedText if mode == QIcon.Mode.Selected else QPalette.ColorRole.ButtonText
        colour = QGuiApplication.palette().color(group, role)
        _renderer(self._name, colour.name()).render(painter, QRectF(rect))

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _LineEngine(self._name)


def line_icon(name: str) -> QIcon:
    """The icon `icons:name.svg`; a null icon where it is missing, so that the control shows its words instead."""
    return QIcon(_LineEngine(name)) if QFile.exists(f"icons:{name}.svg") else QIcon()


@functools.lru_cache(maxsize=64)
def _renderer(name: str, colour: str) -> QSvgRenderer:
    file = QFile(f"icons:{name}.svg")
    file.open(QIODevice.OpenModeFlag.ReadOnly)
    drawing = bytes(file.readAll().data()).replace(b"currentColor", colour.encode())
    file.close()
    return QSvgRenderer(QByteArray(drawing))
