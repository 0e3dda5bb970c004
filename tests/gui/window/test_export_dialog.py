"""The one dialog of exports, made from the record of either: purposes, what is ticked, what it says of the size."""

from __future__ import annotations

import pytest
from controls import button, named
from PySide6.QtWidgets import QComboBox, QLabel, QSpinBox

from sss_gui.window.export_dialog import FEATURE_PURPOSES, LAYER_PURPOSES, ExportDialog, FeatureForecast, LayerForecast
from sss_model.feature_io import FORMATS as FEATURE_FORMATS
from sss_model.layer_io import FORMATS as LAYER_FORMATS
from sss_model.params import EXPORT_FORMATS, ExportParams
from sss_model.params.layers import LayerExportParams


@pytest.fixture
def of_features(qtbot, tmp_path):
    def open_dialog(params=None, forecast=None, formats=FEATURE_FORMATS):
        words = {name: getattr(form, "label", form) for name, form in formats.items()}
        params = params or ExportParams(existing="refuse")
        dialog = ExportDialog(
            "Export <b>.png", tmp_path, params, formats=words, purposes=FEATURE_PURPOSES, forecast=forecast
        )
        qtbot.addWidget(dialog)
        return dialog

    return open_dialog


@pytest.fixture
def of_layers(qtbot, tmp_path):
    formats, subjects = {name: form.title for name, form in LAYER_FORMATS.items()}, ("All layers", "The matte: cat")
    dialog = ExportDialog(
        "Export layers", tmp_path, LayerExportParams(), formats=formats, purposes=LAYER_PURPOSES,
        skip=("compare",), subjects=[(words, True) for words in subjects],
    )  # fmt: skip
    qtbot.addWidget(dialog)
    return dialog


def said(dialog):
    return dialog.findChild(QLabel, "forecast").text()


def purpose(dialog):
    return next(box for box in dialog.findChildren(QComboBox) if box.findText("What is ticked below") >= 0)


def choose(dialog, words):
    box = purpose(dialog)
    box.setCurrentText(words)
    box.activated.emit(box.currentIndex())


def test_nothing_is_not_exported_and_the_dialog_says_why(of_features):
    dialog = of_features()
    export = button(dialog, "Export")
    assert export.isEnabled()
    button(dialog, "NumPy, half").setChecked(False)
    assert not export.isEnabled()
    assert "at least one format" in said(dialog)
    button(dialog, "Raw features").setChecked(False)
    assert export.isEnabled()
    button(dialog, "Pictures").setChecked(False)
    assert not export.isEnabled()
    assert said(dialog).startswith("There is nothing to write.")


def test_each_kind_of_features_is_offered_at_full_size(of_features):
    dialog = of_features(ExportParams(formats=("npy",), existing="refuse"), FeatureForecast((400, 400), 64, (100, 100)))
    raw, filtered = (button(dialog, words) for words in ("Raw at full size", "Filtered at full size"))
    assert (raw.isEnabled(), filtered.isEnabled()) == (True, False), "what is not written has no size"
    sizes = [said(dialog)]
    raw.setChecked(True)
    sizes.append(said(dialog))
    assert dialog.params() == ExportParams(raw_full_size=True, formats=("npy",), existing="refuse")
    button(dialog, "Filtered features").setChecked(True)
    filtered.setChecked(True)
    sizes.append(said(dialog))
    assert sizes == [f"up to {size} MB of features" for size in ("2.4", "19.5", "39.1")], "float16 at full size"
    button(dialog, "Raw features").setChecked(False)
    assert not dialog.params().raw_full_size
    assert dialog.params().full_size


def test_a_batch_is_forecast_whole():
    forecast = FeatureForecast((1024, 1024), 128, (1024, 1024))
    assert forecast(ExportParams()) == "up to 256.0 MB of features"
    assert forecast(ExportParams(), 0, 6) == "up to 1.5 GB of features, if all 6 pictures are of this size"
    assert forecast(ExportParams(raw=False)) == "small"
    layers = LayerForecast((1024, 1024), 4, "2 pins left out: pins belong to the features.")
    assert layers(LayerExportParams()) == "up to 32.0 MB. 2 pins left out: pins belong to the features."
    assert layers(LayerExportParams(), 1, 2).startswith("up to 20.0 MB, if all 2 pictures are of this size. 2 pins")
    every = LayerExportParams(formats=tuple(LAYER_FORMATS), overlay=True)
    assert layers(every).startswith("up to 2"), "each format has a size"


def test_another_format_is_offered_by_itself(of_features):
    """Its name stands in one table, which the dialog and the commands share."""
    assert set(FEATURE_FORMATS) == set(EXPORT_FORMATS)
    dialog = of_features(formats={**FEATURE_FORMATS, "zarr": "Zarr"})
    assert not button(dialog, "Zarr").isChecked()


@pytest.mark.parametrize("words", FEATURE_PURPOSES)
def test_a_purpose_ticks_what_it_needs(of_features, words):
    dialog = of_features(ExportParams(strip=True, save_basis=True, formats=("tiff",), existing="skip"))
    assert purpose(dialog).currentText() == "What is ticked below"
    choose(dialog, words)
    assert purpose(dialog).currentText() == words
    chosen, wanted = dialog.params(), FEATURE_PURPOSES[words]
    assert (chosen.raw, chosen.filtered, chosen.full_size, chosen.strip) == (
        wanted.raw, wanted.filtered, wanted.full_size, wanted.strip
    )  # fmt: skip
    assert chosen.existing == "skip", "no purpose replaces files unasked"
    button(dialog, "PCA basis").setChecked(True)
    assert purpose(dialog).currentText() == "What is ticked below"


def test_layers_are_chosen_by_purpose_too(of_layers):
    assert of_layers.subject == 0
    button(of_layers, "The matte: cat").click()
    assert of_layers.subject == 1
    for words, wanted in LAYER_PURPOSES.items():
        choose(of_layers, words)
        assert of_layers.params() == wanted
    button(of_layers, "Overlay").setChecked(False)
    assert not button(of_layers, "Export").isEnabled(), "nothing to write"
    assert said(of_layers).startswith("There is nothing to write.")
    button(of_layers, "OpenRaster").setChecked(True)
    assert of_layers.params().formats == ("ora",)


def test_files_are_for_a_program_as_long_as_nothing_else_is_ticked(of_layers):
    words = "Compositing: Nuke (EXR, Cryptomatte)"
    choose(of_layers, words)
    assert (purpose(of_layers).currentText(), of_layers.params().host) == (words, "nuke"), (
        "not Blender, which has the same"
    )
    button(of_layers, "Overlay").setChecked(True)
    assert (purpose(of_layers).currentText(), of_layers.params().host) == ("What is ticked below", "")


def test_the_dialog_begins_with_the_program_of_last_time(qtbot, tmp_path):
    params = LayerExportParams.for_host("after-effects")
    formats = {name: form.title for name, form in LAYER_FORMATS.items()}
    dialog = ExportDialog("Export", tmp_path, params, formats=formats, purposes=LAYER_PURPOSES, skip=("compare",))
    qtbot.addWidget(dialog)
    assert purpose(dialog).currentText() == "Video: After Effects (PSD, Cryptomatte)"
    assert dialog.params() == params


def test_a_range_of_frames_is_forecast(qtbot, tmp_path):
    formats = {name: form.title for name, form in LAYER_FORMATS.items()}
    dialog = ExportDialog(
        "Export layers", tmp_path, LayerExportParams(formats=("alpha",)), formats=formats, purposes=LAYER_PURPOSES,
        skip=("compare",), subjects=[("All layers", True), ("The matte", True), ("The mattes of frames", True)],
        subject=2, frames=(11, 30), forecast=LayerForecast((1024, 1024), 5),
    )  # fmt: skip
    qtbot.addWidget(dialog)
    assert said(dialog) == "up to 80.0 MB, if all 20 pictures are of this size"
    named(dialog, QSpinBox, "First frame").setValue(21)
    assert said(dialog) == "up to 40.0 MB, if all 10 pictures are of this size"
    button(dialog, "All layers").click()
    assert said(dialog) == "up to 10.0 MB"
