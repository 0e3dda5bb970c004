"""Bases locked, shared, saved and loaded."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from journeys import asked

from sss_gui.requests.panes import BasisRequest, ComputeFeatures, RenderPanes, Source
from sss_gui.worker.pooled_figures import PooledFigures
from sss_model.progress import Progress


def test_locking_sharing_saving_and_loading_a_basis(qtbot, shown, engine, tmp_path):
    shown.window.params.basis_mode_requested.emit("locked")
    qtbot.waitUntil(lambda: shown.session.state.basis is not None)
    locked = shown.session.state.basis
    assert locked.parent == tmp_path / "data" / "bases"
    qtbot.waitUntil(lambda: not shown.session.busy)
    assert asked(engine, RenderPanes)[-1].basis == locked
    shown.window.params.basis_mode_requested.emit("image")
    assert shown.session.state.basis is None
    shown.actions["undo"].trigger()
    assert shown.session.state.basis == locked
    shown.basis.save(tmp_path / "mine.json")
    qtbot.waitUntil(lambda: (tmp_path / "mine.json").exists() and not shown.session.busy)
    assert shown.session.state.basis == locked, "saving changes nothing"
    shown.basis.load(tmp_path / "mine.json")
    assert shown.session.state.basis == tmp_path / "mine.json"
    shown.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: bool(asked(engine, BasisRequest)) and bool(asked(engine, BasisRequest)[-1].sources))
    qtbot.waitUntil(lambda: not shown.session.busy)


def test_a_shared_basis_says_what_it_was_fitted_to(qtbot, shown, photos):
    shown.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: shown.session.state.basis is not None and not shown.session.busy)
    note = shown.window.params.basis_note
    assert note.text() == "One basis and range for all open pictures"
    shown.open_files.open_paths([photos[1]])
    qtbot.waitUntil(lambda: shown.session.shown is not None and not shown.session.busy)
    assert note.text() == "One basis and range, fitted to 1 of the 2 open pictures"
    shown.pictures.remove(0)
    assert note.text() == "One basis and range, fitted to pictures that are closed now"


@pytest.fixture
def two(qtbot, program, photos):
    """Two pictures, of which the first is shown."""
    program.open_files.open_paths(photos[:2])
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)
    return program


def test_a_click_while_features_compute_is_not_lost(qtbot, two, engine):
    engine.gate.clear()
    two.pictures.choose(1)
    two.window.params.basis_mode_requested.emit("shared")
    two.window.params.basis_mode_requested.emit("shared")  # once more, for nothing seems to happen
    note = two.window.params.basis_note
    assert note.text() == "Being fitted to all open pictures"
    assert not asked(engine, BasisRequest)
    engine.gate.set()
    qtbot.waitUntil(lambda: two.session.state.basis is not None and not two.session.busy)
    (request,) = asked(engine, BasisRequest)
    assert request.sources == tuple(two.pictures.sources)
    assert note.text() == "One basis and range for all open pictures"


def test_a_second_click_on_shared_does_not_start_over(qtbot, two, engine, tmp_path):
    engine.gate.clear()
    two.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: bool(asked(engine, BasisRequest)))
    two.window.params.basis_mode_requested.emit("shared")
    two.basis.save(tmp_path / "mine.json")
    engine.gate.set()
    qtbot.waitUntil(lambda: two.session.state.basis is not None and not two.session.busy)
    assert [bool(request.sources) for request in asked(engine, BasisRequest)] == [True, False]


def test_a_shared_basis_is_fitted_to_the_features_that_are_wanted(qtbot, two, engine):
    engine.gate.clear()
    two.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: bool(asked(engine, BasisRequest)))
    two.session.set_extract(replace(two.session.state.extract, size="512"))
    engine.gate.set()
    qtbot.waitUntil(lambda: two.session.state.basis is not None and not two.session.busy)
    assert asked(engine, BasisRequest)[-1].panes.features.extract.size == "512"


def test_each_picture_takes_back_a_shared_basis_that_is_under_way(qtbot, two, engine):
    engine.gate.clear()
    two.window.params.basis_mode_requested.emit("shared")
    qtbot.waitUntil(lambda: bool(asked(engine, BasisRequest)))
    two.window.params.basis_mode_requested.emit("image")
    assert two.window.params.basis_note.text() == "Fitted to each picture"
    engine.gate.set()
    qtbot.waitUntil(lambda: not two.worker.busy)
    assert two.session.state.basis is None


def test_pictures_with_known_features_are_a_smaller_part_of_the_progress():
    sources = tuple(Source.from_path(Path(name)) for name in ("a.png", "b.png", "c.png"))
    figure = SimpleNamespace(features=np.zeros((2, 2, 8)))
    document, told = SimpleNamespace(figure=figure), []

    def make(_features, progress, _deliver):
        progress.report(1.0)
        return document

    request = BasisRequest(RenderPanes(ComputeFeatures(sources[0])), Path("basis.json"), sources)
    progress = Progress(lambda fraction, _stage: told.append(fraction))
    pooled = PooledFigures(
        make, document, request, progress, lambda _step: None, lambda: None, lambda asked: asked.source in sources[:2]
    )
    for _figure, part in pooled:
        part.report(1.0)
    whole = 0.3 + 0.3 + 1.0
    assert told == pytest.approx([0, 0.3 / whole, 0.3 / whole, 0.6 / whole, 1.3 / whole, 1.0])
