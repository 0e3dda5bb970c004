"""The PCA basis as a thing one holds: fitted to each picture, locked, shared over all open ones, saved and loaded."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import BasisRequest, BasisResult, BasisStep, RenderPanes, Source
from sss_gui.state.workspace import Workspace
from sss_gui.tasks.export_files import ask_save
from sss_gui.widgets.controls.params_panel import ParamsPanel
from sss_model.counted import counted

FITTING = {"locked": "Locked once it is fitted", "shared": "Being fitted to all open pictures"}
KEPT = 100  # bases that are kept for undo and for copied command lines


class BasisPresenter(QObject):
    """Turns the panel's choice of basis into files, and the files into what the session projects on.

    Parameters
    ----------
    folder : where locked and shared bases are kept

    Signals
    -------
    noted : a sentence for the status line
    advanced : of a shared basis: number done, number in all, and the name of the next picture
    marked : source, state (running, done, failed, none), sentence
    """

    noted = Signal(str)
    advanced = Signal(int, int, str)
    marked = Signal(object, str, str)

    def __init__(self, work: Workspace, panel: ParamsPanel, folder: Path, window: QWidget) -> None:
        super().__init__(window)
        session, pictures = work.session, work.pictures
        self._session, self._pictures, self._panel = session, pictures, panel
        self._folder, self._window = folder, window
        self._bases = Channel(session.worker, Rank.BASIS, stops_running=True, busy=True)
        self._copies = Channel(session.worker, Rank.BASIS, keeps_all=True, busy=True)
        self._asked: tuple[str, object] = "", None  # the mode that is under way, and what it is fitted to
        self._left: list[Source] = []  # pictures that a shared basis has not come to yet
        self._total = 0
        self._fitted: dict[Path, frozenset[Source]] = {}
        panel.basis_mode_requested.connect(self.set_mode)
        panel.basis_save_requested.connect(self._save_dialog)
        panel.basis_load_requested.connect(self._load_dialog)
        session.basis_changed.connect(self._show)
        for changed in (session.model_changed, session.extract_changed):
            changed.connect(self._follow_network)
        pictures.changed.connect(lambda: self._show(session.state.basis))

    def set_mode(self, mode: str) -> None:
        """image: fit to each picture; locked: keep what is shown now; shared: fit to all open pictures.

        Where the picture's features are still under way, the basis is fitted once they are there. To ask again for what
        is under way changes nothing.
        """
        if mode == "image":
            self._drop()
            self._session.set_basis(None)
        elif self._session.state.source is None:
            self.noted.emit("Open a picture first.")
        else:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._request(self._session.state.panes(), mode)
        self._show(self._session.state.basis)

    def save(self, path: Path) -> None:
        """Write the basis that is shown."""
        state = self._session.state
        if state.source is not None:
            self._copies.ask(BasisRequest(state.panes(), path), self._tell_saved)

    def load(self, path: Path) -> None:
        """Project on the basis saved at `path`."""
        self._session.set_basis(path)

    def _request(self, panes: RenderPanes, mode: str) -> None:
        sources = tuple(self._pictures.sources) if mode == "shared" else ()
        asked = mode, (panes, sources)
        if asked == self._asked:
            return
        self._unmark()
        self._asked = asked
        path = self._folder / f"{mode}-{time.time_ns()}.json"
        self._bases.ask(BasisRequest(panes, path, sources), partial(self._take, mode), self._end)
        self._left, self._total = list(sources), len(sources)
        self._tell()

    def _follow_network(self) -> None:
        """A basis of features that are wanted no more is of no use: fit the same of those that are."""
        mode, _ = self._asked
        if mode:
            self.set_mode(mode)

    def _drop(self) -> None:
        """No basis is wanted."""
        self._unmark()
        self._asked = "", None
        self._bases.drop()

    def _tell(self) -> None:
        """Say which picture of a shared basis is looked at."""
        if self._left:
            self.advanced.emit(self._total - len(self._left), self._total, self._left[0].name)
            self.marked.emit(self._left[0], "running", "")

    def _step(self, step: BasisStep) -> None:
        if step.source not in self._left:
            return
        self.marked.emit(step.source, "failed" if step.problem else "done", step.problem)
        self._left.remove(step.source)
        self._tell()

    def _end(self, ended: Ended) -> None:
        """Stopped or failed: what is done stays remembered, so that another time goes on from there."""
        self._asked = "", None
        if ended.outcome != "done":
            self._unmark()
        self._show(self._session.state.basis)

    def _unmark(self) -> None:
        """No picture is looked at any more."""
        if self._left:
            self.marked.emit(self._left[0], "none", "")
            self._left = []

    def _take(self, mode: str, result: BasisResult | BasisStep) -> None:
        if isinstance(result, BasisStep):
            self._step(result)
        else:
            self._forget_old()
            self._fitted[result.path] = frozenset(result.fitted)
            self._session.set_basis(result.path)
            if mode == "shared":
                without = ", ".join(source.name for source, _ in result.failed)
                words = f"Fitted one basis to {counted(len(result.fitted), 'picture')}"
                self.noted.emit(f"{words}, without {without}." if without else f"{words}.")

    def _tell_saved(self, result: BasisResult | BasisStep) -> None:
        if isinstance(result, BasisResult):
            self.noted.emit(f"Saved the basis as {result.path.name}.")

    def _forget_old(self) -> None:
        bases = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in bases[:-KEPT]:
            if path != self._session.state.basis:
                path.unlink(missing_ok=True)

    def _show(self, basis: Path | None) -> None:
        mode, _ = self._asked
        if mode in FITTING:
            self._panel.set_basis_mode(mode, FITTING[mode])
        elif basis is None:
            self._panel.set_basis_mode("image", "Fitted to each picture")
        elif basis.parent == self._folder:
            mode = "shared" if basis.name.startswith("shared") else "locked"
            note = self._shared_words(basis) if mode == "shared" else "This basis and range for all pictures"
            self._panel.set_basis_mode(mode, note)
        else:
            self._panel.set_basis_mode("locked", f"From {basis.name}")

    def _shared_words(self, basis: Path) -> str:
        """What a shared basis was fitted to, beside what is open now."""
        fitted, opened = self._fitted.get(basis), set(self._pictures.sources)
        if fitted is None:
            return "One basis and range, fitted to several pictures"
        if opened <= fitted:
            return "One basis and range for all open pictures"
        if not fitted & opened:
            return "One basis and range, fitted to pictures that are closed now"
        return f"One basis and range, fitted to {len(fitted & opened)} of the {counted(len(opened), 'open picture')}"

    def _save_dialog(self) -> None:
        path = ask_save(self._window, "Save the basis", Path("basis.json"), "json", "PCA basis (*.json)")
        if path is not None:
            self.save(path)

    def _load_dialog(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Load a basis", "", "PCA basis (*.json);;All files (*)")
        if name:
            self.load(Path(name))
