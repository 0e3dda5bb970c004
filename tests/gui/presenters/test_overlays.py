"""Overlays: asked for when they should be, laid where they should lie."""

from __future__ import annotations

from pathlib import Path

from journeys import asked
from PySide6.QtCore import Qt

from sss_gui.requests.overlays import ClusterRequest, SimilarityRequest, WriteMaskRequest
from sss_gui.requests.panes import Source


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
    shown.overlays.write("mask", tmp_path / "none.png")
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    with qtbot.waitSignal(shown.session.exported):
        shown.overlays.write("mask", tmp_path / "mask.png")
    with qtbot.waitSignal(shown.session.exported):
        shown.overlays.write("clusters", tmp_path / "clusters.png")
    assert [request.path.name for request in asked(engine, WriteMaskRequest)] == ["mask.png", "clusters.png"]


def test_a_mask_is_that_of_the_pins_there_are_now(qtbot, shown, engine, tmp_path):
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    shown.overlay_choices.show("")
    shown.pins.set([(5, 6)])
    shown.overlays.write("mask", tmp_path / "m.png")
    qtbot.waitUntil(lambda: bool(asked(engine, WriteMaskRequest)))
    assert asked(engine, WriteMaskRequest)[-1].overlay.points == ((5, 6),)
    shown.pins.clear()
    said = []
    shown.overlays.noted.connect(said.append)
    shown.overlays.write("mask", tmp_path / "n.png")
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


def test_the_legend_names_the_overlay_and_tells_the_value_pointed_at(qtbot, shown):
    legend = shown.window.panel.pane("input").header.legend
    shown.overlay_choices.show("similarity")
    shown.pins.add((1, 1))
    shown.window.panel.pixel_hovered.emit(16, 12)
    qtbot.waitUntil(lambda: legend.isVisible())
    assert (legend.legend.name, legend.legend.mark) == ("Similarity (cosine)", 0.8)
    assert legend.figures() == "0.53", "cell 17 of 0 to 32, under the middle of the pixel"
    shown.window.panel.hover_left.emit()
    assert legend.figures() == ""
    shown.pins.add((5, 6))
    qtbot.waitUntil(lambda: legend.legend.name == "Most similar pin")
    assert len(legend.legend.colours) == 2
    shown.overlay_choices.show("clusters")
    qtbot.waitUntil(lambda: legend.isVisible() and legend.legend.name == "Clusters")
    assert len(legend.legend.colours) == 8
    shown.overlay_choices.show("")
    assert not legend.isVisible()


def test_the_legends_slider_sets_the_opacity_wherever_the_overlay_lies(qtbot, shown):
    shown.overlay_choices.show("clusters")
    qtbot.waitUntil(lambda: shown.overlays.overlay is not None)
    shown.window.panel.pane("input").header.legend.slider.setValue(25)
    assert shown.window.panel.pane("input").canvas.layer.opacity == 0.25
    shown.window.panel.solo(3)
    pane = shown.window.panel.pane("pca")
    assert (pane.canvas.layer.opacity, pane.header.legend.slider.value()) == (0.25, 25)


def test_the_input_says_its_size(shown):
    assert shown.window.panel.pane("input").header.detail == "32 × 24 px"
    shown.pictures.close_all()
    shown.window.panel.controller.set_image_size((0, 0))
    assert shown.window.panel.pane("input").header.detail == ""
