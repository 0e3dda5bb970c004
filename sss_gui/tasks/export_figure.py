"""Figures of what the panes show: asked for, drawn off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from sss_gui.pane_names import PANE_TITLES, SEGMENT_TITLES
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.files import FigureRequest
from sss_gui.requests.panes import ExportResult
from sss_gui.requests.worker import Worker
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.export_files import ask_save, is_read_by
from sss_gui.widgets.dialogs.figure_dialog import FORMATS, FigureChoice, FigureDialog
from sss_gui.widgets.picture.feature_panel import FeaturePanel
from sss_gui.widgets.picture.image_view import ImageView
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_model.errors import ParameterError
from sss_model.figure import FigureLegend, FigurePane, FigurePin, parse_width


class ExportFigure(QObject):
    """Draws the panes that are seen, with overlays, legends and pins, as PNG, SVG or PDF.

    Signals
    -------
    noted : a sentence for the status line
    """

    noted = Signal(str)

    def __init__(
        self,
        work: Workspace,
        shown_panel: Callable[[], FeaturePanel],
        files: Worker,
        folder: Callable[[], Path],
        window: QWidget,
    ) -> None:
        super().__init__(window)
        self._session, self._segments, self._shown_panel = work.session, work.segments, shown_panel
        self._folder, self._window = folder, window
        self._figures = Channel(files, Rank.EXPORT, keeps_all=True)
        self._last = FigureChoice(())

    def dialog(self) -> None:
        """Ask what the figure is to hold and where it goes, and have it drawn."""
        source, panel = self._session.displayed, self._shown_panel()
        panes = {name: title for name, title in self._titles().items() if self._can_draw(name)}
        if source is None or not panes:
            self.noted.emit("Open a picture first.")
            return
        names = list(self._titles())
        seen = tuple(panes) if not panel.solo_pane else (names[panel.solo_pane - 1],)
        views = [panel.pane(name) for name in panes]
        marks = any(view.canvas.pins for view in views), any(view.canvas.layer.overlay for view in views)
        dialog = FigureDialog(list(panes.items()), replace(self._last, panes=seen), marks=marks, parent=self._window)
        while dialog.exec() == FigureDialog.DialogCode.Accepted:
            choice = dialog.choice()
            try:
                parse_width(choice.width)
            except ParameterError as error:
                dialog.show_error(str(error))
                continue
            start = self._folder().parent / f"{source.stem}-figure.{choice.format}"
            path = ask_save(self._window, "Save the figure", start, choice.format, FORMATS[choice.format])
            if path is not None:
                self._last = choice
                self.draw(path, choice, dialog.title)
            break
        dialog.deleteLater()

    def draw(self, path: Path, choice: FigureChoice, title: str = "") -> None:
        """Have the figure drawn into `path`; a picture that is open is never written over."""
        source = self._session.displayed
        if source is not None and is_read_by(source, path):
            self.noted.emit(f"{path.name} is a picture that is open: choose another name for the figure.")
            return
        panel, titles = self._shown_panel(), self._titles()
        size = panel.controller.image_size
        there = [name for name in choice.panes if name in titles and self._can_draw(name)]
        panes = tuple(self._pane(titles[name], name, panel.pane(name), size, choice) for name in there)
        request = FigureRequest(path, panes, choice.width, choice.columns, title)
        self._figures.ask(request, self._say, self._end)

    def _can_draw(self, name: str) -> bool:
        return self._shown_panel().pane(name).picture is not None and not self._session.is_rough(name)

    def _titles(self) -> Mapping[str, str]:
        return SEGMENT_TITLES if self._segments.shown else PANE_TITLES

    def _pane(self, title: str, name: str, view: ImageView, size: tuple[int, int], choice: FigureChoice) -> FigurePane:
        """What a pane shows, as a figure has it."""
        layer, picture = view.canvas.layer, view.picture
        if picture is None:
            raise RuntimeError(f"The pane {title} is empty.")
        overlay = layer.overlay[0] if layer.overlay and choice.overlays else None
        legend = _drawn(view.header.legend.legend) if overlay is not None else None
        if legend is None and name in ("coloured", "layers") and choice.overlays:
            legend = self._layers_legend()
        pins = tuple(FigurePin(x, y, str(number)) for number, (x, y) in enumerate(view.canvas.pins, start=1))
        return FigurePane(title, picture, overlay, layer.opacity, legend, pins if choice.pins else (), size)

    def _layers_legend(self) -> FigureLegend | None:
        layers = [layer for layer in self._segments.edits.layers if layer.shown]
        if not layers:
            return None
        colours = np.array([layer.colour for layer in layers], np.uint8)
        return FigureLegend("Layers", colours, tuple(map(self._segments.title, layers)))

    def _say(self, result: ExportResult) -> None:
        self.noted.emit(f"Wrote {result.paths[0]}.")

    def _end(self, ended: Ended) -> None:
        if ended.error is not None:
            self.noted.emit(ended.error.words)


def _drawn(legend: Legend | None) -> FigureLegend | None:
    """A pane's legend as a figure has it; groups are numbered."""
    if legend is None:
        return None
    words = () if legend.scale else tuple(str(number + 1) for number in range(len(legend.colours)))
    return FigureLegend(legend.name, legend.colours, words, legend.mark)
