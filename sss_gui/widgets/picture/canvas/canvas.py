"""The picture area of a pane: paints its layers where the shared view puts them, and the marks over them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetrics,
    QHideEvent,
    QImage,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from sss_gui.widgets.display import Display
from sss_gui.widgets.picture import annotations as marks
from sss_gui.widgets.picture.canvas.picture_layer import PictureLayer, Placement, difference
from sss_gui.widgets.picture.canvas.pixel_grid import GRID_FROM, draw_grid, draw_values
from sss_gui.widgets.picture.view_controller import ViewController


class PictureCanvas(QWidget):
    """Paints a `PictureLayer` where the shared `ViewController` puts it; keeps the pixels until they change."""

    def __init__(self, controller: ViewController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.controller = controller
        self.layer, self.reference = PictureLayer(), PictureLayer()
        self.cover: PictureLayer | None = None
        self.mode, self.amount = "none", 0.5
        self.placeholder = ""
        self.drop_hint = False
        self.crosshair: tuple[int, int] | None = None
        self.match: tuple[int, int] | None = None
        self.pins: list[tuple[int, int]] = []
        self.strokes: list[marks.StrokeMark] = []
        self.box: tuple[float, float, float, float] | None = None
        self.brush = 0.0  # radius in pixels of the picture; 0 for no brush
        self.brush_at: QPointF | None = None  # on the screen
        self.brush_keeps = True
        self.brush_colour: tuple[int, int, int] | None = None  # of the class that it teaches
        self.drawn: list[tuple[float, float]] = []  # of the line that is being drawn, in pixels of the picture
        self.band: QRectF | None = None  # the box that is being drawn, on the screen
        self._backing: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(96, 72)
        controller.view_changed.connect(self.refresh)

    # state -----------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Draw the layers anew."""
        self._backing = None
        self.update()

    def set_display(self, display: Display) -> None:
        """Show the picture's channels and range as `display` says; overlays and numbers stay as they are."""
        self.layer.display = display
        self.refresh()

    def set_reference(self, levels: Sequence[NDArray[np.uint8]]) -> None:
        """The picture (usually the input) that flip, wipe and difference compare with."""
        self.reference.set_pyramid(levels)
        self.refresh()

    def set_compare(self, mode: str, amount: float = 0.5) -> None:
        """Compare with the reference by none, flip (which shows it), wipe or difference.

        Wipe: it lies left of the part `amount` of the width. Difference: |a - b| times `amount`.
        """
        if (mode, amount) != (self.mode, self.amount):
            self.mode, self.amount = mode, amount
            self.refresh()

    def set_cover(self, levels: Sequence[NDArray[np.uint8]] | None) -> None:
        """Show these levels alone, over the picture and all marks; None: the picture again."""
        self.cover = None
        if levels is not None:
            self.cover = PictureLayer()
            self.cover.display = self.layer.display
            self.cover.set_pyramid(levels)
        self.refresh()

    def set_crosshair(self, pixel: tuple[int, int] | None) -> None:
        """Mark the pixel (x, y) under the cursor of some pane; None hides it."""
        if pixel != self.crosshair:
            self.crosshair = pixel
            self.update()

    def set_pins(self, pins: Sequence[tuple[int, int]]) -> None:
        """Numbered markers at pixels (x, y); number n (from 1) has colour `marks.pin_colour(n - 1)`."""
        self.pins = list(pins)
        self.update()

    def set_match(self, pixel: tuple[int, int] | None) -> None:
        """Outline the best match (x, y) of a similarity map; None hides it."""
        self.match = pixel
        self.update()

    def set_strokes(
        self, strokes: Sequence[marks.StrokeMark], box: tuple[float, float, float, float] | None = None
    ) -> None:
        """Replace what was said of a matte: clicks, strokes, and a box (x0, y0, x1, y1) in pixels."""
        if (list(strokes), box) != (self.strokes, self.box):
            self.strokes, self.box = list(strokes), box
            self.update()

    def set_brush(self, radius: float, *, keeps: bool = True, colour: tuple[int, int, int] | None = None) -> None:
        """Draw with a brush of so many pixels of the picture, in the `colour` of a class; 0 takes it away."""
        if (radius, keeps, colour) != (self.brush, self.brush_keeps, self.brush_colour):
            self.brush, self.brush_keeps, self.brush_colour = radius, keeps, colour
            self.update()

    @property
    def scale(self) -> float:
        """Device-independent screen pixels per image pixel, here."""
        return self.controller.scale_of(id(self))

    def placement(self) -> Placement:
        """Where the image lies now."""
        size = (float(self.width()), float(self.height()))
        return Placement.centred(self.controller.centre, self.scale, size, self.devicePixelRatioF())

    def visible_box(self) -> tuple[int, int, int, int]:
        """Image pixels (x0, y0, x1, y1) that are seen at least in part."""
        place, (height, width) = self.placement(), self._image_size()
        x0, y0 = place.to_image(0, 0)
        x1, y1 = place.to_image(self.width(), self.height())
        left, top = min(max(math.floor(x0), 0), width), min(max(math.floor(y0), 0), height)
        return left, top, max(min(math.ceil(x1), width), left), max(min(math.ceil(y1), height), top)

    def _image_size(self) -> tuple[int, int]:
        """(H, W) that the picture is stretched over: the view's, or its own before the view knows one."""
        size = self.controller.image_size
        return size if min(size) or not self.layer.levels else self.layer.levels[0].shape[:2]

    # painting --------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._backing is None:
            self._backing = self._render()
        painter.drawPixmap(0, 0, self._backing)
        if self.cover is None and self.layer.levels:
            self._paint_marks(painter)
        elif self.cover is None and self.placeholder:
            self._paint_placeholder(painter)
        if self.drop_hint:
            self._paint_drop_hint(painter)
        painter.end()

    def whole(self) -> QImage:
        """All of the picture as it is seen, each of its own pixels, with what lies over it but without marks."""
        if not self.layer.levels:
            return QImage()
        height, width = self._shown_layer.levels[0].shape[:2]
        return self._draw(Placement(0, 0, 1.0), (height, width), width, height)

    @property
    def _mode(self) -> str:
        """How it compares now; 'none' where there is nothing to compare with."""
        return self.mode if self.reference.levels and self.layer.levels else "none"

    @property
    def _shown_layer(self) -> PictureLayer:
        return self.reference if self._mode == "flip" else self.layer

    def _draw(self, place: Placement, size: tuple[int, int], width: int, height: int) -> QImage:
        """The layers as they compare, on a canvas of (width, height) physical pixels."""
        image = self._shown_layer.render(place, size, width, height)
        if self._mode == "wipe":
            edge = round(self.amount * width)
            painter = QPainter(image)
            painter.drawImage(0, 0, self.reference.render(place, size, width, height), 0, 0, edge, height)
            painter.end()
        elif self._mode == "difference":
            plain = self.layer.render(place, size, width, height, overlay=False)
            other = self.reference.render(place, size, width, height, overlay=False)
            image = difference(plain, other, self.amount, place.rect(size))
        return image

    def _render(self) -> QPixmap:
        ratio, place, size = self.devicePixelRatioF(), self.placement(), self._image_size()
        width, height = math.ceil(self.width() * ratio), math.ceil(self.height() * ratio)
        if self.cover is not None:
            covered = self.cover.render(place, size, width, height)
            covered.setDevicePixelRatio(ratio)
            return QPixmap.fromImage(covered)
        mode, base = self._mode, self._shown_layer
        image = self._draw(place, size, width, height)
        if base.levels and place.scale / ratio >= GRID_FROM:
            painter = QPainter(image)
            box = self.visible_box()
            draw_grid(painter, place, box)
            if mode in ("none", "flip"):
                draw_values(painter, place, box, base.values(box, size))
            elif mode == "difference":
                delta = np.abs(self.layer.values(box, size).astype(np.int16) - self.reference.values(box, size))
                draw_values(painter, place, box, np.minimum(delta * self.amount, 255).astype(np.uint8))
            painter.end()
        image.setDevicePixelRatio(ratio)
        return QPixmap.fromImage(image)

    def _cell(self, pixel: tuple[int, int]) -> QRectF:
        place = self.placement()
        x0, y0 = place.to_screen(*pixel)
        side = place.scale / place.ratio
        return QRectF(x0, y0, side, side)

    def _paint_marks(self, painter: QPainter) -> None:
        if self.mode == "wipe" and self.reference.levels:
            marks.draw_wipe(painter, self.amount * self.width(), self.height())
        if self.match:
            marks.draw_match(painter, self._cell(self.match))
        if self.crosshair and self.scale >= GRID_FROM:  # lines would run through the numbers
            marks.draw_match(painter, self._cell(self.crosshair))
        elif self.crosshair:
            marks.draw_crosshair(painter, self._cell(self.crosshair), self.width(), self.height())
        if self.pins:
            marks.draw_pins(painter, [self._cell(pin) for pin in self.pins])
        self._paint_strokes(painter)

    def _paint_strokes(self, painter: QPainter) -> None:
        """What was said of the matte, and what is being said."""
        scale = self.scale
        now = marks.StrokeMark(tuple(self.drawn), self.brush_keeps, self.brush, self.brush_colour)
        for stroke in (*self.strokes, *([now] if self.drawn else [])):
            points = [QPointF(*self.placement().to_screen(x + 0.5, y + 0.5)) for x, y in stroke.points]
            if stroke.radius:
                marks.draw_stroke(painter, points, stroke.radius * scale, stroke.ink)
            else:
                marks.draw_signs(painter, points, keep=stroke.keep)
        if self.box is not None:
            corners = [QPointF(*self.placement().to_screen(*corner)) for corner in (self.box[:2], self.box[2:])]
            marks.draw_box(painter, QRectF(*corners))
        if self.band is not None:
            marks.draw_box(painter, self.band)
        if self.brush and self.brush_at is not None:
            ink = QColor(*self.brush_colour) if self.brush_colour is not None else None
            marks.draw_brush(painter, self.brush_at, self.brush * scale, keep=self.brush_keeps, colour=ink)

    def _paint_placeholder(self, painter: QPainter) -> None:
        title, _, rest = self.placeholder.partition("\n")
        font, middle = QFont(self.font()), self.height() // 2
        box = self.rect().adjusted(16, 0, -16, 0)
        centred = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
        font.setPointSizeF(self.font().pointSizeF() * 1.25)
        painter.setFont(font)
        line = QFontMetrics(font).height()
        painter.setPen(QColor(255, 255, 255, 235))
        painter.drawText(box.adjusted(0, middle - line, 0, 0), Qt.AlignmentFlag.AlignTop | centred, title)
        painter.setFont(self.font())
        painter.setPen(QColor(255, 255, 255, 200))
        painter.drawText(box.adjusted(0, middle + 6, 0, 0), Qt.AlignmentFlag.AlignTop | centred, rest)

    def _paint_drop_hint(self, painter: QPainter) -> None:
        accent = self.palette().highlight().color()
        veil = QColor(accent)
        veil.setAlpha(50)
        painter.fillRect(self.rect(), veil)
        painter.setPen(QPen(accent, 4))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(self.rect()).adjusted(2, 2, -2, -2))

    # the window ------------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._report_size()
        self.refresh()

    def showEvent(self, event: QShowEvent) -> None:
        self._report_size()

    def hideEvent(self, event: QHideEvent) -> None:
        self.controller.remove_pane(id(self))

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._report_size()
            self.refresh()
        return super().event(event)

    def _report_size(self) -> None:
        if self.isVisible():
            self.controller.set_device_ratio(self.devicePixelRatioF())
            self.controller.set_pane_size(id(self), self.width(), self.height())
