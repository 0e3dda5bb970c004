"""The list of layers: eye, cut-out, colour, name and share; rows are dragged to order and renamed in place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSignalBlocker,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QColor,
    QDropEvent,
    QFontMetrics,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPalette,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from sss_gui.widgets.key_positions import elsewhere
from sss_gui.widgets.picture.annotations import CANVAS
from sss_gui.widgets.picture.qimage import to_pixmap

Index = QModelIndex | QPersistentModelIndex
_ROW = Qt.ItemDataRole.UserRole + 1
_NOWHERE = QModelIndex()
_EYES = {Qt.Key.Key_Y, *(ord(letter) for letter in elsewhere("Y"))}  # that key, whatever the alphabet
# Ctrl as well, for window managers that keep Alt for themselves
_ALONE = Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.ControlModifier
_THUMB, _HEIGHT, _EYE, _SWATCH, _BAR, _CELL = QSize(64, 48), 56, 24, 14, 3, 6


@dataclass(frozen=True, eq=False)
class LayerRow:
    """What a row shows.

    Attributes
    ----------
    number : by which the signals name it
    share : of the picture, in [0, 1]
    shown : whether its eye is open
    solo : whether it is the one that shows alone
    thumbnail : (h, w, 4) uint8, straight alpha; None while there is none
    """

    number: int
    name: str
    colour: tuple[int, int, int]
    share: float
    shown: bool = True
    solo: bool = False
    thumbnail: NDArray[np.uint8] | None = None


class LayerList(QListView):
    """Rows of layers, top to bottom. It speaks of what the user does with them and changes nothing itself.

    Signals
    -------
    picked : numbers (frozenset) of the selected rows
    eye_clicked : number, and whether it is to show alone: Alt or Ctrl was held
    renamed : number and the name typed
    coloured : number and the colour chosen
    arranged : numbers in the order that the rows were dragged into
    hovered : number of the row under the pointer; 0 for none
    """

    picked = Signal(object)
    eye_clicked = Signal(int, bool)
    renamed = Signal(int, str)
    coloured = Signal(int, object)
    arranged = Signal(list)
    hovered = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _LayerModel(self)
        self._delegate = _RowDelegate(self)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        self.setDragDropOverwriteMode(False)
        self.setEditTriggers(QAbstractItemView.EditTrigger.EditKeyPressed | QAbstractItemView.EditTrigger.DoubleClicked)
        self.setUniformItemSizes(True)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setAccessibleName("Layers")
        self._model.renamed.connect(self.renamed)
        self.selectionModel().selectionChanged.connect(self._pick)

    def sizeHint(self) -> QSize:
        return QSize(240, 4 * _HEIGHT + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(160, 3 * _HEIGHT + 4)

    def set_rows(self, rows: Sequence[LayerRow], picked: frozenset[int]) -> None:
        """Show `rows` with those of `picked` selected; emits nothing."""
        with QSignalBlocker(self.selectionModel()):
            self._model.set_rows(list(rows))
        self.set_picked(picked)

    def set_picked(self, picked: frozenset[int]) -> None:
        """Select these rows; emits nothing."""
        selection = QItemSelection()
        for place, row in enumerate(self._model.rows):
            if row.number in picked:
                index = self._model.index(place, 0)
                selection.select(index, index)
        with QSignalBlocker(self.selectionModel()):
            self.selectionModel().select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self.viewport().update()

    @property
    def rows(self) -> tuple[LayerRow, ...]:
        """What is shown, top to bottom."""
        return tuple(self._model.rows)

    def set_lit(self, number: int) -> None:
        """Mark the row of the layer under the pointer."""
        if self._delegate.lit != number:
            self._delegate.lit = number
            self.viewport().update()

    def _pick(self) -> None:
        rows = (index.data(_ROW) for index in self.selectedIndexes())
        self.picked.emit(frozenset(row.number for row in rows))

    def _row_at(self, point: QPointF) -> tuple[LayerRow, QRect] | None:
        index = self.indexAt(point.toPoint())
        return (index.data(_ROW), self.visualRect(index)) if index.isValid() else None

    # the pointer -----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        hit = self._row_at(event.position())
        if hit and event.button() == Qt.MouseButton.LeftButton:
            row, box = hit
            if _eye_box(box).contains(event.position().toPoint()):
                self.eye_clicked.emit(row.number, bool(event.modifiers() & _ALONE))
                return
        super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        hit = self._row_at(event.position())
        if hit and _eye_box(hit[1]).contains(event.position().toPoint()):
            self.mousePressEvent(event)
        elif hit and _swatch_box(hit[1]).contains(event.position().toPoint()):
            self._choose_colour(hit[0])
        else:
            super().mouseDoubleClickEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        hit = self._row_at(event.position())
        self.hovered.emit(hit[0].number if hit else 0)
        super().mouseMoveEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(0)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        current, held = self.currentIndex(), event.modifiers()
        if event.key() == Qt.Key.Key_Space:
            event.ignore()  # held, it shows the input in every pane
        elif event.key() in _EYES and current.isValid():
            self._toggle_eyes(current, alone=bool(held & Qt.KeyboardModifier.ShiftModifier))
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and held & Qt.KeyboardModifier.AltModifier:
            self._move(current.row(), -1 if event.key() == Qt.Key.Key_Up else 1)
        else:
            super().keyPressEvent(event)

    def _toggle_eyes(self, current: QModelIndex, *, alone: bool) -> None:
        """Of the row that the keyboard is on, or of all that are chosen where it is one of them."""
        chosen = self.selectedIndexes()
        for index in [current] if alone or current not in chosen else chosen:
            self.eye_clicked.emit(index.data(_ROW).number, alone)

    def _move(self, row: int, by: int) -> None:
        """Say the order with `row` moved, and go on with it."""
        numbers = [each.number for each in self._model.rows]
        if row >= 0 and 0 <= row + by < len(numbers):
            numbers.insert(row + by, numbers.pop(row))
            self.arranged.emit(numbers)
            self.selectionModel().setCurrentIndex(
                self._model.index(row + by, 0), QItemSelectionModel.SelectionFlag.NoUpdate
            )

    def dropEvent(self, event: QDropEvent) -> None:
        """Say the new order; whoever owns it shows it."""
        index, moved = self.indexAt(event.position().toPoint()), sorted(i.row() for i in self.selectedIndexes())
        place = index.row() if index.isValid() else len(self._model.rows)
        if index.isValid() and event.position().y() > self.visualRect(index).center().y():
            place += 1
        event.setDropAction(Qt.DropAction.CopyAction)  # after a move Qt would take the rows out
        event.accept()
        numbers = [row.number for row in self._model.rows]
        before, after = (
            [n for k, n in enumerate(numbers) if k not in moved and (k < place) == first] for first in (True, False)
        )
        order = [*before, *(numbers[k] for k in moved), *after]
        if moved and order != numbers:
            self.arranged.emit(order)
        self.setState(QAbstractItemView.State.NoState)
        self.viewport().update()

    def _choose_colour(self, row: LayerRow) -> None:
        colour = QColorDialog.getColor(QColor(*row.colour), self, f"Colour of {row.name}")
        if colour.isValid():
            self.coloured.emit(row.number, (colour.red(), colour.green(), colour.blue()))

    def viewportEvent(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            hit = self._row_at(QPointF(event.pos()))
            place = event.pos()
            on_eye = hit and _eye_box(hit[1]).contains(place)
            on_swatch = hit and _swatch_box(hit[1]).contains(place)
            self.setToolTip(
                "Show or hide (Y); with Alt or Ctrl (Shift+Y) show it alone" if on_eye
                else "Double-click for another colour" if on_swatch
                else "Click picks, Ctrl or Shift adds; double-click renames (F2); drag to order (Alt+Up, Alt+Down)"
            )  # fmt: skip
        return super().viewportEvent(event)


class _LayerModel(QAbstractListModel):
    """The rows, whose names can be edited."""

    renamed = Signal(int, str)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rows: list[LayerRow] = []

    def set_rows(self, rows: list[LayerRow]) -> None:
        """Show `rows`; while the layers are the same ones in the same order, an editor that is open stays."""
        if [row.number for row in rows] == [row.number for row in self.rows]:
            self.rows = rows
            if rows:
                self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, 0))
        else:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()

    def rowCount(self, parent: Index = _NOWHERE) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def flags(self, index: Index) -> Qt.ItemFlag:
        if not index.isValid():
            return Qt.ItemFlag.ItemIsDropEnabled
        return (
            Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
            | Qt.ItemFlag.ItemIsDragEnabled
        )  # fmt: skip

    def supportedDropActions(self) -> Qt.DropAction:
        return Qt.DropAction.MoveAction | Qt.DropAction.CopyAction

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.name
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{row.name}, {row.share:.0%} of the picture, {'shown' if row.shown else 'hidden'}"
        return row if role == _ROW else None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.rows[index.row()]
        if str(value) != row.name:
            self.renamed.emit(row.number, str(value))
        return True


class _RowDelegate(QStyledItemDelegate):
    """Paints a row and places the editor of its name."""

    lit = 0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(200, _HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        row = index.data(_ROW)
        if not isinstance(row, LayerRow):
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, box = option.palette, option.rect
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(box, palette.color(QPalette.ColorRole.Highlight))
        elif row.number == self.lit:
            veil = palette.color(QPalette.ColorRole.Highlight)
            veil.setAlpha(50)
            painter.fillRect(box, veil)
        ink = palette.color(QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        dim = ink if chosen else palette.color(QPalette.ColorRole.PlaceholderText)
        _paint_eye(painter, QRectF(_eye_box(box)), ink, dim, shown=row.shown, solo=row.solo)
        _paint_thumbnail(painter, _thumb_box(box), row)
        painter.setPen(QPen(QColor(0, 0, 0, 110), 1))
        painter.setBrush(QColor(*row.colour))
        painter.drawRoundedRect(QRectF(_swatch_box(box)).adjusted(0.5, 0.5, -0.5, -0.5), 3, 3)
        share = f"{100 * row.share:.0f} %" if row.share >= 0.01 else "< 1 %" if row.thumbnail is not None else ""
        wide = painter.fontMetrics().horizontalAdvance("100 %") + 10
        right, words = QRect(box.right() - wide, box.y(), wide - 6, box.height() - _BAR), _name_box(box, wide)
        painter.setPen(dim)
        painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, share)
        painter.setPen(ink if row.shown else dim)
        name = "\n".join(in_lines(row.name, words.width(), painter.fontMetrics()))
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, name)
        bar = QRectF(words.x(), box.bottom() - 11, right.right() - words.x(), _BAR)
        painter.fillRect(bar, palette.color(QPalette.ColorRole.Mid))
        bar.setWidth(bar.width() * row.share)
        painter.fillRect(bar, QColor(*row.colour))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(ink, 1, Qt.PenStyle.DotLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(box.adjusted(1, 1, -2, -2))
        painter.restore()

    def updateEditorGeometry(self, editor: QWidget, option: QStyleOptionViewItem, index: Index) -> None:
        box = _name_box(option.rect, 0)
        editor.setGeometry(box.adjusted(-4, 7, -4, -7))


def in_lines(text: str, width: int, metrics: QFontMetrics) -> list[str]:
    """`text` on one line, or on two where it is wider and has a space to break at; the last is cut off to `width`."""
    first, *words = text.split(" ")
    while words and metrics.horizontalAdvance(f"{first} {words[0]}") <= width:
        first = f"{first} {words.pop(0)}"
    rest = " ".join(words)
    return [metrics.elidedText(line, Qt.TextElideMode.ElideRight, width) for line in (first, rest) if line]


def _eye_box(row: QRect) -> QRect:
    return QRect(row.x() + 2, row.y(), _EYE, row.height())


def _thumb_box(row: QRect) -> QRect:
    return QRect(row.x() + _EYE + 4, row.y() + (row.height() - _THUMB.height()) // 2, _THUMB.width(), _THUMB.height())


def _swatch_box(row: QRect) -> QRect:
    left = row.x() + _EYE + _THUMB.width() + 12
    return QRect(left, row.y() + (row.height() - _SWATCH) // 2, _SWATCH, _SWATCH)


def _name_box(row: QRect, right: int) -> QRect:
    left = _swatch_box(row).right() + 9
    return QRect(left, row.y(), row.right() - right - left, row.height() - 2 * _BAR)


def _paint_thumbnail(painter: QPainter, box: QRect, row: LayerRow) -> None:
    """The layer cut out, on a checkerboard."""
    if row.thumbnail is None:
        painter.fillRect(box, CANVAS)
        return
    pixmap: QPixmap = to_pixmap(row.thumbnail)
    size = pixmap.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
    corner = box.center() - QPointF(size.width() / 2 - 0.5, size.height() / 2 - 0.5).toPoint()
    place = QRect(corner, size)
    painter.fillRect(place, QColor(204, 204, 204))
    for y in range(0, size.height(), _CELL):
        for x in range(y // _CELL % 2 * _CELL, size.width(), 2 * _CELL):
            painter.fillRect(QRect(corner.x() + x, corner.y() + y, _CELL, _CELL) & place, QColor(153, 153, 153))
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    painter.drawPixmap(place, pixmap)


def _paint_eye(painter: QPainter, box: QRectF, ink: QColor, dim: QColor, *, shown: bool, solo: bool) -> None:
    """An open eye; a line where it is closed; filled where the layer shows alone."""
    middle = box.center()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink if shown or solo else dim, 1.3))
    lid = QPainterPath(middle - QPointF(6.5, 0))
    lid.quadTo(middle - QPointF(0, 8), middle + QPointF(6.5, 0))
    if shown or solo:
        lid.quadTo(middle + QPointF(0, 8), middle - QPointF(6.5, 0))
        painter.drawPath(lid)
        painter.setBrush(ink)
        painter.drawEllipse(middle, 3.4 if solo else 2.0, 3.4 if solo else 2.0)
    else:
        lid = QPainterPath(middle - QPointF(6.5, 1))
        lid.quadTo(middle + QPointF(0, 7), middle + QPointF(6.5, -1))
        painter.drawPath(lid)
