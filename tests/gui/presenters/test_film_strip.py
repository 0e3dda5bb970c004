"""The film strip shows the list: pictures, thumbnails, what failed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from journeys import failing, heard, idle
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QListView

from sss_gui.requests.files import ThumbnailResult
from sss_model.errors import CheckpointError
from sss_model.image_io import write_picture


def test_opening_a_folder_shows_its_first_picture_and_the_strip(qtbot, program, folder):
    strip = program.window.film_strip
    assert not strip.isVisible()
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.session.state.source is not None)
    assert program.session.state.source.name == "P1.png"
    assert strip.isVisible()
    assert strip.count() == 3
    idle(qtbot, program)


def test_the_arrows_in_the_strip_go_past_a_broken_picture(qtbot, program, torn):
    strip = program.window.film_strip.findChild(QListView)
    failing(qtbot, program, lambda: qtbot.keyClick(strip, Qt.Key.Key_Right))
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    assert program.session.state.source.name == "c10.png"
    idle(qtbot, program)


def test_the_picture_that_failed_is_marked_with_the_reason(qtbot, program, torn):
    strip = program.window.film_strip
    failing(qtbot, program, program.actions["next_picture"].trigger)
    assert [strip.state(index) for index in range(3)] == ["done", "failed", "none"]
    assert strip.findChild(QListView).model().item(1).toolTip() == "broken5.png is no picture."


def test_a_model_that_fails_marks_no_picture(qtbot, program, engine, torn):
    engine.fail["a1.png"] = CheckpointError("The model is none.")
    failing(qtbot, program, lambda: program.session.set_model(torn / "net.pt"))
    assert program.window.film_strip.state(0) == "done"


def test_thumbnails_are_made_and_bad_files_are_marked(qtbot, program, folder, monkeypatch):
    (folder / "p3.png").write_text("not a picture")
    taken = heard(monkeypatch)
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.film_strip.request_thumbnails([0, 1, 2, 3])
    thumbnails = lambda: {result.source.name: result for result in taken if isinstance(result, ThumbnailResult)}  # noqa: E731
    qtbot.waitUntil(lambda: len(thumbnails()) == 4)
    seen = thumbnails()
    assert seen["P1.png"].picture.shape == (6, 8, 3)
    assert seen["p3.png"].picture is None
    assert "p3.png" in seen["p3.png"].problem
    idle(qtbot, program)


def test_one_file_alone_has_no_strip(qtbot, program, folder):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    program.open_files.open_paths([Path("a.png")], instead=True)
    assert not program.window.film_strip.isVisible()
    idle(qtbot, program)


def test_a_picture_that_changed_gets_a_new_thumbnail(qtbot, program, folder, monkeypatch):
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle(qtbot, program)
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    shown = program.session.state.source
    write_picture(shown.path, np.full((12, 16, 3), 255, np.uint8))
    taken = heard(monkeypatch)
    program.film_strip.renew(shown)
    made = lambda: [result for result in taken if isinstance(result, ThumbnailResult)]  # noqa: E731
    qtbot.waitUntil(lambda: any(result.source == shown and result.picture.min() == 255 for result in made()))
    qtbot.waitUntil(lambda: not program.file_worker.busy)
