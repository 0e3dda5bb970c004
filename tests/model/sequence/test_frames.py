"""Numbered pictures and videos as sequences: their order, gaps, sizes, and early ends."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from sss_model.image_io import read_image, write_picture
from sss_model.sequence import SequenceError, open_frames


def shade(number):
    """A picture (24, 32, 3) that is told by its grey."""
    return np.full((24, 32, 3), 10 * number, np.uint8)


@pytest.fixture
def shot(tmp_path):
    for number in (8, 9, 10, 11):
        write_picture(tmp_path / f"shot.{number}.png", shade(number))
    return [tmp_path / f"shot.{number}.png" for number in (10, 8, 11, 9)]


def test_pictures_are_in_the_order_of_their_numbers(shot):
    frames = open_frames(shot)
    assert (frames.name, frames.numbers, frames.rate, frames.notes) == ("shot", [8, 9, 10, 11], None, [])
    assert [frames.stem(k) for k in range(4)] == ["shot.8", "shot.9", "shot.10", "shot.11"]
    for k, number in enumerate(frames.numbers):
        np.testing.assert_allclose(frames.read(k), number * 10 / 255, atol=1e-6)
    assert frames.source(1).name == "shot.9.png"
    assert len(frames.sha256(1)) == 64


def test_numbers_alone_take_the_folders_name(tmp_path):
    (tmp_path / "walk").mkdir()
    for number in (0, 1):
        write_picture(tmp_path / "walk" / f"{number:05d}.png", shade(number))
    frames = open_frames(sorted((tmp_path / "walk").iterdir()))
    assert (frames.name, frames.numbers) == ("walk", [0, 1])


def test_missing_frames_are_told(tmp_path):
    def notes(*numbers):
        return open_frames([tmp_path / f"a_{number}.png" for number in numbers]).notes

    assert notes(2, 4, 6, 8) == []  # every other one
    assert notes(5) == []
    (said,) = notes(1, 2, 5, 6, 9)
    assert "between 2 and 5; 6 and 9." in said
    (said,) = notes(1, 2, 4, 6, 8, 10)
    assert "2 and 4; 4 and 6; 6 and 8, and at 1 more places." in said


def test_files_that_are_no_sequence(tmp_path):
    for names, said in (
        (("a1.png", "b.png"), "b.png has none"),
        (("a1.png", "b2.png"), "of 2 sequences: a, b"),
        (("a1.png", "a01.png"), "frame 1 is there twice"),
        (("a1.png", "b.mp4"), "one video or pictures; got b.mp4 and other files"),
        (("none.mp4",), "There is no video"),
    ):
        with pytest.raises(SequenceError, match=said):
            open_frames([tmp_path / name for name in names])
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(SequenceError, match="cannot be read as a video"):
        open_frames([tmp_path / "text.mp4"])


def test_a_frame_of_another_size_is_named(shot):
    write_picture(shot[0], np.zeros((20, 32, 3), np.uint8))
    frames = open_frames(shot)
    frames.read(0)
    with pytest.raises(SequenceError, match=r"shot.10.png has 32 x 20 pixels, those before have 32 x 24"):
        frames.read(2)
    assert frames.read(3).shape == (24, 32, 3)


def write_video(path, count=45):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 12.5, (32, 24))
    for number in range(count):
        writer.write(np.full((24, 32, 3), (5 * number, 100, 0), np.uint8))  # blue first
    writer.release()


def test_a_video_is_read_in_any_order(tmp_path):
    write_video(tmp_path / "clip.avi")
    frames = open_frames([tmp_path / "clip.avi"])
    assert (frames.name, frames.numbers, frames.rate, frames.notes) == ("clip", list(range(1, 46)), 12.5, [])
    assert frames.stem(6) == "clip.0007"
    for k in (0, 1, 5, 44, 43, 42, 3, 10, 9):
        frame = frames.read(k)
        assert frame.dtype == np.float32
        assert frame.shape == (24, 32, 3)
        np.testing.assert_allclose(frame[12, 16] * 255, (0, 100, 5 * k), atol=8)


def test_a_video_that_ends_early_is_told_and_read_to_there(tmp_path):
    write_video(tmp_path / "clip.avi")
    data = (tmp_path / "clip.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    frames = open_frames([tmp_path / "cut.avi"])
    whole = len(frames.numbers)
    assert 5 < whole < 45
    (said,) = frames.notes
    assert said == f"cut.avi ends early: {whole} of 45 frames can be read."
    np.testing.assert_allclose(frames.read(whole - 1)[12, 16, 2] * 255, 5 * (whole - 1), atol=8)


def test_the_same_picture_as_an_image(shot):
    np.testing.assert_array_equal(open_frames(shot).read(0), read_image(shot[1]))
