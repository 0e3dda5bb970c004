"""Features of the other open pictures: computed when it is quiet, given up when something is wanted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from journeys import asked

from sss_gui.requests.overlays import SimilarityRequest
from sss_gui.requests.panes import ComputeFeatures, PrefetchRequest, Source
from sss_gui.worker.engine import FeatureEngine
from sss_gui.worker.feature_cache import FeatureCache
from sss_model.feature_io import write_features
from sss_model.image_io import write_picture
from sss_model.progress import Progress

NAMES = ("a.png", "b.png", "c.png", "d.png")


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        write_picture(tmp_path / name, np.zeros((4, 4, 3), np.uint8))
    return tmp_path


@pytest.fixture
def opened(qtbot, program, folder):
    program.open_files.open_paths([folder / name for name in NAMES])
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)
    return program


def ahead(engine):
    return [request.features.source.name for request in asked(engine, PrefetchRequest)]


def quiet(qtbot, program):
    qtbot.waitUntil(lambda: not program.worker.busy and program.prefetch.idle, timeout=20_000)


def test_nothing_is_computed_until_something_is_compared(qtbot, opened, engine):
    opened.overlay_choices.show("similarity")
    quiet(qtbot, opened)
    assert not ahead(engine)


def test_a_pin_reaches_every_open_picture_the_nearest_first(qtbot, opened, engine):
    opened.overlay_choices.show("similarity")
    opened.pins.add((1, 1))
    qtbot.waitUntil(lambda: ahead(engine) == ["b.png", "c.png", "d.png"], timeout=20_000)
    quiet(qtbot, opened)
    qtbot.waitUntil(lambda: isinstance(engine.asked[-1], SimilarityRequest))  # the last picture is compared too
    opened.pins.add((2, 2))
    quiet(qtbot, opened)
    assert len(ahead(engine)) == 3, "nothing is asked for twice"


def test_it_gives_way_and_goes_on(qtbot, opened, engine):
    opened.overlay_choices.show("similarity")
    engine.gate.clear()
    opened.pins.add((1, 1))
    qtbot.waitUntil(lambda: ahead(engine) == ["b.png"], timeout=20_000)
    opened.window.panel.pixel_hovered.emit(0, 0)  # must not wait for the gate
    qtbot.waitUntil(lambda: type(engine.asked[-1]).__name__ == "ProbeRequest")
    engine.gate.set()
    qtbot.waitUntil(lambda: ahead(engine) == ["b.png", "b.png", "c.png", "d.png"], timeout=20_000)
    quiet(qtbot, opened)


def test_it_ends_where_memory_does_and_names_bad_files(qtbot, opened, engine, folder):
    write_picture(folder / "broken.png", np.zeros((4, 4, 3), np.uint8))
    opened.open_files.open_paths([folder / name for name in ("a.png", "broken.png", "c.png", "d.png")], instead=True)
    qtbot.waitUntil(lambda: opened.session.shown is not None and not opened.session.busy)
    engine.no_room = {"c.png"}
    said = []
    opened.prefetch.noted.connect(said.append)
    opened.overlay_choices.show("similarity")
    opened.pins.add((1, 1))
    qtbot.waitUntil(lambda: ahead(engine) == ["broken.png", "c.png"], timeout=20_000)
    quiet(qtbot, opened)
    assert ahead(engine) == ["broken.png", "c.png"]
    assert "Memory holds no more" in said[0]
    assert opened.window.panel.banner.isHidden(), "a file that nobody looks at is no error over the picture"


def test_stopping_stops_it(qtbot, opened, engine):
    opened.overlay_choices.show("similarity")
    opened.pins.add((1, 1))
    opened.actions["cancel"].trigger()
    quiet(qtbot, opened)
    qtbot.wait(500)
    assert not ahead(engine)


def test_a_session_compares_again_with_pins_of_another_picture(qtbot, opened, engine, folder):
    opened.overlay_choices.show("similarity")
    opened.pins.add((1, 1))
    opened.pictures.step(1)
    qtbot.waitUntil(lambda: opened.session.shown is not None and not opened.session.busy)
    saved = opened.snapshot.capture()
    assert saved.origin == (Source.from_path(folder / "a.png"), ((1, 1),))
    opened.overlay_choices.show("")
    engine.asked.clear()
    opened.snapshot.restore(replace(saved))
    qtbot.waitUntil(lambda: "a.png" in ahead(engine), timeout=20_000)
    quiet(qtbot, opened)
    last = asked(engine, SimilarityRequest)[-1]
    assert (last.of.name, last.source.name, last.points) == ("a.png", "b.png", ((1, 1),))


def test_the_engine_keeps_them_behind_what_is_shown(tmp_path):
    engine, rng = FeatureEngine(), np.random.default_rng(0)
    sources = []
    for name in ("a", "b", "c"):
        write_picture(tmp_path / f"{name}.png", rng.integers(0, 255, (20, 30, 3), dtype=np.uint8))
        features = rng.normal(size=(20, 30, 8)).astype(np.float32)
        write_features(tmp_path / f"{name}.npz", features, format="npz32")
        sources.append(Source.from_path(tmp_path / f"{name}.npz"))
    engine.answer(ComputeFeatures(sources[0]), Progress(), lambda _result: None)
    document = engine.documents.last_of(sources[0])
    engine.documents.budget = document.nbytes + 40_000  # one more of 19 kB and its picture, but not two
    assert engine.answer(PrefetchRequest(ComputeFeatures(sources[1])), Progress(), print)
    assert engine.answer(PrefetchRequest(ComputeFeatures(sources[1])), Progress(), print), "it is there"
    assert not engine.answer(PrefetchRequest(ComputeFeatures(sources[2])), Progress(), print)
    assert engine.documents.last_of(sources[0]) is document, "what is shown stays"
    engine.answer(ComputeFeatures(sources[2]), Progress(), lambda _result: None)
    assert engine.documents.last_of(sources[1]) is None, "what nobody looked at goes first"
    engine.close()


def test_room_is_what_the_budget_leaves():
    documents = FeatureCache(100)
    assert documents.room_for(100)
    assert not documents.room_for(101)
