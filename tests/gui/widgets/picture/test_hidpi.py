"""A screen of two physical pixels a point, in a process of its own: Qt reads the factor once."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from sss_gui.worker.image_pyramid import make_pyramid
from sss_gui.widgets.picture.qimage import from_qimage
from sss_gui.widgets.picture.image_view import ImageView
from sss_gui.widgets.picture.view_controller import ViewController

app = QApplication([])
look = ViewController()
view = ImageView(look, "Input")
view.resize(300, 240)
view.show()
app.processEvents()
assert view.devicePixelRatioF() == 2.0
picture = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
look.set_image_size((90, 120))
view.set_pyramid(make_pyramid(picture))

look.one_to_one()
assert look.scale == 0.5
shown = from_qimage(view.canvas.grab().toImage())
assert shown.shape[:2] == (view.canvas.height() * 2, view.canvas.width() * 2)
x, y = (round(2 * v) for v in view.canvas.placement().to_screen(0, 0))
assert np.array_equal(shown[y : y + 90, x : x + 120], picture), "one image pixel on one physical pixel"

look.set_view(60, 45, 1.5)
shown = from_qimage(view.canvas.grab().toImage())
x, y = (round(2 * v) for v in view.canvas.placement().to_screen(50, 40))
assert (shown[y : y + 3, x : x + 3] == picture[40, 50]).all(), "nearest from two physical pixels"
clicked = []
view.canvas.pixel_clicked.connect(lambda *pixel: clicked.append(pixel))
at = view.canvas.placement().to_screen(50.5, 40.5)
QTest.mouseClick(view.canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(*map(int, at)))
assert clicked == [(50, 40)], clicked
look.set_view(60, 45, 24)
assert from_qimage(view.canvas.grab().toImage()).shape[0] == view.canvas.height() * 2
print("sharp")
"""


def test_pixels_are_sharp_and_found_on_a_doubled_screen():
    scaled = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "QT_SCALE_FACTOR": "2"}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=scaled, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "sharp", done.stderr
