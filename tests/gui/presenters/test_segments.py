"""Layers and matte on their panes: hovering, picking, pins, looks, what is under the pointer, wipe."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from journeys import failing, idle
from layers import MIDDLES, NOTHING_HELD, click, components, cut, hover, place, settled
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from sss_gui.pane_names import ALPHA_VIEWS
from sss_gui.requests.segments import BackdropRequest
from sss_gui.state.segments import Method
from sss_model.errors import ImageError
from sss_model.matting.steps import Box

SHIFT, ALT = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier


@pytest.fixture
def layered(qtbot, program):
    cut(qtbot, program)
    return program


def pane(program, name):
    return program.window.segments_panel.pane(name)


def matte_columns(program):
    """The matte as the pane shows it in grey, at the middle of each component."""
    picture = pane(program, "matte").picture
    if picture is None or program.segments.matte_request() is None:
        return None
    return [int(picture[3, round(x * picture.shape[1]), 0]) for x in (0.2, 0.45, 0.65, 0.9)]


def test_the_view_has_four_panes_linked_to_those_of_the_features(qtbot, layered):
    window = layered.window
    assert window.shown_panel is window.segments_panel
    assert window.layers_dock.isVisible()
    for name in ("coloured", "filtered", "layers"):
        assert pane(layered, name).picture is not None
    assert np.array_equal(pane(layered, "filtered").picture, window.panel.pane("filtered").picture)
    window.segments_panel.controller.set_view(9, 7, 20)
    layered.actions["segments_view"].trigger()
    assert window.panel.controller.centre == (9, 7)
    assert not window.layers_dock.isVisible()
    assert layered.actions["merge_layers"].isEnabled() is False
    assert layered.actions["similarity"].isEnabled()


def test_the_layer_under_the_pointer_lights_up_before_the_click(qtbot, layered):
    overlay = pane(layered, "coloured").canvas.layer.overlay[0]
    hover(qtbot, layered, 2)
    lit = pane(layered, "coloured").canvas.layer.overlay[0]
    inside, outside = (12, round(0.65 * 32)), (12, round(0.2 * 32))
    assert lit[inside][3] > overlay[inside][3]
    assert lit[outside][3] < overlay[outside][3]
    assert layered.segments.lit == next(x.number for x in layered.segments.edits.layers if x.components == {2})
    layered.window.segments_panel.hover_left.emit()
    assert layered.segments.lit == 0


def test_click_picks_shift_adds_alt_takes_away_and_the_matte_is_there_at_once(qtbot, layered):
    assert matte_columns(layered) is None
    click(qtbot, layered, 0)
    assert matte_columns(layered) == [255, 0, 0, 0]
    click(qtbot, layered, 2, SHIFT)
    assert matte_columns(layered) == [255, 0, 255, 0]
    click(qtbot, layered, 0, ALT, "matte")
    assert matte_columns(layered) == [0, 0, 255, 0]
    click(qtbot, layered, 3, pane="filtered")
    assert matte_columns(layered) == [0, 0, 0, 255]
    click(qtbot, layered, 0, Qt.KeyboardModifier.ControlModifier)
    assert matte_columns(layered) == [255, 0, 0, 255]
    layered.actions["pick_nothing"].trigger()
    assert matte_columns(layered) is None
    assert pane(layered, "matte").picture is pane(layered, "coloured").canvas.reference.levels[0], "the photograph"


def test_features_are_not_pinned_by_clicks_on_layers(qtbot, layered):
    before = list(layered.pins.points)
    click(qtbot, layered, 0)
    assert layered.pins.points == before


def test_the_matte_can_be_inverted_at_once(qtbot, layered):
    click(qtbot, layered, 0)
    layered.actions["invert_matte"].trigger()
    assert matte_columns(layered) == [0, 255, 255, 255]
    assert layered.actions["invert_matte"].isChecked()


def test_clicks_take_and_leave_out_things(qtbot, layered, engine):
    layered.actions["tool_keep"].trigger()
    click(qtbot, layered, 2)
    settled(qtbot, layered)
    assert matte_columns(layered) == [0, 0, 255, 0]
    click(qtbot, layered, 0, pane="matte")
    layered.actions["tool_drop"].trigger()
    click(qtbot, layered, 2)
    click(qtbot, layered, 3, ALT)
    settled(qtbot, layered)
    assert matte_columns(layered) == [255, 0, 0, 255]
    strokes = pane(layered, "layers").canvas.strokes
    assert [stroke.keep for stroke in strokes] == [True, True, False, True]
    layered.actions["undo"].trigger()
    settled(qtbot, layered)
    assert matte_columns(layered) == [255, 0, 0, 0]
    layered.actions["clear_steps"].trigger()
    settled(qtbot, layered)
    assert matte_columns(layered) is None
    assert pane(layered, "layers").canvas.strokes == []


def test_clicks_correct_the_layers_that_are_picked(qtbot, layered):
    click(qtbot, layered, 0)
    layered.actions["tool_keep"].trigger()
    click(qtbot, layered, 2)
    click(qtbot, layered, 1, ALT)
    settled(qtbot, layered)
    assert components(layered) == {0}
    assert matte_columns(layered) == [255, 0, 255, 0]
    layered.segments.pick(frozenset([2]))
    settled(qtbot, layered)
    assert layered.segments.edits.steps == (), "another layer is another matte"


def test_hovering_shows_what_a_click_would_take(qtbot, layered):
    layered.actions["tool_keep"].trigger()
    hover(qtbot, layered, 0)
    hover(qtbot, layered, 2)
    layer, places = pane(layered, "matte").canvas.layer, [round(MIDDLES[k] * 32) for k in (0, 2)]

    def tinted():
        return bool(layer.overlay) and (layer.overlay[0][12, places, 3] > 0).tolist() == [False, True]

    qtbot.waitUntil(tinted)
    layered.window.segments_panel.hover_left.emit()
    assert not pane(layered, "matte").canvas.layer.overlay


def test_a_brush_paints_and_its_size_follows_the_keys(qtbot, layered):
    layered.actions["a_or_b"].trigger()
    assert layered.segments.tool == "brush"
    layered.segments.scale_brush(8)
    canvas, point = place(layered, 2, "matte")
    before = canvas.brush
    layered.actions["radius_up"].trigger()
    assert canvas.brush == pytest.approx(1.25 * before)
    qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, pos=point)
    qtbot.mouseMove(canvas, point + QPoint(6, 0))
    assert canvas.drawn
    qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=point + QPoint(6, 0))
    settled(qtbot, layered)
    (stroke,) = layered.segments.edits.steps
    assert stroke.keep
    assert not stroke.click
    assert len(stroke.points) >= 2
    assert matte_columns(layered) == [0, 0, 255, 0]


def turn_wheel(canvas, at, turn, held=NOTHING_HELD):
    where = QPointF(at)
    event = QWheelEvent(where, canvas.mapToGlobal(where), QPoint(), QPoint(0, turn), Qt.MouseButton.NoButton, held,
                        Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(canvas, event)


def test_shift_and_the_wheel_take_more_or_less(qtbot, layered):
    canvas, point = place(layered, 2, "matte")
    scale, sentences = layered.window.segments_panel.controller.scale, []
    layered.segments.noted.connect(sentences.append)
    layered.actions["tool_keep"].trigger()
    turn_wheel(canvas, point, 120, SHIFT)
    assert "Click a thing first" in sentences[-1]
    click(qtbot, layered, 2)
    for turn, size in ((120, 1), (60, 1), (60, 2), (-120, 1), (-360, -2)):
        turn_wheel(canvas, point, turn, SHIFT)
        assert [step.size for step in layered.segments.edits.steps] == [size]
    settled(qtbot, layered)
    layered.actions["undo"].trigger()
    assert [step.size for step in layered.segments.edits.steps] == [-1]
    layered.actions["tool_brush"].trigger()
    layered.segments.scale_brush(8)
    before = canvas.brush
    turn_wheel(canvas, point, -120, SHIFT)
    assert canvas.brush == pytest.approx(before / 1.25)
    assert layered.window.segments_panel.controller.scale == scale
    turn_wheel(canvas, point, 120)
    assert layered.window.segments_panel.controller.scale > scale


def test_a_box_is_dragged_with_shift_or_by_its_tool(qtbot, layered):
    for tool, held in (("keep", SHIFT), ("box", NOTHING_HELD)):
        layered.actions[f"tool_{tool}"].trigger()
        canvas, point = place(layered, 2, "coloured")
        qtbot.mousePress(canvas, Qt.MouseButton.LeftButton, held, point - QPoint(20, 20))
        qtbot.mouseMove(canvas, point + QPoint(20, 20))
        qtbot.mouseRelease(canvas, Qt.MouseButton.LeftButton, held, point + QPoint(20, 20))
        box = layered.segments.edits.steps[-1]
        assert isinstance(box, Box)
        assert box.x0 < MIDDLES[2] < box.x1
        assert canvas.box is not None
    settled(qtbot, layered)


def test_one_key_goes_through_the_looks(qtbot, layered):
    click(qtbot, layered, 0)
    seen = []
    for _ in ALPHA_VIEWS:
        qtbot.keyClick(pane(layered, "matte").canvas, Qt.Key.Key_V)
        seen.append(layered.segments.view.name)
    assert seen == ["red", "checkerboard", "black", "white", "colour", "grey", "red"], "no picture was opened"
    settled(qtbot, layered)


def test_a_matte_over_a_picture_that_is_opened(qtbot, layered, engine):
    click(qtbot, layered, 0)
    layered.segments.set_view(replace(layered.segments.view, name="picture", backdrop=Path("beach.png")))
    settled(qtbot, layered)
    assert [m.path for m in engine.asked if isinstance(m, BackdropRequest)] == [Path("beach.png")]
    assert matte_columns(layered) == [90, 30, 30, 30]


def test_a_picture_that_cannot_be_read_is_given_up(qtbot, layered, engine):
    def fails(*_):
        raise ImageError("beach.png is no picture.")

    engine.backdrop = fails
    click(qtbot, layered, 0)
    view = replace(layered.segments.view, name="picture", backdrop=Path("beach.png"))
    failing(qtbot, layered, lambda: layered.segments.set_view(view))
    settled(qtbot, layered)
    assert (layered.segments.view.name, layered.segments.view.backdrop) == ("grey", None)
    assert "beach.png" in layered.window.segments_panel.banner.text()[1]


def test_a_part_of_a_matte_that_was_never_lies_over_the_photograph(qtbot, layered, engine, monkeypatch):
    def part(message, progress, _deliver):
        while not engine.gate.wait(0.002):
            progress.report(0.5, "Part")
        return {"matte": (np.zeros((4, 4, 3), np.uint8), (0.0, 0.0, 4.0, 4.0))} if message.matte.matte.picked else {}

    monkeypatch.setattr(engine, "lift_segments", part, raising=False)
    click(qtbot, layered, 0)
    settled(qtbot, layered)
    assert pane(layered, "matte").canvas.layer.patch is not None
    engine.gate.clear()
    click(qtbot, layered, 1)
    layered.actions["pick_nothing"].trigger()  # while the part of the matte is on its way
    engine.gate.set()
    settled(qtbot, layered)
    assert pane(layered, "matte").canvas.layer.patch is None


def test_while_features_compute_no_pane_says_what_is_not_so(qtbot, layered, engine):
    engine.gate.clear()
    layered.open_files.open_paths([Path("b.png")])
    qtbot.waitUntil(lambda: layered.session.displayed is not None and layered.session.displayed.name == "b.png")
    assert pane(layered, "filtered").header.state in ("", "preview"), "nothing is exact yet"
    assert pane(layered, "filtered").canvas.placeholder == pane(layered, "layers").canvas.placeholder == "Computing…"
    layered.actions["cancel"].trigger()
    qtbot.waitUntil(lambda: pane(layered, "layers").canvas.placeholder == "Stopped\nF5 runs it again")
    engine.gate.set()
    idle(qtbot, layered)


def test_own_colours_come_from_the_worker(qtbot, layered):
    click(qtbot, layered, 0)
    layered.segments.set_view(replace(layered.segments.view, name="white"))
    layered.actions["decontaminate"].trigger()
    settled(qtbot, layered)
    assert matte_columns(layered) == [120, 255, 255, 255]


def test_a_layer_alone_is_cut_out_and_a_hidden_one_is_grey(qtbot, layered):
    number = next(layer.number for layer in layered.segments.edits.layers if layer.components == {0})
    layered.segments.set_solo(number)
    assert pane(layered, "layers").picture[12, 6].tolist() == [90] * 3
    layered.segments.set_solo(number)
    layered.segments.toggle_layer(number)
    assert pane(layered, "layers").picture[12, 6].tolist() == [119] * 3


def test_the_line_reads_the_alphas_under_the_pointer(qtbot, layered):
    hover(qtbot, layered, 0)
    text = layered.window.read_out.text()
    assert "layer-1 1.000" in " ".join(text.split())
    assert "layer-2 0.000" in " ".join(text.split())
    layered.actions["segments_view"].trigger()
    assert "layer-1" not in layered.window.read_out.text()


def test_another_method_is_compared_with_the_one_before(qtbot, layered):
    panel = layered.window.segments_panel
    before = pane(layered, "layers").picture
    layered.segments.set_method(Method("spectral-matting"))
    settled(qtbot, layered)
    layered.actions["wipe"].trigger()
    assert np.array_equal(pane(layered, "layers").canvas.reference.levels[0], before)
    assert pane(layered, "layers").header.title.startswith("Semantic soft segments |")
    assert panel.compare == "wipe"
    layered.actions["wipe"].trigger()


def test_single_panes_are_called_as_they_are(qtbot, layered):
    assert layered.actions["solo_filtered"].text() == "Only matte"
    layered.actions["solo_filtered"].trigger()
    assert layered.window.segments_panel.solo_pane == 4
    assert layered.window.panel.solo_pane == 0
    layered.actions["segments_view"].trigger()
    assert layered.actions["solo_filtered"].text() == "Only guided filter + PCA"
    assert layered.actions["all_panes"].isChecked()


def test_no_picture_leaves_nothing_behind(qtbot, layered):
    click(qtbot, layered, 0)
    layered.pictures.close_all()
    assert all(pane(layered, name).picture is None for name in ("coloured", "filtered", "layers", "matte"))
    assert layered.window.layers.list.rows == ()
