"""The list of layers: what it shows, and what it says of clicks, names, eyes and drags."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QLineEdit

from sss_gui.widgets.panels.layer_list import LayerList, LayerRow, in_lines

ROWS = [
    LayerRow(4, "cat", (200, 100, 0), 0.6),
    LayerRow(2, "sky", (0, 100, 200), 0.396, shown=False),
    LayerRow(7, "leaf", (0, 160, 20), 0.004, solo=True),
]


@pytest.fixture
def listed(qtbot):
    widget = LayerList()
    qtbot.addWidget(widget)
    widget.resize(280, 300)
    widget.show()
    qtbot.waitExposed(widget)
    widget.set_rows(ROWS, frozenset([2]))
    return widget


def middle(listed, row, x=150):
    box = listed.visualRect(listed.model().index(row, 0))
    return QPoint(x, box.center().y())


def test_rows_are_shown_and_the_picked_ones_selected(listed):
    assert [row.name for row in listed.rows] == ["cat", "sky", "leaf"]
    assert [index.row() for index in listed.selectedIndexes()] == [1]
    words = listed.model().index(1, 0).data(Qt.ItemDataRole.AccessibleTextRole)
    assert words == "sky, 40% of the picture, hidden"


def test_showing_says_nothing_and_selecting_says_which(qtbot, listed):
    heard = []
    listed.picked.connect(heard.append)
    listed.set_rows(ROWS[::-1], frozenset([4, 7]))
    listed.set_picked(frozenset())
    assert not heard
    qtbot.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=middle(listed, 0))
    qtbot.mouseClick(
        listed.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, middle(listed, 2)
    )
    assert heard == [{7}, {7, 4}]


def test_the_eye_hides_and_with_alt_shows_alone(qtbot, listed):
    heard, picked = [], []
    listed.eye_clicked.connect(lambda number, alone: heard.append((number, alone)))
    listed.picked.connect(picked.append)
    eye = middle(listed, 0, 12)
    qtbot.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, pos=eye)
    qtbot.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.AltModifier, eye)
    qtbot.mouseClick(listed.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier, eye)
    assert heard == [(4, False), (4, True), (4, True)]
    assert not picked


def test_a_name_is_typed_in_place(qtbot, listed):
    listed.setCurrentIndex(listed.model().index(0, 0))
    qtbot.keyClick(listed, Qt.Key.Key_F2)
    editor = listed.findChild(QLineEdit)
    listed.set_rows(ROWS, frozenset([4]))
    assert listed.findChild(QLineEdit) is editor, "an answer of the worker does not close it"
    editor.setText("dog")
    with qtbot.waitSignal(listed.renamed) as renamed:
        qtbot.keyClick(editor, Qt.Key.Key_Return)
    assert renamed.args == [4, "dog"]
    assert listed.rows[0].name == "cat", "whoever owns the name shows it"


@pytest.mark.parametrize(
    ("dragged", "to", "order"), [((0,), (2, 3), [2, 7, 4]), ((2,), (0, -8), [7, 4, 2]), ((0, 1), (2, 8), [7, 4, 2])]
)
def test_rows_are_dragged_into_an_order(qtbot, listed, dragged, to, order):
    listed.set_picked(frozenset(ROWS[k].number for k in dragged))
    row, below = to
    place = QPointF(middle(listed, row) + QPoint(0, below))
    heard = []
    listed.arranged.connect(heard.append)
    mime, actions = QMimeData(), listed.model().supportedDragActions()
    event = QDropEvent(place, actions, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    listed.dropEvent(event)
    assert heard == [order]
    assert event.dropAction() == Qt.DropAction.CopyAction, "else Qt would take the rows out"


def test_hovering_names_the_row(qtbot, listed):
    heard = []
    listed.hovered.connect(heard.append)
    qtbot.mouseMove(listed.viewport(), middle(listed, 1))
    qtbot.mouseMove(listed.viewport(), QPoint(100, 280))
    assert heard[:1] == [2]
    assert heard[-1] == 0


def test_eyes_and_order_are_reached_by_keys(qtbot, listed):
    eyes, orders = [], []
    listed.eye_clicked.connect(lambda number, alone: eyes.append((number, alone)))
    listed.arranged.connect(orders.append)
    listed.setFocus()
    qtbot.keyClick(listed, Qt.Key.Key_Home)
    qtbot.keyClick(listed, Qt.Key.Key_Y)
    qtbot.keyClick(listed, Qt.Key.Key_Y, Qt.KeyboardModifier.ShiftModifier)
    assert eyes == [(4, False), (4, True)]
    qtbot.keyClick(listed, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert not orders, "it is the first"
    qtbot.keyClick(listed, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert orders == [[2, 4, 7]]


def test_a_layer_is_seen_on_a_checkerboard_with_its_share_as_a_bar(qtbot, listed):
    cut_out = np.zeros((24, 32, 4), np.uint8)
    cut_out[:, :16] = (255, 0, 0, 255)
    listed.set_rows([LayerRow(4, "cat", (10, 20, 250), 0.5, thumbnail=cut_out)], frozenset())
    image = listed.viewport().grab().toImage()
    colours = {image.pixelColor(x, y).name() for x in range(20, 100) for y in range(0, 56)}
    assert {"#ff0000", "#cccccc", "#999999"} <= colours
    bar = [image.pixelColor(x, 46).name() == "#0a14fa" for x in range(110, listed.viewport().width())]
    assert sum(bar) / (listed.viewport().width() - 125) == pytest.approx(0.5, abs=0.15)


def test_a_name_that_is_wide_takes_two_lines(qtbot):
    widget = LayerList()
    qtbot.addWidget(widget)
    metrics = widget.fontMetrics()
    wide = metrics.horizontalAdvance("bottom right,") + 2
    assert in_lines("bottom right, dark green", wide, metrics)[0] == "bottom right,"
    assert in_lines("sky", wide, metrics) == ["sky"]
    assert in_lines("", wide, metrics) == []
    assert len(in_lines("one " * 40, wide, metrics)) == 2
    assert in_lines("x" * 90, wide, metrics)[0].endswith("…")
