"""Taught classes outlive the program: in the session, and with each picture; damaged files are said to be that."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import FakeEngine

from sss_gui.program import Program
from sss_gui.requests.classes import Painted
from sss_gui.requests.panes import Source
from sss_gui.saved.classes_entry import SavedClasses
from sss_gui.saved.session_file import SavedSession, SessionFileError, read_session, write_session
from sss_gui.state.classes import ClassEntry
from sss_gui.state.session import State
from sss_gui.window.settings import Settings
from sss_model.classes import FeatureSource, Stroke

FEATURES = FeatureSource(4, "made", "ab" * 32, "resnet", "auto", (0.5, 1.25))
ENTRIES = (ClassEntry(3, "sky", (1, 2, 3)), ClassEntry(7, "the red car", (200, 0, 0)))


def painted(number, seed=0):
    vectors = np.random.default_rng(seed).standard_normal((5, 4)).astype(np.float16)
    points = np.array([[0.25, 0.5], [0.5, 0.125]])
    return Painted(number, FEATURES, Stroke("name of then", "a.png", points, 0.01, 9, vectors))


def plain(saved):
    """As what compares by value."""
    return saved.entries, [
        (source, [(p.number, p.features, p.stroke.points.tolist(), p.stroke.radius, p.stroke.pixels,
                   p.stroke.vectors.tolist()) for p in strokes])
        for source, strokes in saved.strokes
    ]  # fmt: skip


@pytest.fixture
def saved(photos):
    a, b = (Source.from_path(path) for path in photos[:2])
    classes = SavedClasses(ENTRIES, ((a, (painted(3), painted(7, 1))), (None, (painted(7, 2),))))
    return SavedSession(State(b), (b,), classes=classes)


def test_a_session_file_gives_classes_back(tmp_path, saved):
    write_session(tmp_path / "s.sss.json", saved)
    found = read_session(tmp_path / "s.sss.json").classes
    assert plain(found) == plain(saved.classes)
    write_session(tmp_path / "s.sss.json", replace(saved, classes=SavedClasses()))
    assert read_session(tmp_path / "s.sss.json").classes == SavedClasses()


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda c: c["entries"][0].update(name=" "), "must have a name"),
        (lambda c: c["entries"][0].update(name="The Red Car"), "the same number or name"),
        (lambda c: c["entries"][0].update(colour=[1, 2, 300]), "colour must be a whole number"),
        (lambda c: c["strokes"][0]["strokes"][0]["stroke"].update(points=[[2, 0.5]]), "from 0 to 1"),
        (lambda c: c["strokes"][0]["strokes"][0]["stroke"]["vectors"].update(base64="AAA"), "cut off or damaged"),
        (lambda c: c["strokes"][0]["strokes"][0].pop("features"), "it has no 'features'"),
    ],
)
def test_damaged_classes_are_said_to_be_that(tmp_path, saved, damage, words):
    path = tmp_path / "s.sss.json"
    write_session(path, saved)
    values = json.loads(path.read_text())
    damage(values["classes"])
    path.write_text(json.dumps(values))
    with pytest.raises(SessionFileError, match=words):
        read_session(path)


def start(qtbot, folder, engine=FakeEngine):
    program = Program(Settings(folder / "settings.ini"), engine, data=folder / "data")
    qtbot.addWidget(program.window)
    program.window.show()
    program.start()
    return program


def end(program):
    program.window.close()
    assert program.close()


def idle(qtbot, program):
    workers = (program.worker, program.file_worker)
    qtbot.waitUntil(lambda: not any(channel.pending for worker in workers for channel in worker.channels))


def open_picture(qtbot, program, path):
    program.open_files.open_paths([path])
    qtbot.waitUntil(lambda: program.session.shown is not None and program.session.shown.name == path.name)
    idle(qtbot, program)


def test_strokes_come_back_with_their_picture_and_with_the_session(qtbot, tmp_path, photos):
    program = start(qtbot, tmp_path)
    open_picture(qtbot, program, photos[0])
    for name, x in (("sky", 1), ("rest", 3)):
        program.classes.add(name)
        program.classes.paint([(x, 1), (x, 2)], 1)
    idle(qtbot, program)
    program.session_store.save(tmp_path / "all.sss.json")
    program.classes.save(tmp_path / "classes.json")
    idle(qtbot, program)
    taught = program.classes.taught
    end(program)

    program = start(qtbot, tmp_path)
    assert program.classes.taught is None
    open_picture(qtbot, program, photos[0])
    qtbot.waitUntil(lambda: program.classes.taught is not None)
    np.testing.assert_array_equal(program.classes.taught.classifier.weights, taught.classifier.weights)
    assert [stroke.name for stroke in program.classes.taught.strokes] == ["sky", "rest"]
    program.classes.remove(program.classes.entries[0].number)
    end(program)

    program = start(qtbot, tmp_path)
    open_picture(qtbot, program, photos[0])
    qtbot.waitUntil(lambda: bool(program.classes.entries))
    assert [entry.name for entry in program.classes.entries] == ["rest"], "what was removed stays away"
    program.session_store.open(tmp_path / "all.sss.json")
    idle(qtbot, program)
    assert [entry.name for entry in program.classes.entries] == ["sky", "rest"]
    assert len(program.classes.taught.strokes) == 2
    end(program)


def test_a_stroke_of_an_opened_file_goes_over_to_its_picture(qtbot, tmp_path, photos):
    program = start(qtbot, tmp_path)
    open_picture(qtbot, program, photos[0])
    for name, x in (("sky", 1), ("rest", 3)):
        program.classes.add(name)
        program.classes.paint([(x, 1)], 1)
    idle(qtbot, program)
    program.classes.save(tmp_path / "classes.json")
    idle(qtbot, program)
    end(program)

    program = start(qtbot, tmp_path)
    program.classes.open(tmp_path / "classes.json")
    idle(qtbot, program)
    assert list(program.classes.strokes) == [None]
    open_picture(qtbot, program, photos[0])
    qtbot.waitUntil(lambda: list(program.classes.strokes) == [Source.from_path(photos[0])])
    assert [entry.name for entry in program.classes.entries] == ["sky", "rest"]
    assert len(program.classes.taught.strokes) == 2, "none counts twice"
    end(program)
