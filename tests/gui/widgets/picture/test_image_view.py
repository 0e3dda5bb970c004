"""One pane under mouse, wheel, keys and drops; what it shows is read back from the screen."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from sss_gui.widgets.picture.image_view import ImageView
from sss_gui.widgets.picture.message_banner import MessageBanner
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.widgets.picture.view_controller import ViewController
from sss_gui.window.theme import LIGHT, make_style_sheet
from sss_gui.worker.image_pyramid import make_pyramid

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def picture():
    return np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


@pytest.fixture
def view(qtbot, picture):
    controller = ViewController()
    view = ImageView(controller, "Input")
    controller.setParent(view)
    qtbot.addWidget(view)
    view.resize(400, 320)
    view.show()
    qtbot.waitExposed(view)
    controller.set_image_size((60, 80))
    view.set_pyramid(make_pyramid(picture, 1))
    return view


@pytest.fixture
def look(view):
    return view.canvas.controller


def screen(view):
    return from_qimage(view.canvas.grab().toImage())


def drag(canvas, start, stop, modifier=Qt.KeyboardModifier.NoModifier):
    QTest.mousePress(canvas, LEFT, modifier, start)
    for share in (0.3, 0.7, 1.0):
        QTest.mouseMove(canvas, start + (stop - start) * share)
    QTest.mouseRelease(canvas, LEFT, modifier, stop)


def turn(view, at, notches, modifiers=Qt.KeyboardModifier.NoModifier):
    where = QPointF(at)
    event = QWheelEvent(where, view.canvas.mapToGlobal(where), QPoint(), QPoint(0, 120 * notches),
                        Qt.MouseButton.NoButton, modifiers, Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view.canvas, event)


def test_four_to_one_shows_squares_where_the_mapping_says(view, look, picture):
    look.set_view(40, 30, 4)
    shown = screen(view)
    for pixel in ((40, 30), (0, 20), (12, 55), (79, 30)):
        x, y = (round(v) for v in view.canvas.placement().to_screen(*pixel))
        if 0 <= x < shown.shape[1] - 4 and 0 <= y < shown.shape[0] - 4:
            assert (shown[y : y + 4, x : x + 4] == picture[pixel[1], pixel[0]]).all()


def test_a_quarter_shows_area_means(view, look, picture):
    look.set_view(40, 30, 0.25)
    x, y = (round(v) for v in view.canvas.placement().to_screen(0, 0))
    want = make_pyramid(picture)[2]
    assert np.array_equal(screen(view)[y : y + 15, x : x + 20], want)


def test_one_to_one_is_exact(view, look, picture):
    look.one_to_one()
    x, y = (round(v) for v in view.canvas.placement().to_screen(0, 0))
    assert np.array_equal(screen(view)[y : y + 60, x : x + 80], picture)


def test_values_are_written_at_24_to_one_and_not_before(view, look, picture):
    flat = np.full((60, 80, 3), 90, np.uint8)
    view.set_pyramid(make_pyramid(flat))
    look.set_view(40, 30, 23)
    assert len(np.unique(screen(view).reshape(-1, 3), axis=0)) == 1
    look.set_view(40, 30, 24)
    assert screen(view).max() > 150, "white numbers on dark pixels"
    view.set_pyramid(make_pyramid(flat + 120))
    assert screen(view).min() < 100, "black numbers on bright pixels"


def test_hovering_and_clicking_name_the_pixel_under_the_cursor(view, look, qtbot):
    look.set_view(40, 30, 4)
    for pixel in ((40, 30), (0, 0), (79, 59), (33, 41)):
        at = QPointF(*view.canvas.placement().to_screen(pixel[0] + 0.5, pixel[1] + 0.5)).toPoint()
        if not view.canvas.rect().contains(at):
            continue
        with qtbot.waitSignal(view.canvas.pixel_hovered) as hovered:
            QTest.mouseMove(view.canvas, at)
        with qtbot.waitSignal(view.canvas.pixel_clicked) as clicked:
            QTest.mouseClick(view.canvas, LEFT, Qt.KeyboardModifier.NoModifier, at)
        assert tuple(hovered.args) == tuple(clicked.args) == pixel


def test_the_pixel_named_is_the_pixel_drawn_at_any_scale(view, look, picture):
    for scale in (2.0, 2.7, 3.3, 9.1):
        look.set_view(39.7, 30.2, scale)
        shown, place = screen(view), view.canvas.placement()
        for x in range(0, view.canvas.width(), 7):
            px, py = place.pixel_at(x, view.canvas.height() // 2)
            if 0 <= px < 80:
                assert (shown[view.canvas.height() // 2, x] == picture[py, px]).all()


def test_outside_the_picture_nothing_is_hovered_or_clicked(view, look, qtbot):
    look.set_view(40, 30, 1)
    QTest.mouseMove(view.canvas, view.canvas.rect().center())
    with qtbot.waitSignal(view.canvas.hover_left):
        QTest.mouseMove(view.canvas, QPoint(2, 2))
    with qtbot.assertNotEmitted(view.canvas.pixel_clicked):
        QTest.mouseClick(view.canvas, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(2, 2))


def test_the_wheel_zooms_about_the_cursor(view, look):
    at = QPoint(100, 90)
    before, scale = view.canvas.placement().to_image(100, 90), look.scale
    turn(view, at, 3)
    assert look.scale == pytest.approx(scale * 2)
    # the corner is rounded to whole screen pixels
    assert view.canvas.placement().to_image(100, 90) == pytest.approx(before, abs=1 / look.scale)
    turn(view, at, -3)
    assert look.scale == pytest.approx(scale)


def test_dragging_pans_by_the_same_way_and_is_no_click(view, look, qtbot):
    look.set_view(40, 30, 4)
    before = view.canvas.placement().to_screen(40, 30)
    with qtbot.assertNotEmitted(view.canvas.pixel_clicked):
        drag(view.canvas, QPoint(150, 150), QPoint(190, 130))
    after = view.canvas.placement().to_screen(40, 30)
    assert (after[0] - before[0], after[1] - before[1]) == (40, -20)


def test_a_double_click_fits(view, look):
    look.set_view(3, 3, 9)
    QTest.mouseDClick(view.canvas, LEFT, Qt.KeyboardModifier.NoModifier, QPoint(100, 100))
    assert look.fitting


@pytest.mark.parametrize(
    ("key", "shift", "want"),
    [(Qt.Key.Key_Left, False, (-1, 0)), (Qt.Key.Key_Down, False, (0, 1)), (Qt.Key.Key_Right, True, (10, 0))],
)
def test_arrows_ask_to_nudge(view, qtbot, key, shift, want):
    view.setFocus()
    held = Qt.KeyboardModifier.ShiftModifier if shift else Qt.KeyboardModifier.NoModifier
    with qtbot.waitSignal(view.canvas.nudge_requested) as nudged:
        QTest.keyClick(view.canvas, key, held)
    assert tuple(nudged.args) == want


def test_space_flips_while_it_is_held(view, qtbot):
    view.setFocus()
    with qtbot.waitSignal(view.canvas.flip_requested) as down:
        QTest.keyPress(view.canvas, Qt.Key.Key_Space)
    with qtbot.waitSignal(view.canvas.flip_requested) as up:
        QTest.keyRelease(view.canvas, Qt.Key.Key_Space)
    assert (down.args, up.args) == ([True], [False])


def test_dropped_files_are_named(view, qtbot, tmp_path):
    data = QMimeData()
    paths = [tmp_path / "öl.png", tmp_path / "b.jpg"]
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths] + [QUrl("https://example.org/x.png")])
    copy, none = Qt.DropAction.CopyAction, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(50, 50), copy, data, LEFT, none)
    QApplication.sendEvent(view, enter)
    assert enter.isAccepted()
    assert view.canvas.drop_hint
    with qtbot.waitSignal(view.dropped) as dropped:
        QApplication.sendEvent(view, QDropEvent(QPointF(50, 50), copy, data, LEFT, none))
    assert dropped.args[0].paths == paths
    assert not view.canvas.drop_hint


def test_text_is_no_drop(view):
    data = QMimeData()
    data.setText("hello")
    enter = QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, LEFT, Qt.KeyboardModifier.NoModifier)
    enter.ignore()
    QApplication.sendEvent(view, enter)
    assert not enter.isAccepted()


def test_alt_and_the_header_drag_the_picture_out(view, look, qtbot):
    before = look.centre
    with qtbot.waitSignal(view.drag_out_requested):
        drag(view.canvas, QPoint(150, 150), QPoint(200, 150), Qt.KeyboardModifier.AltModifier)
    assert look.centre == before
    with qtbot.waitSignal(view.drag_out_requested):
        drag(view.header, QPoint(20, 10), QPoint(90, 14))


def test_marks_do_not_draw_the_picture_anew(view, monkeypatch):
    screen(view)
    monkeypatch.setattr(view.canvas.layer, "render", lambda *_: pytest.fail("the pixels had not changed"))
    view.canvas.set_crosshair((10, 10))
    view.canvas.set_pins([(1, 2), (30, 40)])
    view.canvas.set_match((5, 5))
    assert screen(view).shape[2] == 3


def test_a_region_stays_until_the_next_picture(view, look, picture):
    look.set_view(40, 30, 4)
    view.set_region(np.full((10, 10, 3), 255, np.uint8), (35, 25, 45, 35))
    x, y = (round(v) for v in view.canvas.placement().to_screen(40, 30))
    assert (screen(view)[y - 8 : y + 8, x - 8 : x + 8] == 255).all()
    view.set_pyramid(make_pyramid(picture))
    assert (screen(view)[y + 1, x + 1] == picture[30, 40]).all()


def test_an_empty_pane_says_what_to_do(view, look):
    view.set_pyramid(())
    plain = screen(view)
    view.set_placeholder("Drop a photograph here\nor press Ctrl+O")
    assert not np.array_equal(screen(view), plain)
    assert view.picture is None


def test_it_has_a_name_for_those_who_cannot_see_it(view):
    view.set_title("PCA")
    view.set_state("exact")
    assert view.accessibleName() == view.canvas.accessibleName() == "PCA"
    assert view.canvas.accessibleDescription() == "exact"


def test_the_visible_box_holds_what_is_seen(view, look):
    look.set_view(40, 30, 16)
    x0, y0, x1, y1 = view.canvas.visible_box()
    left, top = view.canvas.placement().to_image(0, 0)
    right, bottom = view.canvas.placement().to_image(view.canvas.width(), view.canvas.height())
    assert (x0, x1) == (int(np.floor(left)), int(np.ceil(right)))
    assert (y0, y1) == (int(np.floor(top)), int(np.ceil(bottom)))
    look.fit()
    assert view.canvas.visible_box() == (0, 0, 80, 60)


@pytest.mark.parametrize("width", [240, 420, 1300])
def test_a_message_is_whole_from_the_first_time_on(qtbot, width):
    """What the layout found out while its labels were hidden says nothing of the words that they show."""
    over = QWidget()
    over.setStyleSheet(make_style_sheet(LIGHT))
    qtbot.addWidget(over)
    over.resize(width, 900)
    over.show()
    for count in range(10, 50):
        banner = MessageBanner(over)
        banner.sizeHint()  # as Qt asks while a window is put together
        banner.show_message("The picture cannot be used", "words " * count, "details")
        qtbot.wait(1)
        cut = [
            label.text()
            for label in banner.findChildren(QLabel)
            if label.height() < label.heightForWidth(label.width())
        ]
        assert not cut, count
        banner.hide()
    over.close()
