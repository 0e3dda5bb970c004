"""Mouse and keys on a picture, turned into intents: hover, click, pan, zoom, nudge, flip, wipe, drag out."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent, QKeyEvent, QMouseEvent, QNativeGestureEvent, QWheelEvent
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QWidget

from sss_gui.widgets.picture.canvas.canvas import PictureCanvas
from sss_gui.widgets.picture.view_controller import ViewController

_ARROWS = {
    Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1),
}  # fmt: skip
_NUDGE_HELD = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.KeypadModifier)
_EDGE_REACH = 6
_NOTCH = 120
_DOUBLING = 360
"""Wheel turn, in eighths of a degree, that doubles the scale: three notches."""


class GestureCanvas(PictureCanvas):
    """A `PictureCanvas` that speaks of what the user does with it; panning and zooming go to the shared view.

    The wheel zooms about the pointer, dragging pans, a double click fits, a click picks a pixel, arrows nudge, Return
    picks the pixel that is marked.
    """

    pixel_hovered = Signal(int, int)
    """The pointer came to lie over image pixel x, y."""
    hover_left = Signal()
    pixel_clicked = Signal(int, int)
    pixel_picked = Signal(int, int, object)
    """The same with the keys that were held (Qt.KeyboardModifier); Alt too."""
    nudge_requested = Signal(int, int)
    """An arrow key was pressed: move the pin by (dx, dy) pixels (10 with Shift)."""
    flip_requested = Signal(bool)
    """Space went down (True) or up (False)."""
    wipe_moved = Signal(float)
    """The wipe's edge was dragged to this fraction of the pane's width."""
    stroke_drawn = Signal(list, object)
    """A line was drawn with the brush: points (x, y) in pixels, and the keys that were held at its end."""
    box_drawn = Signal(float, float, float, float)
    """A box was drawn: x0, y0, x1, y1 in pixels."""
    resize_requested = Signal(int)
    """The wheel was turned by a notch with Shift held: 1 away from the user, -1 towards him."""
    drag_out_requested = Signal()
    """The picture was dragged with Alt."""
    focus_gained = Signal()
    pressed = Signal()

    def __init__(self, controller: ViewController, parent: QWidget | None = None) -> None:
        super().__init__(controller, parent)
        self._press: QPointF | None = None
        self._last = QPointF()
        self._drag = ""
        self._hovered: tuple[int, int] | None = None
        self.boxes = ""
        """When dragging draws a box: '' never, 'shift' with Shift held (the wheel does not zoom then), 'always'."""
        self._turned = 0
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.CrossCursor)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._leave()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self.focus_gained.emit()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.flip_requested.emit(False)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta().y()
        if self.boxes and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._turn_own(turn or event.angleDelta().x())  # where Shift makes it the other axis
        elif turn and self.layer.levels:
            at = event.position()
            self.controller.zoom_about(self.placement().to_image(at.x(), at.y()), 2.0 ** (turn / _DOUBLING))
            self._hover(at)
        event.accept()

    def _turn_own(self, turn: int) -> None:
        """Say so for each whole notch; a touchpad's turns are parts of one."""
        self._turned += turn
        notches = int(self._turned / _NOTCH)
        self._turned -= notches * _NOTCH
        for _ in range(abs(notches)):
            self.resize_requested.emit(1 if notches > 0 else -1)

    def event(self, event: QEvent) -> bool:
        pinch = isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        if pinch and self.layer.levels:
            at = event.position()  # type: ignore[attr-defined]  # a pinch has one
            point = self.placement().to_image(at.x(), at.y())
            self.controller.zoom_about(point, math.exp(event.value()))  # type: ignore[attr-defined]
            return True
        return super().event(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        self.pressed.emit()
        self._press = self._last = event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        if self._on_edge(event.position()):
            self._drag = "wipe"
        elif left and self._draws_box(event.modifiers()):
            self._drag = "box"
        elif left and self.brush:
            self._drag = "stroke"
            self._draw_to(event.position())
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self._drag = "out"
        else:
            self._drag = ""

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._press is None:
            self.setCursor(Qt.CursorShape.SplitHCursor if self._on_edge(at) else Qt.CursorShape.CrossCursor)
        elif self._drag == "wipe":
            self.wipe_moved.emit(min(max(at.x() / max(self.width(), 1), 0.0), 1.0))
        elif self._drag == "stroke":
            self._draw_to(at)
        elif self._drag == "box":
            self.band = QRectF(self._press, at).normalized()
            self.update()
        elif self._drag == "pan" or (at - self._press).manhattanLength() >= QApplication.startDragDistance():
            if self._drag == "out":
                self._press = None
                self.drag_out_requested.emit()
                return
            self._drag = "pan"
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            moved = at - self._last
            self._last = at
            enlarged = self.controller.scale / self.scale
            self.controller.pan_by(moved.x() * enlarged, moved.y() * enlarged)
        self._hover(at)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        drag, clicked = self._drag, self._press is not None and event.button() == Qt.MouseButton.LeftButton
        self._press, self._drag = None, ""
        self.setCursor(Qt.CursorShape.CrossCursor)
        if drag == "stroke":
            self._end_stroke(event.modifiers())
        elif drag == "box" and not self._end_box():
            drag = ""  # Shift was held, but the mouse did not move
        pixel = self._pixel(event.position())
        if clicked and pixel and drag == "":
            self.pixel_clicked.emit(*pixel)
        if clicked and pixel and drag in ("", "out"):  # Alt was held, but the mouse did not move
            self.pixel_picked.emit(*pixel, event.modifiers())

    def _draws_box(self, held: Qt.KeyboardModifier) -> bool:
        return self.boxes == "always" or (self.boxes == "shift" and bool(held & Qt.KeyboardModifier.ShiftModifier))

    def _draw_to(self, at: QPointF) -> None:
        """Draw the line on to `at`, as far as that lies in the picture."""
        (x, y), (height, width) = self.placement().to_image(at.x(), at.y()), self.controller.image_size
        if self.layer.levels and 0 <= x <= width and 0 <= y <= height:
            self.drawn.append((x - 0.5, y - 0.5))
            self.update()

    def _end_stroke(self, held: Qt.KeyboardModifier) -> None:
        points, self.drawn = self.drawn, []
        self.update()
        if points:
            self.stroke_drawn.emit(points, held)

    def _end_box(self) -> bool:
        """Whether a box was drawn that is larger than a hand that trembles."""
        band, self.band = self.band, None
        self.update()
        if band is None or not self.layer.levels or min(band.width(), band.height()) < 4:
            return False
        place = self.placement()
        self.box_drawn.emit(*place.to_image(band.left(), band.top()), *place.to_image(band.right(), band.bottom()))
        return True

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self.brush:  # two dabs in one place
            self.mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton and not self._on_edge(event.position()):
            self.controller.fit()

    def leaveEvent(self, event: QEvent) -> None:
        self._leave()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, held = Qt.Key(event.key()), event.modifiers()
        plain = held in _NUDGE_HELD
        if key == Qt.Key.Key_Space and plain:
            if not event.isAutoRepeat():
                self.flip_requested.emit(True)
        elif key in _ARROWS and plain:
            dx, dy = _ARROWS[key]
            step = 10 if held & Qt.KeyboardModifier.ShiftModifier else 1
            self.nudge_requested.emit(dx * step, dy * step)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.crosshair is not None:
            held &= ~Qt.KeyboardModifier.KeypadModifier
            if not held & Qt.KeyboardModifier.AltModifier:
                self.pixel_clicked.emit(*self.crosshair)
            self.pixel_picked.emit(*self.crosshair, held)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Space:
            if not event.isAutoRepeat():
                self.flip_requested.emit(False)
        else:
            super().keyReleaseEvent(event)

    def _on_edge(self, at: QPointF) -> bool:
        return self.mode == "wipe" and abs(at.x() - self.amount * self.width()) <= _EDGE_REACH

    def _pixel(self, at: QPointF) -> tuple[int, int] | None:
        x, y = self.placement().pixel_at(at.x(), at.y())
        height, width = self.controller.image_size if self.layer.levels else (0, 0)
        return (x, y) if 0 <= x < width and 0 <= y < height else None

    def _hover(self, at: QPointF) -> None:
        pixel = self._pixel(at)
        self._show_brush(at if pixel is not None else None)
        if pixel is None:
            self._leave()
        elif pixel != self._hovered:
            self._hovered = pixel
            self.pixel_hovered.emit(*pixel)

    def _show_brush(self, at: QPointF | None) -> None:
        self.brush_at = at
        if self.brush:
            self.update()

    def _leave(self) -> None:
        self._show_brush(None)
        if self._hovered is not None:
            self._hovered = None
            self.hover_left.emit()


class WindowKeys(QObject):
    """Keys of the panes while another part of their window has the keyboard and has no use for them.

    Signals
    -------
    flip_requested : Space went down (True) or up, or the keyboard went elsewhere (False)
    pane_requested : Return was pressed in a box for a number
    """

    flip_requested = Signal(bool)
    pane_requested = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._windows: list[QWidget] = []
        self._holder: QWidget | None = None  # what had the keyboard when Space went down

    def watch(self, *windows: QWidget) -> None:
        """Listen to the keys that the parts of `windows` leave, and to no others' from now on."""
        for window in self._windows:
            window.removeEventFilter(self)
        self._windows = list(windows)
        for window in windows:
            window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.FocusOut, QEvent.Type.WindowDeactivate):
            self._let_go()
        elif watched in self._windows and isinstance(event, QKeyEvent):
            if kind == QEvent.Type.KeyPress:
                return self._press(event)
            return kind == QEvent.Type.KeyRelease and self._release(event)
        return False

    def _press(self, event: QKeyEvent) -> bool:
        focus, key = QApplication.focusWidget(), event.key()
        if key == Qt.Key.Key_Space and event.modifiers() in _NUDGE_HELD:
            if not event.isAutoRepeat():
                self._hold(focus)
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focus, QAbstractSpinBox):
            self.pane_requested.emit()
            return True
        return False

    def _release(self, event: QKeyEvent) -> bool:
        if event.key() != Qt.Key.Key_Space:
            return False
        if not event.isAutoRepeat():
            self._let_go()
        return True

    def _hold(self, focus: QWidget | None) -> None:
        self._let_go()
        self._holder = focus or next(iter(self._windows), None)
        if self._holder is not None:
            self._holder.installEventFilter(self)
            self.flip_requested.emit(True)

    def _let_go(self) -> None:
        holder, self._holder = self._holder, None
        if holder is None:
            return
        if holder not in self._windows:
            holder.removeEventFilter(self)
        self.flip_requested.emit(False)
