"""Four linked panes on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from sss_gui.pane_names import PANES
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.worker.image_pyramid import make_pyramid

LEFT, PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def panel(qtbot):
    panel = FeaturePanel()
    qtbot.addWidget(panel)
    panel.resize(700, 560)
    panel.show()
    qtbot.waitExposed(panel)
    panel.controller.set_image_size((60, 80))
    for index, name in enumerate(PANES):
        panel.pane(name).set_pyramid(make_pyramid(np.full((60, 80, 3), 40 + 50 * index, np.uint8)))
    return panel


def colour(panel, name, share=0.5):
    canvas = panel.pane(name).canvas
    shown = from_qimage(canvas.grab().toImage())
    return int(shown[canvas.height() // 2, int(canvas.width() * share), 0])


def colours(panel):
    return [colour(panel, name) for name in PANES]


def placements(panel):
    """Where pixel (20, 10) lies relative to the middle of each pane, and the scale."""
    found = []
    for name in PANES:
        view = panel.pane(name)
        x, y = view.canvas.placement().to_screen(20, 10)
        found.append((x - view.canvas.width() / 2, y - view.canvas.height() / 2, view.canvas.placement().scale))
    return found


def test_a_chosen_view_does_not_run_away_over_thirty_resizes(panel, qtbot):
    panel.controller.set_view(33.3, 21.7, 5.25)
    for step in range(30):
        panel.resize(700 + (step % 7) * 31, 560 + (step % 5) * 23)
        qtbot.waitUntil(lambda: panel.pane("input").canvas.isVisible())
        assert (panel.controller.centre, panel.controller.scale) == ((33.3, 21.7), 5.25)
        for dx, dy, scale in placements(panel):
            assert scale == 5.25
            assert (dx, dy) == pytest.approx(((20 - 33.3) * 5.25, (10 - 21.7) * 5.25), abs=0.5)


def test_a_fitted_view_is_exact_after_thirty_resizes(panel):
    for step in range(30):
        panel.resize(700 - step * 9, 560 + step * 3)
    sizes = [(panel.pane(n).canvas.width(), panel.pane(n).canvas.height()) for n in PANES]
    assert panel.controller.fitting
    assert panel.controller.scale == min(min(w / 80, h / 60) for w, h in sizes)
    assert panel.controller.centre == (40, 30)


def test_zooming_in_one_pane_zooms_all(panel):
    canvas = panel.pane("pca").canvas
    before = panel.controller.scale
    panel.controller.zoom_about(panel.pane("pca").canvas.placement().to_image(30, 40), 2)
    assert {round(scale, 9) for *_, scale in placements(panel)} == {round(before * 2, 9)}
    QTest.mousePress(canvas, LEFT, PLAIN, QPoint(100, 100))
    for x in (110, 130, 160):
        QTest.mouseMove(canvas, QPoint(x, 100))
    QTest.mouseRelease(canvas, LEFT, PLAIN, QPoint(160, 100))
    assert len({(round(dx), round(dy)) for dx, dy, _ in placements(panel)}) <= 2  # odd widths differ by half a pixel


def test_the_crosshair_is_shared(panel, qtbot):
    canvas = panel.pane("random").canvas
    at = QPointF(*canvas.placement().to_screen(33.5, 22.5)).toPoint()
    with qtbot.waitSignal(panel.pixel_hovered) as hovered:
        QTest.mouseMove(canvas, at)
    assert tuple(hovered.args) == (33, 22)
    assert {panel.pane(name).canvas.crosshair for name in PANES} == {(33, 22)}
    with qtbot.waitSignal(panel.hover_left):
        QTest.mouseMove(panel, QPoint(5, 5))
        canvas.leaveEvent(None)
    assert panel.pane("input").canvas.crosshair is None


def test_holding_space_shows_the_input_everywhere(panel):
    pane = panel.pane("pca")
    pane.setFocus()
    assert colours(panel) == [40, 90, 140, 190]
    QTest.keyPress(pane.canvas, Qt.Key.Key_Space)
    assert colours(panel) == [40] * 4
    assert pane.header.title == "Input"
    QTest.keyRelease(pane.canvas, Qt.Key.Key_Space)
    assert colours(panel) == [40, 90, 140, 190]


def test_losing_the_keyboard_ends_the_flip(panel):
    panel.pane("pca").setFocus()
    QTest.keyPress(panel.pane("pca").canvas, Qt.Key.Key_Space)
    panel.pane("random").setFocus()
    assert colours(panel) == [40, 90, 140, 190]


def test_wiping_shows_the_input_left_of_an_edge_that_can_be_dragged(panel):
    panel.toggle_compare("wipe")
    canvas = panel.pane("filtered").canvas
    assert (colour(panel, "filtered", 0.4), colour(panel, "filtered", 0.6)) == (40, 190)
    middle = QPoint(canvas.width() // 2, 50)
    QTest.mousePress(canvas, LEFT, PLAIN, middle)
    for share in (0.6, 0.75):
        QTest.mouseMove(canvas, QPoint(int(canvas.width() * share), 50))
    QTest.mouseRelease(canvas, LEFT, PLAIN, QPoint(int(canvas.width() * 0.75), 50))
    assert [colour(panel, name, 0.65) for name in PANES] == [40] * 4
    assert colour(panel, "pca", 0.85) == 140
    panel.toggle_compare("wipe")
    assert colours(panel) == [40, 90, 140, 190]


def test_differences_are_scaled_and_the_reference_is_itself(panel):
    panel.step_difference_gain()
    assert colours(panel) == [40, 50, 100, 150]
    panel.step_difference_gain()
    assert colours(panel) == [40, 100, 200, 255]
    assert panel.pane("pca").header.title == "|PCA − Input| × 2"
    assert panel.pane("input").header.title == "Input"
    panel.set_reference("pca")
    assert colours(panel) == [200, 100, 140, 100]


def test_a_new_input_is_compared_with_at_once(panel):
    panel.flip(True)
    panel.pane("input").set_pyramid(make_pyramid(np.full((60, 80, 3), 222, np.uint8)))
    assert colours(panel) == [222] * 4


def test_solo_and_all(panel, qtbot):
    with qtbot.waitSignal(panel.solo_changed) as changed:
        panel.solo(4)
    assert changed.args == [4]
    assert [panel.pane(name).isVisible() for name in PANES] == [False, False, False, True]
    canvas = panel.pane("filtered").canvas
    assert canvas.width() == panel.width()
    assert panel.controller.scale == min(canvas.width() / 80, canvas.height() / 60)
    assert panel.current == "filtered"
    panel.solo(0)
    assert all(panel.pane(name).isVisible() for name in PANES)
    assert panel.controller.scale == min(
        min(panel.pane(n).canvas.width() / 80, panel.pane(n).canvas.height() / 60) for n in PANES
    )


def corners(panel):
    return [panel.pane(name).mapTo(panel, QPoint(0, 0)).toTuple() for name in PANES]


@pytest.mark.parametrize("arrangement", ["grid", "row", "large"])
@pytest.mark.parametrize("size", [(1600, 500), (500, 1600)])
def test_panes_lie_as_they_are_arranged(panel, qtbot, arrangement, size):
    panel.resize(*size)
    with qtbot.waitSignal(panel.arrangement_changed, raising=False, timeout=0):
        panel.arrange(arrangement)
    columns, rows = (len(set(places)) for places in zip(*corners(panel), strict=True))
    along, across = (columns, rows) if size[0] > size[1] else (rows, columns)
    assert (along, across) == {"grid": (2, 2), "row": (4, 1), "large": (2, 3)}[arrangement]
    panel.controller.set_image_size((80, 60))  # another picture
    assert panel.arrangement == arrangement


def test_the_large_pane_shows_the_same_part_larger(panel):
    panel.arrange("large")
    large, small = panel.pane("filtered").canvas, panel.pane("pca").canvas
    assert large.width() > 2 * small.width()
    assert panel.controller.fitting
    assert large.scale == min(large.width() / 80, large.height() / 60)
    for canvas in (large, small):
        left, top, right, bottom = canvas.visible_box()
        assert (left, top, right, bottom) == (0, 0, 80, 60), "the whole picture in each"
    QTest.mousePress(small, LEFT, PLAIN, QPoint(20, 20))
    for x in (30, 45, 60):
        QTest.mouseMove(small, QPoint(x, 20))
    QTest.mouseRelease(small, LEFT, PLAIN, QPoint(60, 20))
    x, _y = small.placement().to_image(small.width() / 2 + 40, small.height() / 2)
    assert x == pytest.approx(40, abs=1 / small.scale), "what was in the middle moved with the pointer"
    panel.solo(1)
    shown = panel.pane("input").canvas
    assert shown.scale == panel.controller.scale, "alone it is as large as it can be"


def test_the_layout_is_remembered(panel, qtbot):
    panel.arrange("row")
    panel.solo(2)
    state = panel.save_state()
    other = FeaturePanel()
    qtbot.addWidget(other)
    assert other.restore_state(state)
    assert (other.solo_pane, other.arrangement) == (2, "row")
    other.arrange("large")
    assert other.solo_pane == 0, "who arranges panes wants to see them"


FOREIGN = [b"", b"{}", b"\xff", b"[1]", b'{"panes": "x", "solo": 0, "sizes": [[1, 1], [1, 1], [1, 1]]}',
           b'{"panes": "grid", "solo": 9, "sizes": [[1, 1], [1, 1], [1, 1]]}',
           b'{"panes": "grid", "solo": 0, "sizes": []}']  # fmt: skip


@pytest.mark.parametrize("state", FOREIGN)
def test_a_foreign_layout_is_left_alone(panel, state):
    before = panel.save_state()
    assert not panel.restore_state(state)
    assert panel.save_state() == before


def test_clicking_a_pane_makes_it_current(panel):
    QTest.mouseClick(panel.pane("pca").canvas, LEFT)
    assert panel.current == "pca"
    assert panel.pane("pca").header.note, "the current pane says the zoom"
    assert not panel.pane("input").header.note


def test_tab_goes_round_the_panes(panel):
    panel.pane("input").canvas.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(panel.pane("input").canvas, Qt.Key.Key_Tab)
    assert panel.current == "random"


def test_pictures_may_come_before_the_view_knows_a_size(qtbot):
    panel = FeaturePanel()
    qtbot.addWidget(panel)
    panel.show()
    panel.pane("pca").set_pyramid(make_pyramid(np.zeros((60, 80, 3), np.uint8)))
    assert panel.pane("pca").canvas.grab().width() > 0


def test_a_message_lies_over_the_last_pictures_and_goes(panel):
    panel.show_message("The file is not an image.", "Open a PNG, JPEG or TIFF.", "trace line 1")
    assert panel.banner.text() == ("The file is not an image.", "Open a PNG, JPEG or TIFF.")
    assert all(panel.pane(name).picture is not None for name in PANES)
    copy, dismiss = (
        next(b for b in panel.banner.findChildren(QPushButton) if b.text() == words)
        for words in ("Copy details", "Dismiss")
    )
    QTest.mouseClick(copy, LEFT)
    assert "trace line 1" in QGuiApplication.clipboard().text()
    QTest.mouseClick(dismiss, LEFT)
    assert not panel.banner.isVisible()


def test_the_message_stays_inside_the_panel_and_escape_dismisses_it(panel):
    panel.show_message("Out of memory.", "Use a smaller tile.")
    assert panel.rect().contains(panel.banner.geometry())
    panel.resize(500, 400)
    assert panel.rect().contains(panel.banner.geometry())
    QTest.keyClick(panel.banner, Qt.Key.Key_Escape)
    assert not panel.banner.isVisible()


def test_the_gain_of_differences_doubles_and_begins_again(panel):
    titles = []
    for _ in range(8):
        panel.step_difference_gain()
        titles.append(panel.pane("pca").header.title)
    assert titles == [f"|PCA − Input| × {gain}" for gain in (1, 2, 4, 8, 16, 32, 1, 2)]


def test_a_narrow_header_keeps_its_name_before_the_zoom(panel):
    header = panel.pane("filtered").header
    panel.pane("filtered").set_state("exact")
    QTest.mouseClick(panel.pane("filtered").canvas, LEFT)
    header.resize(header.fontMetrics().horizontalAdvance(header.title) + 80, header.height())
    narrow = from_qimage(header.grab().toImage())
    header.set_texts(note="")
    assert np.array_equal(from_qimage(header.grab().toImage()), narrow), "the note went, the name is whole"
