"""The dock: show features, begin a matte, cut into soft layers. What takes time has a thread, one thing at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import napari
import numpy as np
from magicgui.widgets import CheckBox, ComboBox, Container, Label, ProgressBar, PushButton, SpinBox
from napari.layers import Image, Labels, Points
from napari.qt.threading import create_worker
from qtpy.QtCore import QThreadPool, QTimer

from sss_gui.napari.marks import DROP, KEEP, in_order, marks_of, picture_of
from sss_model.array_types import Floats, Picture
from sss_model.errors import Cancelled, SSSError
from sss_model.layer_io.labels import ALPHABET
from sss_model.params import ExtractParams, FilterParams, ProjectionParams
from sss_model.params.layers import SegmentParams
from sss_model.progress import Progress

if TYPE_CHECKING:
    from sss_model.extractor import CachedExtractor
    from sss_model.matting import MatteEditor, Step
    from sss_model.projection.feature_views import FeatureViews

_WORDS, _COLOURS = {KEEP: "keep", DROP: "drop"}, {KEEP: "lime", DROP: "red"}
_STACK = 2**24  # bytes of a worker's thread: macOS gives 512 KB, too little for torch
_TELL_MS = 100  # between two looks at how far the work is
_MADE = "sss-features"  # in the metadata of layers that are no picture to cut


@dataclass(eq=False)
class Marked:
    """A picture with a matte under way: napari's layers of its marks, and the steps done."""

    picture: Image
    keep: Points
    drop: Points
    painted: Labels
    steps: list[Step] = field(default_factory=list)

    def steps_now(self) -> list[Step]:
        """What the layers say now, first things first."""
        found = marks_of(self.keep.data, self.drop.data, self.painted.data, self.painted.data.shape)
        return in_order(self.steps, found)


class SemanticWidget(Container):  # type: ignore[misc]
    """napari's dock of the plug-in.

    Parameters
    ----------
    viewer : napari's, whose image layers are cut
    """

    def __init__(self, viewer: napari.viewer.Viewer) -> None:
        self.viewer = viewer
        self.picture = ComboBox(label="Picture", choices=self._pictures)
        self.all_features = CheckBox(text="Every feature too, a channel each")
        self.show_features = PushButton(text="Show features")
        self.begin = PushButton(text="Begin a matte")
        self.edges = CheckBox(text="Solve soft edges", value=True)
        self.layers = SpinBox(label="Layers", value=SegmentParams().layers, min=1, max=16)
        self.cut = PushButton(text="Cut into soft layers")
        self.stop = PushButton(text="Stop", enabled=False)
        self.bar, self.said = ProgressBar(max=100, visible=False), Label(value="")
        super().__init__(widgets=[
            self.picture, self.show_features, self.all_features, self.begin, self.edges, self.layers, self.cut,
            self.bar, self.stop, self.said,
        ])  # fmt: skip
        self.said.native.setWordWrap(True)
        QThreadPool.globalInstance().setStackSize(_STACK)
        self._marked: Marked | None = None
        self._editor: tuple[Image, MatteEditor] | None = None
        self._views: tuple[Image, FeatureViews] | None = None
        self._extraction: CachedExtractor | None = None
        self._worker: Any = None
        self._stopped = self._again = False
        self._done, self._clock = (0.0, ""), QTimer(self.native)
        self._clock.timeout.connect(self._tell)
        self.show_features.changed.connect(self._show_features)
        self.begin.changed.connect(self._begin)
        self.edges.changed.connect(self._marks_changed)
        self.cut.changed.connect(self._cut)
        self.stop.changed.connect(self._stop)
        for happened in (viewer.layers.events.inserted, viewer.layers.events.removed):
            happened.connect(self._layers_changed)

    @property
    def busy(self) -> bool:
        """Whether something is being computed."""
        return self._worker is not None

    # What the buttons do

    def _show_features(self) -> None:
        picture, every = self.picture.value, self.all_features.value
        self._start(
            lambda progress: self._featured(picture, progress), lambda found: self._show(picture, every, *found)
        )

    def _featured(self, picture: Image, progress: Progress) -> tuple[FeatureViews, Floats | Picture]:
        """The picture's features, and their filtered PCA at its own size."""
        views = self._analysed(picture, progress.part(0.0, 0.8))
        params = FilterParams(), ProjectionParams()
        small = views.image.shape[:2] == views.size
        rest = progress.part(0.8, 1.0, "Guided filter")
        return views, views.filtered(*params, progress=rest) if small else views.lifted(*params, progress=rest)

    def _show(self, picture: Image, every: bool, views: FeatureViews, shown: Floats | Picture) -> None:
        place = _place(picture)
        self.viewer.add_image(shown, name=f"{picture.name} features", rgb=True, **place)
        if every:
            cells, size = np.array(views.features.shape[:2]), np.array(views.size)
            scale = place["scale"] * size / cells
            first = place["translate"] + place["scale"] * (size / cells - 1) / 2  # the middle of the first cell
            features = np.moveaxis(np.asarray(views.features, np.float32), 2, 0)
            self.viewer.add_image(
                features, name=f"{picture.name} every feature", scale=(1, *scale), translate=(0, *first), visible=False,
                metadata=place["metadata"],
            )  # fmt: skip

    def _begin(self) -> None:
        """Layers to mark in, over the picture."""
        picture = self.picture.value
        if picture is None:
            self.said.value = "There is no picture: open one, and choose it above."
            return
        size, name = picture.data.shape[:2], picture.name
        painted = self.viewer.add_labels(np.zeros(size, np.uint8), name=f"{name} strokes", **_place(picture))
        drop, keep = (self._points(picture, value) for value in (DROP, KEEP))
        self._marked = Marked(picture, keep, drop, painted)
        keep.mode = "add"
        for layer in (keep, drop):
            layer.events.data.connect(self._marks_changed)
        painted.events.paint.connect(self._marks_changed)
        self.said.value = f"Click what to keep; {name} drop and {name} strokes (1 keeps, 2 drops) correct it."

    def _points(self, picture: Image, value: int) -> Points:
        name, size = f"{picture.name} {_WORDS[value]}", max(6, max(picture.data.shape[:2]) / 80)
        return self.viewer.add_points(
            np.zeros((0, 2)), ndim=2, name=name, size=size, face_color=_COLOURS[value], **_place(picture)
        )

    def _marks_changed(self) -> None:
        """The matte follows the marks; what comes while it is computed is done next."""
        marked = self._marked
        if marked is None or not self._alive(marked):
            return
        if self.busy:
            self._again = True
            return
        steps, edges = marked.steps_now(), self.edges.value
        self._start(
            lambda progress: self._matte(marked.picture, steps, edges, progress),
            lambda alpha: self._show_matte(marked, steps, alpha),
        )

    def _matte(self, picture: Image, steps: list[Step], edges: bool, progress: Progress) -> Floats:
        """(H, W) of the picture after `steps`."""
        from sss_model.matting import MatteEditor

        if self._editor is None or self._editor[0] is not picture:
            views = self._analysed(picture, progress.part(0.0, 0.7))
            editor = MatteEditor(_pixels(picture), views.features, progress=progress.part(0.7, 0.8, "Superpixels"))
            self._editor = picture, editor
        editor = self._editor[1]
        editor.set_steps(steps)
        editor.edges = edges
        return editor.solve(progress.part(0.8, 1.0, "Edges"))

    def _show_matte(self, marked: Marked, steps: list[Step], alpha: Floats) -> None:
        marked.steps, name = steps, f"{marked.picture.name} matte"
        if name in self.viewer.layers:
            self.viewer.layers[name].data = alpha
        else:
            shown, active = _place(marked.picture), self.viewer.layers.selection.active
            self.viewer.add_image(
                alpha, name=name, colormap="green", blending="additive", contrast_limits=(0, 1), opacity=0.5, **shown
            )
            self.viewer.layers.move(len(self.viewer.layers) - 1, self.viewer.layers.index(marked.painted))
            self.viewer.layers.selection.active = active  # where one was clicking

    def _cut(self) -> None:
        picture, count = self.picture.value, self.layers.value
        self._start(
            lambda progress: self._layered(picture, count, progress), lambda alphas: self._show_layers(picture, alphas)
        )

    def _layered(self, picture: Image, count: int, progress: Progress) -> Floats:
        """(H, W, N): the picture's soft layers, the largest first."""
        from sss_model.segmentation import soft_segments

        views = self._analysed(picture, progress.part(0.0, 0.5))
        rest = progress.part(0.5, 1.0, "Layers")
        alphas = soft_segments(_pixels(picture), views.features, layers=count, progress=rest).alphas
        return np.take(alphas, np.argsort(-alphas.mean(axis=(0, 1)), kind="stable"), axis=2)

    def _show_layers(self, picture: Image, alphas: Floats) -> None:
        place, name = _place(picture), picture.name
        colours = np.take(ALPHABET, range(alphas.shape[2]), axis=0, mode="wrap") / 255
        for k in range(alphas.shape[2]):
            ramp = napari.utils.Colormap([[0, 0, 0], colours[k]], name=f"{name} layer-{k + 1}")
            self.viewer.add_image(
                alphas[..., k], name=ramp.name, colormap=ramp, blending="additive", visible=False, **place
            ).contrast_limits = (0, 1)
        strongest = (alphas.argmax(axis=2) + 1).astype(np.uint8)
        self.viewer.add_labels(strongest, name=f"{name} layers", opacity=0.4, **place)

    # One thing at a time, beside the window's thread

    def _start(self, work: Callable[[Progress], Any], show: Callable[[Any], None]) -> None:
        if self.busy:
            self.said.value = "Something is computed already: wait for it, or stop it."
            return
        if self.picture.value is None:
            self.said.value = "There is no picture: open one, and choose it above."
            return
        self._stopped, self.bar.visible, self.stop.enabled, self._done = False, True, True, (0.0, "")
        progress = Progress(self._hear, lambda: self._stopped)

        def outcome() -> tuple[Any, Exception | None]:  # errors as results: napari's own listener of them fails (0.9.2)
            try:
                return work(progress), None
            except Exception as error:
                return None, error

        def done(outcome: tuple[Any, Exception | None]) -> None:
            result, error = outcome
            self._clock.stop()
            self.said.value = ""
            if error is None:
                show(result)
            else:
                self._failed(error)

        self._clock.start(_TELL_MS)
        self._worker = create_worker(outcome, _connect={"returned": done, "finished": self._finished})

    def _hear(self, fraction: float, stage: str) -> None:
        """From the worker's thread, which may touch nothing of Qt."""
        self._done = fraction, stage

    def _tell(self) -> None:
        self.bar.value, self.said.value = round(100 * self._done[0]), self._done[1]

    def _stop(self) -> None:
        self._stopped, self._again = True, False

    def _failed(self, error: Exception) -> None:
        if isinstance(error, Cancelled):
            self.said.value = "Stopped."
        elif isinstance(error, SSSError):
            self.said.value = f"{error} {error.hint}".strip()
        else:
            raise error

    def _finished(self) -> None:
        self._worker, self.bar.visible, self.stop.enabled = None, False, False
        if self._again:
            self._again = False
            self._marks_changed()

    def _analysed(self, picture: Image, progress: Progress) -> FeatureViews:
        """The picture's features, computed once."""
        from sss_model.extractor import CachedExtractor  # torch: in a thread, when it is needed
        from sss_model.files.inputs import Input
        from sss_model.pipeline import analyse

        if self._views is None or self._views[0] is not picture:
            opened = Input(_pixels(picture))
            self._extraction = self._extraction or CachedExtractor()
            found = analyse(opened, picture.name, self._extraction, None, ExtractParams(), progress)
            self._views = picture, found.views
        return self._views[1]

    # napari's layers

    def _pictures(self, _widget: object = None) -> list[Image]:
        """Image layers that are a picture."""
        return [layer for layer in self.viewer.layers if isinstance(layer, Image) and _is_picture(layer)]

    def _layers_changed(self) -> None:
        self.picture.reset_choices()
        if self._marked is not None and not self._alive(self._marked):
            self._marked = self._editor = None

    def _alive(self, marked: Marked) -> bool:
        layers = self.viewer.layers
        return all(layer in layers for layer in (marked.picture, marked.keep, marked.drop, marked.painted))


def _is_picture(layer: Image) -> bool:
    return _MADE not in layer.metadata and not layer.multiscale and layer.data.ndim == (3 if layer.rgb else 2)


def _pixels(layer: Image) -> Floats:
    return picture_of(layer.data, layer.rgb, layer.contrast_limits)


def _place(layer: Image) -> dict[str, Any]:
    """Where a layer lies, for those that are made over it."""
    scale, translate = np.asarray(layer.scale)[-2:], np.asarray(layer.translate)[-2:]
    return {"scale": scale, "translate": translate, "metadata": {_MADE: True}}
