"""The sequence that is open: its frames, the matte that is carried through them, and what corrects it where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from sss_gui.requests.channel import Channel, Ended, Rank
from sss_gui.requests.panes import Source
from sss_gui.requests.segments import (
    CarriedTo,
    Carry,
    FrameList,
    LayersRequest,
    Mark,
    Matte,
    MatteRequest,
    SegmentsRequest,
)
from sss_gui.requests.sequence import CarryRequest, CarryResult
from sss_gui.state.layer_edits import Edits
from sss_gui.state.picture_list import PictureList
from sss_gui.state.segments import Segments
from sss_gui.state.session import Session
from sss_model.array_types import Floats, Mask
from sss_model.sequence.jumps import jumps

QUIET_MS = 300
"""Of quiet after the last click, before frames are asked for anew."""


class FrameSequence(QObject):
    """Owns which frames are open, in which of them the matte was made and corrected, and where it was carried to.

    The frames are the pictures of the list; with any other list there is no sequence. The first frame with a matte is
    the key; what is clicked in others corrects the matte that is carried there.

    Attributes
    ----------
    frames : None without a sequence
    marks : by frame what was clicked there; with the `key`, unless that is None
    backwards : frames whose corrections count for those before them too
    areas : (N,) float32, the matte's share of each frame; nan where it was not carried to
    changes : (N,) float32, mean |alpha - that of the frame before|; nan where not known
    files : by frame a small grey picture of its matte
    failed : frames that cannot be read, with the sentence that says why
    carrying : whether the matte is carried on to all frames, now and after corrections
    playing : whether frames are played

    Signals
    -------
    frames_changed, marks_changed, carried_changed, carrying_changed, playing_changed : what their names say
    noted : a sentence for the status line
    """

    frames_changed = Signal()
    marks_changed = Signal()
    carried_changed = Signal()
    carrying_changed = Signal(bool)
    playing_changed = Signal(bool)
    noted = Signal(str)

    def __init__(
        self, session: Session, pictures: PictureList, segments: Segments, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._pictures, self._segments = session, pictures, segments
        self._known = Channel(session.worker, Rank.CARRIED, stops_running=True)
        self._carries = Channel(session.worker, Rank.CARRY, stops_running=True, busy=True)
        self._asked: tuple[Carry, bool] | None = None
        self._timer = QTimer(self, interval=QUIET_MS, singleShot=True)
        self._timer.timeout.connect(self._ask)
        self.carrying = self.playing = False
        self._begin(None)
        segments.frames = self
        pictures.changed.connect(self._follow_list)
        for changed in (segments.steps_changed, segments.picked_changed, segments.params_changed):
            changed.connect(self._follow_edits)
        for changed in (session.model_changed, session.extract_changed):
            changed.connect(self._follow_network)

    def _begin(self, frames: FrameList | None) -> None:
        self.frames = frames
        self._index = {} if frames is None else {source: k for k, source in enumerate(frames.sources)}
        self.key: int | None = None
        self.marks: dict[int, MatteRequest] = {}
        self.backwards: frozenset[int] = frozenset()
        self._empty()

    def _empty(self) -> None:
        """Nothing is carried anywhere."""
        count = len(self._index)
        self.areas: Floats = np.full(count, np.nan, np.float32)
        self.changes: Floats = np.full(count, np.nan, np.float32)
        self.files: dict[int, Path] = {}
        self.failed: dict[int, str] = {}
        self._ready: frozenset[int] = frozenset()

    def end(self) -> None:
        """The program ends."""
        self.playing = False
        self._timer.stop()

    # frames ----------------------------------------------------------------------------------------------------------

    def open(self, frames: FrameList, index: int = 0) -> None:
        """Let these frames be all that is open."""
        self._close()
        self._begin(frames)
        self._pictures.set(frames.sources, index)
        self.frames_changed.emit()
        self.marks_changed.emit()
        self.carried_changed.emit()
        if frames.notes:
            self.noted.emit(" ".join(frames.notes))

    @property
    def index(self) -> int:
        """Place of the frame that is wanted; -1 without a sequence."""
        source = self._session.state.source
        return -1 if source is None else self._index.get(source, -1)

    @property
    def waiting(self) -> bool:
        """Whether a change is still to be asked for."""
        return self._timer.isActive() or self._known.pending

    def renew(self, source: Source) -> None:
        """The file of a frame is another one, and those of others may be: the matte is carried anew."""
        if self.frames is not None and source in self._index:
            self.frames = replace(self.frames, version=self.frames.version + 1)
            self._empty()
            self.carried_changed.emit()
            self._timer.start()

    def go(self, index: int) -> None:
        """Show a frame."""
        if self.frames is not None:
            self._pictures.choose(min(max(index, 0), len(self.frames.numbers) - 1))

    def play(self, playing: bool) -> None:
        """Play the frames, or stop there."""
        if self.frames is not None and playing != self.playing:
            self.playing = playing
            self.playing_changed.emit(playing)

    def _follow_list(self) -> None:
        if self.frames is not None and tuple(self._pictures.sources) != self.frames.sources:
            self._close()
            self._segments.forget(self.frames.sources)
            self._begin(None)
            self.frames_changed.emit()

    def _close(self) -> None:
        self.play(False)
        self._timer.stop()
        self._asked = None
        for channel in (self._known, self._carries):
            channel.drop()
        self._set_carrying(False)

    # what the Segments view asks -------------------------------------------------------------------------------------

    def together(self, one: Source | None, other: Source | None) -> bool:
        """Whether both are frames."""
        return one in self._index and other in self._index

    def carried_to(self, source: Source | None) -> CarriedTo | None:
        """The matte that comes to a frame from others, without its own corrections; None where it is not there."""
        index = self._index.get(source, -1) if source is not None else -1
        there = index in self.files or index in self._ready
        carry = self._carry(without=index) if there and index != self.key else None
        return None if carry is None else CarriedTo(carry, index)

    def hindrance(self, source: Source | None) -> str:
        """Why nothing can be clicked now; '' where it can."""
        if source is None or source not in self._index:
            return ""
        if self.playing:
            return "Stop playing first, then click."
        if self.key is None or self._index[source] == self.key or self.carried_to(source) is not None:
            return ""
        return "The matte has not come to this frame yet: press Carry in the timeline, then correct it here."

    # the matte -------------------------------------------------------------------------------------------------------

    def carry(self) -> Carry | None:
        """All that the matte of the frames is made of; None while there is none."""
        return self._carry()

    def _carry(self, without: int | None = None) -> Carry | None:
        if self.frames is None or self.key is None:
            return None
        key = Mark(self.key, self.marks[self.key])
        others = sorted(frame for frame in self.marks if frame not in (self.key, without))
        return Carry(self.frames, key, tuple(Mark(k, self.marks[k], k in self.backwards) for k in others))

    def set_carrying(self, carrying: bool) -> None:
        """Carry the matte on to all frames, also after what is corrected later; or stop."""
        if carrying and self.key is None:
            self.noted.emit("First click in a frame what the matte is to hold.")
            self.carrying_changed.emit(False)
            return
        self._set_carrying(carrying)
        if carrying:
            self._ask()
        else:
            self._carries.drop()
            self._asked = None

    def set_backwards(self, index: int, backwards: bool) -> None:
        """Let the correction of a frame count for the frames before it too."""
        changed = self.backwards | {index} if backwards else self.backwards - {index}
        if changed != self.backwards and index in self.marks:
            self.backwards = changed
            self._change()

    def restore(self, key: int, marks: Mapping[int, Edits], backwards: frozenset[int]) -> None:
        """What was made of these frames before."""
        frames, state = self.frames, self._session.state
        if frames is None:
            return
        self.key, self.backwards = key, backwards
        self.marks = {}
        for frame, edits in marks.items():
            features = replace(state, source=frames.sources[frame]).features()
            layers = LayersRequest(SegmentsRequest(features), ())
            self.marks[frame] = MatteRequest(layers, Matte((), edits.steps, edits.edges, edits.params))
        self._change()
        for frame, edits in marks.items():
            self._segments.recall(frames.sources[frame], edits, ())

    def jumping(self) -> Mask:
        """(N,) the frames that differ much more from the one before than others; not those that were corrected."""
        large = jumps(self.areas, self.changes)
        large[[frame for frame in self.marks if frame < len(large)]] = False
        return large

    def _set_carrying(self, carrying: bool) -> None:
        if carrying != self.carrying:
            self.carrying = carrying
            self.carrying_changed.emit(carrying)

    def _follow_edits(self, *_: object) -> None:
        """What is clicked in a frame makes the matte there, or corrects it."""
        displayed, segments = self._session.displayed, self._segments
        if displayed is None or displayed not in self._index:
            return
        index, request, edits = self._index[displayed], segments.matte_request(), segments.edits
        former = self.marks.get(index)
        if former is not None and former.matte.picked and edits.cut is None:
            return  # its layers are not there yet
        picked = bool(edits.picked) and self.key in (None, index)
        if request is not None and (edits.steps or picked):
            marks = {**self.marks, index: replace(request, decontaminate=False, carried=None)}
        else:
            marks = {k: mark for k, mark in self.marks.items() if k != index}
        marks = {k: replace(mark, matte=replace(mark.matte, params=edits.params)) for k, mark in marks.items()}
        if marks != self.marks:
            self.marks, self.backwards = marks, self.backwards & marks.keys()
            if self.key not in marks:
                last = self.key or 0
                self.key = min(marks, key=lambda frame: abs(frame - last), default=None)
            self._change()

    def _follow_network(self, _value: object) -> None:
        """The matte is made of the features that are wanted."""
        state = self._session.state
        if self.frames is None or not self.marks or state.source is None:
            return
        for index, mark in self.marks.items():
            features = replace(state, source=self.frames.sources[index]).features()
            cut = replace(mark.layers.cut, features=features)
            self.marks[index] = replace(mark, layers=replace(mark.layers, cut=cut))
        self._empty()
        self._change()

    def _change(self) -> None:
        """The matte is another one: the frames that it was carried to are asked for anew, after a while of quiet."""
        if self.key is None:
            self._empty()
            self._set_carrying(False)
            self._carries.drop()
            self.carried_changed.emit()
        self.marks_changed.emit()
        self._timer.start()

    # answers ---------------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._timer.stop()
        carry = self.carry()
        asked = None if carry is None else (carry, self.carrying)
        if carry is None or asked == self._asked:
            return
        self._asked = asked
        self._known.drop()
        self._carries.drop()
        if self.carrying:
            self._carries.ask(CarryRequest(carry, True), self._take, self._end)
        else:
            self._known.ask(CarryRequest(carry), self._take)

    def _take(self, result: CarryResult) -> None:
        if result.carry != self.carry():  # it has just been changed, and is about to be asked for anew
            return
        if result.first:
            self._empty()
            self._ready = result.ready
        for carried in result.frames:
            self.areas[carried.frame], self.changes[carried.frame] = carried.area, carried.change
            self.files[carried.frame] = carried.file
        self.failed.update(result.failed)
        for frame, sentence in result.failed:
            number = self.frames.numbers[frame] if self.frames is not None else frame
            self.noted.emit(f"Frame {number} is left out: {sentence}")
        self.carried_changed.emit()
        self._segments.follow_frames()

    def _end(self, ended: Ended) -> None:
        if ended.outcome != "done":
            self._asked = None
            self._set_carrying(False)
