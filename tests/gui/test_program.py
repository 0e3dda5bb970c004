"""The real window on a fake engine: opened, dropped on, typed into, stopped, copied from, exported."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from controls import button, named
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QToolButton

from sss_gui.app import has_display, main, parse
from sss_gui.pane_names import PANES
from sss_gui.program import Program
from sss_gui.requests.overlays import SimilarityRequest
from sss_gui.requests.panes import ComputeFeatures, ExportRequest, ProbeRequest, RenderPanes, Source
from sss_gui.widgets.picture import qimage
from sss_gui.window.export_dialog import ExportDialog
from sss_gui.window.settings import Settings
from sss_model.errors import CheckpointError
from sss_model.image_io import read_image, to_picture
from sss_model.params import FILTER_PRESETS, ExportParams, FilterParams


def idle(qtbot, program):
    session = program.session
    qtbot.waitUntil(lambda: session.at_rest, timeout=5000)


def opened(qtbot, program, name="a.png"):
    program.open_files.open_paths([Path(name)])
    qtbot.waitUntil(lambda: program.window.panel.pane("filtered").picture is not None)
    idle(qtbot, program)


def press(qtbot, program, keys):
    """Type `keys` into the window through its action's real shortcut."""
    program.window.activateWindow()
    program.window.panel.pane("input").setFocus()
    qtbot.keyClick(program.window.panel.pane("input").canvas, *keys)


def drop(widget, paths):
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    args = (data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier)
    enter = QDragEnterEvent(QPoint(10, 10), Qt.DropAction.CopyAction, *args)
    QApplication.sendEvent(widget, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(widget, QDropEvent(QPointF(10, 10), Qt.DropAction.CopyAction, *args))


def test_a_picture_fills_the_four_panes(qtbot, program):
    opened(qtbot, program)
    assert all(program.window.panel.pane(name).picture is not None for name in PANES)
    assert program.window.windowTitle().startswith("a.png")
    assert [Path(name).name for name in program.settings.recent_files] == ["a.png"]


def test_dropping_on_the_window_or_a_pane_opens_the_file(qtbot, program, tmp_path):
    drop(program.window, [tmp_path / "one.png"])
    assert program.session.state.source.name == "one.png"
    drop(program.window.panel.pane("pca"), [tmp_path / "two.png"])
    assert program.session.state.source.name == "two.png"
    drop(program.window, [tmp_path / "net.safetensors"])
    assert program.session.state.model == tmp_path / "net.safetensors"
    assert program.session.state.source.name == "two.png"
    idle(qtbot, program)


def test_the_model_named_is_the_one_that_made_the_pictures(qtbot, program, engine, tmp_path):
    program.open_files.open_paths([tmp_path / "one.png"])
    idle(qtbot, program)
    model = button(program.window.status, "fake model")
    engine.fail["one.png"] = CheckpointError("bad.safetensors is damaged.")
    program.open_files.open_paths([tmp_path / "bad.safetensors"])
    idle(qtbot, program)
    assert model.text() == "fake model"


def test_a_pane_dropped_on_the_own_window_is_no_file_to_open(qtbot, program, tmp_path):
    program.open_files.open_paths([tmp_path / "one.png"])
    idle(qtbot, program)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "pane.png"))])

    class OwnDrop(QDropEvent):
        def source(self):  # as Qt has it for a drag that began in this process
            return program.window.panel

    keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    program.window.dropEvent(OwnDrop(QPointF(10, 10), Qt.DropAction.CopyAction, data, *keys))
    assert program.session.state.source.name == "one.png"


def test_a_smaller_picture_under_the_same_name_loses_the_pins_outside(qtbot, program, engine, tmp_path):
    program.open_files.open_paths([tmp_path / "one.png"])
    idle(qtbot, program)
    program.overlay_choices.show("similarity")
    program.pins.set([(30, 20), (3, 2)])
    qtbot.waitUntil(lambda: program.overlays.overlay is not None and not program.worker.busy)
    heats = sum(isinstance(request, SimilarityRequest) for request in engine.asked)
    engine.size, engine.number = (10, 12), 7
    program.session.run_again()
    idle(qtbot, program)
    assert program.pins.points == [(3, 2)]
    qtbot.waitUntil(lambda: sum(isinstance(request, SimilarityRequest) for request in engine.asked) > heats)
    assert program.window.panel.banner.isHidden()


def test_pins_are_compared_by_the_measure_that_similarity_has(qtbot, program, tmp_path):
    program.open_files.open_paths([tmp_path / "one.png"])
    idle(qtbot, program)
    program.pins.set([(3, 2), (5, 5)])
    probe = program.window.probe
    qtbot.waitUntil(lambda: [row.figures for row in probe.rows] == ["1.000", "1.000"])
    assert probe.measure == "cosine to pin 2"
    program.window.params.rested.emit("metric", "distance")
    assert [row.figures for row in probe.rows] == ["5.657", "0.000"]
    program.window.panel.pixel_hovered.emit(4, 4)
    qtbot.waitUntil(lambda: [row.figures for row in probe.rows] == ["2.828", "2.828"])
    assert probe.measure == "distance to pointer"
    program.pins.clear()
    assert (probe.rows, probe.measure) == ([], "")


def test_the_first_start_has_a_pin_and_only_that(qtbot, program, photos):
    program.open_files.stand_in = Source.from_path(photos[0])
    opened(qtbot, program, photos[0])
    assert program.pins.points == [(14, 5)]
    qtbot.waitUntil(lambda: program.window.probe.rows[0].strip.vector is not None)
    opened(qtbot, program, photos[1])
    assert program.pins.points == []


def test_the_pixels_fold_to_a_line_and_stay_so(qtbot, program):
    opened(qtbot, program)
    program.pins.set([(1, 1), (2, 2)])
    panel, probe = program.window.panel, program.window.probe
    qtbot.waitUntil(lambda: probe.height() > 60)  # unfolded by the first pin
    before = panel.height()
    named(probe, QToolButton, "Fold to one line").click()
    qtbot.waitUntil(lambda: panel.height() > before + 40)
    assert probe.height() <= 30
    named(probe, QToolButton, "Show the pins below").click()
    qtbot.waitUntil(lambda: panel.height() == before)
    named(probe, QToolButton, "Fold to one line").click()
    program.close()
    assert program.settings.pixels_folded


def test_forty_pins_leave_the_panes_their_room(qtbot, program):
    opened(qtbot, program)
    program.pins.set([(1, 1)])
    qtbot.waitUntil(lambda: program.window.probe.height() > 60)
    before = program.window.panel.size()
    program.pins.set([(x, x % 20) for x in range(31)])
    qtbot.waitUntil(lambda: len(program.pixel_inspector.vectors) == 31)
    assert program.window.panel.size() == before


def test_pasting_from_a_clipboard_that_nothing_was_ever_copied_to_is_said(qtbot, program, monkeypatch):
    class Bare:
        def mimeData(self):
            return None

    monkeypatch.setattr("sss_gui.tasks.open_files.QGuiApplication.clipboard", lambda: Bare())
    with qtbot.waitSignal(program.open_files.noted) as noted:
        program.actions["paste"].trigger()
    assert noted.args == ["There is no picture on the clipboard."]


def test_pasting_opens_pixels_or_files(qtbot, program, tmp_path):
    picture = np.zeros((5, 7, 3), np.uint8)
    picture[2, 3] = (10, 20, 30)
    QGuiApplication.clipboard().setImage(qimage.to_qimage(picture).copy())
    program.actions["paste"].trigger()
    qtbot.waitUntil(lambda: program.session.state.source is not None)
    np.testing.assert_array_equal(to_picture(read_image(program.session.state.source.path)), picture)
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(tmp_path / "one.png"))])
    QGuiApplication.clipboard().setMimeData(data)
    program.actions["paste"].trigger()
    assert program.session.state.source.path == tmp_path / "one.png"
    QGuiApplication.clipboard().setText("no picture")
    program.actions["paste"].trigger()
    assert program.session.state.source.path == tmp_path / "one.png"
    idle(qtbot, program)


def test_keys_move_the_filter_and_the_exact_result_follows(qtbot, program, engine):
    opened(qtbot, program)
    press(qtbot, program, [Qt.Key.Key_BracketRight])
    assert program.session.state.filter.radius == FilterParams().radius + 1
    press(qtbot, program, [Qt.Key.Key_Apostrophe])
    assert program.session.state.filter.eps == pytest.approx(FilterParams().eps * 1.25)
    idle(qtbot, program)
    last = [request for request in engine.asked if isinstance(request, RenderPanes)][-1]
    assert last.filter == program.session.state.filter
    press(qtbot, program, [Qt.Key.Key_R])
    assert program.session.state.filter == FILTER_PRESETS["paper"]
    press(qtbot, program, [Qt.Key.Key_R, Qt.KeyboardModifier.ShiftModifier])
    assert program.session.state.filter == FILTER_PRESETS["crisp"]
    idle(qtbot, program)


def test_the_radius_stops_at_the_ends_of_its_range(qtbot, program):
    opened(qtbot, program)
    for _ in range(8):
        program.actions["radius_down"].trigger()
    assert program.session.state.filter.radius == 0
    idle(qtbot, program)


def test_the_filtered_pane_is_labelled_preview_then_exact(qtbot, program):
    opened(qtbot, program)
    badge = program.window.panel.pane("filtered").canvas.accessibleDescription
    assert badge() == "exact"
    program.window.params.changing.emit("radius", 9)
    qtbot.waitUntil(lambda: badge() == "preview")
    program.window.params.rested.emit("radius", 9)
    qtbot.waitUntil(lambda: badge() == "exact")


def test_an_error_lies_over_the_last_good_picture(qtbot, program):
    opened(qtbot, program)
    before = program.window.panel.pane("filtered").picture
    program.open_files.open_paths([Path("broken.png")])
    banner = program.window.panel.banner
    qtbot.waitUntil(banner.isVisible)
    assert program.window.panel.pane("filtered").picture is before
    assert not program.session.busy
    opened(qtbot, program, "b.png")
    assert not banner.isVisible()


def test_escape_stops_and_the_window_says_ready(qtbot, program, engine):
    engine.gate.clear()
    program.open_files.open_paths([Path("slow.png")])
    qtbot.waitUntil(lambda: any(isinstance(request, ComputeFeatures) for request in engine.asked))
    press(qtbot, program, [Qt.Key.Key_Escape])
    idle(qtbot, program)
    assert not program.window.panel.banner.isVisible(), "stopped is no error"


def test_solo_and_all(qtbot, program):
    opened(qtbot, program)
    for number in (1, 2, 3, 4, 0):
        press(qtbot, program, [getattr(Qt.Key, f"Key_{number}")])
        assert program.window.panel.solo_pane == number
        program.window.panel.pane("input").setFocus()


def test_zoom_keys(qtbot, program):
    opened(qtbot, program)
    view = program.window.panel.controller
    fitted = view.scale
    press(qtbot, program, [Qt.Key.Key_Plus])
    assert view.scale == pytest.approx(fitted * 1.25)
    press(qtbot, program, [Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier])
    assert view.scale == pytest.approx(1.0 / program.window.devicePixelRatioF())
    press(qtbot, program, [Qt.Key.Key_F])
    assert view.scale == pytest.approx(fitted)


def test_copying_the_pane_under_the_keyboard(qtbot, program):
    opened(qtbot, program)
    program.window.panel.pane("pca").setFocus()
    program.actions["copy_pane"].trigger()
    picture = qimage.from_qimage(QGuiApplication.clipboard().image())
    np.testing.assert_array_equal(picture, program.window.panel.pane(program.window.panel.current).picture)


def test_copying_the_command_line_gives_every_changed_number(qtbot, program):
    opened(qtbot, program, "my photo.png")
    program.session.set_filter(FilterParams(radius=9, eps=0.003))
    program.actions["copy_command"].trigger()
    text = QGuiApplication.clipboard().text()
    assert shlex.split(text)[:3] == [sys.executable, "-m", "sss_model.commands.extract"]
    assert "my photo.png" in text
    assert "--radius 9 --eps 0.003" in text
    idle(qtbot, program)


def test_the_export_dialog_exports_what_it_says(qtbot, program, engine, tmp_path):
    opened(qtbot, program)

    def fill():
        dialog = next(w for w in QApplication.topLevelWidgets() if isinstance(w, ExportDialog) and w.isVisible())
        named(dialog, QLineEdit, "Folder").setText(str(tmp_path))
        button(dialog, "Filtered features").setChecked(True)
        button(dialog, "NumPy array").setChecked(True)
        button(dialog, "Export").click()

    QTimer.singleShot(100, fill)
    with qtbot.waitSignal(program.session.exported):
        program.actions["export"].trigger()
    request = next(request for request in engine.asked if isinstance(request, ExportRequest))
    assert request.folder == tmp_path
    assert request.params == ExportParams(filtered=True, formats=("npz16", "npy"), existing="refuse")
    remembered = program.export_files.params()
    assert replace(remembered, existing="refuse") == request.params, "the next export starts where this one was"
    idle(qtbot, program)


def test_hovering_and_pinning_ask_for_vectors(qtbot, program, engine):
    opened(qtbot, program)
    panel = program.window.panel
    panel.pixel_hovered.emit(3, 4)
    qtbot.waitUntil(lambda: ProbeRequest(program.session.shown, (3, 4)) in engine.asked)
    assert not program.pixel_inspector.vectors
    program.actions["pin"].trigger()
    qtbot.waitUntil(lambda: (3, 4) in program.pixel_inspector.vectors)
    assert program.pins.points == [(3, 4)]
    panel.nudge_requested.emit(1, -1)
    assert program.pins.points == [(4, 3)]
    panel.pixel_clicked.emit(10, 11)
    assert program.pins.points == [(4, 3), (10, 11)]
    qtbot.waitUntil(lambda: len(program.pixel_inspector.vectors) == 2)
    assert program.pixel_inspector.compared((4, 3)) == pytest.approx((1.0, 1.0))
    opened(qtbot, program, "b.png")
    assert program.pins.points == []


def test_a_pins_vector_comes_although_the_pointer_moves_on(qtbot, program, engine):
    opened(qtbot, program)
    engine.gate.clear()
    program.session.run_again()
    qtbot.waitUntil(lambda: not engine.idle)
    program.pins.add((3, 4))
    for x in range(10):
        program.window.panel.pixel_hovered.emit(x, 1)
    engine.gate.set()
    qtbot.waitUntil(lambda: set(program.pixel_inspector.vectors) == {(3, 4)})
    program.window.params.rested.emit("radius", 9)
    idle(qtbot, program)
    assert set(program.pixel_inspector.vectors) == {(3, 4)}, "a radius changes no features"


def test_pins_stop_at_the_pictures_edge(qtbot, program):
    opened(qtbot, program)
    program.pins.add((0, 0))
    program.pins.nudge(-5, -5)
    assert program.pins.points == [(0, 0)]
    program.pins.nudge(100, 100)
    assert program.pins.points == [(31, 23)]
    program.pins.add((500, 1))
    assert program.pins.points == [(31, 23)]


def test_another_seed(qtbot, program, engine):
    opened(qtbot, program)
    program.actions["reroll"].trigger()
    idle(qtbot, program)
    assert program.session.state.projection.seed != 0


def test_every_command_is_bound_and_no_key_is_used_twice(program):
    from sss_gui.window.actions import COMMANDS

    assert set(program.actions) == {command.name for command in COMMANDS}
    keys = [key.toString() for action in program.actions.values() for key in action.shortcuts()]
    assert len(keys) == len(set(keys))


def test_recent_files_and_closed_docks_can_be_had_again(qtbot, program, tmp_path):
    for name in ("a.png", "gone.png", "b&c.png"):
        (tmp_path / name).touch()
        opened(qtbot, program, tmp_path / name)
    (tmp_path / "gone.png").unlink()
    menu = program.window.findChild(QMenu, "menu-recent")
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["&1  b&&c.png", "&2  a.png"]
    menu.actions()[1].trigger()
    assert program.session.state.source.name == "a.png"
    program.window.params_dock.close()
    view = program.window.findChild(QMenu, "menu-view")
    next(action for action in view.actions() if action.text() == "Parameters").trigger()
    assert program.window.params_dock.isVisible()
    idle(qtbot, program)


def test_a_folder_is_recent_as_one(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    for _ in range(2):
        idle(qtbot, program)
        program.pictures.step(1)
    idle(qtbot, program)
    program.pictures.close_all()
    menu = program.window.findChild(QMenu, "menu-recent")
    menu.aboutToShow.emit()
    assert [action.text() for action in menu.actions()] == ["&1  pictures/"]
    menu.actions()[0].trigger()
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    idle(qtbot, program)


def test_a_recent_feature_file_is_opened_with_its_own_photograph(qtbot, program, tmp_path):
    features, photo = tmp_path / "f.npz", tmp_path / "photo.png"
    for path in (features, photo):
        path.touch()
    program.pictures.add([Source.from_path(features, photo)])
    idle(qtbot, program)
    opened(qtbot, program, tmp_path / "other.png")
    program.open_files.open_recent(features)
    assert (program.session.state.source.path, program.session.state.source.image) == (features, photo)
    idle(qtbot, program)
    opened(qtbot, program, tmp_path / "other.png")
    photo.unlink()
    program.open_files.open_recent(features)
    assert (program.session.state.source.path, program.session.state.source.image) == (features, None)
    idle(qtbot, program)


def test_the_layout_is_remembered(qtbot, tmp_path, engine):
    first = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path)
    qtbot.addWidget(first.window)
    first.window.resize(760, 600)
    first.window.show()
    first.window.params.set_section_open("filter", False)
    first.window.params.set_section_open("clusters", True)
    first.close()
    second = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path)
    qtbot.addWidget(second.window)
    assert (second.window.width(), second.window.height()) == (760, 600)
    assert second.window.params.open_sections() == ["projection", "clusters"]
    second.close()


def test_the_command_line(monkeypatch, capsys):
    options = parse(["a.png", "b.png", "--device", "cpu", "--size", "1000x700"])
    assert (options.images, options.device, options.size) == ([Path("a.png"), Path("b.png")], "cpu", (1000, 700))
    with pytest.raises(SystemExit):
        main(["--size", "huge"])
    assert "--size" in capsys.readouterr().err
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert has_display() == (not sys.platform.startswith("linux"))
