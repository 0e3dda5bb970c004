"""The grid between pixels and the numbers in them, drawn when a pixel is large enough to hold them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QSizeF
from PySide6.QtGui import QColor, QFont, QFontDatabase, QPainter, QPen, QStaticText

from sss_gui.widgets.layers import Placement

GRID_FROM = 24.0
"""Device-independent screen pixels per image pixel from which grid and values show."""

_INK = {True: QColor(0, 0, 0, 205), False: QColor(255, 255, 255, 215)}


def draw_grid(painter: QPainter, placement: Placement, box: tuple[int, int, int, int]) -> None:
    """Hair lines round the pixels of box (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = box
    left, top = placement.to_screen(x0, y0)
    right, bottom = placement.to_screen(x1, y1)
    lines = [QLineF(x, top, x, bottom) for x in (placement.to_screen(i, 0)[0] for i in range(x0, x1 + 1))]
    lines += [QLineF(left, y, right, y) for y in (placement.to_screen(0, j)[1] for j in range(y0, y1 + 1))]
    pen = QPen(QColor(128, 128, 128, 110), 0)
    pen.setCosmetic(True)
    painter.setPen(pen)
    painter.drawLines(lines)


def draw_values(
    painter: QPainter, placement: Placement, box: tuple[int, int, int, int], values: NDArray[np.uint8]
) -> None:
    """Write R, G and B (0..255), one below the other, into each pixel of box; black or white by its luminance."""
    cell = placement.scale / placement.ratio
    font = _font(round(min(max(cell * 0.27, 6.0), 13.0), 1))
    painter.setFont(font)
    texts, size = _texts(font.key())
    row = min(size.height(), cell / 3.2)
    bright = values @ np.array([0.299, 0.587, 0.114]) > 140
    for ink in (True, False):
        painter.setPen(_INK[ink])
        for j, i in np.argwhere(bright == ink):
            x, y = placement.to_screen(box[0] + i + 0.5, box[1] + j + 0.5)
            for k, number in enumerate(values[j, i].tolist()):
                text = texts[number]
                painter.drawStaticText(QPointF(x - text.size().width() / 2, y + (k - 1.5) * row), text)


@functools.lru_cache(maxsize=64)
def _font(pixels: float) -> QFont:
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(max(round(pixels), 6))
    return font


@functools.lru_cache(maxsize=16)
def _texts(key: str) -> tuple[list[QStaticText], QSizeF]:
    font = QFont()
    font.fromString(key)
    texts = []
    for number in range(256):
        text = QStaticText(str(number))
        text.prepare(font=font)
        texts.append(text)
    return texts, texts[255].size()
