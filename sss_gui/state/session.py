"""What is wanted and what is shown: intents come in, one signal a field goes out. No widget, no array arithmetic.

What is wanted is asked for in three requests: the picture, its features, and the panes that show these; where
nothing of a picture is shown yet, rough panes come before its features. Another radius asks for the panes alone. While
a slider moves, previews are asked for in their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.pane_names import PANES
from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.error_text import MODEL_TITLE, ErrorText
from sss_gui.requests.panes import (
    Box,
    ComputeFeatures,
    ExportRequest,
    FeaturesResult,
    LiftRequest,
    LoadModelRequest,
    Notes,
    OpenedPicture,
    OpenPicture,
    PanesResult,
    Patch,
    Preview,
    RenderPanes,
    RoughPanes,
    Source,
    View,
)
from sss_gui.requests.worker import Worker
from sss_model.params import ExportParams, ExtractParams, FilterParams, ProjectionParams

JOBS = (Rank.BASIS, Rank.EXPORT, Rank.BATCH, Rank.CARRY)
"""Ranks of what may take long, and is not what the panes wait for."""


REST_MS = 250


class Motion(QObject):
    """Moves end when somebody says so, or `REST_MS` after the last one.

    Signals
    -------
    rested : the parameters stay as they are now, for a while at least
    """

    rested = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self, interval=REST_MS, singleShot=True)
        self._timer.timeout.connect(self.rest)

    @property
    def moving(self) -> bool:
        """Whether the last move is not at rest yet."""
        return self._timer.isActive()

    def move(self) -> None:
        """A parameter has just moved, and may go on moving."""
        self._timer.start()

    @contextmanager
    def change(self, moving: bool) -> Iterator[None]:
        """What changes within is a move while `moving`, and is at rest else."""
        if moving:
            self.move()
        yield
        if not moving:
            self.rest()

    def rest(self) -> None:
        """The move is over."""
        self._timer.stop()
        self.rested.emit()

    def stop(self) -> None:
        """Forget the move without telling anybody."""
        self._timer.stop()


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

    def features(self, *, fresh: bool = False) -> ComputeFeatures:
        """The request for the features of this state."""
        if self.source is None:
            raise RuntimeError("Nothing is open to be shown.")
        return ComputeFeatures(self.source, self.model, self.extract, fresh)

    def panes(self) -> RenderPanes:
        """The request for the panes that show this state."""
        return RenderPanes(self.features(), self.filter, self.projection, self.basis)


class Session(QObject):
    """The picture, the model and the parameters that are wanted, and what of them the window shows.

    Attributes
    ----------
    displayed : whose picture is in the panes; `state.source` is the one that is wanted there
    size : (H, W) of the displayed picture
    features : of the displayed picture; None before they are there
    motion : whether a parameter is being moved
    worker : answers the requests of the session, and of all who make a channel of their own
    exports : the channel of what writes files

    Signals
    -------
    source_changed, model_changed, extract_changed, filter_changed, projection_changed, basis_changed : the field of
        `state` of that name has another value, which comes along
    reverted : after a failure or a stop, what is wanted is again what is shown; the fields' own signals follow
    status_changed : str, the `status`; or whether the panes are `outdated`
    displayed_changed : Source or None, whose picture the panes show from now on
    picture_opened : OpenedPicture, the displayed picture
    features_computed : FeaturesResult, those of the displayed picture
    roughly_rendered : PanesResult, panes to be looked at until those of the features come
    panes_rendered : PanesResult, some or all panes of the displayed picture
    previewed : Patch, a preview of the filtered pane
    lifted : Patch, the visible part of the filtered pane as sharp as the photograph
    opened : Source, once its features are there
    picture_failed : Source that cannot be shown, and the sentence that says why
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
    status_changed = Signal(str)
    displayed_changed = Signal(object)
    picture_opened = Signal(object)
    features_computed = Signal(object)
    roughly_rendered = Signal(object)
    panes_rendered = Signal(object)
    previewed = Signal(object)
    lifted = Signal(object)
    opened = Signal(object)
    picture_failed = Signal(object, str)
    exported = Signal(object)
    model_loaded = Signal(object)
    failed = Signal(object)
    noted = Signal(str)

    def __init__(self, worker: Worker, parent: QObject | None = None, state: State | None = None) -> None:
        super().__init__(parent)
        self.worker = worker
        self.motion = Motion(self)
        self.displayed: Source | None = None
        self.size = (0, 0)
        self.features: FeaturesResult | None = None
        self.exports = Channel(worker, Rank.EXPORT, keeps_all=True, busy=True)
        self._opening = Channel(worker, Rank.OPEN, stops_running=True, busy=True, quiet=True)
        self._roughs = Channel(worker, Rank.PREVIEW, stops_running=True, busy=True, quiet=True)
        self._computing = Channel(worker, Rank.FEATURES, stops_running=True, busy=True, quiet=True)
        self._rendering = Channel(worker, Rank.PANES, stops_running=True, busy=True, quiet=True)
        self._previews = Channel(worker, Rank.PREVIEW, quiet=True)
        self._lifts = Channel(worker, Rank.LIFT)
        self._models = Channel(worker, Rank.MODEL)
        self._state = state or State()
        self._complete: State | None = None  # the last one that was shown whole
        self._network: tuple[object, ...] | None = None  # whose features were asked for, unless that failed
        self._agreed: set[Source] = set()  # pictures that may be reduced to what memory holds
        self._refused: Source | None = None  # the last one that was not read because nobody had agreed
        self._live = False  # whether a preview was asked for last
        self._exact = False  # whether the filtered pane is exact
        self._rough = False  # whether the panes show what the smallest scale alone tells of the displayed picture
        self._shows_features = False  # whether the panes show the displayed picture's, of this state or another one
        self._previewed = False  # whether a preview lies over the filtered pane
        self._renewing = False  # whether the files were asked for anew, and what is shown is of former ones
        self._told = "", False
        self._view: View | None = None
        self._stopping = False
        self._field_signals = {
            "source": self.source_changed,
            "model": self.model_changed,
            "extract": self.extract_changed,
            "filter": self.filter_changed,
            "projection": self.projection_changed,
            "basis": self.basis_changed,
        }
        self.motion.rested.connect(self._show_exact)
        worker.failed.connect(self.failed)
        worker.cancelled.connect(self._note_cancelled)
        worker.activity.busy_changed.connect(self._note_stopped)

    @property
    def state(self) -> State:
        """What is wanted."""
        return self._state

    @property
    def busy(self) -> bool:
        """Whether anything is under way that a user waits for."""
        return self.worker.activity.busy

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way and no parameter moves."""
        return not self.busy and not self.motion.moving

    @property
    def shown(self) -> Source | None:
        """The wanted picture once its features are there; None while they are under way."""
        return self._state.source if self._complete and self._complete.network == self._state.network else None

    @property
    def outdated(self) -> bool:
        """Whether the panes still show features of another model or working size than is wanted, or of former files."""
        if not self._shows_features or self._complete is None:
            return False
        return self._renewing or self._complete.network != replace(self._state, source=self.displayed).network

    @property
    def status(self) -> str:
        """Of the filtered pane, one of stale, preview, exact; '' while it shows nothing."""
        if not self._shows_features or self._complete is None:
            return "preview" if self._rough else ""
        if self.outdated:
            return "stale"
        if self._previewed:
            return "preview"
        wanted = replace(self._state, source=self.displayed)
        return "exact" if _filtered(self._complete) == _filtered(wanted) else "stale"

    def is_rough(self, pane: str) -> bool:
        """Whether `pane` shows what the smallest scale alone tells, which is to be looked at and not to be used."""
        return self._rough and pane in PANES[1:]

    def cell(self, point: tuple[int, int], grid: tuple[int, ...]) -> tuple[int, int]:
        """(x, y) of the cell of a `grid` (h, w, ...) that lies under the pixel `point` of the displayed picture."""
        x, y = (
            min(int((place + 0.5) * cells / max(pixels, 1)), cells - 1)
            for place, pixels, cells in zip(point, self.size[::-1], grid[1::-1], strict=True)
        )
        return x, y

    # intents -------------------------------------------------------------------------------------------------------

    def load_model(self) -> None:
        """Let the worker import torch and load the model now."""
        self._models.ask(LoadModelRequest(self._state.model, self._state.extract), self.model_loaded.emit)

    def set_source(self, source: Source | None) -> None:
        """Show `source`; `PictureList` says so when the user chooses a picture."""
        self.set_state(replace(self._state, source=source))

    def read_smaller(self) -> None:
        """Show the picture that was left alone because it does not fit into memory: the user agrees to less of it."""
        if self._refused is not None:
            self._agreed.add(self._refused)
            self.set_source(self._refused)

    def set_model(self, path: Path | None) -> None:
        """Use the checkpoint `path`; None is the shipped one."""
        self.set_state(replace(self._state, model=path))

    def set_extract(self, params: ExtractParams) -> None:
        """Compute features with `params`."""
        self.set_state(replace(self._state, extract=params))

    def set_filter(self, params: FilterParams, *, moving: bool = False) -> None:
        """Filter with `params`; `moving` while a slider is dragged: previews now, the exact result when it rests."""
        with self.motion.change(moving):
            if params != self._state.filter or (self._live and not moving):
                self._change(replace(self._state, filter=params), live=moving)

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
        elif state.source is not None and not self._rendering.pending and self.shown is None:
            self._show()

    def look_at(self, box: Box, scale: float) -> None:
        """Say which part of the picture is on screen, at how many screen pixels a pixel; nothing else is computed."""
        self._view = (box, scale)
        self._lift()

    def run_again(self) -> None:
        """Read the files and run the network anew."""
        if self._state.source is not None:
            self._show(again=True, fresh=True)

    def refresh(self) -> None:
        """Ask anew for what is wanted: files that changed are read again, the rest is remembered."""
        if self._state.source is not None:
            self._show(again=True)

    def cancel(self) -> None:
        """Stop whatever runs; what is shown stays."""
        self.motion.stop()
        self._stopping = self.busy
        for channel in [each for each in self.worker.channels if each.pending]:  # what the end of one asks goes on
            channel.cancel()

    def stop(self) -> None:
        """Stop a job, such as an export, and go on with the picture that was chosen; without a job stop everything."""
        jobs = [channel for channel in self.worker.channels if channel.rank in JOBS and channel.pending]
        for job in jobs:
            job.cancel()
        if not jobs:
            self.cancel()

    def close(self) -> None:
        """Ask for nothing more, and take no more results."""
        self.motion.stop()
        self.worker.close(0.0)

    def export(self, folder: Path, params: ExportParams) -> None:
        """Write what is shown into `folder`."""
        if self._state.source is not None:
            self.exports.ask(ExportRequest(self._state.panes(), folder, params), self.exported.emit)

    # requests ------------------------------------------------------------------------------------------------------

    def _change(self, state: State, *, live: bool = False) -> None:
        self._set(state)
        if state.source is not None:
            self._show(live=live and self.shown is not None)
        else:
            self._drop()

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
        self._tell()

    def _show(self, *, live: bool = False, again: bool = False, fresh: bool = False) -> None:
        """Ask for what is wanted and was not asked for; `again`: for all of it, `fresh`: not for what is remembered."""
        state = self._state
        self._live, self._exact = live, False
        self._lifts.drop()
        if live:
            self._rendering.drop()
            self._previews.ask(Preview(state.panes(), self._view), self._take_preview, self._end)
            return
        if again or state.network != self._network:
            self._network = state.network
            self._renewing = again and not fresh
            features = state.features(fresh=fresh)
            opens = again or state.source != self.displayed
            if opens:
                self._opening.ask(
                    OpenPicture(features.source, features.source in self._agreed), self._take_picture, self._end
                )
            if state.source != self.displayed or not self._shows_features:
                self._roughs.ask(RoughPanes(state.panes()), self._take_rough)  # what fails here fails below too
            else:
                self._roughs.drop()
            self._computing.ask(features, self._take_features, self._end)
            if not opens:
                self._opening.drop()
            self._previews.drop()
        self._rendering.ask(state.panes(), self._take_panes, self._end)
        self._tell()

    def _drop(self) -> None:
        """What was asked for so far is not wanted any more."""
        self._network = None
        for channel in (self._opening, self._roughs, self._computing, self._previews, self._rendering):
            channel.drop()

    def _show_exact(self) -> None:
        """Ask for the exact result where a preview is shown."""
        if self._live and self._state.source is not None:
            self._show()

    def _lift(self) -> None:
        """Have the visible part of the filtered pane made as sharp as the photograph."""
        state, view = self._state, self._view
        if self.shown is not None and view is not None and not self._live and self._exact:
            self._lifts.ask(LiftRequest(state.panes(), view), self.lifted.emit)

    # results -------------------------------------------------------------------------------------------------------

    def _take_picture(self, result: OpenedPicture | Notes) -> None:
        if isinstance(result, Notes):
            self.noted.emit(" ".join(result.sentences))
            return
        self._display(result.source, result.size)
        self.picture_opened.emit(result)

    def _take_rough(self, result: PanesResult) -> None:
        self._rough = True
        self.roughly_rendered.emit(result)
        self._tell()

    def _take_features(self, result: FeaturesResult | Notes) -> None:
        if isinstance(result, Notes):
            self.noted.emit(" ".join(result.sentences))
        else:
            self.features = result
            self.features_computed.emit(result)

    def _take_panes(self, result: PanesResult) -> None:
        opened = result.complete and self.shown is None
        self._exact = result.complete
        if result.complete:
            self._complete, self._shows_features = self._state, True
            self._previewed = self._renewing = self._rough = False
        self.panes_rendered.emit(result)
        self._tell()
        if opened:
            self.opened.emit(result.source)
        if result.complete:
            self._lift()

    def _take_preview(self, patch: Patch) -> None:
        self._previewed = True
        self.previewed.emit(patch)
        self._tell()

    def _display(self, source: Source | None, size: tuple[int, int]) -> None:
        self.size = size
        if source != self.displayed:
            self.displayed, self.features = source, None
            self._shows_features = self._previewed = self._renewing = self._rough = False
            self.displayed_changed.emit(source)
            self._tell()

    def _tell(self) -> None:
        now = self.status, self.outdated
        if now != self._told:
            self._told = now
            self.status_changed.emit(self.status)

    def _end(self, ended: Ended) -> None:
        """Once the picture, its features or the panes were stopped or failed, ask for none of the others."""
        if ended.outcome == "done":
            return
        failed_other = ended.error is not None and self._state.source != self.displayed
        if ended.error is not None:
            self._tell_failed(ended.error)
            self._refused = self._state.source if ended.error.can_go_on else None
            self._revert()
            self.failed.emit(ended.error)
        elif self._behind:
            self._revert()
        self._renewing = self._renewing and ended.error is not None  # files that cannot be read are not those shown
        self._drop()
        self._tell()
        if failed_other and self.displayed is not None and self.shown is None:
            self._show(again=True)  # what was under way when the other was chosen

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
        state = replace(self._state, source=self.displayed, model=good.model, extract=good.extract, basis=good.basis)
        self._set(state, reverted=True)

    def _note_cancelled(self, rank: Rank) -> None:
        if rank == Rank.BATCH:  # it reports its own end
            self._stopping = False
        elif rank in JOBS and not self._stopping:
            self.noted.emit("Stopped.")

    def _note_stopped(self, busy: bool) -> None:
        if self._stopping and not busy:
            self.noted.emit("Stopped.")
        self._stopping = False


def _filtered(state: State) -> tuple[object, ...]:
    """What the filtered pane depends on."""
    return state.network, state.filter, replace(state.projection, seed=0), state.basis
