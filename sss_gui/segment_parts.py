"""Builds what the Segments view consists of and joins it: presenters, commands, and what switches with the view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from sss_gui.pane_names import PANE_TITLES, PANES, SEGMENT_TITLES
from sss_gui.presenters.layers import LayersPresenter
from sss_gui.presenters.segments import SegmentsPresenter
from sss_gui.state.segments import Segments
from sss_gui.state.session import Session
from sss_gui.tasks.export_layers import ExportLayers
from sss_gui.window.actions import COMMANDS, keep_checked
from sss_gui.window.main_window import MainWindow
from sss_gui.window.settings import Settings

METHODS = {
    "semantic_layers": "sss",
    "spectral_layers": "spectral-matting",
    "mask_rcnn_layers": "mask-rcnn",
    "deeplab_layers": "deeplab",
    "pspnet_layers": "pspnet",
    "mask_layers": "masks",
}
OF_FEATURES = ("similarity", "clusters", "pin", "show_pins", "clear_pins", "channel")
"""Commands whose effect is seen in the panes of the features only."""


class SegmentParts(QObject):
    """The parts of the Segments view beside its state, which undo and sessions know too."""

    def __init__(
        self,
        session: Session,
        segments: Segments,
        settings: Settings,
        window: MainWindow,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._segments, self._window = segments, window
        self.view = SegmentsPresenter(session, segments, window.segments_panel, window.read_out, self)
        self.layers = LayersPresenter(segments, window.layers, self)
        self.files = ExportLayers(session, segments, window.segments_panel, settings, window)

    def bindings(self) -> dict[str, Callable[[], object]]:
        """What the commands of the menu Layers do."""
        segments = self._segments
        return {
            "segments_view": lambda: segments.show(not segments.shown),
            "more_layers": lambda: segments.set_count(len(segments.edits.layers) + 1),
            "fewer_layers": lambda: segments.set_count(len(segments.edits.layers) - 1),
            "merge_layers": segments.merge,
            "split_layer": segments.split,
            "merge_slivers": segments.merge_slivers,
            "pick_nothing": lambda: segments.pick(frozenset()),
            "invert_matte": self._invert,
            "clear_matte_pins": segments.clear_pins,
            "alpha_view": segments.next_view,
            "backdrop": self.layers.open_backdrop,
            "decontaminate": self._decontaminate,
            "copy_matte": self.files.copy_matte,
            "export_layers": self.files.export_dialog,
            **{name: partial(self.layers.choose_method, method) for name, method in METHODS.items()},
        }

    def join(self, actions: Mapping[str, QAction]) -> None:
        """Let the view, its dock and its commands follow the state."""
        segments, window = self._segments, self._window
        segments.shown_changed.connect(window.show_segments)
        segments.shown_changed.connect(lambda shown: self._switch(actions, shown))
        self.layers.command.connect(lambda name: actions[name].trigger())
        window.segments_panel.files_dropped.connect(window.panel.files_dropped)
        window.segments_panel.drag_out_requested.connect(self.files.drag_out)
        keep_checked(actions["segments_view"], lambda: segments.shown, True, segments.shown_changed)
        keep_checked(actions["invert_matte"], lambda: segments.edits.params.invert, True, segments.params_changed)
        keep_checked(actions["decontaminate"], lambda: segments.view.decontaminate, True, segments.view_changed)
        for name, method in METHODS.items():
            keep_checked(actions[name], lambda: segments.method.name, method, segments.method_changed)
        self._switch(actions, segments.shown)

    def _switch(self, actions: Mapping[str, QAction], shown: bool) -> None:
        """Commands of the other view are out of reach; those of single panes are called as the panes are."""
        for command in COMMANDS:
            if command.group == "Layers" and command.name != "segments_view" and command.name in actions:
                actions[command.name].setEnabled(shown)
        for name in OF_FEATURES:
            actions[name].setEnabled(not shown)
        titles = SEGMENT_TITLES if shown else PANE_TITLES
        for number, (name, title) in enumerate(zip(PANES, titles.values(), strict=True), start=1):
            action, words = actions[f"solo_{name}"], title[0].lower() + title[1:] if title[1].islower() else title
            action.setText(f"Only {words}")
            action.setToolTip(f"Show this pane alone: {title} ({number})")

    def _invert(self) -> None:
        params = self._segments.edits.params
        self._segments.set_params(replace(params, invert=not params.invert))

    def _decontaminate(self) -> None:
        view = self._segments.view
        self._segments.set_view(replace(view, decontaminate=not view.decontaminate))
