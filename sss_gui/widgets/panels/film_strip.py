"""The images that are open, as a strip of thumbnails."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QPointF, QRect, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QKeyEvent,
    QPainter,
    QPalette,
    QPen,
    QPixmap,
    QShowEvent,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from sss_gui.widgets.layout import column, plain_tip
from sss_gui.widgets.picture.annotations import ALERT, CANVAS, ink_on
from sss_gui.widgets.picture.qimage import to_pixmap

STATES = ("none", "running", "done", "failed")
_THUMB = QSize(96, 64)
_PIXMAP, _STATE, _OVERLAY, _PLACE, _TIP, _FEATURES, _DOUBT = (Qt.ItemDataRole.UserRole + n for n in range(7))
_DONE = QColor("#2e9e6b")
_DOUBTFUL = QColor("#e69f00")


class FilmStrip(QWidget):
    """Thumbnails in a row, one current; arrows move, Enter or a click activates."""

    activated = Signal(int)
    """The user chose item n."""
    thumbnails_requested = Signal(list)
    """Indices (list[int]) that came into sight and have no thumbnail yet; each is asked for once."""
    remove_requested = Signal(int)
    """Delete was pressed on item n."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        self._asked: set[int] = set()
        self._list = _StripList(self)
        self._list.setModel(self._model)
        self._list.setItemDelegate(_ThumbDelegate(self._list))
        self._list.clicked.connect(lambda index: self._activate(index.row()))
        self._list.chosen.connect(self._activate)
        self._list.removed.connect(self.remove_requested)
        self._list.horizontalScrollBar().valueChanged.connect(self._look)
        self._list.resized.connect(self._look)
        self._looking = QTimer(self, singleShot=True, interval=0)
        self._looking.timeout.connect(self._ask)
        self.setLayout(column(self._list))
        self.setFocusProxy(self._list)
        self._list.horizontalScrollBar().rangeChanged.connect(self._set_height)
        self._set_height()

    def set_items(self, names: Sequence[str], tips: Sequence[str] = ()) -> None:
        """The files' names, in order, and tool tips (paths). Thumbnails, states and the current item start empty."""
        self._model.clear()
        self._asked.clear()
        for index, name in enumerate(names):
            item = QStandardItem(name)
            item.setEditable(False)
            item.setData("none", _STATE)
            item.setData(tips[index] if index < len(tips) else name, _TIP)
            item.setToolTip(plain_tip(item.data(_TIP)))
            self._model.appendRow(item)
        self._look()

    def count(self) -> int:
        """How many items there are."""
        return self._model.rowCount()

    def set_thumbnail(self, index: int, picture: NDArray[np.uint8]) -> None:
        """(h, w, 3) uint8 of any size, shown fitted."""
        self._set_picture(index, _PIXMAP, picture)

    def set_features(self, index: int, picture: NDArray[np.uint8] | None) -> None:
        """The same, shown in place of the thumbnail; None shows that again."""
        self._set_picture(index, _FEATURES, picture)

    def _set_picture(self, index: int, role: int, picture: NDArray[np.uint8] | None) -> None:
        if item := self._model.item(index):
            item.setData(self._fitted(picture) if picture is not None else None, role)

    def _fitted(self, picture: NDArray[np.uint8]) -> QPixmap:
        ratio = self.devicePixelRatioF()
        room = QSize(round(_THUMB.width() * ratio), round(_THUMB.height() * ratio))
        modes = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        pixmap = to_pixmap(picture).scaled(room, *modes)
        pixmap.setDevicePixelRatio(ratio)
        return pixmap

    def set_overlay(
        self, index: int, overlay: NDArray[np.uint8] | None, place: tuple[float, float] | None = None
    ) -> None:
        """Lay (h, w, 4) uint8 with straight alpha over a thumbnail, and ring `place`, parts (x, y) of its sides."""
        if item := self._model.item(index):
            item.setData(to_pixmap(overlay) if overlay is not None else None, _OVERLAY)
            item.setData(QPointF(*place) if place is not None else None, _PLACE)

    def set_state(self, index: int, state: str, tip: str = "") -> None:
        """One of `STATES`; `tip` says why a file failed."""
        if state not in STATES:
            raise ValueError(f"state must be one of {', '.join(STATES)}; got {state!r}.")
        if item := self._model.item(index):
            item.setData(state, _STATE)
            item.setAccessibleDescription(state if state != "none" else "")
            item.setToolTip(plain_tip(tip or item.data(_TIP)))

    def set_doubt(self, index: int, words: str) -> None:
        """Mark item n as doubtful for the reason `words`, which its tip says; '' takes the mark away."""
        if item := self._model.item(index):
            item.setData(words, _DOUBT)
            item.setAccessibleDescription(words)
            item.setToolTip(plain_tip(f"{words}\n{item.data(_TIP)}" if words else item.data(_TIP)))

    def doubt(self, index: int) -> str:
        """Why item n is doubtful; '' where it is not."""
        return str(self._model.item(index).data(_DOUBT) or "")

    def state(self, index: int) -> str:
        """The state of item n."""
        return str(self._model.item(index).data(_STATE))

    @property
    def current(self) -> int:
        """Index of the current item; -1 without one."""
        return self._list.currentIndex().row()

    def set_current(self, index: int) -> None:
        """Mark an item as the one shown and scroll to it; emits nothing."""
        place = self._model.index(index, 0)
        self._list.setCurrentIndex(place)
        self.go_on_from(index)
        if place.isValid():
            self._list.scrollTo(place)

    def go_on_from(self, index: int) -> None:
        """Let the arrows move from this item instead of the current one, until another is current."""
        self._list.origin = index

    def step(self, by: int) -> None:
        """Activate the item `by` places on (stops at the ends)."""
        if self.count():
            index = min(max(self.current + by, 0), self.count() - 1)
            if index != self.current:
                self._activate(index)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def _set_height(self) -> None:
        bar = self._list.horizontalScrollBar()
        room = bar.sizeHint().height() if bar.maximum() > 0 else 0
        self.setFixedHeight(_THUMB.height() + self.fontMetrics().height() + 18 + room)

    def _activate(self, index: int) -> None:
        self.set_current(index)
        self.activated.emit(index)

    def _look(self) -> None:
        self._looking.start()

    def _ask(self) -> None:
        if not self.isVisible():
            return
        seen = self._list.viewport().rect()
        bare = []
        for row in range(self.count()):
            fresh = row not in self._asked and self._model.item(row).data(_PIXMAP) is None
            if fresh and self._list.visualRect(self._model.index(row, 0)).intersects(seen):
                bare.append(row)
        if bare:
            self._asked.update(bare)
            self.thumbnails_requested.emit(bare)


class _StripList(QListView):
    """A single row of items; the wheel goes sideways."""

    chosen = Signal(int)
    removed = Signal(int)
    resized = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.origin = -1
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(False)
        self.setUniformItemSizes(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setAccessibleName("Open images")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = event.key(), self.currentIndex().row()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and row >= 0:
            self.chosen.emit(row)
        elif key == Qt.Key.Key_Space:
            event.ignore()  # held, it shows the input in every pane
        elif key == Qt.Key.Key_Delete and row >= 0:
            self.removed.emit(row)
        else:
            self._move(event)

    def _move(self, event: QKeyEvent) -> None:
        """Let Qt move the current item, counted from the origin."""
        shown, origin = self.currentIndex(), self.model().index(self.origin, 0)
        start = origin if origin.isValid() else shown
        self.setCurrentIndex(start)
        super().keyPressEvent(event)
        moved = self.currentIndex()
        if moved.isValid() and moved != start:
            self.chosen.emit(moved.row())
        else:
            self.setCurrentIndex(shown)

    def wheelEvent(self, event: object) -> None:
        turn = event.angleDelta()  # type: ignore[attr-defined]
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - (turn.x() or turn.y()))
        event.accept()  # type: ignore[attr-defined]

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self.resized.emit()


class _ThumbDelegate(QStyledItemDelegate):
    """A thumbnail on mid-grey over its name, with a mark for its state."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(_THUMB.width() + 14, _THUMB.height() + option.fontMetrics.height() + 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, box = option.palette, option.rect
        frame = QRect(box.x() + 7, box.y() + 6, _THUMB.width(), _THUMB.height())
        painter.fillRect(frame, CANVAS)
        pixmap = index.data(_FEATURES) or index.data(_PIXMAP)
        if isinstance(pixmap, QPixmap):
            size = pixmap.deviceIndependentSize().toSize()
            corner = frame.center() + QPoint(1, 1) - QPoint(size.width() // 2, size.height() // 2)
            painter.drawPixmap(corner, pixmap)
            _paint_overlay(painter, QRect(corner, size), index.data(_OVERLAY), index.data(_PLACE))
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            wide = 3 if option.state & QStyle.StateFlag.State_HasFocus else 2
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Highlight), wide))
            painter.drawRect(frame.adjusted(-2, -2, 1, 1))
        _paint_state(painter, frame, str(index.data(_STATE)))
        if index.data(_DOUBT):
            _paint_mark(painter, QPoint(frame.left() + 3, frame.top() + 3), "?", _DOUBTFUL)
        painter.setPen(palette.color(QPalette.ColorRole.Text if chosen else QPalette.ColorRole.PlaceholderText))
        words = QRect(frame.x(), frame.bottom() + 4, frame.width(), option.fontMetrics.height() + 2)
        name = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, words.width())
        painter.drawText(words, Qt.AlignmentFlag.AlignCenter, name)
        painter.restore()


def _paint_overlay(painter: QPainter, box: QRect, overlay: object, place: object) -> None:
    if isinstance(overlay, QPixmap):
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawPixmap(box, overlay)
    if isinstance(place, QPointF):
        centre = QPointF(box.x() + place.x() * box.width(), box.y() + place.y() * box.height())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, wide in ((QColor(0, 0, 0, 160), 4), (QColor("white"), 2)):
            painter.setPen(QPen(colour, wide))
            painter.drawEllipse(centre, 5, 5)


def _paint_state(painter: QPainter, frame: QRect, state: str) -> None:
    marks = {"running": ("…", QColor("#e0a020")), "done": ("✓", _DONE), "failed": ("!", ALERT)}
    if state not in marks:
        return
    _paint_mark(painter, QPoint(frame.right() - 18, frame.top() + 3), *marks[state])


def _paint_mark(painter: QPainter, corner: QPoint, label: str, colour: QColor) -> None:
    """A letter on a disc of 16 pixels."""
    dot = QRect(corner, QSize(16, 16))
    painter.setPen(QPen(QColor(0, 0, 0, 120), 1))
    painter.setBrush(colour)
    painter.drawEllipse(dot)
    font = painter.font()
    font.setPixelSize(11)
    font.setBold(True)
    painter.save()
    painter.setFont(font)
    painter.setPen(ink_on(colour))
    painter.drawText(dot, Qt.AlignmentFlag.AlignCenter, label)
    painter.restore()
