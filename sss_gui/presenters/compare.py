"""Models side by side: fetches those that are not here, has them run on the picture, and shows the answers."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.model_words import BackboneWords, GoodBackbone
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.compare import (
    CompareReportRequest,
    CompareRequest,
    CompareResult,
    CompareSimilarityRequest,
    EndCompareRequest,
    ModelChoice,
)
from sss_gui.requests.models import BackboneModelRequest, BackbonesRequest, BackbonesResult
from sss_gui.requests.panes import ExportResult, Pyramid
from sss_gui.requests.worker import Worker
from sss_gui.state.pins import Point
from sss_gui.state.workspace import Workspace
from sss_gui.widgets.dialogs.compare_dialog import Candidate, Chosen, CompareDialog
from sss_gui.widgets.picture.overlay_legend import Legend
from sss_gui.window.settings import Settings
from sss_model.analysis.overlay_colours import VIRIDIS
from sss_model.errors import ParameterError
from sss_model.params import GridParams

Paths = dict[str, Path | None]  # of models, by the keys of what can be compared
SHIPPED, FILE, BACKBONE = "shipped", "file:", "backbone:"


class ComparePresenter(QObject):
    """Opens the dialog and answers it.

    Parameters
    ----------
    models : the worker that builds models of backbones, and downloads their weights
    folder : where such models are kept
    """

    def __init__(self, work: Workspace, settings: Settings, models: Worker, folder: Path, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._pins, self._settings = work.session, work.pins, settings
        session = work.session
        self._folder, self._window = folder, window
        self._backbones: dict[str, BackboneWords] = {}
        self._lists = Channel(models, Rank.LIST)
        self._builds = Channel(models, Rank.EXPORT, quiet=True)
        self._runs = Channel(session.worker, Rank.COMPARE, stops_running=True, quiet=True)
        self._similar = Channel(session.worker, Rank.SIMILARITY)
        self._reports = Channel(session.worker, Rank.EXPORT, quiet=True)
        self._ends = Channel(session.worker, Rank.FORGET)
        self._result: CompareResult | None = None
        self._pin: Point | None = None

    @cached_property
    def _dialog(self) -> CompareDialog:
        dialog = CompareDialog(self._window)
        dialog.compare_requested.connect(self._begin)
        dialog.stop_requested.connect(self._stop)
        dialog.report_requested.connect(self._ask_report)
        dialog.pixel_clicked.connect(lambda x, y: self._drop_pin((x, y)))
        dialog.pixel_hovered.connect(lambda x, y: self._ask_similarity((x, y)) if self._pin is None else None)
        dialog.hover_left.connect(lambda: self._clear_overlays() if self._pin is None else None)
        dialog.look_changed.connect(self._look)
        dialog.closed.connect(self._close)
        self._session.displayed_changed.connect(lambda _source: self._name_picture())
        return dialog

    def show(self) -> None:
        """Show the dialog."""
        self._offer(())
        self._lists.ask(BackbonesRequest(), self._take_backbones)
        self._name_picture()
        self._dialog.show()
        self._dialog.raise_()
        self._dialog.activateWindow()

    # what can be compared --------------------------------------------------------------------------------------------

    def _take_backbones(self, result: BackbonesResult) -> None:
        rest = [words for words in result.backbones if words.weights]
        self._backbones = {words.name: words for words in (*result.good, *rest)}
        self._offer(tuple(self._backbones.values()))

    def _offer(self, backbones: tuple[BackboneWords, ...]) -> None:
        files = [Path(name) for name in self._settings.recent_models]
        candidates = [Candidate(SHIPPED, "Shipped model")]
        candidates += [Candidate(f"{FILE}{path}", path.stem) for path in files if path.is_file()]
        candidates += [Candidate(f"{BACKBONE}{words.name}", words.name, _download(words)) for words in backbones]
        titles = [candidate.title for candidate in candidates]
        told = [
            replace(c, title=c.key.removeprefix(FILE)) if titles.count(c.title) > 1 and c.key.startswith(FILE) else c
            for c in candidates
        ]
        self._dialog.set_candidates(told)

    def _name_picture(self) -> None:
        source = self._session.displayed
        self._dialog.set_picture(source.name if source is not None else "")

    # running ---------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        choices = self._dialog.choices()
        if choices is None or self._session.displayed is None:
            return
        try:
            grids = [_grid(choice) for choice in choices]
        except ParameterError as error:
            self._say(f"{error} {error.hint}".strip())
            return
        self._say("Starting", busy=True)
        self._fetch(choices, grids, {})

    def _fetch(self, choices: list[Chosen], grids: list[GridParams], paths: Paths) -> None:
        """Have a model file for every choice, one after the other; then run them."""
        for choice in choices:
            if choice.key in paths:
                continue
            if not choice.key.startswith(BACKBONE):
                path = Path(choice.key.removeprefix(FILE)) if choice.key.startswith(FILE) else None
                paths = {**paths, choice.key: path}
                continue
            words = self._backbones[choice.key.removeprefix(BACKBONE)]
            request = BackboneModelRequest(words.name, words.weights, self._folder, consent=not words.here)

            def go_on(path: Path, key: str = choice.key, known: Paths = paths) -> None:
                self._fetch(choices, grids, {**known, key: path})

            self._say(f"Building {words.name}", busy=True)
            self._builds.ask(request, go_on, self._end, self._advance)
            return
        self._run(choices, grids, paths)

    def _run(self, choices: list[Chosen], grids: list[GridParams], paths: Paths) -> None:
        state, source, dialog = self._session.state, self._session.displayed, self._dialog
        if source is None:
            return
        models = tuple(
            ModelChoice(_title(choice), paths[choice.key], grid) for choice, grid in zip(choices, grids, strict=True)
        )
        extract = replace(state.extract, size="auto", scales=())
        request = CompareRequest(source, models, dialog.labels, state.filter, state.projection.range, extract)
        self._runs.ask(request, self._take, self._end, self._advance)

    def _take(self, result: object) -> None:
        """The comparison; what comes before it are notes about memory."""
        if not isinstance(result, CompareResult):
            return
        self._result = result
        self._pin = None
        panel = self._dialog.show_models(result.titles, result.size)
        self._dialog.set_pictures({"input": result.picture})
        self._dialog.set_table(result.heads, result.rows)
        self._look()
        panel.pane("input").set_detail(result.source.name)
        pins = self._pins.of(result.source)
        if pins:
            self._drop_pin(pins[-1])
        self._say(" ".join(result.notes))

    def _advance(self, fraction: float, stage: str) -> None:
        self._say(stage[:1].upper() + stage[1:], busy=True, fraction=fraction)

    def _end(self, ended: Ended) -> None:
        if ended.error is not None:
            self._say(ended.error.words)
        elif ended.outcome == "cancelled":
            self._say("Stopped.")

    def _stop(self) -> None:
        for channel in (self._builds, self._runs):
            channel.cancel()

    def _close(self) -> None:
        """Nobody looks any more: stop, and give the memory back."""
        for channel in (self._builds, self._runs, self._similar):
            channel.drop()
        self._say("")
        self._result = self._pin = None
        self._dialog.clear()
        self._ends.ask(EndCompareRequest())

    def _say(self, words: str, *, busy: bool = False, fraction: float = -1.0) -> None:
        self._dialog.set_busy(busy, words, fraction)

    # looking ---------------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Show the components as they are or filtered, and the similarity or not."""
        dialog, result = self._dialog, self._result
        if result is None:
            return
        pictures = result.filtered if dialog.filtered.isChecked() else result.pictures
        dialog.set_pictures({str(number): levels for number, levels in enumerate(pictures)})
        if self._pin is not None and dialog.similar.isChecked():
            self._ask_similarity(self._pin)
        else:
            self._clear_overlays()

    def _drop_pin(self, point: Point) -> None:
        self._pin = None if point == self._pin else point
        if self._dialog.panel is not None:
            self._dialog.panel.set_pins([self._pin] if self._pin is not None else [])
        self._look()

    def _ask_similarity(self, point: Point) -> None:
        if self._dialog.similar.isChecked():
            metric = self._dialog.measure.currentText()
            self._similar.ask(CompareSimilarityRequest(point, metric), partial(self._lay_over, metric))

    def _lay_over(self, metric: str, overlays: tuple[Pyramid, ...]) -> None:
        panel = self._dialog.panel
        if panel is not None:
            for number, overlay in enumerate(overlays):
                panel.pane(str(number)).set_overlay(overlay, 1.0, Legend(f"Similarity ({metric})", VIRIDIS))

    def _clear_overlays(self) -> None:
        self._similar.drop()
        if self._dialog.panel is not None and self._result is not None:
            for number in range(len(self._result.titles)):
                self._dialog.panel.pane(str(number)).set_overlay(None)

    # report ----------------------------------------------------------------------------------------------------------

    def _ask_report(self) -> None:
        if self._result is None:
            return
        start = self._result.source.path.parent / f"{self._result.source.stem}-models.html"
        name, _ = QFileDialog.getSaveFileName(self._dialog, "Save the report", str(start), "HTML page (*.html)")
        if name:
            self.save_report(Path(name) if Path(name).suffix else Path(name + ".html"))

    def save_report(self, path: Path) -> None:
        """Write what is shown as a page."""
        pins = (self._pin,) if self._pin is not None else ()
        metric = self._dialog.measure.currentText()
        self._reports.ask(CompareReportRequest(path, pins, metric), self._say_saved, self._end)

    def _say_saved(self, result: ExportResult) -> None:
        self._say(f"Wrote {result.paths[0]}.")


def _download(words: BackboneWords) -> str:
    """What has to be downloaded before `words` can be used; '' for nothing."""
    if words.here:
        return ""
    return f"{words.megabytes} MB, {words.licence}" if isinstance(words, GoodBackbone) else "size not known"


def _title(choice: Chosen) -> str:
    if choice.key == SHIPPED:
        return "Shipped model"
    return (
        Path(choice.key.removeprefix(FILE)).stem if choice.key.startswith(FILE) else choice.key.removeprefix(BACKBONE)
    )


def _grid(choice: Chosen) -> GridParams:
    """Size and scales of a row.

    Raises
    ------
    ParameterError : scales that are none
    """
    try:
        scales = tuple(float(part) for part in choice.scales.replace(";", ",").split(",") if part.strip())
    except ValueError:
        raise ParameterError(
            f"Scales are numbers with commas between them, such as 0.5, 1; got {choice.scales!r}."
        ) from None
    return GridParams(choice.size, scales)
