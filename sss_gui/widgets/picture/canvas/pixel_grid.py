"""The grid between pixels and the numbers in them, drawn when a pixel is large enough to hold them."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetrics, QImage, QPainter

from sss_gui.widgets.picture.canvas.picture_layer import Placement

GRID_FROM = 24.0
"""Device-independent screen pixels per image pixel from which grid and values show."""

_GRID = QColor(128, 128, 128, 110)
_OPAQUE = 0.82
_BRIGHT = 140
"""Luminance (0..255) above which numbers are black."""


def draw_grid(painter: QPainter, placement: Placement, box: tuple[int, int, int, int]) -> None:
    """Hair lines round the pixels of box (x0, y0, x1, y1), on a device of physical pixels."""
    across = [round(placement.x + i * placement.scale) for i in range(box[0], box[2] + 1)]
    down = [round(placement.y + j * placement.scale) for j in range(box[1], box[3] + 1)]
    for x in across:  # rectangles: translucent lines take ten times as long
        painter.fillRect(x, down[0], 1, down[-1] - down[0], _GRID)
    for y in down:
        painter.fillRect(across[0], y, across[-1] - across[0], 1, _GRID)


def draw_values(
    painter: QPainter, placement: Placement, box: tuple[int, int, int, int], values: NDArray[np.uint8]
) -> None:
    """Write R, G and B (0..255), one below the other, into each pixel of box; black or white by its luminance.

    All numbers are put together as one picture from an atlas of 256, since a screen may show thousands of them.
    """
    cell = placement.scale / placement.ratio
    atlas = _atlas(round(min(max(cell * 0.27, 7.0), 13.0) * placement.ratio))
    tall, wide = atlas.shape[2:]
    row = min(tall * 1.2, placement.scale / 3.15)
    ink = (values @ np.array([0.299, 0.587, 0.114]) > _BRIGHT).astype(np.intp)
    xs = np.rint(placement.x + (np.arange(box[0], box[2]) + 0.5) * placement.scale - wide / 2).astype(int)
    ys = placement.y + (np.arange(box[1], box[3]) + 0.5) * placement.scale - tall / 2
    left, top = int(xs[0]), int(ys[0] - row) - 1
    sheet = np.zeros((int(ys[-1] + row) + tall + 2 - top, int(xs[-1]) + wide - left), np.uint32)
    columns = (xs[:, None] - left + np.arange(wide)).ravel()
    for channel in range(3):
        starts = np.rint(ys + (channel - 1) * row).astype(int) - top
        rows = (starts[:, None] + np.arange(tall)).ravel()
        glyphs = atlas[ink, values[..., channel]].transpose(0, 2, 1, 3).reshape(len(rows), len(columns))
        sheet[np.ix_(rows, columns)] |= glyphs
    image = QImage(
        sheet.data, sheet.shape[1], sheet.shape[0], 4 * sheet.shape[1], QImage.Format.Format_ARGB32_Premultiplied
    )
    painter.drawImage(left, top, image)


@functools.lru_cache(maxsize=16)
def _atlas(pixels: int) -> NDArray[np.uint32]:
    """(2, 256, tall, wide) premultiplied ARGB of the numbers 0..255 in a fixed font, white first, then black."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setPixelSize(pixels)
    font.setHintingPreference(QFont.HintingPreference.PreferFullHinting)
    metrics = QFontMetrics(font)
    wide, tall = metrics.horizontalAdvance("255") + 1, metrics.capHeight() + 2
    strip = QImage(wide, tall * 256, QImage.Format.Format_Grayscale8)
    strip.fill(0)
    painter = QPainter(strip)
    painter.setFont(font)
    painter.setPen(Qt.GlobalColor.white)
    for number in range(256):
        cell = QRect(0, number * tall, wide, tall)
        text = str(number)
        painter.setClipRect(cell)
        x = (wide - metrics.horizontalAdvance(text)) // 2
        painter.drawText(x, cell.top() + 1 + metrics.capHeight(), text)
    painter.end()
    flat = np.frombuffer(strip.constBits(), np.uint8).reshape(tall * 256, strip.bytesPerLine())[:, :wide]
    alpha = np.rint(flat.reshape(256, tall, wide) * _OPAQUE).astype(np.uint32)
    return np.stack([alpha * np.uint32(0x01010101), alpha << np.uint32(24)])
