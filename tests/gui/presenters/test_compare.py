"""Models side by side, as a user does it: choose, run, look, pin, save, stop; and the real engine behind it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controls import button, named
from journeys import asked, idle_shown
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit

from sss_gui.requests.compare import (
    CompareReportRequest,
    CompareRequest,
    CompareSimilarityRequest,
    EndCompareRequest,
    ModelChoice,
)
from sss_gui.requests.panes import Source
from sss_gui.widgets.dialogs.compare_dialog import Candidate, CompareDialog
from sss_gui.worker.engine import FeatureEngine
from sss_model.errors import CheckpointError, ParameterError
from sss_model.image_io import write_picture
from sss_model.params import GridParams
from sss_model.progress import Progress
from sss_model.weights.catalogue import BackboneEntry, ShortListed

CANDIDATES = [
    Candidate("shipped", "Shipped model"),
    Candidate("backbone:dino", "dino", "88 MB, apache-2.0"),
    Candidate("backbone:here", "here"),
]


@pytest.fixture
def dialog(qtbot, monkeypatch):
    dialog = CompareDialog()
    qtbot.addWidget(dialog)
    dialog.set_candidates(CANDIDATES)
    dialog.set_picture("a.png")
    return dialog


@pytest.fixture
def opened(qtbot, program, photos, monkeypatch):
    """The window with a picture and the dialog, which knows the shipped model and one backbone."""
    listed = ShortListed("test_vit", "a small one", 1), BackboneEntry("test_vit", "timm", "timm", False), "apache-2.0"
    others = [BackboneEntry("test_resnet", "timm", "timm", False), BackboneEntry("bare", "timm", "", False)]
    monkeypatch.setattr("sss_model.weights.catalogue.list_backbones", lambda: others)
    monkeypatch.setattr("sss_model.weights.catalogue.short_list", lambda: [listed])
    program.open_files.open_paths([photos[0]])
    idle_shown(qtbot, program)
    program.actions["compare_models"].trigger()
    dialog = program.window.findChild(CompareDialog)
    qtbot.waitUntil(lambda: "test_vit" in offered(dialog))
    yield dialog
    dialog.close()


def offered(dialog):
    box = named(dialog, QComboBox, "Model 1")
    return [box.itemText(row) for row in range(box.count())]


def said(dialog):
    return " ".join(label.text() for label in dialog.findChildren(QLabel))


def compared(qtbot, dialog):
    button(dialog, "Compare").click()
    qtbot.waitUntil(lambda: dialog.panel is not None and not dialog.state)


def test_rows_are_two_to_four_and_name_what_there_is(qtbot, dialog):
    assert [choice.key for choice in dialog.choices()] == ["shipped", "backbone:dino"]
    more = button(dialog, "Add a model")
    more.click()
    more.click()
    assert not more.isEnabled()
    assert len(dialog.choices()) == 4
    dialog.rows[3].remove.click()
    dialog.rows[2].remove.click()
    assert [row.remove.isHidden() for row in dialog.rows] == [True, True], "two are the least"
    named(dialog, QComboBox, "Model 2").setEditText("no such network")
    assert dialog.choices() is None
    assert not button(dialog, "Compare").isEnabled()


def test_a_download_is_said_before_it_is_begun(dialog):
    go = button(dialog, "Download and compare")
    assert "dino (88 MB, apache-2.0)" in said(dialog)
    named(dialog, QComboBox, "Model 2").setCurrentText("here")
    assert go.text() == "Compare"
    assert "downloaded" not in said(dialog)


def test_nothing_can_be_compared_without_a_picture(dialog):
    dialog.set_picture("")
    assert not button(dialog, "Download and compare").isEnabled()
    assert "Open a picture first" in said(dialog)


def test_one_model_at_two_sizes_is_compared(qtbot, program, engine, opened):
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    named(opened, QLineEdit, "Scales 2").setText("0.5, 1")
    compared(qtbot, opened)
    request = asked(engine, CompareRequest)[-1]
    assert request.models == (
        ModelChoice("Shipped model", None, GridParams()),
        ModelChoice("Shipped model", None, GridParams("320", (0.5, 1.0))),
    )
    assert request.source == program.session.displayed
    assert opened.table() == [["Shipped model 0", "8", "0.1 s"], ["Shipped model 1", "8", "0.1 s"]]
    assert [opened.panel.pane(name).header.title for name in ("input", "0", "1")] == [
        "Photograph", "Shipped model 0", "Shipped model 1"
    ]  # fmt: skip
    assert opened.panel.pane("0").picture[0, 0, 0] == 160, "filtered to begin with"
    opened.filtered.setChecked(False)
    assert opened.panel.pane("1").picture[0, 0, 0] == 60


def test_one_pin_gives_the_similarity_in_all(qtbot, program, engine, opened):
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    compared(qtbot, opened)
    opened.panel.pixel_clicked.emit(7, 5)
    qtbot.waitUntil(lambda: bool(opened.panel.pane("1").canvas.layer.overlay))
    assert asked(engine, CompareSimilarityRequest)[-1] == CompareSimilarityRequest((7, 5), "cosine")
    assert opened.panel.pane("0").canvas.pins == [(7, 5)]
    named(opened, QComboBox, "Measure").setCurrentText("distance")
    qtbot.waitUntil(lambda: asked(engine, CompareSimilarityRequest)[-1].metric == "distance")
    opened.similar.setChecked(False)
    assert not opened.panel.pane("1").canvas.layer.overlay
    opened.panel.pixel_clicked.emit(7, 5)
    assert opened.panel.pane("0").canvas.pins == [], "a second click takes it off"


def test_the_pin_of_the_window_comes_along(qtbot, program, engine, opened):
    program.pins.set([(3, 4)])
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    compared(qtbot, opened)
    assert opened.panel.pane("0").canvas.pins == [(3, 4)]


def test_the_report_has_the_pin(qtbot, program, engine, opened, tmp_path):
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    compared(qtbot, opened)
    opened.panel.pixel_clicked.emit(7, 5)
    program.compare.save_report(tmp_path / "page.html")
    qtbot.waitUntil(lambda: "Wrote" in opened.state)
    assert asked(engine, CompareReportRequest)[-1] == CompareReportRequest(tmp_path / "page.html", ((7, 5),), "cosine")


def test_a_backbone_is_built_before_it_is_compared(qtbot, program, engine, opened, monkeypatch, tmp_path):
    built = []

    def build(folder, name, weights, **options):
        built.append((name, weights, options["consent"]))
        options["progress"].report(0.5, "Downloading")
        return tmp_path / f"{name}-taps.safetensors"

    monkeypatch.setattr("sss_model.weights.initialise.write_backbone", build)
    named(opened, QComboBox, "Model 2").setCurrentText("test_vit")
    button(opened, "Download and compare").click()
    qtbot.waitUntil(lambda: bool(asked(engine, CompareRequest)))
    assert built == [("test_vit", "timm", True)], "the button's words are the consent"
    assert asked(engine, CompareRequest)[-1].models[1].path == tmp_path / "test_vit-taps.safetensors"


def test_a_failed_download_is_a_sentence_and_one_can_go_on(qtbot, program, engine, opened, monkeypatch):
    def build(*_, **__):
        raise CheckpointError("There is no connection to huggingface.co.", hint="Connect this computer.")

    monkeypatch.setattr("sss_model.weights.initialise.write_backbone", build)
    named(opened, QComboBox, "Model 2").setCurrentText("test_vit")
    button(opened, "Download and compare").click()
    qtbot.waitUntil(lambda: "no connection" in opened.state)
    assert opened.state.endswith("Connect this computer.")
    assert button(opened, "Download and compare").isEnabled()
    assert not asked(engine, CompareRequest)


def test_stop_ends_it(qtbot, program, engine, opened):
    engine.gate.clear()
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    button(opened, "Compare").click()
    qtbot.waitUntil(lambda: bool(asked(engine, CompareRequest)))
    qtbot.waitUntil(lambda: "Network" in opened.state)
    assert not button(opened, "Compare").isEnabled()
    button(opened, "Stop").click()
    qtbot.waitUntil(lambda: opened.state == "Stopped.")
    engine.gate.set()
    assert opened.panel is None


def test_closing_gives_the_memory_back_and_the_next_time_begins_anew(qtbot, program, engine, opened):
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    compared(qtbot, opened)
    opened.close()
    qtbot.waitUntil(lambda: bool(asked(engine, EndCompareRequest)))
    program.actions["compare_models"].trigger()
    assert opened.isVisible()
    assert opened.panel is None
    assert not button(opened, "Save report").isEnabled()
    assert "compare them on a.png" in said(opened)


def test_bad_scales_are_a_sentence(qtbot, opened):
    named(opened, QComboBox, "Model 2").setCurrentText("Shipped model")
    named(opened, QLineEdit, "Scales 2").setText("half")
    button(opened, "Compare").click()
    assert "such as 0.5, 1; got 'half'" in opened.state
    named(opened, QLineEdit, "Scales 2").setText("99")
    button(opened, "Compare").click()
    assert "scales" in opened.state


def test_two_files_of_one_name_are_told_apart(qtbot, program, opened, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.safetensors").touch()
        program.settings.add_recent_model(str(tmp_path / folder / "net.safetensors"))
    program.actions["compare_models"].trigger()
    qtbot.waitUntil(lambda: len(offered(opened)) == 5)
    titles = offered(opened)
    assert str(tmp_path / "a" / "net.safetensors") in titles
    assert len(set(titles)) == len(titles)


def test_backbones_without_weights_are_not_offered_and_unknown_sizes_are_said(opened):
    assert offered(opened) == ["Shipped model", "test_vit", "test_resnet"]
    named(opened, QComboBox, "Model 2").setCurrentText("test_resnet")
    assert "test_resnet (size not known)" in said(opened)


def test_the_engine_runs_models_answers_pins_and_writes_the_page(tmp_path):
    """The real one, on a picture of noise, at sizes that take no time."""
    rng = np.random.default_rng(0)
    path = tmp_path / "photo.png"
    write_picture(path, rng.integers(0, 255, (40, 48, 3), np.uint8))
    engine, told = FeatureEngine(), []
    models = tuple(ModelChoice("net", None, GridParams(size, (1.0,))) for size in ("32", "48"))
    request = CompareRequest(Source.from_path(path), models)
    result = engine.answer(request, Progress(lambda *told_: told.append(told_)), print)
    assert result.titles == ("net at 32, scales 1", "net at 48, scales 1")
    assert result.size == (40, 48)
    assert {levels[0].shape for levels in (*result.pictures, *result.filtered)} == {(27, 32, 3)}
    assert len(result.rows) == 2
    assert len(result.heads) == len(result.rows[0])
    likeness = engine.answer(CompareSimilarityRequest((10, 10)), Progress(), print)
    assert [levels[0].shape[:2] for levels in likeness] == [(27, 32), (40, 48)]
    page = engine.answer(CompareReportRequest(tmp_path / "page.html", ((10, 10),)), Progress(), print)
    assert "photo.png: 2 models compared" in page.paths[0].read_text("utf-8")
    with pytest.raises(ParameterError):
        engine.answer(CompareSimilarityRequest((99, 0)), Progress(), print)
    engine.answer(EndCompareRequest(), Progress(), print)
    assert engine.answer(CompareSimilarityRequest((1, 1)), Progress(), print) is None
    assert engine.answer(CompareReportRequest(Path("never.html")), Progress(), print) is None
    engine.close()
