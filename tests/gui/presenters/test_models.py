"""The model manager and the list of backbones, over the real model engine."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from controls import button, choose_row, named
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QProgressBar, QTreeView

from sss_gui.model_words import BackboneWords, GoodBackbone
from sss_gui.requests.models import BackboneModelRequest, BackbonesRequest
from sss_gui.widgets.dialogs.backbone_dialog import (
    FILE,
    NONE,
    PUBLISHED,
    BackboneChoice,
    BackboneDialog,
)
from sss_gui.widgets.dialogs.model_manager import ModelManager
from sss_gui.worker.model_engine import ModelEngine
from sss_model.errors import ParameterError
from sss_model.progress import Progress
from sss_model.weights.checkpoint import read_checkpoint

ROWS = [
    BackboneWords("resnet101", "torchvision", "torchvision", True),
    BackboneWords("convnext_tiny", "timm", "timm", False),
    BackboneWords("test_convnext", "timm", "", False),
]


@pytest.fixture
def dialog(qtbot):
    dialog = BackboneDialog()
    qtbot.addWidget(dialog)
    dialog.set_rows(ROWS)
    return dialog


def want(dialog, weights):
    box = named(dialog, QComboBox, "Weights")
    box.setCurrentIndex(box.findData(weights))
    box.activated.emit(box.currentIndex())


def listed(dialog):
    model = dialog.findChild(QTreeView).model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_search_narrows_the_list_and_chooses_its_first(qtbot, dialog):
    assert listed(dialog) == ["resnet101", "convnext_tiny", "test_convnext"]
    qtbot.keyClicks(dialog.findChild(QLineEdit), "conv tiny")
    assert listed(dialog) == ["convnext_tiny"]
    assert dialog.chosen == "convnext_tiny"


def test_a_download_needs_the_published_weights_of_one_that_is_not_here(dialog):
    assert dialog.choice() == BackboneChoice("resnet101", PUBLISHED)
    choose_row(dialog.findChild(QTreeView), "convnext_tiny")
    assert dialog.choice() == BackboneChoice("convnext_tiny", PUBLISHED, consent=True)
    assert "downloaded" in named(dialog, QComboBox, "Weights").currentText()
    want(dialog, NONE)
    choose_row(dialog.findChild(QTreeView), "resnet101")
    assert dialog.choice() == BackboneChoice("resnet101", NONE), "what was chosen stays"


def test_without_published_weights_there_are_a_file_and_random_ones(dialog):
    choose_row(dialog.findChild(QTreeView), "test_convnext")
    box = named(dialog, QComboBox, "Weights")
    assert [box.itemData(k) for k in range(box.count())] == [FILE, NONE]


def test_only_with_weights_here(qtbot, dialog):
    button(dialog, "Only with weights on this machine").click()
    assert listed(dialog) == ["resnet101"]


def test_an_empty_list_asks_for_nothing(qtbot, dialog):
    qtbot.keyClicks(dialog.findChild(QLineEdit), "no such network")
    assert dialog.choice() is None
    build = button(dialog, "Show its features")
    assert not build.isEnabled()


def test_engine_lists_what_is_installed_and_writes_a_model(tmp_path):
    engine, progress = ModelEngine(), Progress()
    names = {words.name for words in engine.answer(BackbonesRequest(), progress, print).backbones}
    assert {"resnet101", "tf_efficientnet_lite2"} <= names
    request = BackboneModelRequest("test_resnet", None, tmp_path / "models", "1,-1")
    params = read_checkpoint(engine.answer(request, progress, print)).params
    assert (params.backbone, params.variant, params.blocks) == ("test_resnet", "taps", (1, -1))


def test_engine_downloads_nothing_without_consent(tmp_path):
    request = BackboneModelRequest("convnext_tiny", "timm", tmp_path)
    with pytest.raises(Exception, match="nothing is downloaded unasked"):
        ModelEngine().answer(request, Progress(), print)
    assert not list(tmp_path.iterdir())


def test_engine_says_what_is_wrong_with_blocks(tmp_path):
    with pytest.raises(ParameterError, match="whole numbers"):
        ModelEngine().answer(BackboneModelRequest("test_resnet", None, tmp_path, "one"), Progress(), print)


def test_a_backbone_becomes_the_model_of_the_window(qtbot, program, tmp_path):
    program.actions["models"].trigger()
    manager = program.window.findChild(ModelManager)
    button(manager, "Backbones…").click()
    dialog = program.window.findChild(BackboneDialog)
    qtbot.waitUntil(lambda: dialog.chosen is not None, timeout=30_000)
    qtbot.keyClicks(dialog.findChild(QLineEdit), "test_resnet")
    want(dialog, NONE)
    button(dialog, "Show its features").click()
    qtbot.waitUntil(lambda: program.session.state.model is not None, timeout=30_000)
    assert isinstance(program.session.state.model, Path)
    assert program.session.state.model.is_file()
    assert "test_resnet" in dialog.state
    dialog.close()
    manager.close()


def test_a_failed_build_says_why_and_stays_open(qtbot, program):
    program.actions["backbones"].trigger()
    dialog = program.window.findChild(BackboneDialog)
    qtbot.waitUntil(lambda: dialog.chosen is not None, timeout=30_000)
    qtbot.keyClicks(dialog.findChild(QLineEdit), "test_resnet")
    want(dialog, NONE)
    named(dialog, QLineEdit, "Blocks").setText("99")
    button(dialog, "Show its features").click()
    qtbot.waitUntil(lambda: "stages or blocks" in dialog.state, timeout=30_000)
    assert dialog.isVisible()
    assert program.session.state.model is None
    dialog.close()


GOOD = [
    GoodBackbone("", "", "", True, "The shipped model", 0, "comes along"),
    GoodBackbone("convnext_tiny", "timm", "timm", False, "A ConvNeXt", 114, "apache-2.0"),
    GoodBackbone("resnet101", "torchvision", "torchvision", True, "A ResNet", 170, "bsd-3-clause"),
]


def test_those_to_begin_with_say_size_and_licence_and_one_click_consents(qtbot, dialog):
    dialog.set_good(GOOD)
    words = [label.text() for label in dialog.findChildren(QLabel)]
    assert "114 MB, apache-2.0" in words
    with qtbot.waitSignal(dialog.build_requested) as asked:
        button(dialog, "Download, show").click()
    assert asked.args == [BackboneChoice("convnext_tiny", PUBLISHED, consent=True)]
    with qtbot.waitSignal(dialog.build_requested) as asked:
        button(dialog, "Show").click()
    assert asked.args == [BackboneChoice("resnet101", PUBLISHED)]
    with qtbot.waitSignal(dialog.shipped_requested):
        button(dialog, "Use").click()


def test_a_download_has_a_bar_and_can_be_stopped(qtbot, program, monkeypatch):
    going = threading.Event()

    def build(folder, name, weights, *, blocks, consent, progress):
        for done in range(10_000):
            progress.report(done / 10_000, f"Downloading the weights of {name}, {done} of 10000 MB")
            going.set()
            time.sleep(0.002)

    monkeypatch.setattr("sss_model.weights.initialise.write_backbone", build)
    program.actions["backbones"].trigger()
    dialog = program.window.findChild(BackboneDialog)
    qtbot.waitUntil(lambda: "DINOv2" in " ".join(label.text() for label in dialog.findChildren(QLabel)), timeout=30_000)
    button(dialog, "Download, show").click()
    assert going.wait(10)
    qtbot.waitUntil(lambda: "of 10000 MB" in dialog.state)
    bar = dialog.findChild(QProgressBar)
    assert bar.isVisible()
    assert bar.maximum() == 1000
    assert not button(dialog, "Show its features").isEnabled()
    button(dialog, "Cancel").click()
    qtbot.waitUntil(lambda: dialog.state == "Stopped: nothing was kept.")
    assert not bar.isVisible()
    assert program.session.state.model is None
    dialog.close()


def test_closing_the_list_stops_the_download(qtbot, dialog):
    dialog.set_state("Downloading", busy=True, fraction=0.3)
    with qtbot.waitSignal(dialog.cancel_requested):
        dialog.reject()
