"""The dock in napari's own test viewer; skipped where napari is not installed (pip install -e .[napari])."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("napari", reason="napari is not installed")

from npe2 import PluginManager, PluginManifest

from sss_model.errors import DeviceError
from sss_model.matting import MatteEditor

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]  # napari's own are not ours

MANIFEST = Path(__file__).resolve().parents[2] / "sss_gui" / "napari" / "napari.yaml"


def picture():
    image = np.full((64, 96, 3), 50, np.uint8)
    image[16:48, 24:72] = (230, 130, 25)
    return image + np.random.default_rng(0).integers(0, 12, image.shape).astype(np.uint8)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer()


@pytest.fixture
def dock(viewer):
    """The dock, as napari makes it of the manifest, over a viewer with one picture."""
    viewer.add_image(picture(), name="thing")
    with suppress(ValueError):  # it is known from the test before
        PluginManager.instance().register(PluginManifest.from_file(MANIFEST))
    _, widget = viewer.window.add_plugin_dock_widget("sss-features", "Features and mattes")
    yield widget
    widget.stop.changed.emit(True)


def wait(qtbot, dock):
    qtbot.waitUntil(lambda: not dock.busy, timeout=120_000)


def test_features_are_a_layer_of_the_pictures_size(viewer, dock, qtbot):
    dock.all_features.value = True
    dock.show_features.changed.emit(True)
    assert dock.busy
    assert dock.stop.enabled
    wait(qtbot, dock)
    shown, every = viewer.layers["thing features"], viewer.layers["thing every feature"]
    assert shown.rgb
    assert shown.data.shape == (64, 96, 3)
    inside, outside = (shown.data[y, x].astype(float) for y, x in ((32, 48), (6, 6)))
    assert np.abs(inside - outside).max() > 40, "a thing and its ground differ"
    assert every.data.shape[0] == 128
    height, width = every.data.shape[1:]
    np.testing.assert_allclose(every.scale[1:] * (height, width), (64, 96))
    assert dock.picture.choices == (viewer.layers["thing"],), "what was made is not offered as a picture"


def test_points_and_strokes_make_a_matte_that_follows_them(viewer, dock, qtbot):
    dock.begin.changed.emit(True)
    keep, drop, painted = (viewer.layers[f"thing {word}"] for word in ("keep", "drop", "strokes"))
    assert keep.mode == "add"
    keep.add([32, 48])
    wait(qtbot, dock)
    matte = viewer.layers["thing matte"]
    alpha = matte.data.copy()
    assert (alpha.shape, alpha.dtype) == ((64, 96), np.float32)
    assert alpha[32, 48] == 1
    assert alpha[5, 5] == 0
    np.testing.assert_array_equal(alpha, MatteEditor(picture() / np.float32(255), views(dock)).click(48, 32))
    drop.add([20, 68])
    painted.selected_label = 2
    painted.paint([40, 68], 2)
    wait(qtbot, dock)
    assert matte.data[40, 68] < 0.5
    assert matte.data[20, 68] < 0.5
    drop.data = np.zeros((0, 2))
    painted.data = np.zeros_like(painted.data)
    painted.events.paint(value=[])
    wait(qtbot, dock)
    np.testing.assert_array_equal(matte.data, alpha)


def views(dock):
    return dock._views[1].features  # noqa: SLF001


def test_layers_are_images_whose_sum_is_one_and_labels(viewer, dock, qtbot):
    dock.layers.value = 2
    dock.cut.changed.emit(True)
    wait(qtbot, dock)
    alphas = [viewer.layers[f"thing layer-{k}"].data for k in (1, 2)]
    np.testing.assert_allclose(np.sum(alphas, axis=0), 1, atol=1e-3)
    assert alphas[0].mean() >= alphas[1].mean()
    np.testing.assert_array_equal(viewer.layers["thing layers"].data, np.argmax(alphas, axis=0) + 1)


def test_stopping_adds_nothing_and_without_a_picture_there_is_a_sentence(viewer, dock, qtbot):
    dock.show_features.changed.emit(True)
    dock.stop.changed.emit(True)
    wait(qtbot, dock)
    assert "thing features" not in viewer.layers
    assert dock.said.value == "Stopped."
    viewer.layers.clear()
    dock.begin.changed.emit(True)
    dock.show_features.changed.emit(True)
    assert dock.said.value.startswith("There is no picture")
    assert not dock.busy


def test_an_error_is_its_sentence(viewer, dock, qtbot, monkeypatch):
    def refuse(*_args, **_words):
        raise DeviceError("There is not enough memory.", hint="Close other programs.")

    monkeypatch.setattr("sss_model.pipeline.analyse", refuse)
    dock.cut.changed.emit(True)
    wait(qtbot, dock)
    assert dock.said.value == "There is not enough memory. Close other programs."


def test_marks_of_a_picture_that_was_removed_do_nothing(viewer, dock, qtbot):
    dock.begin.changed.emit(True)
    keep = viewer.layers["thing keep"]
    viewer.layers.remove("thing")
    keep.add([32, 48])
    assert not dock.busy
