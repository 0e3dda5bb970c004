"""Pins of several pictures against each other: the table, its copy, and the numbers."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from controls import button
from journeys import idle_shown
from PySide6.QtGui import QGuiApplication

from sss_gui.requests.overlays import PinTableRequest
from sss_gui.requests.panes import ComputeFeatures, Source
from sss_gui.widgets.dialogs.pin_table import PinTableDialog
from sss_gui.worker.compared_vectors import compare_vectors
from sss_gui.worker.engine import FeatureEngine
from sss_model.image_io import write_picture
from sss_model.params import ExtractParams, SimilarityParams
from sss_model.progress import Progress


@pytest.fixture
def dialog(qtbot, program, photos):
    """Two pictures, one with two pins and one with one, and the table of them."""
    program.open_files.open_paths(photos[:2])
    idle_shown(qtbot, program)
    program.pins.set([(3, 1), (5, 2)])
    program.pictures.step(1)
    idle_shown(qtbot, program)
    program.pins.set([(7, 3)])
    program.window.probe.table_requested.emit()
    dialog = program.window.findChild(PinTableDialog)
    qtbot.waitUntil(lambda: "Cosine" in dialog.words)
    yield dialog
    dialog.close()


def test_each_pin_is_compared_with_each(dialog, engine):
    request = next(request for request in engine.asked if isinstance(request, PinTableRequest))
    assert [(features.source.name, point) for features, point in request.pins] == [
        ("a.png", (3, 1)), ("a.png", (5, 2)), ("b.png", (7, 3))
    ]  # fmt: skip
    rows = list(csv.reader(io.StringIO(dialog.csv())))
    assert rows[0] == ["", "a.png 1", "a.png 2", "b.png 1"]
    assert [row[0] for row in rows[1:]] == rows[0][1:]
    assert [[float(cell) for cell in row[1:]] for row in rows[1:]] == [[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]]


def test_it_is_copied_as_csv(dialog):
    button(dialog, "Copy as CSV").click()
    assert QGuiApplication.clipboard().text() == dialog.csv()
    assert dialog.words == "Copied as CSV."


def test_the_measure_is_that_of_similarity(qtbot, program, engine, dialog):
    program.overlay_choices.set_similarity(SimilarityParams(metric="distance"))
    button(dialog, "Again").click()
    qtbot.waitUntil(lambda: "Euclidean" in dialog.words)
    tables = [asked for asked in engine.asked if isinstance(asked, PinTableRequest)]
    assert tables[-1].metric == "distance"


def test_one_pin_has_nothing_to_be_compared_with(qtbot, program, photos):
    program.open_files.open_paths([photos[0]])
    idle_shown(qtbot, program)
    program.pins.set([(3, 1)])
    program.actions["pin_table"].trigger()
    dialog = program.window.findChild(PinTableDialog)
    assert "at least two pixels" in dialog.words
    assert not button(dialog, "Copy as CSV").isEnabled()
    dialog.close()


def test_unknown_numbers_are_empty_cells(qtbot):
    dialog = PinTableDialog()
    qtbot.addWidget(dialog)
    dialog.set_table(['a "b", c', "d"], np.array([[1, np.nan], [np.nan, 1]], np.float32), far=0.0)
    assert list(csv.reader(io.StringIO(dialog.csv()))) == [
        ["", 'a "b", c', "d"], ['a "b", c', "1.000000", ""], ["d", "", "1.000000"]
    ]  # fmt: skip


def test_vectors_are_compared_by_definition():
    rng = np.random.default_rng(0)
    vectors = [*rng.standard_normal((3, 5)).astype(np.float32), None, np.zeros(5, np.float32), np.ones(4, np.float32)]
    cosines, distances = (compare_vectors(vectors, metric) for metric in ("cosine", "distance"))
    assert cosines[0, 1] == pytest.approx(
        vectors[0] @ vectors[1] / np.linalg.norm(vectors[0]) / np.linalg.norm(vectors[1]), abs=1e-6
    )
    assert distances[1, 2] == pytest.approx(np.linalg.norm(vectors[1] - vectors[2]), abs=1e-6)
    assert np.isnan(cosines[3]).all()
    assert cosines[0, 4] == 0
    assert np.isnan(cosines[0, 5]), "of two lengths"


def test_the_engine_computes_what_is_missing_and_leaves_out_what_cannot_be_read(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        write_picture(tmp_path / f"{name}.png", rng.integers(0, 255, (24, 32, 3), np.uint8))
    extract = ExtractParams(size="32", scales=(1.0,))
    of = {name: ComputeFeatures(Source.from_path(tmp_path / f"{name}.png"), None, extract) for name in ("a", "b", "no")}
    engine = FeatureEngine()
    request = PinTableRequest(((of["a"], (3, 4)), (of["b"], (5, 6)), (of["a"], (3, 4)), (of["no"], (1, 1))))
    result = engine.answer(request, Progress(), print)
    assert result.values[0, 2] == pytest.approx(1, abs=1e-5)
    assert -1 <= result.values[0, 1] < 1
    assert np.isnan(result.values[3]).all()
    assert len(result.missing) == 1
    assert result.missing[0].startswith("no.png: ")
    engine.close()
