"""The model manager's contents: the shipped model and those opened before, each with what its file says."""

from __future__ import annotations

import itertools
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from sss_gui.jobs import Worker
from sss_gui.request import ModelsRequest, ModelsResult
from sss_gui.session import Session
from sss_gui.settings import Settings
from sss_gui.widgets.model_manager import ModelEntry, ModelManager


class Models(QObject):
    """Opens the manager, fills it from the file thread, and hands the choice to the session."""

    def __init__(self, session: Session, worker: Worker, settings: Settings, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._worker, self._settings, self._window = session, worker, settings, window
        self._dialog: ModelManager | None = None
        self._tickets = itertools.count(1)
        worker.delivered.connect(self._take)
        session.opened.connect(lambda _source: self._remember())

    def show(self, browse: object) -> None:
        """Show the manager; `browse` opens the file dialog."""
        if self._dialog is None:
            self._dialog = ModelManager(self._window)
            self._dialog.use_requested.connect(self._use)
            self._dialog.forget_requested.connect(self._forget)
            if callable(browse):
                self._dialog.browse_requested.connect(browse)
        self._ask()
        self._dialog.show()
        self._dialog.raise_()

    def _ask(self) -> None:
        paths = tuple(Path(name) for name in self._settings.recent_models)
        self._worker.submit(ModelsRequest(next(self._tickets), paths))

    def _take(self, result: object) -> None:
        if isinstance(result, ModelsResult) and self._dialog is not None:
            entries = [ModelEntry(model.key, model.title, model.summary, model.card) for model in result.models]
            self._dialog.set_models(entries, str(self._session.state.model or ""))

    def _use(self, key: str) -> None:
        self._session.set_model(Path(key) if key else None)

    def _forget(self, key: str) -> None:
        self._settings.forget_recent_model(key)
        self._ask()

    def _remember(self) -> None:
        model = self._session.state.model
        self._settings.model = str(model or "")
        if model is not None:
            self._settings.add_recent_model(str(model))
