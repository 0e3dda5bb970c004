"""What is open and what is wanted: intents come in, signals go out. No widget, no array arithmetic.

Every change of what is wanted becomes one frozen request with a new ticket. An answer is shown only when its ticket is
still the newest, or when it is a live picture of a slider that still moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.messages.panes import (
    MODEL_SUFFIXES,
    Box,
    ExportRequest,
    ExportResult,
    LoadModelRequest,
    LoadModelResult,
    Picture,
    ProbeRequest,
    ProbeResult,
    ShowRequest,
    ShowResult,
    Source,
    View,
)
from sss_gui.state.request_tracker import RequestTracker, WorkerLike
from sss_gui.window.error_text import ErrorText
from sss_gui.worker.worker import Ended
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams

REST_MS = 250


@dataclass(frozen=True)
class State:
    """Everything that decides what the panes show."""

    source: Source | None = None
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)
    filter: FilterParams = field(default_factory=FilterParams)
    projection: ProjectionParams = field(default_factory=ProjectionParams)
    basis: Path | None = None

    def request(self, ticket: int, *, live: bool = False, fresh: bool = False, view: View | None = None) -> ShowRequest:
        if self.source is None:
            raise RuntimeError("Nothing is open to be shown.")
        return ShowRequest(ticket, self.source, self.model, self.extract, self.filter, self.projection, self.basis,
                           live=live, fresh=fresh, view=view)  # fmt: skip


class Session(RequestTracker):
    """The open document and its parameters.

    Signals
    -------
    state_changed : State, after any change of what is wanted
    result_arrived : ShowResult, some or all panes
    probe_arrived : ProbeResult
    failed : ErrorText
    exported : ExportResult
    warmed : LoadModelResult
    noted : a sentence for the status line
    opened : Source, once its picture could be shown
    settled : a slider came to rest
    """

    state_changed = Signal(object)
    result_arrived = Signal(object)
    probe_arrived = Signal(object)
    failed = Signal(object)
    exported = Signal(object)
    warmed = Signal(object)
    noted = Signal(str)
    opened = Signal(object)
    settled = Signal()

    def __init__(self, worker: WorkerLike, parent: QObject | None = None, state: State | None = None) -> None:
        super().__init__(worker, parent)
        self._state = state or State()
        self._shown: Source | None = None  # whose features the engine is known to hold
        self._seen: Source | None = None  # whose picture is in the window
        self._good: State | None = None  # the last state that was shown whole
        self._newest = 0
        self._live: set[int] = set()
        self.moving = False  # whether a slider is being dragged, or keys are repeated
        self.falling_back = False  # while `state_changed` tells of what is wanted again, not of what the user wants
        self._view: View | None = None
        self._rest = QTimer(self, interval=REST_MS, singleShot=True)
        self._rest.timeout.connect(self.settle)
        self.answer(ShowResult, self._take_show)
        self.answer(ProbeResult, self.probe_arrived.emit)
        self.answer(ExportResult, self.exported.emit)
        self.answer(LoadModelResult, self.warmed.emit)

    @property
    def state(self) -> State:
        return self._state

    @property
    def shown(self) -> Source | None:
        """The picture whose features the engine holds; None while another is under way."""
        return self._shown if self._shown == self._state.source else None

    @property
    def live(self) -> bool:
        """Whether the newest picture wanted is a preview."""
        return self._newest in self._live

    # intents -------------------------------------------------------------------------------------------------------

    def warm_up(self) -> None:
        """Let the worker import torch and load the model now."""
        self.ask(lambda ticket: LoadModelRequest(ticket, self._state.model, self._state.extract))

    def open_source(self, source: Source) -> None:
        self._change(replace(self._state, source=source))

    def open_path(self, path: Path, image: Path | None = None) -> None:
        """Open a photograph or feature file, or take a checkpoint as the model."""
        if path.suffix.lower() in MODEL_SUFFIXES:
            self.set_model(path)
        else:
            self.open_source(Source.from_path(path, image))

    def open_pixels(self, picture: Picture) -> None:
        """Open pasted pixels, (H, W, 3) uint8."""
        self.open_source(Source.from_pixels(picture))

    def set_model(self, path: Path | None) -> None:
        """Use the checkpoint `path`; None is the shipped one."""
        self._change(replace(self._state, model=path))

    def set_extract(self, params: ExtractParams) -> None:
        self._change(replace(self._state, extract=params))

    def set_filter(self, params: FilterParams, moving: bool = False) -> None:
        """Filter with `params`; `moving` while a slider is dragged: previews now, the exact result when it rests."""
        self.moving = moving
        if params != self._state.filter or (self.live and not moving):
            self._change(replace(self._state, filter=params), live=moving)
        if moving:
            self._rest.start()
        else:
            self._rest.stop()
            self.settled.emit()

    def set_projection(self, params: ProjectionParams) -> None:
        self._change(replace(self._state, projection=params))

    def set_basis(self, path: Path | None) -> None:
        """Project on the basis saved at `path`; None fits one to each picture."""
        self._change(replace(self._state, basis=path))

    def set_state(self, state: State) -> None:
        """All at once, as undo and a session file do."""
        self._change(state)

    def look_at(self, box: Box, scale: float) -> None:
        """Say which part of the picture is on screen, at how many screen pixels a pixel; previews need no more."""
        self._view = (box, scale)

    def settle(self) -> None:
        """Ask for the exact result now, if a preview is shown."""
        self._rest.stop()
        self.moving = False
        if self.live and self._state.source is not None:
            self._show()
        self.settled.emit()

    def run_again(self) -> None:
        """Read the files and run the network anew."""
        if self._state.source is not None:
            self._show(fresh=True)

    def refresh(self) -> None:
        """Ask anew for what is wanted: files that changed are read again, the rest is remembered."""
        if self._state.source is not None:
            self._show()

    def cancel(self) -> None:
        """Stop whatever runs; what is shown stays."""
        self._rest.stop()
        self._worker.cancel()

    def close(self) -> None:
        """Ask for nothing more, and take no more answers."""
        self._rest.stop()
        super().close()

    def probe(self, point: tuple[int, int], *, pinned: bool = False) -> None:
        """Ask for the features at (x, y); while the pointer moves only the newest place is answered."""
        source = self.shown
        if source is not None:
            self.ask(lambda ticket: ProbeRequest(ticket, source, point, pinned))

    def export(self, folder: Path, params: ExportParams) -> None:
        """Write what is shown into `folder`."""
        if self._state.source is not None:
            self.ask(lambda ticket: ExportRequest(ticket, self._state.request(ticket), folder, params))

    # requests ------------------------------------------------------------------------------------------------------

    def _change(self, state: State, *, live: bool = False) -> None:
        if state == self._state and not self.live and not live:
            if state.source is not None and self._newest not in self._underway and self._shown != state.source:
                self._show()  # the same again after a failure
            return
        moved = (state.source, state.model, state.extract) != (
            self._state.source, self._state.model, self._state.extract)  # fmt: skip
        self._state = state
        self.state_changed.emit(state)
        if moved:
            self._shown = None
        if state.source is not None:
            self._show(live=live and self._shown is not None)

    def _show(self, *, live: bool = False, fresh: bool = False) -> None:
        ticket = next(self._tickets)
        self._newest = ticket
        self._live &= self._underway.tickets
        if live:
            self._live.add(ticket)
        self._submit(self._state.request(ticket, live=live, fresh=fresh, view=self._view), quiet=live)

    # answers -------------------------------------------------------------------------------------------------------

    def _take_show(self, result: ShowResult) -> None:
        if result.source != self._state.source:
            return
        if result.ticket != self._newest and result.ticket not in self._live:
            return
        self._seen = result.source
        new = False
        if result.complete:
            new, self._shown = self._shown != result.source, result.source
            if result.ticket == self._newest:
                self._good = self._state
        self.result_arrived.emit(result)
        if new:
            self.opened.emit(result.source)

    def _after(self, ended: Ended, idle: bool) -> None:
        if ended.ticket != self._newest:
            self._live.discard(ended.ticket)
        if ended.outcome == "failed" and isinstance(ended.error, ErrorText):
            if ended.ticket == self._newest or ended.queue not in ("show", "batch", "prefetch"):
                if ended.queue == "show":
                    self._fall_back()
                self.failed.emit(ended.error)
            return
        if ended.outcome == "cancelled" and ended.ticket == self._newest and self._behind():
            self._fall_back()
        by_user = ended.queue != "batch" and (ended.queue != "show" or ended.ticket == self._newest)
        if ended.outcome == "cancelled" and idle and by_user:  # a batch reports its end itself
            self.noted.emit("Stopped.")

    def _behind(self) -> bool:
        """Whether the window still shows what was there before: another picture, or this one by another network."""
        good = self._good
        if self._seen is not None and self._seen != self._state.source:
            return True
        return good is not None and self._seen == good.source == self._state.source and self._shown is None

    def _fall_back(self) -> None:
        """After a failure, want again what the window still shows, so that the next change does not fail too."""
        good = self._good or State()
        same_source = self._seen == good.source
        self._state = replace(self._state, source=self._seen, model=good.model, extract=good.extract, basis=good.basis)
        self._shown = self._seen if same_source else None
        self.falling_back = True
        self.state_changed.emit(self._state)
        self.falling_back = False
