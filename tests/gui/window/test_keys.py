"""Keys that belong to one part of the window wherever the keyboard is: the sheet, the error, Space, Return."""

from __future__ import annotations

from pathlib import Path

import pytest
from journeys import idle
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QLabel, QListView, QMenu, QMessageBox, QPushButton, QToolButton, QWidget

from sss_gui.window.actions import COMMANDS

KEY = Qt.Key


@pytest.fixture
def opened(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)
    return program


def click(qtbot, key, modifier=Qt.KeyboardModifier.NoModifier):
    """Press and release `key` where the keyboard is."""
    qtbot.keyClick(QApplication.focusWidget(), key, modifier)


ANY = (KEY.Key_Escape, KEY.Key_BracketRight, KEY.Key_Question, KEY.Key_F1, KEY.Key_2, KEY.Key_Tab, KEY.Key_Space)


@pytest.mark.parametrize("key", ANY)
def test_any_key_closes_the_sheet_and_does_nothing_else(qtbot, opened, engine, key):
    sheet, panel, before = opened.window.sheet, opened.window.panel, opened.session.state
    panel.pane("pca").setFocus()
    click(qtbot, KEY.Key_Question)
    assert sheet.isVisible()
    engine.gate.clear()
    opened.session.run_again()
    click(qtbot, key)
    assert not sheet.isVisible()
    assert (opened.session.state, panel.solo_pane) == (before, 0)
    assert opened.session.busy, "Esc closed the sheet and stopped nothing"
    engine.gate.set()
    idle(qtbot, opened)


def test_keys_that_only_modify_leave_the_sheet(qtbot, opened):
    opened.window.sheet.toggle()
    click(qtbot, KEY.Key_Shift)
    assert opened.window.sheet.isVisible()
    opened.window.sheet.toggle()


def test_escape_dismisses_the_error_that_has_the_keyboard(qtbot, opened, engine):
    banner = opened.window.panel.banner
    engine.gate.clear()
    opened.session.run_again()
    opened.window.panel.show_message("This cannot be done", "Do something else.", "details")
    next(button for button in banner.findChildren(QPushButton) if button.text() == "Dismiss").setFocus()
    click(qtbot, KEY.Key_Escape)
    assert banner.isHidden()
    assert opened.session.busy, "nothing was stopped"
    opened.window.panel.show_message("This cannot be done")
    opened.window.panel.pane("pca").setFocus()
    click(qtbot, KEY.Key_Escape)
    idle(qtbot, opened)
    assert not banner.isHidden(), "without the keyboard in it, Esc means Stop"
    engine.gate.set()


PARTS = {
    "slider": lambda window: window.params.control("radius").slider,
    "number": lambda window: window.params.control("radius").spin,
    "fraction": lambda window: window.params.control("eps").spin,
    "channel": lambda window: window.params.control("red"),
    "strip": lambda window: window.film_strip.findChild(QListView),
    "pane": lambda window: window.panel.pane("random").canvas,
}


def flipped(program):
    return program.window.panel.pane("pca").canvas.mode == "flip"


def focused(program, part):
    program.window.film_strip.show()
    widget = PARTS[part](program.window)
    widget.setFocus()
    assert QApplication.focusWidget() is widget
    return widget


@pytest.mark.parametrize("part", PARTS)
def test_space_shows_the_input_wherever_the_keyboard_is(qtbot, opened, part):
    widget, before = focused(opened, part), opened.session.state
    qtbot.keyPress(widget, KEY.Key_Space)
    assert flipped(opened)
    for kind in (QEvent.Type.KeyRelease, QEvent.Type.KeyPress):
        repeat = QKeyEvent(kind, KEY.Key_Space, Qt.KeyboardModifier.NoModifier, " ", True)
        QApplication.sendEvent(widget, repeat)
        assert flipped(opened), "a held key repeats itself"
    qtbot.keyRelease(widget, KEY.Key_Space)
    assert not flipped(opened)
    assert opened.session.state == before


def test_space_shows_the_input_from_a_dock_that_floats(qtbot, opened):
    dock = opened.window.params_dock
    dock.setFloating(True)
    widget = PARTS["slider"](opened.window)
    with qtbot.waitActive(dock):
        dock.activateWindow()
    widget.setFocus()
    qtbot.keyPress(widget, KEY.Key_Space)
    assert flipped(opened)
    qtbot.keyRelease(widget, KEY.Key_Space)
    assert not flipped(opened)
    dock.setFloating(False)


@pytest.mark.parametrize("part", PARTS)
def test_the_flip_ends_when_the_keyboard_goes_elsewhere(qtbot, opened, part):
    qtbot.keyPress(focused(opened, part), KEY.Key_Space)
    opened.window.panel.pane("input").setFocus()
    assert not flipped(opened)


def test_the_flip_ends_when_another_window_is_used(qtbot, opened):
    qtbot.keyPress(focused(opened, "slider"), KEY.Key_Space)
    other = QWidget()
    qtbot.addWidget(other)
    with qtbot.waitActive(other):
        other.show()
        other.activateWindow()
    assert not flipped(opened)
    other.close()


def test_a_menu_that_opens_ends_the_flip(qtbot, opened):
    qtbot.keyPress(focused(opened, "slider"), KEY.Key_Space)
    menu = opened.window.findChild(QMenu, "menu-view")
    menu.popup(opened.window.pos())
    assert not flipped(opened)
    menu.close()


def test_what_needs_space_keeps_it(qtbot, opened):
    params = opened.window.params
    for section in ("similarity", "clusters"):
        params.set_section_open(section, True)
    button = params.findChild(QPushButton)
    box = params.control("clusters_shown")
    for widget in (button, box):
        widget.setFocus()
        qtbot.keyPress(widget, KEY.Key_Space)
        assert widget.isDown()
        assert not flipped(opened)
        qtbot.keyRelease(widget, KEY.Key_Space)
    assert box.isChecked()
    choice = params.control("metric")
    choice.setFocus()
    qtbot.keyClick(choice, KEY.Key_Space)
    assert choice.view().isVisible()
    assert not flipped(opened)
    choice.hidePopup()
    idle(qtbot, opened)


@pytest.mark.parametrize(
    ("part", "field", "typed", "value"), [("number", "radius", "9", 9), ("fraction", "eps", "0.5", 0.5)]
)
def test_return_takes_the_number_and_gives_the_keyboard_to_the_current_pane(qtbot, opened, part, field, typed, value):
    opened.window.panel.pane("pca").setFocus()
    spin = focused(opened, part)
    spin.selectAll()
    qtbot.keyClicks(spin, typed)
    qtbot.keyClick(spin, KEY.Key_Return)
    assert QApplication.focusWidget() is opened.window.panel.pane("pca").canvas
    idle(qtbot, opened)
    assert getattr(opened.session.state.filter, field) == value


def test_the_keyboard_is_back_where_it_was_when_the_sheet_closes(qtbot, opened):
    canvas, sheet = opened.window.panel.pane("input").canvas, opened.window.sheet
    canvas.setFocus()
    sheet.toggle()
    assert opened.window.focusWidget() is sheet
    qtbot.keyClick(sheet, Qt.Key.Key_A)
    assert not sheet.isVisible()
    assert opened.window.focusWidget() is canvas


def test_p_pins_and_leaves_the_keyboard_where_it_is(qtbot, opened):
    pane = opened.window.panel.pane("pca")
    opened.window.activateWindow()
    pane.setFocus()
    for x in (3, 9):
        opened.window.panel.pixel_hovered.emit(x, 4)
        click(qtbot, KEY.Key_P)
        assert pane.canvas.hasFocus()
    assert opened.pins.points == [(3, 4), (9, 4)]
    row = opened.window.probe.rows[0]
    remove = row.findChild(QToolButton)
    qtbot.mouseClick(remove, Qt.MouseButton.LeftButton)
    assert opened.pins.points == [(9, 4)]
    assert pane.canvas.hasFocus()


def test_names_are_shown_letter_for_letter(qtbot, opened):
    """Qt takes text that looks like HTML for HTML unless it is told not to."""
    opened.window.params.set_basis_mode("locked", "From <b>x</b>.json")
    opened.window.panel.show_message("<i>", "<b>x</b>.png cannot be read.")
    opened.window.status.show_note("Saved the basis as <b>x</b>.json.")
    opened.actions["about"].trigger()
    labels = [label for label in opened.window.findChildren(QLabel) if "<" in label.text()]
    assert len(labels) >= 4
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    box = opened.window.findChild(QMessageBox)
    assert box.textFormat() == Qt.TextFormat.PlainText
    box.close()


def test_letters_are_found_by_their_place_on_other_keyboards(opened):
    """Л lies where K does, ל too; two commands never share a key."""
    shortcuts = {name: [each.toString() for each in a.shortcuts()] for name, a in opened.actions.items()}
    assert {"K", "Л", "ל"} <= set(shortcuts["clusters"])
    assert {"[", "Х"} <= set(shortcuts["radius_down"])
    assert "Shift+К" in shortcuts["crisp"]
    assert shortcuts["open"] == ["Ctrl+O"], "with Ctrl the system finds the place itself"
    for view in ("features", "segments"):
        keys = [key for c in COMMANDS if c.view in ("", view) for key in shortcuts[c.name]]
        assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("letter", "place", "name"), [
    ("к", 22, "tool_pick"),  # Bulgarian, where U is: not the Russian к, where R is
    ("љ", 16, "tool_box"),  # Serbian, where Q is
    ("ث", 18, ""),  # Arabic, where E is, which is the other view's
    ("ل", 34, "channel"),  # Arabic, where G is
])  # fmt: skip
def test_on_any_keyboard_a_letter_acts_by_the_place_that_the_system_names(qtbot, opened, letter, place, name):
    opened.window.platform = "xcb"
    opened.segments.show(name.startswith("tool"))
    triggered = []
    for each, action in opened.actions.items():
        action.triggered.connect(lambda _checked=False, each=each: triggered.append(each))
    none, panel = Qt.KeyboardModifier.NoModifier, opened.window.shown_panel
    canvas = panel.pane(panel.current).canvas
    for kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
        event = QKeyEvent(kind, ord(letter), none, place + 8, 0, 0, letter)
        QApplication.sendEvent(canvas, event)
    assert triggered == ([name] if name else [])
