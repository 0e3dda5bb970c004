"""The Layers dock, from and to the state of the segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from sss_gui.state.classes import Classes
from sss_gui.state.layer_edits import Layer
from sss_gui.state.segments import CLASSES, METHOD_TITLES, Method, Segments
from sss_gui.widgets.dialogs.backbone_dialog import FILE, ask_weights
from sss_gui.widgets.panels.layer_list import LayerRow
from sss_gui.widgets.panels.layers_panel import LayersPanel
from sss_model.params.layers import NETWORKS
from sss_model.weights.published import SEGMENTATION_WEIGHTS

THUMBNAIL = 128  # pixels of the longer side: sharp at twice the size that it is drawn at
CLASS_FILES = "Taught classes (*.json);;All files (*)"
MASKS = "Masks (*.png *.tif *.tiff *.json *.npz *.npy *.mat);;All files (*)"
WEIGHTS = "Weights (*.pth *.pt *.safetensors);;All files (*)"
PICTURES = "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.webp *.exr);;All files (*)"


class LayersPresenter(QObject):
    """Keeps the dock showing the layers, and hands on what the user does with them."""

    def __init__(self, segments: Segments, classes: Classes, panel: LayersPanel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._segments, self._classes, self._panel = segments, classes, panel
        self._weighted: dict[str, Method] = {}  # the networks' last weights
        rows = panel.list
        rows.picked.connect(segments.pick)
        rows.renamed.connect(segments.rename)
        rows.coloured.connect(segments.set_colour)
        rows.arranged.connect(segments.arrange)
        panel.classes.named.connect(classes.add)
        rows.hovered.connect(segments.light)
        rows.eye_clicked.connect(self._click_eye)
        panel.method_chosen.connect(self.choose_method)
        panel.compute_requested.connect(segments.compute)
        panel.count_changing.connect(lambda count: segments.set_count(count, moving=True))
        panel.count_rested.connect(segments.set_count)
        panel.edges_chosen.connect(segments.set_edges)
        panel.matte_changing.connect(lambda name, value: self._set_param(name, value, moving=True))
        panel.matte_rested.connect(lambda name, value: self._set_param(name, value, moving=False))
        panel.view_chosen.connect(self._choose_view)
        panel.colour_chosen.connect(lambda colour: segments.set_view(replace(segments.view, colour=colour)))
        panel.decontaminate_chosen.connect(lambda on: segments.set_view(replace(segments.view, decontaminate=on)))
        self._join_state()

    def _join_state(self) -> None:
        segments, panel = self._segments, self._panel
        for changed in (segments.layers_changed, segments.alphas_changed, segments.cut_changed):
            changed.connect(self._show_rows)
        segments.solo_changed.connect(lambda _number: self._show_rows())
        segments.lit_changed.connect(panel.list.set_lit)
        segments.picked_changed.connect(self._show_picked)
        segments.params_changed.connect(panel.set_params)
        segments.steps_changed.connect(self._show_picked)
        segments.edges_changed.connect(panel.set_edges)
        segments.status_changed.connect(self._show_status)
        segments.method_changed.connect(self._show_method)
        segments.method_changed.connect(lambda _method: self._show_rows())
        classes = self._classes
        for changed in (classes.entries_changed, classes.strokes_changed, classes.active_changed):
            changed.connect(self._show_classes)
        classes.confidence_changed.connect(self._show_class_words)
        segments.view_changed.connect(lambda _view: self._show_view())
        segments.tool_changed.connect(lambda _tool: QTimer.singleShot(0, self, self._ask_first_name))
        self._show_status(segments.status)
        self._show_method(segments.method)
        self._show_view()
        self._show_rows()
        self._show_picked()
        self._show_class_words()

    def _ask_first_name(self) -> None:
        """Where nothing is named yet, the keyboard goes to the name: typed in a pane its letters are commands."""
        if self._segments.tool == "teach" and self._segments.shown and not self._classes.entries:
            self._panel.classes.ask_name()

    # intents ---------------------------------------------------------------------------------------------------------

    def _click_eye(self, number: int, alone: bool) -> None:
        """Hide a layer, show it, or show it alone; a class that is none yet has nothing to be seen."""
        if any(layer.number == number for layer in self._segments.edits.layers):
            (self._segments.set_solo if alone else self._segments.toggle_layer)(number)

    def choose_method(self, name: str) -> None:
        """Take the layers from there; ask for masks always, for weights once, or when the method is chosen again."""
        segments = self._segments
        method = None if name == segments.method.name else self._weighted.get(name)
        method = method or self._asked_for(name)
        if method == segments.method and not segments.computing:
            if segments.by_classes:
                segments.set_tool("teach")
            segments.compute()  # what failed is tried again
        elif method is not None:
            segments.set_method(method)
        self._show_method(segments.method)

    def _asked_for(self, name: str) -> Method | None:
        """The method with what it needs; None where the user cancels."""
        if name == "masks":
            return self._with_file(name, "Open masks of this picture", MASKS)
        if name not in NETWORKS:
            return Method(name)
        title, published = METHOD_TITLES[name], SEGMENTATION_WEIGHTS.get(name)
        answer = FILE
        if published is not None:
            answer = ask_weights(title, published.megabytes, self._panel, here=published.here)
        if answer == FILE:
            return self._with_file(name, f"Open weights of {title}", WEIGHTS)
        return Method(name, consent=published is not None and not published.here) if answer else None

    def _with_file(self, name: str, title: str, kinds: str) -> Method | None:
        file, _ = QFileDialog.getOpenFileName(self._panel, title, "", kinds)
        return Method(name, Path(file)) if file else None

    def open_backdrop(self) -> None:
        """Ask for a picture, and look at the matte over it."""
        file, _ = QFileDialog.getOpenFileName(self._panel, "Open a picture to lie behind the matte", "", PICTURES)
        if file:
            self._segments.set_view(replace(self._segments.view, name="picture", backdrop=Path(file)))
        self._show_view()

    def _choose_view(self, name: str) -> None:
        if name == "picture" and self._segments.view.backdrop is None:
            self.open_backdrop()
        else:
            self._segments.set_view(replace(self._segments.view, name=name))

    def _set_param(self, name: str, value: Any, *, moving: bool) -> None:
        self._segments.set_params(replace(self._segments.edits.params, **{name: value}), moving=moving)

    def invert(self) -> None:
        """What belonged to the matte does not, and the other way round."""
        params = self._segments.edits.params
        self._segments.set_params(replace(params, invert=not params.invert))

    def toggle_decontaminate(self) -> None:
        """Show the matte with its own colours, or with the photograph's again."""
        view = self._segments.view
        self._segments.set_view(replace(view, decontaminate=not view.decontaminate))

    # state -----------------------------------------------------------------------------------------------------------

    def _show_status(self, status: str) -> None:
        self._panel.set_status(status, computing=self._segments.computing)

    def _show_rows(self) -> None:
        segments = self._segments
        rows = [self._row(layer) for layer in segments.edits.layers]
        if segments.by_classes:
            rows = self._class_rows({row.number: row for row in rows})
        self._panel.list.set_rows(rows, self._marked)
        self._panel.set_count(len(rows), segments.most_layers)

    def _class_rows(self, rows: Mapping[int, LayerRow]) -> list[LayerRow]:
        """All classes, those too that are no layer yet: nothing was painted of them, or nothing is taught."""
        bare = {e.number: LayerRow(e.number, e.name, e.colour, 0.0, True) for e in self._classes.entries}
        return [rows.get(number, row) for number, row in bare.items()]

    @property
    def _marked(self) -> frozenset[int]:
        """Rows that are picked; and the class that is painted where it is no layer yet."""
        segments, active = self._segments, self._classes.active
        bare = segments.by_classes and all(layer.number != active for layer in segments.edits.layers)
        return frozenset([active]) if bare else segments.edits.picked

    def _show_classes(self, *_: object) -> None:
        if self._segments.by_classes:
            self._show_rows()
        self._show_class_words()

    def _show_class_words(self) -> None:
        """What is to be done next; once it is taught, how sure the classes are of this picture."""
        classes, source = self._classes, self._segments.source
        bare = [entry.name for entry in classes.entries if not classes.count(entry.number)]
        sure = classes.confidence.get(source) if source is not None else None
        if not classes.entries:
            words = "Name what you look for, and what is left over: every pixel goes to one of the classes."
        elif bare:
            words = f"Paint some of {' and of '.join(bare[:2])} on the picture."
        elif len(classes.entries) < 2:
            words = "Name what is left over too, and paint some of it."
        elif sure is not None:
            doubt = source is not None and classes.is_doubtful(source)
            words = f"Sure of this picture to {sure:.0%}" + (": doubtful, paint where it is wrong." if doubt else ".")
        else:
            words = ""
        taught = classes.taught is not None
        self._panel.set_classes(words, count=len(classes.entries), taught=taught)

    def save_classes(self) -> None:
        """Ask where to, and save the classes."""
        start = Path("classes.json")
        path, _ = QFileDialog.getSaveFileName(self._panel, "Save the classes", str(start), CLASS_FILES)
        if path:
            chosen = Path(path)
            self._classes.save(chosen if chosen.suffix else chosen.with_suffix(".json"))

    def open_classes(self) -> None:
        """Ask which, and open the classes."""
        path, _ = QFileDialog.getOpenFileName(self._panel, "Open classes", "", CLASS_FILES)
        if path:
            self._classes.open(Path(path))
            self.choose_method(CLASSES)

    def _row(self, layer: Layer) -> LayerRow:
        segments = self._segments
        share, solo = segments.share(layer), layer.number == segments.solo
        return LayerRow(
            layer.number, segments.title(layer), layer.colour, share, layer.shown, solo, self._thumbnail(layer)
        )

    def _thumbnail(self, layer: Layer) -> Any:
        """The layer cut out, small, (h, w, 4) uint8; None while its alphas are not there."""
        segments = self._segments
        plane = segments.plane(layer)
        if segments.alphas is None or segments.cut is None or plane < 0:
            return None
        photo = segments.cut.picture
        step = max(1, -(-max(photo.shape[:2]) // THUMBNAIL))
        every = slice(step // 2, None, step)
        return np.dstack([photo[every, every], segments.alphas.alphas[every, every, plane]])

    def _show_picked(self) -> None:
        picked = self._segments.edits.picked
        self._panel.list.set_picked(self._marked)
        steps = self._segments.edits.steps
        self._panel.set_matte(bool(picked or steps), drawn=bool(steps))

    def _show_method(self, method: Method) -> None:
        if method.name in NETWORKS:
            self._weighted[method.name] = method
        self._panel.set_method(method.name, method.file.name if method.file is not None else "")

    def _show_view(self) -> None:
        view = self._segments.view
        backdrop = view.backdrop.name if view.backdrop is not None else ""
        self._panel.set_view(view.name, view.colour, backdrop, decontaminate=view.decontaminate)
