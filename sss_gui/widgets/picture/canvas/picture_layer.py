"""How an image lies in a pane, and the drawing of its pixels: nearest when large, smooth when small, never aliased."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QImage, QPainter

from sss_gui.widgets.display import Display
from sss_gui.widgets.picture.annotations import CANVAS
from sss_gui.widgets.picture.qimage import from_qimage, pixel_words, to_qimage

NEAREST_FROM = 2.0
"""Physical screen pixels per image pixel from which pixels are drawn as squares."""

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Placement:
    """Where an image lies in a canvas.

    x, y : physical pixel of the image's corner (0, 0), whole so that squares stay sharp;
    scale : physical pixels per image pixel; ratio : physical per device-independent pixel.
    """

    x: int
    y: int
    scale: float
    ratio: float = 1.0

    @classmethod
    def centred(cls, centre: tuple[float, float], scale: float, canvas: tuple[float, float], ratio: float) -> Placement:
        """The image point `centre` in the middle of a canvas (width, height), at device-independent `scale`."""
        s = scale * ratio
        return cls(round(canvas[0] * ratio / 2 - centre[0] * s), round(canvas[1] * ratio / 2 - centre[1] * s), s, ratio)

    def to_screen(self, x: float, y: float) -> tuple[float, float]:
        """Image point -> device-independent canvas point."""
        return (self.x + x * self.scale) / self.ratio, (self.y + y * self.scale) / self.ratio

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Device-independent canvas point -> image point."""
        return (x * self.ratio - self.x) / self.scale, (y * self.ratio - self.y) / self.scale

    def rect(self, size: tuple[int, int]) -> QRect:
        """The physical pixels of an image of (H, W)."""
        return QRect(self.x, self.y, math.ceil(size[1] * self.scale - 0.5), math.ceil(size[0] * self.scale - 0.5))

    def pixel_at(self, x: float, y: float) -> tuple[int, int]:
        """The image pixel that is drawn on the screen pixel at canvas point (x, y)."""
        half = 0.5 / self.ratio
        px, py = self.to_image(x + half, y + half)
        return math.floor(px), math.floor(py)


class PictureLayer:
    """One picture as a pyramid, with a live patch and a translucent map on top."""

    def __init__(self) -> None:
        self.levels: list[NDArray[np.uint8]] = []
        self.patch: tuple[NDArray[np.uint8], Box] | None = None
        self.overlay: list[NDArray[np.uint8]] = []
        self.opacity = 1.0
        self.display = Display()

    def set_pyramid(self, levels: Sequence[NDArray[np.uint8]]) -> None:
        """Replace the picture and drop the patch."""
        for level in levels:
            check_picture(level, 3)
        self.levels = list(levels)
        self.patch = None

    def set_patch(self, picture: NDArray[np.uint8], box: Box) -> None:
        """Lay `picture` over the image box (x0, y0, x1, y1)."""
        check_picture(picture, 3)
        x0, y0, x1, y1 = map(float, box)
        if not (x1 > x0 and y1 > y0):
            raise ValueError(f"box must be (x0, y0, x1, y1) with x1 > x0 and y1 > y0, got {box}.")
        self.patch = (picture, (x0, y0, x1, y1))

    def set_overlay(self, levels: Sequence[NDArray[np.uint8]], opacity: float) -> None:
        """Lay RGBA levels over the whole picture; () takes them away."""
        for level in levels:
            check_picture(level, 4)
        self.overlay = list(levels)
        self.opacity = min(max(float(opacity), 0.0), 1.0)

    def render(
        self, placement: Placement, size: tuple[int, int], width: int, height: int, *, overlay: bool = True
    ) -> QImage:
        """The canvas of (width, height) physical pixels: the picture, stretched over an image of `size`, on grey."""
        target = QImage(max(width, 1), max(height, 1), QImage.Format.Format_RGB32)
        target.fill(CANVAS)
        if self.levels:
            painter = QPainter(target)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            nearest = placement.scale >= NEAREST_FROM
            draw_levels(painter, self.levels, size, placement, nearest)
            if self.patch:
                picture, box = self.patch
                fine = picture.shape[1] >= box[2] - box[0]
                draw_plane(painter, picture, box, size, placement, nearest and fine)
            painter.end()
            paint_display(target, self.display, placement.rect(size))
            painter.begin(target)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            if overlay and self.overlay:
                painter.setOpacity(self.opacity)
                draw_levels(painter, self.overlay, size, placement, nearest)
            painter.end()
        return target

    def values(self, box: tuple[int, int, int, int], size: tuple[int, int]) -> NDArray[np.uint8]:
        """The shown numbers of the image pixels in box (x0, y0, x1, y1), (h, w, 3) uint8, the patch included."""
        height, width = size
        xs, ys = np.arange(box[0], box[2]) + 0.5, np.arange(box[1], box[3]) + 0.5
        shown = _sample(self.levels[0], (0, 0, width, height), xs, ys)
        if self.patch:
            picture, (x0, y0, x1, y1) = self.patch
            across, down = np.flatnonzero((xs > x0) & (xs < x1)), np.flatnonzero((ys > y0) & (ys < y1))
            shown[np.ix_(down, across)] = _sample(picture, (x0, y0, x1, y1), xs[across], ys[down])
        return shown


def _sample(
    picture: NDArray[np.uint8], box: Box, xs: NDArray[np.floating], ys: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """Pixels of `picture`, stretched over the image box, that lie at image columns xs and rows ys; a copy."""
    height, width = picture.shape[:2]
    columns = ((xs - box[0]) * width / (box[2] - box[0])).astype(np.intp)
    rows = ((ys - box[1]) * height / (box[3] - box[1])).astype(np.intp)
    return picture[np.ix_(np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1))]


def check_picture(picture: NDArray[np.uint8], channels: int) -> None:
    """Raise ValueError where `picture` is not a non-empty uint8 (h, w, channels) array."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != channels or 0 in picture.shape:
        raise ValueError(f"Expected a uint8 (h, w, {channels}) picture, got {picture.dtype} {picture.shape}.")


def difference(first: QImage, second: QImage, gain: float, rect: QRect) -> QImage:
    """|first - second| x gain inside `rect` (where the picture lies), and `first` round it."""
    rect = rect.intersected(first.rect())
    shown = QImage(first)
    if not rect.isEmpty():
        a, b = (from_qimage(image.copy(rect)).astype(np.int16) for image in (first, second))
        painter = QPainter(shown)
        painter.drawImage(rect, to_qimage(np.minimum(np.abs(a - b) * gain, 255).astype(np.uint8)))
        painter.end()
    return shown


def paint_display(image: QImage, display: Display, rect: QRect) -> None:
    """Show the part `rect` of `image`, where a picture lies, as `display` says."""
    rect = rect.intersected(image.rect())
    if display.plain or rect.isEmpty():
        return
    table, channel = display.table, display.channel_index
    part = pixel_words(image)[rect.top() : rect.bottom() + 1, rect.left() : rect.right() + 1]
    if channel is None:
        part[...] = table[np.ascontiguousarray(part).view(np.uint8)].view(np.uint32)
    else:
        greys = table.astype(np.uint32) * 0x010101 | 0xFF000000
        part[...] = greys[(part >> (16 - 8 * channel)) & 0xFF]


def draw_levels(
    painter: QPainter, levels: list[NDArray[np.uint8]], size: tuple[int, int], placement: Placement, nearest: bool
) -> None:
    """Draw the level whose pixels are 1/2 to 1 screen pixel wide (or level 0), over an image of `size` (H, W)."""
    height, width = size
    sx, sy = width / levels[0].shape[1], height / levels[0].shape[0]
    level = math.floor(math.log2(1 / (placement.scale * max(sx, sy))) + 1e-9)
    n = min(max(level, 0), len(levels) - 1)
    step = 2**n
    # an odd size rounds up, so a level may reach past the image's edge; draw_plane clips it there
    box = (0.0, 0.0, levels[n].shape[1] * step * sx, levels[n].shape[0] * step * sy)
    draw_plane(painter, levels[n], box, size, placement, nearest and n == 0)


def draw_plane(
    painter: QPainter, picture: NDArray[np.uint8], box: Box, size: tuple[int, int], placement: Placement, nearest: bool
) -> None:
    """Draw `picture` stretched over the image box, clipped to the image of `size` (H, W)."""
    device = painter.device()
    across = _Axis.fit(picture.shape[1], box[0], box[2], size[1], placement.x, placement.scale, device.width())
    down = _Axis.fit(picture.shape[0], box[1], box[3], size[0], placement.y, placement.scale, device.height())
    if across.last <= across.first or down.last <= down.first:
        return
    if nearest:
        ix, iy = across.nearest(), down.nearest()
        crop = picture[iy[0] : iy[-1] + 1, ix[0] : ix[-1] + 1]
        squares = np.take(np.take(crop, ix - ix[0], axis=1), iy - iy[0], axis=0)
        painter.drawImage(across.first, down.first, to_qimage(squares))
        return
    (i0, i1), (j0, j1) = across.span(), down.span()
    image = to_qimage(picture[j0:j1, i0:i1])
    image = image.convertToFormat(
        QImage.Format.Format_RGB32 if picture.shape[2] == 3 else QImage.Format.Format_ARGB32_Premultiplied
    )
    # a picture under one screen pixel wide still shows as one
    target = QRectF(across.at(i0), down.at(j0), max((i1 - i0) * across.scale, 1), max((j1 - j0) * down.scale, 1))
    painter.save()
    painter.setClipRect(QRect(across.first, down.first, across.last - across.first, down.last - down.first))
    painter.drawImage(target, _shrunk(image, target))
    painter.restore()


def _shrunk(image: QImage, target: QRectF) -> QImage:
    """Area-averaged to the target's size where bilinear sampling would skip pixels."""
    if target.width() * 2 > image.width() and target.height() * 2 > image.height():
        return image
    width, height = max(round(target.width()), 1), max(round(target.height()), 1)
    return image.scaled(width, height, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)


@dataclass(frozen=True)
class _Axis:
    """One axis of a picture on the screen: `count` pixels of `scale` physical ones from `start`; seen: first..last."""

    count: int
    start: float
    scale: float
    first: int
    last: int

    @classmethod
    def fit(cls, count: int, low: float, high: float, extent: int, origin: int, scale: float, canvas: int) -> _Axis:
        start, stop = origin + low * scale, origin + high * scale
        left, right = max(start, origin, 0.0), min(stop, origin + extent * scale, float(canvas))
        # a screen pixel belongs to the picture where its centre does; a visible picture keeps at least one
        first = min(math.ceil(left - 0.5), canvas - 1)
        last = max(math.ceil(right - 0.5), first + 1 if right > left else 0)
        return cls(count, start, (stop - start) / count, max(first, 0), min(last, canvas))

    def at(self, index: int) -> float:
        return self.start + index * self.scale

    def nearest(self) -> NDArray[np.intp]:
        centres = np.arange(self.first, self.last) + 0.5
        return np.clip(((centres - self.start) / self.scale).astype(np.intp), 0, self.count - 1)

    def span(self) -> tuple[int, int]:
        """Source pixels that the seen part needs, with a margin for bilinear sampling."""
        first = math.floor((self.first - self.start) / self.scale) - 2
        last = math.ceil((self.last - self.start) / self.scale) + 2
        return min(max(first, 0), self.count - 1), max(min(last, self.count), 1)
