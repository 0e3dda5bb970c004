"""Thumbnails of features in the film strip, by choice."""

from __future__ import annotations

import numpy as np
import pytest
from journeys import asked, idle_shown

from sss_gui.requests.files import FeatureThumbnailsRequest
from sss_gui.requests.panes import ComputeFeatures, PrefetchRequest, RenderPanes, Source
from sss_gui.worker.engine import FeatureEngine
from sss_model.feature_io import write_features
from sss_model.image_io import write_picture
from sss_model.params import ProjectionParams
from sss_model.progress import Progress


@pytest.fixture
def shown(qtbot, program, photos):
    program.open_files.open_paths([photos[0], photos[1], photos[3]])
    qtbot.waitUntil(lambda: len(program.pictures.sources) == 3)
    idle_shown(qtbot, program)
    return program


def thumbs(program):
    """Grey level in the middle of each thumbnail as drawn."""
    strip = program.window.film_strip
    image = strip.grab().toImage()
    wide = 110
    return [image.pixelColor(wide * n + wide // 2, 30).red() for n in range(strip.count())]


def test_features_are_asked_for_by_choice_and_after_each_change(qtbot, shown, engine):
    assert not asked(engine, FeatureThumbnailsRequest)
    shown.actions["strip_features"].trigger()
    qtbot.waitUntil(lambda: thumbs(shown) == [77] * 3)
    assert shown.actions["strip_features"].isChecked()
    before = len(asked(engine, FeatureThumbnailsRequest))
    shown.session.set_projection(ProjectionParams(red=4))
    qtbot.waitUntil(lambda: len(asked(engine, FeatureThumbnailsRequest)) > before)
    assert asked(engine, FeatureThumbnailsRequest)[-1].panes.projection.red == 4
    idle_shown(qtbot, shown)
    shown.actions["strip_features"].trigger()
    assert 77 not in thumbs(shown)
    qtbot.waitUntil(lambda: shown.prefetch.idle and not shown.worker.busy)


def ahead(engine):
    return [request.features.source.name for request in asked(engine, PrefetchRequest)]


def test_those_that_are_not_known_are_computed_when_it_is_quiet(qtbot, shown, engine):
    shown.actions["strip_features"].trigger()
    qtbot.waitUntil(lambda: ahead(engine) == ["b.png", "c.png"], timeout=9000)
    qtbot.waitUntil(lambda: shown.prefetch.idle and not shown.worker.busy)
    shown.actions["strip_features"].trigger()
    assert shown.prefetch.wanted() == []


def test_one_basis_and_range_for_all(tmp_path):
    """Two pictures of two kinds of pixels in turned places: the same colour for the same kind."""
    rng = np.random.default_rng(1)
    kinds = rng.normal(size=(2, 8)).astype(np.float32)
    engine, sources = FeatureEngine(), []
    for name, turn in (("a", 0), ("b", 1), ("c", 0)):
        labels = (np.arange(40)[None, :] // 20 + turn) % 2 * np.ones((30, 1), int)
        write_picture(tmp_path / f"{name}.png", np.zeros((30, 40, 3), np.uint8))
        write_features(tmp_path / f"{name}-features.npy", kinds[labels], format="npy")
        sources.append(Source.from_path(tmp_path / f"{name}-features.npy"))
    for source in sources[:2]:
        engine.answer(RenderPanes(ComputeFeatures(source)), Progress(), lambda _result: None)
    found = []
    engine.feature_thumbnails(
        FeatureThumbnailsRequest(RenderPanes(ComputeFeatures(sources[0])), tuple(sources)), Progress(), found.append
    )
    assert [result.source for result in found] == sources[:2], "the third is not known"
    first, second = (result.picture for result in found)
    np.testing.assert_array_equal(first, second[:, ::-1])
    assert np.abs(first[0, 0].astype(int) - first[0, -1]).max() > 100
