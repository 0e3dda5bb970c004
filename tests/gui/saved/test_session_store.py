"""Sessions saved, opened, written while one works, and restored after a crash."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from fakes import FakeEngine
from journeys import idle_shown, save_as

from sss_gui.app import initial_state, parse
from sss_gui.program import Program
from sss_gui.requests.panes import Source
from sss_gui.saved.session_file import SavedSession, read_session, write_session
from sss_gui.state.session import State
from sss_gui.window.settings import Settings
from sss_model.image_io import write_picture
from sss_model.params import ClusterParams, FilterParams, ProjectionParams, SimilarityParams


def saved(photos):
    sources = (*(Source.from_path(path) for path in photos), Source.from_path(photos[0], layout="strip"))
    state = State(sources[1], filter=FilterParams(radius=9, eps=1 / 3), projection=ProjectionParams(seed=7))
    origin = sources[0], ((7, 8),)
    return SavedSession(state, sources, ((1, 2), (3, 4)), (5.5, 6.25), 3.5, 2, origin, "clusters",
                        SimilarityParams("distance", 0.3), ClusterParams(5, 9),
                        ((sources[0], ((7, 8),)), (sources[3], ((2, 2), (0, 1)))))  # fmt: skip


def test_saving_and_opening_brings_the_window_back(qtbot, program, engine, tmp_path, photos):
    program.open_files.open_paths(photos)
    qtbot.waitUntil(lambda: program.pictures.index == 0)
    idle_shown(qtbot, program)
    program.pictures.step(1)
    program.session.set_filter(FilterParams(radius=9))
    idle_shown(qtbot, program)
    program.pins.add((3, 4))
    program.window.panel.controller.set_view(10, 11, 8.0)
    program.window.params.rested.emit("threshold", 0.3)
    program.window.params.rested.emit("clusters", 5)
    program.overlay_choices.show("similarity")
    program.session_store.save(tmp_path / "s.sss.json")
    program.open_files.open_paths([photos[3]])
    program.overlay_choices.show("")
    program.overlay_choices.set_similarity(SimilarityParams())
    program.overlay_choices.set_clusters(ClusterParams())
    program.session.set_filter(FilterParams())
    idle_shown(qtbot, program)
    program.open_files.open_paths([tmp_path / "s.sss.json"])
    idle_shown(qtbot, program)
    assert [source.name for source in program.pictures.sources] == [path.name for path in photos]
    assert program.session.state.source.name == "b.png"
    assert program.session.state.filter.radius == 9
    assert program.pins.points == [(3, 4)]
    assert program.window.panel.controller.scale == 8.0
    assert (program.overlay_choices.shown, program.overlay_choices.similarity.threshold) == ("similarity", 0.3)
    assert (program.window.params.value("threshold"), program.window.params.value("clusters")) == (0.3, 5)
    (tmp_path / "s.sss.json").write_text("broken")
    program.open_files.open_paths([tmp_path / "s.sss.json"])
    assert program.window.panel.banner.isVisible()
    assert program.session.state.source.name == "b.png"


def test_a_session_brings_back_the_pins_of_every_picture_and_the_whole_view(qtbot, program, tmp_path, photos):
    view = program.window.panel.controller

    def open_all():
        program.open_files.open_paths([photos[0], photos[1], photos[3]])
        qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
        idle_shown(qtbot, program)

    open_all()
    program.pins.add((1, 2))
    program.pictures.choose(1)
    idle_shown(qtbot, program)
    program.pins.add((3, 4))
    qtbot.waitUntil(lambda: program.window.probe.height() > 60)  # the first pin unfolds the pixels
    view.fit()
    fitted = view.scale
    program.session_store.save(tmp_path / "s.sss.json")
    program.pins.clear()
    program.pictures.choose(0)
    idle_shown(qtbot, program)
    program.pins.set([(9, 9)])
    view.set_view(4, 4, 16.0)
    program.session_store.open(tmp_path / "s.sss.json")
    idle_shown(qtbot, program)
    assert program.session.state.source.path == photos[1]
    assert program.pins.points == [(3, 4)]
    assert (view.fitting, view.scale) == (True, fitted)
    program.pictures.choose(2)
    idle_shown(qtbot, program)
    assert program.pins.points == []
    program.pictures.choose(0)
    idle_shown(qtbot, program)
    assert program.pins.points == [(1, 2)]


@pytest.mark.skipif(os.name == "nt", reason="file names are bytes on POSIX alone")
def test_names_that_are_not_utf8_are_saved_and_read(tmp_path):
    picture = tmp_path / os.fsdecode(b"caf\xe9 \xc3\xa9.png")
    try:
        write_picture(picture, np.zeros((4, 4, 3), np.uint8))
    except OSError:
        pytest.skip("this file system takes UTF-8 alone")
    source = Source.from_path(picture)
    session = SavedSession(State(source), (source,))
    write_session(tmp_path / "s.sss.json", session)
    assert read_session(tmp_path / "s.sss.json") == session
    assert "é.png" in (tmp_path / "s.sss.json").read_text(encoding="utf-8"), "other names stay readable"


def test_a_session_whose_shown_picture_is_gone_leaves_the_next_one_as_it_is(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos[:2])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 2)
    idle_shown(qtbot, program)
    program.pictures.choose(1)
    idle_shown(qtbot, program)
    program.pins.add((3, 4))
    program.window.panel.controller.set_view(10, 11, 8.0)
    program.session_store.save(tmp_path / "s.sss.json")
    photos[1].unlink()
    program.session_store.open(tmp_path / "s.sss.json")
    idle_shown(qtbot, program)
    assert program.session.state.source.path == photos[0]
    assert program.pins.points == []
    assert program.window.panel.controller.fitting


def test_zoom_and_a_pane_alone_are_written_soon_too(qtbot, program, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    store, panel = program.session_store, program.window.panel
    for change in (lambda: panel.controller.set_view(4, 4, 9.0), lambda: panel.solo(2)):
        store.keep()
        assert not store.pending
        change()
        assert store.pending
    store.keep()
    qtbot.waitUntil(lambda: not store.writing)
    kept = read_session(store.path)
    assert (kept.scale, kept.solo) == (9.0, 2)
    store.end(keep=False)
    panel.solo(0)
    assert not store.pending, "a program that ended leaves nothing"


def test_after_a_crash_the_session_is_there_again_and_after_a_good_end_it_is_not(qtbot, tmp_path, photos):
    engine = FakeEngine()
    first = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(first.window)
    first.start([photos[1]])
    idle_shown(qtbot, first)
    first.session.set_filter(FilterParams(radius=11))
    idle_shown(qtbot, first)
    first.session_store.keep()
    qtbot.waitUntil(lambda: not first.session_store.writing)
    own = next((tmp_path / "data" / "sessions").glob("running-*"))
    dead = own.with_name("running-999999999.sss.json")
    os.link(own, dead)
    assert first.close()
    assert not own.exists()

    asked = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(asked.window)
    asked.start([photos[3]], restore=False)
    idle_shown(qtbot, asked)
    assert asked.session.state.source.path == photos[3], "pictures on the command line come first"
    assert asked.close()
    assert dead.exists()

    second = Program(Settings(tmp_path / "s.ini"), lambda: engine, data=tmp_path / "data")
    qtbot.addWidget(second.window)
    second.start([photos[0]])
    idle_shown(qtbot, second)
    assert second.session.state.source.path == photos[1]
    assert second.session.state.filter.radius == 11
    assert not dead.exists(), "it is offered once"
    assert second.close()


def test_a_session_is_not_written_over_a_file_unasked(program, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my.v2.sss.json"
    assert save_as(tmp_path / "my.v2", program.session_store.save_dialog) == []
    assert read_session(path).sources == ()
    path.write_text("mine")
    (asked,) = save_as(tmp_path / "my.v2", program.session_store.save_dialog)
    assert path.name in asked
    assert path.read_text() == "mine"


def test_a_session_saved_before_its_picture_is_there_keeps_pins_and_view(qtbot, program, engine, tmp_path, photos):
    path, again = tmp_path / "s.sss.json", tmp_path / "again.sss.json"
    write_session(path, saved(photos))
    engine.gate.clear()
    program.session_store.open(path)
    program.session_store.save(again)
    assert read_session(again) == read_session(path)
    program.session.cancel()
    engine.gate.set()
    qtbot.waitUntil(lambda: not program.session.busy)


def test_a_locked_basis_goes_with_the_session(qtbot, program, tmp_path, photos):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    program.basis.set_mode("locked")
    qtbot.waitUntil(lambda: program.session.state.basis is not None)
    idle_shown(qtbot, program)
    own = program.session.state.basis
    program.session_store.save(tmp_path / "mine.sss.json")
    content = own.read_bytes()
    own.unlink()
    copy = read_session(tmp_path / "mine.sss.json").state.basis
    assert copy == tmp_path / "mine-basis.json"
    assert copy.read_bytes() == content


def test_what_a_crash_left_is_set_aside_rather_than_lost(qtbot, tmp_path, program, photos):
    folder = program.session_store.path.parent
    folder.mkdir(parents=True)
    left = folder / "running-999999999.sss.json"
    write_session(left, saved(photos))
    assert program.session_store.restore_left(left)
    assert not left.exists()
    assert read_session(folder / "crashed.sss.json") == saved(photos)
    idle_shown(qtbot, program)


def test_the_picture_that_the_program_came_down_over_is_not_opened_again(qtbot, tmp_path, program, photos):
    folder = program.session_store.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    left, before = folder / "running-999999999.sss.json", saved(photos)
    write_session(left, before)
    (folder / "opening-999999999").write_bytes(os.fsencode(photos[1]))
    noted = []
    program.session_store.noted.connect(noted.append)
    assert program.session_store.restore_left(left)
    assert before.state.source.path == photos[1]
    assert photos[1] not in [source.path for source in program.pictures.sources]
    assert program.session.state.source.path == photos[0]
    assert program.session.state.filter == before.state.filter
    assert any(photos[1].name in words for words in noted)
    assert not (folder / "opening-999999999").exists(), "once"
    idle_shown(qtbot, program)


def test_a_crash_over_the_only_picture_leaves_nothing_to_restore(program, photos):
    folder = program.session_store.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    left, source = folder / "running-999999998.sss.json", Source.from_path(photos[0])
    write_session(left, SavedSession(State(source), (source,)))
    (folder / "opening-999999998").write_bytes(os.fsencode(photos[0]))
    assert not program.session_store.restore_left(left)


def test_of_two_windows_that_crash_together_neither_is_lost(qtbot, program, photos):
    store, folder = program.session_store, program.session_store.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for number, (process, photo) in enumerate((("999999991", photos[0]), ("999999992", photos[1]))):
        source = Source.from_path(photo)
        write_session(folder / f"running-{process}.sss.json", SavedSession(State(source), (source,)))
        os.utime(folder / f"running-{process}.sss.json", (number, number))
    (folder / "opening-999999991").write_bytes(os.fsencode(photos[3]))
    (folder / "opening-999999993").write_bytes(b"of a program that came down before it wrote a session")
    said = []
    store.noted.connect(said.append)
    assert store.restore_left(store.left_behind())
    assert program.session.state.source.path == photos[1]
    assert said[-1].endswith("Another one was left, and comes with the next window.")
    assert store.restore_left(store.left_behind())
    assert program.session.state.source.path == photos[0]
    assert photos[3].name in said[-1]
    assert store.left_behind() is None
    assert sorted(path.name for path in folder.glob("opening-99999999*")) == []
    idle_shown(qtbot, program)


def test_a_session_is_offered_though_another_program_has_its_number_now(program, photos):
    """Another program: it began after the session was written. One that began before is a window that still runs."""
    folder, source = program.session_store.path.parent, Source.from_path(photos[0])
    folder.mkdir(parents=True, exist_ok=True)
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        left = folder / f"running-{other.pid}.sss.json"
        write_session(left, SavedSession(State(source), (source,)))
        os.utime(left, (time.time() + 60, time.time() + 60))
        assert program.session_store.left_behind() is None
        os.utime(left, (time.time() - 3600, time.time() - 3600))
        assert program.session_store.left_behind() == left
    finally:
        other.communicate(b"\n")


def test_a_picture_is_marked_while_it_is_being_opened(qtbot, program, engine, photos):
    marker = program.session_store.path.parent / f"opening-{os.getpid()}"
    engine.gate.clear()
    program.open_files.open_paths([photos[0]])
    assert os.fsdecode(marker.read_bytes()) == str(photos[0])
    engine.gate.set()
    idle_shown(qtbot, program)
    assert not marker.exists()
    program.open_files.open_paths([photos[0].with_name("broken.png")])
    qtbot.waitUntil(lambda: not program.session.busy)
    assert not marker.exists(), "it failed, which is no crash"


def test_files_named_on_the_command_line_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert initial_state(parse(["a.png", "--model", "net.safetensors"]), None).model == tmp_path / "net.safetensors"


def test_a_damaged_session_of_a_crash_is_kept_and_named(qtbot, program, tmp_path):
    left = tmp_path / "running-1.sss.json"
    left.write_text("[" * 100_000)
    with qtbot.waitSignal(program.session_store.noted) as noted:
        assert not program.session_store.restore_left(left)
    kept = tmp_path / "crashed.sss.json"
    assert kept.read_text() == "[" * 100_000
    assert str(kept) in noted.args[0]
    assert "nested too deep" in noted.args[0]


def test_a_slow_disk_does_not_hold_up_the_window(qtbot, program, photos, monkeypatch):
    program.open_files.open_paths(photos[:1])
    idle_shown(qtbot, program)
    threads, written = [], []

    def slow(path, session):
        threads.append(threading.current_thread().name)
        time.sleep(0.3)
        written.append(session)

    monkeypatch.setattr("sss_gui.saved.session_store.write_session", slow)
    store = program.session_store
    begun = time.perf_counter()
    for radius in (7, 8, 9):
        program.session.set_filter(FilterParams(radius=radius))
        store.keep()
    assert time.perf_counter() - begun < 0.25
    qtbot.waitUntil(lambda: not store.writing)
    assert set(threads) == {"sss-sessions"}
    assert written[-1].state.filter.radius == 9
    assert len(written) <= 2, "of those that wait the newest"


def test_what_is_written_while_the_program_ends_does_not_come_back(qtbot, tmp_path, photos, monkeypatch):
    first = Program(Settings(tmp_path / "s.ini"), FakeEngine, data=tmp_path / "data")
    qtbot.addWidget(first.window)
    first.start([photos[0]])
    idle_shown(qtbot, first)

    def slow(path, session):
        time.sleep(0.3)
        write_session(path, session)

    monkeypatch.setattr("sss_gui.saved.session_store.write_session", slow)
    first.session_store.keep()
    assert first.close()
    assert not list((tmp_path / "data" / "sessions").glob("running-*"))
    assert read_session(first.session_store.last).state.source.path == photos[0]


def test_a_disk_that_takes_no_session_is_said_and_nothing_else_stops(qtbot, program, monkeypatch):
    def refuse(path, session):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sss_gui.saved.session_store.write_session", refuse)
    with qtbot.waitSignal(program.session_store.noted) as said:
        program.session_store.keep()
    assert said.args[0].startswith("The session cannot be kept: ")
