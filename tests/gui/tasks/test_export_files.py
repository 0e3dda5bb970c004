"""Masks saved without harm to any file, panes dragged out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from journeys import idle_shown, save_as

from sss_gui.requests.overlays import WriteMapRequest
from sss_gui.requests.panes import Source
from sss_gui.tasks.export_files import is_read_by


@pytest.mark.parametrize(("typed", "real"), [("mask", "mask.png"), ("my.v2", "my.v2.png"), ("mask.png", "mask.png")])
def test_a_mask_is_not_written_over_a_file_unasked(qtbot, program, tmp_path, photos, typed, real):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    written = []

    def save_dialog():
        program.export_files.save_png("mask", written.append)

    assert save_as(tmp_path / typed, save_dialog) == []
    assert written == [tmp_path / real]
    (tmp_path / real).touch()
    (asked,) = save_as(tmp_path / typed, save_dialog)
    assert real in asked
    assert len(written) == 1
    save_as(tmp_path / typed, save_dialog, overwrite=True)
    assert written == [tmp_path / real] * 2


@pytest.mark.parametrize("typed", ["a", "a.png", "photo.png"])
def test_a_mask_is_never_written_over_what_is_open(qtbot, program, tmp_path, photos, typed):
    os.link(photos[0], tmp_path / "photo.png")
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    written, said = [], []
    program.export_files.noted.connect(said.append)
    save_as(tmp_path / typed, lambda: program.export_files.save_png("mask", written.append), overwrite=True)
    assert not written
    assert "is a picture that is open" in said[-1]


def test_a_mask_is_not_written_over_another_open_picture_either(qtbot, program, photos):
    program.open_files.open_paths([photos[0], photos[1]])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 2)
    idle_shown(qtbot, program)
    written = []
    save_as(photos[1], lambda: program.export_files.save_png("mask", written.append), overwrite=True)
    assert not written


def test_what_a_picture_is_read_from(tmp_path, photos):
    features = tmp_path / "a-features.npz"
    features.touch()
    assert is_read_by(Source.from_path(features), photos[0]), "found beside it"
    assert is_read_by(Source.from_path(features, photos[1]), photos[1])
    assert not is_read_by(Source.from_path(features, photos[1]), photos[0])
    assert not is_read_by(Source.from_path(photos[0]), tmp_path / "new.png")


def test_a_pane_is_dragged_out_as_a_png(qtbot, program, monkeypatch, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    taken = []
    monkeypatch.setattr(
        type(program.window.panel.pane("pca")), "start_drag_out", lambda _pane, path: taken.append(path)
    )
    program.window.panel.drag_out_requested.emit("pca")
    assert Path(taken[0]).name == "a-pca.png"
    assert Path(taken[0]).stat().st_size > 0


def test_a_map_is_numbers_or_sixteen_bits_by_its_name(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    written = []
    for typed, real in (("map", "map.png"), ("map.npy", "map.npy")):
        save_as(tmp_path / typed, lambda: program.export_files.save_png("similarity", written.append))
        assert written[-1] == tmp_path / real


def test_the_map_of_a_pin_is_written(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    said = []
    program.overlays.noted.connect(said.append)
    program.overlays.write("similarity", tmp_path / "map.npy")
    assert "pin a pixel first" in said[-1]
    program.pins.set([(1, 1)])
    program.overlay_choices.show("similarity")
    with qtbot.waitSignal(program.session.exported):
        program.overlays.write("similarity", tmp_path / "map.npy")
    request = next(request for request in engine.asked if isinstance(request, WriteMapRequest))
    assert request.similarity.points == ((1, 1),)
