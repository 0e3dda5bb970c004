"""The timeline: stepping, scrubbing and playing, its marks and plot, and what leads to it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from controls import button, named
from journeys import idle
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QSpinBox
from sequences import COUNT, carried, click, go, open_frames, settled, shown, write_frames

from sss_gui.requests.panes import Source
from sss_gui.requests.segments import FrameList
from sss_gui.requests.sequence import ExportFramesRequest
from sss_gui.tasks.command_line import frame_names
from sss_model.params.layers import LayerExportParams

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def shot(qtbot, program, tmp_path):
    open_frames(qtbot, program, write_frames(tmp_path / "shot"))
    idle(qtbot, program)
    return program


def at(program, frame):
    """The point of the track over a frame."""
    return QPoint(round(program.window.timeline.track.place(frame)), 16)


def test_a_folder_of_frames_offers_to_be_a_sequence(qtbot, program, tmp_path):
    folder = write_frames(tmp_path / "shot")
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: program.window.panel.banner.text()[0] == "Open as a sequence?")
    idle(qtbot, program)
    assert "8 pictures of shot are numbered" in program.window.panel.banner.text()[1]
    program.open_files.open_sequence([folder])
    qtbot.waitUntil(lambda: program.sequence.frames is not None)
    assert program.window.panel.banner.isHidden(), "it is one already"
    shown(qtbot, program, 0)
    program.actions["close_all"].trigger()
    program.open_files.open_paths([folder])
    qtbot.waitUntil(lambda: not program.window.panel.banner.isHidden())
    button(program.window.panel.banner, "Open as a sequence").click()
    qtbot.waitUntil(lambda: program.sequence.frames is not None)
    shown(qtbot, program, 0)
    idle(qtbot, program)


def test_one_frame_brings_those_beside_it_and_a_video_its_frames(qtbot, program, tmp_path):
    folder = write_frames(tmp_path / "shot")
    (folder / "other.0001.png").write_bytes((folder / "shot.0011.png").read_bytes())
    program.open_files.open_sequence([folder / "shot.0013.png"])
    qtbot.waitUntil(lambda: program.sequence.frames is not None)
    assert len(program.sequence.frames.numbers) == COUNT
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 12.5, (32, 24))
    for k in range(3):
        writer.write(np.full((24, 32, 3), 60 * k, np.uint8))
    writer.release()
    program.open_files.open_paths([tmp_path / "clip.avi"])
    qtbot.waitUntil(lambda: program.sequence.frames.name == "clip")
    shown(qtbot, program, 0)
    assert program.sequence.frames.numbers == (1, 2, 3)
    assert program.window.timeline.rate == 12.5
    assert program.sequence.frames.sources[1].stem == "clip.0002"
    assert program.window.windowTitle().startswith("clip.avi, frame 1")
    words = []
    program.export_files.noted.connect(words.append)
    program.actions["copy_command"].trigger()
    assert words == ["A frame of a video has no command line: export it from here, or save it as a picture."]
    idle(qtbot, program)


def test_what_is_no_sequence_is_said_in_a_sentence(qtbot, program, tmp_path):
    folder = write_frames(tmp_path / "shot")
    (folder / "odd.png").write_bytes((folder / "shot.0011.png").read_bytes())
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    for path, words in ((folder, "must have a number at the end of their names; odd.png has none"),
                        (tmp_path / "clip.mp4", "clip.mp4 cannot be read as a video")):  # fmt: skip
        with qtbot.waitSignal(program.file_worker.failed) as failed:
            program.open_files.open_sequence([path])
        assert words in failed.args[0].sentence
    assert program.sequence.frames is None


def test_missing_numbers_are_named(qtbot, program, tmp_path):
    folder = write_frames(tmp_path / "shot")
    (folder / "shot.0013.png").unlink()
    words = []
    program.sequence.noted.connect(words.append)
    open_frames(qtbot, program, folder)
    assert words == ["Frames are missing between 12 and 14. What comes after is matched over the gap."]
    number = named(program.window.timeline, QSpinBox, "Frame")
    number.setValue(13)
    shown(qtbot, program, 2)
    assert number.value() == 14, "the next one that there is"


def test_the_track_goes_to_a_frame_and_keys_step(qtbot, shot):
    track, panel = shot.window.timeline.track, shot.window.panel
    qtbot.mousePress(track, LEFT, pos=at(shot, 5))
    qtbot.waitUntil(lambda: panel.pane("input").canvas.cover is not None)
    assert panel.pane("input").canvas.cover.levels[0][0, 0, 0] == 70, "the frame itself, at once"
    assert shot.sequence.index == 0
    qtbot.mouseRelease(track, LEFT, pos=at(shot, 5))
    shown(qtbot, shot, 5)
    assert panel.pane("input").canvas.cover is None
    qtbot.keyClick(track, Qt.Key.Key_Left)
    shown(qtbot, shot, 4)
    qtbot.keyClick(track, Qt.Key.Key_End)
    shown(qtbot, shot, COUNT - 1)


def test_playing_goes_through_the_frames_and_stops_where_one_looks(qtbot, shot, engine):
    seen, pane = [], shot.window.panel.pane("input")
    opened = len(engine.asked)
    shot.actions["play"].trigger()
    assert shot.actions["play"].isChecked()

    def several():
        cover = pane.canvas.cover
        if cover is not None and (not seen or seen[-1] != int(cover.levels[0][0, 0, 0])):
            seen.append(int(cover.levels[0][0, 0, 0]))
        return len(seen) >= 4

    qtbot.waitUntil(several, timeout=20_000)
    assert len(engine.asked) == opened, "nothing is computed to play"
    assert shot.window.panel.pane("filtered").canvas.cover.levels == [], "of these frames no features are known"
    shot.actions["play"].trigger()
    assert not shot.sequence.playing
    here = (seen[-1] - 20) // 10
    shown(qtbot, shot, here)
    qtbot.mousePress(shot.window.timeline.track, LEFT, pos=at(shot, 0))
    canvas = shot.window.panel.pane("filtered").canvas
    qtbot.waitUntil(lambda: canvas.cover is not None and bool(canvas.cover.levels))
    qtbot.mouseRelease(shot.window.timeline.track, LEFT, pos=at(shot, here))
    shown(qtbot, shot, here)
    assert pane.canvas.cover is None
    idle(qtbot, shot)


def test_marks_and_plot_tell_of_the_matte(qtbot, shot):
    timeline = shot.window.timeline
    assert not timeline.plot.isVisible()
    shot.segments.show(True)
    assert timeline.plot.isVisible()
    assert "Click in a frame what the matte is to hold" in timeline.words
    click(shot)
    carried(qtbot, shot)
    qtbot.waitUntil(lambda: timeline.words.startswith("8 of 8 mattes · 1 jump"))
    assert timeline.words.endswith("area 25.0 %")
    areas, changes = timeline.plot.heights()
    np.testing.assert_allclose(areas, 1)
    assert np.nanargmax(changes) == 5
    qtbot.mouseClick(timeline.plot, LEFT, pos=at(shot, 5))
    shown(qtbot, shot, 5)
    assert "change 30.00 %" in timeline.words
    backwards = button(timeline, "Counts backwards")
    assert not backwards.isEnabled()
    click(shot, 20.0)
    qtbot.waitUntil(backwards.isEnabled)
    backwards.click()
    assert shot.sequence.backwards == {5}
    settled(qtbot, shot)
    before = timeline.grab().toImage()
    go(qtbot, shot, 6)
    assert timeline.grab().toImage() != before
    assert not backwards.isChecked()


def test_a_click_while_frames_play_only_says_so(qtbot, shot):
    shot.segments.show(True)
    words = []
    shot.segments.noted.connect(words.append)
    shot.actions["play"].trigger()
    click(shot)
    assert words == ["Stop playing first, then click."]
    assert shot.sequence.marks == {}
    shot.actions["play"].trigger()
    idle(qtbot, shot)


def test_the_mattes_of_a_range_are_exported(qtbot, shot, engine, tmp_path):
    (tmp_path / "out").mkdir()
    shot.settings.export_folder = str(tmp_path / "out")
    shot.segments.show(True)
    click(shot)

    def choose():
        dialog = QApplication.activeModalWidget()
        assert dialog.subject == 2
        assert "if all 8 pictures" in dialog.findChild(QLabel, "forecast").text()
        named(dialog, QSpinBox, "First frame").setValue(13)
        named(dialog, QSpinBox, "Last frame").setValue(15)
        assert "if all 3 pictures" in dialog.findChild(QLabel, "forecast").text()
        dialog.accept()

    words = []
    shot.export_layers.noted.connect(words.append)
    QTimer.singleShot(0, choose)
    shot.actions["export"].trigger()
    qtbot.waitUntil(lambda: bool(words))
    asked = next(message for message in engine.asked if isinstance(message, ExportFramesRequest))
    assert asked.frames == (2, 3, 4)
    assert asked.carry.key.frame == 0
    assert words == [f"3 frames written into {tmp_path / 'out'}."]
    settled(qtbot, shot)


def test_the_copied_command_names_the_frames_and_the_recipe(qtbot, shot, tmp_path):
    (tmp_path / "out").mkdir()
    shot.settings.export_folder = str(tmp_path / "out")
    shot.segments.show(True)
    click(shot)
    shot.export_layers.remember(tmp_path / "out", LayerExportParams(formats=("exr",)))
    shot.actions["copy_command"].trigger()
    qtbot.waitUntil(lambda: "--sequence" in QGuiApplication.clipboard().text())
    words = QGuiApplication.clipboard().text()
    assert f"{tmp_path}/shot/shot.[0-9]*.png' --sequence -o {tmp_path}/out" in words
    assert f"--matte {tmp_path}/out/shot-sequence-recipe.json" in words
    assert "--formats exr" in words
    settled(qtbot, shot)


def test_frames_are_named_by_a_pattern_where_that_is_all_of_them(tmp_path):
    folder = write_frames(tmp_path / "a [b]")
    paths = sorted(folder.iterdir())
    assert names_of(paths) == [str(tmp_path / "a [[]b]" / "shot.[0-9]*.png")]
    (folder / "shot.0001.mask.png").write_bytes(b"")
    assert names_of(paths) == [str(path) for path in paths], "the pattern would name the mask too"
    bare = [path.rename(folder / f"{k:03d}.png") for k, path in enumerate(paths)]
    assert names_of(bare) == [str(tmp_path / "a [[]b]" / "[0-9]*.png")]
    assert frame_names(FrameList("clip", (Source.from_video(bare[0], 1), Source.from_video(bare[0], 2)), (1, 2))) == [
        str(bare[0])
    ]


def names_of(paths):
    """What the command is given for these frames."""
    return frame_names(FrameList("", tuple(map(Source.from_path, paths)), tuple(range(len(paths)))))
