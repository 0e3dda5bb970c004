"""Figures of what is seen: panes, overlays with their legends, pins, layers; and the copy of a pane."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from PySide6.QtGui import QGuiApplication

from sss_gui.requests.files import FigureRequest
from sss_gui.widgets.dialogs.figure_dialog import FigureChoice, FigureDialog
from sss_gui.widgets.picture import qimage
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_gui.worker.file_engine import FileEngine
from sss_model.progress import Progress

ALL = FigureChoice(("input", "random", "pca", "filtered"), "60mm")


@pytest.fixture
def asked(monkeypatch):
    """The requests for figures, which are drawn all the same."""
    requests, draw = [], FileEngine.figure

    def figure(engine, request: FigureRequest, progress, deliver):
        requests.append(request)
        return draw(engine, request, progress, deliver)

    monkeypatch.setattr(FileEngine, "figure", figure)
    return requests


def drawn(qtbot, program, path, choice=ALL, title=""):
    with qtbot.waitSignal(program.export_figure.noted, timeout=20_000) as said:
        program.export_figure.draw(path, choice, title)
    return said.args[0]


@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_the_four_panes_become_a_file(qtbot, shown, tmp_path, form):
    path = tmp_path / f"figure.{form}"
    assert drawn(qtbot, shown, path) == f"Wrote {path}."
    assert path.stat().st_size > 500


def test_it_has_what_the_panes_show(qtbot, shown, asked, tmp_path):
    panel = shown.window.panel
    shown.pins.set([(3, 4), (7, 1)])
    panel.pane("input").set_overlay(
        np.full((24, 32, 4), 200, np.uint8), 0.4, Legend("Similarity", np.zeros((256, 3), np.uint8), True, 0.8)
    )
    drawn(qtbot, shown, tmp_path / "a.svg")
    (request,) = asked
    first = request.panes[0]
    assert [pane.title for pane in request.panes] == ["Input", "Random projection", "PCA", "Guided filter + PCA"]
    assert [(pin.x, pin.y, pin.label) for pin in first.pins] == [(3, 4, "1"), (7, 1, "2")]
    assert first.opacity == 0.4
    assert (first.legend.name, first.legend.words, first.legend.mark) == ("Similarity", (), 0.8)
    assert first.size == shown.session.size
    assert request.panes[1].overlay is None
    drawn(qtbot, shown, tmp_path / "b.svg", FigureChoice(("input",), pins=False, overlays=False))
    assert asked[1].panes[0].pins == ()
    assert asked[1].panes[0].overlay is None


def test_groups_are_numbered_in_the_legend(qtbot, shown, asked, tmp_path):
    groups = Legend("Clusters", np.zeros((3, 3), np.uint8), False)
    shown.window.panel.pane("pca").set_overlay(np.zeros((24, 32, 4), np.uint8), 0.4, groups)
    drawn(qtbot, shown, tmp_path / "f.png", FigureChoice(("pca",)))
    assert asked[0].panes[0].legend.words == ("1", "2", "3")


def test_layers_have_their_names_and_colours(qtbot, shown, asked, tmp_path):
    segments = shown.segments
    segments.show(True)
    qtbot.waitUntil(lambda: segments.status == "exact")
    drawn(qtbot, shown, tmp_path / "layers.svg", FigureChoice(("coloured", "matte")))
    first, matte = asked[0].panes
    shown = segments.edits.layers
    assert first.legend.words == tuple(segments.title(layer) for layer in shown)
    assert first.legend.colours.tolist() == [list(layer.colour) for layer in shown]
    assert matte.legend is None


def test_a_picture_that_is_open_is_not_written_over(qtbot, shown, photos):
    before = photos[0].read_bytes()
    assert "is a picture that is open" in drawn(qtbot, shown, photos[0])
    assert photos[0].read_bytes() == before


def test_what_cannot_be_drawn_is_a_sentence(qtbot, shown, tmp_path):
    assert "could not be written" in drawn(qtbot, shown, tmp_path / "nowhere" / "a.png")
    assert "A figure's width must be" in drawn(qtbot, shown, tmp_path / "f.png", FigureChoice(("pca",), "wide"))
    assert not list(tmp_path.glob("*f.png*"))


def test_without_a_picture_there_is_nothing_to_draw(qtbot, program):
    with qtbot.waitSignal(program.export_figure.noted) as said:
        program.actions["export_figure"].trigger()
    assert said.args == ["Open a picture first."]


def test_the_dialog_says_what_is_chosen(qtbot):
    dialog = FigureDialog([("input", "Input"), ("pca", "PCA")], FigureChoice(("pca",)), marks=(True, False))
    qtbot.addWidget(dialog)
    assert dialog.choice() == FigureChoice(("pca",), "180mm", 0, True, False, "png")


def test_a_copied_pane_has_its_overlay(qtbot, shown):
    panel = shown.window.panel
    view = panel.pane("pca")
    view.setFocus()
    overlay = np.zeros((24, 32, 4), np.uint8)
    overlay[:, 16:] = (255, 0, 0, 255)
    view.set_overlay(overlay, 1.0, Legend("Clusters", np.zeros((2, 3), np.uint8), False))
    with qtbot.waitSignal(shown.export_files.noted) as said:
        shown.actions["copy_pane"].trigger()
    assert said.args == ["Copied: PCA, with Clusters."]
    copied = qimage.from_qimage(QGuiApplication.clipboard().image())
    assert copied.shape == (24, 32, 3)
    assert (copied[:, :16] == view.picture[:, :16]).all()
    assert (copied[:, 17:] == (255, 0, 0)).all()


def test_a_copied_pane_is_what_is_seen(qtbot, shown):
    view = shown.window.panel.pane("pca")
    view.setFocus()
    shown.window.panel.flip(True)
    shown.actions["copy_pane"].trigger()
    copied = qimage.from_qimage(QGuiApplication.clipboard().image())
    shown.window.panel.flip(False)
    assert (copied == shown.window.panel.pane("input").picture).all()


def test_the_engine_draws(tmp_path):
    from sss_model.figure import FigurePane

    pane = FigurePane("a", np.zeros((6, 8, 3), np.uint8))
    request = FigureRequest(tmp_path / "a.png", (pane,), "600px")
    (path,) = FileEngine().answer(request, Progress(), print).paths
    with Image.open(path) as picture:
        assert picture.width == 600
