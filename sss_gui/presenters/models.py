"""The models one has or could have: the shipped one, those opened before, and any backbone that is installed."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from sss_gui.model_words import BackboneWords, GoodBackbone, ModelWords
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.models import BackboneModelRequest, BackbonesRequest, BackbonesResult, ModelsRequest
from sss_gui.requests.worker import Worker
from sss_gui.state.session import Session
from sss_gui.widgets.dialogs.backbone_dialog import FILE, PUBLISHED, BackboneChoice, BackboneDialog
from sss_gui.widgets.dialogs.model_manager import ModelManager
from sss_gui.window.settings import Settings
from sss_gui.worker.model_engine import ModelEngine


class ModelsPresenter(QObject):
    """Opens the manager and the list of backbones, fills both from a thread of their own, and hands the choice to the
    session.

    Parameters
    ----------
    folder : where models made of backbones are kept

    Attributes
    ----------
    worker : reads and builds models, beside the one that computes with them

    Signals
    -------
    browse_requested : another checkpoint is to be opened
    """

    browse_requested = Signal()

    def __init__(self, session: Session, settings: Settings, folder: Path, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._settings, self._folder, self._window = session, settings, folder, window
        self.worker = Worker(ModelEngine, self, name="sss-models")
        self._backbone_of: dict[str, BackboneWords] = {}
        self._descriptions = Channel(self.worker, Rank.LIST)
        self._lists = Channel(self.worker, Rank.LIST)
        self._builds = Channel(self.worker, Rank.EXPORT, keeps_all=True)
        session.opened.connect(lambda _source: self._remember())

    def start(self) -> None:
        """Begin to answer."""
        self.worker.start()

    @cached_property
    def manager(self) -> ModelManager:
        """The dialog of the models one has."""
        dialog = ModelManager(self._window)
        dialog.use_requested.connect(self._use)
        dialog.forget_requested.connect(self._forget)
        dialog.backbones_requested.connect(self.show_backbones)
        dialog.browse_requested.connect(self.browse_requested)
        self._session.opened.connect(lambda _source: self._ask() if dialog.isVisible() else None)
        return dialog

    @cached_property
    def _backbones(self) -> BackboneDialog:
        dialog = BackboneDialog(self._window)
        dialog.build_requested.connect(self._build)
        dialog.shipped_requested.connect(lambda: self._use(""))
        dialog.cancel_requested.connect(self._builds.cancel)
        self.worker.failed.connect(lambda error: dialog.set_state(error.words))
        return dialog

    def show(self) -> None:
        """Show the manager."""
        self._ask()
        self.manager.show()
        self.manager.raise_()

    def show_backbones(self) -> None:
        """Show the backbones that are installed."""
        self._lists.ask(BackbonesRequest(), self._take_backbones)
        self._backbones.show()
        self._backbones.raise_()

    def _ask(self) -> None:
        paths = tuple(Path(name) for name in self._settings.recent_models)
        self._descriptions.ask(ModelsRequest(paths), self._take_models)

    def _take_models(self, models: tuple[ModelWords, ...]) -> None:
        self.manager.set_models(models, str(self._session.state.model or ""))

    def _take_backbones(self, result: BackbonesResult) -> None:
        self._backbone_of = {words.name: words for words in (*result.backbones, *result.good)}
        shipped = GoodBackbone("", "", "", True, "The shipped model: objects and their borders", 0, "comes along")
        self._backbones.set_good([shipped, *result.good])
        self._backbones.set_rows(result.backbones)

    def _take_model(self, path: Path) -> None:
        self._backbones.set_state(f"{path.name} is in use.")
        self._session.set_model(path)

    def _build(self, choice: BackboneChoice) -> None:
        """Write a model of a backbone alone; it is used once it is there."""
        weights = {PUBLISHED: self._backbone_of[choice.name].weights, FILE: choice.file}.get(choice.weights)
        request = BackboneModelRequest(choice.name, weights, self._folder, choice.blocks, choice.consent)
        verb = "Downloading the weights of" if choice.consent else "Building"
        self._backbones.set_state(f"{verb} {choice.name}…", busy=True)
        self._builds.ask(request, self._take_model, self._end_build, self._show_progress)

    def _show_progress(self, fraction: float, stage: str) -> None:
        if stage:
            self._backbones.set_state(f"{stage}…", busy=True, fraction=fraction)

    def _end_build(self, ended: Ended) -> None:
        if ended.outcome == "cancelled":
            self._backbones.set_state("Stopped: nothing was kept.")

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
