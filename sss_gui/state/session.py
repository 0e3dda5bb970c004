"""What is wanted and what is shown: intents come in, one signal a field goes out. No widget, no array arithmetic.

Every change of what is wanted becomes one frozen request with a new ticket. An answer is shown only when its ticket is
still the newest, or when it is a preview of a slider that still moves.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from sss_gui.messages.panes import (
    Box,
    ExportRequest,
    ExportResult,
    LiftRequest,
    LiftResult,
    LoadModelRequest,
    LoadModelResult,
    PinRequest,
    PreviewRequest,
    ProbeRequest,
    ProbeResult,
    ShowRequest,
    ShowResult,
    Source,
    View,
)
from sss_gui.messages.queues import Queue
from sss_gui.state.motion import Motion
from sss_gui.state.request_tracker import RequestTracker
from sss_gui.window.error_text import MODEL_TITLE, ErrorText
from sss_gui.worker.worker import Ended
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams

TOLD_ELSEWHERE = (Queue.PANES, Queue.BATCH, Queue.PREFETCH)
"""Queues whose failures are no news: the wish has changed, or who asked says so."""
JOBS = (Queue.BASIS, Queue.EXPORT, Queue.BATCH)
"""Queues of what may take long, and is not what the panes wait for."""


@dataclass(frozen=True)
class State:
    """Everything that decides what the panes show."""

    source: Source | None = None
    model: Path | None = None
    extract: ExtractParams = field(default_factory=ExtractParams)
    filter: FilterParams = field(default_factory=FilterParams)
    projection: ProjectionParams = field(default_factory=ProjectionParams)
    basis: Path | None = None

    @property
    def network(self) -> tuple[object, ...]:
        """What the features depend on."""
        return self.source, self.model, self.extract

    def request(self, ticket: int, *, fresh: bool = False) -> ShowRequest:
        """The message that fills the panes with this state."""
        if self.source is None:
            raise RuntimeError("Nothing is open to be shown.")
        params = self.extract, self.filter, self.projection
        return ShowRequest(ticket, self.source, self.model, *params, self.basis, fresh)


class Session(QObject):
    """The picture, the model and the parameters that are wanted, and what of them the window shows.

    Attributes
    ----------
    displayed : whose picture is in the panes; `state.source` is the one that is wanted there
    size : (H, W) of the displayed picture
    motion : whether a parameter is being moved

    Signals
    -------
    source_changed, model_changed, extract_changed, filter_changed, projection_changed, basis_changed : the field of
        `state` of that name has another value, which comes along
    reverted : after a failure or a stop, what is wanted is again what is shown; the fields' own signals follow
    displayed_changed : Source or None, whose picture the panes show from now on
    result_arrived : ShowResult, some or all panes of the displayed picture
    lifted : LiftResult, the visible part of the filtered pane as sharp as the photograph
    opened : Source, once its features are there
    picture_failed : Source that cannot be shown, and the sentence that says why
    probe_arrived : ProbeResult
    exported : ExportResult
    model_loaded : LoadModelResult
    failed : ErrorText
    noted : a sentence for the status line
    """

    source_changed = Signal(object)
    model_changed = Signal(object)
    extract_changed = Signal(object)
    filter_changed = Signal(object)
    projection_changed = Signal(object)
    basis_changed = Signal(object)
    reverted = Signal()
    displayed_changed = Signal(object)
    result_arrived = Signal(object)
    lifted = Signal(object)
    opened = Signal(object)
    picture_failed = Signal(object, str)
    probe_arrived = Signal(object)
    exported = Signal(object)
    model_loaded = Signal(object)
    failed = Signal(object)
    noted = Signal(str)

    def __init__(self, requests: RequestTracker, parent: QObject | None = None, state: State | None = None) -> None:
        super().__init__(parent)
        self.requests = requests
        self.motion = Motion(self)
        self.displayed: Source | None = None
        self.size = (0, 0)
        self._state = state or State()
        self._complete: State | None = None  # the last one that was shown whole
        self._newest = 0  # ticket of the newest request for the panes
        self._live = False  # whether that is a preview
        self._previews: set[int] = set()  # tickets of previews under way
        self._view: View | None = None
        self._stopping = False
        self._exact = False  # whether the newest picture is shown, and no preview of it
        self._lifting = 0  # ticket of the newest part that is to be as sharp as the photograph
        self._field_signals = {
            "source": self.source_changed,
            "model": self.model_changed,
            "extract": self.extract_changed,
            "filter": self.filter_changed,
            "projection": self.projection_changed,
            "basis": self.basis_changed,
        }
        self.motion.rested.connect(self._show_exact)
        requests.answer(ShowResult, self._take)
        requests.answer(LiftResult, self._take_lift)
        requests.answer(ProbeResult, self.probe_arrived.emit)
        requests.answer(ExportResult, self.exported.emit)
        requests.answer(LoadModelResult, self.model_loaded.emit)
        requests.ended.connect(self._end)
        requests.busy_changed.connect(self._say_stopped)

    @property
    def state(self) -> State:
        """What is wanted."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether anything is under way that a user waits for."""
        return self.requests.busy

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way and no parameter moves."""
        return not self.busy and not self.motion.moving

    @property
    def shown(self) -> Source | None:
        """The wanted picture once its features are there; None while they are under way."""
        return self._state.source if self._complete and self._complete.network == self._state.network else None

    # intents -------------------------------------------------------------------------------------------------------

    def load_model(self) -> None:
        """Let the worker import torch and load the model now."""
        self.requests.ask(lambda ticket: LoadModelRequest(ticket, self._state.model, self._state.extract))

    def set_source(self, source: Source | None) -> None:
        """Show `source`; `PictureList` says so when the user chooses a picture."""
        self.set_state(replace(self._state, source=source))

    def set_model(self, path: Path | None) -> None:
        """Use the checkpoint `path`; None is the shipped one."""
        self.set_state(replace(self._state, model=path))

    def set_extract(self, params: ExtractParams) -> None:
        """Compute features with `params`."""
        self.set_state(replace(self._state, extract=params))

    def set_filter(self, params: FilterParams, *, moving: bool = False) -> None:
        """Filter with `params`; `moving` while a slider is dragged: previews now, the exact result when it rests."""
        if moving:
            self.motion.move()
        if params != self._state.filter or (self._live and not moving):
            self._change(replace(self._state, filter=params), live=moving)
        if not moving:
            self.motion.rest()

    def set_projection(self, params: ProjectionParams) -> None:
        """Show the components and the random projection of `params`."""
        self.set_state(replace(self._state, projection=params))

    def set_basis(self, path: Path | None) -> None:
        """Project on the basis saved at `path`; None fits one to each picture."""
        self.set_state(replace(self._state, basis=path))

    def set_state(self, state: State) -> None:
        """All fields at once, as undo and a session file do. The same again tries again what failed."""
        if state != self._state or self._live:
            self._change(state)
        elif state.source is not None and self._newest not in self.requests.pending and self.shown is None:
            self._show()

    def look_at(self, box: Box, scale: float) -> None:
        """Say which part of the picture is on screen, at how many screen pixels a pixel; nothing else is computed."""
        self._view = (box, scale)
        self._lift()

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
        self.motion.stop()
        self._stopping = self.busy
        self.requests.cancel()

    def stop(self) -> None:
        """Stop a job, such as an export, and go on with the picture that was chosen; without a job stop everything."""
        jobs = [queue for queue in JOBS if queue in self.requests.queues]
        if jobs:
            self.requests.cancel(*jobs)
        else:
            self.cancel()

    def close(self) -> None:
        """Ask for nothing more, and take no more answers."""
        self.motion.stop()
        self.requests.close()

    def probe(self, point: tuple[int, int], *, pinned: bool = False) -> None:
        """Ask for the features at (x, y); while the pointer moves only the newest place is answered."""
        source = self.shown
        if source is not None:
            kind = PinRequest if pinned else ProbeRequest
            self.requests.ask(lambda ticket: kind(ticket, source, point))

    def export(self, folder: Path, params: ExportParams) -> None:
        """Write what is shown into `folder`."""
        if self._state.source is not None:
            self.requests.ask(lambda ticket: ExportRequest(ticket, self._state.request(ticket), folder, params))

    # requests ------------------------------------------------------------------------------------------------------

    def _change(self, state: State, *, live: bool = False) -> None:
        self._set(state)
        if state.source is not None:
            self._show(live=live and self.shown is not None)

    def _set(self, state: State, *, reverted: bool = False) -> None:
        """Want `state`, and tell of the fields that differ."""
        before, self._state = self._state, state
        if reverted:
            self.reverted.emit()
        for name, changed in self._field_signals.items():
            value = getattr(state, name)
            if value != getattr(before, name):
                changed.emit(value)
        if state.source is None:
            if self._complete is not None:  # nothing is shown any more, the model stays
                self._complete = replace(self._complete, source=None)
            self._display(None, (0, 0))

    def _show(self, *, live: bool = False, fresh: bool = False) -> None:
        self._newest, self._live, self._exact = self.requests.new_ticket(), live, False
        request = self._state.request(self._newest, fresh=fresh)
        if live:
            self._previews.add(self._newest)
            self.requests.submit(PreviewRequest(self._newest, request, self._view))
        else:
            self.requests.submit(request)

    def _show_exact(self) -> None:
        """Ask for the exact result where a preview is shown."""
        if self._live and self._state.source is not None:
            self._show()

    def _lift(self) -> None:
        """Have the visible part of the filtered pane made as sharp as the photograph."""
        state, view = self._state, self._view
        if self.shown is not None and view is not None and not self._live and self._exact:
            self._lifting = self.requests.ask(lambda ticket: LiftRequest(ticket, state.request(ticket), view))

    # answers -------------------------------------------------------------------------------------------------------

    def _take(self, result: ShowResult) -> None:
        newest = result.ticket == self._newest
        if result.source != self._state.source or not (newest or result.ticket in self._previews):
            return
        self._display(result.source, result.size)
        opened = result.complete and newest and self.shown is None
        if result.complete and newest:
            self._complete = self._state
        self._exact = result.complete and result.exact and newest
        self.result_arrived.emit(result)
        if opened:
            self.opened.emit(result.source)
        self._lift()

    def _take_lift(self, result: LiftResult) -> None:
        if result.ticket == self._lifting and result.source == self.shown and self._exact:
            self.lifted.emit(result)

    def _display(self, source: Source | None, size: tuple[int, int]) -> None:
        self.size = size
        if source != self.displayed:
            self.displayed = source
            self.displayed_changed.emit(source)

    def _end(self, ended: Ended) -> None:
        self._previews.discard(ended.ticket)
        newest = ended.ticket == self._newest
        self._stopping &= ended.queue != Queue.BATCH  # a batch reports its own end
        if ended.outcome == "cancelled" and ended.queue in (Queue.BASIS, Queue.EXPORT) and not self._stopping:
            self.noted.emit("Stopped.")
        if ended.outcome == "cancelled" and newest and self._behind:
            self._revert()
        if ended.outcome != "failed" or not isinstance(ended.error, ErrorText):
            return
        if newest:
            self._tell_failed(ended.error)
            self._revert()
        if newest or ended.queue not in TOLD_ELSEWHERE:
            self.failed.emit(ended.error)

    def _tell_failed(self, error: ErrorText) -> None:
        """Say which picture failed; not where the model did, or a picture fails that was shown before it."""
        source = self._state.source
        was_shown = self._complete is not None and self._complete.source == self.displayed == source
        if source is not None and error.title != MODEL_TITLE and not was_shown:
            self.picture_failed.emit(source, error.sentence)

    @property
    def _behind(self) -> bool:
        """Whether the window still shows what was there before: another picture, or this one by another network."""
        if self.displayed is None:
            return False
        if self.displayed != self._state.source:
            return True
        return self.shown is None and self._complete is not None and self._complete.source == self.displayed

    def _revert(self) -> None:
        """Want again what the window still shows, so that the next change does not fail too."""
        good = self._complete or State()
        wanted = replace(self._state, source=self.displayed, model=good.model, extract=good.extract, basis=good.basis)
        self._set(wanted, reverted=True)

    def _say_stopped(self, busy: bool) -> None:
        if self._stopping and not busy:
            self.noted.emit("Stopped.")
        self._stopping = False
