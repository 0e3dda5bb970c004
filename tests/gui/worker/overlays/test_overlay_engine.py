"""Similarity, nearest pins and clusters as maps and as files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sss_gui.requests.overlays import ClusterRequest, SimilarityRequest, WriteMaskRequest
from sss_gui.requests.panes import Source
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.overlays.overlay_engine import OverlayEngine
from sss_model.params import ClusterParams, SimilarityParams
from sss_model.progress import Progress
from sss_model.projection.feature_views import FeatureViews


@pytest.fixture
def shown(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)
    return program


@pytest.fixture
def halves():
    """Two pictures whose left and right halves have unlike features."""
    documents = FeatureCache(1 << 30)
    for name in ("a", "b"):
        features = np.zeros((8, 12, 4), np.float32)
        features[:, :6, 0], features[:, 6:, 1] = 1, 2
        figure = FeatureViews(np.zeros((8, 12, 3), np.float32), features)
        documents.put(name, CachedFeatures(Source.from_path(Path(name)), figure))
    return documents


def test_the_heat_map_tells_like_from_unlike(halves):
    a, b = (document.source for document in halves)
    request = SimilarityRequest(a, ((2, 3),), SimilarityParams(), (b,))
    result = OverlayEngine(halves).similarity(request, Progress(), print)
    overlay = result.overlay[0]
    assert (overlay[:, :6, 3] == 255).all()
    assert (overlay[:, 6:, 3] < 255).all()
    assert result.match[0] < 6
    (match,) = result.matches
    assert (match.source, match.value) == (b, pytest.approx(1.0))
    assert match.place[0] < 0.5
    assert match.overlay.shape == (8, 12, 4)
    assert (match.overlay[:, :6, 3] == 255).all()
    assert (match.overlay[:, 6:, 3] < 255).all()


def test_a_pixel_of_one_picture_is_found_in_the_other(halves, tmp_path):
    from PIL import Image

    a, b = (document.source for document in halves)
    request = SimilarityRequest(b, ((9, 1),), SimilarityParams(), (a,), a)
    result = OverlayEngine(halves).similarity(request, Progress(), print)
    assert result.source == b
    assert result.match[0] >= 6, "the right half is like the right half, next to the very place too"
    assert (result.overlay[0][:, 6:, 3] == 255).all()
    OverlayEngine(halves).write_mask(WriteMaskRequest(request, tmp_path / "mask.png"), Progress(), print)
    right = np.where(np.arange(12) >= 6, 255, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), np.broadcast_to(right, (8, 12)))
    several = SimilarityRequest(b, ((2, 3), (9, 1)), SimilarityParams(), (a,), a)
    result = OverlayEngine(halves).similarity(several, Progress(), print)
    assert len(np.unique(result.overlay[0].reshape(-1, 4), axis=0)) == 2
    assert result.matches[0].place is None
    np.testing.assert_array_equal(result.matches[0].overlay, result.overlay[0])


def test_features_of_another_model_are_not_compared(halves):
    a, b = (document.source for document in halves)
    list(halves)[1].figure.features = np.ones((8, 12, 3), np.float32)
    engine = OverlayEngine(halves)
    assert engine.similarity(SimilarityRequest(a, ((2, 3),), SimilarityParams(), (b,)), Progress(), print).matches == ()
    assert engine.similarity(SimilarityRequest(b, ((2, 3),), SimilarityParams(), (), a), Progress(), print) is None


def test_features_of_one_picture_by_two_networks_are_told_apart(halves):
    """Of a picture that another network saw too, the features beside the shown ones are compared."""
    one, other = halves
    turned = np.roll(other.figure.features, 6, axis=1)
    figure = FeatureViews(np.zeros((8, 12, 3), np.float32), turned)
    halves.put("b, new", CachedFeatures(other.source, figure, network=("new",)))
    request = SimilarityRequest(one.source, ((2, 3),), SimilarityParams("cosine", 0.5), (other.source,))
    seen = OverlayEngine(halves).similarity(request, Progress(), print).matches[0]
    assert seen.place[0] < 0.5, "by the network of the picture that is shown"
    shown = CachedFeatures(one.source, one.figure, network=("new",))
    halves.put("a, new", shown)
    seen = OverlayEngine(halves).similarity(request, Progress(), print).matches[0]
    assert seen.place[0] > 0.5


@pytest.mark.parametrize("metric", ["cosine", "distance"])
def test_masks_pins_and_clusters_as_pngs(halves, tmp_path, metric):
    from PIL import Image

    engine, a = OverlayEngine(halves), next(iter(halves)).source
    params = SimilarityParams(metric=metric)
    right = np.arange(12) >= 6
    for name, overlay, expected in (
        ("mask", SimilarityRequest(a, ((9, 1),), params), np.where(right, 255, 0)),
        ("pins", SimilarityRequest(a, ((2, 3), (9, 1)), params), np.where(right, 1, 0)),
    ):
        engine.write_mask(WriteMaskRequest(overlay, tmp_path / f"{name}.png"), Progress(), print)
        found = np.asarray(Image.open(tmp_path / f"{name}.png"))
        np.testing.assert_array_equal(found, np.broadcast_to(expected, (8, 12)))
    request = ClusterRequest(a, ClusterParams(clusters=2))
    engine.write_mask(WriteMaskRequest(request, tmp_path / "clusters.png"), Progress(), print)
    found = np.asarray(Image.open(tmp_path / "clusters.png"))
    assert len(np.unique(found[:, :6])) == len(np.unique(found[:, 6:])) == 1
    assert found[0, 0] != found[0, 11]


def test_a_picture_that_was_forgotten_has_no_map(halves):
    gone = Source.from_path(Path("gone"))
    assert OverlayEngine(halves).similarity(SimilarityRequest(gone, ((0, 0),)), Progress(), print) is None
