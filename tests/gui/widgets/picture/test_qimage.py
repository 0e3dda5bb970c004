"""Pictures to QImage and back."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from PySide6.QtGui import QColor, QImage

from sss_gui.widgets.picture.qimage import from_qimage, to_pixmap, to_qimage


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 7, 3), (4, 3, 4), (6, 5)])
def test_pixels_are_the_picture_s(shape, qapp):
    picture = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    image = to_qimage(picture)
    for y in range(shape[0]):
        for x in range(shape[1]):
            colour = image.pixelColor(x, y).getRgb()
            want = picture[y, x].tolist() if picture.ndim == 3 else [int(picture[y, x])] * 3
            assert list(colour[: len(want)]) == want


def test_the_image_keeps_its_picture_alive(qapp):
    image = to_qimage(np.full((64, 64, 3), 77, np.uint8))
    gc.collect()
    junk = [np.zeros((64, 64, 3), np.uint8) for _ in range(20)]
    assert image.pixelColor(63, 63) == QColor(77, 77, 77)
    assert len(junk) == 20


def test_round_trip_of_a_view_with_strides(qapp):
    picture = np.random.default_rng(2).integers(0, 256, (9, 11, 3), np.uint8)[::2, ::-1]
    assert np.array_equal(from_qimage(to_qimage(picture)), picture)


def test_transparent_pixels_lie_over_white(qapp):
    image = QImage(2, 1, QImage.Format.Format_ARGB32)
    image.setPixelColor(0, 0, QColor(0, 0, 0, 0))
    image.setPixelColor(1, 0, QColor(10, 20, 30, 255))
    assert from_qimage(image).tolist() == [[[255, 255, 255], [10, 20, 30]]]


def test_empty_ones(qapp):
    assert from_qimage(QImage()).shape == (0, 0, 3)
    assert to_qimage(np.zeros((0, 4, 3), np.uint8)).isNull()
    assert to_pixmap(np.zeros((2, 3, 3), np.uint8)).width() == 3


@pytest.mark.parametrize("bad", [np.zeros((2, 2, 3)), np.zeros((2, 2, 5), np.uint8), np.zeros(3, np.uint8)])
def test_what_is_no_picture_is_refused(bad):
    with pytest.raises(ValueError, match="must"):
        to_qimage(bad)
