"""Docks dragged by their titles, and the window resized many times with them here and there."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QDir, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QAbstractButton, QApplication

from sss_gui.pane_names import PANES
from sss_model.storage.shipped_files import resource


def mouse(widget, kind, place, pressed=True):
    buttons = Qt.MouseButton.LeftButton if pressed else Qt.MouseButton.NoButton
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    local = QPointF(widget.mapFromGlobal(place))
    event = QMouseEvent(kind, local, QPointF(place), button, buttons, Qt.KeyboardModifier.NoModifier)
    QApplication.sendEvent(widget, event)


def drag(qtbot, dock, goal):
    """Drag `dock` by its title to `goal`, a point of the screen."""
    start = dock.mapToGlobal(QPoint(40, 8))
    mouse(dock, QEvent.Type.MouseButtonPress, start)
    for step in range(1, 13):
        mouse(dock, QEvent.Type.MouseMove, start + (goal - start) * step / 12)
        qtbot.wait(10)
    mouse(dock, QEvent.Type.MouseButtonRelease, goal, pressed=False)
    qtbot.wait(300)  # Qt moves the dock to its place


def shaken(qtbot, window):
    """Resize 30 times, and come back to the size before."""
    before = window.size()
    for step in range(30):
        window.resize(900 + 37 * (step % 7), 650 + 29 * (step % 5))
        qtbot.wait(2)
    window.resize(before)
    qtbot.wait(20)


def views(window):
    panes = [window.panel.pane(name) for name in PANES]
    canvases = [pane.canvas for pane in panes]
    return [(c.placement().to_image(c.width() / 2, c.height() / 2), c.size()) for c in canvases]


def test_thirty_resizes_change_nothing(qtbot, shown):
    window = shown.window
    before, scale = views(window), window.panel.controller.scale
    shaken(qtbot, window)
    assert window.panel.controller.scale == pytest.approx(scale)
    for (centre, size), (old_centre, old_size) in zip(views(window), before, strict=True):
        assert centre == pytest.approx(old_centre, abs=1e-6)
        assert size == old_size


def test_docks_are_dragged_out_and_back_while_the_window_is_resized(qtbot, shown):
    window, dock = shown.window, shown.window.params_dock
    assert window.dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea
    drag(qtbot, dock, window.mapToGlobal(QPoint(8, 350)))
    assert dock.isFloating() or window.dockWidgetArea(dock) == Qt.DockWidgetArea.LeftDockWidgetArea, "it did move"
    shaken(qtbot, window)
    for area in (Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea):
        dock.setFloating(True)
        qtbot.wait(20)
        shaken(qtbot, window)
        window.addDockWidget(area, dock)
        dock.setFloating(False)
        shaken(qtbot, window)
        assert window.dockWidgetArea(dock) == area
        assert dock.isVisible()
        assert dock.width() >= dock.widget().minimumWidth()
    centres = [centre for centre, _size in views(window)]
    screen_pixel = 1 / window.panel.controller.scale  # panes of odd and even width have their middles half of one apart
    assert all(centre == pytest.approx(centres[0], abs=screen_pixel) for centre in centres)
    window.params.changing.emit("radius", 9)
    window.params.rested.emit("radius", 9)
    assert shown.session.state.filter.radius == 9
    qtbot.waitUntil(lambda: not shown.session.busy)


@pytest.fixture
def icons():
    """The program's drawings, until its window is gone."""
    before = QDir.searchPaths("icons")
    QDir.setSearchPaths("icons", [str(resource("icons"))])
    yield
    QDir.setSearchPaths("icons", before)


def test_a_docks_buttons_are_line_icons_wherever_it_is(icons, qtbot, shown):
    """Qt's own are dark pixmaps, unseen in the dark; it puts them back when a dock floats or is docked."""
    dock = shown.window.params_dock
    for floating in (True, False):
        dock.setFloating(floating)
        qtbot.wait(20)
        buttons = [b for b in dock.findChildren(QAbstractButton) if b.objectName().startswith("qt_dockwidget")]
        assert len(buttons) == 2
        assert not any(button.icon().isNull() or button.icon().availableSizes() for button in buttons), "no pixmaps"
