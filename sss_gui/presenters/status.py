"""The session's progress, device and model on the status line."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject

from sss_gui.requests.panes import FeaturesResult, LoadModelResult, PanesResult
from sss_gui.state.session import Session
from sss_gui.widgets.controls.network_menus import NetworkMenus
from sss_gui.widgets.panels.status_line import StatusLine

READY = "Ready"
WORDS = {
    "filter": "Guided filter",
    "guided filter": "Guided filter",
    "refine": "PCA",
    "features": "Network",
    "gather": "PCA",
}


def in_words(stage: str) -> str:
    """A stage as the worker names it, such as 'network, step 2 of 4', in plain words."""
    return "Network" if stage.startswith("network") else WORDS.get(stage, stage[:1].upper() + stage[1:])


class StatusPresenter(QObject):
    """Says what runs, where and how long, and that it is over after success, failure and cancel alike."""

    def __init__(
        self, session: Session, line: StatusLine, network: NetworkMenus, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._line, self._network = session, line, network
        line.set_menus(network.device, network.size)
        network.changed.connect(self._show_size)
        self._show_size()
        self._job = ""
        self._seconds = 0.0  # that the features took, until the panes show them
        line.set_stage(READY)
        line.set_progress(None)
        session.worker.activity.progress_changed.connect(self._progress)
        session.worker.activity.busy_changed.connect(self._busy)
        session.features_computed.connect(self._show_features)
        session.panes_rendered.connect(self._show_seconds)
        session.model_loaded.connect(self._show_model)
        session.exported.connect(lambda result: self._note(result.notes))

    def begin(self, what: str, done: int, total: int, name: str) -> None:
        """Name the picture of a job that is looked at now, before every stage until all is over."""
        self._job = f"{what} {done + 1} of {total}, {name}"
        self._line.set_stage(self._job)

    def _progress(self, fraction: float, stage: str, left: float) -> None:
        self._line.set_stage(": ".join(filter(None, (self._job, in_words(stage)))))
        self._line.set_progress(fraction, left if left >= 0 else None)

    def _busy(self, busy: bool) -> None:
        if busy:
            self._line.set_stage(self._job or "Starting")
            self._line.set_progress(-1.0)
        else:
            self._job = ""
            self._line.set_stage(READY)
            self._line.set_progress(None)

    def _show_features(self, result: FeaturesResult) -> None:
        self._seconds = result.seconds
        if result.device:
            self._line.set_device(result.device)
        if result.model:
            self._line.set_model(result.model, str(self._session.state.model or ""))
        self._note(result.notes)

    def _show_seconds(self, result: PanesResult) -> None:
        if result.complete:
            self._line.set_elapsed(self._seconds + result.seconds)
            self._seconds = 0.0

    def _note(self, notes: Sequence[str]) -> None:
        if notes:
            self._line.show_note(" ".join(notes), 8000)

    def _show_model(self, result: LoadModelResult) -> None:
        self._line.set_device(result.device)
        self._line.set_model(result.model, str(self._session.state.model or ""))

    def _show_size(self) -> None:
        words = self._network.size.words
        self._line.set_size(f"Size: {words[:1].lower()}{words[1:]}")
