"""The toolbar: made of the table of commands, ticked like the menus, whoever changes the state."""

from __future__ import annotations

from dataclasses import replace

import pytest
from journeys import idle_shown
from PySide6.QtCore import QDir, Qt
from PySide6.QtWidgets import QMainWindow, QToolButton

from sss_gui.window import actions as table
from sss_gui.window.actions import COMMANDS, build_actions, fill_toolbar
from sss_model.storage.shipped_files import resource


def button(program, name):
    return program.window.toolbar.widgetForAction(program.actions[name])


def ticked(program):
    return {name for name, action in program.actions.items() if action.isChecked()}


def test_every_row_with_a_drawing_is_on_the_toolbar_in_order(program):
    wanted = [command.name for command in COMMANDS if command.toolbar]
    on_it = [
        action.objectName() for action in program.window.toolbar.actions() if action.objectName() in program.actions
    ]
    assert on_it == wanted
    assert {"all_panes", "show_pins", "similarity", "clusters", "wipe", "difference"} <= set(wanted)


def test_a_new_row_is_on_the_toolbar_by_itself(qtbot, monkeypatch):
    row = replace(COMMANDS[0], name="segments", words="&Segments", toolbar="clusters")
    monkeypatch.setattr(table, "COMMANDS", (*COMMANDS, row))
    window = QMainWindow()
    qtbot.addWidget(window)
    bar = window.addToolBar("t")
    fill_toolbar(bar, build_actions(window, {"segments": lambda: None}))
    assert [action.iconText() for action in bar.actions()] == ["Segments"]


def test_every_drawing_is_there():
    before = QDir.searchPaths("icons")
    QDir.setSearchPaths("icons", [str(resource("icons"))])
    assert all(resource(f"icons/{command.toolbar}.svg").is_file() for command in COMMANDS if command.toolbar)
    QDir.setSearchPaths("icons", before)


@pytest.mark.parametrize("name", ["similarity", "clusters", "wipe", "difference"])
def test_a_switch_is_ticked_while_it_is_on(qtbot, shown, name):
    assert name not in ticked(shown)
    qtbot.mouseClick(button(shown, name), Qt.MouseButton.LeftButton)
    assert name in ticked(shown)
    assert button(shown, name).isChecked()
    shown.actions[name].trigger()  # by menu or key
    assert not button(shown, name).isChecked()
    idle_shown(qtbot, shown)


def test_overlays_exclude_each_other(qtbot, shown):
    shown.actions["similarity"].trigger()
    shown.actions["clusters"].trigger()
    assert {"similarity", "clusters"} & ticked(shown) == {"clusters"}
    shown.window.params.rested.emit("clusters_shown", False)  # in the panel
    assert "clusters" not in ticked(shown)
    idle_shown(qtbot, shown)


def test_exactly_one_arrangement_of_panes_is_ticked(shown):
    panes = {command.name for command in COMMANDS if command.one_of == "panes"}
    for name in ("solo_pca", "solo_pca", "all_panes", "all_panes"):
        shown.actions[name].trigger()
        assert ticked(shown) & panes == {name}
    shown.window.panel.solo(4)
    assert ticked(shown) & panes == {"solo_filtered"}


def test_pins_are_hidden_and_another_one_shows_them(shown):
    canvas = shown.window.panel.pane("pca").canvas
    shown.pins.set([(1, 1), (2, 2)])
    shown.actions["show_pins"].trigger()
    assert canvas.pins == []
    assert "show_pins" not in ticked(shown)
    shown.pins.remove(0)
    assert canvas.pins == []
    shown.pins.add((3, 3))
    assert canvas.pins == [(2, 2), (3, 3)]
    assert "show_pins" in ticked(shown)
    shown.actions["clear_pins"].trigger()
    assert shown.pins.points == []


def test_full_screen_is_ticked_whoever_ends_it(shown):
    shown.actions["full_screen"].trigger()
    assert "full_screen" in ticked(shown)
    shown.window.showNormal()
    assert "full_screen" not in ticked(shown)


def test_a_click_on_the_toolbar_leaves_the_keyboard_with_the_panes(qtbot, shown):
    pane = shown.window.panel.pane("pca")
    shown.window.activateWindow()
    pane.setFocus()
    qtbot.mouseClick(button(shown, "wipe"), Qt.MouseButton.LeftButton)
    assert pane.canvas.hasFocus()


def test_panes_are_drawings_and_switches_have_words(program):
    only = Qt.ToolButtonStyle.ToolButtonIconOnly
    assert button(program, "solo_pca").toolButtonStyle() == only
    assert button(program, "wipe").toolButtonStyle() != only
    assert all(b.toolTip() for b in program.window.toolbar.findChildren(QToolButton) if b.defaultAction())


def test_device_and_size_are_in_the_model_menu_and_on_the_status_line(qtbot, shown):
    network = shown.window.network
    titles = [action.text() for action in shown.window.menuBar().actions()[1].menu().actions() if action.menu()]
    assert titles == ["&Device", "Working &size", "S&cales", "&Precision", "&Tile"]
    network.size.choose("960")
    assert shown.session.state.extract.size == "960"
    texts = [b.text() for b in shown.window.status.findChildren(QToolButton)]
    assert "Size: 960 px ▾" in texts
    idle_shown(qtbot, shown)


def test_a_narrow_window_shows_that_there_is_more(qtbot, shown):
    shown.window.toolbar.setFixedWidth(320)
    more = shown.window.toolbar.findChild(QToolButton, "qt_toolbar_ext_button")
    qtbot.waitUntil(more.isVisible)
    assert more.accessibleName() == "More tools"
    tabs = shown.window.views
    assert tabs.width() >= tabs.sizeHint().width(), "both views stay in sight"
    assert resource("icons/more.svg").is_file()
