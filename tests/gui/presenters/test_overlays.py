"""Similarity, nearest pins, clusters and bases: asked for when they should be, laid where they should lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from sss_gui.messages.overlays import ClusterRequest, SimilarityRequest, WriteMaskRequest
from sss_gui.messages.panes import BasisRequest, ShowRequest, Source
from sss_gui.worker.feature_cache import CachedFeatures, FeatureCache
from sss_gui.worker.overlay_engine import OverlayEngine
from sss_model.params import ClusterParams, SimilarityParams
from sss_model.progress import Progress


@pytest.fixture
def shown(qtbot, program):
    program.open_files.open_paths([Path("a.png")])
    qtbot.waitUntil(lambda: program.session.shown is not None and not program.session.busy)
    return program


def asked(engine, kind):
    return [request for request in engine.asked if isinstance(request, kind)]


def test_nothing_is_compared_until_it_is_asked_for(qtbot, shown, engine):
    shown.window.panel.pixel_hovered.emit(3, 4)
    qtbot.waitUntil(lambda: not shown.worker.busy)
    assert not asked(engine, SimilarityRequest)


def test_hovering_gives_a_heat_map_over_the_input(qtbot, shown, engine):
    qtbot.keyClick(shown.window.panel.pane("input").canvas, Qt.Key.Key_S)
    assert shown.window.params.value("similarity_shown") is True
    assert "similarity" in shown.window.params.open_sections(), "its threshold can be seen"
    shown.window.panel.pixel_hovered.emit(3, 4)
    qtbot.waitUntil(lambda: shown.overlays.overlay is not None)
    assert asked(engine, SimilarityRequest)[-1].points == ((3, 4),)
    shown.actions["similarity"].trigger()
    assert shown.overlays.overlay is None


def test_a_pin_stays_and_several_divide_the_picture(qtbot, shown, engine):
    shown.window.params.rested.emit("similarity_shown", True)
    shown.pins.add((1, 1))
    shown.window.panel.pixel_hovered.emit(9, 9)
    qtbot.waitUntil(lambda: len(asked(engine, SimilarityRequest)) > 0 and not shown.worker.busy)
    assert asked(engine, SimilarityRequest)[-1].points == ((1, 1),)
    shown.pins.add((5, 6))
    qtbot.waitUntil(lambda: asked(engine, SimilarityRequest)[-1].points == ((1, 1), (5, 6)))


def test_the_overlay_goes_with_the_picture_and_comes_back_for_the_next(qtbot, shown, engine):
    shown.overlay_choices.show("clusters")
    qtbot.waitUntil(lambda: shown.overlays.overlay is not None)
    first = shown.overlays.overlay
    shown.open_files.open_paths([Path("b.png")])
    qtbot.waitUntil(lambda: asked(engine, ClusterRequest)[-1].source.name == "b.png")
    qtbot.waitUntil(lambda: shown.overlays.overlay is not None and shown.overlays.overlay is not first)
    qtbot.waitUntil(lambda: not shown.session.busy)


def test_pins_are_compared_with_in_every_open_picture(qtbot, shown, engine, tmp_path):
    paths = [tmp_path / f"{name}.png" for name in "abc"]
    shown.pictures.set([Source.from_path(path) for path in paths])
    a, b, c = shown.pictures.sources
    qtbot.waitUntil(lambda: shown.session.shown == a and not shown.session.busy)
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    with qtbot.waitSignal(shown.overlays.compared) as compared:
        pass
    assert [match.source for match in compared.args[0]] == [b, c]
    shown.window.panel.set_crosshair((3, 3))
    shown.pictures.step(1)
    qtbot.waitUntil(lambda: asked(engine, SimilarityRequest)[-1].source == b)
    assert shown.window.panel.pane("pca").canvas.crosshair is None, "it was a pixel of the other picture"
    request = asked(engine, SimilarityRequest)[-1]
    assert (request.of, request.points, request.others) == (a, ((1, 1),), (a, c))
    before = len(asked(engine, SimilarityRequest))
    shown.window.panel.pixel_hovered.emit(3, 4)
    qtbot.waitUntil(lambda: not shown.session.busy and not shown.worker.busy)
    assert len(asked(engine, SimilarityRequest)) == before, "the pointer does not replace the pin"
    shown.pins.add((5, 5))
    qtbot.waitUntil(lambda: asked(engine, SimilarityRequest)[-1].of == b)
    shown.pictures.step(-1)
    qtbot.waitUntil(lambda: asked(engine, SimilarityRequest)[-1].source == a and not shown.session.busy)
    assert shown.pins.points == [(1, 1)], "a picture's pins come back with it"
    with qtbot.waitSignal(shown.overlays.compared) as compared:
        shown.pins.clear()
    assert compared.args[0] == ()
    qtbot.waitUntil(lambda: not shown.session.busy and not shown.worker.busy)


def test_hiding_the_similarity_of_another_picture_forgets_it(qtbot, shown, engine, tmp_path):
    shown.pictures.set([Source.from_path(tmp_path / name) for name in ("a.png", "b.png")])
    qtbot.waitUntil(lambda: shown.session.shown is not None and not shown.session.busy)
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    shown.pictures.step(1)
    qtbot.waitUntil(lambda: shown.session.shown is not None and not shown.session.busy)
    assert shown.overlay_choices.origin.name == "a.png"
    shown.overlays.toggle("similarity")
    assert shown.overlay_choices.origin is None
    qtbot.waitUntil(lambda: not shown.worker.busy)


def test_moving_the_threshold_and_k_asks_again(qtbot, shown, engine):
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    shown.window.params.changing.emit("threshold", 0.5)
    qtbot.waitUntil(
        lambda: bool(asked(engine, SimilarityRequest)) and asked(engine, SimilarityRequest)[-1].params.threshold == 0.5
    )
    shown.overlay_choices.show("clusters")
    shown.window.params.rested.emit("clusters", 5)
    qtbot.waitUntil(
        lambda: bool(asked(engine, ClusterRequest)) and asked(engine, ClusterRequest)[-1].params.clusters == 5
    )
    qtbot.waitUntil(lambda: not shown.session.busy)


def test_masks_and_clusters_are_written(qtbot, shown, engine, tmp_path):
    shown.overlays.write_mask(tmp_path / "none.png")
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    with qtbot.waitSignal(shown.session.exported):
        shown.overlays.write_mask(tmp_path / "mask.png")
    with qtbot.waitSignal(shown.session.exported):
        shown.overlays.write_clusters(tmp_path / "clusters.png")
    assert [request.path.name for request in asked(engine, WriteMaskRequest)] == ["mask.png", "clusters.png"]


def test_locking_sharing_saving_and_loading_a_basis(qtbot, shown, engine, tmp_path):
    shown.window.params.basis_mode_requested.emit("locked")
    qtbot.waitUntil(lambda: shown.session.state.basis is not None)
    locked = shown.session.state.basis
    assert locked.parent == tmp_path / "data" / "bases"
    qtbot.waitUntil(lambda: not shown.session.busy)
    assert asked(engine, ShowRequest)[-1].basis == locked
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


@pytest.fixture
def halves():
    """Two pictures whose left and right halves have unlike features."""
    documents = FeatureCache(1 << 30)
    for name in ("a", "b"):
        features = np.zeros((8, 12, 4), np.float32)
        features[:, :6, 0], features[:, 6:, 1] = 1, 2
        figure = type("F", (), {"features": features, "nbytes": features.nbytes})()
        documents.put(name, CachedFeatures(Source.from_path(Path(name)), figure))
    return documents


def test_the_heat_map_tells_like_from_unlike(halves):
    a, b = (document.source for document in halves)
    request = SimilarityRequest(1, a, ((2, 3),), SimilarityParams(), (b,))
    result = OverlayEngine(halves).heat(request, Progress())
    assert result.share == pytest.approx(0.5)
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
    request = SimilarityRequest(1, b, ((9, 1),), SimilarityParams(), (a,), a)
    result = OverlayEngine(halves).heat(request, Progress())
    assert result.source == b
    assert result.match[0] >= 6, "the right half is like the right half, next to the very place too"
    assert (result.overlay[0][:, 6:, 3] == 255).all()
    OverlayEngine(halves).mask(WriteMaskRequest(1, request, tmp_path / "mask.png"), Progress())
    right = np.where(np.arange(12) >= 6, 255, 0)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "mask.png")), np.broadcast_to(right, (8, 12)))
    several = SimilarityRequest(1, b, ((2, 3), (9, 1)), SimilarityParams(), (a,), a)
    result = OverlayEngine(halves).heat(several, Progress())
    assert len(np.unique(result.overlay[0].reshape(-1, 4), axis=0)) == 2
    assert result.matches[0].place is None
    np.testing.assert_array_equal(result.matches[0].overlay, result.overlay[0])


def test_features_of_another_model_are_not_compared(halves):
    a, b = (document.source for document in halves)
    list(halves)[1].figure.features = np.ones((8, 12, 3), np.float32)
    engine = OverlayEngine(halves)
    assert engine.heat(SimilarityRequest(1, a, ((2, 3),), SimilarityParams(), (b,)), Progress()).matches == ()
    assert engine.heat(SimilarityRequest(1, b, ((2, 3),), SimilarityParams(), (), a), Progress()) is None


def test_features_of_one_picture_by_two_networks_are_told_apart(halves):
    """Of a picture that another network saw too, the features beside the shown ones are compared."""
    one, other = halves
    turned = np.roll(other.figure.features, 6, axis=1)
    figure = type("F", (), {"features": turned, "nbytes": turned.nbytes})()
    halves.put("b, new", CachedFeatures(other.source, figure, network=("new",)))
    request = SimilarityRequest(1, one.source, ((2, 3),), SimilarityParams("cosine", 0.5), (other.source,))
    seen = OverlayEngine(halves).heat(request, Progress()).matches[0]
    assert seen.place[0] < 0.5, "by the network of the picture that is shown"
    shown = CachedFeatures(one.source, one.figure, network=("new",))
    halves.put("a, new", shown)
    seen = OverlayEngine(halves).heat(request, Progress()).matches[0]
    assert seen.place[0] > 0.5


@pytest.mark.parametrize("metric", ["cosine", "distance"])
def test_masks_pins_and_clusters_as_pngs(halves, tmp_path, metric):
    from PIL import Image

    engine, a = OverlayEngine(halves), next(iter(halves)).source
    params = SimilarityParams(metric=metric)
    right = np.arange(12) >= 6
    for name, overlay, expected in (
        ("mask", SimilarityRequest(1, a, ((9, 1),), params), np.where(right, 255, 0)),
        ("pins", SimilarityRequest(1, a, ((2, 3), (9, 1)), params), np.where(right, 1, 0)),
    ):
        engine.mask(WriteMaskRequest(1, overlay, tmp_path / f"{name}.png"), Progress())
        found = np.asarray(Image.open(tmp_path / f"{name}.png"))
        np.testing.assert_array_equal(found, np.broadcast_to(expected, (8, 12)))
    request = ClusterRequest(1, a, ClusterParams(clusters=2))
    engine.mask(WriteMaskRequest(1, request, tmp_path / "clusters.png"), Progress())
    found = np.asarray(Image.open(tmp_path / "clusters.png"))
    assert len(np.unique(found[:, :6])) == len(np.unique(found[:, 6:])) == 1
    assert found[0, 0] != found[0, 11]


def test_a_picture_that_was_forgotten_has_no_map(halves):
    gone = Source.from_path(Path("gone"))
    assert OverlayEngine(halves).heat(SimilarityRequest(1, gone, ((0, 0),)), Progress()) is None


def test_a_mask_is_that_of_the_pins_there_are_now(qtbot, shown, engine, tmp_path):
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    shown.overlay_choices.show("")
    shown.pins.set([(5, 6)])
    shown.overlays.write_mask(tmp_path / "m.png")
    qtbot.waitUntil(lambda: bool(asked(engine, WriteMaskRequest)))
    assert asked(engine, WriteMaskRequest)[-1].overlay.points == ((5, 6),)
    shown.pins.clear()
    said = []
    shown.overlays.noted.connect(said.append)
    shown.overlays.write_mask(tmp_path / "n.png")
    assert said == ["There is nothing to compare with: pin a pixel first."]


def test_the_map_goes_with_its_pins(qtbot, shown, engine):
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    qtbot.waitUntil(lambda: shown.overlays.overlay is not None)
    shown.pins.clear()
    assert shown.overlays.overlay is None
    assert shown.window.panel.pane("input").canvas.match is None


def test_pictures_are_wanted_from_the_nearest_on(qtbot, shown, engine):
    sources = [Source.from_path(Path(f"{number}.png")) for number in range(900)]
    shown.pictures.set([*sources[:450], shown.session.state.source, *sources[450:]], 450)
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    wanted = shown.prefetch.wanted()
    assert len(wanted) == 900
    assert {source.name for source in wanted[:2]} == {"449.png", "450.png"}
