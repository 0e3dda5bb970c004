"""What is drawn over pictures: crosshair, pins, best match; and the colours that several widgets share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPolygonF

CANVAS = QColor(119, 119, 119)
"""Neutral mid-grey around pictures (sRGB of 18 % reflectance), in light and dark alike."""

ALERT = QColor("#d55e00")
"""What went wrong: vermillion of the colour-blind-safe set."""

# Okabe and Ito's colour-blind-safe set, ordered so that neighbours differ most
_PINS = ("#E69F00", "#56B4E9", "#009E73", "#CC79A7", "#F0E442", "#0072B2", "#D55E00", "#FFFFFF")
_KEEP = QColor("#009e73")
_DARK, _LIGHT = QColor(0, 0, 0, 150), QColor(255, 255, 255, 230)


def pin_colour(index: int) -> QColor:
    """The colour of pin `index` (from 0), the same in panes, plots and lists."""
    return QColor(_PINS[index % len(_PINS)])


def ink_on(colour: QColor) -> QColor:
    """Black or white, whichever reads better on `colour`."""
    luminance = 0.299 * colour.redF() + 0.587 * colour.greenF() + 0.114 * colour.blueF()
    return QColor("#111111") if luminance > 0.5 else QColor("#ffffff")


def draw_crosshair(painter: QPainter, cell: QRectF, width: float, height: float) -> None:
    """Lines through the pixel whose screen rectangle is `cell`, left open round it."""
    x, y = cell.center().x(), cell.center().y()
    gap = max(cell.width() / 2, 7.0)
    lines = [QLineF(0, y, x - gap, y), QLineF(x + gap, y, width, y)]
    lines += [QLineF(x, 0, x, y - gap), QLineF(x, y + gap, x, height)]
    for pen in (QPen(QColor(0, 0, 0, 70), 3), QPen(QColor(255, 255, 255, 170), 1)):
        painter.setPen(pen)
        painter.drawLines(lines)
    if cell.width() >= 6:
        _frame(painter, cell, _LIGHT, 1)


def draw_pins(painter: QPainter, cells: Sequence[QRectF]) -> None:
    """Numbered markers on the pixels whose screen rectangles are `cells`."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    font = QFont(painter.font())
    font.setPixelSize(11)
    font.setWeight(QFont.Weight.DemiBold)
    painter.setFont(font)
    for index, cell in enumerate(cells):
        _pin(painter, cell, str(index + 1), pin_colour(index))
    painter.restore()


def draw_signs(painter: QPainter, points: Sequence[QPointF], *, keep: bool) -> None:
    """A plus at each of `points` that is to be kept, or a minus where it is to be dropped."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for point in points:
        painter.setPen(QPen(_LIGHT, 1.5))
        painter.setBrush(_KEEP if keep else ALERT)
        painter.drawEllipse(point, 8.0, 8.0)
        painter.setPen(QPen(_LIGHT, 2))
        painter.drawLine(point - QPointF(4, 0), point + QPointF(4, 0))
        if keep:
            painter.drawLine(point - QPointF(0, 4), point + QPointF(0, 4))
    painter.restore()


@dataclass(frozen=True)
class StrokeMark:
    """What was said of a matte along `points` (x, y) in pixels of the picture; a `radius` of 0 is a click.

    A stroke that teaches a class has that one's `colour`, RGB 0 to 255.
    """

    points: tuple[tuple[float, float], ...]
    keep: bool
    radius: float = 0.0
    colour: tuple[int, int, int] | None = None

    @property
    def ink(self) -> QColor:
        """What it is drawn in."""
        return QColor(*self.colour) if self.colour is not None else QColor(_KEEP if self.keep else ALERT)


def draw_stroke(painter: QPainter, points: Sequence[QPointF], radius: float, colour: QColor) -> None:
    """A line along `points` on the screen, as wide as the brush: seen through, with a thin middle."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    line = QPolygonF([*points, points[-1] + QPointF(0.01, 0)])  # a single point is a dot
    for width, alpha in ((max(2 * radius, 3.0), 70), (2.0, 255)):
        colour.setAlpha(alpha)
        pen = QPen(colour, width)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        painter.drawPolyline(line)
    painter.restore()


def draw_brush(painter: QPainter, centre: QPointF, radius: float, *, keep: bool, colour: QColor | None = None) -> None:
    """The brush's rim about the pointer, with a plus or a minus; in the `colour` of a class with a plus."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_DARK, 3), QPen(colour or (_KEEP if keep else ALERT), 1.5 if colour is None else 2)):
        painter.setPen(pen)
        painter.drawEllipse(centre, max(radius, 2.0), max(radius, 2.0))
    painter.setPen(QPen(_LIGHT, 1.5))
    painter.drawLine(centre - QPointF(3, 0), centre + QPointF(3, 0))
    if keep:
        painter.drawLine(centre - QPointF(0, 3), centre + QPointF(0, 3))
    painter.restore()


def draw_box(painter: QPainter, box: QRectF) -> None:
    """A dashed rectangle that is seen on light and dark."""
    painter.save()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(_DARK, 2))
    painter.drawRect(box)
    painter.setPen(QPen(_LIGHT, 1, Qt.PenStyle.DashLine))
    painter.drawRect(box)
    painter.restore()


def draw_tag(painter: QPainter, x: float, y: float, label: str, colour: QColor) -> float:
    """A pin's tag from `x` to the right, about the height `y`; returns its width."""
    tag = QRectF(x, y - 8, max(painter.fontMetrics().horizontalAdvance(label) + 8, 16), 16)
    painter.setPen(Qt.PenStyle.NoPen)
    _fill_tag(painter, tag, label, colour)
    return tag.width()


def draw_match(painter: QPainter, cell: QRectF) -> None:
    """A double square round the best match."""
    square = QRectF(0, 0, max(cell.width(), 13.0), max(cell.height(), 13.0))
    square.moveCenter(cell.center())
    _frame(painter, square, _LIGHT, 2)


def draw_wipe(painter: QPainter, x: float, height: float) -> None:
    """The wipe's edge, with a grip to drag it by."""
    painter.save()
    for pen in (QPen(QColor(0, 0, 0, 120), 3), QPen(_LIGHT, 1)):
        painter.setPen(pen)
        painter.drawLine(QLineF(x, 0, x, height))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(_DARK, 1))
    painter.setBrush(_LIGHT)
    painter.drawRoundedRect(QRectF(x - 5, height / 2 - 14, 10, 28), 5, 5)
    painter.setPen(QPen(_DARK, 1.2))
    for dx in (-1.5, 1.5):
        painter.drawLine(QLineF(x + dx, height / 2 - 5, x + dx, height / 2 + 5))
    painter.restore()


def _pin(painter: QPainter, cell: QRectF, label: str, colour: QColor) -> None:
    centre = cell.center()
    if cell.width() >= 10:
        _frame(painter, cell, colour, 2)
    else:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for pen in (QPen(_DARK, 4), QPen(colour, 2)):
            painter.setPen(pen)
            painter.drawEllipse(centre, 5.0, 5.0)
    width = painter.fontMetrics().horizontalAdvance(label) + 9
    tag = QRectF(0, 0, max(width, 16), 16)
    tag.moveBottomLeft(cell.topRight() if cell.width() >= 10 else centre + QPointF(5, -5))
    painter.setPen(QPen(_DARK, 1))
    _fill_tag(painter, tag, label, colour)


def _fill_tag(painter: QPainter, tag: QRectF, label: str, colour: QColor) -> None:
    """The tag in the painter's pen, its label in the ink that can be read on it."""
    painter.setBrush(colour)
    painter.drawRoundedRect(tag, 8, 8)
    painter.setPen(ink_on(colour))
    painter.drawText(tag, Qt.AlignmentFlag.AlignCenter, label)


def _frame(painter: QPainter, rect: QRectF, colour: QColor, width: float) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (QPen(_DARK, width + 2), QPen(colour, width)):
        pen.setJoinStyle(Qt.PenJoinStyle.MiterJoin)
        painter.setPen(pen)
        painter.drawRect(rect)
