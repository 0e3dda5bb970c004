"""The picture of resources/mattes.md, made by the window: python packaging/show_mattes.py [FILE]

Opens six photographs of scikit-image that anyone may show, clicks in the Segments view, and lays side by side what its
pane shows: what is left out in red, and the cut-out with its own colours. They are by NASA (astronaut, public domain),
SpaceX (rocket, public domain), Stefan van der Walt (cat, CC0), Rachel Michetti (coffee, CC0) and Lav Varshney (camera,
CC0).
"""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark_window import ROOT, Bench
from PIL import Image

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

SCENES = (  # of skimage.data, and x, y, whether to keep
    ("astronaut", ((200, 330, True), (225, 60, True), (430, 440, False))),
    ("astronaut", ((400, 150, True), (230, 110, False))),
    ("chelsea", ((230, 150, True), (60, 200, True))),
    ("coffee", ((320, 300, True),)),
    ("rocket", ((322, 180, True),)),
    ("camera", ((200, 220, True), (300, 140, True))),
)
WIDTH, ROW = 330, 270  # of each picture, at most
COLUMNS = 3
QUALITY = 82


def main() -> int:
    from PySide6.QtWidgets import QApplication
    from skimage import data

    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QApplication([])
    pairs = []
    with tempfile.TemporaryDirectory() as name:
        bench: Bench | None = None
        for number, (picture, clicks) in enumerate(SCENES):
            path = Path(name) / f"{number}-{picture}.png"
            Image.fromarray(getattr(data, picture)()).convert("RGB").save(path)
            if bench is None:
                bench = Bench(Path(name), path)
                bench.program.actions["segments_view"].trigger()
                bench.program.window.segments_panel.solo(4)
            else:
                bench.open(path)
            pairs.append(cut_out(bench, clicks))
            application.processEvents()
        if bench is not None:
            bench.program.close()
            bench.program.window.close()
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "resources" / "mattes.jpg"
    montage(pairs).save(out, quality=QUALITY, optimize=True)
    return 0


def cut_out(bench: Bench, clicks: tuple[tuple[int, int, bool], ...]) -> list[Image.Image]:
    """What the matte's pane shows after the clicks: what is left out in red, and the cut-out."""
    segments, panel = bench.program.segments, bench.program.window.segments_panel
    bench.until(lambda: segments.can_cut_out)
    panel.controller.fit()
    for x, y, keep in clicks:
        segments.set_tool("keep" if keep else "drop")
        panel.pixel_picked.emit(x, y, _nothing_held())
    seen = []
    for name, own in (("red", False), ("checkerboard", True)):
        segments.set_view(replace(segments.view, name=name, decontaminate=own))
        bench.until(lambda: _solved(segments) and not bench.program.worker.busy)
        seen.append(shown(panel))
    return seen


def _nothing_held() -> Any:
    from PySide6.QtCore import Qt

    return Qt.KeyboardModifier.NoModifier


def _solved(segments: Any) -> bool:
    return segments.matte is not None and segments.matte.solved


def shown(panel: Any) -> Image.Image:
    """The part of the matte's pane that is picture."""
    canvas = panel.pane("matte").canvas
    grabbed: QImage = canvas.grab().toImage()
    place, (height, width) = canvas.placement(), panel.controller.image_size
    x0, y0 = (round(value) for value in place.to_screen(0, 0))
    x1, y1 = (round(value) for value in place.to_screen(width, height))
    with tempfile.TemporaryDirectory() as name:
        grabbed.copy(x0, y0, x1 - x0, y1 - y0).save(f"{name}/pane.png")
        return Image.open(f"{name}/pane.png").convert("RGB")


def montage(pairs: list[list[Image.Image]]) -> Image.Image:
    """Pairs one above the other, `COLUMNS` beside each other."""
    rows = -(-len(pairs) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * WIDTH, rows * 2 * ROW), "white")
    for number, pair in enumerate(pairs):
        for half, picture in enumerate(pair):
            scale = min((WIDTH - 6) / picture.width, (ROW - 6) / picture.height)
            small = picture.resize(
                (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS
            )
            left = number % COLUMNS * WIDTH + (WIDTH - small.width) // 2
            top = (number // COLUMNS * 2 + half) * ROW + (ROW - small.height) // 2
            sheet.paste(small, (left, top))
    return sheet


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT)]
    sys.exit(main())
