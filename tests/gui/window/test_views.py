"""Two equal views: each has its own tools and docks, what is hidden takes no keys, and all of it comes back."""

from __future__ import annotations

from itertools import pairwise

from journeys import idle_shown
from layers import cut, settled
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QDockWidget, QMenu

from sss_gui.window.main_window import MainWindow
from sss_gui.window.settings import Settings

TOOLS = {
    "features": {"show_pins", "similarity", "clusters", "wipe", "difference"},
    "segments": {*(f"tool_{name}" for name in ("keep", "drop", "brush", "box", "pick", "teach")), "wipe", "difference"},
}


def choose_view(program, index):
    """Click a tab at the left of the toolbar."""
    tabs = program.window.views
    QTest.mouseClick(tabs, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, tabs.tabRect(index).center())


def docks_seen(window):
    return {dock.windowTitle() for dock in window.findChildren(QDockWidget) if dock.isVisible()}


def tools_seen(program):
    bar = program.window.toolbar
    names = {a.objectName() for a in bar.actions() if a.isVisible() and not a.isSeparator()}
    return {name for name in names if name in program.actions and not name.startswith(("solo", "all_panes"))}


def menus_seen(program):
    return [action.text().replace("&", "") for action in program.window.menuBar().actions() if action.isVisible()]


def test_a_tab_shows_a_view_with_its_own_tools_and_docks(qtbot, shown):
    window = shown.window
    assert (docks_seen(window), tools_seen(shown)) == ({"Parameters", "Pixels"}, TOOLS["features"])
    assert "Layers" not in menus_seen(shown)
    choose_view(shown, 1)
    assert shown.segments.shown
    assert (docks_seen(window), tools_seen(shown)) == ({"Layers"}, TOOLS["segments"])
    assert {"Layers", "Adjust"} <= set(menus_seen(shown)), "undo is in Adjust"
    shown.actions["segments_view"].trigger()  # the key L
    assert window.views.currentIndex() == 0
    assert docks_seen(window) == {"Parameters", "Pixels"}
    idle_shown(qtbot, shown)


def test_the_dock_of_the_view_that_shows_has_all_the_height(qtbot, shown):
    window = shown.window
    for view, dock in ((1, window.layers_dock), (0, window.params_dock), (1, window.layers_dock)):
        choose_view(shown, view)
        qtbot.waitUntil(lambda dock=dock: dock.height() > 0.7 * window.height())


def test_the_toolbar_has_no_line_that_nothing_follows(qtbot, shown):
    bar = shown.window.toolbar
    for view in (0, 1, 0):
        choose_view(shown, view)
        seen = [action.isSeparator() for action in bar.actions() if action.isVisible()]
        assert not seen[-1]
        assert (True, True) not in set(pairwise(seen))
    idle_shown(qtbot, shown)


def test_a_dock_that_was_closed_stays_closed_in_its_view(qtbot, shown):
    shown.window.probe_dock.close()
    for view in (1, 0):
        choose_view(shown, view)
    assert docks_seen(shown.window) == {"Parameters"}
    shown.window.probe_dock.toggleViewAction().trigger()
    assert docks_seen(shown.window) == {"Parameters", "Pixels"}
    idle_shown(qtbot, shown)


def test_keys_never_go_into_a_dock_that_is_not_seen(qtbot, shown):
    """Tab used to walk the parameters behind the layers, and arrows changed the radius unseen."""
    window, radius = shown.window, shown.session.state.filter.radius
    cut(qtbot, shown)
    window.activateWindow()
    window.segments_panel.pane("coloured").setFocus()
    walked = set()
    for _ in range(80):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        focus = QApplication.focusWidget()
        walked.add(focus)
        assert focus.isVisible()
        assert window.rect().contains(focus.mapTo(window, focus.rect().center()) if focus is not window else QPoint())
        assert not window.params.isAncestorOf(focus)
    assert window.layers.list in walked
    assert shown.session.state.filter.radius == radius


def test_a_dock_behind_the_tab_of_another_takes_no_keys(qtbot, shown):
    window = shown.window
    window.tabifyDockWidget(window.params_dock, window.probe_dock)
    for front, back in ((window.probe_dock, window.params_dock), (window.params_dock, window.probe_dock)):
        front.raise_()
        qtbot.waitUntil(lambda front=front, back=back: front.widget().isVisible() and not back.widget().isVisible())


def test_the_arrangement_is_chosen_in_the_menu_and_stays(qtbot, shown, photos):
    window = shown.window
    assert shown.actions["arrange_grid"].isChecked()
    shown.actions["arrange_row"].trigger()
    shown.open_files.open_paths([photos[1]])
    idle_shown(qtbot, shown)
    assert (window.panel.arrangement, window.segments_panel.arrangement) == ("row", "large")
    choose_view(shown, 1)
    assert shown.actions["arrange_large"].isChecked()
    matte = window.segments_panel.pane("matte")
    others = [window.segments_panel.pane(name) for name in ("coloured", "layers", "filtered")]
    assert matte.width() * matte.height() > 3 * max(pane.width() * pane.height() for pane in others)
    idle_shown(qtbot, shown)


def test_opening_is_one_entry_with_choices(shown):
    menu = shown.window.findChild(QMenu, "menu-file")
    titles = [action.text().replace("&", "") for action in menu.actions() if not action.isSeparator()]
    assert [title for title in titles if title.startswith("Open")] == ["Open", "Open recent"]
    choices = menu.actions()[0].menu().actions()
    assert {"open", "open_folder", "open_instead", "open_as", "open_session"} <= {a.objectName() for a in choices}


def again(qtbot, settings, small=(900, 600)):
    """A window as the next start makes it."""
    window = MainWindow()
    qtbot.addWidget(window)
    window.resize(*small)
    window.restore_layout(settings)
    window.show()
    qtbot.waitExposed(window)
    return window


def test_quitting_in_the_segments_view_loses_no_dock(qtbot, tmp_path):
    settings = Settings(tmp_path / "settings.ini")
    window = again(qtbot, settings)
    window.show_segments(True)
    window.segments_panel.arrange("grid")
    window.save_layout(settings)
    window.close()
    later = again(qtbot, Settings(tmp_path / "settings.ini"))
    assert docks_seen(later) == {"Parameters", "Pixels"}
    assert later.segments_panel.arrangement == "grid"
    later.show_segments(True)
    assert docks_seen(later) == {"Layers"}
    later.show_segments(False)
    later.probe_dock.close()
    later.save_layout(settings)
    later.close()
    assert docks_seen(again(qtbot, settings)) == {"Parameters"}, "what the user closed stays closed"


def test_a_maximised_start_keeps_size_and_docks(qtbot, tmp_path):
    settings = Settings(tmp_path / "settings.ini")
    window = again(qtbot, settings, (700, 500))
    window.showMaximized()
    qtbot.waitUntil(lambda: window.width() > 700)
    window.resizeDocks([window.params_dock], [360], Qt.Orientation.Horizontal)
    window.resizeDocks([window.probe_dock], [260], Qt.Orientation.Vertical)
    qtbot.wait(1)
    before = window.params_dock.width(), window.probe_dock.height()
    window.save_layout(settings)
    window.close()
    later = again(qtbot, settings)
    qtbot.waitUntil(lambda: (later.params_dock.width(), later.probe_dock.height()) == before)
    assert later.isMaximized()
    later.showNormal()
    qtbot.waitUntil(lambda: (later.width(), later.height()) == (700, 500))


def test_a_layer_is_picked_and_named_without_a_mouse(qtbot, shown):
    cut(qtbot, shown)
    window, panel = shown.window, shown.window.segments_panel
    window.activateWindow()
    shown.actions["tool_pick"].trigger()
    canvas = panel.pane("coloured").canvas
    canvas.setFocus()
    for _ in range(40):
        QTest.keyClick(canvas, Qt.Key.Key_Left)
    assert panel.pane("matte").canvas.crosshair == (0, shown.session.size[0] // 2)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    (first,) = shown.segments.edits.picked
    for _ in range(40):
        QTest.keyClick(canvas, Qt.Key.Key_Right)
    QTest.keyClick(canvas, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert len(shown.segments.edits.picked) == 2
    assert first in shown.segments.edits.picked
    settled(qtbot, shown)


def test_the_keyboard_stays_with_the_panes(qtbot, shown):
    window = shown.window
    window.activateWindow()
    window.panel.pane("pca").setFocus()
    shown.actions["segments_view"].trigger()
    assert window.segments_panel.isAncestorOf(QApplication.focusWidget())
    shown.actions["segments_view"].trigger()
    assert QApplication.focusWidget() is window.panel.pane("pca").canvas
    idle_shown(qtbot, shown)


def test_the_keyboard_never_stays_behind_in_a_dock_that_hides(qtbot, shown):
    window = shown.window
    window.activateWindow()
    next(spin for spin in window.params.findChildren(QAbstractSpinBox) if spin.isVisible()).setFocus()
    assert window.params_dock.isAncestorOf(QApplication.focusWidget())
    shown.actions["segments_view"].trigger()
    assert window.segments_panel.isAncestorOf(QApplication.focusWidget())
    idle_shown(qtbot, shown)


def test_pins_that_come_while_their_dock_is_hidden_are_seen_when_it_shows(qtbot, shown):
    window = shown.window
    window.resize(1200, 900)
    shown.actions["segments_view"].trigger()
    shown.pins.set([(1, 1), (9, 9), (20, 20)])
    idle_shown(qtbot, shown)
    shown.actions["segments_view"].trigger()
    idle_shown(qtbot, shown)
    last = window.probe.rows[-1]
    qtbot.waitUntil(lambda: last.visibleRegion().boundingRect().height() == last.height())
