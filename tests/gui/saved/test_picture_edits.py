"""What was made of pictures outlives the program: each picture's own, and the session as a whole."""

from __future__ import annotations

import shutil

import pytest
from fakes import FakeEngine
from journeys import idle_shown

from sss_gui.program import Program
from sss_gui.requests.panes import Source
from sss_gui.window.settings import Settings
from sss_gui.worker import file_engine
from sss_model.image_io import write_picture
from sss_model.matting.steps import stroke_at


@pytest.fixture
def started(qtbot, tmp_path):
    """Starts programs on the same settings and data, one after the other; each ends as by Ctrl+Q."""
    programs = []

    def start(*paths, stand_in=None):
        program = Program(Settings(tmp_path / "settings.ini"), FakeEngine, data=tmp_path / "data")
        qtbot.addWidget(program.window)
        programs.append(program)
        if stand_in is not None:
            program.open_files.stand_in = Source.from_path(stand_in)
        program.window.resize(1000, 700)
        program.window.show()
        program.start([*paths] or [stand_in] if stand_in or paths else [], restore=not paths)
        return program

    yield start
    for program in programs:
        quit_program(program)


def quit_program(program):
    if not program.worker.closing:
        program.window.close()
        assert program.close()


def cut_out(qtbot, program):
    """Pin a pixel; name, pick and merge layers; paint a stroke."""
    idle_shown(qtbot, program)
    program.window.panel.pixel_clicked.emit(3, 4)
    program.actions["segments_view"].trigger()
    layers_there(qtbot, program)
    segments = program.segments
    segments.pick(frozenset((1, 2)))
    segments.merge()
    segments.rename(segments.edits.layers[0].number, "bird")
    segments.pick(frozenset((segments.edits.layers[0].number,)))
    segments.add_step(stroke_at([(2, 2), (4, 4)], True, 2, program.session.size))
    layers_there(qtbot, program)
    return segments.edits


def layers_there(qtbot, program):
    qtbot.waitUntil(lambda: program.segments.status == "exact" and program.session.at_rest)


def same(edits, other):
    return (edits.layers, edits.picked, edits.steps, edits.params) == (
        other.layers,
        other.picked,
        other.steps,
        other.params,
    )


def test_what_was_quit_goes_on_where_it_was(qtbot, started, photos):
    first = started(photos[0], photos[1])
    made = cut_out(qtbot, first)
    quit_program(first)
    second = started(stand_in=photos[3])
    idle_shown(qtbot, second)
    banner = second.window.panel.banner
    assert banner.text() == ("Continue where you were", "a.png and 1 more, with all that you made of it. "
                             "Also in the menu File (Ctrl+Shift+T).")  # fmt: skip
    assert second.actions["continue_session"].isEnabled()
    second.actions["continue_session"].trigger()
    idle_shown(qtbot, second)
    layers_there(qtbot, second)
    assert [source.name for source in second.pictures.sources] == ["a.png", "b.png"]
    assert second.segments.shown
    assert second.pins.points == [(3, 4)]
    assert same(second.segments.edits, made)
    assert banner.text() == ("", "")
    assert not second.actions["continue_session"].isEnabled()


def test_a_sample_that_nobody_touched_does_not_take_the_place_of_work(qtbot, started, photos):
    first = started(photos[0])
    idle_shown(qtbot, first)
    assert not first.actions["continue_session"].isEnabled(), "there is nothing to go on with"
    quit_program(first)
    for _ in range(2):
        again = started(stand_in=photos[3])
        idle_shown(qtbot, again)
        assert again.window.panel.banner.text()[1].startswith("a.png, with")
        quit_program(again)


def test_the_offer_goes_once_something_else_is_opened(qtbot, started, photos):
    first = started(photos[0])
    idle_shown(qtbot, first)
    quit_program(first)
    second = started(stand_in=photos[3])
    idle_shown(qtbot, second)
    second.open_files.open_paths([photos[1]])
    idle_shown(qtbot, second)
    assert second.window.panel.banner.text() == ("", "")
    assert second.actions["continue_session"].isEnabled()


def test_a_picture_has_its_edits_back_wherever_it_is_opened_from(qtbot, started, tmp_path):
    write_picture(tmp_path / "bird.png", FakeEngine().picture(77)[0])
    first = started(tmp_path / "bird.png")
    made = cut_out(qtbot, first)
    quit_program(first)
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copy(tmp_path / "bird.png", tmp_path / "elsewhere" / "copy.png")
    (tmp_path / "bird.png").unlink()
    second, said = started(tmp_path / "elsewhere" / "copy.png"), []
    second.picture_edits.noted.connect(said.append)
    idle_shown(qtbot, second)
    qtbot.waitUntil(lambda: second.pins.points == [(3, 4)])
    assert said == ["What you made of copy.png is back."]
    assert second.segments.edits.steps == made.steps
    assert not second.undo.has_steps, "what is back is no step"
    second.actions["segments_view"].trigger()
    layers_there(qtbot, second)
    assert same(second.segments.edits, made)
    second.actions["clear_pins"].trigger()
    quit_program(second)
    third = started(tmp_path / "elsewhere" / "copy.png")
    idle_shown(qtbot, third)
    qtbot.waitUntil(lambda: third.segments.edits.steps == made.steps)
    assert third.pins.points == [], "what was taken back stays so"
    assert str(copy).endswith("copy.png")


def test_edits_are_written_while_one_works_and_of_every_picture(qtbot, started, tmp_path, photos):
    for path, shade in zip(photos[:2], (10, 20), strict=True):
        write_picture(path, FakeEngine().picture(shade)[0])
    program = started(photos[0], photos[1])
    for index in (0, 1):
        program.pictures.choose(index)
        idle_shown(qtbot, program)
        program.window.panel.pixel_clicked.emit(index + 1, 5)
    qtbot.waitUntil(lambda: len(list((tmp_path / "data" / "edits").glob("*.json"))) == 2)
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    program.pins.clear()
    program.picture_edits.keep()
    qtbot.waitUntil(lambda: len(list((tmp_path / "data" / "edits").glob("*.json"))) == 1)


def test_copies_that_are_open_at_a_time_have_pins_of_their_own(qtbot, started, photos):
    program = started(photos[0], photos[1])
    idle_shown(qtbot, program)
    program.window.panel.pixel_clicked.emit(1, 2)
    program.pictures.choose(1)
    idle_shown(qtbot, program)
    qtbot.waitUntil(lambda: not program.file_worker.busy)
    assert program.pins.points == []
    program.window.panel.pixel_clicked.emit(3, 3)
    program.pictures.choose(0)
    idle_shown(qtbot, program)
    assert program.pins.points == [(1, 2)]
    quit_program(program)
    again = started(photos[0])
    qtbot.waitUntil(lambda: again.pins.points == [(1, 2)])


def test_a_damaged_file_of_edits_is_said_and_stops_nothing(qtbot, started, tmp_path, photos):
    first = started(photos[0])
    idle_shown(qtbot, first)
    first.window.panel.pixel_clicked.emit(1, 2)
    quit_program(first)
    (path,) = (tmp_path / "data" / "edits").glob("*.json")
    for damage in ("{", "[]", '{"program": 3}', path.read_text().replace("[\n   1", '[\n   "x"')):
        path.write_text(damage)
        program, said = started(photos[0]), []
        program.picture_edits.noted.connect(said.append)
        qtbot.waitUntil(lambda said=said: bool(said))
        idle_shown(qtbot, program)
        assert said == ["What was made of a.png before cannot be read: its file is damaged."]
        assert program.pins.points == []
        quit_program(program)


def test_as_many_files_of_edits_as_are_worth_it_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(file_engine, "EDITED", 3)
    for number in range(5):
        file_engine.write_edits(tmp_path / "edits", f"p{number}", "{}")
    assert len(list((tmp_path / "edits").glob("*.json"))) == 3
    file_engine.write_edits(tmp_path / "edits", "p4", "")
    assert not (tmp_path / "edits" / "p4.json").exists()
