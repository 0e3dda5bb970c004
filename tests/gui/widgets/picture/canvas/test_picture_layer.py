"""Where pixels land and what they become, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QRect

from sss_gui.widgets.picture.annotations import CANVAS
from sss_gui.widgets.picture.canvas.picture_layer import PictureLayer, Placement, difference
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.worker.image_pyramid import make_pyramid

GREY = np.array(CANVAS.getRgb()[:3], np.uint8)


def noise(height, width, channels=3, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), np.uint8)


def drawn(picture, placement, width, height):
    layer = PictureLayer()
    layer.set_pyramid(make_pyramid(picture, 1))
    return from_qimage(layer.render(placement, picture.shape[:2], width, height))


@pytest.mark.parametrize(("centre", "scale", "ratio"), [((20, 15), 4, 1), ((3.3, 7.9), 0.37, 1.5), ((0, 0), 24, 2)])
def test_screen_and_image_points_agree(centre, scale, ratio):
    place = Placement.centred(centre, scale, (301, 200), ratio)
    x, y = place.to_screen(*centre)
    # the image's corner is rounded to a whole physical pixel
    assert (x, y) == pytest.approx((150.5, 100), abs=0.5 / ratio + 1e-9)
    assert place.to_image(*place.to_screen(12.25, 3.5)) == pytest.approx((12.25, 3.5))
    assert place.to_screen(1, 0)[0] - place.to_screen(0, 0)[0] == pytest.approx(scale)


@pytest.mark.parametrize("scale", [2, 3, 4, 2.6])
def test_pixels_are_squares_from_two_to_one(scale, qapp):
    picture = noise(20, 30)
    place = Placement.centred((15, 10), scale, (80, 60), 1.0)
    shown = drawn(picture, place, 80, 60)
    for y in range(60):
        for x in range(80):
            px, py = place.pixel_at(x, y)
            inside = 0 <= px < 30 and 0 <= py < 20
            assert (shown[y, x] == (picture[py, px] if inside else GREY)).all(), (x, y)


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_minified_pixels_are_area_means(level, qapp):
    picture = noise(64, 96)
    place = Placement(5, 3, 0.5**level)
    shown = drawn(picture, place, 110, 80)
    mean = make_pyramid(picture, 1)[level]
    height, width = mean.shape[:2]
    assert np.array_equal(shown[3 : 3 + height, 5 : 5 + width], mean)
    assert (shown[:3] == GREY).all()
    assert (shown[:, :5] == GREY).all()
    assert (shown[3 + height :] == GREY).all()


def test_a_fine_pattern_turns_grey_instead_of_aliasing(qapp):
    board = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    picture = np.repeat(board[..., None], 3, 2)
    for scale in (0.5, 0.4, 0.3, 0.17, 0.061):
        side = int(512 * scale)
        shown = drawn(picture, Placement(0, 0, scale), side, side).astype(int)
        assert np.abs(shown[2:-2, 2:-2] - 127.5).max() <= 2, scale


@pytest.mark.parametrize("size", [(1, 1), (1, 301), (257, 3), (33, 65)])
@pytest.mark.parametrize("scale", [1 / 64, 0.3, 1.0, 1.7, 5.0, 64.0])
def test_any_size_covers_its_rectangle_and_nothing_else(size, scale, qapp):
    picture = np.full((*size, 3), 200, np.uint8)
    shown = drawn(picture, Placement(10, 7, scale), 60, 50)
    height, width = (max(1, int(np.ceil(side * scale - 0.5))) for side in size)
    want = np.broadcast_to(GREY, shown.shape).copy()
    want[7 : 7 + height, 10 : 10 + width] = 200
    assert np.array_equal(shown, want)


def test_pixels_wider_than_shorts_are_still_found(qapp):
    picture = noise(3, 40000)
    shown = drawn(picture, Placement(-39990 * 8, 0, 8.0), 80, 24)
    assert np.array_equal(shown[4, 4::8], picture[0, 39990:])


def test_a_patch_lies_over_its_box_only(qapp):
    layer = PictureLayer()
    layer.set_pyramid(make_pyramid(np.zeros((16, 16, 3), np.uint8)))
    layer.set_patch(np.full((4, 8, 3), 250, np.uint8), (4, 8, 12, 12))
    shown = from_qimage(layer.render(Placement(0, 0, 4.0), (16, 16), 64, 64))
    want = np.zeros((64, 64, 3), np.uint8)
    want[32:48, 16:48] = 250
    assert np.array_equal(shown, want)
    values = layer.values((0, 0, 16, 16), (16, 16))
    assert np.array_equal(values, want[2::4, 2::4])
    assert not layer.levels[0].any(), "reading values must not write into the picture"


def test_a_coarse_patch_is_smoothed(qapp):
    layer = PictureLayer()
    layer.set_pyramid(make_pyramid(np.zeros((16, 16, 3), np.uint8)))
    ramp = np.repeat(np.array([[[0], [255]]], np.uint8), 3, 2)
    layer.set_patch(ramp, (0, 0, 16, 16))
    shown = from_qimage(layer.render(Placement(0, 0, 2.0), (16, 16), 32, 32))[16, :, 0]
    assert shown[0] == 0
    assert shown[-1] == 255
    assert len(np.unique(shown)) > 8
    assert (np.diff(shown.astype(int)) >= 0).all()


def test_an_overlay_is_mixed_by_its_alpha_and_opacity(qapp):
    layer = PictureLayer()
    layer.set_pyramid(make_pyramid(np.full((8, 8, 3), 100, np.uint8)))
    red = np.zeros((8, 8, 4), np.uint8)
    red[..., 0] = 200
    red[:, 4:, 3] = 255
    layer.set_overlay([red], 0.5)
    shown = from_qimage(layer.render(Placement(0, 0, 2.0), (8, 8), 16, 16)).astype(int)
    assert (shown[:, :8] == 100).all()
    assert np.abs(shown[:, 8:] - [150, 50, 50]).max() <= 1


def test_a_picture_of_another_size_is_stretched_over_the_image(qapp):
    layer = PictureLayer()
    layer.set_pyramid(make_pyramid(np.full((5, 5, 3), 9, np.uint8)))
    shown = from_qimage(layer.render(Placement(0, 0, 2.0), (20, 20), 50, 50))
    assert (shown[:40, :40] == 9).all()
    assert (shown[40:] == GREY).all()
    assert (layer.values((0, 0, 20, 20), (20, 20)) == 9).all()


def test_difference_is_absolute_and_scaled(qapp):
    a, b = np.full((2, 2, 3), 10, np.uint8), np.full((2, 2, 3), 30, np.uint8)
    layers = [PictureLayer(), PictureLayer()]
    for layer, picture in zip(layers, (a, b), strict=True):
        layer.set_pyramid([picture])
    first, second = (layer.render(Placement(0, 0, 1.0), (2, 2), 2, 2) for layer in layers)
    whole = QRect(0, 0, 2, 2)
    assert (from_qimage(difference(first, second, 4.0, whole)) == 80).all()
    assert (from_qimage(difference(second, first, 64.0, whole)) == 255).all()
    part = from_qimage(difference(first, second, 4.0, QRect(1, -5, 90, 6)))
    assert part[..., 0].tolist() == [[10, 80], [10, 10]]


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 3)), np.zeros((2, 2), np.uint8), np.zeros((0, 2, 3), np.uint8)])
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(ValueError, match=r"uint8 \(h, w, 3\)"):
        PictureLayer().set_pyramid([bad])


@pytest.mark.parametrize("box", [(3, 0, 3, 4), (0, 5, 4, 2)])
def test_an_empty_box_is_refused(box):
    with pytest.raises(ValueError, match="x1 > x0"):
        PictureLayer().set_patch(np.zeros((1, 1, 3), np.uint8), box)
