"""The sequence that is open: its key and corrections, where its matte is, what ends it, and what is kept of it."""

from __future__ import annotations

import numpy as np
import pytest
from journeys import asked, idle
from sequences import COUNT, carried, click, go, open_frames, settled, shown, write_frames

from sss_gui.requests.panes import ComputeFeatures
from sss_gui.requests.segments import MatteRequest, SegmentsRequest
from sss_gui.requests.sequence import CarryRequest
from sss_gui.saved.session_file import read_session, write_session
from sss_model.params.layers import MatteParams


@pytest.fixture
def shot(qtbot, program, tmp_path):
    """Eight frames, the first of which is shown in the Segments view."""
    open_frames(qtbot, program, write_frames(tmp_path / "shot"))
    program.segments.show(True)
    idle(qtbot, program)
    return program


def told(part):
    words = []
    part.noted.connect(words.append)
    return words


def test_frames_have_a_timeline_and_one_basis(qtbot, shot, engine):
    window, sequence = shot.window, shot.sequence
    assert window.timeline.isVisible()
    assert not window.film_strip.isVisible()
    assert sequence.frames.numbers == tuple(range(11, 11 + COUNT))
    qtbot.waitUntil(lambda: shot.session.state.basis is not None)
    shown(qtbot, shot, 0)
    shot.actions["next_picture"].trigger()
    shown(qtbot, shot, 1)
    assert window.timeline.track.frame == 1
    assert not asked(engine, SegmentsRequest), "frames are cut into layers by command only"
    shot.actions["close_picture"].trigger()
    assert shot.pictures.sources == []
    assert sequence.frames is None
    assert not window.timeline.isVisible()


def test_the_first_frame_that_is_clicked_is_the_key_and_others_correct_it(qtbot, shot, engine):
    sequence, segments, words = shot.sequence, shot.segments, told(shot.segments)
    go(qtbot, shot, 2)
    click(shot)
    assert (sequence.key, list(sequence.marks)) == (2, [2])
    go(qtbot, shot, 5)
    click(shot)
    assert "has not come to this frame yet" in words[-1]
    assert segments.edits.steps == ()
    carried(qtbot, shot)
    assert segments.carried
    assert segments.matte_request().carried.frame == 5
    click(shot, 20.0)
    assert sequence.key == 2
    assert sorted(sequence.marks) == [2, 5]
    settled(qtbot, shot)
    carry = asked(engine, CarryRequest)[-1].carry
    assert carry.key.frame == 2
    assert [(mark.frame, len(mark.matte.matte.steps), mark.backwards) for mark in carry.corrections] == [(5, 1, False)]
    sequence.set_backwards(5, True)
    settled(qtbot, shot)
    assert asked(engine, CarryRequest)[-1].carry.corrections[0].backwards
    request = segments.matte_request()
    assert request.carried.carry.corrections == (), "its own corrections are its steps"
    assert len(request.matte.steps) == 1
    shot.actions["undo"].trigger()
    assert sorted(sequence.marks) == [2]
    assert sequence.backwards == frozenset()


def test_without_its_steps_the_key_is_another_frame_or_none(qtbot, shot):
    sequence = shot.sequence
    click(shot)
    carried(qtbot, shot)
    go(qtbot, shot, 3)
    click(shot, 20.0)
    settled(qtbot, shot)
    go(qtbot, shot, 0)
    shot.segments.start_over()
    assert (sequence.key, list(sequence.marks)) == (3, [3])
    go(qtbot, shot, 3)
    shot.segments.start_over()
    assert (sequence.key, sequence.marks, sequence.carrying) == (None, {}, False)
    assert np.isnan(sequence.areas).all()
    words = told(sequence)
    sequence.set_carrying(True)
    assert not sequence.carrying
    assert words == ["First click in a frame what the matte is to hold."]


def test_what_is_done_at_the_end_is_the_same_in_all_frames(qtbot, shot, engine):
    click(shot)
    shot.segments.set_params(MatteParams(feather=3.0))
    carried(qtbot, shot)
    go(qtbot, shot, 4)
    assert shot.segments.edits.params == MatteParams(feather=3.0)
    shot.segments.set_params(MatteParams(grow=2.0))
    settled(qtbot, shot)
    assert shot.sequence.marks[0].matte.params == MatteParams(grow=2.0)
    assert asked(engine, CarryRequest)[-1].carry.key.matte.matte.params == MatteParams(grow=2.0)


def test_what_was_carried_shows_before_its_features_are_there(qtbot, shot, engine):
    click(shot)
    carried(qtbot, shot)
    before = len(asked(engine, MatteRequest))
    go(qtbot, shot, 4)
    qtbot.waitUntil(lambda: len(asked(engine, MatteRequest)) > before)
    request = asked(engine, MatteRequest)[-1]
    assert request.carried.frame == 4
    assert request.features == ComputeFeatures(shot.sequence.frames.sources[4], extract=shot.session.state.extract)


def test_esc_stops_carrying_and_what_is_there_stays(qtbot, shot, engine):
    sequence = shot.sequence
    click(shot)
    idle(qtbot, shot)
    engine.gate.clear()
    sequence.set_carrying(True)
    qtbot.waitUntil(lambda: any(isinstance(message, CarryRequest) and message.on for message in engine.asked))
    qtbot.waitUntil(lambda: shot.session.busy)
    shot.actions["cancel"].trigger()
    qtbot.waitUntil(lambda: not sequence.carrying)
    engine.gate.set()
    idle(qtbot, shot)
    carried(qtbot, shot)
    assert not shot.session.busy
    assert sequence.carrying, "corrections to come are carried on"


def test_a_frame_that_is_no_picture_is_named(qtbot, program, tmp_path):
    folder = write_frames(tmp_path / "shot")
    for path in folder.iterdir():
        path.rename(folder / path.name.replace("shot", "frame"))
    (folder / "frame.0014.png").write_bytes(b"nothing")
    open_frames(qtbot, program, folder)
    program.segments.show(True)
    click(program)
    words = told(program.sequence)
    program.sequence.set_carrying(True)
    settled(qtbot, program)
    assert program.sequence.failed == {3: "frame.0014.png is no picture."}
    assert words == ["Frame 14 is left out: frame.0014.png is no picture."]
    assert len(program.sequence.files) == COUNT - 1


def test_a_frame_with_another_file_has_the_matte_carried_anew(qtbot, shot, engine):
    click(shot)
    carried(qtbot, shot)
    before = asked(engine, CarryRequest)[-1].carry
    shot.file_watcher.reloaded.emit(shot.sequence.frames.sources[2])
    assert shot.sequence.files == {}
    settled(qtbot, shot)
    assert asked(engine, CarryRequest)[-1].carry.frames.version == before.frames.version + 1
    assert len(shot.sequence.files) == COUNT


def test_other_pictures_end_the_sequence(qtbot, shot):
    click(shot)
    carried(qtbot, shot)
    words = told(shot.open_files)
    shot.open_files.open_sample()
    assert shot.sequence.frames is None
    assert len(shot.pictures.sources) == 1
    assert words == ["Closed the sequence shot; what was made of it is kept."]
    qtbot.waitUntil(lambda: shot.session.shown is not None)
    idle(qtbot, shot)


def test_frames_opened_again_have_their_matte_back(qtbot, shot, tmp_path):
    click(shot)
    carried(qtbot, shot)
    go(qtbot, shot, 3)
    click(shot, 20.0)
    shot.sequence.set_backwards(3, True)
    settled(qtbot, shot)
    marks = {k: mark.matte.steps for k, mark in shot.sequence.marks.items()}
    shot.sequence_edits.keep()
    shot.open_files.open_sample()
    qtbot.waitUntil(lambda: not shot.file_worker.busy)
    words = told(shot.sequence_edits)
    open_frames(qtbot, shot, tmp_path / "shot")
    qtbot.waitUntil(lambda: shot.sequence.key is not None)
    assert words == ["What you made of shot is back."]
    assert {k: mark.matte.steps for k, mark in shot.sequence.marks.items()} == marks
    assert shot.sequence.backwards == {3}
    idle(qtbot, shot)
    assert len(shot.segments.edits.steps) == 1
    settled(qtbot, shot)


def test_a_session_has_the_sequence(qtbot, shot, tmp_path):
    click(shot)
    carried(qtbot, shot)
    go(qtbot, shot, 4)
    click(shot, 20.0)
    settled(qtbot, shot)
    write_session(tmp_path / "s.sss.json", shot.snapshot.capture())
    shot.pictures.close_all()
    saved = read_session(tmp_path / "s.sss.json")
    assert saved.sequence.key == 0
    shot.snapshot.restore(saved)
    shown(qtbot, shot, 4)
    settled(qtbot, shot)
    assert shot.sequence.frames.numbers == tuple(range(11, 11 + COUNT))
    assert sorted(shot.sequence.marks) == [0, 4]
    (tmp_path / "shot" / "shot.0011.png").unlink()
    missing = read_session(tmp_path / "s.sss.json").sequence
    assert missing.numbers == tuple(range(12, 11 + COUNT))
    assert (missing.key, missing.marks) == (None, {}), "the frame that the matte was made in is gone"


def test_layers_of_another_frame_keep_their_names_and_colours(qtbot, shot, engine):
    segments = shot.segments
    engine.matched = ()
    segments.compute()
    qtbot.waitUntil(lambda: segments.status == "exact")
    segments.set_count(2)
    segments.rename(segments.edits.layers[0].number, "wall")
    segments.set_colour(segments.edits.layers[0].number, (1, 2, 3))
    qtbot.waitUntil(lambda: segments.status == "exact")
    first, groups = segments.edits.layers, segments.groups
    go(qtbot, shot, 3)
    assert segments.status == "frame"
    engine.matched = tuple(1 - group for group in groups)  # what was the one is where the other was
    segments.compute()
    qtbot.waitUntil(lambda: segments.status == "exact")
    like = asked(engine, SegmentsRequest)[-1].like
    assert (like.cut.features.source, like.groups) == (shot.sequence.frames.sources[0], groups)
    assert [(layer.number, layer.name, layer.colour) for layer in segments.edits.layers] == [
        (layer.number, layer.name, layer.colour) for layer in first
    ]
    assert [layer.components for layer in segments.edits.layers] == [layer.components for layer in first[::-1]]
    idle(qtbot, shot)
